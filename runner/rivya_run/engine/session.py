"""What all takes of a run share: the limits, the clock, and whether to go on creating."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import anyio

from rivya_run.engine.budget import Spending, Till
from rivya_run.engine.interrupts import Interrupts
from rivya_run.engine.outcome import Ending, Outcome
from rivya_run.engine.task_slots import TaskLimiter
from rivya_run.journal.attempt import TakeStatus
from rivya_run.planning.forecast import Timing
from rivya_run.progress import Event
from rivya_run.project.ledger import Ledger
from rivya_run.project.options import RunOptions
from rivya_run.times import iso, steady

DOWNLOADS_AT_ONCE = 6
UPLOADS_AT_ONCE = 4
STARTING_AT_ONCE = 64
"""Takes that are on their way to a place in flight: enough to never leave one empty, few enough to cost nothing."""


class Stop:
    """Whether creating goes on. The first reason stays."""

    def __init__(self) -> None:
        self.outcome: Outcome | None = None

    def creating(self, ending: Ending, message: str) -> None:
        """Create nothing more, for this reason; what runs is finished and fetched."""
        if self.outcome is None:
            self.outcome = Outcome(ending, TakeStatus.PLANNED, message)


class Silence:
    """How long exchanges have met nothing but trouble; time in which nothing is asked is no silence.

    ``seconds`` goes from the beginning of the first such exchange to the end of the latest one; ``of_one``:
    they were all of one create, which may be the trouble itself.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self.of_one = True
        self._first: tuple[str, float] | None = None
        self._ended_at = -math.inf

    def goes_on(self, who: str, sent_at: float, now: float) -> None:
        """Another exchange met trouble."""
        if self._first is None:
            self._first = (who, max(sent_at, self._ended_at))
        first, since = self._first
        self.of_one = self.of_one and who == first
        self.seconds = now - since

    def end(self, now: float) -> None:
        """An exchange was answered."""
        self.seconds, self.of_one, self._first, self._ended_at = 0.0, True, None, now


@dataclass(slots=True)
class Session:
    """One run over one or several storyboards.

    ``clock`` is for patience, ``now`` is the wall clock, ``steady`` is one that can't be set and never stands still.
    """

    options: RunOptions
    limiter: TaskLimiter
    spending: Spending
    timing: Timing
    tell: Callable[[Event], None]
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    steady: Callable[[], float] = steady
    stop: Stop = field(default_factory=Stop)
    interrupts: Interrupts = field(default_factory=Interrupts)
    till: Till = field(init=False)
    downloads: anyio.CapacityLimiter = field(init=False)
    uploads: anyio.CapacityLimiter = field(init=False)
    starting: anyio.Semaphore = field(init=False)
    silence: Silence = field(default_factory=Silence)
    doubts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.till = Till(self.spending)
        self.downloads = anyio.CapacityLimiter(DOWNLOADS_AT_ONCE)
        self.uploads = anyio.CapacityLimiter(UPLOADS_AT_ONCE)
        self.starting = anyio.Semaphore(STARTING_AT_ONCE, fast_acquire=True)

    def deadline(self) -> float:
        """When a take that starts now is left as it is (monotonic seconds)."""
        return self.clock() + self.options.timeout

    def heard(self, who: str, sent_at: float, trouble: str | None) -> None:
        """One exchange with the API: whose, begun when (monotonic seconds), and the trouble it met, in words.

        When all that was asked has met trouble for as long as one take may last, and it was not one take's
        alone, the takes that wait would only meet it too, one after another: creating stops for all.
        """
        if trouble is None:
            self.silence.end(self.clock())
            return
        self.silence.goes_on(who, sent_at, self.clock())
        if self.stuck() and not self.silence.of_one:
            patience = f"{self.options.timeout:g} s"
            self.stop.creating(Ending.UNFINISHED, f"the API answered nothing for {patience}: {trouble}")

    def stuck(self) -> bool:
        """Whether the API, though it was asked, has answered nothing for as long as one take may last."""
        return self.silence.seconds >= self.options.timeout

    def timestamp(self) -> str:
        """Now, as records write it."""
        return iso(self.now())


class Durability:
    """Group commit: everyone who waits while one fsync runs shares the next one."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._lock = anyio.Lock()
        self._recorded = 0
        self._durable = 0

    async def reached(self) -> None:
        """Return once everything recorded before the call is on disk."""
        self._recorded += 1
        mine = self._recorded
        async with self._lock:
            if self._durable >= mine:
                return
            covered = self._recorded
            await anyio.to_thread.run_sync(self._ledger.sync)
            self._durable = covered
