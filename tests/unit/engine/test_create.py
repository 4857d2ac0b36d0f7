"""One create between its sendings: never again past the window, never at first once creating has stopped."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest

from fault_cases import board
from mock_api import error
from rivya_run.journal.attempt import AttemptState
from rivya_run.project.plan import RunOptions
from scripted_run import LOST, UNREACHED, Answer, ScriptedRun, made

WINDOW = 100.0


def sendings(run: ScriptedRun, shot: str) -> list[float]:
    """When a shot's create reached the API, in seconds since the run began."""
    return [at for name, at in run.creates if name == shot]


@pytest.mark.parametrize(
    "second",
    [error(429), error(429, retry_after="150"), error(503, retry_after="150")],
    ids=["in line", "all requests paused", "asked to come back"],
)
def test_a_lost_create_that_waited_past_its_window_is_unknown(tmp_path: Path, second: Answer) -> None:
    """Whatever it waits for between two sendings, none comes after the window: a person decides."""

    def script(run: ScriptedRun, shot: str) -> Answer:
        if shot == "s02" and run.turns(shot) <= 2:
            return LOST if run.turns(shot) == 1 else second
        return made(shot)

    run = ScriptedRun(tmp_path, script, lasts=300)
    assert run.run(board(2), options=RunOptions(idempotency_window=WINDOW, concurrency=2)) == 6
    assert run.attempt("s02").state is AttemptState.UNKNOWN
    assert len(sendings(run, "s02")) == 2


def test_a_machine_that_slept_past_the_window_sends_nothing_again(tmp_path: Path) -> None:
    """The wall clock goes on while the machine sleeps, and it is the wall clock that counts."""

    def script(run: ScriptedRun, shot: str) -> Answer:
        run.asleep = 2 * WINDOW
        return LOST if run.turns(shot) == 1 else made(shot)

    run = ScriptedRun(tmp_path, script)
    assert run.run(board(1), options=RunOptions(idempotency_window=WINDOW)) == 6
    assert len(run.creates) == 1


@pytest.mark.parametrize("jump", [-7200, -61, 2 * WINDOW, 86_400])
def test_a_wall_clock_that_is_set_during_a_run_ends_the_window(tmp_path: Path, jump: float) -> None:
    """Nobody knows any more how old the sending is."""

    def script(run: ScriptedRun, shot: str) -> Answer:
        run.asleep = jump
        return LOST if run.turns(shot) == 1 else made(shot)

    run = ScriptedRun(tmp_path, script)
    assert run.run(board(1), options=RunOptions(idempotency_window=WINDOW)) == 6
    assert len(run.creates) == 1


def test_a_wall_clock_that_is_stepped_during_a_run_lengthens_no_window(tmp_path: Path) -> None:
    """Set back by less than a minute, it may be sent again, and the step counts as time gone by."""

    def script(run: ScriptedRun, shot: str) -> Answer:
        run.asleep = -50
        return LOST

    run = ScriptedRun(tmp_path, script)
    assert run.run(board(1), options=RunOptions(idempotency_window=WINDOW)) == 6
    assert len(run.creates) > 1
    assert max(sendings(run, "s01")) <= WINDOW


def test_a_machine_that_slept_and_was_set_back_sends_nothing_again(tmp_path: Path) -> None:
    """The clock that nobody can set went on meanwhile: it counts where the wall clock shows nothing."""

    def script(run: ScriptedRun, shot: str) -> Answer:
        run.slept = 2 * WINDOW
        return LOST if run.turns(shot) == 1 else made(shot)

    run = ScriptedRun(tmp_path, script)
    assert run.run(board(1), options=RunOptions(idempotency_window=WINDOW)) == 6
    assert len(run.creates) == 1


def test_an_open_create_that_waits_for_a_place_past_its_window_is_unknown(tmp_path: Path) -> None:
    """It was young enough when the run began, and isn't any more when its turn comes."""

    def script(run: ScriptedRun, shot: str) -> Answer:
        return error(503, retry_after="60") if run.turns("s01") < 2 else made(shot)

    run = ScriptedRun(tmp_path, script)
    options = RunOptions(idempotency_window=WINDOW, concurrency=1)
    assert run.run(board(2), options=options, open_creates=[("s01", 10), ("s02", 60)]) == 6
    assert [run.attempt(shot).state for shot in ("s01", "s02")] == [AttemptState.FAILED, AttemptState.UNKNOWN]
    assert sendings(run, "s02") == []


def test_a_create_that_never_arrived_has_no_window(tmp_path: Path) -> None:
    """Nobody can have forgotten a key that was never heard: it is sent as long as the take's time lasts."""

    def script(run: ScriptedRun, shot: str) -> Answer:
        return UNREACHED if run.now() < 2 * WINDOW else made(shot)

    run = ScriptedRun(tmp_path, script)
    assert run.run(board(1), options=RunOptions(idempotency_window=WINDOW)) == 1
    assert run.attempt("s01").state is AttemptState.FAILED


@pytest.mark.parametrize("early", [UNREACHED, error(429), error(503, "public_api_disabled")])
@pytest.mark.parametrize(
    ("end", "options"),
    [
        (error(402, "insufficient_credits"), RunOptions(timeout=600)),
        (error(400, "validation_failed"), RunOptions(timeout=600, fail_fast=True)),
    ],
    ids=["empty wallet", "--fail-fast"],
)
def test_once_creating_has_stopped_nothing_new_is_sent(
    tmp_path: Path, early: Answer, end: httpx2.Response, options: RunOptions
) -> None:
    """A create that surely never arrived is withdrawn, however often it was tried before."""

    def script(run: ScriptedRun, shot: str) -> Answer:
        if shot == "s01":
            return end
        return early if run.turns(shot) == 1 else made(shot)

    run = ScriptedRun(tmp_path, script)
    assert run.run(board(3), options=options) in {1, 5}
    assert len(sendings(run, "s02")) <= 1 and len(sendings(run, "s03")) <= 1
    assert {run.attempt(shot).state for shot in ("s02", "s03")} == {AttemptState.WITHDRAWN}
    assert run.outcome("s02").message == run.outcome("s03").message != ""


@pytest.mark.parametrize("second", [LOST, error(429)])
def test_a_lost_create_is_asked_after_even_when_creating_has_stopped(tmp_path: Path, second: Answer) -> None:
    """Only the same bytes with the same key tell what became of it."""

    def script(run: ScriptedRun, shot: str) -> Answer:
        if shot == "s01":
            return error(402, "insufficient_credits")
        return [LOST, second, made(shot)][run.turns(shot) - 1]

    run = ScriptedRun(tmp_path, script)
    assert run.run(board(2), options=RunOptions()) == 5
    assert run.attempt("s02").task_id == "task_s02"
