"""When to ask next for a task: late, when it has most likely ended, then tightly."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import accumulate

from rivya_run.journal.attempt import Attempt, AttemptState
from rivya_run.times import seconds_of

FIRST_SHARE = 0.5  # of the poll interval: 2.5 s at the usual 5, as Rivya advises
LONGEST_SHARE = 2.0  # of the poll interval: 10 s at the usual 5, the upper end of Rivya's advice
GROWTH = 1.5  # from 2.5 to 10 s in four polls
ENOUGH = 3
"""How many finished tasks of a kind tell how long the next one takes."""

QUESTION_COSTS = 0.08
"""What a question is worth: so much of the usual duration as waiting time, ..."""

QUESTION_COSTS_AT_MOST = 1.0
"""... but no more seconds than this."""

_REMEMBERED = 200
"""Durations of one kind: enough for a 90 % quantile, few enough to follow a service that changes."""

_POINTS = 24  # ages that are weighed; the search is quadratic in them
_SAME = 0.01  # of the median: durations that close are one
_TIGHT_SHARE = 0.05  # of the median, between polls of a task that is late
_TIGHTEST = 0.05  # seconds between two polls of a task, however short it is
_MARGIN = 0.005  # of the duration, and seconds: a poll right at the end would come too early half of the time


class Timing:
    """Learns how long tasks take for each kind (model and params), and says when to ask for one.

    Nothing known: after half the poll interval, then growing up to twice the interval (Rivya's advice is
    after 2 to 3 s, then every 5 to 10 s, widening; contract, section 4). Known: at the ages at which questions
    and waiting together cost least, then slower and slower for a task that takes unusually long. A kind of
    which too little is known is thought to be like others of its model.
    """

    def __init__(self, poll_interval: float) -> None:
        self._longest = poll_interval * LONGEST_SHARE
        self._first = poll_interval * FIRST_SHARE
        self._whole: dict[str, Durations] = {}
        self._running: dict[str, Durations] = {}

    def learn(self, kind: str, seconds: float, *, model: str = "", running: float | None = None) -> None:
        """A task of this kind took that long from its create to its end; ``running`` without its queue."""
        for name in {kind, model} - {""}:
            self._whole.setdefault(name, Durations()).add(seconds)
            if running is not None:
                self._running.setdefault(name, Durations()).add(running)

    def learn_from(self, attempts: Iterable[Attempt]) -> None:
        """How long the tasks of earlier runs took: as they were seen to, else by the API's own times."""
        for attempt in attempts:
            lasted = attempt.task_seconds
            begun, ended = seconds_of(attempt.created_at), seconds_of(attempt.updated_at)
            if lasted is None and begun is not None and ended is not None and ended > begun:
                lasted = ended - begun
            if attempt.state is AttemptState.STORED and lasted is not None:
                kind = attempt.price_key or attempt.model
                self.learn(kind, lasted, model=attempt.model, running=attempt.running_seconds)

    def expected(self, kind: str, model: str = "") -> float | None:
        """The median of what is known, None while too little is."""
        known = _known(self._whole, kind, model)
        return known.usual if known is not None else None

    def wait(
        self,
        kind: str,
        age: float,
        asked: int,
        *,
        model: str = "",
        running: float | None = None,
        queued: bool = False,
    ) -> float:
        """Seconds until a task of this kind and age, asked for ``asked`` times already, is asked for again.

        ``running`` is for how long it has been out of the queue, as far as an answer has told; ``queued``: the
        last answer was that it still waits there.
        """
        whole = _known(self._whole, kind, model)
        if whole is None:
            return min(self._first * GROWTH**asked, self._longest)
        parts = _known(self._running, kind, model)
        # The time in the queue varies with the load of the service, the time to run hardly does.
        if parts is not None and running is not None and parts.spread < whole.spread:
            wait = parts.wait(running, first=asked == 0)
        else:
            wait = whole.wait(age, first=asked == 0)
            if parts is not None and queued:
                wait = max(wait, parts.quickest)
        if asked or age > whole.longest:
            wait = min(wait, self._longest)
        return max(wait, min(_TIGHTEST, self._longest))


