"""A figure with its bound, and how programs are measured: whole processes, in turn, the ratios pair by pair."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number. ``bound`` is the most it may be (the least, with ``at_least``); None: for the record."""

    name: str
    value: float
    bound: float | None = None
    at_least: bool = False
    note: str = ""

    @property
    def verdict(self) -> str:
        """``met``, ``missed``, or nothing where there is no bound."""
        if self.bound is None:
            return ""
        return (
            "met" if (self.value >= self.bound if self.at_least else self.value <= self.bound) else "missed"
        )


@dataclass(frozen=True, slots=True)
class Took:
    """What a process took: seconds of wall and CPU time (its own and its children's), peak memory in KiB."""

    wall: float
    cpu: float
    peak: int


class DidNotWork(Exception):
    """A measured program ended otherwise than it should."""


def take(
    command: Sequence[str | Path],
    *,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    expected: int = 0,
) -> Took:
    """Run a program to its end. Raises DidNotWork, with what it said, when its exit code isn't the expected one."""
    env = {**os.environ, **(environment or {})}
    words = [str(word) for word in command]
    with TemporaryFile() as said:
        began = time.perf_counter()
        program = subprocess.Popen(
            words, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT
        )
        _, status, usage = os.wait4(program.pid, 0)
        wall = time.perf_counter() - began
        program.returncode = os.waitstatus_to_exitcode(status)
        if program.returncode != expected:
            said.seek(0)
            words_said = said.read()[-2000:].decode("utf-8", "replace")
            raise DidNotWork(f"{' '.join(words)}: exit code {program.returncode}\n{words_said}")
    return Took(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss)


def in_turn(
    ours: Sequence[str | Path],
    theirs: Sequence[str | Path],
    *,
    folder: Path,
    times: int,
    environment: Mapping[str, str] | None = None,
) -> tuple[float, list[tuple[Took, Took]]]:
    """The median ratio of wall times, ours to theirs: A B A B, after one of each that doesn't count."""
    pairs = []
    for _ in range(times + 1):
        mine = take(ours, folder=folder, environment=environment)
        pairs.append((mine, take(theirs, folder=folder, environment=environment)))
    del pairs[0]
    return statistics.median(mine.wall / other.wall for mine, other in pairs), pairs


def program(name: str) -> Path:
    """A program that is installed beside this interpreter, or else on the machine. Raises DidNotWork."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise DidNotWork(f"{name} is not installed: pip install 'rivya-run[bench]'")
    return Path(found)


def milliseconds(pairs: Sequence[tuple[Took, Took]]) -> str:
    """The medians of both sides in words."""
    mine = statistics.median(mine.wall for mine, _ in pairs) * 1000
    theirs = statistics.median(theirs.wall for _, theirs in pairs) * 1000
    return f"{mine:.0f} ms / {theirs:.0f} ms"
