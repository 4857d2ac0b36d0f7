"""How many tasks may be in flight: as many as asked for, or as many as the account shows it takes."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto

import anyio

from rivya_run.engine.stop import Stop
from rivya_run.progress import Event

MOST_UNANSWERED = 8
"""Creates that may await their answer at once: what a refusal can waste, and a connection each."""

STILL_THROTTLED = "too many requests or tasks, for as long as one take may last"

_PAUSE = 1.0
_MOST_ROUNDS = 16
_PAUSES_BETWEEN = 5
"""A refused try costs a pause: so many of them pass before the next."""
_TICK = 1e-4


class _Stage(Enum):
    SENDING = auto()  # a create is on its way or about to be
    RUNNING = auto()  # its task exists
    FREE = auto()  # given back


@dataclass(slots=True, order=True)
class _Waiter:
    priority: float
    number: int
    nudge: anyio.Event = field(compare=False, default_factory=anyio.Event)
    slot: Slot | None = field(compare=False, default=None)
    gone: bool = field(compare=False, default=False)


class Slot:
    """A place for one task, from before its create until it is seen finished. Giving back twice is fine."""

    __slots__ = ("_limiter", "_stage")

    def __init__(self, limiter: TaskLimiter, stage: _Stage) -> None:
        self._limiter = limiter
        self._stage = stage

    def accepted(self) -> None:
        """The create was answered with a task."""
        if self._stage is _Stage.SENDING:
            self._stage = _Stage.RUNNING
            self._limiter._accepted()

    def release(self) -> None:
        """The task is finished (succeeded, failed or lost), or the create came to nothing."""
        stage, self._stage = self._stage, _Stage.FREE
        if stage is not _Stage.FREE:
            self._limiter._released(sending=stage is _Stage.SENDING)

    def throttled(self, retry_after: float | None) -> None:
        """The create was refused with 429: the slot is given back, and the limiter learns from it."""
        stage, self._stage = self._stage, _Stage.FREE
        if stage is not _Stage.FREE:
            self._limiter._throttled(retry_after, sending=stage is _Stage.SENDING)


class TaskLimiter:
    """Hands out slots, lowest priority number first, then first come first served.

    - *Shrinks* on a 429 to a create, once an episode: all creates that were unanswered when the first refusal
      came belong to it, nobody else is let through until they are answered (or the pause is over), and then
      the limit is what was really in flight.
    - *Grows back* by one slot after as many accepted creates as two full rounds take; each time such a slot
      is refused that takes twice as long, and once it is accepted the next may follow at once.
    - *Trouble* (5xx, timeouts) pauses growth without shrinking.

    Not for several threads. ``clock`` gives monotonic seconds of the event loop.
    """

    def __init__(
        self,
        limit: int,
        *,
        clock: Callable[[], float] = anyio.current_time,
        tell: Callable[[Event], None] | None = None,
    ) -> None:
        self._most = max(1, limit)
        self._limit = self._most
        self._clock = clock
        self._tell = tell
        self._waiters: list[_Waiter] = []
        self._number = 0
        self._running = 0
        self._sending = 0
        self._resume_at = -math.inf
        self._try_at = -math.inf
        self._episode: int | None = None  # unanswered creates from before its first refusal
        self._accepts = 0  # accepted creates since the limit last moved
        self._rounds = 2.0  # full rounds of accepts before the next slot is tried
        self._trying = False  # the last growth has not been proved yet

    @property
    def limit(self) -> int:
        """How many tasks may be in flight just now."""
        return self._limit

    @property
    def held(self) -> int:
        """Slots that are given out."""
        return self._running + self._sending

    async def acquire(self, priority: float = 0.0) -> Slot:
        """Wait for a slot for a create; lower ``priority`` numbers go first."""
        self._number += 1
        waiter = _Waiter(priority, self._number)
        heapq.heappush(self._waiters, waiter)
        self._hand_out()
        try:
            while waiter.slot is None:
                waiter.nudge = anyio.Event()
                pause = self._resume_at - self._clock()
                # The one who waits first watches the clock for all.
                first = self._first() is waiter
                with anyio.move_on_after(max(pause, _TICK) if first and pause > 0 else math.inf):
                    await waiter.nudge.wait()
                self._hand_out()
        except BaseException:
            if waiter.slot is None:
                waiter.gone = True  # taken out when it comes first: ten thousand may leave at once
            else:
                waiter.slot.release()
            self._nudge_first()
            raise
        return waiter.slot

    def acquire_nowait_over(self) -> Slot:
        """A slot for a task that exists already: never waits, may pass the limit."""
        self._running += 1
        return Slot(self, _Stage.RUNNING)

    def trouble(self) -> None:
        """A create met 5xx or a timeout: no growth before as many accepted creates again."""
        self._accepts = 0

    def _accepted(self) -> None:
        self._sending -= 1
        self._running += 1
        self._accepts += 1
        if self._trying and self.held >= self._limit and self._episode is None:
            # Full with the new slot in it: the account takes that many. On with the next.
            self._trying = False
            self._rounds = 2.0
            self._accepts = math.ceil(self._rounds * self._limit)
        self._answered()
        self._grow()
        self._hand_out()

    def _released(self, *, sending: bool) -> None:
        if sending:
            self._sending -= 1
            self._answered()
        else:
            self._running -= 1
        self._hand_out()

    def _throttled(self, retry_after: float | None, *, sending: bool) -> None:
        if sending:
            self._sending -= 1
        else:
            self._running -= 1
        pause = _PAUSE if retry_after is None else retry_after
        now = self._clock()
        self._resume_at = max(self._resume_at, now + pause)
        self._try_at = max(self._try_at, now + _PAUSES_BETWEEN * pause)
        if self._episode is None:
            self._episode = self._sending + 1
        self._answered()
        self._nudge_first()

    def _answered(self) -> None:
        """One of the unanswered creates was answered; the last one of an episode closes it."""
        if self._episode is not None:
            self._episode -= 1
            if self._episode <= 0:
                self._close_episode()

    def _close_episode(self) -> None:
        self._episode = None
        self._accepts = 0
        if self._trying:
            self._rounds = min(_MOST_ROUNDS, self._rounds * 2)
            self._trying = False
        self._set(max(1, min(self.held, self._limit)), "too many requests")

    def _grow(self) -> None:
        if self._trying or self._episode is not None or self._limit >= self._most:
            return
        if self._accepts >= self._rounds * self._limit and self._clock() >= self._try_at:
            self._accepts = 0
            self._trying = True
            self._set(self._limit + 1, "creates are accepted again")

    def _set(self, limit: int, reason: str) -> None:
        before, self._limit = self._limit, limit
        if before != limit and self._tell is not None:
            self._tell(Event("limit_changed", detail={"limit": limit, "before": before, "reason": reason}))

    def _hand_out(self) -> None:
        if self._clock() < self._resume_at:
            return
        if self._episode is not None:
            self._close_episode()
        while self.held < self._limit and self._sending < MOST_UNANSWERED:
            waiter = self._first()
            if waiter is None:
                return
            heapq.heappop(self._waiters)
            self._sending += 1
            waiter.slot = Slot(self, _Stage.SENDING)
            waiter.nudge.set()

    def _first(self) -> _Waiter | None:
        """Who is next in line."""
        while self._waiters and self._waiters[0].gone:
            heapq.heappop(self._waiters)
        return self._waiters[0] if self._waiters else None

    def _nudge_first(self) -> None:
        first = self._first()
        if first is not None:
            first.nudge.set()


class TaskSlot:
    """Held from before a create until its task is seen to have ended; left and taken again when the API throttles
    the create. ``clock`` gives monotonic seconds.
    """

    def __init__(
        self, limiter: TaskLimiter, stop: Stop, clock: Callable[[], float], *, priority: float = 0.0
    ) -> None:
        self._limiter = limiter
        self._stop = stop
        self._clock = clock
        self._priority = priority
        self._slot: Slot | None = None

    async def take(self) -> None:
        """Wait for a slot."""
        self._slot = await self._limiter.acquire(self._priority)

    def take_over(self) -> None:
        """Count a task that runs already: it waits for no slot."""
        self._slot = self._limiter.acquire_nowait_over()

    def accepted(self) -> None:
        """The create was answered with a task."""
        if self._slot is not None:
            self._slot.accepted()

    async def throttled(self, retry_after: float | None) -> float | None:
        """The API refused for too many requests or tasks: give the slot back and stand in line again.

        The seconds that took. None: the API has answered nothing else for as long as one take may last, and it
        isn't waited for any longer.
        """
        since = self._clock()
        if self._slot is not None:
            self._slot.throttled(retry_after)
        if self._stop.outage:
            return None
        await self.take()
        return self._clock() - since

    def trouble(self) -> None:
        """A create met 5xx, a timeout or worse: no time to have more tasks in flight."""
        self._limiter.trouble()

    def give_back(self) -> None:
        """Let the next one in. Giving back twice is fine."""
        if self._slot is not None:
            self._slot.release()
