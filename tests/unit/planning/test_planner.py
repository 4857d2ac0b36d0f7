"""The plan: one step for each take, what it costs, and nothing spent in doubt."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examples import attempt, board, child, digest_of, history_of, planned, planner, shot, steps, table
from rivya_run.journal.attempt import CLAIMABLE_STATES, ApiError, Attempt, AttemptState
from rivya_run.journal.fingerprint import client_request_id
from rivya_run.planning.plan import SPENDING, Action
from rivya_run.planning.tries import MOST_ATTEMPTS, counted_failures, not_retried
from rivya_run.storyboard.model import Shot
from rivya_run.storyboard.selection import Selection

FEW = settings(max_examples=40)

A = shot("a")
FAILED, REFUSED, UNKNOWN = AttemptState.FAILED, AttemptState.REFUSED, AttemptState.UNKNOWN


def failures(count: int, **changes: Any) -> list[Attempt]:
    """So many failed attempts of shot ``a``, unpaid."""
    return [
        attempt(A, 1, FAILED, number=number, error=ApiError("generation_failed", ""), **changes)
        for number in range(1, count + 1)
    ]


@pytest.mark.parametrize(
    ("state", "action"),
    [
        (AttemptState.SENT, Action.RESUME),
        (AttemptState.WITHDRAWN, Action.CREATE),
        (AttemptState.REFUSED, Action.RETRY),
        (AttemptState.RUNNING, Action.RESUME),
        (AttemptState.STORED, Action.REUSE),
        (AttemptState.FAILED, Action.RETRY),
        (AttemptState.UNKNOWN, Action.DECIDE),
        (AttemptState.GIVEN_UP, Action.RETRY),
    ],
)
def test_the_state_of_what_a_take_has_decides_what_is_done(state: AttemptState, action: Action) -> None:
    """Each state leads to one action; only the spending ones have a new key's price."""
    step = planned(board(A), attempt(A, 1, state))["a/1"]
    assert step.action is action
    assert (step.credits_basis is not None) == (action in SPENDING)


def test_a_finished_task_is_fetched() -> None:
    """Paid and not on disk yet: a download, which costs nothing."""
    history = history_of(attempt(A))
    made = history.attempts[attempt(A).client_request_id]
    history.attempts[made.client_request_id] = replace(made, state=AttemptState.FINISHED, outputs=())
    step = steps(planner(board(A), history).plan())["a/1"]
    assert (step.action, step.credits) == (Action.DOWNLOAD, 0)


@pytest.mark.parametrize("trouble", ["is missing", "was changed"])
def test_a_bad_file_is_fetched_again(trouble: str) -> None:
    """A paid file that is missing or differs is a download, never a create."""
    made = attempt(A)
    step = planned(board(A), made, bad_files={made.outputs[0].path: trouble})["a/1"]
    assert (step.action, step.credits) == (Action.DOWNLOAD, 0)
    assert trouble in step.reason


def test_a_new_take_has_its_key_and_its_price_before_it_is_made() -> None:
    """The key is the pure function of the contract, the price the table's base credits."""
    step = planned(board(A))["a/1"]
    assert step.request_key == client_request_id("board", "a", 1, digest_of(A), 1)
    assert (step.credits, step.credits_basis, step.number, step.table_date) == (10, "base", 1, "2026-05-11")


def test_what_the_api_reserved_before_is_the_price() -> None:
    """A further take with the same model and params costs what the last one did."""
    paid = attempt(A, reserved_credits=25, final_credits=25)
    step = planned(board(shot("a", takes=2)), paid)["a/2"]
    assert (step.credits, step.credits_basis) == (25, "observed")


@pytest.mark.parametrize(("count", "action"), [(1, Action.RETRY), (2, Action.RETRY), (3, Action.SKIP)])
def test_three_attempts_in_all(count: int, action: Action) -> None:
    """After three failures only ``--retry-failed`` tries again."""
    step = planned(board(A), *failures(count))["a/1"]
    assert step.action is action
    assert planned(board(A), *failures(count), retry_failed=True)["a/1"].number == count + 1
    assert step.wanted


