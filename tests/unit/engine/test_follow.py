"""A task that is followed: when it is asked for, what goes on record, and when asking ends."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import anyio
import httpx2
import pytest

import virtual_time
from mock_api import Answer, MockApi, error, task
from rivya_run.engine.follow import Follower, Polled
from rivya_run.engine.records import RunLedger
from rivya_run.errors import KeyRefused
from rivya_run.journal.attempt import Attempt, AttemptState
from rivya_run.journal.events import Created, Intended
from rivya_run.planning.forecast import Timing
from rivya_run.project.ledger import Ledger
from rivya_run.times import Clocks, iso

KEY = "board.a.t1.0"
EPOCH = 1_778_500_000.0
DONE = task("succeeded", result={"urls": ["https://m/1"]})


def follow(
    answers: Sequence[Answer], folder: Path, *, age: float = 0.0, seconds: float = 100.0
) -> tuple[list[Polled], Attempt, list[float], Timing]:
    """Follow a task that was created ``age`` seconds ago, for so long: each question's result, what is on record,
    when it was asked for (seconds from the beginning), what was learnt.
    """
    api, timing = MockApi(answers), Timing(4.0)

    async def body() -> tuple[list[Polled], Attempt, list[float], Timing]:
        began = anyio.current_time()
        past = age

        def wall() -> float:
            return EPOCH + anyio.current_time() - past

        ledger = Ledger(folder, now=lambda: iso(wall()))
        ledger.record(
            Intended(
                key=KEY, shot="a", take=1, fingerprint="f" * 64, number=1, model="m", body="{}", estimate=10
            )
        )
        ledger.record(Created(key=KEY, task_id="task_1", status="queued", reserved_credits=10))
        past = 0.0
        clocks = Clocks(anyio.current_time, wall, anyio.current_time)
        polled: list[Polled] = []
        async with api.http() as http:
            follower = Follower(
                KEY,
                RunLedger(ledger, "board.yaml"),
                api.client(http),
                timing,
                clocks,
                others=100,
                poll_interval=4.0,
            )
            while not (polled and polled[-1].ended):
                await anyio.sleep(max(0.0, min(follower.at, began + seconds) - anyio.current_time()))
                polled.append(await follower.ask(began + seconds))
        ledger.close()
        return polled, ledger.history.attempts[KEY], [at - began for at in api.times], timing

    return virtual_time.run(body)


def test_to_its_end(tmp_path: Path) -> None:
    """Each change is on record once, and how long it took is learnt."""
    polled, found, times, timing = follow([task("queued"), task("processing"), DONE], tmp_path)
    assert [one.changed for one in polled] == [False, True, True]
    assert found.state is AttemptState.FINISHED and found.urls == ("https://m/1",)
    assert times[0] == pytest.approx(2.0, abs=0.1)
    assert found.task_seconds is not None and len(timing._whole) == 1


def test_a_task_that_failed(tmp_path: Path) -> None:
    """With what the API says of it."""
    failed = task("failed", error={"code": "generation_failed", "message": "No."})
    polled, found, _, _ = follow([failed], tmp_path)
    assert polled == [Polled(True, True)]
    assert found.state is AttemptState.FAILED and found.error is not None and found.error.message == "No."


def test_one_of_an_earlier_run_is_asked_for_at_once(tmp_path: Path) -> None:
    """Spread over a second where there are many of them."""
    _, _, times, _ = follow([DONE], tmp_path, age=600)
    assert times[0] <= 1.0


def test_not_found_is_believed_the_third_time(tmp_path: Path) -> None:
    """A store may lag behind its own answer."""
    gone = error(404, "not_found")
    polled, found, _, _ = follow([gone, gone, DONE], tmp_path / "1")
    assert found.state is AttemptState.FINISHED
    polled, found, times, _ = follow([gone], tmp_path / "2")
    assert len(times) == 3 and polled[-1] == Polled(True, True)
    assert found.state is AttemptState.TASK_MISSING


def test_trouble_is_tried_again(tmp_path: Path) -> None:
    """It says nothing of the task."""
    polled, found, times, _ = follow([httpx2.ReadTimeout("lost"), error(503), DONE], tmp_path)
    assert polled == [Polled(True, True)] and len(times) == 3
    assert found.state is AttemptState.FINISHED


def test_at_the_deadline_it_runs_on(tmp_path: Path) -> None:
    """The next run goes on; what the API said instead is told."""
    polled, found, times, _ = follow([task("queued")], tmp_path / "1", seconds=30)
    assert polled[-1] == Polled(False, True) and times[-1] == pytest.approx(30, abs=0.1)
    assert found.state is AttemptState.RUNNING
    polled, _, _, _ = follow([error(503)], tmp_path / "2", seconds=30)
    assert polled[-1].ended and polled[-1].unlearnt is not None and "503" in polled[-1].unlearnt


def test_a_refused_key_ends_the_run(tmp_path: Path) -> None:
    """Nothing can be learnt with it."""
    with pytest.raises(KeyRefused):
        follow([error(401, "api_key_revoked")], tmp_path)
