"""Progress on a real (pseudo) terminal."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from projects import Project
from simulation import KEY

pty = pytest.importorskip("pty", reason="there are no pseudo terminals on this system")

BOARD = """
    id: board
    shots:
      - {id: a, scene: intro, prompt: x, takes: 3}
      - {id: b, scene: outro, prompt: y}
"""


@contextmanager
def on_terminal(project: Project, *words: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A run whose standard error is a terminal of 80 by 24; the other end of it."""
    mine, theirs = pty.openpty()
    environment = {
        **os.environ,
        "RIVYA_API_KEY": KEY,
        "RIVYA_BASE_URL": project.simulator.base_url,
        "TERM": "xterm",
        "COLUMNS": "80",
        "LINES": "24",
    }
    command = [sys.executable, "-m", "rivya_run", str(project.path), "--poll-interval", "0.05", *words]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stderr=theirs, env=environment, start_new_session=True
    ) as running:
        os.close(theirs)
        yield running, mine


def everything(end: int) -> str:
    """What was drawn until the program left."""
    drawn = b""
    with contextlib.suppress(OSError):  # Linux ends a terminal with EIO
        while block := os.read(end, 4096):
            drawn += block
    os.close(end)
    return drawn.decode()


def test_the_last_picture_stays_and_the_summary_follows_it(project: Project) -> None:
    """Scenes with their counts, then what came of it; the cursor is there again."""
    project.write(BOARD)
    with on_terminal(project) as (running, end):
        drawn = everything(end)
        assert running.wait(30) == 0
    last = drawn[drawn.rindex("4/4 takes") :]
    assert "intro" in last
    assert "3/3" in last
    assert "board: 4 takes, all there" in last
    assert drawn.rindex("\x1b[?25h") > drawn.rindex("\x1b[?25l")


def test_a_dumb_terminal_gets_lines(project: Project) -> None:
    """Nothing is drawn where nothing can be."""
    project.write(BOARD)
    with on_terminal(project, "--progress", "plain") as (running, end):
        drawn = everything(end)
        assert running.wait(30) == 0
    assert "b/1 succeeded" in drawn
    assert "\x1b[" not in drawn


def test_a_terminal_that_goes_away_does_not_end_a_run(project: Project) -> None:
    """Every write fails with EIO from then on; all clips are made."""
    project.write(BOARD)
    with on_terminal(project) as (running, end):
        os.read(end, 1)
        os.close(end)
        assert running.wait(30) == 0
    assert all(take["status"] == "succeeded" for take in project.takes().values())
