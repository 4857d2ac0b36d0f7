"""Decisions in a plan: what is approved is kept and used, what isn't is waited for, and neither ever pays."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples import attempt, board, child, digest_of, from_shot, history_of, planned, planner, sha, shot
from rivya_run.journal.attempt import Attempt, AttemptState, Output
from rivya_run.planning.plan import SPENDING, Action, Step
from rivya_run.storyboard.model import Approved, Checks, Shot
from rivya_run.storyboard.selection import Selection


def content(one: Attempt) -> str:
    """The sha256 of an attempt's first file."""
    return one.outputs[0].sha256


def approving(asked: Shot, one: Attempt, take: int | None = None, digits: int = 8) -> Shot:
    """The shot with that attempt approved."""
    return replace(asked, approved=Approved(take or one.take, content(one)[:digits]))


def told(steps: dict[str, Step]) -> dict[str, tuple[str, str]]:
    return {name: (step.action.value, step.reason) for name, step in steps.items()}


def failed(one: Attempt, *codes: str) -> Attempt:
    """The attempt with a file that didn't pass these checks."""
    checks: Any = [{"check": code} for code in codes]
    return replace(one, outputs=(replace(one.outputs[0], media={"checks": checks}),))


KEY = shot("key", takes=2)
FIRST, SECOND = attempt(KEY, 1), attempt(KEY, 2)


def test_an_approved_take_is_the_only_one_that_is_wanted() -> None:
    """Whatever the shot says now, nothing is made for it; the reason names what has changed."""
    changed = approving(replace(KEY, prompt="Another", params={**KEY.params, "duration": 9}, takes=3), SECOND)
    assert told(planned(board(changed), FIRST, SECOND)) == {
        "key/2": ("reuse", "approved; changed since: prompt, params.duration")
    }
    assert told(planned(board(approving(KEY, SECOND)), FIRST, SECOND)) == {"key/2": ("reuse", "approved")}


def test_the_digits_decide_and_the_number_is_for_people() -> None:
    """A wrong number is no reason to take another file."""
    assert list(planned(board(approving(KEY, SECOND, take=1)), FIRST, SECOND)) == ["key/2"]


def test_bytes_that_came_first_are_as_good_as_those_that_are_there() -> None:
    """A file that was fetched again with other bytes goes by either checksum."""
    fetched = replace(
        FIRST, outputs=(replace(FIRST.outputs[0], sha256=sha("later"), first_sha256=content(FIRST)),)
    )
    for digest in (content(FIRST), sha("later")):
        asked = replace(KEY, approved=Approved(1, digest[:8]))
        assert told(planned(board(asked), fetched)) == {"key/1": ("reuse", "approved")}


def test_what_is_not_on_record_is_waited_for() -> None:
    """By the shot and by all that is made from it; nothing is paid, and nobody is told that something failed."""
    asked = replace(KEY, approved=Approved(2, "3fa9c1d2"))
    words = "approved 2@3fa9c1d2 is not on record here: bring the manifest, or unapprove"
    steps = planned(board(asked, child("s1", "key"), child("s2", "s1")), FIRST)
    assert told(steps) == {
        "key/2": ("wait", words),
        "s1/1": ("wait", f"waits for key: {words}"),
        "s2/1": ("wait", f"waits for key: {words}"),
    }


def test_a_child_that_exists_stays_though_its_approved_parent_is_not_on_record() -> None:
    """It was made from a file that begins with these digits."""
    clip = attempt(child("s1", "key"), digest=digest_of(child("s1", "key"), content(SECOND)))
    clip = replace(clip, parents=(("key", 2, content(SECOND)),))
    asked = replace(KEY, approved=Approved(2, content(SECOND)[:8]))
    steps = planned(board(asked, child("s1", "key", takes=2)), clip)
    assert steps["s1/1"].action is Action.REUSE
    assert steps["s1/2"].action is Action.WAIT


def test_several_files_under_the_same_digits_are_no_decision() -> None:
    """More digits tell them apart."""
    twin = replace(SECOND, outputs=(replace(SECOND.outputs[0], sha256=content(FIRST)[:8] + "0" * 56),))
    asked = approving(KEY, FIRST)
    assert told(planned(board(asked), FIRST, twin)) == {
        "key/1": (
            "wait",
            f"several files begin with the digits of approved {asked.approved}: write more digits",
        )
    }
    assert told(planned(board(approving(KEY, FIRST, digits=12)), FIRST, twin)) == {
        "key/1": ("reuse", "approved")
    }


def test_equal_bytes_are_no_ambiguity() -> None:
    """The shot's own with the written number serves."""
    twin = replace(SECOND, outputs=(replace(SECOND.outputs[0], sha256=content(FIRST)),))
    assert list(planned(board(approving(KEY, FIRST, take=2)), FIRST, twin)) == ["key/2"]


def test_a_take_of_a_shot_that_is_gone_moves_to_the_shot_that_approves_it() -> None:
    """Its number is the written one, or the next that the shot doesn't have."""
    gone = attempt(shot("gone"), 1)
    asked = replace(KEY, approved=Approved(1, content(gone)[:8]))
    [step] = planned(board(asked), FIRST, gone).values()
    assert (step.take, step.moves_from) == (2, ("gone", 1))
    assert step.reason == "renamed from gone; approved; changed since: prompt"


