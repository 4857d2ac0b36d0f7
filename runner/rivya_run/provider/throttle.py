"""How fast requests to the API may go: as they come until a 429, then as fast as it shows they can."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import anyio

from rivya_run.progress import Event

_CUT = 0.8  # of what was answered: low enough for a queue at the server to drain
_SLOWEST = 0.2  # requests a second; at one in 5 s polling still works
_SLOWEST_FIRST = 2.0  # the first refusal may well be somebody else's doing
_GROWTH = 0.05  # of the rate, a second
_LEAST_GROWTH = 0.5  # requests a second, a second
_FREE = 200.0  # requests a second from which nothing needs to be held back any more
_BUSY = 10.0  # requests a second below which a refused create speaks of tasks, not of requests
_FIRST_PAUSE = 0.5  # seconds, where no Retry-After is given
_LONGEST_PAUSE = 30.0  # seconds, likewise
_TICK = 1e-4  # seconds; a sleep of nothing could spin on a coarse clock


class SharedPace(Protocol):
    """What several machines of one account keep to. ``rate``: requests a second for this process, None: as many as
    are answered; ``resume_at``: nothing is sent before (monotonic seconds)."""

    @property
    def rate(self) -> float | None: ...

    @property
    def resume_at(self) -> float: ...

    def refused(self, seconds: float) -> None:
        """A request was refused, with that much of a pause."""


class Pace:
    """One for all requests to the API origin; times are monotonic seconds.

    A 429 pauses everything for ``Retry-After``, or a doubling back-off without it. Once an episode (all
    refusals of requests sent before the pause) the rate falls to somewhat less than what was really answered
    since the last episode; then it grows a little every second until nothing is held back any more.
    """

    def __init__(
        self,
        *,
        random: Callable[[], float],
        clock: Callable[[], float] = anyio.current_time,
        notify: Callable[[Event], None] | None = None,
        shared: SharedPace | None = None,
    ) -> None:
        self._shared = shared
        self._random = random
        self._clock = clock
        self._notify = notify
        self._lock = anyio.Lock(fast_acquire=True)
        self._rate: float | None = None
        self._rate_at = 0.0
        self._last = float("-inf")
        self._resume_at = float("-inf")
        self._episode_at = float("-inf")
        self._window_at: float | None = None
        self._answered = 0
        self._in_a_row = 0

    @property
    def rate(self) -> float | None:
        """Requests a second just now, or None while nothing is held back."""
        self._grow(self._clock())
        return self._rate

    async def ready(self, deadline: float) -> bool:
        """Wait for a turn, first come first served; False, at once, if none comes before the deadline."""
        async with self._lock:
            while True:
                now = self._clock()
                if self._window_at is None:
                    self._window_at = now
                go_at = self._next_turn(now)
                if go_at <= now:
                    self._last = now
                    return True
                if go_at > deadline:
                    return False
                await anyio.sleep(max(go_at - now, _TICK))

    def answered(self, *, sent_at: float) -> None:
        """A request was answered, and not with 429."""
        self._answered += 1
        if sent_at >= self._resume_at:
            self._in_a_row = 0

    def refused(self, retry_after: float | None, *, sent_at: float, creates: bool) -> None:
        """A request was answered with 429. A refused create may also mean too many tasks: see ``task_slots``."""
        now = self._clock()
        new_episode = sent_at >= self._episode_at
        if new_episode:
            self._in_a_row += 1
            self._cut(now, creates)
            self._episode_at = now
        pause = retry_after
        if pause is None:
            most = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(self._in_a_row, 16))
            pause = most * (0.5 + self._random() / 2) if new_episode else 0.0
        if now + pause <= self._resume_at:
            return
        self._resume_at = now + pause
        if self._shared is not None:
            self._shared.refused(pause)
        if new_episode and self._notify is not None:
            self._notify(Event("paused", detail={"seconds": round(pause, 3), "reason": "too many requests"}))

    def _next_turn(self, now: float) -> float:
        self._grow(now)
        rates = [self._rate, self._shared.rate if self._shared is not None else None]
        rate = min((one for one in rates if one is not None), default=None)
        spaced = self._last + 1 / rate if rate else now
        return max(self._resume_at, self._shared.resume_at if self._shared is not None else now, spaced)

    def _cut(self, now: float, creates: bool) -> None:
        started = self._window_at if self._window_at is not None else now
        flowed = self._answered / max(1.0, now - started)
        if creates and flowed < _BUSY and self._in_a_row < 3:
            return
        if self._rate is None:
            self._rate = max(_SLOWEST_FIRST, flowed * _CUT)
        else:
            # What little was answered since a refusal moments ago proves little: at most halved at once.
            self._rate = max(_SLOWEST, self._rate / 2, min(flowed, self._rate) * _CUT)
        self._rate_at = now
        self._window_at, self._answered = now, 0

    def _grow(self, now: float) -> None:
        """Add what the time since the last look allows; a pause is no time to grow in."""
        if self._rate is None:
            return
        since = max(self._rate_at, self._resume_at)
        if now > since:
            self._rate += max(_LEAST_GROWTH, self._rate * _GROWTH) * (now - since)
            self._rate_at = now
        if self._rate >= _FREE:
            self._rate = None
