"""Commands of the real program that are recorded: what a power cut is tried on."""

from __future__ import annotations

import json
import os
import pickle
import random
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from crash.crash_runs import KILLED, TESTS
from crash.power import Disk, Tree, tree_of
from crash.recorded import ELSEWHERE
from crash.recording import Operation, read_record
from projects import png
from rivya_run.simulator.tasks import FILE_NAME

ID = "power"
BOARD = f"""
id: {ID}
shots:
  - {{id: pair, prompt: Two of a kind, takes: 2}}
  - {{id: NAME, prompt: A reference, references: refs/pack.png}}
  - {{id: key, model: grok-imagine, prompt: A keyframe}}
  - {{id: child, prompt: From a keyframe, references: [{{shot: key}}]}}
  - {{id: next, prompt: Onwards, references: [{{shot: pair, take: 1, frame: last}}]}}
"""
NARRATED = f"""
id: {ID}
shots:
  - {{id: clip, prompt: On set, takes: 2, params: {{duration: {{fit: vo, pad: 0.5}}}}}}
  - {{id: vo, model: elevenlabs-turbo-2-5, prompt: {"a" * 110}}}
"""
VERSIONED = f"""
id: {ID}
vars: {{tone: warm}}
VERSIONS
shots:
  - {{id: pair, prompt: "Two of a kind, ${{tone}}", takes: 2}}
  - {{id: next, prompt: Onwards, references: [{{shot: pair, take: 1, frame: last}}]}}
"""
GATED = f"""
id: {ID}
shots:
  - {{id: key, model: grok-imagine, prompt: A keyframe, takes: 2, approval: required}}
  - {{id: child, prompt: From a keyframe, references: [{{shot: key}}]}}
"""
FOUND = f"  - {{id: found, prompt: {ELSEWHERE}}}\n"
RUN = ("run", "storyboard.yaml", "--poll-interval", "0.02", "--progress", "none", "--attempts", "2")
ADOPT = ("adopt", "storyboard.yaml", "found", "{elsewhere}")


@dataclass(frozen=True)
class Command:
    """One command of a scenario, with its exit code. ``fatal``: it is killed once it has written this, and the power
    is cut later on."""

    board: str
    args: tuple[str, ...] = RUN
    fatal: str | None = None
    elsewhere: bool = False
    failing: str | None = None
    ends: int = 0


def board(name: str) -> str:
    """The storyboard with the shot that is renamed."""
    return BOARD.replace("NAME", name)


FIRST = Command(board("still"), failing="*.still.*.a1")
RENAMED = Command(board("moved").replace("pair", "twins"))
SCENARIOS: dict[str, tuple[Command, ...]] = {
    "new": (FIRST,),
    "renamed": (FIRST, RENAMED),
    "adopted": (
        Command(board("still")),
        Command(board("still") + FOUND, ADOPT, elsewhere=True),
        Command(board("still") + FOUND),
    ),
    "cloned": (FIRST,),
    "narrated": (Command(NARRATED),),
    "spoken again": (Command(NARRATED), Command(NARRATED.replace("aaa", "bbbb"))),
    "versions": (
        Command(VERSIONED.replace("VERSIONS", "")),
        Command(VERSIONED.replace("VERSIONS", "versions: {a: {}, b: {vars: {tone: cold}}}")),
    ),
    "decided": (Command(GATED, ends=8), Command(GATED.replace(", approval: required", ""))),
    "killed before a create": (Command(board("still"), fatal='"event":"intended"'), Command(board("still"))),
    "killed after a create": (Command(board("still"), fatal='"event":"created"'), Command(board("still"))),
}
"""``cloned`` begins with nothing but the manifest of those who made it; of ``renamed`` and ``adopted`` the first
command is that of ``new``, and isn't cut again. In ``spoken again`` a sound gets too long for its clips, in
``versions`` what one film made gets the names of a version, in ``decided`` the second command makes what the first
one waited with. What a command that was killed wrote is on no disk yet."""


def first_cut(name: str) -> int:
    """The number of the first command of a scenario that the power is cut in."""
    return 1 if len(SCENARIOS[name]) > 1 else 0


@dataclass
class Recording:
    """What was recorded: where it began, and every operation since."""

    commands: tuple[Command, ...]
    begin: Tree
    past: bytes
    operations: list[Operation]
    ports: tuple[int, int]


def free_ports() -> tuple[int, int]:
    """Two ports that nothing else is given by chance: below those that the system hands out."""
    found: list[int] = []
    while len(found) < 2:
        port = random.SystemRandom().randrange(15_000, 30_000)
        with socket.socket() as sock:
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
    return found[0], found[1]


def make_root(root: Path, text: str) -> None:
    """A project folder without any outputs."""
    (root / "refs").mkdir(parents=True, exist_ok=True)
    (root / ".git").mkdir(exist_ok=True)
    (root / "refs/pack.png").write_bytes(png("pack"))
    (root / "storyboard.yaml").write_text(text, encoding="utf-8")


def record(base: Path, name: str, commands: tuple[Command, ...]) -> Recording:
    """Run a scenario's commands and record them; the replay of the record is compared with the real folder."""
    ports = free_ports()
    root, books = base / "root", base / "books"
    if name == "cloned":
        _run_recorded(base, FIRST, ports, 0)
        manifest = root / "outputs" / ID / "manifest.json"
        kept = manifest.read_bytes()
        shutil.rmtree(root)
        (base / "record").unlink()
        manifest.parent.mkdir(parents=True)
        manifest.write_bytes(kept)
    begin = tree_of(root, "outputs")
    past = (books / FILE_NAME).read_bytes() if books.exists() else b""
    for number, command in enumerate(commands):
        _run_recorded(base, command, ports, number)
        operations = list(read_record(base / "record"))
        _compare(begin, operations, root)
    return Recording(commands, begin, past, operations, ports)


def _run_recorded(base: Path, command: Command, ports: tuple[int, int], number: int) -> None:
    make_root(base / "root", command.board)
    with (base / "record").open("ab") as file:
        pickle.dump(Operation("command", position=number), file)
    request = {
        "args": command.args,
        "root": str(base / "root"),
        "books": str(base / "books"),
        "record": str(base / "record"),
        "ports": ports,
        "fatal": command.fatal,
        "failing": command.failing,
        "elsewhere": command.elsewhere,
    }
    done = subprocess.run(
        [sys.executable, "-m", "crash.recorded", json.dumps(request)],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    expected = KILLED if command.fatal is not None else command.ends
    assert done.returncode == expected, f"exit code {done.returncode}\n{done.stderr}\n{done.stdout}"


def _compare(begin: Tree, operations: list[Operation], root: Path) -> None:
    disk = Disk(begin)
    for operation in operations:
        disk.apply(operation)
    live, real = disk.live(), tree_of(root, "outputs")
    assert sorted(live) == sorted(real), "the record misses names"
    assert live == real, f"the record misses writes: {[path for path in real if live[path] != real[path]]}"
