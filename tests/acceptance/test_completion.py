"""A shell completes what can be typed: in real shells, at a terminal of their own, key by key."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from command_line import rivya_run

BOARD = """\
id: board
versions: {wide: {}, tall: {}}
shots:
  - {id: hero, prompt: A hero, tags: [launch], scene: intro, takes: 3}
  - {id: pack, prompt: A pack, film: [wide]}
  - id: dot-${colour}
    matrix: {colour: [red, blue]}
    prompt: A ${colour} dot
"""
SHELLS = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
}
START = {
    "bash": "PS1=; bind 'set bell-style none'; ",
    "zsh": "PROMPT=; unsetopt zle_bracketed_paste beep; bindkey -e; autoload -U compinit; compinit -D; ",
}
PATIENCE = 60.0  # seconds for one answer of a shell on a busy machine


@dataclass
class Terminal:
    """A shell at the other end of a pseudo-terminal."""

    name: str
    master: int
    seen: str = ""

    def until(self, sign: str) -> str:
        """What came up to this sign."""
        deadline = time.monotonic() + PATIENCE
        while sign not in self.seen:
            assert time.monotonic() < deadline, self.seen
            if select.select([self.master], [], [], 1)[0]:
                self.seen += os.read(self.master, 65536).decode("utf-8", "replace")
        before, _, self.seen = self.seen.partition(sign)
        return before

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self.master, keys.encode())

    def completed(self, keys: str) -> list[str]:
        """The words of the command line after these keys and Tab."""
        # Ctrl-A and Ctrl-E: to the begin and the end of the line, so that it is shown and not carried out.
        self.type(f"{keys}\t\x01printf '(%s)' \x05; echo '=''='\n")
        told = self.until("==")
        return told[told.rindex("(rivya-run)") :].strip("()").split(")(")[1:]


@pytest.fixture(params=list(SHELLS))
def terminal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Terminal]:
    """A shell with its completion loaded, in a folder with storyboards."""
    name: str = request.param
    if shutil.which(name) is None:
        assert name != "bash" and not os.environ.get("CI"), f"{name} is not installed"
        pytest.skip(f"{name} is not installed here; CI has it")
    (tmp_path / "my.yaml").write_text(BOARD)
    (tmp_path / "storyboard.yaml").write_text(BOARD)
    (tmp_path / "cast.yaml").write_text("vars: {hero: x}\n")
    (tmp_path / "notes.txt").write_text("")
    bins = str(Path(sys.executable).parent)
    environment = {
        "PATH": f"{bins}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "TERM": "dumb",
        "LC_ALL": "C.UTF-8",
    }
    master, slave = pty.openpty()
    shell = subprocess.Popen(
        SHELLS[name],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        cwd=tmp_path,
        env=environment,
        start_new_session=True,
    )
    os.close(slave)
    found = Terminal(name, master)
    try:
        found.type(f"{START[name]}stty cols 500; eval \"$(rivya-run completion {name})\"; echo 're''ady'\n")
        found.until("ready")
        yield found
    finally:
        shell.kill()
        shell.wait()
        os.close(master)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ("rivya-run valid", ["validate"]),
        ("rivya-run m", ["m"]),
        ("rivya-run my", ["my.yaml"]),
        ("rivya-run plan m", ["plan", "my.yaml"]),
        ("rivya-run my.yaml --only h", ["my.yaml", "--only", "hero"]),
        ("rivya-run my.yaml --only dot-r", ["my.yaml", "--only", "dot-red"]),
        ("rivya-run my.yaml --only tag:l", ["my.yaml", "--only", "tag:launch"]),
        ("rivya-run run --exclude scene:", ["run", "--exclude", "scene:intro"]),
        ("rivya-run my.yaml --only version:t", ["my.yaml", "--only", "version:tall"]),
        ("rivya-run my.yaml --conc", ["my.yaml", "--concurrency"]),
        ("rivya-run --simulate my", ["--simulate", "my.yaml"]),
        ("rivya-run models show grok-imagine-v", ["models", "show", "grok-imagine-video"]),
        ("rivya-run pick my.yaml h", ["pick", "my.yaml", "hero"]),
        ("rivya-run export my.yaml --film w", ["export", "my.yaml", "--film", "wide"]),
        ("rivya-run plan no", ["plan", "notes.txt"]),
        ("rivya-run plan broken.yaml --only x", ["plan", "broken.yaml", "--only", "x"]),
    ],
)
def test_words_are_completed_as_one_types(terminal: Terminal, keys: str, words: list[str]) -> None:
    """In the short form too; storyboards before other files; nothing is said of what can't be read."""
    if keys == "rivya-run m":  # models, merge-manifest and my.yaml: nothing that they all begin with
        terminal.type(f"{keys}\t\t")
        told = terminal.until("my.yaml")
        assert "merge-manifest" in told
        return
    assert terminal.completed(keys) == words


def test_fish_gets_a_script_of_its_own() -> None:
    """It asks the program by the same variable."""
    result = rivya_run("completion", "fish")
    assert result.exit_code == 0
    assert "--command rivya-run" in result.stdout
    assert "_RIVYA_RUN_COMPLETE=fish_complete" in result.stdout


def test_completing_ends_with_0_and_says_nothing_beside(tmp_path: Path) -> None:
    """Also where there is nothing to offer, and no storyboard can be read."""
    (tmp_path / "broken.yaml").write_text("shots: [\n")
    for line in (
        "rivya-run ",
        "rivya-run broken.yaml --only ",
        "rivya-run nix/x",
        "rivya-run adopt nix.yaml ",
    ):
        done = subprocess.run(
            [Path(sys.executable).with_name("rivya-run")],
            env={**os.environ, "_RIVYA_RUN_COMPLETE": "bash_complete", "COMP_LINE": line},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
