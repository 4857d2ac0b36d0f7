"""One storyboard in a run: its plan, its books, and which of its takes have ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import anyio

from rivya_run.durable import write_atomically
from rivya_run.engine.budget import Budget
from rivya_run.engine.outcome import Ending, Outcome
from rivya_run.engine.session import Durability, Session
from rivya_run.engine.uploads import Uploader
from rivya_run.journal.attempt import Attempt
from rivya_run.journal.events import JournalEvent
from rivya_run.journal.manifest import manifest_members, text_of
from rivya_run.journal.sending_age import Moment
from rivya_run.journal.stills import owned_paths
from rivya_run.journal.take_entry import take_status, whole
from rivya_run.models.table import ModelTable
from rivya_run.planning.matching import serving_of
from rivya_run.planning.plan import Action, Plan, Step
from rivya_run.planning.planner import Planner
from rivya_run.progress import Event
from rivya_run.project.ledger import Ledger
from rivya_run.project.places import MANIFEST
from rivya_run.provider.http import Http
from rivya_run.provider.rivya.client import RivyaClient
from rivya_run.storyboard.model import FileFacts, Storyboard


@dataclass(frozen=True, slots=True)
class Line:
    """The connection of a storyboard to its origin."""

    http: Http
    client: RivyaClient


class Board:
    """What the takes of one storyboard share."""

    def __init__(
        self,
        storyboard: Storyboard,
        tables: Mapping[str, ModelTable],
        facts: Mapping[str, FileFacts],
        ledger: Ledger,
        planner: Planner,
        plan: Plan,
        session: Session,
        line: Line,
        *,
        relative_path: str,
        base_url: str,
        known_models: frozenset[str],
    ) -> None:
        self.storyboard = storyboard
        self.tables = tables
        self.facts = facts
        self.ledger = ledger
        self.planner = planner
        self.plan = plan
        self.session = session
        self.http = line.http
        self.client = line.client
        self.relative_path = relative_path
        self.base_url = base_url
        self.known_models = known_models
        self.budget = Budget(storyboard.max_credits, ledger.history, session.spending)
        self.durability = Durability(ledger)
        self.uploader = Uploader(storyboard.id, ledger, session, line.client)
        self.outcomes: dict[tuple[str, int], Outcome] = {}
        self.dirty = True
        self._alone: dict[str, anyio.Lock] = {}
        self._waited_for: dict[tuple[str, int], anyio.Event] = {}
        self._starting: set[tuple[str, int]] = set()
        self._serving = serving_of(plan, ledger.history)

    @property
    def folder(self) -> Path:
        """The output folder."""
        return self.ledger.folder

    def names_of(self, shot: str, take: int) -> set[str]:
        """Names that are on record for files of this take, whatever was asked for."""
        return {path for one in self.ledger.history.of_take(shot, take) for path in owned_paths(one)}

    def attempt(self, key: str) -> Attempt:
        """The attempt of that key as it is now."""
        return self.ledger.history.attempts[key]

    def alone(self, name: str) -> anyio.Lock:
        """Held by the one worker that finishes an attempt (its key) or makes a still (its path)."""
        return self._alone.setdefault(name, anyio.Lock())

    def seconds_since_sent(self, key: str) -> float | None:
        """How long ago that attempt's create was sent first; None: nobody can tell (``sending_age``).

        An API whose clock wasn't heard in this run is taken to have this machine's.
        """
        wall, api = self.session.now(), self.http.server_time()
        return self.ledger.history.seconds_since_sent(
            self.attempt(key), Moment(wall, wall if api is None else api)
        )

    def window_left(self, key: str) -> float:
        """Seconds for which that attempt's create may still be sent again with its key."""
        age = self.seconds_since_sent(key)
        return self.session.options.idempotency_window - age if age is not None else 0.0

    def record(self, event: JournalEvent) -> None:
        """Put an event on record; the manifest is out of date now."""
        self.ledger.record(event)
        self.dirty = True

    def serve(self, step: Step, key: str) -> None:
        """From now on this attempt is what the manifest shows for the take."""
        self._serving[step.shot.id, step.take] = key
        self.dirty = True

    def tell(self, step: Step, key: str | None, reason: str | None = None) -> None:
        """Report where a take is."""
        attempt = self.ledger.history.attempts.get(key) if key is not None else None
        detail = {
            "model": step.shot.model,
            "scene": step.shot.scene,
            "task_id": attempt.task_id if attempt else None,
            "credits": whole(attempt.reserved) if attempt else None,
            "error": attempt.error.code if attempt and attempt.error else None,
            "reason": reason or (attempt.error.message if attempt and attempt.error else None),
        }
        self.session.tell(
            Event(
                "take_changed",
                storyboard=self.storyboard.id,
                shot=step.shot.id,
                take=step.take,
                status=take_status(attempt).value,
                detail={name: value for name, value in detail.items() if value is not None},
            )
        )

    def end_of(self, shot: str, take: int) -> anyio.Event | None:
        """Set when this run is done with a take; None when it is already."""
        if (shot, take) in self.outcomes:
            return None
        return self._waited_for.setdefault((shot, take), anyio.Event())

    async def room_to_start(self, step: Step) -> None:
        """Wait until few others are on their way to a place among the tasks in flight."""
        await self.session.starting.acquire()
        self._starting.add((step.shot.id, step.take))

    def started(self, step: Step) -> None:
        """It has its place, or needs none any more."""
        if (step.shot.id, step.take) in self._starting:
            self._starting.remove((step.shot.id, step.take))
            self.session.starting.release()

    def end(self, step: Step, outcome: Outcome, key: str | None) -> None:
        """This run is done with a take."""
        self.outcomes[step.shot.id, step.take] = outcome
        if outcome.ending is Ending.DONE and key is not None:
            self.planner.served(step.shot.id, step.take, key)
        elif step.action is not Action.SKIP:
            self.planner.gave_up(step, outcome.message or outcome.ending.value)
        self.started(step)
        waited_for = self._waited_for.pop((step.shot.id, step.take), None)
        if waited_for is not None:
            waited_for.set()

    def document(self) -> Iterator[bytes]:
        """The manifest as it is to be written, piece by piece."""
        return text_of(
            manifest_members(
                self.storyboard,
                self.relative_path,
                self._serving,
                self.ledger.history,
                base_url=self.base_url,
                updated_at=self.ledger.history.updated_at or self.session.timestamp(),
                unknown=self.ledger.unknown,
            )
        )

    def write_manifest(self) -> None:
        """Write the manifest if anything changed since the last time. Raises OutputFolderError."""
        if not self.dirty:
            return
        write_atomically(self.folder / MANIFEST, self.document())
        self.dirty = False
