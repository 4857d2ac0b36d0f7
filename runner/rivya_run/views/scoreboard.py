"""Where all takes of a run are, counted by scene: what the live view shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from rivya_run.planning.plan import Action, Plan, Step
from rivya_run.progress import Event
from rivya_run.views.progress import TakeName


class Mark(StrEnum):
    """How a take counts: by where it is now. LEFT takes (skipped, not selected) don't count at all."""

    WAITING = "waiting"
    SENDING = "sending"
    RUNNING = "running"
    DOWNLOADING = "downloading"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"
    LEFT = "left"


ACTIVE = frozenset({Mark.SENDING, Mark.RUNNING, Mark.DOWNLOADING})
"""Something happens to the take right now."""

_OF_ACTION = {
    Action.CREATE: Mark.WAITING,
    Action.RETRY: Mark.WAITING,
    Action.WAIT: Mark.WAITING,
    Action.RESUME: Mark.RUNNING,
    Action.DOWNLOAD: Mark.DOWNLOADING,
    Action.REUSE: Mark.DONE,
    Action.DECIDE: Mark.UNKNOWN,
}
_OF_STATUS = {
    "sent": Mark.SENDING,
    "pending": Mark.RUNNING,
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
    """One take. ``since`` is the clock when it came to where it is, ``begun`` when its create was sent; ``credits``
    are reserved for it, ``spent`` is what it cost in this run, unless it was ``paid_before``. ``usual`` is how many
    seconds such a task takes, where that was learned.
    """

    scene: Scene
    mark: Mark
    since: float
    model: str
    credits: float = 0
    spent: float = 0
    paid_before: bool = False
    begun: float | None = None
    usual: float | None = None


@dataclass(frozen=True, slots=True)
class Away:
    """Who can't be reached, since when and until when it is tried, in times as records write them."""

    host: str
    since: str
    until: str


class Scoreboard:
    """Takes plans and events in; not for several threads without a lock around it."""

    def __init__(self, *, concurrency: int, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._cells: dict[TakeName, Cell] = {}
        self.scenes: dict[tuple[str, str], Scene] = {}
        self.active: dict[TakeName, Cell] = {}
        self.limit = self._most = concurrency
        self.reserved = 0.0
        self.spent = 0.0
        self.away: Away | None = None
        self._usual: dict[str, float] = {}
        self._waiting: Counter[str] = Counter()
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
        elif event.name in ("unreachable", "reachable"):
            away = Away(*(str(event.detail.get(name)) for name in ("host", "since", "until")))
            self.away = away if event.name == "unreachable" else None

    @property
    def lowered(self) -> bool:
        """Whether the API takes fewer tasks at once than were to run."""
        return self.limit < self._most

    def time_left(self) -> float | None:
        """Seconds until all that is to be made is likely here, by what was learned; None where too little was."""
        now = self._clock()
        rest = [
            cell.usual - (now - cell.begun) if cell.usual is not None and cell.begun is not None else None
            for cell in self.active.values()
            if cell.mark is not Mark.DOWNLOADING
        ]
        rest += [self._usual.get(model) for model, count in self._waiting.items() for _ in range(count)]
        known = [max(0.0, seconds) for seconds in rest if seconds is not None]
        if len(known) < len(rest) or not known:
            return None
        return max(*known, sum(known) / max(1, min(self.limit, len(known))), 0.0)

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
        if not step.wanted and mark not in ACTIVE:
            mark = Mark.LEFT
        cell = Cell(scene, mark, self._clock(), step.shot.model)
        cell.paid_before = step.action in {Action.REUSE, Action.DOWNLOAD}
        cell.begun = cell.since if mark in ACTIVE else None
        name = (storyboard, step.shot.id, step.take)
        self._cells[name] = cell
        scene.counts[mark] += 1
        self._waiting[cell.model] += mark is Mark.WAITING
        if mark in ACTIVE:
            self.active[name] = cell

    def _change(self, name: TakeName, event: Event) -> None:
        cell = self._cells.get(name)
        if cell is None or event.status is None:
            return
        mark = _OF_STATUS.get(event.status)
        if mark is None:  # planned: it wasn't made
            mark = Mark.WAITING if cell.mark in ACTIVE else cell.mark
        if mark is Mark.RUNNING and event.detail.get("downloading"):
            mark = Mark.DOWNLOADING
        if cell.mark is Mark.LEFT and mark not in ACTIVE:
            mark = Mark.LEFT
        if mark is not cell.mark:
            cell.since = self._clock()
        self._price(cell, mark, event.detail)
        self._time(cell, mark, event.detail.get("usual_seconds"))
        self._waiting[cell.model] += (mark is Mark.WAITING) - (cell.mark is Mark.WAITING)
        cell.scene.counts[cell.mark] -= 1
        cell.scene.counts[mark] += 1
        cell.mark = mark
        if mark in ACTIVE:
            self.active[name] = cell
        else:
            self.active.pop(name, None)

    def _time(self, cell: Cell, mark: Mark, usual: object) -> None:
        if mark in ACTIVE and cell.mark not in ACTIVE:
            cell.begun = self._clock()
        if isinstance(usual, int | float):
            cell.usual = self._usual[cell.model] = usual

    def _price(self, cell: Cell, mark: Mark, detail: Mapping[str, object]) -> None:
        """What is reserved for a take, and what it cost once its task has ended."""
        if cell.mark is Mark.LEFT or cell.paid_before:
            return
        told, spent = detail.get("credits"), detail.get("spent")
        ended = isinstance(spent, int | float)
        open_for = told if isinstance(told, int | float) and not ended and mark is not Mark.FAILED else 0.0
        self.reserved += open_for - cell.credits
        cell.credits = open_for
        if isinstance(spent, int | float):
            self.spent += spent - cell.spent
            cell.spent = spent
