"""Progress on a real (pseudo) terminal."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyte
import pytest

from projects import Project
from simulation import KEY, hosted
from terminal import colours_of, lines_of, screen_of

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


def moving(project: Project, **more: str) -> dict[str, str]:
    """The environment of a run against the project's simulator."""
    return {"RIVYA_API_KEY": KEY, "RIVYA_BASE_URL": project.simulator.base_url, **more}


def test_the_picture_is_whole_on_a_narrow_terminal(tmp_path: Path) -> None:
    """At 60 columns no count is cut, what is in flight is named by what it does, and the money by where it is.

    Takes last for a second and more, so that none of what is asked for comes and goes between two pictures.
    """
    states: list[str] = []

    def seen(screen: pyte.Screen) -> None:
        states.append(" ".join(" ".join(lines_of(screen)).split()))

    shots = "".join(
        f"\n      - {{id: s{n:02d}, scene: the harbour at dawn, prompt: p{n}}}" for n in range(14)
    )
    with hosted(speed=4.0) as simulator:
        project = Project(tmp_path, simulator)
        project.write(f"\n    id: board\n    shots:{shots}\n")
        command = [sys.executable, "-m", "rivya_run", str(project.path), "--poll-interval", "0.05"]
        screen, code = screen_of(
            [*command, "--concurrency", "4"], moving(project), tmp_path, columns=60, rows=20, seen=seen
        )
    assert code == 0, lines_of(screen)
    assert any("/14 takes" in one and " reserved" in one for one in states)
    assert any(" running" in one and " waiting" in one for one in states)
    assert not any("in flight" in one for one in states)
    assert any(line.startswith("14/14 takes  140 credits spent  ") for line in lines_of(screen))


def test_an_api_that_can_not_be_reached_is_told_at_once(project: Project) -> None:
    """Host, since when and until when stand on the screen while it is tried, and stay in the scrollback."""
    project.write(BOARD)
    states: list[str] = []

    def seen(screen: pyte.Screen) -> None:
        states.append(" ".join(" ".join(lines_of(screen)).split()))

    command = [sys.executable, "-m", "rivya_run", str(project.path), "--timeout", "3"]
    nowhere = moving(project, RIVYA_BASE_URL="http://127.0.0.1:9")
    _, code = screen_of(command, nowhere, project.path.parent, columns=70, rows=30, seen=seen)
    assert code == 1
    told = re.compile(
        r"takes .*no connection to 127\.0\.0\.1:9 since \d\d:\d\d:\d\d, tried until \d\d:\d\d:\d\d"
    )
    assert any(told.search(one) for one in states)


@pytest.mark.parametrize("quiet", [False, True])
def test_plans_and_problems_have_colours_where_a_terminal_has(project: Project, quiet: bool) -> None:
    """NO_COLOR is respected, and what is said is the same."""
    project.write(BOARD)
    environment = moving(project, **({"NO_COLOR": "1"} if quiet else {}))
    program = [sys.executable, "-m", "rivya_run"]
    screen, code = screen_of([*program, "plan", str(project.path)], environment, project.path.parent)
    assert code == 0
    assert colours_of(screen, "create ") == ({"default"} if quiet else {"cyan", "default"})
    wrong = project.path.with_name("wrong.yaml")
    wrong.write_text("id: wrong\nshots:\n- {id: a, promt: x}\n", encoding="utf-8")
    screen, code = screen_of(
        [*program, "validate", "wrong.yaml"], environment, project.path.parent, columns=120
    )
    assert code == 3
    assert colours_of(screen, "error") == ({"default"} if quiet else {"red"})
    assert any(line.strip() == "^" for line in lines_of(screen))
