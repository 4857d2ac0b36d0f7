"""Peak memory as storyboards grow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench.figures import Figure, program, take
from bench.serving import serving
from bench.storyboards import large

SIZES = (1_000, 10_000)
BOUND = 8.0
ARGUMENTS = ["--concurrency", "200", "--poll-interval", "0.05", "--progress", "plain"]


def figures(folder: Path) -> Iterator[Figure]:
    """KiB a shot that the peak grows by from 1,000 to 10,000 shots: of a whole run, of validate, of plan."""
    ours = program("rivya-run")
    boards = [large(folder / f"board{shots}.yaml", shots) for shots in SIZES]
    for name in ("validate", "plan"):
        peaks = [take([ours, name, board], folder=folder).peak for board in boards]
        yield _growth(name, peaks)
    peaks = []
    for board in boards:
        with serving("--clip-bytes", "512", "--shortest", "0", "--longest", "0") as server:
            took = take([ours, board, *ARGUMENTS], folder=folder, environment=server.environment)
        peaks.append(took.peak)
    yield _growth("a run, the server elsewhere", peaks)


def _growth(name: str, peaks: list[int]) -> Figure:
    growth = (peaks[1] - peaks[0]) / (SIZES[1] - SIZES[0])
    note = f"{peaks[0] / 1024:.0f} MiB -> {peaks[1] / 1024:.0f} MiB"
    return Figure(f"peak memory of {name}, KiB a shot", growth, BOUND, note=note)
