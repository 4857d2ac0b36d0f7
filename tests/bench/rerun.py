"""A rerun that has nothing to do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from bench.figures import Figure, in_turn, milliseconds, program, take
from bench.serving import serving
from bench.storyboards import large

ARGUMENTS = ["--concurrency", "200", "--poll-interval", "0.05", "--progress", "none"]


def figures(folder: Path) -> Iterator[Figure]:
    """10,000 finished shots beside ninja's 10,000 finished copies, and 1,000 of each."""
    for shots, bound in ((10_000, 3.0), (1_000, 6.0)):
        place = folder / str(shots)
        place.mkdir()
        board = large(place / "board.yaml", shots)
        with serving("--clip-bytes", "512", "--shortest", "0", "--longest", "0") as server:
            take([program("rivya-run"), board, *ARGUMENTS], folder=place, environment=server.environment)
        environment = server.environment  # it is gone by now, and nobody notices
        take([program("rivya-run"), board], folder=place, environment=environment)
        ninja = _finished_copies(place / "ninja", shots)
        ratio, pairs = in_turn(
            [program("rivya-run"), board],
            [program("ninja"), "-C", ninja, "--quiet"],
            folder=place,
            times=15,
            environment=environment,
        )
        yield Figure(
            f"no-op rerun of {shots:,} shots / ninja's no-op", ratio, bound, note=milliseconds(pairs)
        )
        manifest = json.loads((place / "outputs" / "board" / "manifest.json").read_bytes())
        assert manifest["totals"]["succeeded"] == shots


def _finished_copies(folder: Path, files: int) -> Path:
    """A folder in which ninja has copied so many files, one by one, and has nothing left to do."""
    for part in ("in", "out"):
        (folder / part).mkdir(parents=True)
    rules = ["rule copy\n  command = true && touch $out\n"]
    for number in range(files):
        (folder / "in" / f"{number}.txt").write_text(str(number), encoding="utf-8")
        (folder / "out" / f"{number}.txt").touch()
        rules.append(f"build out/{number}.txt: copy in/{number}.txt\n")
    (folder / "build.ninja").write_text("".join(rules), encoding="utf-8")
    take([program("ninja"), "-C", folder, "--quiet"], folder=folder)
    return folder
