"""1,000 tasks, 100 in flight: how close to a perfect schedule, with how many requests, how much CPU."""

from __future__ import annotations

import heapq
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from bench.figures import Figure, Took, program, take
from bench.serving import serving
from bench.stand_in import seconds_of
from bench.storyboards import large

TASKS = 1_000
IN_FLIGHT = 100
CLIP_BYTES = 1_000_000
CALM, SWIFT = (2.0, 8.0), (0.5, 2.0)
"""Seconds that tasks take. Calm is 20 tasks a second, ten times what an account can use; swift is 73."""

CALM_BOUND, SWIFT_BOUND = 1.03, 1.2
TIMES = 3
"""Both programs in turn; the middle one counts, since a shared machine pauses when it likes."""
ARGUMENTS = ["--concurrency", str(IN_FLIGHT), "--progress", "plain"]


@dataclass(frozen=True, slots=True)
class _Side:
    """One program's run: what its process took, and what its server noted."""

    took: Took
    noted: dict[str, Any]

    @property
    def makespan(self) -> float:
        """Seconds from the first create to the last byte of a result."""
        return float(self.noted["makespan"])

    @property
    def requests(self) -> float:
        """HTTP requests a task."""
        return float(sum(self.noted["counts"].values())) / TASKS


def figures(folder: Path) -> Iterator[Figure]:
    """Durations follow from params. A run of other shots before this one has made them known."""
    calm, pairs = [], []
    for turn in range(TIMES):
        place = folder / str(turn)
        place.mkdir()
        calm.append(_ours(place / "calm", CALM))
        pairs.append((_ours(place / "swift", SWIFT), _theirs(place)))
    mine = [ours for ours, _ in pairs]
    fal = [theirs for _, theirs in pairs]
    yield from _kept_up("2 to 8 s", calm, CALM, CALM_BOUND)
    yield from _kept_up("0.5 to 2 s", mine, SWIFT, SWIFT_BOUND)
    yield Figure(
        "CPU of that run / the same with fal-client",
        median(ours.took.cpu / theirs.took.cpu for ours, theirs in pairs),
        0.65,
        note=f"{_each(side.took.cpu for side in mine)} s / {_each(side.took.cpu for side in fal)} s",
    )
    yield Figure(
        "fal-client's makespan / the same bound", median(side.makespan for side in fal) / _bound(SWIFT)
    )
    yield Figure("fal-client's requests a task", median(side.requests for side in fal))


def _bound(lengths: tuple[float, float]) -> float:
    return first_in_first_out([seconds_of(number + 100, *lengths) for number in range(TASKS)], IN_FLIGHT)


def _kept_up(
    name: str, sides: Sequence[_Side], lengths: tuple[float, float], bound: float
) -> Iterator[Figure]:
    """Whether so many tasks were kept up with, at what price."""
    best = _bound(lengths)
    yield Figure(
        f"{name}: makespan / first-in-first-out bound",
        median(side.makespan for side in sides) / best,
        bound,
        note=f"{_each(side.makespan for side in sides)} s / {best:.2f} s",
    )
    yield Figure(f"{name}: the whole process / the bound", median(side.took.wall for side in sides) / best)
    note = str(sides[0].noted["counts"])
    yield Figure(f"{name}: requests a task", max(side.requests for side in sides), 4.5, note=note)
    most_open = max(side.noted["most_open"]["api"] for side in sides)
    yield Figure(f"{name}: most connections to the API at once", most_open, 16)


def _ours(folder: Path, lengths: tuple[float, float]) -> _Side:
    """rivya-run with 1,000 shots that it has never made, after 100 others."""
    folder.mkdir()
    board = large(folder / "board.yaml", 100)
    lasting = ["--shortest", str(lengths[0]), "--longest", str(lengths[1])]
    with serving("--clip-bytes", "512", *lasting) as server:
        take([program("rivya-run"), board, *ARGUMENTS], folder=folder, environment=server.environment)
    large(board, TASKS + 100)
    board.write_text(_without_first(board.read_text(encoding="utf-8"), 100), encoding="utf-8")
    with serving("--clip-bytes", str(CLIP_BYTES), *lasting) as server:
        environment = {**server.environment, "RIVYA_RUN_NEW_ORIGIN": "1"}
        took = take([program("rivya-run"), board, *ARGUMENTS], folder=folder, environment=environment)
    return _Side(took, server.ended)


def _theirs(folder: Path) -> _Side:
    """fal-client, as its own examples use it, with tasks of the same lengths and results of the same size."""
    client = Path(__file__).with_name("queue_client.py")
    with serving("--clip-bytes", str(CLIP_BYTES), module="bench.queue_server") as server:
        took = take(
            [sys.executable, client, server.url, str(TASKS), str(IN_FLIGHT), folder / "fal"], folder=folder
        )
    return _Side(took, server.ended)


def first_in_first_out(durations: Sequence[float], places: int) -> float:
    """When the last task ends if each starts, in order, the moment a place is free."""
    free = [0.0] * min(places, len(durations))
    heapq.heapify(free)
    for seconds in durations:
        heapq.heappush(free, heapq.heappop(free) + seconds)
    return max(free)


def _without_first(text: str, shots: int) -> str:
    """The storyboard without its first shots: they have become history."""
    head, *entries = text.split("  - id: ")
    return head + "".join("  - id: " + entry for entry in entries[shots:])


def _each(values: Iterable[float]) -> str:
    """The figure of every turn."""
    return ", ".join(f"{value:.2f}" for value in values)
