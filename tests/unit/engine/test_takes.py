"""Which takes have ended, and how their children hear of it."""

from __future__ import annotations

import anyio
import pytest

import virtual_time
from examples import board, child, planner, shot, steps
from rivya_run.engine.next_step import Ending, Outcome
from rivya_run.engine.take_ends import TakeEnds
from rivya_run.journal.attempt import TakeStatus
from rivya_run.planning.plan import Parent

PARENT = Parent("a", 1)
FAILED = Outcome(Ending.FAILED, TakeStatus.FAILED, "no")


def test_a_child_waits_until_its_parent_has_ended() -> None:
    """However it ends; and not at all once it has."""
    plans = planner(board(shot("a"), child("b", "a")))
    plan, ends = plans.plan(), TakeEnds(plans)

    async def body() -> list[str]:
        order: list[str] = []

        async def wait() -> None:
            await ends.wait_for(PARENT)
            order.append("waited")

        assert ends.missing((PARENT,)) == (PARENT,)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            await anyio.sleep(1)
            order.append("ended")
            ends.end(steps(plan)["a/1"], FAILED, None)
        with anyio.fail_after(0):
            await ends.wait_for(PARENT)
        return order

    assert virtual_time.run(body) == ["ended", "waited"]
    assert ends.missing((PARENT,)) == ()
    assert ends.outcomes == {("a", 1): FAILED}


@pytest.mark.parametrize("ending", [Ending.FAILED, Ending.UNFINISHED, Ending.OUT_OF_CREDITS])
def test_without_its_parent_a_child_is_not_made(ending: Ending) -> None:
    """The planner is told that the parent was given up."""
    plans = planner(board(shot("a"), child("b", "a")))
    plan, ends = plans.plan(), TakeEnds(plans)
    ends.end(steps(plan)["a/1"], Outcome(ending, TakeStatus.FAILED, "no"), None)
    replanned = plans.replan(steps(plan)["b/1"])
    assert replanned.action.value == "skip" and "a" in replanned.reason
