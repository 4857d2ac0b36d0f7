"""What one create counts as towards budgets and limits, by its records; the same in the file and in the database."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias

import msgspec

from rivya_run.journal.attempt import Attempt, AttemptState
from rivya_run.journal.fold import History
from rivya_run.project.paid_books import paid_at

ROUNDING: Final = 1e-6
"""Credits that a sum of fractions may be off by."""

_IN_FLIGHT: Final = frozenset({AttemptState.SENT, AttemptState.RUNNING})
"""States in which a task may be at work. One of unknown outcome gives its place back: nobody waits for its end."""


class Debit(msgspec.Struct, frozen=True, omit_defaults=True, tag="debit"):
    """What one create counts as. ``folder`` is its output folder from the project root, ``at`` the time that says
    in which day and month it counts, empty where nobody knows: then it counts in all of them.

    ``unpriced``: it has no answer, and the API never told the price. ``told``: the API has said what it costs.
    ``in_flight``: it holds one of the places that an account's machines share; always false in the file.
    """

    folder: str
    key: str
    credits: float
    at: str = ""
    client: str | None = None
    tags: tuple[str, ...] = ()
    unpriced: bool = False
    told: bool = False
    via: str | None = None
    in_flight: bool = False

    @property
    def storyboard(self) -> str:
        """The storyboard's id."""
        return self.folder.rpartition("/")[2]


class GivenBack(msgspec.Struct, frozen=True, tag="given_back"):
    """What was debited for a create counts no more."""

    folder: str
    key: str


class InStep(msgspec.Struct, frozen=True, tag="in_step"):
    """The file has all that the records of a folder say. ``stamp`` tells whether these have changed since."""

    folder: str
    stamp: str


class HighestTime(msgspec.Struct, frozen=True, omit_defaults=True, tag="time"):
    """The highest time that was seen so far.

    The first line of each file is one, ``made`` by chance: it tells files of one name apart, as file numbers, which
    are used again, don't.
    """

    at: str
    made: str = ""


@dataclass(frozen=True, slots=True)
class BudgetRefusal:
    """Why a create isn't allowed now. ``waits``: seconds for which another one's answer, or a free place, may change
    that."""

    message: str
    waits: float = 0.0


Line: TypeAlias = Debit | GivenBack | InStep | HighestTime


class DebitStore(Protocol):
    """Where debits are kept: in a file of the project, or in the database of an account.

    ``debits`` are those by book and key, ``highest`` is the highest time that was seen. ``places``: it also knows how
    many tasks may be in flight over all machines. ``remote``: asking it takes so long that others go on meanwhile.
    """

    debits: dict[str, dict[str, Debit]]
    highest: str
    places: bool
    remote: bool

    def name_of(self, folder: Path) -> str:
        """The book of an output folder as debits name it."""

    def look(self) -> None:
        """Know what counts, without writing anything."""

    def open(self, mine: Collection[Path]) -> None:
        """Make the debits of these folders agree with their records: nobody else writes to them now."""

    def debiting(
        self,
        key: tuple[str, str],
        due: Callable[[], Iterable[Line]],
        decide: Callable[[], BudgetRefusal | Debit],
    ) -> AbstractContextManager[BudgetRefusal | Debit]:
        """Write the corrections that are due, then debit a create if that is decided, durably before the block
        begins, in which its intent is put on record. ``key``: its book and key."""

    def correct(self, lines: Callable[[], Iterable[Line]]) -> bool:
        """Write corrections if that can be done at once; whether they were."""

    def write_beside(self, cursor: Any, lines: Collection[Line]) -> None:
        """Write corrections in the transaction of what they come from, where there are transactions."""

    def close(self, folder: Path, lines: Callable[[], Iterable[Line]]) -> None:
        """Write the last corrections of a run."""


def highest_time(history: History) -> str:
    """The highest time that a run saw when it wrote these records, as far as they tell."""
    counted = (one.counted_at for one in history.attempts.values() if one.counted_at is not None)
    return max([history.updated_at or "", *counted])


def debit_of(folder: str, attempt: Attempt, history: History, *, places: bool = False) -> Debit:
    """What an attempt counts as by its records. ``places``: also whether it is in flight."""
    key = attempt.client_request_id
    return Debit(
        folder=folder,
        key=key,
        credits=history.stake_of(attempt),
        at=paid_at(attempt) or "",
        client=attempt.client,
        tags=attempt.tags,
        via=attempt.via,
        unpriced=history.is_unanswered_unpriced(attempt),
        told=attempt.reserved_credits is not None or attempt.final_credits is not None or attempt.ended,
        in_flight=places and attempt.state in _IN_FLIGHT,
    )


def corrections(
    folder: str, history: History, known: Mapping[str, Debit], *, places: bool = False
) -> Iterator[Line]:
    """What makes the debits of a folder agree with its records.

    A create that these don't know was never sent: its process was killed between debit and intent. What the API has
    told the cost of stays, whatever became of the records.
    """
    for attempt in history.attempts.values():
        debit = debit_of(folder, attempt, history, places=places)
        yield from corrected(debit, known.get(attempt.client_request_id))
    for key, debit in known.items():
        if key not in history.attempts and not debit.told:
            yield GivenBack(folder, key)


def corrected(debit: Debit, known: Debit | None) -> Iterator[Line]:
    """What makes one debit agree with its records; what costs nothing isn't in the file."""
    counts = bool(debit.credits) or debit.unpriced or debit.in_flight
    if known is not None and known.at:
        debit = msgspec.structs.replace(debit, at=known.at)
    if counts and debit != known:
        yield debit
    elif not counts and known is not None:
        yield GivenBack(debit.folder, debit.key)