def test_another_shot_that_is_there_keeps_its_own() -> None:
    """Both use the one file, under the name that it has."""
    other = shot("other")
    theirs = attempt(other)
    asked = replace(KEY, approved=Approved(1, content(theirs)[:8]))
    steps = planned(board(asked, other, child("s1", "key")), theirs)
    assert steps["key/1"].reason == "approved; changed since: prompt; it is other/1"
    assert steps["key/1"].moves_from is None
    assert steps["other/1"].action is Action.REUSE
    assert steps["s1/1"].needs[0].sha256 == content(theirs)


def test_what_a_shot_has_beside_its_approved_take_goes_to_nobody() -> None:
    """Another shot that asks for the very same is made: what was kept may be approved later."""
    twin = shot("twin", prompt="key")
    steps = planned(board(approving(KEY, SECOND), twin), FIRST, SECOND)
    assert steps["twin/1"].action is Action.CREATE
    assert planned(board(KEY, twin), FIRST, SECOND, attempt(KEY, 3))["twin/1"].action is Action.REUSE


def test_open_work_of_an_approved_shot_is_finished_and_never_paid_again() -> None:
    """An unknown take that is no longer wanted isn't resent, whatever the options say."""
    running = attempt(KEY, 1, AttemptState.RUNNING)
    unknown = attempt(KEY, 3, AttemptState.UNKNOWN)
    made = planner(
        board(approving(KEY, SECOND)),
        history_of(running, SECOND, unknown),
        resend_unknown=True,
        retry_failed=True,
    )
    plan = made.plan()
    assert [step.action for step in plan.steps] == [Action.REUSE]
    assert plan.orphans == (running.client_request_id,)


def test_an_approved_parent_is_what_children_are_made_from() -> None:
    """It beats a pick; another approval says which children would be made anew."""
    picked = replace(KEY, pick=1)
    clip = attempt(child("s1", "key"), digest=digest_of(child("s1", "key"), content(SECOND)))
    clip = replace(clip, parents=(("key", 2, content(SECOND)),))
    steps = planned(board(approving(picked, SECOND), child("s1", "key")), FIRST, SECOND, clip)
    assert steps["s1/1"].action is Action.REUSE
    steps = planned(board(approving(picked, FIRST), child("s1", "key")), FIRST, SECOND, clip)
    assert steps["s1/1"].action is Action.CREATE
    assert steps["s1/1"].reason.endswith("parent key changed")


def test_new_takes_wait_for_an_approval_that_is_required() -> None:
    """What is there stays; so does what is made from that, and what is made from what waits, waits too."""
    asked = replace(KEY, approval=True)
    clip = attempt(child("s1", "key"), digest=digest_of(child("s1", "key"), content(FIRST)))
    clip = replace(clip, parents=(("key", 1, content(FIRST)),))
    steps = planned(
        board(asked, child("s1", "key", takes=2), child("s2", from_shot("s1", take=2))), FIRST, clip
    )
    words = "waits for the approval of key"
    assert told(steps) == {
        "key/1": ("reuse", "up to date"),
        "key/2": ("create", "new take"),
        "s1/1": ("reuse", "up to date"),
        "s1/2": ("wait", words),
        "s2/1": ("wait", words),
    }


def test_waiting_costs_nothing() -> None:
    """Neither now nor at worst, and no room of the budget is taken by it."""
    plan = planner(board(replace(KEY, approval=True), child("s1", "key"), max_credits=20)).plan()
    assert plan.totals.now == 20
    assert dict(plan.totals.counts)[Action.WAIT] == 1
    assert plan.totals.budget is not None and plan.totals.budget.beyond == ()


def test_an_unknown_child_is_not_paid_again_while_it_waits() -> None:
    """``--resend-unknown`` gives up only what may be created."""
    lost = attempt(
        child("s1", "key"), 1, AttemptState.UNKNOWN, digest=digest_of(child("s1", "key"), content(FIRST))
    )
    lost = replace(lost, parents=(("key", 1, content(FIRST)),))
    asked = board(replace(KEY, approval=True), child("s1", "key"))
    assert planned(asked, FIRST, SECOND, lost, resend_unknown=True)["s1/1"].action is Action.DECIDE


STOPPING = replace(KEY, checks=Checks(stop=("black",)))


def test_a_stopped_take_is_passed_over_where_another_is_there() -> None:
    """It is finished all the same, and never made again."""
    steps = planned(board(STOPPING, child("s1", "key")), failed(FIRST, "black"), SECOND)
    assert steps["key/1"].action is Action.REUSE
    assert steps["key/1"].reason == "up to date; stopped until it is approved: black"
    assert steps["s1/1"].needs[0].take == 2