def test_a_charged_failure_is_not_paid_for_twice_on_its_own() -> None:
    """One failure that cost something is enough to ask a person."""
    step = planned(board(A), *failures(1, final_credits=4))["a/1"]
    assert (step.action, step.credits) == (Action.SKIP, 0)
    assert step.reason == (
        "attempt 1 failed: generation_failed; it was charged 4 credits; --retry-failed pays again"
    )
    assert planned(board(A), *failures(1, final_credits=4), retry_failed=True)["a/1"].action is Action.RETRY


def test_a_failure_whose_final_credits_are_not_told_counts_as_charged() -> None:
    """In doubt, nothing is spent."""
    assert planned(board(A), *failures(1, final_credits=None))["a/1"].action is Action.SKIP


def test_an_empty_wallet_is_nobody_s_failure() -> None:
    """Creates that found no credits don't count towards the three."""
    empty = [
        attempt(A, 1, REFUSED, number=n, error=ApiError("insufficient_credits", "", None, 402))
        for n in (1, 2, 3)
    ]
    step = planned(board(A), *empty)["a/1"]
    assert (step.action, step.number) == (Action.CREATE, 4)
    assert counted_failures(empty) == []


def test_failures_of_another_prompt_do_not_count() -> None:
    """Attempts are counted for what is asked for now."""
    changed = shot("a", "another prompt")
    assert planned(board(changed), *failures(3))["a/1"].number == 1


def test_an_intent_that_never_arrived_keeps_its_number() -> None:
    """A withdrawn create is sent under its own key; a failed one never is."""
    assert planned(board(A), attempt(A, 1, AttemptState.WITHDRAWN))["a/1"].number == 1
    assert planned(board(A), attempt(A, 1, FAILED))["a/1"].number == 2


def test_a_name_that_comes_back_gets_a_key_of_its_own() -> None:
    """Where a renamed shot took its clip along, a new shot of the old name can't use the old key."""
    moved = attempt(A, shot="b")
    found = planned(board(shot("b", "a"), A), moved)
    assert (found["b/1"].action, found["a/1"].action) == (Action.REUSE, Action.CREATE)
    assert found["a/1"].number == 2


def test_unknown_is_decided_by_a_person() -> None:
    """Nothing is sent; with ``--resend-unknown`` the next attempt is paid for and this one given up."""
    lost = attempt(A, 1, UNKNOWN)
    step = planned(board(A), lost)["a/1"]
    assert (step.action, step.credits, step.attempt_key) == (Action.DECIDE, 0, lost.client_request_id)
    again = planned(board(A), lost, resend_unknown=True)["a/1"]
    assert (again.action, again.number, again.gives_up) == (Action.RETRY, 2, lost.client_request_id)
    assert again.credits == 10


def test_a_create_that_no_run_has_called_unknown_is_not_given_up() -> None:
    """``--resend-unknown`` speaks of what was shown: a create past its window is first put on record as unknown."""
    sent = attempt(A, 1, AttemptState.SENT)
    step = planned(board(A), sent, resend_unknown=True, expired=frozenset({sent.client_request_id}))["a/1"]
    assert (step.action, step.gives_up, step.credits) == (Action.DECIDE, None, 10)


@pytest.mark.parametrize("state", AttemptState)
@pytest.mark.parametrize("left_out", ["skip", "selected"])
def test_nothing_is_created_for_a_shot_that_is_left_out(state: AttemptState, left_out: str) -> None:
    """Skipped or not selected: no create, whatever it has and whatever the options; open work goes on."""
    skipped = left_out == "skip"
    options: dict[str, Any] = {"resend_unknown": True, "retry_failed": True}
    if not skipped:
        options["selected"] = Selection(frozenset())
    step = planned(board(shot("a", skip=skipped, takes=2)), attempt(A, 1, state), **options)
    assert not {step["a/1"].action, step["a/2"].action} & SPENDING
    assert not step["a/1"].wanted
    assert not step["a/2"].wanted
    if state in {AttemptState.SENT, AttemptState.RUNNING}:
        assert step["a/1"].action is Action.RESUME


