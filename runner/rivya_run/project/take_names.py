"""How people name a take that is on record: by its number, or by digits of the sha256 of its first file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rivya_run.errors import RivyaError, UsageError
from rivya_run.journal.attempt import Attempt, AttemptState
from rivya_run.project.manifest_reader import Entry, chosen_take, entries, take_number, text
from rivya_run.project.plan import Prepared
from rivya_run.project.results import present_of
from rivya_run.storyboard.model import LEAST_DIGITS
from rivya_run.text import shortened

_NUMBER: Final = re.compile(r"[0-9]{1,2}")
_DIGITS: Final = re.compile(rf"(?:[0-9]{{1,2}}@)?([0-9A-Fa-f]{{{LEAST_DIGITS},64}})")


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
        self._stored = [
            one for one in self._attempts.values() if one.state is AttemptState.STORED and one.outputs
        ]

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
        made = [one for one in self._stored if (one.shot, one.take) == (shot, number)]
        if made:
            return self._only(made, number, f"several takes of {shot} were made as number {number}")
        if number not in shown:
            known = ", ".join(map(str, sorted(shown))) or "none"
            raise NoSuchTake(f"{shot} has no take {number}; it has {known}")
        is_now = {"planned": "not made yet", "sent": "sent", "pending": "still running"}
        status = str(take.get("status"))
        raise NoSuchTake(f"{shot}/{number} can't be used: it is {is_now.get(status, status)}")

    def with_digits(self, shot: str, digits: str) -> RecordedTake:
        """A take of this shot by its digits, else of any other, by a number that is free here. Raises NoSuchTake."""
        found = [one for one in self._stored if any(each.startswith(digits) for each in _digests(one))]
        if not found:
            raise NoSuchTake(f"no take that is on record here has a sha256 that begins with {digits}")
        own = [one for one in found if one.shot == shot]
        number = (own or found)[0].take
        taken = {one.take for one in self._attempts.values() if one.shot == shot} if not own else ()
        while number in taken:
            number += 1
        named = self._only(found, number, f"{digits} fits several takes: write more digits")
        shown = (take for take in self._finished(shot) if _first_sha256(take) == named.sha256)
        return next((self._of_entry(shot, take) for take in shown), named)

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

    def _of_entry(self, shot: str, take: Entry) -> RecordedTake:
        sha256 = _first_sha256(take)
        if sha256 is None:
            raise NoSuchTake(f"{shot}/{take_number(take)} has no file on record")
        return self._named(take_number(take), sha256)

    def _only(self, found: Sequence[Attempt], number: int, otherwise: str) -> RecordedTake:
        """The file that all of these have."""
        files = {one.outputs[0].identity: one for one in found}
        if len(files) > 1:
            names = (self._named(one.take, one.outputs[0].sha256).digits for one in files.values())
            shown = (
                f"{name} ({one.shot}/{one.take})" for name, one in zip(names, files.values(), strict=True)
            )
            raise NoSuchTake(otherwise, hint=f"name it by its digits: {', '.join(shown)}")
        return self._named(number, found[0].outputs[0].sha256)

    def _named(self, number: int, sha256: str) -> RecordedTake:
        same = {one.outputs[0].identity for one in self._stored if sha256 in _digests(one)}
        others = {
            each for one in self._stored if one.outputs[0].identity not in same for each in _digests(one)
        }
        length = LEAST_DIGITS
        while any(other.startswith(sha256[:length]) for other in others - {sha256}):
            length += 1
        return RecordedTake(number, sha256, sha256[:length])


def _digests(attempt: Attempt) -> set[str]:
    """The checksums by which its file is known: of the bytes that came first, and of those that are there."""
    return {attempt.outputs[0].identity, attempt.outputs[0].sha256}


def _first_sha256(take: Entry) -> str | None:
    return next((text(output.get("sha256")) for output in entries(take.get("outputs"))), None)
