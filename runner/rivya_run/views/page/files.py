"""The files of a page as data URIs: posters, thumbnails, and small copies of all that can be played.

Posters and copies are kept in the output folder, so that they are made once. A file is named by its path from there.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final
from urllib.parse import quote

from PIL import Image

from rivya_run.durable import replacing
from rivya_run.errors import OutputFolderError, RivyaError
from rivya_run.film.cut import CutProgress
from rivya_run.film.edit import Edit
from rivya_run.film.proxies import SUFFIXES, write_proxy
from rivya_run.film.script import PictureShot, Script
from rivya_run.media.frames import poster
from rivya_run.media.types import by_suffix
from rivya_run.project.manifest_reader import Entry, entries, playable
from rivya_run.project.places import POSTERS
from rivya_run.text import counted
from rivya_run.views.page.cards import Embedded, data_uri
from rivya_run.views.page.figures import size

CACHE = POSTERS
POSTERS_ALL = 24 * 1024 * 1024
"""Bytes of all posters of a page together, so that it still opens quickly; takes beyond it have none."""

EMBED_FILM = 96 * 1024 * 1024
EMBED_ALL = 18 * 1024 * 1024
"""Bytes of the copies in a page: of the film, beyond which browsers get slow, and of all, as far as the film leaves
room. Base64 adds a third, and mail of more than 25 MB isn't taken."""

_AS_IT_IS = 200 * 1024  # bytes: a copy of less would hardly be smaller
_WIDTHS = ((80, 480, 72, 160), (300, 320, 66, 112), (10_000_000, 208, 60, 64))
"""Up to so many takes: width in pixels and JPEG quality of a poster, and the width of a thumbnail."""

_REFERENCE = 160  # pixels wide
_THREADS = 4  # clips are decoded outside of Python's lock
_SHOWN: Final = frozenset(("video/mp4", "video/webm", "audio/mpeg", "audio/mp4", "audio/wav")) | {
    "image/jpeg",
    "image/png",
    "image/webp",
    "image/gif",
}
"""What every browser plays or shows."""


class FolderFiles:
    """Files of one output folder; ``prepare`` makes the posters of many at once, ``embed`` the small copies."""

    def __init__(self, folder: Path, references: Iterable[Path] = (), *, takes: int) -> None:
        self._folder = folder
        self._bases = (*references, folder)
        self._width, self._quality, self._thumb = next(found[1:] for found in _WIDTHS if takes <= found[0])
        self._room = POSTERS_ALL
        self._posters: dict[str, tuple[str, str]] = {}
        self._copies: dict[str, Embedded] = {}
        self._references: dict[str, str | None] = {}
        self._holds = ""

    def prepare(self, paths: Iterable[str]) -> None:
        """Make the posters of these files, several at a time, and forget cached ones of other files."""
        wanted = [path for path in dict.fromkeys(paths) if self.exists(path)]
        used: set[str] = set()
        with ThreadPoolExecutor(_THREADS) as threads:
            for path, (name, content) in zip(wanted, threads.map(self._cached, wanted), strict=True):
                used.add(name)
                if content is not None and len(content) <= self._room:
                    self._room -= len(content)
                    self._posters[path] = (
                        data_uri("image/jpeg", content),
                        data_uri("image/jpeg", _smaller(content, self._thumb)),
                    )
        self._forget("[!s]*.jpg", used)

    def embed(
        self,
        film: Sequence[str],
        takes: Sequence[str],
        progress: CutProgress | None = None,
        room: int = EMBED_ALL,
    ) -> None:
        """Make small copies of the film's files, and of other takes as long as there is room, in bytes."""
        paths = list(dict.fromkeys(path for path in (*film, *takes) if self.exists(path)))
        needed, made, total = set(film), set(takes), 0
        for number, path in enumerate(paths):
            if progress is not None:
                progress("small copies", number / len(paths), None)
            copy = self._small(path, generated=path in made)
            if copy is None:
                continue
            large = copy.file.stat().st_size
            if total + large <= (EMBED_FILM if path in needed else room):
                total += large
                self._copies[path] = copy
            elif path not in needed:
                break
        lacking = len(needed.intersection(paths).difference(self._copies))
        self._holds = (
            f"small copies of {len(self._copies)} of {counted(len(paths), 'file')}, {size(total)}"
            + (f"; {counted(lacking, 'file')} of the film can't be in it" if lacking else "")
        )
        self._forget("small-*", {copy.file.name for copy in self._copies.values()})

    def exists(self, path: str) -> bool:
        return self._file(path).is_file()

    def poster(self, path: str) -> str | None:
        return self._posters.get(path, (None,))[0]

    def thumb(self, path: str) -> str | None:
        return self._posters.get(path, (None, None))[1]

    def embedded(self, path: str) -> Embedded | None:
        return self._copies.get(path)

    def path(self, file: Path) -> str:
        return path_from(self._folder, file)

    def address(self, path: str) -> str:
        if Path(path).is_absolute():  # on another drive: nothing of a manifest can be there
            return Path(path).as_uri()
        return relative_url(path)

    def holds(self) -> str:
        """What is embedded, in words; nothing where nothing is."""
        return self._holds

    def reference(self, upload: Entry) -> str | None:
        """A small picture of a reference file, if it still is the one that was uploaded."""
        sha256, path = upload.get("sha256"), upload.get("path")
        if not isinstance(sha256, str) or not isinstance(path, str):
            return None
        if sha256 not in self._references:
            self._references[sha256] = self._reference(path, sha256, upload.get("bytes"))
        return self._references[sha256]

    def _reference(self, path: str, sha256: str, size: object) -> str | None:
        if "\0" in path:
            return None
        for base in self._bases:
            file = base / path
            with contextlib.suppress(OSError):
                if file.stat().st_size == size and hashlib.sha256(file.read_bytes()).hexdigest() == sha256:
                    content = poster(file, _REFERENCE)
                    return data_uri("image/jpeg", content) if content is not None else None
        return None

    def _file(self, path: str) -> Path:
        return Path(os.path.normpath(self._folder / path))

    def _cached(self, path: str) -> tuple[str, bytes | None]:
        """Name in the cache and content of a poster; a cache that can't be written is done without."""
        file = self._file(path)
        kept = self._kept(path, f"{self._width} {self._quality}").with_suffix(".jpg")
        with contextlib.suppress(OSError):
            return kept.name, kept.read_bytes()
        content = poster(file, self._width, self._quality)
        if content is not None:
            with contextlib.suppress(OutputFolderError), replacing(kept, durable=False) as part:
                part.write_bytes(content)
        return kept.name, content

    def _small(self, path: str, *, generated: bool) -> Embedded | None:
        """A copy that browsers play, or the file itself where that is small enough; None where there is none."""
        file, kind = self._file(path), by_suffix(Path(path).suffix)
        if kind is None:
            return None
        itself = Embedded(file, kind.mime_type) if kind.mime_type in _SHOWN else None
        if itself is not None and file.stat().st_size <= _AS_IT_IS:
            return itself
        suffix, mime_type = SUFFIXES[kind.kind]
        kept = self._kept(path, "small")
        copy = Embedded(kept.with_name(f"small-{kept.name}{suffix}"), mime_type)
        if not copy.file.is_file():
            try:
                write_proxy(file, kind.kind, copy.file, generated=generated)
            except RivyaError:  # it can't be read, or there is no place for a copy
                return None
        larger = itself is not None and file.stat().st_size <= copy.file.stat().st_size
        return itself if larger else copy

    def _kept(self, path: str, how: str) -> Path:
        found = self._file(path).stat()
        mark = f"{path} {found.st_size} {found.st_mtime_ns} {how}"
        return self._folder / CACHE / hashlib.sha256(mark.encode("utf-8", "surrogatepass")).hexdigest()[:24]

    def _forget(self, pattern: str, used: set[str]) -> None:
        for old in (self._folder / CACHE).glob(pattern):
            if old.name not in used:
                with contextlib.suppress(OSError):
                    old.unlink()


