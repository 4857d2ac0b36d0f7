"""Storyboards that were handed to the workers, with every file that they read; a content lies here once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Final
from uuid import UUID

from rivya_run.errors import RivyaError
from rivya_run.postgres import queue
from rivya_run.postgres.database import Cursor, Database

_PART: Final = 4 * 1024 * 1024
"""Bytes of a content in one row: what one process has in memory of it at a time."""

_KEPT: Final = "1 hour"
"""How long a content is kept that no submission names: between its upload and the submission lie seconds."""

_REMEMBERED: Final = "30 days"
"""How long it is known how a submission has ended."""


@dataclass(frozen=True, slots=True)
class PackedFile:
    """A file of a submission, by its path from the project root; ``place`` is where its content is here."""

    path: str
    sha256: str
    place: Path


@dataclass(frozen=True, slots=True)
class Bundle:
    """A storyboard as it is handed over: ``digest`` says what would be made of it, by files and contents."""

    storyboard: str
    path: str
    digest: str
    files: tuple[PackedFile, ...]


@dataclass(frozen=True, slots=True)
class Handed:
    """A submission. ``new`` is false where the same one waited or ran already; ``instead_of``: older ones of the
    storyboard that were still waiting, and are carried no more."""

    job: int
    new: bool
    instead_of: int = 0


@dataclass(frozen=True, slots=True)
class Taken:
    """A submission that a worker has taken; ``tries`` have come to nothing for a reason that may pass."""

    job: int
    storyboard: str
    path: str
    tries: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a submission is. ``worker`` has it now; ``ahead`` others are looked at before it."""

    job: int
    storyboard: str
    worker: str | None
    ahead: int
    ended: bool
    exit_code: int | None
    said: str


def hand_over(database: Database, bundle: Bundle, who: str, priority: int) -> Handed:
    """Put a storyboard into the queue, once while the same one waits or runs.

    Raises RivyaError where a file has changed meanwhile, DatabaseUnavailable.
    """
    while True:
        lacking = database.transact(partial(_lacking, contents={one.sha256 for one in bundle.files}))
        for one in {one.sha256: one for one in bundle.files if one.sha256 in lacking}.values():
            database.transact(partial(_store, file=one))
        handed = database.transact(partial(_submit, bundle=bundle, who=who, priority=priority))
        if handed is not None:
            return handed


def take(database: Database, worker: UUID, name: str) -> Taken | None:
    """What a worker is to carry next; None where nothing waits. Raises DatabaseUnavailable, soon."""

    def work(cursor: Cursor) -> Taken | None:
        job = queue.take(cursor, worker)
        if job is None:
            return None
        cursor.execute(
            "update submission set worker = %s where job = %s returning job, storyboard, path, tries",
            (name, job),
        )
        row = cursor.fetchone()
        if row is None:
            queue.drop(cursor, [job], "canceled")
            return None
        return Taken(*row)

    return database.transact(work, patience=2.0)


def unpack(database: Database, job: int, folder: Path) -> None:
    """Write the files of a submission into a folder. Raises RivyaError for one that leads out of it, OSError."""
    for path, content in database.transact(partial(_files, job=job)):
        target = (folder / path).resolve()
        if not target.is_relative_to(folder.resolve()):
            raise RivyaError(f"submission {job} names a file outside its project: {path}")
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as file:
            file.writelines(_parts(database, content))


def keep(database: Database, jobs: Collection[int]) -> None:
    """Give a sign that somebody is at work on these jobs."""
    database.transact(partial(queue.keep, jobs=list(jobs)), patience=2.0)


def put_back(database: Database, job: int, worker: UUID, delay: float, *, counted: bool) -> None:
    """Let a submission wait again, for ``delay`` seconds at least; ``counted``: as a try that came to nothing."""

    def work(cursor: Cursor) -> None:
        if queue.put_back(cursor, job, worker, delay):
            cursor.execute(
                "update submission set worker = null, tries = tries + %s where job = %s", (int(counted), job)
            )

    database.transact(work)


def end(database: Database, job: int, exit_code: int, said: str) -> None:
    """Put on record how a submission has ended; its files aren't needed any more."""

    def work(cursor: Cursor) -> None:
        queue.drop(cursor, [job], "exception" if exit_code else "successful")
        _ended(cursor, [job], exit_code, said)
        cursor.execute(
            "delete from content where stored_at < clock_timestamp() - %s::interval "
            "and not exists (select from submitted_file where submitted_file.sha256 = content.sha256)",
            (_KEPT,),
        )
        cursor.execute(
            "delete from submission where ended_at < clock_timestamp() - %s::interval", (_REMEMBERED,)
        )
        cursor.execute(
            "delete from pgqueuer_log where created < clock_timestamp() - %s::interval", (_REMEMBERED,)
        )

    database.transact(work)


