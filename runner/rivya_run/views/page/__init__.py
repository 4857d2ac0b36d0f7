"""The page of a storyboard's results as HTML: one file with style and script inside, under a policy that lets
nothing else in.

Posters, thumbnails and embedded clips are files of the output folder as data URIs, kept small and cached.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from rivya_run.durable import replacing, write_atomically
from rivya_run.errors import OutputFolderError
from rivya_run.media.frames import poster
from rivya_run.media.types import by_suffix
from rivya_run.project.manifest_reader import Entry, entries, playable
from rivya_run.project.places import POSTERS
from rivya_run.text import figure
from rivya_run.views.page.cards import Page
from rivya_run.views.page.model import page

NAME = "report.html"


def render(content: Page) -> str:
    """The whole document. Everything from the manifest is escaped; only our own style and script may act."""
    parts = resources.files("rivya_run.views.page") / "page_parts"
    texts = {name: (parts / name).read_text("utf-8") for name in ("page.html", "cards.html")}
    environment = Environment(
        loader=DictLoader(texts), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters["amount"] = figure
    style, script = ((parts / name).read_text("utf-8") for name in ("page.css", "page.js"))
    return environment.get_template("page.html").render(
        page=content,
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
    film: float | None = None,
) -> Path:
    """Write ``report.html`` into an output folder and return its path.

    References are pictured from ``storyboard_folder``, to which their paths are relative; with ``embed``
    small clips are put into the page. ``film`` is the length of the film in
    seconds. Raises OutputFolderError when the folder can't be written.
    """
    paths = pictured(manifest)
    references = (storyboard_folder,) if storyboard_folder is not None else ()
    pictures = FolderPictures(folder, references, embed=embed, takes=len(paths))
    pictures.prepare(paths)
    text = render(page(manifest, pictures, film))
    target = folder / NAME
    write_atomically(target, text.encode("utf-8", "replace"))
    return target


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


CACHE = POSTERS
EMBED_FILE = 8 * 1024 * 1024  # bytes; base64 adds a third, and browsers get slow with larger ones
EMBED_ALL = 96 * 1024 * 1024
"""Bytes: a clip larger than the one, and clips beyond the sum of the other, stay beside the page."""

POSTERS_ALL = 24 * 1024 * 1024
"""Bytes of all posters of a page together, so that it still opens quickly; takes beyond it have none."""

_WIDTHS = ((80, 480, 72), (300, 320, 66), (10_000_000, 208, 60))
"""Up to so many takes: width in pixels and JPEG quality of a poster."""

_THUMBNAIL = 160  # pixels wide
_THREADS = 4  # clips are decoded outside of Python's lock
_PLAYED = frozenset(("video/mp4", "video/webm", "video/quicktime"))
"""What browsers play."""


class FolderPictures:
    """Pictures of one output folder; ``prepare`` makes the posters of many files at once."""

    def __init__(self, folder: Path, references: Iterable[Path] = (), *, embed: bool, takes: int) -> None:
        self._folder = folder
        self._bases = (*references, folder)
        self._embed = embed
        self._embedded = 0
        self._width, self._quality = next(found[1:] for found in _WIDTHS if takes <= found[0])
        self._room = POSTERS_ALL
        self._made: dict[str, str | None] = {}
        self._thumbnails: dict[str, str | None] = {}

    def prepare(self, paths: Iterable[str]) -> None:
        """Make the posters of these files, several at a time, and forget cached ones of other files."""
        wanted = [path for path in dict.fromkeys(paths) if self.exists(path)]
        used: set[str] = set()
        with ThreadPoolExecutor(_THREADS) as threads:
            for path, (name, content) in zip(wanted, threads.map(self._cached, wanted), strict=True):
                used.add(name)
                if content is not None and len(content) <= self._room:
                    self._room -= len(content)
                    self._made[path] = _data_uri("image/jpeg", content)
        for old in (self._folder / CACHE).glob("*.jpg"):
            if old.name not in used:
                with contextlib.suppress(OSError):
                    old.unlink()

    def exists(self, path: str) -> bool:
        return (self._folder / path).is_file()

    def poster(self, path: str) -> str | None:
        return self._made.get(path)

    def embedded(self, path: str) -> str | None:
        """The whole clip, if it is small and there is room for it."""
        file = self._folder / path
        kind = by_suffix(file.suffix)
        if not self._embed or kind is None or kind.mime_type not in _PLAYED:
            return None
        size = file.stat().st_size
        if size > EMBED_FILE or self._embedded + size > EMBED_ALL:
            return None
        self._embedded += size
        return _data_uri(kind.mime_type, file.read_bytes())

    def thumbnail(self, upload: Entry) -> str | None:
        """A small picture of a reference file, if it still is the one that was uploaded."""
        sha256, path = upload.get("sha256"), upload.get("path")
        if not isinstance(sha256, str) or not isinstance(path, str):
            return None
        if sha256 not in self._thumbnails:
            self._thumbnails[sha256] = self._thumbnail(path, sha256, upload.get("bytes"))
        return self._thumbnails[sha256]

    def _thumbnail(self, path: str, sha256: str, size: object) -> str | None:
        if "\0" in path:
            return None
        for base in self._bases:
            file = base / path
            with contextlib.suppress(OSError):
                if file.stat().st_size == size and hashlib.sha256(file.read_bytes()).hexdigest() == sha256:
                    content = poster(file, _THUMBNAIL)
                    return _data_uri("image/jpeg", content) if content is not None else None
        return None

    def _cached(self, path: str) -> tuple[str, bytes | None]:
        """Name in the cache and content of a poster; a cache that can't be written is done without."""
        file = self._folder / path
        found = file.stat()
        mark = f"{path} {found.st_size} {found.st_mtime_ns} {self._width} {self._quality}"
        kept = self._folder / CACHE / (hashlib.sha256(mark.encode()).hexdigest()[:24] + ".jpg")
        with contextlib.suppress(OSError):
            return kept.name, kept.read_bytes()
        content = poster(file, self._width, self._quality)
        if content is not None:
            with contextlib.suppress(OutputFolderError), replacing(kept, durable=False) as part:
                part.write_bytes(content)
        return kept.name, content


def _data_uri(mime: str, content: bytes) -> str:
    return f"data:{mime};base64,{base64.b64encode(content).decode('ascii')}"


def pictured(manifest: Entry) -> list[str]:
    """The files of a manifest that get a poster."""
    takes = [take for shot in entries(manifest.get("shots")) for take in entries(shot.get("takes"))]
    found = (playable(take) for take in (*takes, *entries(manifest.get("history"))))
    return [file[0] for file in found if file is not None and file[1] != "audio"]
