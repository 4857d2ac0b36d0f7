"""Who writes to the books of a storyboard: a row with an epoch, which only the database's clock lets go.

A lease that has ended is free for the next one, whose taking raises the epoch; each commit names the epoch that it
belongs to, so a process that was taken over can't write any more, however late it wakes. Session locks would not do:
a server holds them for minutes after a machine has vanished.
"""

from __future__ import annotations

import os
import platform
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

from rivya_run.errors import FolderLocked, RivyaError, TakenOver
from rivya_run.postgres.database import Cursor, Database
from rivya_run.text import visible
from rivya_run.times import steady

_FRESH: Final = 1 / 3
"""Share of the lease since the last commit after which nothing is sent that costs: well before anybody could take
over."""

_RENEWED: Final = 1 / 5
"""Share of the lease after which it is renewed: a renewal may fail before a create has to wait."""

_BEAT: Final = 0.5
"""Seconds between two looks at what all machines of the account keep to: a pause is to stop them within a second."""

_LOOK_AGAIN: Final = 0.25
"""Seconds between two looks whether somebody else's lease has ended: little beside how long one holds."""


class Lease:
    """The right to write to one book, held and renewed by a thread until it is given back.

    ``commits`` is how many there were of this book so far; each names the number that it expects, so that one whose
    answer was lost isn't made twice.
    """

    def __init__(
        self, database: Database, book: str, holder: str, seconds: float, epoch: int, commits: int, lines: int
    ) -> None:
        """``holder`` is by chance: an epoch alone could come again with an older backup. ``seconds``: for how long
        it holds, and a storyboard waits when its machine has died."""
        self._holder = holder
        self.seconds = seconds
        self.database = database
        # Nothing else keeps this one from renewing.
        self._own = Database(
            database.url,
            patience=database.patience,
            hurried=lambda: self._ended.is_set() or database.hurried(),
        )
        self.book = book
        self.epoch = epoch
        self.commits = commits
        self.lines = lines
        self._confirmed = self._renewed = steady()
        self._ended = threading.Event()
        self._mutex = threading.RLock()
        self._lost: TakenOver | None = None
        self._in_doubt = False  # whether the last commit was made isn't known
        self._beat: Callable[[Cursor], None] | None = None
        self._wake = threading.Event()

    @property
    def fresh(self) -> bool:
        """Whether a commit has just shown that this process is the one: then a create may be sent."""
        return self._lost is None and steady() - self._confirmed < self.seconds * _FRESH

    @property
    def alive(self) -> bool:
        """Whether it isn't known to be lost."""
        return self._lost is None

    def confirm(self) -> None:
        """Renew the lease. Raises TakenOver or DatabaseUnavailable. May be called from another thread."""
        asked = steady()
        self._own.transact(self._renew)
        self._renewed = asked
        self._confirmed = max(self._confirmed, asked)

    def commit(self, write: Callable[[Cursor, int], int]) -> None:
        """Write to the book: ``write`` gets the number of its lines so far and answers how many it has added.

        Raises TakenOver or DatabaseUnavailable, and then it isn't known whether it was written: the next commit finds
        out first, so the number that its ``write`` gets tells it.
        """
        with self._mutex:
            if self._in_doubt:
                self.commits, self.lines = self.database.transact(self._found)
            asked, self._in_doubt = steady(), True
            self.lines = self.database.transact(lambda cursor: self._written(cursor, write))
            self.commits, self._in_doubt = self.commits + 1, False
            self._confirmed = max(self._confirmed, asked)

    def check(self, cursor: Cursor) -> None:
        """Raises TakenOver where the lease is another one's by now; for what is written beside a book."""
        cursor.execute("select 1 from book where id = %s and epoch = %s and holder = %s", self._mine)
        if cursor.fetchone() is None:
            raise self.lost()

    @property
    def _mine(self) -> tuple[str, int, str]:
        return self.book, self.epoch, self._holder

    def raise_commits(self, at_least: int) -> None:
        """Let the book count as many commits as are known of, where a backup has lost some."""

        def write(cursor: Cursor) -> None:
            cursor.execute(
                "update book set commits = greatest(commits, %s) where id = %s and epoch = %s returning commits",
                (at_least, self.book, self.epoch),
            )
            row = cursor.fetchone()
            if row is None:
                raise self.lost()
            self.commits = int(row[0])

        with self._mutex:
            self.database.transact(write)

    def watch(self, beat: Callable[[Cursor], None]) -> None:
        """Call this twice a second, in a transaction, and at once after ``wake``; from the thread that renews."""
        self._beat = beat

    def wake(self) -> None:
        """Let the thread look now."""
        self._wake.set()

    def lost(self) -> TakenOver:
        """The error for a lease that another one has taken, from now on for every commit."""
        self._lost = self._lost or TakenOver(
            f"{self.book}: another process carries this storyboard by now; this one stops",
            hint="nothing more is sent from here; what was open is followed there",
        )
        return self._lost

    def _renew(self, cursor: Cursor) -> None:
        cursor.execute(
            "update book set lease_until = clock_timestamp() + make_interval(secs => %s) "
            "where id = %s and epoch = %s and holder = %s",
            (self.seconds, self.book, self.epoch, self._holder),
        )
        if cursor.rowcount == 0:
            raise self.lost()

    def _found(self, cursor: Cursor) -> tuple[int, int]:
        """Commits and lines of the book as they are after a commit that may have been made or not."""
        cursor.execute(
            "select commits, lines from book where id = %s and epoch = %s and holder = %s for update",
            self._mine,
        )
        row = cursor.fetchone()
        if row is None or row[0] not in (self.commits, self.commits + 1):
            raise self.lost()
        return int(row[0]), int(row[1])

    def _written(self, cursor: Cursor, write: Callable[[Cursor, int], int]) -> int:
        cursor.execute(
            "select epoch, commits, lines, holder from book where id = %s for update", (self.book,)
        )
        row = cursor.fetchone()
        if row is None or (row[0], row[3]) != (self.epoch, self._holder) or self._lost is not None:
            raise self.lost()
        if row[1] == self.commits + 1:
            return int(row[2])  # it was committed, and the answer was lost
        if row[1] != self.commits:
            raise self.lost()
        lines = self.lines + write(cursor, self.lines)
        cursor.execute(
            "update book set commits = commits + 1, lines = %s, "
            "lease_until = clock_timestamp() + make_interval(secs => %s) where id = %s",
            (lines, self.seconds, self.book),
        )
        return lines

    def _keep(self) -> None:
        """What the thread does: renew until it has ended; what fails is tried again, and shows in ``fresh``."""
        while not self._ended.is_set():
            self._wake.wait(_BEAT if self._beat is not None else self.seconds * _RENEWED)
            self._wake.clear()
            if self._ended.is_set():
                return
            try:
                if self._beat is not None:
                    self._own.transact(self._beat)
                if steady() - self._renewed >= self.seconds * _RENEWED - _BEAT:
                    self.confirm()
            except TakenOver:
                return
            except RivyaError:
                continue

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Renew it in the block, and give it back at its end."""
        thread = threading.Thread(target=self._keep, name=f"lease of {self.book}", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            self._wake.set()
            thread.join()
            if self._lost is None:
                with suppress(RivyaError):
                    self._own.transact(self._give_back, patience=2.0)
            self._own.close()

    def _give_back(self, cursor: Cursor) -> None:
        cursor.execute(
            "update book set holder = null, purpose = null, lease_until = null where id = %s and epoch = %s",
            (self.book, self.epoch),
        )


@contextmanager
def leased(database: Database, book: str, purpose: str) -> Iterator[Lease]:
    """Hold the lease of a book, which is made where there is none. Raises FolderLocked, naming the holder.

    One that isn't renewed any more is waited for; that of a process of this machine that is gone is taken at once.
    """
    me = f"{platform.node()}:{os.getpid()}:{os.urandom(4).hex()}"
    deadline: float | None = None
    seen: object = None
    while True:
        taken = database.transact(lambda cursor: _take(cursor, book, me, visible(purpose)))
        if isinstance(taken, tuple):
            break
        now = time.monotonic()
        if deadline is None:
            deadline, seen = now + taken.seconds + 1, taken.until
        elif taken.until != seen or now > deadline:
            raise FolderLocked(
                f"{book}: in use by {taken.words}",
                hint="wait for it to end, or stop it; its work is kept",
            )
        time.sleep(_LOOK_AGAIN)
    lease = Lease(database, book, me, *taken)
    with lease.kept():
        yield lease


class _Held:
    """A lease of somebody else."""

    def __init__(self, holder: str, purpose: str, until: object, seconds: float) -> None:
        self.seconds = seconds
        host, number, _ = holder.rsplit(":", 2)
        self.words = f"rivya-run {purpose} (process {number} on {host})"
        self.until = until


def _take(cursor: Cursor, book: str, me: str, purpose: str) -> tuple[float, int, int, int] | _Held:
    """Take the lease where it is free: its seconds, epoch, commits and lines. Done again, it is taken anew."""
    cursor.execute("insert into book (id) values (%s) on conflict do nothing", (book,))
    cursor.execute(
        "select epoch, commits, lines, holder, purpose, lease_until, lease_until > clock_timestamp(), "
        "(select lease from account) from book where id = %s for update",
        (book,),
    )
    row = cursor.fetchone()
    assert row is not None, "it was made above"
    epoch, commits, lines, holder, what, until, holds, seconds = row
    if holds and holder != me and not _is_gone(holder):
        return _Held(str(holder), str(what), until, seconds)
    cursor.execute(
        "update book set epoch = epoch + 1, holder = %s, purpose = %s, "
        "lease_until = clock_timestamp() + make_interval(secs => %s) where id = %s",
        (me, purpose, seconds, book),
    )
    return float(seconds), epoch + 1, commits, lines


def _is_gone(holder: str) -> bool:
    """Whether it was a process of this machine that has ended. Should it be wrong, the epoch still decides."""
    host, number, _ = holder.rsplit(":", 2) if holder.count(":") > 1 else ("", "", "")
    if host != platform.node() or not number.isdigit() or os.name == "nt":
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False
