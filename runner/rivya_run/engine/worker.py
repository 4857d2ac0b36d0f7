"""A worker: takes storyboards that were submitted, and runs each in a process of its own.

It only hands out work. Should two workers take one storyboard, or a worker that was given up still run one, the lease
of its book decides who writes: the other process ends with 7, and its job waits again.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import anyio
import anyio.to_thread
from anyio.abc import Process, TaskGroup
from anyio.streams.text import TextReceiveStream

from rivya_run.engine.stop import Interrupts
from rivya_run.errors import DatabaseUnavailable, Interrupted, OutputFolderError, RivyaError
from rivya_run.postgres import submissions
from rivya_run.postgres.database import Database
from rivya_run.postgres.queue import HEARTBEAT
from rivya_run.postgres.submissions import Taken
from rivya_run.project.bundle import bring_results
from rivya_run.project.places import OUTPUTS, is_url
from rivya_run.text import visible

LOOKS_EVERY: Final = 1.0
"""Seconds between two looks at an empty queue: one small query each."""

SIGN_EVERY: Final = HEARTBEAT / 4
"""Seconds: two signs may fail before a job is taken for lost."""

BUSY: Final = 5.0
"""Seconds after which a storyboard that somebody else carries, or that met trouble, is looked at again."""

MOST_TRIES: Final = 3
"""Ends that may be chance (a process that was killed, a folder that couldn't be used) before one counts."""

LAST_WORDS: Final = 20
"""Lines of a run that are kept with its submission."""

_LONGEST: Final = 500
"""Characters of such a line."""

_NOT_PASSED_ON: Final = ("RIVYA_RUN_SIMULATE", "RIVYA_RUN_PLAN", "RIVYA_RUN_ONLY", "RIVYA_RUN_EXCLUDE")
"""What a worker's environment doesn't say about its runs: which takes are made is the storyboard's to say."""


_KILL: Final = signal.SIGKILL if os.name != "nt" else signal.SIGTERM


class AfterRun(NamedTuple):
    """What becomes of a job: it has ``ended``, or waits again for so many seconds; ``counted``: as a try."""

    ended: bool
    delay: float = 0.0
    counted: bool = False


def after_run(code: int, *, stopping: bool, held: bool, tries: int) -> AfterRun:
    """What becomes of a job whose run has left with a code (negative: by a signal).

    ``held``: somebody else carries the storyboard; ``stopping``: this worker was asked to end.
    """
    if code >= 0 and code not in (Interrupted.exit_code, OutputFolderError.exit_code):
        return AfterRun(ended=True)
    if stopping and code != OutputFolderError.exit_code:
        return AfterRun(ended=False)
    if held:
        return AfterRun(ended=False, delay=BUSY)
    if tries + 1 < MOST_TRIES:
        return AfterRun(ended=False, delay=BUSY, counted=True)
    return AfterRun(ended=True)


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """``boards`` are carried at a time, ``outputs`` is where results go, ``environment`` that of the runs."""

    name: str
    boards: int
    outputs: str
    environment: Mapping[str, str]


class Worker:
    """Carries storyboards until it is asked to stop; ``tell`` gets a line of words."""

    def __init__(self, url: str, options: WorkerOptions, tell: Callable[[str], None]) -> None:
        self._options = options
        self._tell = tell
        self._id = uuid.uuid4()
        self._database, self._signs = Database(url), Database(url)  # a large bundle holds up no sign
        self._running: dict[int, Process | None] = {}
        self._interrupts = Interrupts()
        self._unreachable = False

    def run(self) -> None:
        """Work until SIGTERM or Ctrl-C; what runs then is stopped like any run, and waits for another worker.

        A second signal ends everything at once.
        """
        with closing(self._database), closing(self._signs):
            anyio.run(self._work)

    async def _work(self) -> None:
        with self._interrupts.listening(self._end_at_once):
            async with anyio.create_task_group() as signs:
                signs.start_soon(self._give_signs)
                async with anyio.create_task_group() as carrying:
                    with self._interrupts.cancelling():
                        await self._take_each(carrying)
                    self._tell("stopping: nothing more is taken; what runs is left for another worker")
                    for process in self._running.values():
                        _signal(process, signal.SIGTERM)
                signs.cancel_scope.cancel()

    async def _take_each(self, carrying: TaskGroup) -> None:
        places = anyio.Semaphore(self._options.boards)
        while True:
            await places.acquire()
            taken = await self._next()
            self._running[taken.job] = None
            carrying.start_soon(self._carry, taken, places)

    async def _next(self) -> Taken:
        """The next submission that this worker hasn't got yet, once there is one."""
        while True:
            taken = None
            try:
                # What was taken isn't forgotten by a stop that comes meanwhile.
                with anyio.CancelScope(shield=True):
                    look = partial(submissions.take, self._database, self._id, self._options.name)
                    taken = await anyio.to_thread.run_sync(look)
                self._unreachable = False
            except DatabaseUnavailable as error:
                self._tell_once(error)
            if taken is not None and taken.job not in self._running:
                return taken
            await anyio.sleep(LOOKS_EVERY)

    async def _give_signs(self) -> None:
        while True:
            await anyio.sleep(SIGN_EVERY)
            if self._running:
                try:
                    jobs = list(self._running)
                    await anyio.to_thread.run_sync(partial(submissions.keep, self._signs, jobs))
                except DatabaseUnavailable as error:
                    self._tell_once(error)

    async def _carry(self, taken: Taken, places: anyio.Semaphore) -> None:
        said: deque[str] = deque(maxlen=LAST_WORDS)
        try:
            self._tell(f"{taken.storyboard}: taken")
            try:
                code = await self._run(taken, said)
            except (OSError, RivyaError) as error:
                said.append(str(error))
                code = OutputFolderError.exit_code
            await self._until_reachable(partial(self._conclude, taken, code, "\n".join(said)))
        finally:
            del self._running[taken.job]
            places.release()

    async def _run(self, taken: Taken, said: deque[str]) -> int:
        """Unpack a storyboard and run it; the exit code."""
        with tempfile.TemporaryDirectory(prefix="rivya-run-", ignore_cleanup_errors=True) as made:
            root = Path(made)
            (root / OUTPUTS).mkdir()  # which makes it the project root
            await self._until_reachable(
                partial(anyio.to_thread.run_sync, submissions.unpack, self._database, taken.job, root)
            )
            if not is_url(self._options.outputs):
                bring_results(root / OUTPUTS, Path(self._options.outputs))
            if self._interrupts.heard:
                return Interrupted.exit_code
            process = await anyio.open_process(
                # -P: a file of the project is no module of ours.
                [sys.executable, "-P", "-m", "rivya_run", "run", taken.path],
                cwd=root,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a terminal's Ctrl-C comes to it once, by us
            )
            async with process:
                self._running[taken.job] = process
                if self._interrupts.heard:
                    _signal(process, signal.SIGTERM)
                await self._listen(taken, process, said)
                return await process.wait()

    async def _listen(self, taken: Taken, process: Process, said: deque[str]) -> None:
        """Pass on what a run says, and keep its last words."""
        assert process.stdout is not None
        rest = ""
        async for piece in TextReceiveStream(process.stdout, errors="replace"):
            *lines, rest = (rest + piece).split("\n")
            for line in lines:
                said.append(visible(line)[:_LONGEST])
                self._tell(f"{taken.storyboard}: {line}")
        if rest:
            said.append(visible(rest)[:_LONGEST])
            self._tell(f"{taken.storyboard}: {rest}")

    async def _conclude(self, taken: Taken, code: int, said: str) -> None:
        stopping, database = self._interrupts.heard, self._database
        held = code == OutputFolderError.exit_code and await anyio.to_thread.run_sync(
            submissions.held_by_another, database, taken.storyboard
        )
        what = after_run(code, stopping=stopping, held=held, tries=taken.tries)
        if what.ended:
            code = code if code >= 0 else RivyaError.exit_code
            await anyio.to_thread.run_sync(submissions.end, database, taken.job, code, said)
            self._tell(f"{taken.storyboard}: ended with {code}")
            return
        again = partial(submissions.put_back, database, taken.job, self._id, what.delay, counted=what.counted)
        await anyio.to_thread.run_sync(again)
        self._tell(f"{taken.storyboard}: put back" + (", somebody else carries it" if held else ""))

    async def _until_reachable(self, work: Callable[[], Awaitable[object]]) -> None:
        """Do something once the database answers; nobody waits for that any more after a stop."""
        while True:
            try:
                await work()
                return
            except DatabaseUnavailable as error:
                if self._interrupts.heard:
                    self._tell(f"given up: {error.message}")
                    return
                self._tell_once(error)

    def _environment(self) -> dict[str, str]:
        passed_on = {
            name: value for name, value in self._options.environment.items() if name not in _NOT_PASSED_ON
        }
        return passed_on | {
            "RIVYA_RUN_DATABASE": self._database.url,
            "RIVYA_RUN_OUTPUTS": self._options.outputs,
        }

    def _tell_once(self, error: DatabaseUnavailable) -> None:
        if not self._unreachable:
            self._unreachable = True
            self._tell(f"{error.message}; it is tried again until the database answers")

    def _end_at_once(self) -> None:
        for process in self._running.values():
            _signal(process, _KILL)


def _signal(process: Process | None, number: signal.Signals) -> None:
    if process is not None and process.returncode is None:
        with suppress(ProcessLookupError):
            process.send_signal(number)