class Durations:
    """The latest durations of one kind, and when to poll a task of it."""

    def __init__(self) -> None:
        self._latest: deque[float] = deque(maxlen=_REMEMBERED)
        self._sorted: list[float] = []
        self._ages: list[float] = []
        self._next: list[int] = []

    def __len__(self) -> int:
        return len(self._latest)

    def add(self, seconds: float) -> None:
        """Add one; beyond ``_REMEMBERED`` the oldest is dropped."""
        self._latest.append(seconds)
        self._ages = []

    @property
    def usual(self) -> float:
        return self._at(0.5)

    @property
    def quickest(self) -> float:
        """What nine of ten take at least."""
        return self._at(0.1)

    @property
    def longest(self) -> float:
        self._learn()
        return self._sorted[-1]

    @property
    def spread(self) -> float:
        """How far apart most of them lie."""
        return self._at(0.9) - self._at(0.1)

    def wait(self, age: float, *, first: bool) -> float:
        """Seconds from this age to the next question."""
        self._learn()
        tight = max(self.usual * _TIGHT_SHARE, _TIGHTEST)
        passed = bisect_right(self._ages, age)
        if passed == len(self._ages):
            return max((age - self._ages[-1]) / 2, tight)
        wait = self._ages[self._next[passed]] - age
        return wait if first else max(wait, tight)

    def _at(self, share: float) -> float:
        self._learn()
        return self._sorted[min(int(len(self._sorted) * share), len(self._sorted) - 1)]

    def _learn(self) -> None:
        """Recompute when to poll, if durations were added."""
        if self._ages:
            return
        self._sorted = sorted(self._latest)
        points = _points(self._sorted)
        price = min(QUESTION_COSTS * self._sorted[len(self._sorted) // 2], QUESTION_COSTS_AT_MOST)
        self._next = questions(points, price)
        self._ages = [age * (1 + _MARGIN) + _MARGIN for age, _ in points]


def questions(points: Sequence[tuple[float, int]], price: float) -> list[int]:
    """For each point at which a task may end, the point of the next question if it hasn't ended before it.

    ``points`` are (age, how many tasks ended then), ages rising. The sum of what questions cost (``price``
    seconds each) and of the time from a task's end to the question that hears of it is as small as can be:
    worked out from the last point backwards.
    """
    tasks = [0, *accumulate(count for _, count in points)]
    seconds = [0.0, *accumulate(age * count for age, count in points)]
    cost = [0.0] * (len(points) + 1)
    choice = [0] * len(points)
    for now in range(len(points) - 1, -1, -1):
        best = float("inf")
        for asked, (age, _) in enumerate(points[now:], now):
            heard = age * (tasks[asked + 1] - tasks[now]) - (seconds[asked + 1] - seconds[now])
            if heard > best:
                break  # later questions only let more tasks wait for longer
            if heard + cost[asked + 1] < best:
                best, choice[now] = heard + cost[asked + 1], asked
        cost[now] = best + price * (tasks[-1] - tasks[now])
    return choice


def _points(durations: Sequence[float]) -> list[tuple[float, int]]:
    """Sorted durations as a few points: each the longest of its share, those that are nearly the same as one."""
    usual = durations[len(durations) // 2]
    points: list[tuple[float, int]] = []
    for part in range(min(_POINTS, len(durations))):
        low = part * len(durations) // min(_POINTS, len(durations))
        high = (part + 1) * len(durations) // min(_POINTS, len(durations))
        age, count = durations[high - 1], high - low
        if points and age - points[-1][0] <= usual * _SAME:
            count += points.pop()[1]
        points.append((age, count))
    return points


def _known(durations: dict[str, Durations], kind: str, model: str) -> Durations | None:
    """What is known of a kind, else of its model; None where that is too little."""
    for name in (kind, model):
        found = durations.get(name)
        if found is not None and len(found) >= ENOUGH:
            return found
    return None
