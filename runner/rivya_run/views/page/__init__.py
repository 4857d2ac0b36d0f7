"""The page of a storyboard's results as HTML: one file with style and script inside, under a policy that lets
nothing else in.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator, Mapping
from importlib import resources
from pathlib import Path

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from rivya_run.durable import write_atomically
from rivya_run.film.cut import CutProgress
from rivya_run.film.edit import edited
from rivya_run.film.script import Script
from rivya_run.project.manifest_reader import Entry
from rivya_run.text import figure
from rivya_run.views.page.cards import Page
from rivya_run.views.page.decided import Decisions
from rivya_run.views.page.figures import size
from rivya_run.views.page.files import FolderFiles, embeddable, own_files, pictured
from rivya_run.views.page.model import page

NAME = "report.html"
_HTML, _STYLES, _SCRIPTS = (
    ("page.html", "film.html", "cards.html"),
    ("page.css", "film.css"),
    ("page.js", "film.js"),
)
_SERVED = "review.js"


def render(content: Page, revision: int | None = None) -> Iterator[str]:
    """The document in pieces. Everything from the manifest is escaped; only our own style and script may act.

    With a ``revision`` it is one that is served: it asks its server for newer ones, and to write what is decided.
    """
    served = revision is not None
    parts = resources.files("rivya_run.views.page") / "page_parts"
    environment = Environment(
        loader=DictLoader({name: (parts / name).read_text("utf-8") for name in _HTML}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    environment.filters["amount"] = figure
    style, script = (
        "".join((parts / name).read_text("utf-8") for name in names)
        for names in (_STYLES, (*_SCRIPTS, *([_SERVED] if served else [])))
    )
    return environment.get_template("page.html").generate(
        page=content,
        served=served,
        revision=revision,
        style=Markup(style),
        style_hash=_digest(style),
        script=Markup(script),
        script_hash=_digest(script),
    )


def write_report(
    manifest: Entry,
    folder: Path,
    *,
    storyboard_folder: Path | None = None,
    embed: bool = False,
    scripts: Mapping[str | None, Script] | None = None,
    decided: Decisions | None = None,
    progress: CutProgress | None = None,
    tell: Callable[[str], None] | None = None,
) -> Path:
    """Write ``report.html`` into an output folder and return its path.

    References are pictured from ``storyboard_folder``, to which their paths are relative. The films are those
    of ``scripts``, by their versions; ``decided`` is what people have decided.
    With ``embed`` small copies of what can be played are put into the page: ``progress`` is told how far that is,
    ``tell`` what is in it. Raises OutputFolderError when the folder can't be written.
    """
    references = (storyboard_folder,) if storyboard_folder is not None else ()
    scripts = scripts or {}
    films = {version: edited(script) for version, script in scripts.items()}
    paths = pictured(manifest, scripts.values(), folder)
    files = FolderFiles(folder, references, takes=len(paths))
    files.prepare(paths)
    if embed:
        files.embed(*embeddable(manifest, films.values(), folder), progress)
    target = folder / NAME
    content = page(manifest, files, films, own_files(scripts.values()), decided)
    write_atomically(target, (piece.encode("utf-8", "replace") for piece in render(content)))
    if tell is not None and content.holds:
        tell(f"a page of {size(target.stat().st_size)}: {content.holds}")
    return target


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
