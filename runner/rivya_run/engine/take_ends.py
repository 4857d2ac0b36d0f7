"""How the takes of a storyboard ended in this run, and who waits for that."""

from __future__ import annotations

from collections.abc import Sequence

import anyio

from rivya_run.engine.next_step import Ending, Outcome
from rivya_run.planning.plan import Action, Parent, Step
from rivya_run.planning.planner import Planner


class TakeEnds:
    """``outcomes`` are by shot and take. What came of a take is handed to the planner, which plans its children."""

    def __init__(self, planner: Planner) -> None:
        self.outcomes: dict[tuple[str, int], Outcome] = {}
        self._planner = planner
        self._waited_for: dict[tuple[str, int], anyio.Event] = {}

    def missing(self, parents: Sequence[Parent]) -> tuple[Parent, ...]:
        """Those that this run isn't done with yet."""
        return tuple(one for one in parents if (one.shot, one.take or 1) not in self.outcomes)

    async def wait_for(self, parent: Parent) -> None:
        """Return when this run is done with a take."""
        take = (parent.shot, parent.take or 1)
        if take not in self.outcomes:
            await self._waited_for.setdefault(take, anyio.Event()).wait()

    def end(self, step: Step, outcome: Outcome, key: str | None) -> None:
        """This run is done with a take; ``key`` is the attempt that serves it."""
        take = (step.shot.id, step.take)
        self.outcomes[take] = outcome
        if outcome.ending is Ending.DONE and key is not None:
            self._planner.served(*take, key)
        elif step.action not in {Action.SKIP, Action.WAIT}:
            self._planner.gave_up(step, outcome.message or outcome.ending.value)
        waited_for = self._waited_for.pop(take, None)
        if waited_for is not None:
            waited_for.set()
