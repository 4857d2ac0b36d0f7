"""How much of a run goes on at once."""

from __future__ import annotations

import anyio

from rivya_run.engine.task_slots import TaskLimiter
from rivya_run.planning.plan import Step

DOWNLOADS_AT_ONCE = 6
UPLOADS_AT_ONCE = 4
STARTING_AT_ONCE = 64
"""Takes that are on their way to a place in flight: enough to never leave one empty, few enough to cost nothing."""


class RunLimits:
    """The limits that all storyboards of a run share."""

    def __init__(self, tasks: TaskLimiter) -> None:
        self.tasks = tasks
        self.downloads = anyio.CapacityLimiter(DOWNLOADS_AT_ONCE)
        self.uploads = anyio.CapacityLimiter(UPLOADS_AT_ONCE)
        self.starting = anyio.Semaphore(STARTING_AT_ONCE, fast_acquire=True)


class StartingTakes:
    """Takes of one storyboard that are on their way to a slot."""

    def __init__(self, limits: RunLimits) -> None:
        self._semaphore = limits.starting
        self._starting: set[tuple[str, int]] = set()

    async def room_for(self, step: Step) -> None:
        """Wait until few others are on their way."""
        await self._semaphore.acquire()
        self._starting.add((step.shot.id, step.take))

    def arrived(self, step: Step) -> None:
        """It has its slot, or needs none any more. Saying so twice is fine."""
        if (step.shot.id, step.take) in self._starting:
            self._starting.remove((step.shot.id, step.take))
            self._semaphore.release()
