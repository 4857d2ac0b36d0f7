"""What both homes of the books promise, a folder and a database: a journal, who may write to it, debits."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from examples import attempt, board, shot
from postgres_server import PostgresServer, postgres_server
from rivya_run.errors import FolderLocked, OtherBooks, OutputFolderError, TakenOver
from rivya_run.journal.attempt import AttemptState
from rivya_run.journal.events import Created, Failed, Intended, JournalEvent
from rivya_run.postgres.account import share_of
from rivya_run.postgres.database import Database
from rivya_run.postgres.lease import leased
from rivya_run.postgres.pace import AccountPace
from rivya_run.project.books import debit_table, written_by_us
from rivya_run.project.budget_file import ProjectBudget
from rivya_run.project.debit_lines import BudgetRefusal
from rivya_run.project.debits import BoardDebits, ProjectBudgets, WantedDebit
from rivya_run.project.ledger import Ledger

MADE = attempt(shot("sh"), 1, AttemptState.SENT)
KEY = MADE.client_request_id


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server for all tests here."""
    with postgres_server() as found:
        yield found


@dataclass
class Home:
    """One home: a project folder, and the database where there is one."""

    root: Path
    database: Database | None

    @property
    def folder(self) -> Path:
        """The output folder of the storyboard ``one``."""
        return self.root / "outputs/one"

    def opened(self) -> AbstractContextManager[Ledger]:
        """Its records, for writing."""
        return written_by_us(self.folder, "test", self.database)

    def budgets(self, ledger: Ledger, most: float) -> ProjectBudgets:
        """One budget over everything, as a run opens it."""
        store = debit_table(self.database, [ledger]) if self.database is not None else None
        found = ProjectBudgets(self.root, [ProjectBudget("*", most, "ever", 1)], store=store)
        found.open([self.folder])
        return found


