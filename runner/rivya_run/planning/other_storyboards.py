"""Shots that are made from what another storyboard made: which of its files that is now.

A take that is there keeps the file that it was made from: what becomes of the other storyboard, its text, its records
and its files, makes nothing anew. Only what is still to be made goes by the other's choice.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from rivya_run.journal.attempt import CLAIMABLE_STATES, Attempt
from rivya_run.journal.fold import History
from rivya_run.models.table import ModelTable
from rivya_run.planning.families import Families
from rivya_run.planning.plan import Awaited, BoardTake
from rivya_run.storyboard.model import BoardReference, FileFacts, Shot

BoardKey: TypeAlias = tuple[str, str, int | None]
"""What a reference asks of another storyboard: its file as written, the shot, the take (None: its pick)."""


@dataclass(frozen=True, slots=True)
class BoardFile:
    """A file that another storyboard made. A stand-in, on no disk yet, is drawn by what it ``stands_for``.

    ``fetch`` sees that the file is where the facts say, and tells why it can't be.
    """

    facts: FileFacts
    stands_for: tuple[Shot, ModelTable] | None = None
    fetch: Callable[[], str | None] | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class BoardChoice:
    """What another storyboard, whose file is ``storyboard`` from the project root, chooses for a reference now.

    ``take`` is None where it has none; ``coming``: it is made, or fetched again, in this very run. ``lacking`` says
    why nothing can be made from it, ``awaits`` which decision has to come before. ``files`` are all files of the shot
    that are there, by their identity: also those that aren't chosen any more.
    """

    storyboard: str
    take: BoardTake | None = None
    lacking: str | None = None
    awaits: Awaited | None = None
    coming: bool = False
    files: Mapping[str, BoardFile] = field(default_factory=dict)

    @property
    def chosen(self) -> str | None:
        """The identity of what is chosen, where it is on record."""
        return self.take.sha256 if self.take is not None else None


@dataclass(frozen=True, slots=True)
class FromBoards:
    """What a shot is made from of other storyboards, in the order of its references.

    ``waiting`` says what is still being made in this run, ``blocked`` why nothing more can be made of the shot.
    """

    takes: tuple[BoardTake, ...] = ()
    waiting: str | None = None
    blocked: str | None = None


class OtherStoryboards:
    """Knows for each shot what it is made from of other storyboards.

    ``choices`` are theirs as they are now; the engine puts in what came of those that it waits for. ``changed`` are
    shots that keep another file than is chosen now, by the storyboard as written and its shot.
    """

    def __init__(
        self,
        shots: Mapping[str, Shot],
        history: History,
        families: Families,
        choices: MutableMapping[BoardKey, BoardChoice],
    ) -> None:
        self.choices = choices
        self.changed: dict[tuple[str, str], set[str]] = {}
        self._families = families
        gone = (one for one in history.attempts.values() if one.shot not in shots)
        self._of_the_gone = _newest_first(gone)

    def of(self, shot: Shot, fingerprints: Callable[[Sequence[BoardTake]], Collection[str]]) -> FromBoards:
        """What the shot is made from; ``fingerprints`` tells what serves it if that is so.

        It is what its own takes were made from, the newest first, then what those of shots that are gone were, since
        it may be one of them under a new name, if with that they are still what is asked for; else what is chosen.
        """
        references = board_references(shot)
        if not references:
            return FromBoards()
        asked = [self.choices[key_of(one)] for one in references]
        seen: dict[tuple[BoardTake, ...], Collection[str]] = {}
        for made, found in self._made_from(shot):
            if made not in seen:
                kept = len(made) == len(references) and all(map(_is_kept, references, asked, made))
                seen[made] = fingerprints(made) if kept else ()
            if found in seen[made]:
                self._note(shot, references, asked, made)
                return FromBoards(made, blocked=_not_there(asked, made))
        return FromBoards(tuple(one.take for one in asked if one.take is not None), *_state(asked))

    def awaits(self, shot: Shot) -> Awaited | None:
        """The decision in another storyboard that has to come before anything new is made of a shot."""
        asked = (self.choices[key_of(one)] for one in board_references(shot))
        return next((one.awaits for one in asked if one.awaits is not None), None)

    def without(self, shot: Shot) -> str | None:
        """Why nothing can be made of a shot, whatever else it is made from: nothing of it ever was."""
        if self._made_from(shot):
            return None
        return _state([self.choices[key_of(one)] for one in board_references(shot)])[1]

    def _made_from(self, shot: Shot) -> dict[tuple[tuple[BoardTake, ...], str], None]:
        """What takes that there are were made from, with their fingerprints."""
        known = (*_newest_first(self._families.attempts(shot)), *self._of_the_gone)
        return dict.fromkeys((_boards_of(one), one.fingerprint) for one in known)

    def _note(
        self,
        shot: Shot,
        references: Sequence[BoardReference],
        asked: Sequence[BoardChoice],
        kept: Sequence[BoardTake],
    ) -> None:
        for reference, choice, one in zip(references, asked, kept, strict=True):
            if choice.chosen not in (None, one.sha256):
                name = (reference.storyboard, reference.shot)
                self.changed.setdefault(name, set()).add(shot.id)


def board_references(shot: Shot) -> list[BoardReference]:
    """A shot's references to other storyboards, in their order."""
    return [one for one in shot.references if isinstance(one, BoardReference)]


def key_of(reference: BoardReference) -> BoardKey:
    """What it asks for."""
    return reference.storyboard, reference.shot, reference.take


def _boards_of(attempt: Attempt) -> tuple[BoardTake, ...]:
    return tuple(BoardTake(*made) for made in attempt.from_storyboards)


def _is_kept(reference: BoardReference, asked: BoardChoice, made: BoardTake) -> bool:
    """Whether what a take was made from is what the reference names, and doesn't say otherwise.

    The other storyboard may have been moved or its shot renamed: then its files tell.
    """
    if reference.take is not None and (asked.chosen is not None or asked.coming):
        return made.sha256 == asked.chosen
    named = (asked.storyboard, reference.shot, reference.take or made.take)
    moved = reference.take is None and made.sha256 in asked.files
    return moved or (made.storyboard, made.shot, made.take) == named


def _newest_first(attempts: Iterable[Attempt]) -> list[Attempt]:
    """Those that can still serve a take, and were made from something of another storyboard."""
    useful = [one for one in attempts if one.from_storyboards and one.state in CLAIMABLE_STATES]
    return sorted(useful, key=lambda one: one.sent_at or one.created_at or "", reverse=True)


def _state(asked: Iterable[BoardChoice]) -> tuple[str | None, str | None]:
    """What is waited for, and what will never come."""
    lacking = [one.lacking for one in asked if one.lacking is not None]
    waiting = [one.take.label for one in asked if one.take is not None and one.coming]
    return f"{waiting[0]} is not finished yet" if waiting else None, lacking[0] if lacking else None


def _not_there(asked: Iterable[BoardChoice], kept: Iterable[BoardTake]) -> str | None:
    """Why nothing more can be made from the files that takes were made from."""
    for choice, one in zip(asked, kept, strict=True):
        if one.sha256 not in choice.files:
            return choice.lacking or f"the file of {one.label} that its other takes are made from is gone"
    return None
