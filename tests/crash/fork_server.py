"""A warm process that forks runs of the real command line, so that thousands of kills take minutes.

Started as ``python -m crash.fork_server``. Reads one JSON request a line (``args``, ``env``, ``cwd``, ``log``,
``fatal``, ``survived``, ``fatal_move``: when to die, as ``KillPoints`` has them; ``clock``: how its wall clock is
wrong, as ``WallClock.set`` takes it), answers ``{"pid"}`` at once and ``{"status", "moments", "moves", "last"}``
when that run has ended; a negative status is the signal that ended it.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import mmap
import os
import pkgutil
import signal
import struct
import sys
import time
from types import FrameType
from typing import Any

from crash.kill_points import KillPoints, hasten

PATIENCE = float(os.environ.get("PATIENCE", "45"))
"""Seconds after which a run that doesn't end is taken to hang."""

_HEAD = struct.Struct("<qq56s")


class WallClock:
    """``time.time``, wrong on purpose."""

    def __init__(self) -> None:
        self._true = time.time
        self._wrong_by = 0.0
        self._jump: tuple[int, float] | None = None

    def __call__(self) -> float:
        return self._true() + self._wrong_by

    def set(self, wrong_by: float, jump: tuple[int, float] | None) -> None:
        """Wrong by so many seconds, and from the n-th moment on by others: (n, seconds)."""
        self._wrong_by, self._jump = wrong_by, jump

    def moment(self, count: int) -> None:
        """A moment of the run has come."""
        if self._jump is not None and count >= self._jump[0]:
            self._wrong_by, self._jump = self._jump[1], None


def main() -> None:
    """Serve requests until standard input ends."""
    clock = time.time = WallClock()  # before the program is imported: it takes its clock as a default
    _warm_up()
    shared = mmap.mmap(-1, _HEAD.size)
    for line in sys.stdin:
        request = json.loads(line)
        _HEAD.pack_into(shared, 0, 0, 0, b"")
        pid = os.fork()
        if pid == 0:
            _live(request, shared, clock)
        _say({"pid": pid})
        status = _wait(pid)
        count, moves, last = _HEAD.unpack_from(shared, 0)
        _say({"status": status, "moments": count, "moves": moves, "last": last.rstrip(b"\0").decode()})


def _warm_up() -> None:
    """Import all that a run may import, so that a fork is all that a start costs."""
    import rivya_run
    from rivya_run.models.catalog import load_catalog

    for module in pkgutil.walk_packages(rivya_run.__path__, "rivya_run."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)

    load_catalog().all()
    importlib.import_module("psycopg")
    hasten()
    gc.freeze()


def _live(request: dict[str, Any], shared: mmap.mmap, clock: WallClock) -> None:
    """The run itself, in the child; never returns."""
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    null = os.open(os.devnull, os.O_RDONLY)
    for target, source in ((0, null), (1, log), (2, log)):
        os.dup2(source, target)
    os.environ.update(request["env"])
    os.chdir(request["cwd"])

    clock.set(*request["clock"])

    def note(count: int, moves: int, name: str) -> None:
        clock.moment(count)
        _HEAD.pack_into(shared, 0, count, moves, name.encode()[:56])

    signal.signal(signal.SIGUSR1, _show_where)
    KillPoints(note, request["fatal"], request["survived"], request["fatal_move"]).install()
    code = 70
    try:
        from rivya_run.cli.app import app

        app(request["args"])
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _show_where(number: int, frame: FrameType | None) -> None:
    """Show where a run hangs, in its log."""
    for task in asyncio.all_tasks():
        task.print_stack()
    sys.stderr.flush()


def _wait(pid: int) -> int:
    """Wait for a child; one that hangs is ended and counts as -1000."""
    deadline = time.monotonic() + PATIENCE
    pause = 0.001
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGUSR1)
            time.sleep(1)
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return -1000
        time.sleep(pause)
        pause = min(pause * 1.2, 0.01)


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
