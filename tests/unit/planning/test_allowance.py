"""What a budget leaves room for."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from examples import board, child, planner, shot, steps
from rivya_run.planning.plan import Step, allowance

A, B, C = steps(planner(board(shot("a"), shot("b"), child("c", "a"))).plan()).values()


def test_a_cheaper_take_may_still_fit_after_a_dearer_one_did_not() -> None:
    """As a run does: each create is judged by itself when its turn comes."""
    found = allowance(12, 0, [replace(A, credits=20), B])
    assert (found.left, found.beyond) == (12, ("a/1",))


def test_what_is_made_from_a_take_without_room_has_none_either() -> None:
    """Whatever it costs itself."""
    assert allowance(5, 0, [A, replace(C, credits=1)]).beyond == ("a/1", "c/1")


def test_a_take_of_unknown_cost_needs_one_credit() -> None:
    """The same is assumed when it is created."""
    assert allowance(10, 10, [replace(A, credits=None)]).beyond == ("a/1",)
    assert allowance(11, 10, [replace(A, credits=None)]).beyond == ()


@given(st.floats(0, 100), st.floats(0, 200), st.lists(st.floats(0, 50), max_size=9))
def test_what_fits_never_passes_the_budget(most: float, at_stake: float, costs: list[float]) -> None:
    """The sum of what has room is at most what is left, and nothing is left of a budget that was passed."""
    creating: list[Step] = [replace(A, take=n, credits=cost) for n, cost in enumerate(costs, start=1)]
    found = allowance(most, at_stake, creating)
    fitting = sum(step.credits or 0 for step in creating if step.label not in found.beyond)
    assert fitting <= found.left + 1e-9
    assert found.left == max(0, most - at_stake)
