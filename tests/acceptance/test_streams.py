"""Streams that are closed, full or without a reader, and Ctrl-C at any moment: no traceback, a true exit code."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import rivya_run.__main__ as program
from projects import Project
from simulation import hosted

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="descriptors and devices of POSIX")

COMMANDS = [
    "plan storyboard.yaml --simulate",
    "plan storyboard.yaml --simulate --json",
    "plan storyboard.yaml --simulate --format markdown",
    "validate storyboard.yaml",
    "status storyboard.yaml --simulate",
    "status storyboard.yaml --simulate --json",
    "verify storyboard.yaml --simulate",
    "clean storyboard.yaml --simulate",
    "report storyboard.yaml --simulate",
    "export storyboard.yaml --simulate --format edl",
    "models list",
    "schema storyboard",
    "simulator --list-faults",
    "plan --help",
    "--version",
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project of two shots that were simulated."""
    folder = tmp_path_factory.mktemp("project")
    with hosted() as simulator:
        project = Project(folder, simulator)
        project.write("id: board\nshots:\n  - {id: a, prompt: x}\n  - {id: b, prompt: y}\n")
        assert project.run(simulate=True).exit_code == 0
    yield folder


def shell(folder: Path, line: str) -> tuple[int, str]:
    """A line of the shell in which ``rivya-run`` is the program; its exit code and what both streams said."""
    program = f'rivya-run() {{ "{sys.executable}" -m rivya_run "$@"; }}; {line}'
    done = subprocess.run(
        ["bash", "-c", program],
        cwd=folder,
        env={**os.environ, "PYTHONUNBUFFERED": ""},
        capture_output=True,
        timeout=60,
    )
    return done.returncode, (done.stdout + done.stderr).decode()


@pytest.mark.parametrize("words", COMMANDS)
def test_a_reader_that_has_left_ends_a_command_quietly(made: Path, words: str) -> None:
    """Exit 141, as other tools end by SIGPIPE in a shell; not a word of Python, nor of a mistake."""
    code, said = shell(made, f"exec 3> >(exec true); wait $!; rivya-run {words} >&3")
    assert code == 141, said
    assert "rror" not in said and "ignored" not in said


@pytest.mark.parametrize("words", ["plan storyboard.yaml --json", "--help"])
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_output_that_can_not_be_written_is_a_message(made: Path, words: str) -> None:
    """A full disk: exit 1, since what was asked for isn't there."""
    code, said = shell(made, f"rivya-run {words} >/dev/full")
    assert (code, said) == (1, "error: the output can't be written: No space left on device\n")


@pytest.mark.parametrize(
    "words",
    [
        "plan storyboard.yaml --simulate",
        "status storyboard.yaml --simulate",
        "models show grok-imagine-video",
        "export storyboard.yaml --simulate --format edl",
        "run storyboard.yaml --simulate",
        "run storyboard.yaml --simulate --only b",
    ],
)
@pytest.mark.parametrize("streams", [">&-", "2>&-", "<&- >&- 2>&-", "2>/dev/full"])
def test_a_stream_that_nobody_wants_changes_nothing(made: Path, words: str, streams: str) -> None:
    """Closed streams, as daemons start their children, and a standard error that can't be written: exit 0."""
    code, said = shell(made, f"rivya-run {words} {streams}")
    assert code == 0, said
    assert "rror" not in said


def test_no_file_of_ours_takes_the_number_of_a_closed_stream(made: Path) -> None:
    """A library that complains on descriptor 2 must not write into the journal."""
    look = (
        "import os, sys; from rivya_run.cli.streams import open_streams; open_streams();"
        "os.write(2, b'complaint'); file = open('own.txt', 'w'); print(file.fileno())"
    )
    code, said = shell(made, f"'{sys.executable}' -c \"{look}\" 2>&-")
    assert (code, (made / "own.txt").read_text()) == (0, "")
    assert int(said) > 2


def test_ctrl_c_before_anything_is_loaded_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is being imported."""

    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(program, "open_streams", interrupted)
    with pytest.raises(SystemExit) as left:
        program.main()
    assert left.value.code == 130


@pytest.mark.parametrize("module", ["click", "rivya_run.cli.plan", "rivya_run.project.plan", "threading"])
def test_ctrl_c_while_modules_are_loaded_is_130(made: Path, module: str) -> None:
    """From the first import of the command line to the last of a command, and while Python clears up."""
    press = (
        "import os, signal, sys, atexit\n"
        "class Press:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {module!r}: os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Press())\n"
        "sys.modules.pop('threading', None)\n"
        "sys.argv[1:] = ['plan', 'storyboard.yaml', '--simulate']\n"
        "from rivya_run.__main__ import main\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", press], cwd=made, capture_output=True, timeout=60)
    assert done.returncode in (130, -signal.SIGINT)
    assert done.stdout == b""
    assert done.stderr.strip() == b""


@pytest.mark.parametrize("moment", ["show_end", "settled"])
def test_ctrl_c_at_the_very_end_is_no_traceback(made: Path, moment: str) -> None:
    """While the summary is printed, or after it."""
    press = (
        "import os, signal, sys\n"
        "sys.argv[1:] = ['run', 'storyboard.yaml', '--simulate', '--only', 'a']\n"
        "import rivya_run.cli.app, rivya_run.cli.run\n"
        f"place = {{'show_end': rivya_run.cli.run, 'settled': rivya_run.cli.app}}[{moment!r}]\n"
        f"before = getattr(place, {moment!r})\n"
        "def pressed(*given, **named):\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    return before(*given, **named)\n"
        f"setattr(place, {moment!r}, pressed)\n"
        "from rivya_run.__main__ import main\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", press], cwd=made, capture_output=True, timeout=60)
    assert done.returncode == 130
    assert b"Traceback" not in done.stderr and b"ignored" not in done.stderr
