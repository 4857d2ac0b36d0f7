"""Many takes: how a run ends when the API answers nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from fault_cases import board
from mock_api import error
from projects import png
from rivya_run.engine.next_step import Ending
from rivya_run.journal.attempt import AttemptState
from rivya_run.project.plan import RunOptions
from scripted_run import LOST, UNREACHED, Answer, ScriptedRun, made

PATIENCE = 1800.0
SOON = 60.0
"""Seconds in which takes that meet only what others met for a whole take's time have ended."""


@pytest.mark.parametrize(
    ("trouble", "options"),
    [
        (UNREACHED, RunOptions()),
        (UNREACHED, RunOptions(concurrency=1)),
        (UNREACHED, RunOptions(max_credits=10_000)),
        (error(503, "public_api_disabled"), RunOptions()),
        (error(429), RunOptions()),
    ],
    ids=["no connection", "one at a time", "under a cap", "switched off", "throttled"],
)
def test_takes_that_nobody_answers_end_together(tmp_path: Path, trouble: Answer, options: RunOptions) -> None:
    """Not one batch after another: after one take's time all are told the same, and nothing was paid."""
    run = ScriptedRun(tmp_path, lambda run, shot: trouble)
    assert run.run(board(100), options=options) == 1
    assert run.ended_at < PATIENCE + SOON
    outcomes = {run.outcome(f"s{number:02}") for number in range(1, 101)}
    assert {outcome.ending for outcome in outcomes} == {Ending.UNFINISHED}
    [message] = {run.outcome(f"s{number:02}").message for number in range(20, 101)}
    assert "answered nothing for 1800 s" in message


def test_uploads_that_nobody_answers_end_together(tmp_path: Path) -> None:
    """Takes with files of their own stand in no line for the same silence either."""
    lines = ["shots:"]
    for number in range(1, 201):
        (tmp_path / f"{number}.png").write_bytes(png(str(number)))
        lines.append(f"  - {{id: s{number}, prompt: Shot, references: {number}.png}}")
    run = ScriptedRun(tmp_path, lambda run, shot: UNREACHED)
    assert run.run("\n".join(lines), options=RunOptions()) == 1
    assert run.ended_at < PATIENCE + SOON
    assert "answered nothing" in run.outcome("s200").message


def test_an_api_that_falls_silent_in_the_middle_holds_nobody_for_long(tmp_path: Path) -> None:
    """Counted from the last answer, whatever was in flight then."""

    def script(run: ScriptedRun, shot: str) -> Answer:
        return made(shot) if run.now() < 1000 else UNREACHED

    run = ScriptedRun(tmp_path, script, lasts=400)
    assert run.run(board(99), options=RunOptions()) == 1
    assert run.ended_at < 1000 + 400 + PATIENCE + SOON


def test_lost_replies_for_a_whole_takes_time_are_not_collected_from_all_takes(tmp_path: Path) -> None:
    """What was sent stays sent; the others aren't sent into the same silence."""
    run = ScriptedRun(tmp_path, lambda run, shot: LOST)
    assert run.run(board(60), options=RunOptions()) == 1
    assert run.ended_at < 2 * PATIENCE + SOON
    states = [attempt.state for attempt in run.boards[0].ledger.history.attempts.values()]
    assert states.count(AttemptState.SENT) <= 16
    assert "answered nothing" in run.outcome("s60").message


def test_one_take_that_the_api_chokes_on_is_no_silence(tmp_path: Path) -> None:
    """With one take at a time it fails alone for its whole time, and the next ones are made."""

    def script(run: ScriptedRun, shot: str) -> Answer:
        return error(500) if shot == "s01" else made(shot)

    run = ScriptedRun(tmp_path, script)
    assert run.run(board(3), options=RunOptions(concurrency=1)) == 1
    states = [run.attempt(shot).state for shot in ("s01", "s02", "s03")]
    assert states == [AttemptState.SENT, AttemptState.FAILED, AttemptState.FAILED]


def test_time_in_which_nothing_is_asked_is_no_silence(tmp_path: Path) -> None:
    """A throttled create after hours of other work is waited for like any other."""

    def script(run: ScriptedRun, shot: str) -> Answer:
        return error(429) if run.turns(shot) <= 3 else made(shot)

    run = ScriptedRun(tmp_path, script, lasts=1500)
    assert run.run(board(4), options=RunOptions(concurrency=1)) == 1
    assert {attempt.state for attempt in run.boards[0].ledger.history.attempts.values()} == {
        AttemptState.FAILED
    }


@pytest.mark.parametrize("cap", ["run", "storyboard"])
@pytest.mark.parametrize("age", [30.0, 7200.0])
def test_paying_again_for_unknown_takes_under_a_cap(tmp_path: Path, cap: str, age: float) -> None:
    """What a person decided to pay for again holds nobody, itself least of all; a young one is asked after first.

    An old one is called unknown by one run, and paid for again by the next.
    """
    run = ScriptedRun(tmp_path, lambda run, shot: made(shot, model=None))
    text = board(3, top="budget: {max_credits: 100}" if cap == "storyboard" else "")
    options = RunOptions(resend_unknown=True, max_credits=100 if cap == "run" else None)
    code = run.run(text, options=options, open_creates=[("s01", age), ("s02", age)])
    if age > 3600:
        assert code == 6
        assert [run.attempt(f"s{n:02}").state for n in (1, 2)] == [AttemptState.UNKNOWN] * 2
        run.asleep += age
        code = run.run(text, options=options)
    assert code == 1
    assert [run.attempt(f"s{n:02}").state for n in (1, 2, 3)] == [AttemptState.FAILED] * 3
    assert [run.attempt(f"s{n:02}").number for n in (1, 2)] == ([1, 1] if age < 3600 else [2, 2])
    assert run.ended_at < PATIENCE


def test_a_create_past_its_window_is_shown_before_anybody_pays_again_for_it(tmp_path: Path) -> None:
    """--resend-unknown speaks of what a run has called unknown: here that is only put on record."""
    run = ScriptedRun(tmp_path, lambda run, shot: made(shot))
    options = RunOptions(resend_unknown=True)
    assert run.run(board(2), options=options, open_creates=[("s01", 7200.0)]) == 6
    assert [run.attempt(shot).state for shot in ("s01", "s02")] == [AttemptState.UNKNOWN, AttemptState.FAILED]
    assert [shot for shot, _ in run.creates] == ["s02"]


def test_one_unanswered_create_at_an_unknown_price_over_all_storyboards(tmp_path: Path) -> None:
    """--max-credits is the run's: the next storyboard gets no blind create of its own."""
    run = ScriptedRun(tmp_path, lambda run, shot: LOST)
    texts = [board(2).replace("id: board", f"id: board{number}") for number in (1, 2, 3)]
    assert run.run(*texts, options=RunOptions(max_credits=1000, timeout=60)) == 5
    attempts = [one for board in run.boards for one in board.ledger.history.attempts.values()]
    assert [one.state for one in attempts] == [AttemptState.SENT]