def relative_url(path: str) -> str:
    """A path from the output folder as a URL beside the page; never taken for a scheme."""
    return "./" + quote(path, safe="/")


def _smaller(content: bytes, width: int) -> bytes:
    """A picture at most so many pixels wide, as JPEG."""
    with Image.open(io.BytesIO(content)) as image:
        image.thumbnail((width, width))
        kept = io.BytesIO()
        image.save(kept, "JPEG", quality=60, optimize=True)
    return kept.getvalue()


def path_from(folder: Path, file: Path) -> str:
    """A file's path from an output folder, with forward slashes; it may lie outside of it."""
    with contextlib.suppress(ValueError):  # another drive
        return Path(os.path.relpath(file, folder)).as_posix()
    return file.as_posix()


def pictured(manifest: Entry, scripts: Iterable[Script], folder: Path) -> list[str]:
    """The files that get a poster."""
    found = [path for path, kind in _played(manifest) if kind != "audio"]
    shots = (shot for script in scripts for shot in script.shots)
    shown = (shot.footage for shot in shots if isinstance(shot, PictureShot))
    return found + [path_from(folder, one.file) for one in shown if one is not None and one.file is not None]


def own_files(scripts: Iterable[Script]) -> dict[str, Path]:
    """The files of people's own by the shots that they are."""
    shots = [shot for script in scripts for shot in script.shots]
    own = {shot.id: shot.footage.file for shot in shots if not shot.generated and shot.footage is not None}
    return {name: file for name, file in own.items() if file is not None}


def embeddable(manifest: Entry, films: Iterable[Edit], folder: Path) -> tuple[list[str], list[str]]:
    """The files that films play, and those of all takes."""
    needed = []
    for film in films:
        for shot in (*(piece.shot for piece in film.pieces), *(sound.shot for sound in film.sounds)):
            if shot.footage is not None and shot.footage.file is not None:
                needed.append(path_from(folder, shot.footage.file))
    return needed, [path for path, _ in _played(manifest)]


def _played(manifest: Entry) -> Iterator[tuple[str, str]]:
    takes = [take for shot in entries(manifest.get("shots")) for take in entries(shot.get("takes"))]
    for take in (*takes, *entries(manifest.get("history"))):
        found = playable(take)
        if found is not None:
            yield found[0], found[1]
