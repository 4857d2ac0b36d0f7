"""A plan as JSON, as rows, and as a comment."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from examples import attempt, board, child, history_of, planner, shot
from rivya_run.planning.plan_view import (
    plan_document,
    plan_markdown,
    plan_rows,
    something_to_do,
    totals_lines,
)
from rivya_run.records.history import AttemptState

A = shot("a", scene="intro")


def test_the_document_has_the_keys_of_the_contract_and_no_others() -> None:
    """Machines rely on the names."""
    document: dict[str, Any] = plan_document(planner(board(A, child("b", "a"))).plan())
    first, second = document["steps"]
    assert set(document) == {"storyboard", "steps", "totals"}
    assert list(first) == [
        "shot",
        "take",
        "action",
        "reason",
        "model",
        "credits",
        "credits_basis",
        "needs",
        "client_request_id",
    ]
    assert (first["credits"], first["credits_basis"], first["needs"]) == (10, "base", [])
    assert (second["needs"], second["client_request_id"]) == (["a/1"], None)
    assert document["totals"] == {
        "create": 2,
        "resume": 0,
        "download": 0,
        "reuse": 0,
        "retry": 0,
        "decide": 0,
        "skip": 0,
        "credits": {"now": 20, "spent": 0, "worst": 60},
    }


def test_each_row_says_what_it_costs_and_by_what_table() -> None:
    """Base credits carry the day on which the table was read."""
    [row] = plan_rows(planner(board(A)).plan())
    assert row == ("a/1", "intro", "create", "10", "base 2026-05-11", "new shot")


def test_there_is_nothing_to_do_when_all_is_there() -> None:
    """Reuse is nothing; an open attempt, a new take or a decision is something."""
    there = history_of(attempt(A))
    unknown = history_of(attempt(A, 1, AttemptState.UNKNOWN))
    gone = history_of(attempt(A), attempt(shot("gone"), 1, AttemptState.RUNNING))
    assert not something_to_do(planner(board(A), there).plan())
    assert something_to_do(planner(board(A)).plan())
    assert something_to_do(planner(board(A), unknown).plan())
    assert something_to_do(planner(board(A), gone).plan())


def test_unknown_costs_are_told_apart_from_nothing() -> None:
    """A take without a known price shows a question mark, and the total says that there is more."""
    plan = planner(board(A)).plan()
    plan = replace(plan, steps=(replace(plan.steps[0], credits=None),))
    assert plan_rows(plan)[0][3] == "?"
    assert "and 1 of unknown cost" in totals_lines(plan)[1]


def test_markdown_counts_what_is_up_to_date_and_lists_the_rest() -> None:
    """A comment on a pull request is about what changes."""
    text = plan_markdown([planner(board(A, shot("new")), history_of(attempt(A))).plan()])
    assert "create 1, reuse 1" in text
    assert "| new/1 |" in text
    assert "| a/1 |" not in text


def test_markdown_of_a_hostile_scene_stays_text() -> None:
    """No HTML, no link, no mention, no further cell."""
    text = plan_markdown([planner(board(shot("a", scene="<b>|[x](y) @me"))).plan()])
    assert "<b>" not in text
    assert "[x](y)" not in text
    assert "@me" not in text
    assert "\\|" in text
