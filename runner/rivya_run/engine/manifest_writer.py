"""The manifest of a storyboard while it runs: which attempt serves which take, written when something changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rivya_run.durable import write_atomically
from rivya_run.engine.run_ledger import RunLedger
from rivya_run.journal.manifest import manifest_members, text_of
from rivya_run.planning.matching import serving_of
from rivya_run.planning.plan import Plan, Step
from rivya_run.project.places import MANIFEST
from rivya_run.storyboard.model import Storyboard
from rivya_run.times import iso


class ManifestWriter:
    """``base_url`` is the API origin as records name it, ``wall`` the wall clock."""

    def __init__(
        self,
        storyboard: Storyboard,
        plan: Plan,
        ledger: RunLedger,
        base_url: str,
        wall: Callable[[], float],
    ) -> None:
        self._storyboard = storyboard
        self._ledger = ledger
        self._base_url = base_url
        self._wall = wall
        self._serving = serving_of(plan, ledger.history)
        self._written: int | None = None

    def serve(self, step: Step, key: str) -> None:
        """From now on this attempt is what the manifest shows for the take."""
        self._serving[step.shot.id, step.take] = key
        self._written = None

    def write(self, *, anyway: bool = False) -> None:
        """Write it if anything changed since the last time, or ``anyway``. Raises OutputFolderError."""
        changes = self._ledger.changes
        if self._written == changes and not anyway:
            return
        history = self._ledger.history
        members = manifest_members(
            self._storyboard,
            self._ledger.storyboard,
            self._serving,
            history,
            base_url=self._base_url,
            updated_at=history.updated_at or iso(self._wall()),
            unknown=self._ledger.unknown,
        )
        write_atomically(Path(self._ledger.folder) / MANIFEST, text_of(members))
        self._written = changes
