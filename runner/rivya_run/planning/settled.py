"""Shots whose takes are settled: an approved one has exactly the take that a person named, whatever it says now.

A take is approved by digits of its first file's sha256, and looked up in everything that is on record. Where another
present shot has it, both use the one file. What else a settled shot ever had goes to no other shot.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rivya_run.journal.attempt import CLAIMABLE_STATES, Attempt
from rivya_run.journal.fold import History
from rivya_run.planning.matching import Matching
from rivya_run.storyboard.model import LEAST_DIGITS, Approved, Shot


@dataclass(frozen=True, slots=True)
class SettledTake:
    """The take of an approved shot: its number, and the attempt that serves it, or why there is none.

    ``shared``: it is another present shot's own, and stays with it.
    """

    take: int
    attempt: Attempt | None = None
    trouble: str = ""
    shared: bool = False


class Settled:
    """The approved takes of a storyboard's shots, found on record and claimed for them."""

    def __init__(self, shots: Sequence[Shot], history: History, matching: Matching) -> None:
        """What is found is claimed in ``matching`` before anything else is."""
        self._history = history
        self._present = {shot.id for shot in shots}
        self._takes: dict[str, SettledTake] = {}
        approved = [(shot, shot.approved) for shot in shots if shot.approved is not None]
        by_digits = _by_digits(history.attempts.values()) if approved else {}
        given: set[str] = set()
        for shot, decision in approved:
            found = self._find(shot, decision, by_digits.get(decision.digits[:LEAST_DIGITS], ()), given)
            self._takes[shot.id] = found
            if found.attempt is not None:
                given.add(found.attempt.client_request_id)
                matching.claim(shot.id, found.take, found.attempt, shared=found.shared)
        for shot in shots:
            if shot.approved is not None or shot.skip:
                matching.keep_for(shot.id)

    def of(self, shot: str) -> SettledTake | None:
        """The settled take of a shot; None where nothing is approved."""
        return self._takes.get(shot)

    def takes(self, shot: Shot) -> Sequence[int]:
        """The numbers of the takes that are wanted of a shot."""
        settled = self._takes.get(shot.id)
        return range(1, shot.takes + 1) if settled is None else (settled.take,)

    def _find(self, shot: Shot, approved: Approved, alike: Iterable[Attempt], given: set[str]) -> SettledTake:
        fitting = [one for one in alike if any(each.startswith(approved.digits) for each in _digests(one))]
        if not fitting:
            words = f"approved {approved} is not on record here: bring the manifest, or unapprove"
            return SettledTake(approved.take, trouble=words)
        if len({one.outputs[0].identity for one in fitting}) > 1:
            words = f"several files begin with the digits of approved {approved}: write more digits"
            return SettledTake(approved.take, trouble=words)
        own = [one for one in fitting if one.shot == shot.id]
        written = [one for one in own if one.take == approved.take]
        attempt = (written or own or fitting)[0]
        if own:
            return SettledTake(attempt.take, attempt)
        shared = attempt.shot in self._present or attempt.client_request_id in given
        return SettledTake(self._free_number(shot.id, approved.take), attempt, shared=shared)

    def _free_number(self, shot: str, wanted: int) -> int:
        """The written number, or the next that no take of the shot has."""
        taken = {one.take for one in self._history.of_shot(shot)}
        while wanted in taken:
            wanted += 1
        return wanted


def _digests(attempt: Attempt) -> set[str]:
    """The checksums by which a take's file is known: of the bytes that came first, and of those that are there."""
    output = attempt.outputs[0]
    return {output.identity, output.sha256}


def _by_digits(attempts: Iterable[Attempt]) -> dict[str, list[Attempt]]:
    """The attempts with a file, by the first digits of its checksums."""
    found: dict[str, list[Attempt]] = {}
    for attempt in attempts:
        if attempt.outputs and attempt.state in CLAIMABLE_STATES:
            for digest in _digests(attempt):
                found.setdefault(digest[:LEAST_DIGITS], []).append(attempt)
    return found
