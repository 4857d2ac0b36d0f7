"""A project folder for tests: storyboards, reference files, runs against a simulator, what came of them."""

from __future__ import annotations

import json
import textwrap
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rivya_run.engine.run import RunResult, run
from rivya_run.planning.plan import Step
from rivya_run.progress import Event
from rivya_run.project.ledger import Ledger
from rivya_run.project.plan import Prepared, RunOptions, open_sources, prepare
from rivya_run.simulator.hosting import HostedSimulator
from rivya_run.storyboard.selection import selected_shots
from simulation import KEY

PNG_BY_COLOUR = {
    "red": "89504e470d0a1a0a0000000d4948445200000002000000020802000000fdd49a73"
    "0000001249444154789c63fccfc0c0c0c4c0c0c0c0000009060103003b7f530000000049454e44ae426082",
}


def png(marker: str) -> bytes:
    """A file with a PNG signature whose content depends on ``marker``."""
    return bytes.fromhex(PNG_BY_COLOUR["red"]) + marker.encode()


@dataclass
class Project:
    """One project with one storyboard, ``storyboard.yaml`` in its root."""

    root: Path
    simulator: HostedSimulator
    events: list[Event] = field(default_factory=list)
    clock: Callable[[], float] = time.time

    def __post_init__(self) -> None:
        (self.root / "outputs").mkdir(parents=True, exist_ok=True)

    @property
    def path(self) -> Path:
        """The storyboard file."""
        return self.root / "storyboard.yaml"

    def write(self, text: str) -> None:
        """Write the storyboard."""
        self.path.write_text(textwrap.dedent(text), encoding="utf-8")

    def reference(self, name: str, content: bytes) -> None:
        """Write a reference file."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def run(self, **options: Any) -> RunResult:
        """Run it against the simulator, with quick polls."""
        chosen = RunOptions(**{"poll_interval": 0.02, **options})
        environment = {"RIVYA_API_KEY": KEY, "RIVYA_BASE_URL": self.simulator.base_url}
        return run([self.path], chosen, environment=environment, tell=self.events.append, now=self.clock)

    def prepared(self, **options: Any) -> Prepared:
        """Its plan, as `plan` would show it."""
        chosen = RunOptions(**options)
        source = open_sources([self.path], chosen)[0]
        [selected] = selected_shots([source.storyboard], chosen.only, chosen.exclude)
        ledger = Ledger(source.folder, now=lambda: "2026-05-11T00:00:00.000Z")
        return prepare(source, ledger, chosen, selected, base_url=None, writing=False)

    def steps(self, **options: Any) -> dict[str, Step]:
        """``shot/take`` -> step."""
        return {step.label: step for step in self.prepared(**options).plan.steps}

    def folder(self) -> Path:
        """The output folder."""
        [folder] = [path for path in (self.root / "outputs").iterdir() if path.is_dir()]
        return folder

    def manifest(self) -> dict[str, Any]:
        """The manifest as it is on disk."""
        document: dict[str, Any] = json.loads((self.folder() / "manifest.json").read_text(encoding="utf-8"))
        return document

    def takes(self) -> dict[str, dict[str, Any]]:
        """``shot/take`` -> the manifest's entry."""
        return {
            f"{shot['id']}/{take['take']}": take
            for shot in self.manifest()["shots"]
            for take in shot["takes"]
        }

    def tasks(self) -> int:
        """How many tasks the simulator made, ever."""
        return len(self.simulator.state.tasks())
