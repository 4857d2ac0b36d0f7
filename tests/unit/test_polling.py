"""When to ask next for a task."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from rivya_run.polling import ENOUGH, Timing

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
def test_a_kind_that_is_known_is_asked_for_when_most_have_ended(
    interval: float, seconds: list[float]
) -> None:
    """The first question comes at the usual duration, later ones in the end at most twice the interval apart."""
    timing = knowing(interval, seconds)
    usual = timing.expected("k")
    assert usual is not None
    assert timing.wait("k", 0, 0) == usual
    assert timing.wait("k", 10_000, 50) <= 2 * interval


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
