"""`rivya-run simulator` as a program of its own."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from rivya_run.cli.simulator import command
from simulation import Api

PROGRAM = [sys.executable, "-W", "error", "-c", "from rivya_run.cli.simulator import command; command()"]


@contextmanager
def _serving(*words: str, cwd: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The program and the base URL it printed; killed when the block ends."""
    with subprocess.Popen(
        [*PROGRAM, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=cwd
    ) as program:
        try:
            assert program.stdout is not None
            lines = [program.stdout.readline()]
            while "STORYBOARD" not in lines[-1]:
                lines.append(program.stdout.readline())
            assert any("curl" in line for line in lines)
            found = re.search(r"http://127\.0\.0\.1:\d+", lines[0])
            assert found is not None
            yield program, found[0]
        finally:
            program.kill()


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent in another way there")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serves_until_a_signal_and_leaves_without_a_word(tmp_path: Path, number: int) -> None:
    """It prints where it is, answers, and ends with exit code 0 and no traceback."""
    with _serving("--speed", "1000", "--key", "rvya_sk_mine", cwd=tmp_path) as (program, url):
        assert Api(url, "rvya_sk_mine").create("k").status == 200
        assert Api(url).create("k").status == 401
        program.send_signal(number)
        _, err = program.communicate(timeout=10)
        assert program.returncode == 0
        assert "Traceback" not in err


def test_killed_server_goes_on_from_its_books(tmp_path: Path) -> None:
    """With --books, a killed server's tasks are there when it is started again."""
    words = ("--books", str(tmp_path / "books"))
    with _serving(*words, cwd=tmp_path) as (_, url):
        task_id = Api(url).create("k").json()["id"]
    with _serving(*words, cwd=tmp_path) as (_, url):
        assert Api(url).create("k").json()["id"] == task_id


def test_faults_are_listed_by_name() -> None:
    """Each fault has a line with its name and what it does."""
    result = CliRunner().invoke(command, ["--list-faults"])
    assert result.exit_code == 0
    assert re.search(r"^create-lost +takes effect", result.output, re.MULTILINE)
