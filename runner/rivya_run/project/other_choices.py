"""What other storyboards of the project chose and made, by their texts and records as they are now. Only read."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Final, TypeAlias

from rivya_run.errors import RivyaError, Severity, StoryboardError
from rivya_run.journal.attempt import AttemptState, Output
from rivya_run.journal.fold import History
from rivya_run.planning.families import Families
from rivya_run.planning.lineage import parents_of
from rivya_run.planning.other_storyboards import BoardChoice, BoardFile, BoardKey, board_references, key_of
from rivya_run.planning.plan import BoardTake, Plan, SkipReason
from rivya_run.planning.planner import Planner
from rivya_run.project.home import FolderHome, home_of
from rivya_run.project.ledger import Ledger, news_for, read_manifest
from rivya_run.project.names import within
from rivya_run.project.open import Opened
from rivya_run.project.other_storyboards import Fault, Others, Places, shown
from rivya_run.project.places import JOURNAL, MANIFEST, output_folder, relative_to_root
from rivya_run.storyboard.model import (
    BoardReference,
    FileFacts,
    FileTrouble,
    Shot,
    without_decision,
    without_decisions,
)
from rivya_run.storyboard.selection import NOTHING

_NOT_ASKED: Final = BoardChoice("")
"""Of a reference on which nothing depends that is asked for."""

_Busy: TypeAlias = tuple[tuple[Path, str], ...]
"""The shots whose choices are being found, by their storyboards: there may be a circle."""


@dataclass(frozen=True, slots=True)
class BoardResults:
    """What a storyboard has made: its plan, its history and where its files live."""

    planner: Planner
    history: History
    home: FolderHome

    def choice(self, asked: BoardChoice, shot: Shot, take: int | None, *, coming: bool) -> BoardChoice:
        """Its choice for a reference. ``coming``: what isn't there is made in this run, if its plan says so."""
        attempts = Families([shot], self.history).attempts(shot)
        settled = self.planner.settled.of(shot.id)
        if settled is not None and settled.attempt is not None:
            attempts = [*attempts, self.history.attempts[settled.attempt.client_request_id]]
        outputs = [one.outputs[0] for one in attempts if one.state is AttemptState.STORED and one.outputs]
        there = [one for one in outputs if not one.removed and self.home.trouble(one) is None]
        asked = replace(asked, files={one.identity: self._file(one) for one in there})
        chosen = self.planner.chosen(shot.id, take)
        awaits = self.planner.awaits(shot, chosen)
        if awaits is not None:
            if awaits.storyboard is None:
                words = f"{awaits.words} of {asked.storyboard}"
                awaits = replace(awaits, words=words, storyboard=asked.storyboard, made=bool(asked.files))
            asked = replace(asked, awaits=awaits)
        if isinstance(chosen, str):
            return replace(asked, lacking=f"{asked.storyboard} {chosen.removeprefix('parent ')}")
        found = BoardTake(asked.storyboard, shot.id, chosen.take or 1, chosen.sha256)
        if found.sha256 in asked.files:
            return replace(asked, take=found)
        if coming:
            return replace(asked, take=found, coming=True)
        gone = f"the file of {found.label} isn't there as it was paid for" if found.sha256 else None
        return replace(asked, take=found if gone else None, lacking=gone or f"{found.label} isn't there")

    def _file(self, output: Output) -> BoardFile:
        mime_type = output.mime_type or "application/octet-stream"
        path, kind = str(within(self.home.folder, output.path)), mime_type.partition("/")[0]
        facts = FileFacts(path, output.sha256, output.bytes, output.mtime_ns or 0, kind, mime_type)
        return BoardFile(facts, fetch=partial(self.home.fetched, output))


