"""The debits of an account in the database, with the places of its tasks in flight.

A place belongs to the task at the API, not to a process: it is taken with the debit of a create, before the intent is
on record, and given back in the commit that says how the task ended. What a process that died left behind is put
right by the next one that carries its storyboard, from the journal.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from math import inf
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from rivya_run.errors import OutputFolderError
from rivya_run.postgres.account import Limits, in_flight, limits
from rivya_run.postgres.database import Cursor, Database
from rivya_run.postgres.lease import Lease
from rivya_run.project.debit_lines import (
    ROUNDING,
    BudgetRefusal,
    Debit,
    GivenBack,
    HighestTime,
    Line,
    corrections,
    highest_time,
)
from rivya_run.project.other_choices import history_of
from rivya_run.text import figure
from rivya_run.times import iso

T = TypeVar("T")

_DECODER: Final = msgspec.json.Decoder(Debit)
_ENCODER: Final = msgspec.json.Encoder()


class DebitTable:
    """All debits of an account. ``changed`` hears of each that is new (second) or gone (first).

    All writing is done under the lock of the account's row, so what is read in a transaction holds until its end.
    """

    places = True
    remote = True

    def __init__(
        self,
        database: Database,
        changed: Callable[[Debit | None, Debit | None], None],
        leases: Collection[Lease] = (),
    ) -> None:
        """``leases`` are those of the storyboards that are written for: without them nothing is written."""
        self._leases = leases
        self.debits: dict[str, dict[str, Debit]] = {}
        self.highest = ""
        self._database = database
        self._changed = changed
        self._mutex = threading.RLock()
        self._seen = 0  # the last change that was read
        self._sum = 0.0

    def name_of(self, folder: Path) -> str:
        """The book of an output folder: its storyboard's id."""
        return folder.name

    def look(self) -> None:
        """Know what counts."""
        self._transact(lambda cursor: self._catch_up(cursor))

    def open(self, mine: Collection[Path]) -> None:
        """Make the debits of these storyboards agree with their records, whose leases are held."""
        histories = {self.name_of(folder): history_of(folder) for folder in mine}

        def put_right(cursor: Cursor) -> None:
            self._locked(cursor)
            for name, history in histories.items():
                self._write(cursor, corrections(name, history, self.debits.get(name, {}), places=True))
                if (seen := highest_time(history)) > self.highest:
                    self._write(cursor, [HighestTime(seen)])

        self._transact(put_right)

    @contextmanager
    def debiting(
        self,
        key: tuple[str, str],
        due: Callable[[], Iterable[Line]],
        decide: Callable[[], BudgetRefusal | Debit],
    ) -> Iterator[BudgetRefusal | Debit]:
        """Debit a create and take a place for it, in one transaction that has ended when the block begins.

        What the block doesn't put on record is given back with what is recorded next, or by the next run.
        """

        def decided(cursor: Cursor) -> BudgetRefusal | Debit:
            known = self._locked(cursor)
            self._write(cursor, due())
            # A first try whose answer was lost has made it already: it doesn't count twice.
            self._write(cursor, [GivenBack(*key)])
            debit = decide()
            if isinstance(debit, Debit):
                debit = self._refusal(cursor, known, debit) or debit
            if isinstance(debit, Debit):
                self._write(cursor, [debit])
            return debit

        yield self._transact(decided)

    def correct(self, lines: Callable[[], Iterable[Line]]) -> bool:
        """Write corrections at once; most are written with what is put on record, see ``write_beside``."""
        with suppress(OutputFolderError):  # the next run of it looks at everything
            found = list(lines())
            if found:
                self._transact(lambda cursor: self._corrected(cursor, found))
            return True
        return False

    def close(self, folder: Path, lines: Callable[[], Iterable[Line]]) -> None:
        """Write the last corrections of a run."""
        self.correct(lines)

    def write_beside(self, cursor: Cursor, lines: Collection[Line]) -> None:
        """Write corrections in the transaction that puts on record what they come from."""
        if lines:
            limits(cursor, locked=True)
            for line in lines:
                _put(cursor, line)

    def _corrected(self, cursor: Cursor, lines: Iterable[Line]) -> None:
        self._locked(cursor)
        self._write(cursor, lines)

    def _transact(self, work: Callable[[Cursor], T]) -> T:
        """In one transaction; what was read and written in one that came to nothing is forgotten, also where only its
        commit failed."""
        tried = False

        def done(cursor: Cursor) -> T:
            nonlocal tried
            if tried:
                self._forget()
            tried = True
            return work(cursor)

        with self._mutex:
            try:
                return self._database.transact(done)
            except BaseException:
                self._forget()
                raise

    def _locked(self, cursor: Cursor) -> Limits:
        known = limits(cursor, locked=True)
        for lease in self._leases:
            lease.check(cursor)
        cursor.execute("select extract(epoch from clock_timestamp())::float8")
        row = cursor.fetchone()
        assert row is not None
        self.highest = max(self.highest, known.highest_time, iso(row[0]))
        self._catch_up(cursor)
        return known

    def _refusal(self, cursor: Cursor, known: Limits, debit: Debit) -> BudgetRefusal | None:
        """Why the account's own limits allow no create now."""
        if known.budget is not None and self._sum + debit.credits > known.budget + ROUNDING:
            return BudgetRefusal(
                f"the account's budget is {known.budget:g}: {figure(self._sum)} spent or at stake, this take would "
                f"add {figure(debit.credits)}; rivya-run account --budget raises it"
            )
        if known.paused:
            return BudgetRefusal("the account is paused", waits=inf)
        if known.cap is not None and in_flight(cursor) >= known.cap:
            return BudgetRefusal(f"{known.cap} tasks are in flight, as many as the account allows", waits=inf)
        return None

    def _catch_up(self, cursor: Cursor) -> None:
        cursor.execute(
            "select change, book, key, line, gone from debit where change > %s order by change", (self._seen,)
        )
        for change, book, key, line, gone in cursor.fetchall():
            self._apply(GivenBack(book, key) if gone else _DECODER.decode(line))
            self._seen = change

    def _write(self, cursor: Cursor, lines: Iterable[Line]) -> None:
        for line in list(lines):
            _put(cursor, line)
            self._apply(line)

    def _apply(self, line: Line) -> None:
        match line:
            case Debit(folder=folder, key=key):
                before = self.debits.setdefault(folder, {}).get(key)
                self.debits[folder][key] = line
                self._sum += line.credits - (before.credits if before is not None else 0.0)
                self._changed(before, line)
                self.highest = max(self.highest, line.at)
            case GivenBack(folder=folder, key=key):
                before = self.debits.get(folder, {}).pop(key, None)
                self._sum -= before.credits if before is not None else 0.0
                self._changed(before, None)
            case HighestTime(at=at):
                self.highest = max(self.highest, at)

    def _forget(self) -> None:
        for debits in list(self.debits.values()):
            for debit in debits.values():
                self._changed(debit, None)
        self.debits, self._seen, self._sum = {}, 0, 0.0


def _put(cursor: Cursor, line: Line) -> None:
    match line:
        case Debit(folder=book, key=key):
            cursor.execute(
                "insert into debit (book, key, line, gone, in_flight, change) "
                "values (%s, %s, %s, false, %s, nextval('debit_change')) on conflict (book, key) do update "
                "set line = excluded.line, gone = false, in_flight = excluded.in_flight, change = excluded.change",
                (book, key, _ENCODER.encode(line).decode(), line.in_flight),
            )
        case GivenBack(folder=book, key=key):
            cursor.execute(
                "update debit set gone = true, in_flight = false, change = nextval('debit_change') "
                "where book = %s and key = %s and not gone",
                (book, key),
            )
        case HighestTime(at=at):
            cursor.execute("update account set highest_time = greatest(highest_time, %s)", (at,))
