"""The simulator's own state: money, keys and time, and that its entries give it again."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rivya_run.models.catalog import load_catalog
from rivya_run.simulator.options import SimulatorOptions
from rivya_run.simulator.refusals import Ask, Refusal
from rivya_run.simulator.state import Entry, State
from rivya_run.simulator.tasks import times_of

TABLE = load_catalog().get("grok-imagine-video")
assert TABLE is not None
ASK = Ask(TABLE, "A reveal", {}, "trace")

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("create"), st.sampled_from("abc"), st.sampled_from(["x", "y"])),
        st.tuples(st.just("fate"), st.sampled_from(["failed", "charged", "stuck", "moderated"])),
        st.tuples(st.just("wait"), st.floats(0, 5)),
        st.tuples(st.just("top-up"), st.integers(0, 30)),
        st.tuples(st.just("upload"), st.sampled_from(["image", "video"])),
    ),
    max_size=40,
)


def _run(steps: list[Any], options: SimulatorOptions) -> tuple[State, list[Entry], float]:
    entries: list[Entry] = []
    state = State(options, entries.append)
    now, fate = 1000.0, None
    state.open((), now)
    for step in steps:
        if step[0] == "create":
            try:
                if state.earlier("default", step[1], step[2], now) is None:
                    state.create("default", step[1], step[2], ASK, fate, now)
            except Refusal:
                pass
        elif step[0] == "fate":
            fate = step[1]
        elif step[0] == "wait":
            now += step[1]
        elif step[0] == "top-up":
            state.top_up(step[1])
        else:
            state.upload("default", step[1], "image/png", 1, "00", {}, now)
    return state, entries, now


@given(STEPS)
def test_entries_give_the_state_again(steps: list[Any]) -> None:
    """A new state that is told all entries knows the same tasks, files, keys and money."""
    options = SimulatorOptions(wallet=50, speed=1, concurrency_limit=4)
    state, entries, now = _run(steps, options)
    again = State(SimulatorOptions(wallet=1, speed=1))
    again.open(entries, now)
    for told in (state, again):
        told.settle(now)
    assert again.tasks() == state.tasks()
    assert again.files() == state.files()
    assert again.creates_by_key() == state.creates_by_key()
    assert again.bodies_by_key() == state.bodies_by_key()
    assert again.refusals == state.refusals
    assert again.balance("default") == state.balance("default")
    assert again.charged() == state.charged()


@given(STEPS)
def test_no_credit_is_made_or_lost(steps: list[Any]) -> None:
    """The wallet, what is charged and what is reserved add up to what was ever put in, and never below zero."""
    state, _, now = _run(steps, SimulatorOptions(wallet=50, speed=1))
    paid_in = 50 + sum(step[1] for step in steps if step[0] == "top-up")
    for later in (now, now + 100):
        state.settle(later)
        assert state.balance("default") >= 0
        assert state.balance("default") + state.charged() + state.reserved() == paid_in


@given(STEPS)
def test_a_key_has_one_task_and_one_body(steps: list[Any]) -> None:
    """However often a key is sent, it has at most one task; other bodies are refused, not stored."""
    state, _, _ = _run(steps, SimulatorOptions(speed=1))
    assert all(len(tasks) == 1 for tasks in state.tasks_by_key().values())


def test_forgotten_task_keeps_its_cost() -> None:
    """A task that is made to disappear can no longer be found, and still paid for."""
    state, _, now = _run([("create", "a", "x"), ("wait", 60.0)], SimulatorOptions(speed=1))
    state.forget_task(state.tasks()[0].id)
    with pytest.raises(Refusal, match="not_found"):
        state.task("default", state.tasks()[0].id, now)
    assert state.charged() == 10


def test_durations_come_from_the_seed_or_a_rule() -> None:
    """Times are drawn from seed and identity within their range, or given by a function; speed divides them."""
    options = SimulatorOptions(seed=1, speed=2, queue_seconds=(1, 2), run_seconds=(2, 4))
    starts, ends = times_of(options, "k", 1, 100)
    assert (starts, ends) == times_of(options, "k", 9, 100)
    assert 100.5 <= starts <= 101
    assert 1 <= ends - starts <= 2
    chosen = SimulatorOptions(speed=1, queue_seconds=(0, 0), run_seconds=lambda identity, number: number * 10)
    assert times_of(chosen, "k", 3, 0) == (0, 30)
