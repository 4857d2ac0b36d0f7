"""``rivya-run review`` as a program of its own, and what a browser or anyone else can send to it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from projects import Project
from simulation import Reply, fetch

WAIT = 60  # seconds for a program to begin or to end on a busy machine


@dataclass(frozen=True)
class Review:
    """A running server, by the address that it printed."""

    address: str
    process: subprocess.Popen[str]

    @property
    def origin(self) -> str:
        parts = urlsplit(self.address)
        return f"{parts.scheme}://{parts.netloc}"

    def get(self, path: str = "", method: str = "GET", **headers: str) -> Reply:
        """One request below the address."""
        return fetch(self.address + path, method, headers=_named(headers))

    def decide(self, what: str, body: object, **headers: str) -> Reply:
        """A decision as the page sends it; ``headers`` go over its own."""
        sent = {"Content-Type": "application/json", "Origin": self.origin, **_named(headers)}
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return fetch(self.address + what, "POST", content, sent, timeout=WAIT)

    def until(self, fits: Callable[[dict[str, str]], bool]) -> dict[str, str]:
        """What the page would be told, once it fits."""
        for _ in range(WAIT * 10):
            state: dict[str, str] = self.get("state").json()
            if fits(state):
                return state
            time.sleep(0.1)  # the server looks at its files about as often
        raise AssertionError(f"it stays so: {state}")

    def stop(self) -> int:
        """Ctrl-C; the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(WAIT)


def _named(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


@contextmanager
def reviewing(storyboard: Path, *words: str) -> Iterator[Review]:
    """The server for a storyboard, from when its address is known to the end of the block."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RIVYA_")}
    command = [sys.executable, "-m", "rivya_run", "review", str(storyboard), "--no-open", *words]
    with (storyboard.parent / "review.log").open("w") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment)
        assert process.stdout is not None
        try:
            address = process.stdout.readline().strip()
            assert address, (storyboard.parent / "review.log").read_text()
            yield Review(address, process)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait(WAIT)
            process.stdout.close()


def run_beside(project: Project, **options: Any) -> threading.Thread:
    """A run that goes on while the test does something else."""
    thread = threading.Thread(target=project.run, kwargs=options)
    thread.start()
    return thread
