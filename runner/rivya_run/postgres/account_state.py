"""Who has what of an account: the holders of leases, the tasks in flight, what counts."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from rivya_run.postgres.account import Limits, in_flight, limits
from rivya_run.postgres.database import Cursor, Database


@dataclass(frozen=True, slots=True)
class Holder:
    """A storyboard that somebody carries or has tasks in flight for. ``process`` None: nobody does now."""

    storyboard: str
    process: str | None
    purpose: str | None
    in_flight: int


@dataclass(frozen=True, slots=True)
class Submitted:
    """A storyboard that was submitted and hasn't ended. ``worker`` None: it waits."""

    storyboard: str
    worker: str | None
    priority: int
    submitted_by: str
    waited: float


@dataclass(frozen=True, slots=True)
class AccountState:
    """``counted`` are the credits that are spent or at stake over all storyboards."""

    limits: Limits
    in_flight: int
    counted: float
    holders: tuple[Holder, ...]
    submitted: tuple[Submitted, ...] = ()


def account_state(database: Database) -> AccountState:
    """The state of an account at one moment."""
    return database.transact(_state)


def _state(cursor: Cursor) -> AccountState:
    known, flying = limits(cursor), in_flight(cursor)
    cursor.execute("select line from debit where not gone")
    counted = sum(msgspec.json.decode(line)["credits"] for (line,) in cursor.fetchall())
    cursor.execute(
        "select book.id, case when lease_until > clock_timestamp() then holder end, purpose, "
        "(select count(*) from debit where debit.book = book.id and in_flight) from book order by book.id"
    )
    holders = tuple(Holder(*row) for row in cursor.fetchall() if row[1] is not None or row[3])
    return AccountState(known, flying, counted, holders, _submitted(cursor))


def _submitted(cursor: Cursor) -> tuple[Submitted, ...]:
    """In the order in which they are taken. By SQL alone: PgQueuer is slow to load."""
    cursor.execute("select to_regclass('pgqueuer') is not null")
    if cursor.fetchone() != (True,):
        return ()
    cursor.execute(
        "select storyboard, worker, priority, submitted_by, "
        "extract(epoch from clock_timestamp() - submitted_at)::float8 "
        "from submission join pgqueuer on pgqueuer.id = job where ended_at is null "
        "order by status = 'picked' desc, priority desc, job"
    )
    return tuple(Submitted(*row) for row in cursor.fetchall())
