"""What was spent and what was learned of prices, over all storyboards of a project. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from math import fsum
from typing import Final, TypeAlias

from rivya_run.journal.attempt import Attempt
from rivya_run.journal.fold import tells_price
from rivya_run.journal.take_entry import sent_params, whole
from rivya_run.json_types import Json
from rivya_run.project.paid_books import PaidBook, paid_at

_Name: TypeAlias = "str | None"


def _tags(_: PaidBook, attempt: Attempt) -> _Name:
    """All its tags together: a take with two is in one row, that of both, so that the rows close."""
    return ", ".join(sorted(set(attempt.tags))) or None


def _month(_: PaidBook, attempt: Attempt) -> _Name:
    paid = paid_at(attempt)
    return paid[:7] if paid is not None else None


BY: Final[Mapping[str, Callable[[PaidBook, Attempt], _Name]]] = {
    "storyboard": lambda book, _: book.storyboard,
    "client": lambda _, attempt: attempt.client or None,
    "tag": _tags,
    "model": lambda _, attempt: attempt.model or None,
    "month": _month,
    "scene": lambda _, attempt: attempt.scene or None,
}
"""What credits can be attributed to; None is a row of its own."""

_DIGITS: Final = 6
"""Of the fractions of a credit: what adding them up may be off by is beyond."""


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """What was spent on one client, tag ...; ``by`` None: on none."""

    by: str | None
    credits: float
    takes: int


@dataclass(slots=True)
class _Sum:
    credits: list[float] = field(default_factory=list)
    takes: set[tuple[str, str, int]] = field(default_factory=set)


def ledger_rows(books: Iterable[PaidBook], by: str, since: str | None = None) -> list[LedgerRow]:
    """The rows of a ledger, the dearest first, months in their order, what is attributed to nothing last.

    ``since``: only what was paid at that time (ISO 8601, UTC) or later. A take counts in each row that it cost
    something in, or had a task that cost nothing.
    """
    sums: dict[_Name, _Sum] = {}
    for book in books:
        for attempt in book.history.attempts.values():
            counts = attempt.spent or attempt.task_id is not None
            if counts and (since is None or (paid_at(attempt) or "") >= since):
                row = sums.setdefault(BY[by](book, attempt), _Sum())
                row.credits.append(attempt.spent)
                row.takes.add((book.storyboard, attempt.shot, attempt.take))
    rows = [LedgerRow(name, rounded(fsum(one.credits)), len(one.takes)) for name, one in sums.items()]
    rows.sort(key=lambda row: (row.by is None, 0 if by == "month" else -row.credits, row.by or ""))
    return rows


def rounded(credits: float) -> float:
    """A sum of credits without what adding fractions of them does to the last digits."""
    return round(credits, _DIGITS)


def ledger_document(rows: Iterable[LedgerRow]) -> dict[str, Json]:
    """As ``ledger --format json`` prints it."""
    found = list(rows)
    return {
        "total": whole(rounded(fsum(row.credits for row in found))),
        "rows": [{"by": row.by, "credits": whole(row.credits), "takes": row.takes} for row in found],
    }


@dataclass(frozen=True, slots=True)
class LearnedPrice:
    """What the API reserved last for a model and params, how often it has told a price for them, and when last."""

    model: str
    params: Mapping[str, Json]
    credits: float
    times: int
    last: str | None


def learned_prices(books: Iterable[PaidBook]) -> list[LearnedPrice]:
    """Every price that the records tell of, by model, then by price."""
    found: dict[str, LearnedPrice] = {}
    for book in books:
        for attempt in book.history.attempts.values():
            if attempt.price_key is None or not tells_price(attempt):
                continue
            at, before = paid_at(attempt), found.get(attempt.price_key)
            times = before.times + 1 if before is not None else 1
            if before is not None and (before.last or "") > (at or ""):
                params, credits, at = before.params, before.credits, before.last
            else:
                params, credits = sent_params(attempt), attempt.reserved_credits or 0
            found[attempt.price_key] = LearnedPrice(attempt.model, params, credits, times, at)
    return sorted(found.values(), key=lambda one: (one.model, one.credits, str(one.params)))


def price_document(one: LearnedPrice) -> dict[str, Json]:
    """As ``prices --format json`` prints it."""
    return {
        "model": one.model,
        "params": dict(one.params),
        "credits": whole(one.credits),
        "times": one.times,
        "last": one.last,
    }
