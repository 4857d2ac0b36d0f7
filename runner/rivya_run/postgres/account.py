"""The one set of limits of an account: tasks in flight, credits, pace; one row, locked for milliseconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from rivya_run.postgres.database import Cursor, Database

SETTINGS: Final = ("name", "cap", "budget", "rate", "paused", "lease")


@dataclass(frozen=True, slots=True)
class Limits:
    """What all machines keep to together. ``cap``: tasks in flight; ``budget``: credits, ever; ``rate``: requests a
    second; ``paused``: nothing is created; ``resume_in``: seconds for which nothing at all is sent."""

    name: str
    cap: int | None
    budget: float | None
    rate: float | None
    paused: bool
    resume_in: float
    highest_time: str


@dataclass(frozen=True, slots=True)
class Share:
    """What one process may do of that. ``rate``: requests a second, None: as many as are answered."""

    rate: float | None
    resume_in: float
    paused: bool


def limits(cursor: Cursor, *, locked: bool = False) -> Limits:
    """The limits as they are; ``locked``: nobody else looks at them so before this transaction has ended."""
    lock = " for update" if locked else ""
    cursor.execute(
        "select name, cap, budget, rate, paused, "
        "coalesce(extract(epoch from resume_at - clock_timestamp()), 0)::float8, highest_time "
        f"from account{lock}"
    )
    row = cursor.fetchone()
    assert row is not None, "the tables are made with their one row"
    name, cap, budget, rate, paused, resume_in, highest = row
    return Limits(name, cap, budget, rate, paused, max(0.0, resume_in), highest)


def in_flight(cursor: Cursor) -> int:
    """Tasks and creates that hold a place among those in flight, over all storyboards."""
    cursor.execute("select count(*) from debit where in_flight")
    row = cursor.fetchone()
    return int(row[0]) if row is not None else 0


def change(database: Database, name: str, value: object) -> None:
    """Set one of ``SETTINGS``."""
    assert name in SETTINGS
    database.transact(lambda cursor: cursor.execute(f"update account set {name} = %s", (value,)) and None)


def pause_requests(cursor: Cursor, seconds: float) -> None:
    """Nothing is sent by anybody for so many seconds: the API has refused one of us."""
    cursor.execute(
        "update account set resume_at = greatest(coalesce(resume_at, '-infinity'), "
        "clock_timestamp() + make_interval(secs => %s))",
        (seconds,),
    )


def share_of(cursor: Cursor, book: str) -> Share:
    """What the process that carries this book may do: of the rate as much as it has of the tasks in flight."""
    known = limits(cursor)
    rate = known.rate
    if rate is not None:
        cursor.execute(
            "select count(*) filter (where book = %s), count(*), "
            "(select count(*) from book where lease_until > clock_timestamp()) from debit where in_flight",
            (book,),
        )
        row = cursor.fetchone()
        mine, all_of_them, holders = row if row is not None else (0, 0, 1)
        # One more for each process: who has nothing in flight must be able to begin.
        rate *= (mine + 1) / (all_of_them + max(1, holders))
    return Share(rate, known.resume_in, known.paused)
