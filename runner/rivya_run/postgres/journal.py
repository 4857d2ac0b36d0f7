"""A journal in the database: the same sealed lines as in the file, of which each machine keeps a copy.

The database is the truth. The copy, under the name that the file has without a database, is what everything that only
reads goes by; it is brought up to date when a command begins, and by the one who writes after each commit.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

from rivya_run.durable import write_atomically
from rivya_run.errors import JournalDamaged
from rivya_run.journal.events import Entry, JournalEvent
from rivya_run.journal.store import Beside, fold_journal, line_of
from rivya_run.postgres.database import Cursor, Database
from rivya_run.postgres.lease import Lease

_AT_ONCE: Final = 5000
"""Lines that are fetched at a time: some megabytes."""


class DatabaseJournal:
    """The journal of one book, open for appending under its lease. ``copy`` is the file on this machine."""

    def __init__(
        self,
        lease: Lease,
        copy: Path,
        *,
        now: Callable[[], str],
        each: Callable[[Entry], object] = lambda entry: None,
    ) -> None:
        """Bring the copy up to date and hand what is there to ``each``."""
        self.path = copy
        self.lease = lease
        self._now = now
        update_copy(lease.database, lease.book, copy)
        self._count, _ = fold_journal(copy, each)
        if self._count != lease.lines:
            raise JournalDamaged(
                f"{lease.database.shown}: the journal of {lease.book} has {self._count} lines of {lease.lines}",
                hint="restore the database from a backup, then rivya-run database repair",
            )
        self._waiting: list[tuple[int, bytes]] = []  # lines with their numbers
        self._failed = False  # whether the last sync did, and said so
        self._mutex = threading.Lock()
        self._syncing = threading.Lock()

    @property
    def commits(self) -> int:
        """How many commits the book has, this process's among them."""
        return self.lease.commits

    @property
    def fresh(self) -> bool:
        """See ``Lease.fresh``."""
        return self.lease.fresh

    def confirm(self) -> None:
        """See ``Lease.confirm``."""
        self.lease.confirm()

    def append(self, event: JournalEvent) -> Entry:
        """Add one line, in memory: it survives nothing before ``sync``."""
        entry = Entry(self._count + 1, self._now(), event)
        with self._mutex:
            self._waiting.append((entry.number, line_of(entry.number, entry.at, event)))
        self._count += 1
        return entry

    def sync(self, beside: Beside | None = None) -> None:
        """Commit everything appended so far, and what is to be written ``beside`` in the same transaction.

        May be called from another thread. Raises TakenOver or DatabaseUnavailable; then it is committed next time.
        """
        with self._syncing:
            with self._mutex:
                lines = list(self._waiting)
            if not lines and beside is None:
                return

            def write(cursor: Cursor, before: int) -> int:
                # An earlier commit of some of them may have been made, though nobody heard of it.
                new = [(self.lease.book, number, line) for number, line in lines if number > before]
                cursor.executemany("insert into journal_line (book, number, line) values (%s, %s, %s)", new)
                if beside is not None:
                    beside(cursor)
                return len(new)

            self._failed = True
            self.lease.commit(write)
            self._failed = False
            with self._mutex:
                del self._waiting[: len(lines)]
            with suppress(OSError), self.path.open("ab") as file:
                file.writelines(line for _, line in lines)

    def close(self) -> None:
        """Commit what is left. What ``sync`` raised already isn't raised again."""
        if self.lease.alive and not self._failed:
            self.sync()


def update_copy(database: Database, book: str, copy: Path) -> None:
    """Make a file hold what the database has of a journal; what the file has beyond or otherwise is dropped.

    Raises DatabaseUnavailable or OutputFolderError.
    """
    content = copy.read_bytes() if copy.exists() else b""
    whole = content[: content.rfind(b"\n") + 1]
    have, last = whole.count(b"\n"), whole[whole.rfind(b"\n", 0, -1) + 1 :]
    if not database.transact(lambda cursor: _agrees(cursor, book, have, last)):
        have, whole = 0, b""
    new = list(all_lines(database, book, have))
    if new or whole != content:
        write_atomically(copy, [whole, *new])


def known_books(database: Database) -> set[str]:
    """The storyboards whose books are here, by id."""

    def ids(cursor: Cursor) -> set[str]:
        cursor.execute("select id from book where lines > 0")
        return {str(row[0]) for row in cursor.fetchall()}

    return database.transact(ids)


def _agrees(cursor: Cursor, book: str, number: int, line: bytes) -> bool:
    """Whether the database has that line under that number."""
    cursor.execute("select line from journal_line where book = %s and number = %s", (book, number))
    row = cursor.fetchone()
    return row is not None and bytes(row[0]) == line


def all_lines(database: Database, book: str, after: int = 0) -> Iterator[bytes]:
    """The lines of a journal behind that number, a few thousand at a time."""
    while True:
        found = database.transact(partial(_some_lines, book=book, after=after))
        yield from found
        after += len(found)
        if len(found) < _AT_ONCE:
            return


def _some_lines(cursor: Cursor, book: str, after: int) -> list[bytes]:
    cursor.execute(
        "select line from journal_line where book = %s and number > %s order by number limit %s",
        (book, after, _AT_ONCE),
    )
    return [bytes(row[0]) for row in cursor.fetchall()]
