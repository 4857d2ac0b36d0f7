"""Saved plans: what they hold, and when they no longer fit."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples import attempt, board, history_of, planner, shot
from rivya_run.errors import StoryboardError
from rivya_run.json_types import Json
from rivya_run.project.saved_plan import CHOICES, Basis, moved, moved_steps, plan_document, read_saved, saved

BASIS = Basis("specs/a.yaml", "aa", {"refs/a.png": "bb"}, "cc", "dd")
CHOSEN: dict[str, Json] = {**dict.fromkeys(CHOICES, False), "only": ["a*"], "exclude": [], "outputs": None}


def test_a_saved_plan_comes_back_as_it_was() -> None:
    """Storyboards, options and every step."""
    plan = planner(board(shot("a"))).plan()
    again = read_saved(saved([plan], [BASIS], CHOSEN), "p.json")
    assert again.bases == (BASIS,)
    assert again.choices == CHOSEN
    assert moved_steps(again.plans[0], plan_document(plan)) == []


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (replace(BASIS, sha256="x"), "the storyboard was edited"),
        (replace(BASIS, references={"refs/a.png": "x"}), "reference refs/a.png has new content"),
        (replace(BASIS, tables="x"), "the parameter tables changed"),
        (replace(BASIS, journal=None), "the journal changed"),
    ],
)
def test_each_thing_that_moves_is_named(now: Basis, words: str) -> None:
    """A person sees why the plan is refused."""
    [change] = moved(BASIS, now)
    assert change.startswith(words)


def test_nothing_moved_is_nothing_to_say() -> None:
    """The same basis fits."""
    assert moved(BASIS, BASIS) == []


def test_a_step_that_became_another_one_is_named_with_both() -> None:
    """What was to be made and is there now, and what is gone."""
    before = plan_document(planner(board(shot("a"), shot("b"))).plan())
    after = plan_document(planner(board(shot("a")), history_of(attempt(shot("a")))).plan())
    assert moved_steps(before, after) == ["a/1: create (new shot) -> reuse (up to date)", "b/1 is gone"]


@given(
    st.one_of(
        st.binary(max_size=40), st.sampled_from([b"[]", b"{}", b'{"rivya_run_plan": 1}', b"1", b"null"])
    )
)
def test_a_file_that_is_no_saved_plan_is_a_problem(content: bytes) -> None:
    """Whatever is in it, the answer is a message."""
    with pytest.raises(StoryboardError):
        read_saved(content, "p.json")


def test_a_plan_of_another_version_is_refused() -> None:
    """Steps may have meant something else then."""
    with pytest.raises(StoryboardError, match="another version"):
        read_saved(b'{"rivya_run_plan": 99}', "p.json")
