"""What ``--only`` brings along: the takes that shots are made from, and nothing that a whole run wouldn't make."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from examples import attempt, board, child, from_shot, history_of, planned, planner, shot
from rivya_run.journal.attempt import Attempt, AttemptState
from rivya_run.planning.plan import SPENDING, Action, SkipReason
from rivya_run.storyboard.model import Shot
from rivya_run.storyboard.selection import Selection

ONLY_C = Selection(frozenset("c"))
CHAIN = board(shot("a", takes=3), child("b", "a"), child("c", "b"), shot("d"))


def carried_out(shots: list[Shot], attempts: list[Attempt], selected: Selection | None) -> list[Attempt]:
    """What there is after a run in which every task succeeds."""
    history = history_of(*attempts)
    made = planner(board(*shots), history, selected=selected)
    plan = made.plan()
    for level in made.lineage.levels():
        for step in (one for one in plan.steps if one.shot.id in {here.id for here in level}):
            now = made.replan(step) if step.waits and step.action in SPENDING else step
            if now.action is Action.RESUME and now.attempt_key is not None:
                old = history.attempts[now.attempt_key]
                done = attempt(shot(old.shot), old.take, number=old.number, digest=old.fingerprint)
                history.attempts[now.attempt_key] = replace(old, state=done.state, outputs=done.outputs)
            if now.action not in SPENDING:
                continue
            assert now.wanted
            assert now.fingerprint is not None
            assert now.request_key not in history.attempts
            new = attempt(now.shot, now.take, number=now.number, digest=now.fingerprint)
            parents = tuple((one.shot, one.take or 1, one.sha256 or "") for one in now.needs)
            history.attempts[new.client_request_id] = replace(new, parents=parents)
            made.served(now.shot.id, now.take, new.client_request_id)
    return list(history.attempts.values())


def keys(attempts: list[Attempt]) -> set[str]:
    return {one.client_request_id for one in attempts}


def test_one_take_of_each_ancestor_is_made() -> None:
    """With whom it is for; what isn't needed is left out as before."""
    found = planned(CHAIN, selected=ONLY_C)
    assert [name for name, step in found.items() if step.action is Action.CREATE] == ["a/1", "b/1", "c/1"]
    assert found["a/1"].reason == "new shot; for c"
    assert found["a/1"].wanted
    assert (found["a/2"].skip_reason, found["d/1"].skip_reason) == (SkipReason.NOT_SELECTED,) * 2


def test_an_explicit_take_is_the_one() -> None:
    """As a written pick is."""
    by_take = board(shot("a", takes=3), child("b", from_shot("a", take=3)))
    by_pick = board(shot("a", takes=3, pick=3), child("b", "a"))
    for one in by_take, by_pick:
        found = planned(one, selected=Selection(frozenset("b")))
        assert [name for name, step in found.items() if step.action is Action.CREATE] == ["a/3", "b/1"]


def test_all_takes_are_made_of_what_waits_for_an_approval() -> None:
    """A person is to choose among them; what is to be made from it waits, and so does what needs that."""
    waiting = board(shot("a", takes=3, approval=True), child("b", "a"), child("c", "b"), shot("d"))
    found = planned(waiting, selected=ONLY_C)
    made = [name for name, step in found.items() if step.action is Action.CREATE]
    assert made == ["a/1", "a/2", "a/3"]
    assert all(found[name].reason == "new shot; for c" for name in made)
    assert [(found[name].action, found[name].wanted) for name in ("b/1", "c/1")] == [(Action.WAIT, True)] * 2


def test_a_shot_that_is_there_brings_nothing_along() -> None:
    """Its parents have no work to do for it, whatever they lack."""
    parents = board(shot("a", takes=2), child("b", "a"))
    only_b = Selection(frozenset("b"))
    there = carried_out(list(parents.shots), [attempt(shot("a"))], only_b)
    found = planned(parents, *there, selected=only_b)
    assert {step.action for step in found.values()} == {Action.REUSE, Action.SKIP}
    assert not found["a/2"].wanted


