"""The files that a served page names: only these are served, under names that tell nothing of where they lie."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from rivya_run.film.script import Script
from rivya_run.project.files import OwnFiles
from rivya_run.views.page.files import FolderFiles


class ServedFiles(FolderFiles):
    """Files of an output folder, and those of people's own that ``scripts`` use, by their addresses on the page.

    A link is followed as far as the project: clips may lie in a store of large files there.
    """

    def __init__(self, folder: Path, own: OwnFiles, scripts: Iterable[Script], *, takes: int) -> None:
        super().__init__(folder, (own.folder,), takes=takes)
        self._own = frozenset(_own(scripts))
        self._roots = (folder.resolve(), own.root.resolve())
        self._served: dict[str, str] = {}

    def address(self, path: str) -> str:
        name = hashlib.sha256(path.encode("utf-8", "surrogatepass")).hexdigest()[:24]
        self._served[name] = path
        return f"./file/{name}/{quote(PurePosixPath(path).name, safe='')}"

    def exists(self, path: str) -> bool:
        return self._real(path) is not None

    def served(self, name: str) -> Path | None:
        """The file with this name in its address; None for what the page doesn't name, or isn't a file."""
        path = self._served.get(name)
        return self._real(path) if path is not None else None

    def all(self) -> list[Path]:
        """Where the files of the page are looked for, there or not."""
        return [self._file(path) for path in self._served.values()]

    def _real(self, path: str) -> Path | None:
        """A file, unless a link leads to what is neither the project's nor the storyboard's."""
        try:
            real = self._file(path).resolve(strict=True)
            ours = real in self._own or any(map(real.is_relative_to, self._roots))
            return real if ours and real.is_file() else None
        except (OSError, ValueError, RuntimeError):
            return None


def _own(scripts: Iterable[Script]) -> Iterable[Path]:
    for script in scripts:
        for one in (*script.shots, *script.sounds):
            if not one.generated and one.footage is not None and one.footage.file is not None:
                yield one.footage.file.resolve()
