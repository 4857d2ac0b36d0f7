"""What a server may read and write: what lies in its root, links followed, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from rivya_run.errors import RivyaError, UsageError
from rivya_run.models.catalog import PROJECT_FOLDER
from rivya_run.planning.other_storyboards import board_references
from rivya_run.project.budget_file import BUDGETS
from rivya_run.project.files import OwnFiles
from rivya_run.project.open import has_shots, open_storyboard, storyboards_in
from rivya_run.project.places import OUTPUTS, project_root
from rivya_run.text import shortened

_LEFT_OUT: Final = {OUTPUTS, "node_modules", "venv", "__pycache__"}
_OUTSIDE: Final = "outside"  # the code of the problem of a path that leads outside the project
_MOST_FOLDERS: Final = (
    10_000  # that are looked into for storyboards: a root of somebody's whole disk is a slip
)


class Outside(UsageError):
    """A path leads outside the root of the server."""


class ConfinedRoot:
    """The folder of a server. ``path`` is its real place."""

    def __init__(self, folder: Path) -> None:
        """Raises UsageError where there is no such folder."""
        try:
            self.path = folder.resolve(strict=True)
        except (OSError, RuntimeError) as error:
            raise UsageError(f"there is no folder '{folder}' to serve") from error
        if not self.path.is_dir():
            raise UsageError(f"'{folder}' is not a folder")

    def holds(self, path: Path) -> bool:
        """Whether a path, links followed, is in it."""
        try:
            return path.resolve().is_relative_to(self.path)
        except (OSError, ValueError, RuntimeError):
            return False

    def shown(self, path: Path) -> str:
        """A path as an agent may write it: from the root."""
        return path.relative_to(self.path).as_posix() if path.is_relative_to(self.path) else path.name

    def storyboard(self, written: str) -> Path:
        """The storyboard that an agent names, all of whose files lie in the root. Raises Outside, UsageError.

        Nothing that lies outside is read for that: each file is looked at where it really is, before it is opened.
        """
        if "\0" in written or not written.strip():
            raise UsageError("the path of a storyboard is needed, from the root of this server")
        named = self.path / written
        if not self.holds(named):
            raise _outside(f"'{shortened(written)}'")
        real = named.resolve()
        if not real.is_file():
            raise UsageError(
                f"there is no storyboard '{shortened(written)}'",
                hint="list_storyboards names those that are there",
            )
        self._check(real, set())
        return real

    def storyboards(self) -> Iterator[Path]:
        """The storyboards in the root and its folders, hidden ones and outputs left out."""
        looked = 0
        for folder, inside, _ in os.walk(self.path):
            looked += 1
            if looked > _MOST_FOLDERS:
                return
            inside[:] = sorted(name for name in inside if name not in _LEFT_OUT and not name.startswith("."))
            for file in storyboards_in(Path(folder)):
                try:
                    if self.holds(file) and has_shots(file):
                        yield file
                except RivyaError:
                    continue

    def check_project(self, project: Path) -> None:
        """What is read and written of a project beside its storyboards. Raises Outside."""
        for link in _links(project):
            if not self.holds(link):
                raise _outside(f"'{self.shown(link)}'")

    def _check(self, real: Path, seen: set[Path]) -> None:
        """A storyboard, its project, and the storyboards that it refers to."""
        seen.add(real)
        project = project_root(real)
        if not self.holds(project):
            raise Outside(
                f"the project of '{self.shown(real)}' is {project}, which is outside the root of this server",
                hint=f"start the server for the whole project: rivya-run mcp --root {project}",
            )
        self.check_project(project)
        opened = open_storyboard(real)
        found = next((one for one in opened.problems if one.code == _OUTSIDE), None)
        if found is not None:
            raise Outside(f"{self.shown(real)}:{found.line}: {found.where}: leads outside the project root")
        own = OwnFiles(real.parent, opened.root)
        for shot in opened.draft.made if opened.draft is not None else ():
            for reference in board_references(shot):
                other = own.found(reference.storyboard)
                if isinstance(other, Path) and other not in seen and self.holds(other):
                    self._check(other, seen)
                elif not isinstance(other, Path) and other.code == _OUTSIDE:
                    raise Outside(
                        f"{self.shown(real)}: {shot.id} refers to a storyboard outside the project root"
                    )


def _links(project: Path) -> Iterator[Path]:
    """The links among what is read and written of a project without being named in a storyboard."""
    places = [project / PROJECT_FOLDER, project / BUDGETS, project / OUTPUTS]
    yield from (place for place in places if place.is_symlink())
    for place in (project / PROJECT_FOLDER, project / OUTPUTS):
        for folder, inside, files in os.walk(place):
            yield from (path for name in (*inside, *files) if (path := Path(folder, name)).is_symlink())


def _outside(what: str) -> Outside:
    return Outside(f"{what} leads outside the root of this server")