@pytest.fixture(params=["folder", "database"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Home]:
    """Each of the homes."""
    if request.param == "folder":
        yield Home(tmp_path, None)
        return
    server: PostgresServer = request.getfixturevalue("server")
    with closing(Database(server.new_books())) as database:
        yield Home(tmp_path, database)


def intent(key: str = KEY, credits: float = 10) -> Intended:
    """The intent of a create."""
    return Intended(
        key=key,
        shot="sh",
        take=1,
        fingerprint=MADE.fingerprint,
        number=1,
        model=MADE.model,
        body=MADE.body,
        estimate=credits,
    )


def task(key: str = KEY) -> Created:
    """The answer to it."""
    return Created(key=key, task_id=f"task_{key[-4:]}", status="queued", reserved_credits=10)


def recorded(home: Home, *events: JournalEvent) -> None:
    """Put events on record, as one run does."""
    with home.opened() as ledger:
        for event in events:
            ledger.record(event)
        ledger.sync()


def test_what_was_synced_is_there_for_the_next_one(home: Home) -> None:
    """In the order in which it was recorded, with what it comes to."""
    recorded(home, intent(), task())
    recorded(home, Failed(key=KEY, code="generation_failed", message="no", final_credits=0))
    with home.opened() as ledger:
        found = ledger.history.attempts[KEY]
        assert found.state is AttemptState.FAILED and found.body == MADE.body and found.final_credits == 0


def test_what_is_recorded_is_known_at_once(home: Home) -> None:
    """To the one who recorded it; a second recording follows the first."""
    with home.opened() as ledger:
        ledger.record(intent())
        assert ledger.history.attempts[KEY].state is AttemptState.SENT
        ledger.sync()
        ledger.record(task())
        ledger.sync()
        assert ledger.fresh
        ledger.confirm()
        assert ledger.history.attempts[KEY].state is AttemptState.RUNNING


def test_closing_makes_it_durable(home: Home) -> None:
    """Also what nobody synced."""
    with home.opened() as ledger:
        ledger.record(intent())
    with home.opened() as ledger:
        assert KEY in ledger.history.attempts


def test_text_of_any_kind_survives(home: Home) -> None:
    """Names of files may hold bytes that are no text, prompts whatever people paste."""
    odd = "\x00 \u2028 \U0001f600 \udcff"
    recorded(home, intent(), Failed(key=KEY, code="x", message=odd, final_credits=0))
    with home.opened() as ledger:
        error = ledger.history.attempts[KEY].error
        assert error is not None and error.message == odd


def test_there_is_one_writer(home: Home) -> None:
    """The second is told who the first is."""
    with home.opened(), pytest.raises(FolderLocked, match="in use by rivya-run test"), home.opened():
        pass


def test_nobody_mistakes_one_home_for_the_other(home: Home, server: PostgresServer) -> None:
    """Records in a folder aren't taken for those of a database, nor a copy for the records."""
    recorded(home, intent())
    with ExitStack() as held:
        another = held.enter_context(closing(Database(server.new_books())))
        held.enter_context(pytest.raises(OtherBooks))
        held.enter_context(Home(home.root, another).opened())
    if home.database is not None:
        with pytest.raises(OtherBooks), Home(home.root, None).opened():
            pass


def test_exactly_what_a_budget_holds_is_debited(home: Home) -> None:
    """Two of ten credits from twenty-five; what failed for free makes room for another."""
    with home.opened() as ledger:
        debits = BoardDebits(home.budgets(ledger, 25), board(shot("sh")), home.folder, ledger.history)
        assert created(ledger, debits, "k1") and created(ledger, debits, "k2")
        assert not created(ledger, debits, "k3")
        told(ledger, debits, Failed(key="k1", code="x", message="", final_credits=0))
        assert created(ledger, debits, "k3")
        assert not created(ledger, debits, "k4")


def test_a_debit_without_an_intent_is_given_back_by_the_next_run(home: Home) -> None:
    """Its process died in between: nothing was ever sent."""
    with home.opened() as ledger:
        debits = BoardDebits(home.budgets(ledger, 10), board(shot("sh")), home.folder, ledger.history)
        with ExitStack() as killed:
            assert isinstance(killed.enter_context(debits.debiting(wanted("k1"))), str)
            killed.pop_all()
    with home.opened() as ledger:
        if home.database is None:
            (home.root / "outputs/.budgets.lock").unlink()  # the lock goes with the process
        debits = BoardDebits(home.budgets(ledger, 10), board(shot("sh")), home.folder, ledger.history)
        assert created(ledger, debits, "k2")


def test_debits_can_be_made_anew_from_the_records(home: Home) -> None:
    """What counts is what the journals say."""
    with home.opened() as ledger:
        debits = BoardDebits(home.budgets(ledger, 25), board(shot("sh")), home.folder, ledger.history)
        assert created(ledger, debits, "k1") and created(ledger, debits, "k2")
        ledger.sync()
    if home.database is None:
        (home.root / "outputs/.budgets").unlink()
    else:
        home.database.transact(lambda cursor: cursor.execute("delete from debit") and None)
    with home.opened() as ledger:
        debits = BoardDebits(home.budgets(ledger, 25), board(shot("sh")), home.folder, ledger.history)
        assert not created(ledger, debits, "k3")


def wanted(key: str) -> WantedDebit:
    return WantedDebit(key, 10, None, (), unpriced=False)


def created(ledger: Ledger, debits: BoardDebits, key: str) -> bool:
    """Whether a create of ten credits is let through; its intent is on record then."""
    with debits.debiting(wanted(key)) as found:
        if isinstance(found, BudgetRefusal):
            return False
        ledger.record(intent(key))
    return True


def told(ledger: Ledger, debits: BoardDebits, event: Failed) -> None:
    """Put an answer on record, with what it changes."""
    ledger.record(event)
    debits.changed(event.key)
    lines = debits.taken() if debits.remote else []
    ledger.sync(lambda cursor: debits.write_beside(cursor, lines)) if lines else ledger.sync()


@pytest.fixture
def database(server: PostgresServer) -> Iterator[Database]:
    """Books in a database, alone."""
    with closing(Database(server.new_books())) as found:
        yield found


def test_a_debit_that_came_to_nothing_frees_its_place_at_once(database: Database, tmp_path: Path) -> None:
    """Another take may have it, though nothing more is put on record."""
    database.transact(lambda cursor: cursor.execute("update account set cap = 1") and None)
    home = Home(tmp_path, database)
    with home.opened() as ledger:
        debits = BoardDebits(home.budgets(ledger, 99), board(shot("sh")), home.folder, ledger.history)
        assert isinstance(debits.debited(wanted("k1")), str)
        refused = debits.debited(wanted("k2"))
        assert isinstance(refused, BudgetRefusal) and refused.waits
        debits.again("k1")
        debits.give_back("k1")
        assert isinstance(debits.debited(wanted("k2")), str)


def test_who_was_taken_over_writes_nothing_more(database: Database, tmp_path: Path) -> None:
    """Neither lines nor debits, however late it wakes; what it had is told."""
    first = Home(tmp_path / "first", database)
    with pytest.raises(TakenOver), first.opened() as ledger:
        debits = BoardDebits(first.budgets(ledger, 99), board(shot("sh")), first.folder, ledger.history)
        ledger.record(intent())
        ledger.sync()
        database.transact(lambda cursor: cursor.execute("update book set lease_until = null") and None)
        with Home(tmp_path / "second", database).opened() as second:
            second.record(task())
            second.sync()
        with pytest.raises(TakenOver), debits.debiting(wanted("late")):
            pass
        ledger.record(intent("late"))
        ledger.sync()
    with Home(tmp_path / "third", database).opened() as third:
        assert set(third.history.attempts) == {KEY}


def test_a_copy_that_was_spoilt_is_fetched_anew(database: Database, tmp_path: Path) -> None:
    """What a machine keeps of a journal is a copy, and never believed against the database."""
    home = Home(tmp_path, database)
    recorded(home, intent(), task())
    copy = home.folder / "journal.jsonl"
    good = copy.read_bytes()
    for spoilt in (b"", good[:-9], good + good, good.replace(b"sh", b"sx"), b"nonsense\n"):
        copy.write_bytes(spoilt)
        with home.opened() as ledger:
            assert ledger.history.attempts[KEY].shot == "sh"
        assert copy.read_bytes() == good


def test_a_database_that_forgets_is_refused(server: PostgresServer) -> None:
    """What it has confirmed must outlive its crash."""
    url = server.new_books()
    name = url.rpartition("/")[2]
    with closing(Database(server.admin_url)) as admin:
        admin.transact(
            lambda cursor: (
                cursor.execute(f'alter database "{name}" set synchronous_commit = off'.encode()) and None
            )
        )
    with (
        closing(Database(url)) as database,
        pytest.raises(OutputFolderError, match="synchronous_commit is off"),
    ):
        _ = database.id


def test_tables_of_a_newer_version_are_refused(database: Database) -> None:
    """By every command, with what to do."""
    database.transact(lambda cursor: cursor.execute("update meta set version = 99") and None)
    with (
        closing(Database(database.url)) as later,
        pytest.raises(OutputFolderError, match="of version 99"),
    ):
        _ = later.id


def test_a_pause_that_one_is_asked_for_holds_for_all(database: Database, tmp_path: Path) -> None:
    """The API refuses one machine; the others learn of it from the account, while their leases last."""
    with Home(tmp_path / "a", database).opened() as one, leased(database, "two", "test") as lease:
        assert one.lease is not None
        first, second = AccountPace(one.lease), AccountPace(lease)
        first.refused(30.0)
        deadline = time.monotonic() + 60
        while second.resume_at < time.monotonic() + 5:
            assert time.monotonic() < deadline, "it was never told"
            time.sleep(0.02)


def test_the_rate_of_an_account_is_shared(database: Database, tmp_path: Path) -> None:
    """By what each has in flight, and one who has nothing may begin."""
    database.transact(lambda cursor: cursor.execute("update account set rate = 12") and None)
    with Home(tmp_path / "a", database).opened() as one, leased(database, "two", "test"):
        debits = BoardDebits(
            Home(tmp_path / "a", database).budgets(one, 99), board(shot("sh")), one.folder, one.history
        )
        assert created(one, debits, "k1")
        assert database.transact(lambda cursor: share_of(cursor, "one")).rate == pytest.approx(12 * 2 / 3)
        assert database.transact(lambda cursor: share_of(cursor, "two")).rate == pytest.approx(12 / 3)
