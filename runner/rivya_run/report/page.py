"""The page as HTML: one file with style and script inside, under a policy that lets nothing else in."""

from __future__ import annotations

import base64
import hashlib
from importlib import resources
from pathlib import Path

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from rivya_run.errors import OutputFolderError
from rivya_run.history.chosen import Entry
from rivya_run.report.cards import Page
from rivya_run.report.model import page
from rivya_run.report.pictures import FolderPictures, pictured
from rivya_run.report.wording import amount

NAME = "report.html"


def render(content: Page) -> str:
    """The whole document. Everything from the manifest is escaped; only our own style and script may act."""
    parts = resources.files("rivya_run.report") / "page_parts"
    texts = {name: (parts / name).read_text("utf-8") for name in ("page.html", "cards.html")}
    environment = Environment(
        loader=DictLoader(texts), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters["amount"] = amount
    style, script = ((parts / name).read_text("utf-8") for name in ("page.css", "page.js"))
    return environment.get_template("page.html").render(
        page=content,
        style=Markup(style),
        style_hash=_digest(style),
        script=Markup(script),
        script_hash=_digest(script),
    )


def write_report(
    manifest: Entry, folder: Path, *, storyboard_folder: Path | None = None, embed: bool = False
) -> Path:
    """Write ``report.html`` into an output folder and return its path.

    References are pictured from ``storyboard_folder``, to which their paths are relative; with ``embed``
    small clips are put into the page. Raises OutputFolderError when the folder can't be written.
    """
    paths = pictured(manifest)
    references = (storyboard_folder,) if storyboard_folder is not None else ()
    pictures = FolderPictures(folder, references, embed=embed, takes=len(paths))
    pictures.prepare(paths)
    text = render(page(manifest, pictures))
    target = folder / NAME
    part = folder / (NAME + ".part")
    try:
        part.write_bytes(text.encode("utf-8", "replace"))
        part.replace(target)
    except OSError as problem:
        raise OutputFolderError(f"{target} can't be written: {problem.strerror or problem}") from problem
    return target


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
