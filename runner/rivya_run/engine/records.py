"""The records of one storyboard while its takes are carried: journal and manifest, and files under their names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import anyio

from rivya_run.durable import write_atomically
from rivya_run.journal.attempt import Attempt, owned_paths
from rivya_run.journal.events import (
    Created,
    Failed,
    GivenUp,
    JournalEvent,
    MarkedUnknown,
    Observed,
    Reassigned,
    Refused,
    Succeeded,
    Withdrawn,
)
from rivya_run.journal.fold import History
from rivya_run.journal.manifest import Unknown, manifest_members, whole_document
from rivya_run.journal.manifest_file import text_of
from rivya_run.journal.store import Beside
from rivya_run.json_types import Json
from rivya_run.planning.matching import serving_of
from rivya_run.planning.plan import Plan, Step
from rivya_run.project.debits import BoardDebits
from rivya_run.project.home import FolderHome
from rivya_run.project.ledger import Ledger
from rivya_run.project.names import name_for_take
from rivya_run.project.outputs import move, unused_name
from rivya_run.project.places import MANIFEST
from rivya_run.storyboard.model import Storyboard
from rivya_run.times import iso

COSTS = (Withdrawn, Refused, Created, Observed, Succeeded, Failed, MarkedUnknown, GivenUp)
"""The events after which an attempt may count as more or less than it was debited with."""


class RunLedger:
    """``storyboard`` is its path, as a person would type it; ``changes`` counts what was recorded. ``debits`` follow
    what is recorded, ``home`` is where files live (None: in the output folder)."""

    def __init__(
        self,
        ledger: Ledger,
        storyboard: str,
        debits: BoardDebits | None = None,
        home: FolderHome | None = None,
    ) -> None:
        self.ledger = ledger
        self.home = home or FolderHome(ledger.folder)
        self.debits = debits
        self.storyboard = storyboard
        self.changes = 0
        self._lock = anyio.Lock()
        self._waited_for = 0
        self._durable = 0
        self._synced = 0  # changes that are on disk

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

    @property
    def shared(self) -> bool:
        """Whether another machine may carry the storyboard on after this one."""
        return self.ledger.lease is not None

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
        if self.debits is not None and isinstance(event, COSTS):
            self.debits.changed(event.key)

    async def durable(self, *, anyway: bool = False) -> None:
        """Return once everything that was recorded before the call is on disk.

        Everyone who waits while one sync runs shares the next one. ``anyway``: also where nothing was recorded since,
        to learn whether the journal is still in its place.
        """
        if self.changes == self._synced and not anyway:
            return
        self._waited_for += 1
        mine = self._waited_for
        async with self._lock:
            if self._durable >= mine:
                return
            covered, changes, beside = self._waited_for, self.changes, self._corrections()
            await anyio.to_thread.run_sync(
                *([self.ledger.sync] if beside is None else [self.ledger.sync, beside])
            )
            self._synced = changes
            self._durable = covered
        if self.debits is not None:
            self.debits.correct()

    def _corrections(self) -> Beside | None:
        """What is written with the events that it comes from, where there are transactions."""
        debits = self.debits
        lines = debits.taken() if debits is not None and debits.remote else []
        return partial(debits.write_beside, lines=lines) if debits is not None and lines else None

    async def ended(self) -> None:
        """A task was seen to have ended: its place among those in flight is free for others at once, where several
        machines share them."""
        if self.debits is not None and self.debits.remote:
            await self.durable()

    async def confirmed(self) -> None:
        """Return once it has just been shown that nobody else writes to the journal."""
        while not self.ledger.fresh:
            await anyio.to_thread.run_sync(self.ledger.confirm)


class ManifestWriter:
    """``base_url`` is the API origin as records name it, ``wall`` the wall clock, ``inputs`` the sha256 of what else
    was read, by path. ``beside``: a second place for it."""

    def __init__(
        self,
        storyboard: Storyboard,
        plan: Plan,
        ledger: RunLedger,
        base_url: str,
        wall: Callable[[], float],
        inputs: Callable[[], Mapping[str, str]],
        beside: Path | None = None,
    ) -> None:
        self._inputs = inputs
        self._storyboard = storyboard
        self._ledger = ledger
        self._base_url = base_url
        self._wall = wall
        self._serving = serving_of(plan, ledger.history)
        self._written: int | None = None
        self._beside = beside

    def serve(self, step: Step, key: str) -> None:
        """From now on this attempt is what the manifest shows for the take."""
        if self._serving.get((step.shot.id, step.take)) != key:
            self._serving[step.shot.id, step.take] = key
            self._written = None

    def write(self, *, anyway: bool = False) -> bool:
        """Write it if anything changed since the last time, or ``anyway``; whether it did.

        Raises OutputFolderError.
        """
        changes = self._ledger.changes
        if self._written == changes and not anyway:
            return False
        path = Path(self._ledger.folder) / MANIFEST
        write_atomically(path, text_of(self._members()))
        if self._beside is not None:
            write_atomically(self._beside, path.read_bytes())
        self._written = changes
        return True

    def document(self) -> dict[str, Json]:
        """The whole of it as a value, as it would be written now."""
        return whole_document(self._members())

    def _members(self) -> dict[str, Json | Iterator[Json]]:
        history = self._ledger.history
        return manifest_members(
            self._storyboard,
            self._ledger.storyboard,
            self._serving,
            history,
            base_url=self._base_url,
            updated_at=history.updated_at or iso(self._wall()),
            books=self._ledger.ledger.where(),
            unknown=self._ledger.unknown,
            inputs=self._inputs(),
        )


async def take_over(step: Step, ledger: RunLedger) -> None:
    """Give a take the attempt of another one: durably on record first, then its files are moved.

    No other file is in their way: what lies under a name that is on record for the take keeps it.
    """
    assert step.attempt_key is not None
    folder, attempt = ledger.folder, ledger.attempt(step.attempt_key)
    owned = ledger.names_of(step.shot.id, step.take)
    paths: dict[str, str] = {}
    objects = await anyio.to_thread.run_sync(ledger.home.objects)
    for output in attempt.outputs:
        if output.path in objects:  # it goes there under its new name from here
            await anyio.to_thread.run_sync(ledger.home.fetched, output)
    for path in owned_paths(attempt):
        new = _renamed(path, attempt, step.shot.id, step.take)
        paths[path] = new if new == path else unused_name(folder, new, {*owned, *paths.values(), *objects})
    with anyio.CancelScope(shield=True):
        ledger.record(
            Reassigned(
                key=attempt.client_request_id,
                shot=step.shot.id,
                take=step.take,
                paths=paths,
                family=step.shot.recorded_family,
            )
        )
        await ledger.durable()
    for old, new in paths.items():
        move(folder, old, new)


def _renamed(path: str, attempt: Attempt, shot: str, take: int) -> str:
    """The path of an output under the name of the take that it serves from now on."""
    return name_for_take(path, (attempt.shot, attempt.take), (shot, take))
