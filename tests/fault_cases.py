"""What tests of bad days share: projects with a server that misbehaves, boards of many shots, whole results."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from projects import Project
from rivya_run.errors import RivyaError
from rivya_run.progress import Event
from rivya_run.simulator.faults import FaultPlan, Rule
from simulation import hosted


@contextmanager
def misbehaving(root: Path, *rules: Rule, **options: Any) -> Iterator[Project]:
    """A project whose simulator misbehaves by these rules."""
    with hosted(faults=FaultPlan(rules=rules), **options) as simulator:
        yield Project(root, simulator)


def board(shots: int, *, takes: int = 1, top: str = "") -> str:
    """A storyboard of so many shots, ``s01`` and on."""
    lines = ["id: board", *([top] if top else []), "shots:"]
    lines += [
        f"  - {{id: s{number:02}, prompt: Shot {number}, takes: {takes}}}" for number in range(1, shots + 1)
    ]
    return "\n".join(lines) + "\n"


def all_whole(project: Project) -> None:
    """Every output is on disk as the manifest says, and nothing unfinished lies about."""
    for take in project.takes().values():
        assert take["status"] == "succeeded"
        for output in take["outputs"]:
            content = (project.folder() / output["path"]).read_bytes()
            assert hashlib.sha256(content).hexdigest() == output["sha256"]
    left = [path.name for path in project.folder().rglob("*") if path.suffix in {".part", ".tmp"}]
    assert left == []


def statuses(project: Project) -> list[str]:
    """The manifest's word on each take, in order."""
    return [take["status"] for take in project.takes().values()]


def ended(project: Project, **options: Any) -> tuple[int, str]:
    """Exit code and words of a run, whether it ended early or before it began."""
    try:
        result = project.run(**options)
    except RivyaError as error:
        return error.exit_code, f"{error.message} {error.hint}"
    return result.exit_code, f"{result.error.message} {result.error.hint}" if result.error else ""


class Watched(list[Event]):
    """Events, each shown to somebody as it comes."""

    def __init__(self, see: Callable[[Event], None]) -> None:
        super().__init__()
        self._see = see

    def append(self, event: Event) -> None:
        """Take it and show it."""
        super().append(event)
        self._see(event)
