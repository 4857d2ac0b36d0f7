"""What holds in every state that a power cut leaves, whether or not anything lives on from it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from command_line import rivya_run
from crash.power import Disk, Tree
from crash.scenarios import ID, Recording

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
            self._expect(
                cut, _names(known, entry["key"]), f"a create whose intent isn't safe: {entry['key']}"
            )
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


def planned_amiss(storyboard: Path, cut: Cut) -> str | None:
    """What is wrong with the plan for what a cut left: it can't be made, or would make what was paid for."""
    result = rivya_run("plan", storyboard, "--json")
    if result.exit_code != 0:
        return f"no plan, exit code {result.exit_code}: {result.stderr.strip()}: {cut}"
    tasks = {entry["key"] for entry in map(json.loads, cut.books.splitlines()) if entry["e"] == "task"}
    for step in json.loads(result.stdout)["steps"]:
        if step["action"] in {"create", "retry", "decide"} and step["client_request_id"] in tasks:
            return f"the plan would {step['action']} what was paid for, {step['client_request_id']}: {cut}"
    return None
