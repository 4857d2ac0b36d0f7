"""The next step of a take: its table, and that no kill, loss or wrong answer ever makes it pay twice."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examples import attempt, board, planner, shot
from rivya_run.engine.next_step import (
    Done,
    Ending,
    Fetch,
    MarkUnknown,
    Now,
    Outcome,
    Poll,
    Send,
    Wait,
    WantedTake,
    next_step,
)
from rivya_run.journal.attempt import Attempt, AttemptState, TakeStatus
from rivya_run.journal.events import (
    Created,
    Entry,
    Failed,
    Intended,
    JournalEvent,
    MarkedUnknown,
    NotFetched,
    Observed,
    Refused,
    Stored,
    Succeeded,
    TaskMissing,
    Withdrawn,
)
from rivya_run.journal.fold import History
from rivya_run.planning.plan import SPENDING, Action, Parent, Step
from rivya_run.times import iso, seconds_of

A = shot("a")
NOW = Now(0, 100, window_left=10, ask_at=7)
CREATE = WantedTake(may_create=True)
STOPPED = Outcome(Ending.UNFINISHED, TakeStatus.PLANNED, "stopped")
State = AttemptState


def one(state: AttemptState, **changes: Any) -> Attempt:
    """An attempt at shot a in that state."""
    return attempt(A, 1, state, **changes)


@pytest.mark.parametrize(
    ("known", "wanted", "now", "expected"),
    [
        (None, CREATE, NOW, Send(again=False)),
        (None, CREATE, replace(NOW, stopped=STOPPED), Done(STOPPED)),
        (None, CREATE, replace(NOW, turned_away=STOPPED), Done(STOPPED)),
        (None, WantedTake(True, (Parent("p", 1),)), NOW, Wait((Parent("p", 1),))),
        (None, WantedTake(settled=STOPPED), NOW, Done(STOPPED)),
        (one(State.GIVEN_UP), CREATE, NOW, Send(again=False)),
        (one(State.SENT), CREATE, NOW, Send(again=True)),
        (one(State.SENT), CREATE, replace(NOW, stopped=STOPPED), Send(again=True)),
        (one(State.SENT), CREATE, replace(NOW, window_left=0), MarkUnknown()),
        (one(State.RUNNING), CREATE, NOW, Poll(7)),
        (one(State.RUNNING), CREATE, replace(NOW, ask_at=200), Poll(100)),
        (one(State.TASK_MISSING), WantedTake(), NOW, Poll(7)),
        (one(State.FINISHED), CREATE, NOW, Fetch()),
        (one(State.STORED), WantedTake(), NOW, Fetch()),
        (one(State.FAILED), CREATE, replace(NOW, creates_left=1), Send(again=False)),
        (one(State.REFUSED), CREATE, replace(NOW, creates_left=1), Send(again=False)),
        (one(State.FAILED), CREATE, replace(NOW, creates_left=1, stopped=STOPPED), Done(STOPPED)),
    ],
)
def test_table(known: Attempt | None, wanted: WantedTake, now: Now, expected: object) -> None:
    """The table of the docstring, line by line."""
    assert next_step(known, wanted, now) == expected


@pytest.mark.parametrize(
    ("state", "now", "ending"),
    [
        (State.SENT, replace(NOW, sent=True), Ending.UNFINISHED),
        (State.RUNNING, replace(NOW, time=100), Ending.UNFINISHED),
        (State.RUNNING, replace(NOW, looked=True, unlearnt="HTTP 500"), Ending.UNFINISHED),
        (State.FINISHED, replace(NOW, fetched=True, not_fetched="404"), Ending.UNFINISHED),
        (State.STORED, replace(NOW, fetched=True), Ending.DONE),
        (State.FAILED, NOW, Ending.FAILED),
        (State.UNKNOWN, NOW, Ending.UNKNOWN),
        (State.TASK_MISSING, replace(NOW, looked=True), Ending.UNKNOWN),
        (State.WITHDRAWN, NOW, Ending.UNFINISHED),
    ],
)
def test_ends(state: AttemptState, now: Now, ending: Ending) -> None:
    """How a take stands when this run can do no more for it."""
    step = next_step(one(state), WantedTake(), now)
    assert isinstance(step, Done) and step.outcome.ending is ending


ATTEMPTS = st.sampled_from(State).map(one)
NOWS = st.builds(
    Now,
    st.floats(0, 200),
    st.just(100.0),
    window_left=st.floats(-10, 10),
    stopped=st.sampled_from([None, STOPPED]),
    turned_away=st.sampled_from([None, STOPPED]),
    creates_left=st.integers(0, 2),
    ask_at=st.floats(0, 300),
    sent=st.booleans(),
    looked=st.booleans(),
    unlearnt=st.sampled_from([None, "HTTP 500"]),
    fetched=st.booleans(),
    not_fetched=st.sampled_from([None, "404"]),
)
OPEN = {State.SENT, State.RUNNING, State.FINISHED, State.STORED, State.UNKNOWN, State.TASK_MISSING}


@settings(max_examples=500)
@given(ATTEMPTS, st.booleans(), NOWS)
def test_what_may_have_been_paid_for_is_never_created_anew(
    known: Attempt, may_create: bool, now: Now
) -> None:
    """Whatever is wanted: at most the same bytes are sent again, inside their window, once in a run."""
    step = next_step(known, WantedTake(may_create), now)
    if isinstance(step, Send) and not step.again:
        assert known.state not in OPEN and may_create and now.stopped is None
    if isinstance(step, Send) and step.again:
        assert known.state is State.SENT and now.window_left > 0 and not now.sent
    if isinstance(step, Poll):
        assert (
            known.state in {State.RUNNING, State.TASK_MISSING} and now.time < step.at <= now.deadline
        ) or (step.at == now.ask_at)
    if isinstance(step, Done):
        assert step.outcome.ending is not Ending.DONE or known.state is State.STORED


WINDOW = 3600.0


class Killed(Exception):
    """The process is gone."""


class Fate(Enum):
    """What becomes of a create on its way."""

    ANSWERED = auto()
    NEVER_ARRIVED = auto()
    REQUEST_LOST = auto()
    ANSWER_LOST = auto()
    REFUSED = auto()


@dataclass
class World:
    """An API that keeps a key for the window, and the journal of one take. Every line and effect may be the last."""

    draw: st.DataObject
    clock: float = 1_778_500_000.0
    journal: list[JournalEvent | float] = field(default_factory=list)
    tasks: dict[str, str] = field(default_factory=dict)
    keys: dict[str, tuple[str, float]] = field(default_factory=dict)
    good: bool = False
    kills_left: int = 3

    def history(self) -> History:
        """The fold of every line that is on disk."""
        history, at = History(), 0.0
        for line in self.journal:
            if isinstance(line, float):
                at = line
            else:
                history.apply(Entry(1, iso(at), line))
        return history

    def point(self) -> None:
        """A moment at which the process may be killed."""
        if not self.good and self.kills_left and self.draw.draw(st.integers(0, 7)) == 0:
            self.kills_left -= 1
            raise Killed

    def record(self, event: JournalEvent) -> None:
        """One line of the journal."""
        self.point()
        self.journal += [self.clock, event]
        self.point()

    def choose(self, *options: object) -> object:
        """What the world does; at good times it does the first."""
        return options[0] if self.good else self.draw.draw(st.sampled_from(options))

    def make(self, key: str) -> str:
        """The API takes a create: the same task for a key that it knows."""
        if key in self.keys and self.clock - self.keys[key][1] < WINDOW:
            return self.keys[key][0]
        assert all(state == "failed" for state in self.tasks.values()), "paid twice"
        task_id = f"task_{len(self.tasks)}"
        self.tasks[task_id] = "running"
        self.keys[key] = (task_id, self.clock)
        return task_id


class Driver:
    """Another driver: one take, one run, no network."""

    def __init__(self, world: World) -> None:
        self.world = world
        history = world.history()
        expired = [key for key, known in history.attempts.items() if self._window_left(known) <= 0]
        plan = planner(board(A), history, expired=expired).plan()
        self.step: Step = plan.steps[0]
        self.orphans = plan.orphans
        self.key = None if self.step.action in SPENDING | {Action.SKIP} else self.step.attempt_key
        self.now = Now(0, 5, ask_at=0)

    def _window_left(self, known: Attempt) -> float:
        sent = seconds_of(known.sent_at)
        return WINDOW - (self.world.clock - sent) if sent is not None else 0.0

    def run(self) -> Outcome:
        """Carry the take until nothing more is to be done in this run."""
        settled = None
        if self.step.action is Action.SKIP:
            settled = Outcome(Ending.FAILED, TakeStatus.FAILED, self.step.reason)
        wanted = WantedTake(self.step.action in SPENDING, settled=settled)
        for _ in range(50):
            known = self.world.history().attempts[self.key] if self.key is not None else None
            left = self._window_left(known) if known is not None else 0.0
            step = next_step(known, wanted, replace(self.now, window_left=left))
            if isinstance(step, Done):
                return step.outcome
            self.carry_out(step)
        raise AssertionError("the take never ends")

    def carry_out(self, step: object) -> None:
        """One step, with whatever the world does to it."""
        world = self.world
        if isinstance(step, Send):
            if not step.again:
                key = self.step.request_key
                assert key is not None and self.step.fingerprint is not None
                world.record(
                    Intended(
                        key=key,
                        shot="a",
                        take=1,
                        fingerprint=self.step.fingerprint,
                        number=self.step.number,
                        model=A.model,
                        body="{}",
                        estimate=10,
                    )
                )
                self.key = key
            self.send(again=step.again)
            return
        assert self.key is not None
        if isinstance(step, MarkUnknown):
            world.record(MarkedUnknown(key=self.key, code="no_answer", message="nobody can tell"))
        elif isinstance(step, Poll):
            self.ask(self.key)
        elif isinstance(step, Fetch):
            self.now = replace(self.now, fetched=True)
            if world.choose(True, False):
                world.record(
                    Stored(
                        key=self.key,
                        index=0,
                        of=1,
                        path="a/a_t01_x.mp4",
                        url=None,
                        bytes=3,
                        sha256="0" * 64,
                        mime_type="video/mp4",
                    )
                )
            else:
                self.now = replace(self.now, not_fetched="404")
                world.record(NotFetched(key=self.key, message="404"))

    def send(self, *, again: bool) -> None:
        """A create on its way."""
        world, key = self.world, self.key
        assert key is not None
        world.point()
        self.now = replace(self.now, sent=True)
        fate = world.choose(*Fate)
        if fate is Fate.NEVER_ARRIVED and not again:
            world.record(Withdrawn(key=key, reason="no connection"))
        elif fate is Fate.REFUSED and not again:
            world.record(Refused(key=key, code="validation_failed", message="no"))
        elif fate in {Fate.ANSWER_LOST, Fate.ANSWERED}:
            task_id = world.make(key)
            world.point()
            if fate is Fate.ANSWERED:
                world.record(Created(key=key, task_id=task_id, status="queued", reserved_credits=10))

    def ask(self, key: str) -> None:
        """A question for the task."""
        world = self.world
        task_id = world.history().attempts[key].task_id
        assert task_id is not None
        self.now = replace(self.now, time=self.now.time + 1)
        if world.tasks[task_id] == "running":
            world.tasks[task_id] = str(world.choose("succeeded", "running", "failed"))
        said = world.choose("found", "found", "missing", "trouble")
        if said == "trouble":
            self.now = replace(self.now, looked=True, unlearnt="HTTP 500")
        elif said == "missing":
            self.now = replace(self.now, looked=True)
            world.record(TaskMissing(key=key, message="not found"))
        elif world.tasks[task_id] == "running":
            world.record(Observed(key=key, status="processing"))
        elif world.tasks[task_id] == "failed":
            world.record(
                Failed(key=key, code="generation_failed", message="no", reserved_credits=10, final_credits=0)
            )
        else:
            world.record(Succeeded(key=key, urls=("https://m/1",), reserved_credits=10, final_credits=10))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_kill_at_any_line_ever_pays_twice(data: st.DataObject) -> None:
    """Runs that are killed at any line and effect, days apart, against an API that loses and forgets.

    There is never a second task beside one that hasn't failed, and once all is well the take comes to an end.
    """
    world = World(data)
    for _ in range(5):
        with suppress(Killed):
            Driver(world).run()
        world.clock += data.draw(st.sampled_from([1.0, 60.0, 3500.0, 3601.0, 90_000.0]))
    world.good = True
    for _ in range(4):
        outcome = Driver(world).run()
        world.clock += 1
    on_record = {one.task_id: one for one in world.history().attempts.values() if one.task_id}
    for task_id, state in world.tasks.items():
        if state != "failed" and task_id in on_record:
            assert on_record[task_id].state is State.STORED and outcome.ending is Ending.DONE
    assert outcome.ending in {Ending.DONE, Ending.UNKNOWN, Ending.FAILED}
