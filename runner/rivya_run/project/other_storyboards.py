"""Other storyboards of the project that one refers to: what they say now, and what they have made. Only read.

What is wrong with one of them is a fault of the reference. It keeps nothing from being used that was made before.
"""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from rivya_run.errors import Problem, RivyaError
from rivya_run.models.catalog import PROJECT_FOLDER
from rivya_run.planning.lineage import parents_of
from rivya_run.planning.other_storyboards import board_references
from rivya_run.planning.planner import PlanOptions
from rivya_run.project.files import OwnFiles
from rivya_run.project.open import Opened, open_storyboard
from rivya_run.project.places import Outputs
from rivya_run.storyboard.film_reading import kind_of_model
from rivya_run.storyboard.model import BoardReference, FileTrouble, Shot
from rivya_run.storyboard.problems import Findings, has_errors, made_strict, summary
from rivya_run.storyboard.quiet import heard
from rivya_run.storyboard.references import Linked, check_of_another
from rivya_run.storyboard.selection import Selection
from rivya_run.text import visible


class Fault(NamedTuple):
    """What is wrong with a shot's reference."""

    shot: str
    reference: BoardReference
    problem: Problem


@dataclass(frozen=True, slots=True)
class Places:
    """Where results are looked for, and what is made in the same run: ``together`` has the files of the storyboards
    with what was selected of them (None: all). ``again`` are the other options of their plans."""

    outputs: Outputs = None
    simulate: bool = False
    allow_outside: bool = False
    together: dict[Path, Selection | None] = field(default_factory=dict)
    again: PlanOptions = field(default_factory=PlanOptions)


class Others:
    """The storyboards that one refers to, each read once. ``read`` are the files that were looked at, there or not,
    ``storyboards`` the storyboards among them."""

    def __init__(self, opened: Opened, places: Places) -> None:
        self.read: set[Path] = set()
        self.storyboards: set[Path] = set()
        self._opened = opened
        self.places = places
        self._boards: dict[Path, Opened | FileTrouble] = {}

    def faults(self) -> list[Fault]:
        """What is wrong with the references, as far as no results are needed."""
        found = []
        for shot in self._opened.draft.made if self._opened.draft is not None else ():
            for reference in board_references(shot):
                findings = Findings(self._opened.sources)
                self._judge(shot, reference, findings)
                found += [Fault(shot.id, reference, one) for one in findings.in_file_order()]
        return found

    def _judge(self, shot: Shot, reference: BoardReference, findings: Findings) -> None:
        where = f"{reference.where}.storyboard"
        other = self.find(self._opened, reference)
        if isinstance(other, FileTrouble):
            findings.error(reference, where, other.message, other.code)
            return
        if other.path == self._opened.path.resolve():
            message = f"this is the storyboard itself: write {{shot: {reference.shot}}}"
            findings.error(reference, where, message, "reference")
            return
        check_of_another(reference, shot, _linked(other), self._opened.catalog.get(shot.model), findings)
        ring = self._circle(shot, reference, other)
        if ring:
            message = f"a circle of references through several storyboards: {' -> '.join(ring)}"
            findings.error(reference, where, message, "circle")

    def _circle(self, shot: Shot, reference: BoardReference, other: Opened) -> list[str] | None:
        """The way from a reference back to its shot."""
        home = self._opened.path.resolve()
        seen = set()
        ways = [(other, reference.shot, [shot.id])]
        while ways:
            board, name, way = ways.pop()
            file = board.path.resolve()
            way = [*way, name if file == home else f"{shown(board.path)} {name}"]
            if (file, name) == (home, shot.id):
                return way
            made = board.storyboard.shot(name) if board.storyboard is not None else None
            if made is None or (file, name) in seen:
                continue
            seen.add((file, name))
            ways += [(board, parent, way) for parent in parents_of(made)]
            for further in board_references(made):
                found = self.find(board, further)
                if isinstance(found, Opened):
                    ways.append((found, further.shot, way))
        return None

    def find(self, board: Opened, reference: BoardReference) -> Opened | FileTrouble:
        """The storyboard that a reference of another one names, without errors; or why it can't be used."""
        written = reference.storyboard
        own = OwnFiles(board.path.parent, board.root, self.places.allow_outside)
        self.read.add(board.path.parent / written)
        real = own.found(written)
        if isinstance(real, FileTrouble):
            return real
        if real not in self._boards:
            self._boards[real] = self._open(real, written)
        return self._boards[real]

    def _open(self, real: Path, written: str) -> Opened | FileTrouble:
        try:
            opened = open_storyboard(real, allow_outside=True)
        except RivyaError as error:
            return FileTrouble(written, "other-storyboard", f"'{visible(written)}': {error.message}")
        if opened.storyboard is None:
            see = f"rivya-run validate {shlex.quote(shown(real))}"
            message = f"'{visible(written)}' has problems ({summary(opened.problems)}): {see}"
            return FileTrouble(written, "other-storyboard", message)
        self.storyboards.add(real)
        self.read |= {Path(one.path) for one in (*opened.facts.values(), *opened.included.values())}
        self.read |= set((opened.root / PROJECT_FOLDER).glob("*.yaml"))
        return opened


def judged(opened: Opened, *, allow_outside: bool = False, strict: bool = False) -> Opened:
    """A storyboard with what is wrong with its references to others among its problems."""
    found = [one.problem for one in Others(opened, Places(allow_outside=allow_outside)).faults()]
    found = heard(found, opened.draft.quiet if opened.draft is not None else ())
    if not found:
        return opened
    problems = dict.fromkeys([*opened.problems, *(made_strict(found) if strict else found)])
    storyboard = None if has_errors(problems) else opened.storyboard
    return replace(opened, storyboard=storyboard, problems=opened.sources.in_order(problems))


def shown(file: Path) -> str:
    """A file as a person would type it here."""
    return visible(os.path.relpath(file) if file.is_relative_to(Path.cwd().resolve()) else str(file))


def _linked(board: Opened) -> dict[str, Linked]:
    """The shots of a storyboard with what they give, by id."""
    found = {}
    for shot in board.needed().shots:
        table = board.catalog.get(shot.model)
        found[shot.id] = Linked(shot, kind_of_model(table), table)
    return found