def held_by_another(database: Database, storyboard: str) -> bool:
    """Whether somebody carries the storyboard at this moment, by the lease of its book."""

    def work(cursor: Cursor) -> bool:
        cursor.execute("select lease_until > clock_timestamp() from book where id = %s", (storyboard,))
        row = cursor.fetchone()
        return row is not None and bool(row[0])

    return database.transact(work)


def commits_of(database: Database, book: str) -> int:
    """How many commits there are of a book."""

    def work(cursor: Cursor) -> int:
        cursor.execute("select commits from book where id = %s", (book,))
        row = cursor.fetchone()
        return int(row[0]) if row is not None else 0

    return database.transact(work)


def progress_of(database: Database, jobs: Sequence[int]) -> list[Progress]:
    """How far submissions are, in their order."""

    def work(cursor: Cursor) -> list[Progress]:
        cursor.execute(
            "select s.job, s.storyboard, s.worker, (select count(*) from pgqueuer as other "
            "where other.status = 'queued' and (-other.priority, other.id) < (-own.priority, own.id)), "
            "s.ended_at is not null, s.exit_code, s.said "
            "from submission s left join pgqueuer as own on own.id = s.job where s.job = any(%s) order by s.job",
            (list(jobs),),
        )
        return [Progress(*row) for row in cursor.fetchall()]

    return database.transact(work)


def _lacking(cursor: Cursor, contents: set[str]) -> set[str]:
    """The contents that aren't here; the others are kept for a while."""
    cursor.execute(
        "update content set stored_at = clock_timestamp() where sha256 = any(%s) returning sha256",
        (sorted(contents),),
    )
    return contents - {str(row[0]) for row in cursor.fetchall()}


def _store(cursor: Cursor, file: PackedFile) -> None:
    cursor.execute("insert into content (sha256) values (%s) on conflict do nothing", (file.sha256,))
    if cursor.rowcount == 0:
        return  # somebody else has just brought it
    digest = sha256()
    with file.place.open("rb") as opened:
        number = 0
        while part := opened.read(_PART):
            digest.update(part)
            cursor.execute("insert into content_part values (%s, %s, %s)", (file.sha256, number, part))
            number += 1
    if digest.hexdigest() != file.sha256:
        raise RivyaError(f"{file.place}: it was changed while it was being handed over", hint="submit again")


def _submit(cursor: Cursor, bundle: Bundle, who: str, priority: int) -> Handed | None:
    """None where a content has been cleaned up meanwhile."""
    contents = sorted({one.sha256 for one in bundle.files})
    cursor.execute("select from content where sha256 = any(%s) for key share", (contents,))
    if cursor.rowcount < len(contents):
        return None
    job = queue.enqueue(cursor, f"{bundle.storyboard}:{bundle.digest}", priority)
    cursor.execute(
        "insert into submission (job, storyboard, path, submitted_by) values (%s, %s, %s, %s) "
        "on conflict do nothing",
        (job, bundle.storyboard, bundle.path, who),
    )
    if cursor.rowcount == 0:
        return Handed(job, new=False)
    cursor.executemany(
        "insert into submitted_file (job, path, sha256) values (%s, %s, %s)",
        [(job, one.path, one.sha256) for one in bundle.files],
    )
    cursor.execute(
        "select job from submission where storyboard = %s and ended_at is null and job < %s",
        (bundle.storyboard, job),
    )
    older = queue.drop(cursor, [row[0] for row in cursor.fetchall()], "canceled", waiting=True)
    _ended(
        cursor,
        older,
        None,
        "a newer version of the storyboard was submitted before a worker had looked at it",
    )
    return Handed(job, new=True, instead_of=len(older))


def _ended(cursor: Cursor, jobs: list[int], exit_code: int | None, said: str) -> None:
    cursor.execute(
        "update submission set ended_at = clock_timestamp(), exit_code = %s, said = %s "
        "where job = any(%s) and ended_at is null",
        (exit_code, said, jobs),
    )
    cursor.execute("delete from submitted_file where job = any(%s)", (jobs,))


def _files(cursor: Cursor, job: int) -> list[tuple[str, str]]:
    cursor.execute("select path, sha256 from submitted_file where job = %s order by path", (job,))
    return [(str(path), str(content)) for path, content in cursor.fetchall()]


def _parts(database: Database, content: str) -> Iterator[bytes]:
    """A content in pieces, each fetched by itself."""
    number = 0
    while (part := database.transact(partial(_part, content=content, number=number))) is not None:
        yield part
        number += 1


def _part(cursor: Cursor, content: str, number: int) -> bytes | None:
    cursor.execute("select bytes from content_part where sha256 = %s and number = %s", (content, number))
    row = cursor.fetchone()
    return bytes(row[0]) if row is not None else None
