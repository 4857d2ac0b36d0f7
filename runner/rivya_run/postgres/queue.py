"""The queue of storyboards that wait for a worker: PgQueuer's tables, by PgQueuer's own statements.

A job is one storyboard. What the queue says is a hint who should look at it: the lease of its book decides who
writes. PgQueuer's calls are made in a transaction of ours, so that a job and what belongs to it change together.
"""

from __future__ import annotations

from collections.abc import Coroutine
from datetime import timedelta
from functools import cache, partial
from typing import Any, Final, TypeVar, cast
from uuid import UUID

from pgqueuer.adapters.persistence.qb import (
    QueryBuilderEnvironment,
    QueryQueueBuilder,
    QuerySchedulerBuilder,
)
from pgqueuer.domain.models import Job
from pgqueuer.domain.settings import DBSettings
from pgqueuer.domain.types import JOB_STATUS, JobId, QueueEntrypoint, QueueManagerId
from pgqueuer.ports.driver import Driver, SyncDriver
from pgqueuer.ports.repository import EntrypointExecutionParameter
from pgqueuer.queries import Queries, SyncQueries
from psycopg import RawCursor
from psycopg.rows import dict_row

from rivya_run.postgres.database import Cursor, Database

T = TypeVar("T")

HEARTBEAT: Final = 10.0
"""Seconds without a sign of a job's worker after which another one looks at it: less than a lease lasts, so that the
storyboard is unpacked when the lease ends."""

_ENTRYPOINT: Final = QueueEntrypoint("storyboard")
_LOCK: Final = 7_259_185
"""The advisory lock of an installation; held for its transaction only."""


def install(database: Database) -> None:
    """Make PgQueuer's tables, or bring those of an older PgQueuer up to date. Twice is fine."""

    def make(cursor: Cursor) -> list[str]:
        cursor.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
        queries = _queries(cursor)
        if not _at_once(queries.schema_is_installed()):
            _at_once(queries.install(create_schema=False))
            return []
        return [*_at_once(queries.plan_upgrade()).statements]

    for statement in database.transact(
        make
    ):  # one each: what one adds to a type can't be used where it was added
        database.transact(partial(_execute, statement=statement))


def enqueue(cursor: Cursor, key: str, priority: int) -> int:
    """The job under a key: that which waits or runs, with the higher priority of the two, or a new one."""
    queries = SyncQueries(_SyncCursorDriver(cursor), qbq=_builders()[1])
    [job] = queries.enqueue(_ENTRYPOINT, None, priority, dedupe_key=key, on_conflict="update_priority")
    return int(job)


def take(cursor: Cursor, worker: UUID) -> int | None:
    """A job for a worker: the oldest of the highest priority that waits, or whose worker gives no sign any more."""
    jobs = _at_once(
        _queries(cursor).dequeue(
            batch_size=1,
            entrypoints={_ENTRYPOINT: EntrypointExecutionParameter(concurrency_limit=0)},
            queue_manager_id=QueueManagerId(worker),
            global_concurrency_limit=None,
            heartbeat_timeout=timedelta(seconds=HEARTBEAT),
        )
    )
    return int(jobs[0].id) if jobs else None


def keep(cursor: Cursor, jobs: list[int]) -> None:
    """Give a sign that somebody is at work on these jobs."""
    _at_once(_queries(cursor).update_heartbeat([JobId(job) for job in jobs]))


def put_back(cursor: Cursor, job: int, worker: UUID, delay: float) -> bool:
    """Let a job wait again, for ``delay`` seconds at least; false where it isn't this worker's any more."""
    found = _locked(cursor, [job], "queue_manager_id = $2", worker)
    for one in found:
        _at_once(_queries(cursor).retry_job(one, timedelta(seconds=delay), None))
    return bool(found)


def drop(cursor: Cursor, jobs: list[int], status: JOB_STATUS, *, waiting: bool = False) -> list[int]:
    """Take jobs out of the queue, with a status for its log; those that it was. ``waiting``: no others."""
    found = _locked(cursor, jobs, "status = 'queued'" if waiting else "true")
    if found:
        _at_once(_queries(cursor).log_jobs([(one, status, None) for one in found]))
    return [int(one.id) for one in found]


def _locked(cursor: Cursor, jobs: list[int], condition: str, *values: object) -> list[Job]:
    """Those of the jobs for which a condition holds, for nobody else to change before the transaction has ended."""
    query = f"select * from {_settings().queue_table} where id = any($1) and {condition} for update"
    return [Job.model_validate(row) for row in _rows(cursor, query, jobs, *values)]


def _rows(cursor: Cursor, query: str, *values: object) -> list[dict[str, Any]]:
    """What a statement of PgQueuer's gives, whose parameters are numbered."""
    with RawCursor(cursor.connection, row_factory=dict_row) as own:
        own.execute(query.encode(), values or None)
        return own.fetchall() if own.description is not None else []


@cache
def _settings() -> DBSettings:
    """PgQueuer's names and nothing of the environment: who submits and who works must mean the same tables."""
    return DBSettings.model_validate({})


@cache
def _builders() -> tuple[QueryBuilderEnvironment, QueryQueueBuilder, QuerySchedulerBuilder]:
    known = _settings()
    return QueryBuilderEnvironment(known), QueryQueueBuilder(known), QuerySchedulerBuilder(known)


def _queries(cursor: Cursor) -> Queries:
    environment, queue, scheduler = _builders()
    return Queries(cast(Driver, _CursorDriver(cursor)), environment, queue, scheduler)


def _execute(cursor: Cursor, statement: str) -> None:
    cursor.execute(statement.encode())


class _CursorDriver:
    """What the calls of ours ask of a database, in the transaction of a cursor: nothing in it ever waits."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor

    async def fetch(self, query: str, *args: object) -> list[dict[str, Any]]:
        return _rows(self._cursor, query, *args)

    async def execute(self, query: str, *args: object) -> str:
        _rows(self._cursor, query, *args)
        return ""


class _SyncCursorDriver(SyncDriver):
    """The same for the calls that aren't coroutines."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor

    def fetch(self, query: str, *args: object) -> list[dict[str, Any]]:
        return _rows(self._cursor, query, *args)


def _at_once(asked: Coroutine[Any, Any, T]) -> T:
    """What a coroutine gives that never waits."""
    try:
        asked.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    raise AssertionError("PgQueuer waits for something in a transaction")
