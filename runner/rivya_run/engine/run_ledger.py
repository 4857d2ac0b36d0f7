"""The ledger of one storyboard while its takes are carried: what they record, and when it is safe on disk."""

from __future__ import annotations

from pathlib import Path

import anyio

from rivya_run.journal.attempt import Attempt, owned_paths
from rivya_run.journal.events import JournalEvent
from rivya_run.journal.fold import History
from rivya_run.journal.manifest import Unknown
from rivya_run.project.ledger import Ledger


class RunLedger:
    """``storyboard`` is its path, as a person would type it; ``changes`` counts what was recorded."""

    def __init__(self, ledger: Ledger, storyboard: str) -> None:
        self.ledger = ledger
        self.storyboard = storyboard
        self.changes = 0
        self._lock = anyio.Lock()
        self._waited_for = 0
        self._durable = 0

    @property
    def folder(self) -> Path:
        """The output folder."""
        return self.ledger.folder

    @property
    def history(self) -> History:
        """Everything that is on record."""
        return self.ledger.history

    @property
    def unknown(self) -> Unknown:
        """What the folder's manifest says in words of a newer program."""
        return self.ledger.unknown

    def attempt(self, key: str) -> Attempt:
        """The attempt of that key as it is now."""
        return self.ledger.history.attempts[key]

    def names_of(self, shot: str, take: int) -> set[str]:
        """Names that are on record for files of this take, whatever was asked for."""
        return {path for one in self.history.of_take(shot, take) for path in owned_paths(one)}

    def record(self, event: JournalEvent) -> None:
        """Put an event on record. Raises DiskFull or OutputFolderError, and then nothing has changed."""
        self.ledger.record(event)
        self.changes += 1

    async def durable(self) -> None:
        """Return once everything that was recorded before the call is on disk.

        Everyone who waits while one sync runs shares the next one.
        """
        self._waited_for += 1
        mine = self._waited_for
        async with self._lock:
            if self._durable >= mine:
                return
            covered = self._waited_for
            await anyio.to_thread.run_sync(self.ledger.sync)
            self._durable = covered