def test_a_renamed_shot_takes_its_clip_along() -> None:
    """The step says from where, for files to follow."""
    step = planned(board(shot("new", "a")), attempt(A))["new/1"]
    assert (step.action, step.reason, step.moves_from) == (Action.REUSE, "renamed from a", ("a", 1))


def test_open_work_that_no_shot_asks_for_is_finished() -> None:
    """Tasks and intents of deleted shots are orphans; ended ones are left alone."""
    open_ones = [attempt(shot(n), 1, s) for n, s in [("x", AttemptState.SENT), ("y", AttemptState.RUNNING)]]
    ended = [attempt(shot(f"e{n}"), 1, s) for n, s in enumerate((FAILED, REFUSED, AttemptState.STORED))]
    plan = planner(board(A), history_of(*open_ones, *ended)).plan()
    assert set(plan.orphans) == {one.client_request_id for one in open_ones}


def test_a_lost_task_is_asked_for_by_every_run() -> None:
    """A task that was not found is unknown with its id, an orphan where no shot asks for it."""
    lost = attempt(shot("x"), 1, AttemptState.TASK_MISSING, task_id="task_1")
    assert planner(board(A), history_of(lost)).plan().orphans == (lost.client_request_id,)
    step = planned(board(shot("x")), lost)["x/1"]
    assert (step.action, step.reason) == (Action.DECIDE, "task task_1 can no longer be found")


def test_totals_add_up() -> None:
    """``now`` is this run, ``spent`` what everything cost, ``worst`` all attempts failing but the last."""
    plan = planner(
        board(A, shot("b"), shot("c")), history_of(attempt(A), *[attempt(shot("b"), 1, FAILED)])
    ).plan()
    counts = {action: count for action, count in plan.totals.counts if count}
    assert counts == {Action.REUSE: 1, Action.RETRY: 1, Action.CREATE: 1}
    assert (plan.totals.now, plan.totals.spent, plan.totals.worst) == (20, 10, 20 + 10 + 20)


def test_costs_that_nobody_knows_are_not_made_up() -> None:
    """A table without base credits gives no estimate."""
    unpriced = planner(board(A))
    unpriced._tables = {A.model: table(base_credits=None)}
    step = steps(unpriced.plan())["a/1"]
    assert (step.credits, step.credits_basis) == (None, None)


STATES = st.sampled_from([None, *AttemptState])


@st.composite
def boards(draw: st.DrawFn) -> tuple[list[Shot], list[Attempt], dict[str, Any]]:
    """Shots with few prompts among them, attempts at them or at deleted shots, and options."""
    prompts = st.sampled_from(["one", "two"])
    shots = [
        shot(name, draw(prompts), takes=draw(st.integers(1, 3)), skip=draw(st.booleans()))
        for name in draw(st.lists(st.sampled_from("abc"), min_size=1, unique=True))
    ]
    attempts = {
        made.client_request_id: made
        for name in "abcd"
        for take in (1, 2)
        if (state := draw(STATES)) is not None
        for made in [attempt(shot(name, draw(prompts)), take, state)]
    }
    there = sorted({one.id for one in shots})  # a selection is made of the storyboard's own shots
    some = st.frozensets(st.sampled_from(there)) if there else st.just(frozenset[str]())
    options = {
        "selected": draw(st.none() | st.builds(Selection, some)),
        "retry_failed": draw(st.booleans()),
        "resend_unknown": draw(st.booleans()),
    }
    return shots, list(attempts.values()), options


