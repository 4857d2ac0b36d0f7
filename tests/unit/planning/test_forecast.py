"""When to ask next for a task."""

from __future__ import annotations

from itertools import combinations
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from examples import attempt, shot
from rivya_run.journal.attempt import AttemptState
from rivya_run.planning.forecast import ENOUGH, Timing, questions

FEW = settings(max_examples=50)

INTERVALS = st.floats(0.01, 3600)
DURATIONS = st.lists(st.floats(0, 5000), min_size=ENOUGH, max_size=30)
AGES = st.floats(0, 20_000)


def knowing(interval: float, seconds: list[float]) -> Timing:
    """A timing that has seen tasks of kind ``k``."""
    timing = Timing(interval)
    for one in seconds:
        timing.learn("k", one)
    return timing


@FEW
@given(INTERVALS, AGES, st.integers(0, 1000), st.lists(st.floats(0, 100), max_size=ENOUGH - 1))
def test_while_too_little_is_known_waits_are_at_most_twice_the_interval(
    interval: float, age: float, asked: int, seconds: list[float]
) -> None:
    """However often a task was asked for already, a wait is positive and bounded."""
    wait = knowing(interval, seconds).wait("k", age, asked)
    assert 0 < wait <= 2 * interval


@FEW
@given(INTERVALS)
def test_the_first_wait_is_half_the_interval(interval: float) -> None:
    """Then they grow until twice the interval is reached."""
    timing = Timing(interval)
    waits = [timing.wait("k", 0, asked) for asked in range(8)]
    assert waits[0] == interval / 2
    assert waits == sorted(waits)
    assert waits[-1] == 2 * interval


@FEW
@given(INTERVALS, DURATIONS, AGES, st.integers(0, 10_000))
def test_waits_are_positive_whatever_is_known(
    interval: float, seconds: list[float], age: float, asked: int
) -> None:
    """Nobody asks in a tight loop."""
    assert knowing(interval, seconds).wait("k", age, asked) >= min(0.05, 2 * interval)


@FEW
@given(st.floats(1, 60), st.lists(st.floats(10, 1000), min_size=ENOUGH, max_size=30))
def test_a_kind_that_is_known_is_asked_for_when_some_may_have_ended(
    interval: float, seconds: list[float]
) -> None:
    """The first question comes between the shortest and the longest duration, later ones close together."""
    timing = knowing(interval, seconds)
    assert min(seconds) <= timing.wait("k", 0, 0) <= max(seconds) * 1.01 + 0.01
    assert timing.wait("k", 10_000, 50) <= 2 * interval


@FEW
@given(st.floats(0.5, 500), st.integers(0, 5))
def test_a_kind_that_always_takes_as_long_needs_one_question(seconds: float, more: int) -> None:
    """It comes when the task has just ended."""
    wait = knowing(5, [seconds] * (ENOUGH + more)).wait("k", 0, 0)
    assert seconds < wait < seconds * 1.01 + 0.01


@FEW
@given(
    st.lists(st.tuples(st.floats(0.1, 100), st.integers(1, 5)), min_size=1, max_size=7), st.floats(0.01, 20)
)
def test_questions_cost_as_little_as_they_can(found: list[tuple[float, int]], price: float) -> None:
    """No other choice of moments makes questions and waiting together cheaper."""
    points = sorted(dict(found).items())

    def cost(moments: list[int]) -> float:
        total, before = 0.0, 0
        for moment in moments:
            left = sum(count for _, count in points[before:])
            total += price * left
            total += sum((points[moment][0] - age) * count for age, count in points[before : moment + 1])
            before = moment + 1
        return total

    choice = questions(points, price)
    chosen, now = [], 0
    while now < len(points):
        chosen.append(choice[now])
        now = choice[now] + 1
    last = len(points) - 1
    others = [[*some, last] for size in range(last + 1) for some in combinations(range(last), size)]
    assert cost(chosen) <= min(map(cost, others)) + 1e-6


def asked_for(timing: Timing, durations: list[float]) -> tuple[float, float]:
    """Questions a task and the share of the time that goes by between an end and its discovery."""
    asked_at_all, late = 0, 0.0
    for seconds in durations:
        age, asked = 0.0, 0
        while age < seconds or not asked:
            age += timing.wait("k", age, asked)
            asked += 1
        asked_at_all += asked
        late += age - seconds
    return asked_at_all / len(durations), late / sum(durations)


def test_durations_that_nothing_tells_in_advance() -> None:
    """Spread evenly over one to four, less than three questions a task lose a seventh of the time."""
    random = Random(1)
    timing = knowing(5, [random.uniform(0.5, 2) for _ in range(200)])
    questions_a_task, lost = asked_for(timing, [random.uniform(0.5, 2) for _ in range(1000)])
    assert questions_a_task < 3
    assert lost < 1 / 7


def test_a_task_that_runs_is_asked_for_by_how_long_it_runs() -> None:
    """Where the queue is long at times, the time since its end says more than the time since the create."""
    timing = Timing(5)
    for queued in (1, 50, 100, 20, 70):
        timing.learn("k", queued + 10, running=10)
    assert 10 - 8 < timing.wait("k", 60, 3, running=8) < 2.5
    assert timing.wait("k", 12, 1, queued=True) >= 10


def test_a_kind_that_is_new_is_like_its_model() -> None:
    """Params that were never asked for before take about as long as others."""
    timing = Timing(5)
    for kind in ("a", "b", "c"):
        timing.learn(kind, 60, model="m")
    assert 60 < timing.wait("new", 0, 0, model="m") < 61
    assert timing.expected("new", "m") == 60
    assert timing.expected("new", "other") is None


@FEW
@given(st.lists(st.floats(0, 1000), min_size=1, max_size=20))
def test_what_is_remembered_is_bounded(seconds: list[float]) -> None:
    """Hundreds of tasks leave a usual duration between the shortest and the longest."""
    usual = knowing(5, seconds * 300).expected("k")
    assert usual is not None
    assert min(seconds) <= usual <= max(seconds)


def test_kinds_are_learned_apart() -> None:
    """What is known of one model and params says nothing of another."""
    timing = knowing(5, [90, 90, 90])
    assert (timing.expected("k"), timing.expected("other")) == (90, None)
    assert timing.wait("other", 0, 0) == 2.5


def test_a_run_learns_from_earlier_runs() -> None:
    """From what was seen of a task, else from the API's own times; not from what failed or still runs."""
    told: dict[str, Any] = {
        "created_at": "2026-05-11T00:00:00.000Z",
        "updated_at": "2026-05-11T00:00:50.000Z",
    }
    seen = [
        attempt(shot("a"), take, task_seconds=40.0, running_seconds=25.0, **told)
        for take in range(1, ENOUGH + 1)
    ]
    timing = Timing(5)
    timing.learn_from(seen)
    kind = seen[0].price_key or seen[0].model
    assert timing.expected(kind) == 40
    by_the_api = Timing(5)
    by_the_api.learn_from([attempt(shot("a"), take, **told) for take in range(1, ENOUGH + 1)])
    assert by_the_api.expected(kind) == 50
    nothing = Timing(5)
    for state in (AttemptState.FAILED, AttemptState.RUNNING):
        nothing.learn_from(
            [attempt(shot("a"), take, state, task_seconds=40.0, **told) for take in range(1, ENOUGH + 1)]
        )
    assert nothing.expected(kind) is None
