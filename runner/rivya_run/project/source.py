"""One storyboard without problems, as a plan is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from rivya_run.errors import Problem
from rivya_run.models.catalog import Catalog
from rivya_run.models.table import ModelTable
from rivya_run.project.files import OwnFiles
from rivya_run.project.home import FolderHome
from rivya_run.project.other_choices import Choices
from rivya_run.project.outputs import sha256_of
from rivya_run.project.places import relative_to_root
from rivya_run.storyboard.model import FileFacts, Storyboard


@dataclass(frozen=True, slots=True)
class Source:
    """One storyboard without problems, and where its results live. ``path`` is the file, ``notice`` what is to be
    told of it."""

    path: Path
    storyboard: Storyboard
    catalog: Catalog
    facts: Mapping[str, FileFacts]
    advice: tuple[Problem, ...]
    root: Path
    home: FolderHome
    allow_outside: bool = False
    included: Mapping[str, FileFacts] = field(default_factory=dict)
    choices: Choices | None = None
    notice: str | None = None

    @property
    def folder(self) -> Path:
        """The output folder."""
        return self.home.folder

    @property
    def relative_path(self) -> str:
        """The file as records name it: from the project root."""
        return relative_to_root(self.path, self.root)

    def own_files(self) -> list[Path]:
        """The files that its film is made with beside what is made, there or not, by the paths as written."""
        board, folder = self.storyboard, self.path.parent
        found: list[Path] = []
        for one in dict.fromkeys([shot.file for shot in board.shots] + [one.file for one in board.sounds]):
            if one is not None:
                there = OwnFiles(folder, self.root, self.allow_outside).found(one)
                real = there if isinstance(there, Path) and not (folder / one).exists() else None
                found.append(real or folder / one)
        return found

    def inputs(self) -> dict[str, str]:
        """sha256 of what is read beside the storyboard and its references: by the path from the project root.

        A file of people's own that isn't there, or can't be read, isn't read.
        """
        found = {self._named(path): facts.sha256 for path, facts in self.included.items()}
        for file in (*self.own_files(), *(self.choices.storyboards() if self.choices else ())):
            with suppress(OSError):
                if file.is_file():
                    found[relative_to_root(file, self.root)] = sha256_of(file)
        return found

    def same_includes(self, inputs: Mapping[str, str]) -> bool:
        """Whether the files that it includes are among those ``inputs`` as they are now."""
        return all(inputs.get(self._named(path)) == facts.sha256 for path, facts in self.included.items())

    def _named(self, path: str) -> str:
        return relative_to_root(self.path.parent / path, self.root)

    def tables(self) -> dict[str, ModelTable]:
        return self.catalog.of({shot.model for shot in self.storyboard.shots})
