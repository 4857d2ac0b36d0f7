"""Transactions whose answer is lost, or that are lost with their answer: what was written is known in the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import psycopg
import pytest

from postgres_server import PostgresServer, postgres_server
from rivya_run.errors import DatabaseUnavailable
from rivya_run.journal.events import GivenUp
from rivya_run.journal.store import read_journal
from rivya_run.postgres.database import Cursor, Database
from rivya_run.postgres.journal import DatabaseJournal, all_lines
from rivya_run.postgres.lease import leased
from rivya_run.project.debit_lines import Debit
from rivya_run.project.debit_table import DebitTable

T = TypeVar("T")


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server for all tests here."""
    with postgres_server() as found:
        yield found


class _AnswerLost(Database):
    """A database that is gone after the next commit, for longer than anybody waits."""

    lost = False

    def transact(self, work: Callable[[Cursor], T], *, patience: float | None = None) -> T:
        found = super().transact(work, patience=patience)
        if self.lost:
            self.lost = False
            raise DatabaseUnavailable("the connection is lost")
        return found


class _CommitLost(Database):
    """A database that crashes in the next commit, which is rolled back, and is there again."""

    lost = False

    def transact(self, work: Callable[[Cursor], T], *, patience: float | None = None) -> T:
        def done(cursor: Cursor) -> T:
            found = work(cursor)
            if self.lost:
                self.lost = False
                with psycopg.connect(self.url, autocommit=True) as other:
                    other.execute(
                        "select pg_terminate_backend(%s, 5000)", (cursor.connection.info.backend_pid,)
                    )
            return found

        return super().transact(done, patience=patience)


def test_lines_after_a_commit_of_unknown_fate_are_kept(server: PostgresServer, tmp_path: Path) -> None:
    """A commit went through and nobody heard of it: what is recorded next is written all the same, once."""
    database = _AnswerLost(server.new_books())
    with leased(database, "one", "test") as lease:
        journal = DatabaseJournal(lease, tmp_path / "copy", now=lambda: "2026-01-01T00:00:00Z")
        journal.append(GivenUp(key="a"))
        database.lost = True
        with pytest.raises(DatabaseUnavailable):
            journal.sync()
        journal.append(GivenUp(key="b"))
        journal.sync()
        journal.append(GivenUp(key="c"))
        journal.sync()
    (tmp_path / "all").write_bytes(b"".join(all_lines(database, "one")))
    assert [entry.event for entry in read_journal(tmp_path / "all")[0]] == [
        GivenUp(key=key) for key in ("a", "b", "c")
    ]
    assert (tmp_path / "copy").read_bytes() == (tmp_path / "all").read_bytes()
    database.close()


def test_debits_of_a_commit_that_was_lost_are_written_again(server: PostgresServer, tmp_path: Path) -> None:
    """What was only written in a transaction that came to nothing isn't taken for what the database has."""
    database = _CommitLost(server.new_books())
    with leased(database, "one", "test") as lease:
        other = DebitTable(database, lambda before, debit: None, [lease])
        with other.debiting(
            ("one", "left"), list, lambda: Debit("one", "left", 10.0, "2026-01-01T00:00:00Z")
        ):
            pass
        table = DebitTable(database, lambda before, debit: None, [lease])
        database.lost = True
        table.open([tmp_path / "one"])  # nothing is on record there: the debit is given back

    fresh = DebitTable(database, lambda before, debit: None)
    fresh.look()
    assert not fresh.debits.get("one")
    database.close()


class _Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_a_database_that_is_down_is_waited_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that ends for it, or that somebody stops, doesn't wait as long again for each thing it would write."""
    clock = _Clock()
    monkeypatch.setattr("rivya_run.postgres.database.time", clock)
    database = Database("postgresql://nobody@127.0.0.1:1/none")
    waited = []
    for _ in range(3):
        before = clock.now
        with pytest.raises(DatabaseUnavailable):
            database.transact(lambda cursor: None)
        waited.append(clock.now - before)
    assert waited[0] > 50
    assert sum(waited[1:]) < 5


def test_a_storyboard_whose_name_is_no_text_has_a_lease(server: PostgresServer) -> None:
    """Names of files may hold bytes that are no text."""
    database = Database(server.new_books())
    with leased(database, "one", "run b\udcff.yaml") as lease:
        assert lease.alive
    database.close()


def test_what_was_raised_is_not_raised_again_at_the_end(server: PostgresServer, tmp_path: Path) -> None:
    """It would take the place of what the run says of its open tasks."""
    database = _AnswerLost(server.new_books())
    with leased(database, "one", "test") as lease:
        journal = DatabaseJournal(lease, tmp_path / "copy", now=lambda: "2026-01-01T00:00:00Z")
        journal.append(GivenUp(key="a"))
        database.lost = True
        with pytest.raises(DatabaseUnavailable):
            journal.sync()
        database.lost = True
        journal.close()
    database.close()
