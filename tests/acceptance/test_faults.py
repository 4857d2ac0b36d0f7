"""A server on a bad day: everything arrives all the same, and is paid for once."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import pytest

from fault_cases import all_whole, board, misbehaving
from projects import Project
from rivya_run.simulator.faults import Rule

Faulty = Callable[..., AbstractContextManager[Project]]


@pytest.fixture
def faulty(tmp_path: Path) -> Faulty:
    """Projects with a simulator that misbehaves by rules."""
    return partial(misbehaving, tmp_path)


@pytest.mark.usefixtures("hasty")
def test_twelve_of_twenty_creates_go_wrong_and_twenty_tasks_are_charged(faulty: Faulty) -> None:
    """Lost replies, resets, 429, 503, half JSON and HTML: each create is sent again with its own bytes."""
    kinds = (
        "lost",
        "cut",
        "429",
        "503",
        "half",
        "html",
        "refused",
        "lost-html",
        "lost-500",
        "500",
        "502",
        "disabled",
    )
    rules = [Rule(f"create-{kind}", f"*.s{at:02}.*", turns=(1,)) for at, kind in enumerate(kinds, start=1)]
    with faulty(*rules) as project:
        project.write(board(20))
        assert project.run().exit_code == 0
        state = project.simulator.state
        assert len(state.tasks()) == 20
        assert state.charged() == 200
        assert {len(bodies) for bodies in state.bodies_by_key().values()} == {1}
        all_whole(project)


@pytest.mark.usefixtures("hasty")
def test_every_download_fault_in_one_run(faulty: Faulty) -> None:
    """Thirteen takes, each with a fault of its own: all clips arrive whole, cut ones are resumed with Range."""
    kinds = (
        "lost",
        "cut",
        "short",
        "no-range",
        "etag",
        "html",
        "403",
        "404",
        "410",
        "429",
        "500",
        "redirect",
    )
    rules = [Rule(f"download-{kind}", f"*.s{at:02}.*", turns=(1,)) for at, kind in enumerate(kinds, start=1)]
    rules += [Rule("download-cut", f"*.s{at:02}.*", turns=(2,)) for at in (4, 5, 12)]
    rules += [Rule("download-no-range", "*.s04.*", turns=(3,)), Rule("download-etag", "*.s05.*", turns=(3,))]
    rules += [Rule("download-503", "*.s13.*", turns=(1,)), Rule("download-slow", "*.s13.*", turns=(2,))]
    with faulty(*rules, clip_bytes=200_000) as project:
        project.write(board(13))
        assert project.run().exit_code == 0
        all_whole(project)
        fetched = project.simulator.traffic.of("results")
        assert any(request.status == 206 and "range" in request.headers for request in fetched)
        assert {request.fault for request in fetched} >= {*kinds, "503", "slow"}
        assert project.tasks() == 13
        assert project.simulator.state.charged() == 130


@pytest.mark.usefixtures("hasty")
def test_urls_that_expire_after_a_second_are_renewed(faulty: Faulty) -> None:
    """Forty clips of which only a few can be fetched at once: an old URL is asked for again, never made again."""
    slow = Rule("download-slow", turns=(1,))
    with faulty(slow, url_lifetime=0.25, slow_seconds=0.15) as project:
        project.write(board(20))
        assert project.run(concurrency=20).exit_code == 0
        all_whole(project)
        assert project.tasks() == 20


def test_all_files_of_a_task_are_fetched(faulty: Faulty) -> None:
    """Two files for a task: the second one is named with _2."""
    with faulty(files_per_task=2) as project:
        project.write(board(2))
        assert project.run().exit_code == 0
        all_whole(project)
        for take in project.takes().values():
            first, second = (output["path"] for output in take["outputs"])
            assert second == first.replace(".mp4", "_2.mp4")


def test_a_create_that_hangs_is_left_as_sent_when_its_time_is_up(faulty: Faulty) -> None:
    """The others are made; the next run sends the same create again and pays once."""
    with faulty(Rule("create-hang", "*.s01.*", turns=(1,))) as project:
        project.write(board(3))
        assert project.run(timeout=1).exit_code == 1
        assert project.takes()["s01/1"]["status"] == "sent"
        assert project.takes()["s02/1"]["status"] == "succeeded"
        assert project.run().exit_code == 0
        assert project.tasks() == 3


def test_a_task_that_never_ends_is_left_as_it_is(faulty: Faulty) -> None:
    """--timeout: the take stays pending, exit code 1, and no second task is made for it."""
    with faulty(Rule("task-stuck", "*.s01.*")) as project:
        project.write(board(2))
        for _ in range(2):
            assert project.run(timeout=0.4).exit_code == 1
            assert project.takes()["s01/1"]["status"] == "pending"
            assert project.takes()["s02/1"]["status"] == "succeeded"
        assert project.tasks() == 2


def test_an_api_that_always_says_too_many_requests_is_left_alone_in_the_end(faulty: Faulty) -> None:
    """Nothing is accepted for as long as one take may last: the run ends, nothing was paid."""
    with faulty(Rule("create-429")) as project:
        project.write(board(10))
        assert project.run(timeout=0.5).exit_code == 1
        assert project.tasks() == 0
        assert {take["status"] for take in project.takes().values()} == {"planned"}


def test_an_api_that_asks_to_come_back_tomorrow_is_not_waited_for(faulty: Faulty) -> None:
    """Retry-After past --timeout: the run ends at once, nothing was paid, the takes are still planned.

    Were it waited for, be it until --timeout, the test would run into its own limit.
    """
    with faulty(Rule("create-429"), retry_after="86400") as project:
        project.write(board(10))
        assert project.run(timeout=3600).exit_code == 1
        assert {take["status"] for take in project.takes().values()} == {"planned"}


@pytest.mark.usefixtures("hasty")
def test_odd_status_words_half_replies_and_lagging_stores_are_waited_on(faulty: Faulty) -> None:
    """Polls that say nothing useful are asked again; not_found is believed only when it is repeated."""
    kinds = ("lost", "half", "html", "unknown", "missing", "500", "429", "cut")
    rules = [Rule(f"status-{kind}", f"*.s{at:02}.*", turns=(1, 2)) for at, kind in enumerate(kinds, start=1)]
    with faulty(*rules) as project:
        project.write(board(8))
        assert project.run().exit_code == 0
        all_whole(project)
        assert project.tasks() == 8


@pytest.mark.usefixtures("hasty")  # pauses as short, beside these tasks, as real ones beside real tasks
def test_an_account_that_takes_five_tasks_at_once(faulty: Faulty) -> None:
    """Asked for thirty at once: all arrive, few creates are refused."""
    with faulty(concurrency_limit=5, speed=1.0, queue_seconds=(0.1, 0.1), run_seconds=(0.5, 0.5)) as project:
        project.write(board(40))
        assert project.run(concurrency=30, poll_interval=0.1).exit_code == 0
        assert project.simulator.state.refusals["rate_limited"] < 2 * 40
        assert project.tasks() == 40


def test_an_api_that_takes_twenty_requests_a_second(faulty: Faulty) -> None:
    """Fewer than two of five requests are refused, and all arrive."""
    with faulty(rate_limit=20.0, speed=1.0, queue_seconds=(0.1, 0.1), run_seconds=(0.3, 0.6)) as project:
        project.write(board(30))
        assert project.run(concurrency=30, poll_interval=0.1).exit_code == 0
        asked = project.simulator.traffic.of("api")
        assert sum(request.status == 429 for request in asked) < 0.4 * len(asked)
        assert project.tasks() == 30
