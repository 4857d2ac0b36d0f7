"""``python -m crash.cuts``: cuts the power at every step of recorded runs, in every way, and lives on from there.

At each step of a record the disk may be left in many states. Each of them is held against what a run promises at any
time, and from a choice of them the program is run again, against the simulator as its books stood then, until all is
done and can be held against those books.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import re
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from crash.lives import Nursery, Project
from crash.power import EXTREMES, Disk, Tree, chances, digest_of
from crash.recorded import options
from crash.recording import Operation
from crash.scenarios import ADOPT, ID, SCENARIOS, UNCUT, Recording, make_root, record
from rivya_run.simulator.books import FILE_NAME
from rivya_run.simulator.hosting import HostedSimulator
from simulation import KEY

FOLDER = f"outputs/{ID}"
JOURNAL, MANIFEST = f"{FOLDER}/journal.jsonl", f"{FOLDER}/manifest.json"


@dataclass(frozen=True)
class Cut:
    """What a cut leaves at a step: files, and what the simulator knows. ``how`` says which of many states it is."""

    step: int
    how: str
    tree: Tree
    books: bytes
    command: int
    last: str

    def __str__(self) -> str:
        return f"step {self.step} (after {self.last}), {self.how}"


class Promises:
    """What holds in every state that any cut leaves, whether or not anything lives on from it."""

    def __init__(self, recording: Recording) -> None:
        disk = Disk(recording.begin)
        for operation in recording.operations:
            disk.apply(operation)
        self._paid = {digest for digest, _ in _clips(disk.live())}
        self._safe: set[str] = set()
        self._journal = b""
        self.broken: list[str] = []

    def after(self, cut: Cut) -> None:
        """In the worst state after a step: what is safe from now on."""
        self._safe |= self._paid & {digest for digest, _ in _clips(cut.tree)}
        self._journal = max(self._journal, _content(cut.tree, JOURNAL), key=len)

    def hold(self, cut: Cut) -> None:
        """In any state: what was safe is there, and what lies there under a name is on record."""
        clips = list(_clips(cut.tree))
        known = _content(cut.tree, JOURNAL) + _content(cut.tree, MANIFEST)
        self._expect(cut, self._safe <= {digest for digest, _ in clips}, "a clip that was safe is gone")
        self._expect(cut, _content(cut.tree, JOURNAL).startswith(self._journal), "journal lines are gone")
        for digest, path in clips:
            inside = path.removeprefix(f"{FOLDER}/")
            if digest in self._paid and path.endswith(".mp4") and "/." not in path:
                self._expect(cut, json.dumps(inside).encode() in known, f"{inside} is not on record")

    def asked(self, cut: Cut, line: bytes) -> None:
        """The simulator wrote into its books what a run asked of it: that stands on what is safe."""
        entry = json.loads(line)
        known = _content(cut.tree, JOURNAL) + _content(cut.tree, MANIFEST)
        if entry["e"] == "task" and entry["key"]:
            self._expect(cut, _names(known, entry["key"]), f"a create whose intent isn't safe: {entry['key']}")
        task = re.fullmatch(r"/api/v1/generations/([^/]+)", str(entry.get("path")))
        if task:
            self._expect(cut, _names(known, task[1]), f"a task whose id isn't safe was asked for: {task[1]}")

    def ended(self, cut: Cut, live: Tree) -> None:
        """A command has said that it is done: all of it is safe."""
        for path, found in live.items():
            if found is not None and not path.removeprefix(f"{FOLDER}/").startswith("."):
                there = cut.tree.get(path)
                same = there is not None and there[0] == found[0]
                self._expect(cut, same, f"the command is done, and {path} isn't safe")

    def _expect(self, cut: Cut, holds: bool, broken: str) -> None:
        if not holds:
            self.broken.append(f"{broken}: {cut}")


def _content(tree: Tree, path: str) -> bytes:
    found = tree.get(path)
    return found[0] if found is not None else b""


def _clips(tree: Tree) -> Iterator[tuple[str, str]]:
    """sha256 and path of everything but the records."""
    for path, found in tree.items():
        if found is not None and path not in (JOURNAL, MANIFEST) and found[0]:
            yield hashlib.sha256(found[0]).hexdigest(), path


def _names(known: bytes, name: str) -> bool:
    return json.dumps(name).encode() in known


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
        }
        self.nursery.start(request)
        return self.nursery.end().status


def write_tree(root: Path, tree: Tree) -> None:
    """Make a state real, with the times that its files had."""
    for path, found in sorted(tree.items()):
        if found is None:
            (root / path).mkdir()
        else:
            (root / path).write_bytes(found[0])
            os.utime(root / path, ns=(found[1], found[1]))


def live_on(base: Path, nursery: Nursery, recording: Recording, cut: Cut) -> None:
    """Run the program on what a cut left until all is done, and hold it against the books."""
    command = recording.commands[cut.command]
    root, books = base / "root", base / "books"
    make_root(root, command.board)
    write_tree(root, cut.tree)
    books.mkdir()
    (books / FILE_NAME).write_bytes(cut.books)
    with HostedSimulator(options(books, recording.ports)) as simulator:
        project = Survivor(root, simulator, nursery)
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
    parser.add_argument("scenarios", nargs="*", default=list(SCENARIOS))
    given = parser.parse_args()
    losses: list[str] = []
    for name in given.scenarios:
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="rivya-power-") as base:
            recording = record(Path(base), name, SCENARIOS[name])
        found = cut_everywhere(recording, seed=given.seed, by_chance=given.chances, since=UNCUT[name])
        chosen = choose(found.cuts, given.lives, given.seed)
        broken = [*found.broken, *lived_on(recording, chosen)]
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


def lived_on(recording: Recording, cuts: list[Cut]) -> Iterator[str]:
    """Live on from each; what was lost."""
    with Nursery() as nursery:
        for cut in cuts:
            with tempfile.TemporaryDirectory(prefix="rivya-power-") as base:
                try:
                    live_on(Path(base), nursery, recording, cut)
                except AssertionError as error:
                    yield f"{cut}: {error}"


if __name__ == "__main__":
    raise SystemExit(main())
