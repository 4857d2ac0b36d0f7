"""Where all takes of a run are, counted by scene: what the live view shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from rivya_run.planning.plan import Action, Plan, Step
from rivya_run.progress import Event
from rivya_run.views.progress import TakeName


class Mark(StrEnum):
    """How a take counts. LEFT takes (skipped, not selected) don't count at all."""

    WAITING = "waiting"
    FLIGHT = "in flight"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"
    LEFT = "left"


_OF_ACTION = {
    Action.CREATE: Mark.WAITING,
    Action.RETRY: Mark.WAITING,
    Action.WAIT: Mark.WAITING,
    Action.RESUME: Mark.FLIGHT,
    Action.DOWNLOAD: Mark.FLIGHT,
    Action.REUSE: Mark.DONE,
    Action.DECIDE: Mark.UNKNOWN,
}
_OF_STATUS = {
    "sent": Mark.FLIGHT,
    "pending": Mark.FLIGHT,
    "succeeded": Mark.DONE,
    "failed": Mark.FAILED,
    "unknown": Mark.UNKNOWN,
}


@dataclass(slots=True)
class Scene:
    """Takes of one scene of one storyboard; ``counts`` has every mark but LEFT."""

    storyboard: str
    name: str
    counts: dict[Mark, int] = field(default_factory=lambda: dict.fromkeys(Mark, 0))

    @property
    def total(self) -> int:
        return sum(self.counts.values()) - self.counts[Mark.LEFT]


@dataclass(slots=True)
class Cell:
    """One take. ``since`` is the clock when its status last changed; ``credits`` are reserved for it."""

    scene: Scene
    mark: Mark
    status: str
    since: float
    model: str
    credits: float = 0


class Scoreboard:
    """Takes plans and events in; not for several threads without a lock around it."""

    def __init__(self, *, concurrency: int, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._cells: dict[TakeName, Cell] = {}
        self.scenes: dict[tuple[str, str], Scene] = {}
        self.active: dict[TakeName, Cell] = {}
        self.limit = concurrency
        self.credits = 0.0
        self.started = clock()
        self._paused_until = 0.0
        self._paused_for = ""

    def plan(self, plan: Plan) -> None:
        """Count the takes of a storyboard before the first event."""
        for step in plan.steps:
            self._add(plan.storyboard, step)

    def apply(self, event: Event) -> None:
        """Take an event in; what it can't be understood from is left alone."""
        if event.name == "take_changed" and event.shot is not None and event.take is not None:
            self._change((event.storyboard or "", event.shot, event.take), event)
        elif event.name == "limit_changed":
            limit = event.detail.get("limit")
            self.limit = limit if isinstance(limit, int) else self.limit
        elif event.name == "paused":
            seconds = event.detail.get("seconds")
            if isinstance(seconds, int | float):
                self._paused_until = max(self._paused_until, self._clock() + seconds)
                self._paused_for = str(event.detail.get("reason", ""))

    def pause(self) -> tuple[float, str] | None:
        """Seconds that all requests pause for for yet, and why; None when they don't."""
        left = self._paused_until - self._clock()
        return (left, self._paused_for) if left > 0 else None

    def count(self, mark: Mark) -> int:
        return sum(scene.counts[mark] for scene in self.scenes.values())

    @property
    def total(self) -> int:
        """Takes that count, of all scenes."""
        return sum(scene.total for scene in self.scenes.values())

    def elapsed(self) -> float:
        """Seconds since the run began."""
        return self._clock() - self.started

    def age(self, cell: Cell) -> float:
        """Seconds since the status of a take last changed."""
        return self._clock() - cell.since

    def _add(self, storyboard: str, step: Step) -> None:
        place = (storyboard, step.shot.scene or "")
        scene = self.scenes.setdefault(place, Scene(*place))
        mark = _OF_ACTION.get(step.action) or (Mark.FAILED if step.wanted else Mark.LEFT)
        if not step.wanted and mark is not Mark.FLIGHT:
            mark = Mark.LEFT
        status = "fetching" if step.action is Action.DOWNLOAD else "pending"
        cell = Cell(scene, mark, status, self._clock(), step.shot.model)
        name = (storyboard, step.shot.id, step.take)
        self._cells[name] = cell
        scene.counts[mark] += 1
        if mark is Mark.FLIGHT:
            self.active[name] = cell

    def _change(self, name: TakeName, event: Event) -> None:
        cell = self._cells.get(name)
        if cell is None or event.status is None:
            return
        mark = _OF_STATUS.get(event.status)
        if mark is None:  # planned: it wasn't made
            mark = Mark.WAITING if cell.mark is Mark.FLIGHT else cell.mark
        if cell.mark is Mark.LEFT and mark is not Mark.FLIGHT:
            mark = Mark.LEFT
        if event.status != cell.status:
            cell.status, cell.since = event.status, self._clock()
        self._price(cell, mark, event.detail.get("credits"))
        cell.scene.counts[cell.mark] -= 1
        cell.scene.counts[mark] += 1
        cell.mark = mark
        if mark is Mark.FLIGHT:
            self.active[name] = cell
        else:
            self.active.pop(name, None)

    def _price(self, cell: Cell, mark: Mark, credits: object) -> None:
        """What is reserved for a take: nothing any more once it has failed, nothing new for a finished one."""
        if cell.mark in {Mark.DONE, Mark.LEFT}:
            return
        now = credits if isinstance(credits, int | float) else cell.credits
        now = 0 if mark is Mark.FAILED else now
        self.credits += now - cell.credits
        cell.credits = now
