"""What a take cost, and may have cost: one rule for the books, the manifest, the page and status."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attempts_strategy import attempts
from examples import NOW, attempt, board, history_of, planner, shot
from rivya_run.journal.attempt import Attempt, AttemptState
from rivya_run.journal.manifest import manifest
from rivya_run.journal.take_entry import entry_of_attempt
from rivya_run.planning.matching import serving_of
from rivya_run.project.manifest_reader import at_stake, spent
from rivya_run.views.page.figures import spend
from rivya_run.views.status_view import scenes, totals_lines

BOARD = board(shot("a", "one", takes=2), shot("b", "two", takes=3))
HISTORIES = st.lists(attempts(), max_size=6, unique_by=lambda one: one.client_request_id).map(tuple)


@settings(max_examples=50)
@given(HISTORIES)
def test_manifest_page_and_books_agree(found: tuple[Attempt, ...]) -> None:
    """Of each attempt, and in all, whatever the API has told."""
    for one in found:
        if one.state is not AttemptState.WITHDRAWN:  # those are in no manifest
            entry = entry_of_attempt(one)
            assert (spent(entry), at_stake(entry)) == (one.spent, one.at_stake)
    history = history_of(*found)
    serving = serving_of(planner(BOARD, history).plan(), history)
    read = manifest(BOARD, "b.yaml", serving, history, base_url="https://rivya.ai", updated_at=NOW)
    told = read["totals"]["spent_credits"]  # type: ignore[index, call-overload]
    assert history.spent() == pytest.approx(told)
    assert spend(read).spent == pytest.approx(told)


@pytest.mark.parametrize("state", [AttemptState.STORED, AttemptState.FAILED])
def test_credits_that_were_reserved_and_never_settled_are_spent(state: AttemptState) -> None:
    """An API that says nothing final when a task ends: 10 in the books, in status and on the page."""
    ended = attempt(shot("a"), 1, state, reserved_credits=10, final_credits=None)
    history = history_of(ended)
    board_of_it = board(shot("a"))
    read = manifest(
        board_of_it,
        "b.yaml",
        {("a", 1): ended.client_request_id},
        history,
        base_url="https://rivya.ai",
        updated_at=NOW,
    )
    assert (history.spent(), history.at_stake()) == (10, 10)
    assert spend(read).spent == 10
    assert spend(read).returned == 0
    [[row]] = [scene.rows for scene in scenes(read, {})]
    assert row[2] == "10"
    assert totals_lines(read)[-1].startswith("spent: 10 credits")
