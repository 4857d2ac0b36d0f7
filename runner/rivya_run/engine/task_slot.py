"""One take's slot among the tasks in flight."""

from __future__ import annotations

from collections.abc import Callable

from rivya_run.engine.stop import Outage
from rivya_run.engine.task_slots import Slot, TaskLimiter

STILL_THROTTLED = "too many requests or tasks, for as long as one take may last"


class TaskSlot:
    """Held from before a create until its task is seen to have ended; left and taken again when the API throttles
    the create. ``clock`` gives monotonic seconds.
    """

    def __init__(
        self, limiter: TaskLimiter, outage: Outage, clock: Callable[[], float], *, priority: float = 0.0
    ) -> None:
        self._limiter = limiter
        self._outage = outage
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
        if self._outage.lasting:
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
