"""1,000 tasks, 100 in flight: how close to a perfect schedule, with how many requests, how much CPU."""

from __future__ import annotations

import heapq
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.figures import Figure, program, take
from bench.serving import serving
from bench.stand_in import seconds_of
from bench.storyboards import large

TASKS = 1_000
IN_FLIGHT = 100
CLIP_BYTES = 1_000_000
BOUND = 1.05
ARGUMENTS = ["--concurrency", str(IN_FLIGHT), "--progress", "plain"]


def figures(folder: Path) -> Iterator[Figure]:
    """Durations follow from params. A run of other shots before this one has made them known."""
    board = large(folder / "board.yaml", 100)
    with serving("--clip-bytes", "512") as server:
        take([program("rivya-run"), board, *ARGUMENTS], folder=folder, environment=server.environment)
        large(board, TASKS + 100)
        text = board.read_text(encoding="utf-8")
    with serving("--clip-bytes", str(CLIP_BYTES)) as server:
        board.write_text(_without_first(text, 100), encoding="utf-8")
        environment = {**server.environment, "RIVYA_RUN_NEW_ORIGIN": "1"}
        mine = take([program("rivya-run"), board, *ARGUMENTS], folder=folder, environment=environment)
    noted = server.ended
    bound = first_in_first_out([seconds_of(number + 100, 0.5, 2.0) for number in range(TASKS)], IN_FLIGHT)
    requests = sum(noted["counts"].values()) / TASKS
    note = f"{noted['makespan']:.2f} s / {bound:.2f} s; {mine.wall:.2f} s with start, plan and end"
    yield Figure("makespan / first-in-first-out bound", noted["makespan"] / bound, BOUND, note=note)
    yield Figure("the whole process / first-in-first-out bound", mine.wall / bound)
    yield Figure("requests a task", requests, 4.5, note=str(noted["counts"]))
    yield Figure("most connections to the API at once", noted["most_open"]["api"], 16)
    client = Path(__file__).with_name("queue_client.py")
    with serving("--clip-bytes", str(CLIP_BYTES), module="bench.queue_server") as server:
        theirs = take(
            [sys.executable, client, server.url, str(TASKS), str(IN_FLIGHT), folder / "fal"], folder=folder
        )
    other = server.ended
    note = f"{mine.cpu:.2f} s / {theirs.cpu:.2f} s"
    yield Figure("CPU of that run / the same with fal-client", mine.cpu / theirs.cpu, 0.5, note=note)
    yield Figure("fal-client's makespan / the same bound", other["makespan"] / bound)
    yield Figure("fal-client's requests a task", sum(other["counts"].values()) / TASKS)


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
