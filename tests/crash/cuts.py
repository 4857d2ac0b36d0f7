"""``python -m crash.cuts``: cuts the power at every step of recorded runs, in every way, and lives on from there.

At each step of a record the disk may be left in many states. Each of them is held against what a run promises at any
time, and from a choice of them the program is run again, against the simulator as its books stood then, until all is
done and can be held against those books.
"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from crash.crash_runs import ForkServer, Project
from crash.power import EXTREMES, Disk, Tree, chances, digest_of
from crash.promises import Cut, Promises, planned_amiss
from crash.recorded import options
from crash.recording import Operation
from crash.scenarios import ADOPT, ID, SCENARIOS, Recording, first_cut, make_root, record
from rivya_run.simulator.hosting import HostedSimulator
from rivya_run.simulator.tasks import FILE_NAME
from simulation import KEY


@dataclass
class Found:
    """What the cuts of a recording came to: every distinct state, and the promises that weren't kept."""

    cuts: list[Cut] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


def cut_everywhere(recording: Recording, *, seed: int, by_chance: int, since: int = 0) -> Found:
    """Each distinct state that a cut may leave, at every step from the command number ``since`` on."""
    disk, draw, promises = Disk(recording.begin), random.Random(seed), Promises(recording)
    seen: set[tuple[str, int, int]] = set()
    books, command = recording.past, -1
    worst = Cut(0, "nothing", disk.left(*EXTREMES["nothing"]), books, 0, "the beginning")
    found = Found(broken=promises.broken)
    for step, operation in enumerate(recording.operations, start=1):
        if operation.kind == "command":
            if command >= 0 and recording.commands[command].fatal is None:
                promises.ended(worst, disk.live())
            command = operation.position
        elif operation.kind == "books":
            books += operation.content
            if recording.commands[command].args != ADOPT:
                promises.asked(worst, operation.content)
        disk.apply(operation)
        last = _described(operation)
        states = [(how, disk.left(*extreme)) for how, extreme in EXTREMES.items()]
        if command >= since:
            states += [(f"chance {n}", tree) for n, tree in enumerate(chances(disk, draw, by_chance))]
        worst = Cut(step, *states[0], books, command, last)
        promises.after(worst)
        for how, tree in states:
            cut = Cut(step, how, tree, books, command, last)
            mark = (digest_of(tree), _accepted(books), command)
            if mark not in seen:
                seen.add(mark)
                promises.hold(cut)
                if command >= since:
                    found.cuts.append(cut)
    promises.ended(worst, disk.live())
    return found


def _described(operation: Operation) -> str:
    content = operation.content[:60].decode(errors="replace")
    return f"{operation.kind} {operation.path or content}".strip()


def _accepted(books: bytes) -> int:
    """How much the simulator has accepted, whoever asked for what in between."""
    return sum(1 for line in books.splitlines() if b'"e":"request"' not in line)


class Survivor(Project):
    """A project as a power cut left it, with its simulator."""

    def __post_init__(self) -> None:
        """Nothing is made: all is as it was left."""

    @property
    def folder(self) -> Path:
        """The output folder."""
        return self.root / "outputs" / ID

    def again(self, args: tuple[str, ...]) -> int:
        """Run another command; its exit code."""
        request = {
            "args": [*args],
            "env": {"RIVYA_API_KEY": KEY, "RIVYA_BASE_URL": self.simulator.base_url},
            "cwd": str(self.root),
            "log": str(self.root / "log.txt"),
            "fatal": None,
            "survived": None,
            "fatal_move": None,
            "clock": [0.0, None],
        }
        self.fork_server.start(request)
        return self.fork_server.end().status


def write_tree(root: Path, tree: Tree) -> None:
    """Make a state real, with the times that its files had."""
    for path, found in sorted(tree.items()):
        if found is None:
            (root / path).mkdir()
        else:
            (root / path).write_bytes(found[0])
            os.utime(root / path, ns=(found[1], found[1]))


def live_on(base: Path, fork_server: ForkServer, recording: Recording, cut: Cut) -> None:
    """Run the program on what a cut left until all is done, and hold it against the books."""
    command = recording.commands[cut.command]
    root, books = base / "root", base / "books"
    make_root(root, command.board)
    write_tree(root, cut.tree)
    books.mkdir()
    (books / FILE_NAME).write_bytes(cut.books)
    with HostedSimulator(options(books, recording.ports)) as simulator:
        project = Survivor(root, simulator, fork_server)
        if command.args == ADOPT:
            [made] = [task.id for task in simulator.state.tasks() if task.key is None] or [""]
            if made:
                code = project.again((*ADOPT[:3], made))
                assert code in {0, 2}, f"adopt: exit code {code}\n{project.log}"
        project.finish()
        project.check()


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--chances", type=int, default=3, help="states by chance at each step")
    parser.add_argument("--lives", type=int, default=None, help="live on from at most so many states")
    parser.add_argument("--steps", metavar="M-N", default="0-999999", help="only cuts after these steps")
    parser.add_argument("scenarios", nargs="*", default=list(SCENARIOS))
    given = parser.parse_args()
    losses: list[str] = []
    for name in given.scenarios:
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="rivya-power-") as base:
            recording = record(Path(base), name, SCENARIOS[name])
        found = cut_everywhere(recording, seed=given.seed, by_chance=given.chances, since=first_cut(name))
        first, last = map(int, given.steps.split("-"))
        found.cuts = [cut for cut in found.cuts if first <= cut.step <= last]
        chosen = choose(found.cuts, given.lives, given.seed)
        broken = [*found.broken, *planned(recording, found.cuts), *lived_on(recording, chosen)]
        losses += broken
        print(  # noqa: T201
            f"{name}: {len(recording.operations)} steps, {len(found.cuts)} states, lived on from {len(chosen)}, "
            f"{len(broken)} losses, {time.monotonic() - began:.0f} s",
            *broken,
            sep="\n  ",
            flush=True,
        )
    return 1 if losses else 0


def choose(cuts: list[Cut], most: int | None, seed: int) -> list[Cut]:
    """So many of them, spread by chance; all, where there are no more."""
    if most is None or len(cuts) <= most:
        return cuts
    return random.Random(seed).sample(cuts, most)


def planned(recording: Recording, cuts: list[Cut]) -> Iterator[str]:
    """Plan from each, without doing anything; what is amiss."""
    with tempfile.TemporaryDirectory(prefix="rivya-power-") as base:
        for number, cut in enumerate(cuts):
            root = Path(base) / str(number)
            make_root(root, recording.commands[cut.command].board)
            write_tree(root, cut.tree)
            amiss = planned_amiss(root / "storyboard.yaml", cut)
            if amiss is not None:
                yield amiss


def lived_on(recording: Recording, cuts: list[Cut]) -> Iterator[str]:
    """Live on from each; what was lost."""
    with ForkServer() as fork_server:
        for cut in cuts:
            with tempfile.TemporaryDirectory(prefix="rivya-power-") as base:
                try:
                    live_on(Path(base), fork_server, recording, cut)
                except AssertionError as error:
                    yield f"{cut}: {error}"


if __name__ == "__main__":
    raise SystemExit(main())
