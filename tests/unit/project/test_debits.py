"""Budgets let through what they hold and nothing more, by the records of any history."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examples import attempt, board, shot
from rivya_run.errors import OutputFolderError
from rivya_run.journal.attempt import Attempt, AttemptState
from rivya_run.journal.events import Created, Failed, Intended, JournalEvent, MarkedUnknown, Withdrawn
from rivya_run.project.budget_file import ProjectBudget
from rivya_run.project.debit_lines import BudgetRefusal, GivenBack, highest_time
from rivya_run.project.debits import BoardDebits, ProjectBudgets, WantedDebit
from rivya_run.project.ledger import Ledger
from rivya_run.times import iso

DAY = 86_400.0
NAMES = ("one", "two")
BUDGETS = (
    ProjectBudget("*", 60, "ever", 1),
    ProjectBudget("one", 25, "day", 2),
    ProjectBudget("tag:hero", 30, "day", 3),
    ProjectBudget("client:Acme", 40, "month", 4),
)


@dataclass
class Sent:
    """A create that was let through, as a careful reader of all records would count it."""

    board: str
    tags: tuple[str, ...]
    credits: float
    at: str
    key: str = ""


@dataclass
class World:
    """Two storyboards, a process for each that comes and goes, and what was let through."""

    root: Path
    seconds: float = 1_778_500_000.0
    highest: str = ""
    sent: list[Sent] = field(default_factory=list)
    number: int = 0

    def __post_init__(self) -> None:
        self.ledgers = {
            name: Ledger(self.root / "outputs" / name, now=lambda: iso(self.seconds)) for name in NAMES
        }
        self.debits: dict[str, BoardDebits] = {}
        for name in NAMES:
            self.begin(name)

    def begin(self, name: str) -> None:
        """A new process for this storyboard: it knows the files and nothing else."""
        budgets = ProjectBudgets(self.root, BUDGETS, now=lambda: self.seconds)
        budgets.open([self.root / "outputs" / name])
        made = replace(board(shot("sh")), id=name, client="Acme" if name == "one" else None)
        history = self.ledgers[name].history
        self.debits[name] = BoardDebits(budgets, made, self.root / "outputs" / name, history)

    def counted(self, budget: ProjectBudget, at: str) -> float:
        """What counts towards a budget in the period of that time."""
        return sum(
            one.credits
            for one in self.sent
            if budget.matches(one.board, "Acme" if one.board == "one" else None, one.tags)
            and budget.period(one.at) == budget.period(at)
        )

    def create(self, name: str, credits: float, tags: tuple[str, ...], *, killed: bool) -> None:
        """Ask for a create; it is let through exactly if every budget that matches has room."""
        self.number += 1
        made = attempt(shot("sh", f"prompt {self.number}"), 1, AttemptState.SENT)
        client = "Acme" if name == "one" else None
        self.highest = at = max(self.highest, iso(self.seconds))
        room = all(
            self.counted(budget, at) + credits <= budget.max_credits
            for budget in BUDGETS
            if budget.matches(name, client, tags)
        )
        asked = WantedDebit(made.client_request_id, credits, client, tags, unpriced=False)
        with self.debits[name].debiting(asked) as found:
            assert isinstance(found, str) is room, found
            if isinstance(found, BudgetRefusal):
                return
            assert found == at
            if not killed:
                self.intend(name, made, credits, tags, at)
        if killed:
            self.begin(name)

    def intend(self, name: str, made: Attempt, credits: float, tags: tuple[str, ...], at: str) -> None:
        """Put the intent on record."""
        self.ledgers[name].record(
            Intended(
                key=made.client_request_id,
                shot="sh",
                take=1,
                fingerprint=made.fingerprint,
                number=1,
                model=made.model,
                body=made.body,
                estimate=credits,
                client="Acme" if name == "one" else None,
                tags=tags,
                counted_at=at if at > iso(self.seconds) else None,
            )
        )
        self.sent.append(Sent(name, tags, credits, at, made.client_request_id))

    def lose_the_file(self) -> None:
        """With it goes a time that is on record nowhere else; all processes begin anew."""
        (self.root / "outputs/.budgets").unlink(missing_ok=True)
        self.highest = max(highest_time(ledger.history) for ledger in self.ledgers.values())
        for name in NAMES:
            self.begin(name)

    def answer(self, which: int, event: Callable[[Sent], JournalEvent], credits: float) -> None:
        """What became of one of the creates."""
        open_ones = [one for one in self.sent if one.key]
        if open_ones:
            one = open_ones[which % len(open_ones)]
            self.ledgers[one.board].record(event(one))
            self.debits[one.board].changed(one.key)
            one.key, one.credits = "", credits


def _failed(one: Sent) -> JournalEvent:
    return Failed(key=one.key, code="generation_failed", message="", final_credits=0)


STEPS = st.one_of(
    st.tuples(
        st.just("create"),
        st.sampled_from(NAMES),
        st.sampled_from([5.0, 10.0, 0.1]),
        st.sampled_from([(), ("hero",)]),
    ),
    st.tuples(st.just("kill"), st.sampled_from(NAMES), st.sampled_from([5.0, 10.0]), st.just(("hero",))),
    st.tuples(st.just("charge"), st.integers(0, 9)),
    st.tuples(st.just("fail"), st.integers(0, 9)),
    st.tuples(st.just("withdraw"), st.integers(0, 9)),
    st.tuples(st.just("unknown"), st.integers(0, 9)),
    st.tuples(st.just("begin"), st.sampled_from(NAMES)),
    st.tuples(st.just("lose the file")),
    st.tuples(st.just("close"), st.sampled_from(NAMES)),
    st.tuples(st.just("clock"), st.sampled_from([DAY, -DAY, 40 * DAY, 3600.0])),
)


def _step(world: World, step: tuple[object, ...]) -> None:
    match step:
        case ("create" | "kill", str(name), float(credits), tuple(tags)):
            world.create(name, credits, tags, killed=step[0] == "kill")
        case ("charge", int(which)):
            world.answer(
                which,
                lambda one: Created(key=one.key, task_id=one.key, status="queued", reserved_credits=7),
                7,
            )
        case ("fail", int(which)):
            world.answer(which, _failed, 0)
        case ("withdraw", int(which)):
            world.answer(which, lambda one: Withdrawn(key=one.key, reason="."), 0)
        case ("unknown", int(which)):
            found = [one for one in world.sent if one.key]
            credits = found[which % len(found)].credits if found else 0
            world.answer(which, lambda one: MarkedUnknown(key=one.key, code="no_answer", message=""), credits)
        case ("begin", str(name)):
            world.begin(name)
        case ("close", str(name)):
            world.debits[name].close()
            world.begin(name)
        case ("clock", float(seconds)):
            world.seconds += seconds
        case _:
            world.lose_the_file()


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(STEPS, max_size=40))
def test_what_is_let_through_is_exactly_what_the_budgets_hold(steps: list[tuple[object, ...]]) -> None:
    """Whatever answers come, processes die and begin, the clock does, and should the file be lost."""
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        try:
            for step in steps:
                _step(world, step)
        finally:
            for ledger in world.ledgers.values():
                ledger.close()


def test_what_cannot_be_recorded_is_given_back(tmp_path: Path) -> None:
    """A disk that takes the debit and not the intent."""
    world = World(tmp_path)
    asked = WantedDebit("key", 25, "Acme", (), unpriced=False)
    with pytest.raises(OutputFolderError), world.debits["one"].debiting(asked):
        raise OutputFolderError("the disk is full")
    with world.debits["one"].debiting(asked) as found:
        assert isinstance(found, str)


def test_a_create_at_an_unknown_price_waits_for_another_ones_answer(tmp_path: Path) -> None:
    """Until it is answered, or somebody has decided about it."""
    world = World(tmp_path)
    first = WantedDebit("first", None, None, (), unpriced=True)
    second = WantedDebit("second", None, "Acme", (), unpriced=True)
    with world.debits["two"].debiting(first):
        pass
    with world.debits["one"].debiting(second) as found:
        assert isinstance(found, BudgetRefusal) and found.waits
    decided = WantedDebit("second", None, "Acme", (), unpriced=True, decided={"first"})
    with world.debits["one"].debiting(decided) as found:
        assert isinstance(found, str)


def test_what_is_being_debited_is_not_given_back_by_others(tmp_path: Path) -> None:
    """Between a debit in the database and the record of its intent other takes go on: it counts meanwhile."""
    debits = World(tmp_path).debits["one"]
    debits.remote = True
    asked = WantedDebit("key", 10, "Acme", (), unpriced=False)
    assert isinstance(debits.debited(asked), str)
    assert debits.taken() == []
    debits.again("key")
    assert debits.taken() == [GivenBack("outputs/one", "key")]