@FEW
@given(boards())
def test_the_plan_never_pays_for_what_it_has(case: tuple[list[Shot], list[Attempt], dict[str, Any]]) -> None:
    """Takes in storyboard order, new keys for creates, and no create while something unclaimed would serve
    that isn't kept for a skipped shot."""
    shots, attempts, options = case
    plan = planner(board(*shots), history_of(*attempts), **options).plan()
    assert [step.label for step in plan.steps] == [
        f"{s.id}/{n}" for s in shots for n in range(1, s.takes + 1)
    ]
    served = [step.attempt_key for step in plan.steps if step.attempt_key is not None]
    assert len(served) == len(set(served))
    new = [step for step in plan.steps if step.action in SPENDING]
    keys = [step.request_key for step in new]
    assert len(keys) == len(set(keys))
    known = {one.client_request_id: one for one in attempts}
    for step in new:
        assert not step.shot.skip
        assert options["selected"] is None or step.shot.id in options["selected"].shots
        used = known.get(step.request_key or "")
        assert used is None or used.state is AttemptState.WITHDRAWN
    taken = {*served, *(step.gives_up for step in plan.steps)}
    free = {
        one.fingerprint
        for one in attempts
        if one.state in CLAIMABLE_STATES
        and one.client_request_id not in taken
        and not any(kept.skip and kept.id == one.shot for kept in shots)
    }
    assert not any(step.fingerprint in free for step in new if step.gives_up is None)


@FEW
@given(boards(), st.data())
def test_reordering_a_storyboard_costs_nothing(
    case: tuple[list[Shot], list[Attempt], dict[str, Any]], data: st.DataObject
) -> None:
    """In any order as many takes are served by what was paid for."""
    shots = [replace(one, skip=False) for one in case[0]]
    plans = [
        planner(board(*order), history_of(*case[1])).plan()
        for order in (shots, data.draw(st.permutations(shots)))
    ]
    served = [sum(step.attempt_key is not None for step in plan.steps) for plan in plans]
    assert served[0] == served[1]


def test_planning_again_knows_what_was_made_meanwhile() -> None:
    """A child gets its fingerprint, and its key, once its parent is served."""
    key, sh = shot("key"), child("sh", "key")
    history = history_of()
    plans = planner(board(key, sh), history)
    [_, waiting] = plans.plan().steps
    made = attempt(key)
    history.attempts[made.client_request_id] = made
    plans.served("key", 1, made.client_request_id)
    step = plans.replan(waiting)
    assert (step.action, step.fingerprint) == (Action.CREATE, digest_of(sh, made.outputs[0].sha256))
    assert step.request_key is not None


def test_planning_again_reuses_what_the_child_had() -> None:
    """A parent that comes out as it was before gives its child back what it has: take by take."""
    key, sh = shot("key", "new"), child("sh", "key", takes=2)
    made = attempt(key)
    digest = digest_of(sh, made.outputs[0].sha256)
    mine = attempt(sh, 2, digest=digest)
    history = history_of(mine)
    plans = planner(board(key, sh), history)
    first, second = plans.plan().steps[1:]
    history.attempts[made.client_request_id] = made
    plans.served("key", 1, made.client_request_id)
    assert plans.replan(first).action is Action.CREATE
    assert (plans.replan(second).action, plans.matching.key_for("sh", 2)) == (
        Action.REUSE,
        mine.client_request_id,
    )


def test_planning_again_takes_nothing_from_a_shot_that_still_waits() -> None:
    """Two children of one parent that want the same: each gets its own."""
    key = shot("key", "new")
    one, two = child("one", "key", prompt="p"), child("two", "key", prompt="p")
    made = attempt(key)
    mine = attempt(two, digest=digest_of(two, made.outputs[0].sha256))
    history = history_of(mine)
    plans = planner(board(key, one, two), history)
    waiting = plans.plan().steps[1:]
    history.attempts[made.client_request_id] = made
    plans.served("key", 1, made.client_request_id)
    assert [plans.replan(step).action for step in waiting] == [Action.CREATE, Action.REUSE]


def test_a_parent_that_is_given_up_blocks_its_children() -> None:
    """Planned again, the child is skipped, and says which parent failed and how."""
    plans = planner(board(shot("key"), child("sh", "key")))
    parent, waiting = plans.plan().steps
    plans.gave_up(parent, "content_policy")
    step = plans.replan(waiting)
    assert (step.action, step.reason) == (Action.SKIP, "parent key/1: content_policy")


@FEW
@given(st.integers(0, 5), st.floats(0, 3))
def test_a_failed_take_is_retried_while_it_is_free_and_young(count: int, charged: float) -> None:
    """Never after a charge, never after the third."""
    tried = failures(count, final_credits=charged)
    assert (not_retried(tried) is None) == (count < MOST_ATTEMPTS and not (count and charged))
