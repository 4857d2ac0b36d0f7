"""Shots whose takes are settled: an approved one has exactly the take that a person named, whatever it says now.

A take is approved by digits of its first file's sha256, and looked up in everything that is on record. What was made
for another shot is used where it is: that shot may be put back, or have another name by now, and keeps what was paid
for it. Only a shot that was renamed takes what is approved of it along. What else a settled shot ever had goes to no
other shot.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, replace

from rivya_run.journal.attempt import CLAIMABLE_STATES, Attempt, AttemptState
from rivya_run.journal.fold import History
from rivya_run.planning.matching import Matching
from rivya_run.storyboard.model import LEAST_DIGITS, Approved, Shot


@dataclass(frozen=True, slots=True)
class SettledTake:
    """The take of an approved shot: its number, and the attempt that serves it, or why there is none.

    ``shared``: it is another shot's own, and stays with it.
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
        self._matching = matching
        self._present = {shot.id for shot in shots}
        self._takes: dict[str, SettledTake] = {}
        approved = [(shot, shot.approved) for shot in shots if shot.approved is not None]
        by_digits = _by_digits(history.attempts.values()) if approved else {}
        for shot, decision in approved:
            found = self._find(shot, decision, by_digits.get(decision.digits[:LEAST_DIGITS], ()))
            self._takes[shot.id] = found
            if found.attempt is not None:
                stays = found.attempt.shot in self._present
                matching.settle(shot.id, found.take, found.attempt, stays=stays)
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

    def keep_last(self, shot: Shot) -> None:
        """A skipped shot keeps what it had last, where nothing is what its text asks for now."""
        for take in self.takes(shot):
            if self._matching.key_for(shot.id, take) is None:
                made = [a for a in self._history.of_take(shot.id, take) if a.state is AttemptState.STORED]
                unclaimed = [one for one in made if self._matching.is_free(one)]
                if unclaimed:
                    last = max(unclaimed, key=lambda one: one.sent_at or one.created_at or "")
                    self._matching.claim(shot.id, take, last)

    def take_along(self, shot: Shot, serving: Container[str]) -> None:
        """Let a shot that has another name by now keep what is approved of it as its own: it asks for just that
        (``serving`` are the fingerprints that do), nothing else is on record for it, and nobody else wants it."""
        found = self._takes.get(shot.id)
        if found is None or found.attempt is None or not found.shared or shot.skip:
            return
        theirs = found.attempt.shot in self._present or self._history.of_shot(shot.id)
        if not theirs and found.attempt.fingerprint in serving and self._matching.is_free(found.attempt):
            self._matching.claim(shot.id, found.take, found.attempt)
            self._takes[shot.id] = replace(found, shared=False)

    def _find(self, shot: Shot, approved: Approved, alike: Iterable[Attempt]) -> SettledTake:
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
        return SettledTake(self._free_number(shot.id, approved.take), attempt, shared=True)

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
