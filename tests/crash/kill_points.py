"""The moments at which a run may be killed: hooks around everything that writes or asks, put in from outside.

The program itself has no hook: a killed run is the real program, minus what it would have done next.
"""

from __future__ import annotations

import functools
import os
import signal
import threading
from collections.abc import Callable, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

MOVING = frozenset({"before rename", "before move"})
"""The moments before a file gets another name."""

LastAct = Callable[[], None]


class KillPoints:
    """Counts moments; the fatal one is the last thing that happens in this process.

    ``fatal`` is its number or its name, or None: there is none; ``survived`` are the kinds of moments that are not
    fatal, or None: none is; ``fatal_move`` is the number of the rename (of whatever file) that is never done.
    """

    def __init__(
        self,
        note: Callable[[int, int, str], None],
        fatal: int | str | None,
        survived: Collection[str] | None,
        fatal_move: int | None,
    ) -> None:
        self._note = note
        self._fatal = fatal
        self._survived = survived
        self._fatal_move = fatal_move
        self._count = self._moves = 0
        self._lock = threading.Lock()

    def passed(self, name: str, last_act: LastAct | None = None) -> None:
        """A moment has come. ``last_act`` is done by a process that dies here."""
        with self._lock:
            self._count += 1
            moving = name in MOVING
            self._moves += moving
            self._note(self._count, self._moves, name)
            if (
                self._fatal in {self._count, name}
                or (moving and self._moves == self._fatal_move)
                or (self._survived is not None and name not in self._survived)
            ):
                if last_act is not None:
                    last_act()
                os.kill(os.getpid(), signal.SIGKILL)

    def install(self) -> None:
        """Put the hooks around journal lines, syncs, requests, downloads and renames."""
        from rivya_run.journal.store import Journal
        from rivya_run.postgres.database import Database
        from rivya_run.project.debit_file import DebitFile
        from rivya_run.provider.http import Http
        from rivya_run.provider.partial_file import PartialFile

        _around_lines(self, Journal)
        _around(self, Journal, "sync", "sync")
        _around(self, Database, "transact", "transaction")
        _around(self, PartialFile, "append", "part")
        _around_debits(self, DebitFile)
        _around(self, Path, "replace", "rename")
        _around(self, Path, "rename", "move")
        _around_requests(self, Http)
        _around_downloads(self, Http)


def hasten() -> None:
    """Shorter pauses: a soak shall spend its time on kills."""
    from rivya_run.engine import task_slots as limits
    from rivya_run.provider import throttle as pace
    from rivya_run.provider.rivya import retry

    retry.BACK_OFF_BASE = 0.01
    retry.BACK_OFF_CAP = 0.1
    limits._PAUSE = 0.02
    pace._FIRST_PAUSE = 0.01
    pace._LONGEST_PAUSE = 0.1


def _around(points: KillPoints, owner: type, method: str, name: str) -> None:
    original = getattr(owner, method)

    @functools.wraps(original)
    def hooked(*args: Any, **kwargs: Any) -> Any:
        points.passed(f"before {name}")
        result = original(*args, **kwargs)
        points.passed(f"after {name}")
        return result

    setattr(owner, method, hooked)


def _around_lines(points: KillPoints, journal: type) -> None:
    """Before a journal line, in the middle of it (half of it is on disk), after it."""
    original = journal._write  # type: ignore[attr-defined]

    def hooked(self: Any, line: bytes) -> None:
        event = line.split(b'"event":"')[1].split(b'"')[0].decode()

        def tear() -> None:
            with self.path.open("ab") as file:
                file.write(line[: len(line) // 2])

        points.passed(f"before line {event}")
        if self._file is not None:
            points.passed(f"inside line {event}", tear)
        original(self, line)
        points.passed(f"after line {event}")

    journal._write = hooked  # type: ignore[attr-defined]


def _around_debits(points: KillPoints, file: type) -> None:
    """Before lines of the project's budgets, in the middle of the last one, after them."""
    original = file.append  # type: ignore[attr-defined]

    def hooked(self: Any, lines: Any, **how: Any) -> None:
        found = list(lines)
        kinds = "debit" if how.get("durable") else "correction"

        def tear() -> None:
            before = self.path.read_bytes()
            original(self, found, **how)
            written = self.path.read_bytes()[len(before) :]
            self.path.write_bytes(before + written[: len(written) - 20])

        if found:
            points.passed(f"before {kinds}")
            points.passed(f"inside {kinds}", tear)
        original(self, found, **how)
        if found:
            points.passed(f"after {kinds}")

    file.append = hooked  # type: ignore[attr-defined]


def _around_requests(points: KillPoints, http: type) -> None:
    original = http.exchange  # type: ignore[attr-defined]

    async def hooked(self: Any, request: Any, **bounds: Any) -> Any:
        name = f"{request.method} {request.path.split('/')[3]}"
        points.passed(f"before {name}")
        reply = await original(self, request, **bounds)
        points.passed(f"after {name}")
        return reply

    http.exchange = hooked  # type: ignore[attr-defined]


def _around_downloads(points: KillPoints, http: type) -> None:
    original = http.open  # type: ignore[attr-defined]

    @asynccontextmanager
    async def hooked(self: Any, url: str, headers: Any) -> Any:
        points.passed("before download")
        async with original(self, url, headers) as incoming:
            points.passed("inside download")
            yield incoming
        points.passed("after download")

    http.open = hooked  # type: ignore[attr-defined]
