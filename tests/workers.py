"""Workers for tests: processes of their own, each like a machine, against a project's simulator and a database."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from projects import Project
from simulation import KEY


@dataclass
class WorkerProcess:
    """A worker with a folder of its own, in which its results are."""

    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def said(self) -> str:
        """What it has said so far."""
        return (self.folder / "said").read_text(encoding="utf-8")

    def runs(self) -> list[int]:
        """The processes that carry its storyboards."""
        with suppress(OSError):
            children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
            return [int(one) for one in children.split()]
        return []

    def vanish(self, *, with_runs: bool) -> None:
        """End it as a machine does that loses its power; or end it alone."""
        runs = self.runs() if with_runs else []
        self.process.kill()
        for one in runs:
            with suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)
        self.process.wait(30)

    def stopped_again(self) -> bool:
        """Signal it once more; whether it has ended."""
        self.process.terminate()
        return self.process.poll() is not None

    def stop(self) -> int:
        """Ask it to end; its exit code."""
        self.process.terminate()
        return self.process.wait(60)


def environment(project: Project, url: str, **more: str) -> dict[str, str]:
    """What a process needs to work against the project's simulator."""
    return {
        **os.environ,
        "RIVYA_API_KEY": KEY,
        "RIVYA_BASE_URL": project.simulator.base_url,
        "RIVYA_RUN_POLL_INTERVAL": "0.02",
        "RIVYA_RUN_DATABASE": url,
        **more,
    }


@contextmanager
def working(project: Project, url: str, folder: Path, *words: str, **more: str) -> Iterator[WorkerProcess]:
    """A worker, while the block runs; what is left of it is killed at its end."""
    folder.mkdir()
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "rivya_run", "worker", "--name", folder.name, *words],
            env=environment(project, url, **more),
            cwd=folder,
            stdout=said,
            stderr=said,
        )
    worker = WorkerProcess(folder, process)
    try:
        yield worker
    finally:
        worker.vanish(with_runs=True)


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    """What a query gives."""
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode()).fetchall()


def until(holds: Callable[[], bool], seconds: float = 90) -> None:
    """Wait for something that other processes do."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came to be so"
        time.sleep(0.02)


def ended(url: str) -> list[tuple[str, int]]:
    """The submissions that have ended, with their exit codes, in the order of their ends."""
    return rows(
        url, "select storyboard, exit_code from submission where ended_at is not null order by ended_at"
    )