def test_children_wait_where_nothing_but_a_stopped_take_is_there() -> None:
    """A written pick doesn't lift the stop, and its reason says so; an approval does."""
    black, dark = failed(FIRST, "black", "short"), failed(SECOND, "black")
    steps = planned(board(STOPPING, child("s1", "key")), black, dark)
    assert told(steps)["s1/1"] == ("wait", "waits for the approval of key/1: black")
    steps = planned(board(replace(STOPPING, pick=2), child("s1", "key")), black, dark)
    assert steps["key/2"].reason == "up to date; picked, but stopped until it is approved: black"
    assert told(steps)["s1/1"] == ("wait", "waits for the approval of key/2: black")
    steps = planned(board(approving(STOPPING, dark), child("s1", "key")), black, dark)
    assert steps["s1/1"].action is Action.CREATE and steps["s1/1"].needs[0].take == 2


def test_a_stop_never_changes_the_parent_of_a_child_that_exists() -> None:
    """What it was made from keeps its fingerprint."""
    clip = attempt(child("s1", "key"), digest=digest_of(child("s1", "key"), content(FIRST)))
    clip = replace(clip, parents=(("key", 1, content(FIRST)),))
    steps = planned(board(STOPPING, child("s1", "key")), failed(FIRST, "black"), SECOND, clip)
    assert steps["s1/1"].action is Action.REUSE


def test_only_the_checks_that_are_named_stop() -> None:
    """A take that was never checked, or failed another check, is as good as any."""
    for one in (FIRST, failed(FIRST, "short")):
        steps = planned(board(STOPPING, child("s1", "key")), one)
        assert steps["s1/1"].needs[0].take == 1


def test_a_skipped_shot_keeps_what_it_had_last() -> None:
    """Whatever its text says by now; children use it, and nothing that it ever had is given to others."""
    old = attempt(shot("key", prompt="Old"), sent_at="2026-05-11T00:00:00.000Z")
    newer = attempt(shot("key", prompt="Newer"), sent_at="2026-05-12T00:00:00.000Z")
    asked = shot("key", prompt="Now", skip=True)
    twin = shot("twin", prompt="Old")
    steps = planned(board(asked, child("s1", "key"), twin), old, newer)
    assert steps["key/1"].attempt_key == newer.client_request_id
    assert steps["s1/1"].needs[0].sha256 == content(newer)
    assert steps["twin/1"].action is Action.CREATE


_STATES = st.sampled_from(
    [
        AttemptState.STORED,
        AttemptState.RUNNING,
        AttemptState.UNKNOWN,
        AttemptState.FAILED,
        AttemptState.GIVEN_UP,
    ]
)


@given(
    prompts=st.lists(st.sampled_from(["a", "b", "c"]), min_size=2, max_size=3),
    states=st.lists(_STATES, min_size=6, max_size=6),
    which=st.integers(0, 5),
    options=st.fixed_dictionaries({"retry_failed": st.booleans(), "resend_unknown": st.booleans()}),
    text=st.sampled_from(["a", "b", "changed"]),
)
def test_approving_never_pays(
    prompts: list[str], states: list[AttemptState], which: int, options: dict[str, bool], text: str
) -> None:
    """For any history and any approval: the shot creates nothing, no attempt serves two shots as their own, and what
    other shots would create is at most what they would have created, and what the approved shot keeps for itself."""
    shots = [shot(f"s{index}", prompt=prompt, takes=2) for index, prompt in enumerate(prompts)]
    made = [
        attempt(one, take, state)
        for (one, take), state in zip(((one, take) for one in shots for take in (1, 2)), states, strict=False)
    ]
    first, *others = shots
    chosen = made[which % len(made)]
    digits = content(chosen)[:8] if chosen.outputs else "00000000"
    asked = replace(first, prompt=text, approved=Approved(1, digits))
    steps = planned(board(asked, *others), *made, **options)
    assert not [step for step in steps.values() if step.shot.id == first.id and step.action in SPENDING]
    keys = [step.attempt_key for step in steps.values() if step.attempt_key and "it is" not in step.reason]
    assert len(keys) == len(set(keys))
    free = {one.client_request_id for one in made if one.shot != first.id}
    before = planned(board(*others), *[one for one in made if one.client_request_id in free], **options)
    spending = [name for name, step in steps.items() if step.action in SPENDING]
    assert set(spending) <= {name for name, step in before.items() if step.action in SPENDING} | {
        name for name in spending if chosen.shot == name.split("/")[0]
    }


def test_an_output_without_a_file_is_no_decision() -> None:
    """What failed made nothing that can be approved."""
    lost = replace(FIRST, state=AttemptState.FAILED, outputs=(Output("key/a.mp4", None, 3, sha("x"), None),))
    asked = replace(KEY, approved=Approved(1, sha("x")[:8]))
    assert planned(board(asked), lost)["key/1"].action is Action.WAIT


@pytest.mark.parametrize("selected", [None, Selection(frozenset({"other"}))])
def test_an_approved_take_that_is_not_selected_is_left_alone(selected: Selection | None) -> None:
    """``--only`` of another shot leaves it as it is, there or not."""
    asked = replace(KEY, approved=Approved(2, "3fa9c1d2"))
    step = planned(board(asked, shot("other")), selected=selected)["key/2"]
    assert step.action is Action.WAIT
    assert step.wanted is (selected is None)