def test_a_parent_whose_file_is_missing_is_fetched_for_the_shot() -> None:
    """It is paid for, and counts for the exit code as the shot does."""
    made = attempt(shot("a"))
    bad = {made.outputs[0].path: "is missing"}
    shots = board(shot("a"), child("b", "a"))
    found = planned(shots, made, bad_files=bad, selected=Selection(frozenset("b")))
    assert (found["a/1"].action, found["a/1"].wanted) == (Action.DOWNLOAD, True)
    assert found["a/1"].reason.endswith("is missing; for b")


def test_an_excluded_parent_keeps_the_others_from_being_bought() -> None:
    """A shot that can't be made needs nothing."""
    shots = board(shot("a"), shot("b"), child("c", "a", "b"))
    found = planned(shots, selected=Selection(frozenset("c"), frozenset("b")))
    assert not {step.action for step in found.values()} & SPENDING
    assert found["c/1"].reason == "parent b/1: not selected"


def test_an_unknown_parent_is_what_a_person_has_to_decide() -> None:
    """It is in the way of what was asked for, so it counts; with --resend-unknown it is made again for that."""
    unknown = attempt(shot("a"), state=AttemptState.UNKNOWN)
    shots = board(shot("a"), child("b", "a"))
    only_b = Selection(frozenset("b"))
    found = planned(shots, unknown, selected=only_b)
    assert (found["a/1"].action, found["a/1"].wanted) == (Action.DECIDE, True)
    assert found["b/1"].skip_reason is SkipReason.BLOCKED
    again = planned(shots, unknown, selected=only_b, resend_unknown=True)
    assert (again["a/1"].action, again["b/1"].action) == (Action.RETRY, Action.CREATE)
    assert not planned(shots, unknown, selected=Selection(frozenset()))["a/1"].wanted


def test_a_skipped_parent_is_not_brought_along() -> None:
    """``skip: true`` is a person's word too."""
    found = planned(board(shot("a", skip=True), child("b", "a")), selected=Selection(frozenset("b")))
    assert not {step.action for step in found.values()} & SPENDING


IDS = st.frozensets(st.sampled_from("abcde"))
STATES = st.sampled_from([AttemptState.STORED] * 8 + [AttemptState.UNKNOWN, AttemptState.RUNNING])


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[Shot], list[Attempt], Selection]:
    """Shots that are made from earlier ones, what an earlier run left of them before prompts were changed, and a
    selection."""
    shots: list[Shot] = []
    for name in "abcde"[: draw(st.integers(1, 5))]:
        parents = st.lists(st.sampled_from(shots), unique_by=lambda one: one.id, max_size=2)
        chosen = draw(parents) if shots else []
        references = [from_shot(one.id, take=draw(st.none() | st.integers(1, one.takes))) for one in chosen]
        takes = draw(st.integers(1, 3))
        more: dict[str, Any] = {"takes": takes, "pick": draw(st.none() | st.integers(1, takes))}
        shots.append(child(name, *references, skip=draw(st.integers(0, 9)) == 0, **more))
    left = [_in_state(one, draw(STATES)) for one in carried_out(shots, [], _selection(draw, shots))]
    changed = [replace(one, prompt="changed") if draw(st.integers(0, 4)) == 0 else one for one in shots]
    return changed, left, _selection(draw, shots)


def _selection(draw: st.DrawFn, shots: list[Shot]) -> Selection:
    there = {one.id for one in shots}
    excluded = draw(st.frozensets(st.sampled_from("abcde"), max_size=1)) & there
    return Selection((draw(IDS) & there) - excluded, excluded)


def _in_state(one: Attempt, state: AttemptState) -> Attempt:
    return one if state is AttemptState.STORED else replace(one, state=state, outputs=())


@settings(max_examples=120, deadline=None)
@given(cases())
def test_a_selection_never_buys_what_a_whole_run_would_not(
    case: tuple[list[Shot], list[Attempt], Selection],
) -> None:
    """Every request of a run with --only is one of the run without it, and the run after it makes only the rest."""
    shots, left, selection = case
    before, whole = keys(left), keys(carried_out(shots, left, None))
    some = carried_out(shots, left, selection)
    assert keys(some) <= whole
    bought = {one.shot for one in some if one.client_request_id not in before}
    assert not bought & selection.excluded
    assert keys(carried_out(shots, some, None)) == whole
    assert keys(carried_out(shots, some, selection)) <= whole