class Choices:
    """What other storyboards choose for the references of one, ``opened``. Found when it is asked for, once."""

    def __init__(self, opened: Opened, places: Places) -> None:
        self._opened = opened
        self._places = places
        self._others = Others(opened, places)
        self._made: dict[tuple[Path, bool, frozenset[BoardKey]], BoardResults | str] = {}
        self._read: set[Path] = set()
        self._stand_ins: dict[str, None] = {}

    @cached_property
    def now(self) -> dict[BoardKey, BoardChoice]:
        """The choice for each reference; nothing can be made from one that is at fault."""
        found = self._of(self._opened, self._opened.needed().made, ())
        for one in self._faults:
            key = key_of(one.reference)
            found[key] = replace(found[key], take=None, lacking=one.problem.message)
        return found

    @cached_property
    def _faults(self) -> list[Fault]:
        found = self._others.faults()
        return [one for one in found if one.problem.severity is Severity.ERROR]

    def digests(self) -> dict[str, str]:
        """What decides what is made: the files that are chosen, by shot."""
        return {
            f"{one.storyboard} {shot}" + (f"/{take}" if take is not None else ""): one.chosen or ""
            for (_, shot, take), one in self.now.items()
        }

    def storyboards(self) -> set[Path]:
        """The files of the other storyboards."""
        return self._others.storyboards if self.now else set()

    def read(self) -> set[Path]:
        """Every file that a choice depends on, there or not."""
        return self._read | self._others.read if self.now else set()

    def notices(self, plan: Plan, history: History) -> list[str]:
        """What is to be known of the references. What is wrong with one is a notice where nothing is to be made from
        it, and the reason of a take that can't be made where it was good before.

        Raises StoryboardError for one that never was any good.
        """
        blocked = {one.shot.id for one in plan.steps if one.skip_reason is SkipReason.BLOCKED}
        made = [row for one in history.attempts.values() for row in one.from_storyboards]
        good = {(board, shot, named) for board, shot, take, _ in made for named in (take, None)}
        found = dict.fromkeys(self._stand_ins) if self.now else {}
        problems = []
        for one in self._faults:
            _, shot, take = key = key_of(one.reference)
            problem = one.problem
            if one.shot not in blocked:
                found[f"{problem.file}:{problem.line}:{problem.column}: {problem.message}"] = None
            elif (self.now[key].storyboard, shot, take) not in good:
                problems.append(problem)
        if problems:
            problems = [*dict.fromkeys(problems)]
            raise StoryboardError("the storyboard has problems; nothing was done", problems)
        return [*found]

    def _of(self, board: Opened, needed: Collection[Shot], busy: _Busy) -> dict[BoardKey, BoardChoice]:
        """The choices for the references of those shots that are needed."""
        found: dict[BoardKey, BoardChoice] = {}
        for shot in board.needed().made:
            for reference in board_references(shot):
                key = key_of(reference)
                if shot in needed and found.get(key, _NOT_ASKED) is _NOT_ASKED:
                    found[key] = self._choice(board, reference, busy)
                found.setdefault(key, _NOT_ASKED)
        return found

    def _choice(self, board: Opened, reference: BoardReference, busy: _Busy) -> BoardChoice:
        asked = BoardChoice(relative_to_root(board.path.parent / reference.storyboard, board.root))
        other = self._others.find(board, reference)
        if isinstance(other, FileTrouble):
            return replace(asked, lacking=other.message)
        shot = other.needed().shot(reference.shot)
        if shot is not None and self._places.simulate:
            shot = without_decision(shot)
        step = (other.path, reference.shot)
        there = shot is not None and shot.file is None
        if there and shot is not None and shot.approved is None:
            there = (reference.take or 1) <= shot.takes
        if shot is None or not there or step in busy:
            return replace(asked, lacking=f"{asked.storyboard} makes no {reference.shot}")
        busy = (*busy, step)
        found = self._recorded(asked, other, shot, reference.take, busy, simulated=self._places.simulate)
        if self._places.simulate and found.take is None:
            paid = self._recorded(asked, other, shot, reference.take, busy, simulated=False)
            found = replace(paid, files={**paid.files, **found.files})
            if found.chosen not in found.files:
                found = self._stand_in(found, other, shot, reference.take)
        self._read |= {Path(one.facts.path) for one in found.files.values() if one.stands_for is None}
        return found

    def _recorded(
        self, asked: BoardChoice, other: Opened, shot: Shot, take: int | None, busy: _Busy, *, simulated: bool
    ) -> BoardChoice:
        """The choice by a storyboard's records, of simulated or of paid results."""
        made = self._records(other, shot, busy, simulated=simulated)
        if isinstance(made, str):
            return replace(asked, lacking=f"{asked.storyboard} {shot.id}: {made}")
        coming = self._together(other, simulated=simulated)
        found = made.choice(asked, shot, take, coming=coming)
        if found.lacking is None or coming:
            return found
        label = f"{shot.id}/{take}" if take is not None else shot.id
        words = ["--outputs", str(self._places.outputs)] if self._places.outputs is not None else []
        makes = shlex.join(["rivya-run", shown(other.path), *words, *(["--simulate"] if simulated else [])])
        why = found.lacking if found.chosen is not None else f"{asked.storyboard} has no {label} yet"
        return replace(found, lacking=f"{why}: {makes} makes it")

    def _together(self, other: Opened, *, simulated: bool) -> bool:
        """Whether a storyboard's takes are made in this very run."""
        return simulated == self._places.simulate and other.path in self._places.together

    def _records(self, other: Opened, shot: Shot, busy: _Busy, *, simulated: bool) -> BoardResults | str:
        board = other.needed()
        if simulated:
            board = without_decisions(board)
        choices = self._of(other, _with_parents(shot, board.made), busy)
        asked = frozenset(key for key, one in choices.items() if one is not _NOT_ASKED)
        known = (other.path, simulated, asked)
        if known not in self._made:
            together = self._together(other, simulated=simulated)
            folder = self._folder(other, simulated=simulated, together=together)
            selected = self._places.together[other.path] if together else NOTHING
            try:
                history = history_of(folder)
            except RivyaError as error:
                self._made[known] = error.message
            else:
                options = replace(self._places.again, selected=selected)
                tables = other.catalog.of({one.model for one in board.shots})
                planner = Planner(board, tables, history, other.facts, options, choices)
                planner.plan()
                home = home_of(folder, self._places.outputs, simulate=simulated)
                self._made[known] = BoardResults(planner, history, home)
        return self._made[known]

    def _folder(self, other: Opened, *, simulated: bool, together: bool) -> Path:
        """Where ``--outputs`` puts it; its own project's, where there is nothing."""
        name, outputs = other.needed().id, self._places.outputs
        places = [outputs] if outputs is None or together else [outputs, None]
        folders = [output_folder(other.root, place, name, simulate=simulated) for place in places]
        for folder in folders:
            self._read |= {folder / JOURNAL, folder / MANIFEST}
        used = (one for one in folders if (one / JOURNAL).exists() or (one / MANIFEST).exists())
        return next(used, folders[0])

    def _stand_in(self, found: BoardChoice, other: Opened, shot: Shot, take: int | None) -> BoardChoice:
        """Something to try the rest out with: it is drawn when it is sent."""
        made = BoardTake(found.storyboard, shot.id, take or shot.pick or 1)
        digest = hashlib.sha256(f"stand-in {made.label}".encode()).hexdigest()
        table = other.catalog.get(shot.model)
        assert table is not None, "a storyboard with an unknown model has errors"
        facts = FileFacts(f"stand-in_{digest[:8]}", digest, 0, 0, None, None)
        self._stand_ins[f"{made.label} isn't there yet: a stand-in is drawn"] = None
        files = {**found.files, digest: BoardFile(facts, (shot, table))}
        return replace(found, take=replace(made, sha256=digest), lacking=None, files=files)


def history_of(folder: Path) -> History:
    """What the records of an output folder know."""
    ledger = Ledger(folder, now=lambda: "")
    try:
        document = read_manifest(folder, lazily=True)
        for event in news_for(ledger, document) if document is not None else ():
            ledger.apply_unrecorded(event)
    finally:
        ledger.close()
    return ledger.history


def _with_parents(shot: Shot, shots: Sequence[Shot]) -> list[Shot]:
    """A shot and all those that it is made from."""
    by_id: Mapping[str, Shot] = {one.id: one for one in shots}
    found, waiting = {shot.id: shot}, [shot]
    while waiting:
        for parent in parents_of(waiting.pop()):
            if parent not in found and parent in by_id:
                found[parent] = by_id[parent]
                waiting.append(by_id[parent])
    return list(found.values())
