"""How people name a take that is on record: by its number, or by digits of the sha256 of its first file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from rivya_run.errors import RivyaError, UsageError
from rivya_run.journal.attempt import Attempt, AttemptState
from rivya_run.project.manifest_reader import Entry, chosen_take, entries, take_number, text
from rivya_run.project.plan import Prepared
from rivya_run.project.results import present_of
from rivya_run.text import shortened

LEAST_DIGITS: Final = 8
"""Of a checksum: as many as two takes of a storyboard hardly ever share."""

_NUMBER: Final = re.compile(r"[0-9]{1,2}")
_DIGITS: Final = re.compile(r"(?:[0-9]{1,2}@)?([0-9A-Fa-f]{8,64})")


class NoSuchTake(RivyaError):
    """What was named isn't on record, or it can't be told which is meant."""


@dataclass(frozen=True, slots=True)
class RecordedTake:
    """A take whose file is on record. ``digits`` are as many of its first file's ``sha256`` as tell it apart."""

    number: int
    sha256: str
    digits: str

    def __str__(self) -> str:
        return f"{self.number}@{self.digits}"


def number_or_digits(written: int | str) -> int | str:
    """A number as it is, digits in small letters; ``2@3fa9c1d2`` means its digits. Raises UsageError."""
    word = str(written).strip()
    if _NUMBER.fullmatch(word) and int(word):
        return int(word)
    digits = _DIGITS.fullmatch(word)
    if digits is None:
        raise UsageError(
            f"'{shortened(word)}' is neither the number of a take nor at least {LEAST_DIGITS} digits of its sha256"
        )
    return digits[1].lower()


class RecordedTakes:
    """The takes of a storyboard that are on record: those that its manifest shows, and all that it ever made."""

    def __init__(self, prepared: Prepared) -> None:
        present = present_of(prepared)
        self._shown = {str(shot.get("id")): shot for shot in entries(present.manifest.get("shots"))}
        self._earlier = present.earlier
        self._attempts = prepared.ledger.history.attempts

    def chosen(self, shot: str) -> RecordedTake:
        """The take that stands for a shot in the film. Raises NoSuchTake where none is finished."""
        take = chosen_take(self._shown[shot]) or self._earlier.get(shot)
        if take is None:
            raise NoSuchTake(f"no take of {shot} is finished yet")
        return self._of_entry(shot, take)

    def numbered(self, shot: str, number: int) -> RecordedTake:
        """A take by the number that the manifest shows, else by that which it was made under. Raises NoSuchTake."""
        shown = {take_number(take): take for take in entries(self._shown[shot].get("takes"))}
        take = shown.get(number, {})
        if take.get("status") == "succeeded":
            return self._of_entry(shot, take)
        made = [one for one in self._stored() if (one.shot, one.take) == (shot, number)]
        files = {one.outputs[0].sha256: one for one in made}
        if len(files) > 1:
            raise NoSuchTake(f"several takes of {shot} were made as number {number}", hint=self._list(made))
        if files:
            return self._named(number, *files)
        if number not in shown:
            known = ", ".join(map(str, sorted(shown))) or "none"
            raise NoSuchTake(f"{shot} has no take {number}; it has {known}")
        raise NoSuchTake(f"{shot}/{number} isn't stored yet: it is {take.get('status')}")

    def with_digits(self, shot: str, digits: str) -> RecordedTake:
        """A take of this or any other shot by its digits; its own number where the shot has it. Raises NoSuchTake."""
        found = [one for one in self._stored() if any(sha.startswith(digits) for sha in _checksums(one))]
        files = {one.outputs[0].sha256 for one in found}
        if not found:
            raise NoSuchTake(f"no take that is on record here has a sha256 that begins with {digits}")
        if len(files) > 1:
            raise NoSuchTake(f"{digits} fits several takes: write more digits", hint=self._list(found))
        [sha256] = files
        for take in self._finished(shot):
            if _first_sha256(take) == sha256:
                return self._of_entry(shot, take)
        return self._named(min(found, key=lambda one: (one.shot != shot, one.take)).take, sha256)

    def present(self, shot: str, digits: str) -> RecordedTake:
        """The finished take of a shot as it is now that has these digits. Raises NoSuchTake."""
        for take in self._finished(shot):
            if (_first_sha256(take) or "").startswith(digits):
                return self._of_entry(shot, take)
        raise NoSuchTake(
            f"no present take of {shot} has a sha256 that begins with {digits}",
            hint="what was made before can be approved",
        )

    def _finished(self, shot: str) -> list[Entry]:
        return [take for take in entries(self._shown[shot].get("takes")) if take.get("status") == "succeeded"]

    def _stored(self) -> Iterator[Attempt]:
        return (one for one in self._attempts.values() if one.state is AttemptState.STORED and one.outputs)

    def _of_entry(self, shot: str, take: Entry) -> RecordedTake:
        sha256 = _first_sha256(take)
        if sha256 is None:
            raise NoSuchTake(f"{shot}/{take_number(take)} has no file on record")
        return self._named(take_number(take), sha256)

    def _named(self, number: int, sha256: str) -> RecordedTake:
        others = {one.outputs[0].sha256 for one in self._stored()} - {sha256}
        length = LEAST_DIGITS
        while any(other.startswith(sha256[:length]) for other in others):
            length += 1
        return RecordedTake(number, sha256, sha256[:length])

    def _list(self, found: list[Attempt]) -> str:
        names = {one.outputs[0].sha256: one for one in found}
        shown = (f"{self._named(one.take, sha).digits} ({one.shot}/{one.take})" for sha, one in names.items())
        return f"name it by its digits: {', '.join(shown)}"


def _checksums(attempt: Attempt) -> tuple[str, str]:
    first = attempt.outputs[0]
    return first.sha256, first.identity


def _first_sha256(take: Entry) -> str | None:
    return next((text(output.get("sha256")) for output in entries(take.get("outputs"))), None)
