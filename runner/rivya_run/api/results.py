"""What a run came to, and what there is of a storyboard, as values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rivya_run.errors import RivyaError
from rivya_run.journal.attempt import TakeStatus
from rivya_run.media.checks import faults_in_words
from rivya_run.project.manifest_reader import (
    Entry,
    checks_of,
    entries,
    inside,
    mapping,
    params_of,
    spent,
    take_number,
    text,
    tries,
)

if TYPE_CHECKING:
    from rivya_run.engine.run import RunResult


@dataclass(frozen=True, slots=True)
class TakeResult:
    """One take. ``files`` are its clip or clips, the main one first, whether they are still there or not.

    ``credits`` is what all attempts at it have cost so far, as far as the API has said. ``warnings`` are what is odd
    about its files, in words; ``reason`` is why it isn't there, where that is known.
    """

    storyboard: str
    shot: str
    take: int
    status: TakeStatus
    files: tuple[Path, ...]
    credits: float
    warnings: tuple[str, ...]
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """What a run came to: the takes that were wanted, in the order of the storyboards. ``exit_code`` is that of the
    command; ``error`` is what ended the run early."""

    takes: tuple[TakeResult, ...]
    exit_code: int
    error: RivyaError | None = None


@dataclass(frozen=True, slots=True)
class StoryboardStatus:
    """What there is of a storyboard. ``credits`` is what it has cost so far, ``folder`` its output folder,
    ``manifest`` the document that says all of it."""

    storyboard: str
    folder: Path
    takes: tuple[TakeResult, ...]
    credits: float
    manifest: Mapping[str, Any]


def takes_of(manifest: Entry, folder: Path) -> Iterator[TakeResult]:
    """The takes that a manifest shows, in its order."""
    storyboard = text(mapping(manifest.get("storyboard")).get("id")) or folder.name
    for shot in entries(manifest.get("shots")):
        for take in entries(shot.get("takes")):
            yield _take(storyboard, shot, take, folder)


def _take(storyboard: str, shot: Entry, take: Entry, folder: Path) -> TakeResult:
    outputs = entries(take.get("outputs"))
    paths = [inside(output.get("path")) for output in outputs if not output.get("removed")]
    odd = (faults_in_words(output, params_of(take), *checks_of(shot)) for output in outputs)
    return TakeResult(
        storyboard,
        text(shot.get("id")) or "",
        take_number(take),
        TakeStatus(str(take.get("status"))),
        tuple(folder / path for path in paths if path is not None),
        sum(map(spent, tries(take))),
        tuple(words for found in odd for words in found),
        text(mapping(take.get("error")).get("message")),
    )


def outcome_of(ran: RunResult) -> RunOutcome:
    """What a run came to, from its own records: no file is read for it."""
    takes: list[TakeResult] = []
    for board in ran.boards:
        outcomes = board.outcomes
        wanted = {(step.shot.id, step.take) for step in board.plan.steps if step.wanted}
        for take in takes_of(board.manifest.document(), board.folder):
            if (take.shot, take.take) in wanted:
                outcome = outcomes.get((take.shot, take.take))
                takes.append(_with_reason(take, outcome.message if outcome is not None else ""))
    return RunOutcome(tuple(takes), ran.exit_code, ran.error)


def _with_reason(take: TakeResult, reason: str) -> TakeResult:
    return replace(take, reason=reason) if reason else take
