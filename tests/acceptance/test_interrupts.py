"""Ctrl-C, SIGTERM, a closed terminal: leave in order, then at once; the rerun goes on."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from crash.crash_runs import ForkServer, Project, open_project
from fault_cases import board
from rivya_run.simulator.faults import FaultPlan, Rule

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="forks and POSIX signals")


@pytest.fixture(scope="module")
def fork_server() -> Iterator[ForkServer]:
    """One warm process for all runs."""
    with ForkServer() as warm:
        yield warm


def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Wait for something that another process does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.005)


def has_taken(pid: int, signal_number: int) -> bool:
    """Whether a process has taken a signal that was sent to it; where the system doesn't tell, it is believed."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text("ascii", "replace").splitlines()
    except OSError:
        return True
    pending = [int(line.split()[1], 16) for line in lines if line.startswith(("SigPnd:", "ShdPnd:"))]
    return not any(mask & 1 << (signal_number - 1) for mask in pending)


def manifest(project: Project) -> Any:
    """What the manifest says."""
    return json.loads((project.root / "outputs/board/manifest.json").read_bytes())


def slow_create() -> dict[str, Any]:
    """Creates whose reply takes a while, tasks that take longer."""
    return {
        "faults": FaultPlan(rules=(Rule("create-slow", turns=(1,)),)),
        "slow_seconds": 0.25,
        "speed": 1.0,
        "queue_seconds": (0.2, 0.2),
        "run_seconds": (0.2, 0.2),
    }


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_the_first_one_lets_creates_in_flight_be_answered(
    tmp_path: Path, fork_server: ForkServer, name: str
) -> None:
    """Exit 130; every task that was made is on record with its id, and nothing is created after it."""
    with open_project(tmp_path, fork_server, **slow_create()) as project:
        project.write("", board(10))
        pid = project.begin()
        until(lambda: len(project.simulator.state.tasks()) >= 3)
        os.kill(pid, getattr(signal, name))
        assert fork_server.end().status == 130, project.log
        tasks = {task.id for task in project.simulator.state.tasks()}
        takes = [take for shot in manifest(project)["shots"] for take in shot["takes"]]
        assert {take["task_id"] for take in takes if take["task_id"]} == tasks
        assert {take["status"] for take in takes} == {"pending", "planned"}
        assert len(tasks) < 10
        assert "interrupted" in project.log
        assert "Traceback" not in project.log
        project.begin()
        assert fork_server.end().status == 0, project.log
        assert len(project.simulator.state.tasks()) == 10


def test_the_second_one_leaves_at_once(tmp_path: Path, fork_server: ForkServer) -> None:
    """Exit 130 although creates hang; the rerun sends them again and pays once."""
    faults = FaultPlan(rules=(Rule("create-hang", at=(1, 2, 3)),))
    with open_project(tmp_path, fork_server, faults=faults) as project:
        project.write("", board(4))
        pid = project.begin()
        until(lambda: len(project.simulator.state.tasks()) >= 3)
        os.kill(pid, signal.SIGINT)
        until(lambda: has_taken(pid, signal.SIGINT))
        time.sleep(0.3)  # a second one that comes at once is taken for an echo of the first
        os.kill(pid, signal.SIGINT)
        assert fork_server.end().status == 130
        assert (
            "interrupted" not in project.log
        )  # it did not leave in order: the creates would hang for an hour
        assert "Traceback" not in project.log
        project.begin()
        assert fork_server.end().status == 0, project.log
        assert len(project.simulator.state.tasks()) == 4


def test_a_closed_terminal_hangs_up_twice_and_loses_nothing(tmp_path: Path, fork_server: ForkServer) -> None:
    """Kernel and shell both send SIGHUP: creates in flight are answered, no task is without its id, exit 130."""
    with open_project(tmp_path, fork_server, **slow_create() | {"slow_seconds": 1.0}) as project:
        project.write("", board(4))
        pid = project.begin()
        until(lambda: len(project.simulator.state.tasks()) >= 3)
        os.kill(pid, signal.SIGHUP)
        time.sleep(0.2)
        os.kill(pid, signal.SIGHUP)
        assert fork_server.end().status == 130, project.log
        tasks = {task.id for task in project.simulator.state.tasks()}
        takes = [take for shot in manifest(project)["shots"] for take in shot["takes"]]
        assert {take["task_id"] for take in takes if take["task_id"]} == tasks
        assert "interrupted" in project.log


def test_before_anything_was_created_it_costs_nothing(tmp_path: Path, fork_server: ForkServer) -> None:
    """While the balance is asked for: exit 130, no create."""
    faults = FaultPlan(rules=(Rule("credits-hang"),))
    with open_project(tmp_path, fork_server, faults=faults) as project:
        project.write("", board(4))
        pid = project.begin()
        until(lambda: project.simulator.traffic.open_connections["api"] > 0)
        time.sleep(0.1)
        os.kill(pid, signal.SIGTERM)
        assert fork_server.end().status == 130, project.log
        assert project.simulator.state.tasks() == []
        assert "Traceback" not in project.log


def test_a_signal_that_was_ignored_stays_ignored(tmp_path: Path, fork_server: ForkServer) -> None:
    """nohup: the run goes on when the terminal is closed."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with ForkServer() as deaf, open_project(tmp_path, deaf, **slow_create()) as project:
            project.write("", board(3))
            pid = project.begin()
            until(lambda: len(project.simulator.state.tasks()) >= 1)
            os.kill(pid, signal.SIGHUP)
            assert deaf.end().status == 0, project.log
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_finished_download_is_kept_when_a_run_is_stopped(tmp_path: Path, fork_server: ForkServer) -> None:
    """What is recorded as there is there; what was arriving goes on where it stopped."""
    faults = FaultPlan(rules=(Rule("download-slow", "*.s0[1-3].*"),))
    with open_project(tmp_path, fork_server, faults=faults, slow_seconds=1.0) as project:
        project.write("", board(6))
        pid = project.begin()
        until(lambda: project.simulator.traffic.counts["download"] >= 3)
        time.sleep(0.1)
        os.kill(pid, signal.SIGINT)
        assert fork_server.end().status == 130
        folder = project.root / "outputs/board"
        for shot in manifest(project)["shots"]:
            for take in shot["takes"]:
                for output in take["outputs"]:
                    assert (folder / output["path"]).stat().st_size == output["bytes"]
        project.begin()
        assert fork_server.end().status == 0
        assert len(project.simulator.state.tasks()) == 6
