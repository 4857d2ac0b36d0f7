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
    """KiB a shot that the peak grows by from 1,000 to 10,000 shots: of validate, plan, a run, a rerun."""
    ours = program("rivya-run")
    boards = [large(folder / f"board{shots}.yaml", shots) for shots in SIZES]
    for name in ("validate", "plan"):
        peaks = [take([ours, name, board], folder=folder).peak for board in boards]
        yield _growth(name, peaks)
    peaks, again = [], []
    for board in boards:
        with serving("--clip-bytes", "512", "--shortest", "0", "--longest", "0") as server:
            took = take([ours, board, *ARGUMENTS], folder=folder, environment=server.environment)
        peaks.append(took.peak)
        (folder / "outputs" / board.stem / ".state").unlink()
        again.append(take([ours, board, *ARGUMENTS], folder=folder, environment=server.environment).peak)
    yield _growth("a run, the server elsewhere", peaks)
    yield _growth("a rerun the long way, nothing to do", again)


def _growth(name: str, peaks: list[int]) -> Figure:
    growth = (peaks[1] - peaks[0]) / (SIZES[1] - SIZES[0])
    note = f"{peaks[0] / 1024:.0f} MiB -> {peaks[1] / 1024:.0f} MiB"
    return Figure(f"peak memory of {name}, KiB a shot", growth, BOUND, note=note)
