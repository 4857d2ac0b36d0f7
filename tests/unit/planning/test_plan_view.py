"""A plan as JSON, as rows, and as a comment."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from examples import attempt, board, child, history_of, planner, shot
from rivya_run.journal.attempt import AttemptState, Output
from rivya_run.project.saved_plan import plan_document, something_to_do
from rivya_run.views.plan_view import plan_markdown, plan_rows, totals_lines

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
        "wait": 0,
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


def test_a_budget_that_stops_a_run_is_said_with_the_takes_that_do_not_fit() -> None:
    """15 credits, 10 spent: of a new shot and what is made from it neither fits."""
    storyboard = board(A, shot("new"), child("more", "new"), max_credits=15)
    plan = planner(storyboard, history_of(attempt(A))).plan()
    document: Any = plan_document(plan)
    budget = {"max_credits": 15, "left": 5, "beyond": ["new/1", "more/1"]}
    assert document["totals"]["credits"]["budget"] == budget
    said = "budget: 15 credits, 5 left: enough for 0 of these 20, no room for new/1, more/1"
    assert said in totals_lines(plan)
    assert said.replace("_", "\\_") in plan_markdown([plan])
    assert [row[5].endswith("; beyond the budget") for row in plan_rows(plan)] == [False, True, True]


def test_a_budget_that_suffices_is_one_line() -> None:
    """Nothing is beyond it; without a budget nothing is said."""
    enough = planner(board(A, max_credits=15)).plan()
    assert "budget: 15 credits, 15 left" in totals_lines(enough)
    assert not any("budget" in line for line in totals_lines(planner(board(A)).plan()))


def test_what_is_odd_about_files_that_are_there_is_in_row_document_and_comment() -> None:
    """A take that is up to date is only left out of a comment when nothing is odd about it."""
    output = Output("a/a.mp4", None, 3, "0" * 64, "video/mp4", media={"duration": 3.0, "frame_rate": 30.0})
    plan = planner(board(A), history_of(attempt(A, outputs=(output,)))).plan()
    document: Any = plan_document(plan)
    assert document["steps"][0]["warnings"] == ["3 s instead of the 6 s asked for"]
    assert plan_rows(plan)[0][5] == "up to date; warning: 3 s instead of the 6 s asked for"
    assert "3 s instead of the 6 s asked for" in plan_markdown([plan])
