"""Results on their way to disk: fetched as soon as they are there, checked, renamed, on record."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import random

import anyio

from rivya_run.durable import make_folder
from rivya_run.engine.arrived import ArrivedFile, best_of, looked_at, read_again, settle
from rivya_run.engine.connection import ApiConnection
from rivya_run.engine.next_step import Ending
from rivya_run.engine.records import RunLedger
from rivya_run.engine.stop import Stop
from rivya_run.errors import ObjectStoreError, RivyaError
from rivya_run.journal.attempt import Attempt, Output, Task, TaskStatus
from rivya_run.journal.events import Stored, Succeeded
from rivya_run.journal.results import results_of
from rivya_run.journal.take_entry import sent_params
from rivya_run.project.names import arriving, output_name, within
from rivya_run.project.outputs import (
    set_aside,
    size_of,
    suffix_for,
    unused_name,
)
from rivya_run.project.places import ARRIVING
from rivya_run.provider.attempts import Attempts
from rivya_run.provider.download import Fetched, NotThere, fetch
from rivya_run.provider.interface import NotFound
from rivya_run.provider.rivya.retry import back_off
from rivya_run.times import Clocks, iso

RENEWALS = 5
"""How often a file that seems not to be whole is fetched again over a fresh URL; then it is the next run's.

As often a URL that gives nothing (any more) is asked for again before what came whole, in doubt, is made do with.
"""

MISSING_AFTER = 3
"""How often the API must say that it doesn't know a task, whose URL gives nothing, before the run waits no more."""

RENEW_WITHIN = 60.0
"""Seconds that a run waits for fresh URLs before it tries the ones it knows (again)."""

SURE_AFTER = 3
"""How often the same bytes must come before a file that seems not to be whole is taken for all there is."""

USUAL_AFTER = 3
"""How many files must turn out to be all there is before others with the same doubt are believed at once."""

LARGEST = 4 * 1024**3
"""Bytes of one result that are accepted; the longest clips of the tables stay far below."""


@dataclass(frozen=True, slots=True)
class FetchTrouble:
    """Why a file isn't there: the take stays as it is, and is only fetched by the next run."""

    message: str


class Fetcher:
    """Fetches the files of one attempt whose task succeeded. ``stale``: its URLs are an earlier run's."""

    def __init__(
        self,
        key: str,
        ledger: RunLedger,
        connection: ApiConnection,
        clocks: Clocks,
        stop: Stop | None = None,
        *,
        stale: bool,
    ) -> None:
        self._key = key
        self._ledger = ledger
        self._connection = connection
        self._clocks = clocks
        self._stop = stop or Stop()
        self._stale = stale
        self._params = sent_params(self._attempt)
        self._renewals: Counter[int] = Counter()
        self._missing: Counter[int] = Counter()
        self._whole: dict[int, tuple[str, Path, Path, ArrivedFile]] = {}
        self._storing = anyio.Lock()

    async def fetch_all(self, deadline: float) -> FetchTrouble | None:
        """Every file that isn't on disk yet; why the first of those that can't be had isn't here.

        Side by side, since addresses don't last: a file that can't be had keeps no other from coming.

        Raises DiskFull, OutputFolderError, KeyRefused.
        """
        missing = self._missing_files()
        if not self._attempt.urls or (missing and self._stale):
            # Old ones have expired by now, most likely; the stand-in, for one, has moved to another port.
            await self._renew(0, deadline)
            missing = self._missing_files()
        troubles: dict[int, FetchTrouble] = {}
        errors: list[RivyaError] = []
        async with anyio.create_task_group() as group:

            async def fetch_one(index: int) -> None:
                try:
                    trouble = await self._fetch(index, deadline)
                except ObjectStoreError as error:
                    # As a full disk, but for what runs: it is fetched, and stays among the downloads.
                    self._stop.creating(Ending.NO_ROOM, error.message)
                    troubles[index] = FetchTrouble(f"it is in {ARRIVING} until the next run: {error.message}")
                except RivyaError as error:
                    errors.append(error)
                    group.cancel_scope.cancel()
                else:
                    if trouble is not None:
                        troubles[index] = trouble

            for index in missing:
                group.start_soon(fetch_one, index)
        if errors:
            raise errors[0]
        if troubles:
            return troubles[min(troubles)]
        return None if self._attempt.urls else FetchTrouble("the API names no file for this task")

    @property
    def _attempt(self) -> Attempt:
        return self._ledger.attempt(self._key)

    def _missing_files(self) -> list[int]:
        trouble = self._ledger.home.trouble
        there = {number for number, one in enumerate(self._attempt.outputs) if trouble(one) is None}
        return [index for index in range(len(self._attempt.urls)) if index not in there]

    async def _fetch(self, index: int, deadline: float) -> FetchTrouble | None:
        """One file, asked for until it is there: a URL may be told before its server has the file."""
        part = arriving(self._ledger.folder, self._key, index)
        make_folder(part.parent)
        suspects: Counter[str] = Counter()
        arrived, since = 0, self._clocks.wall()
        async for attempt in self._attempts(deadline):
            # It has its place among the downloads while it is asked for, not while it waits: others may go on.
            async with self._connection.downloads:
                if attempt.number > 1:
                    await self._renew(index, deadline)
                ended = await self._fetch_now(index, part, deadline, suspects)
            if not isinstance(ended, NotThere):
                return ended
            if (size := size_of(part)) > arrived:
                arrived, since = size, self._clocks.wall()
                attempt.progressed()
            unknown = self._missing[index] >= MISSING_AFTER
            over = unknown or attempt.time_left <= 0
            if (over or attempt.number > RENEWALS) and await self._made_do(index, part):
                return None
            if over:
                times = f", {attempt.number} times since {iso(since)}" if attempt.number > 1 else ""
                known = f"; the API no longer knows task {self._attempt.task_id}" if unknown else ""
                return FetchTrouble(f"{ended.reason}{times}{known}")
            # At least half of the bound: many files that are not there yet are not to be asked for in one moment.
            pause = back_off(attempt.number, 0.5 + random() / 2) if attempt.number > 1 else 0.0
            attempt.again(pause, ended.reason)
        raise AssertionError("every attempt ends or is followed by another")

    def _attempts(self, deadline: float) -> Attempts:
        return Attempts(deadline, clock=self._clocks.monotonic, random=random)

    async def _fetch_now(
        self, index: int, part: Path, deadline: float, suspects: Counter[str]
    ) -> FetchTrouble | NotThere | None:
        """Fetch, and fetch again over a fresh URL where what came isn't whole."""
        doubt = ""
        async for attempt in self._attempts(deadline):
            if attempt.number > 1 and not await self._renew(index, deadline):
                break
            if index >= len(self._attempt.urls):
                return FetchTrouble("the API no longer lists this file")
            answer = await fetch(
                self._connection.http,
                self._attempt.urls[index],
                part,
                look=partial(looked_at, params=self._params),
                max_bytes=LARGEST,
                deadline=deadline,
                clock=self._clocks.monotonic,
            )
            if isinstance(answer, NotThere):
                return answer
            if not isinstance(answer, Fetched):
                made_do = answer.final and await self._made_do(index, part)
                return None if made_do else FetchTrouble(answer.reason)
            if answer.seen.doubt is None:
                found = ArrivedFile(answer.bytes, answer.sha256, answer.mime_type, answer.seen)
                await self._keep(index, part, part, found)
                return None
            # Not whole, it seems; what comes again and again is what there is. Until then it is all that there is.
            doubt = answer.seen.doubt
            suspects[answer.sha256] += 1
            kept = await anyio.to_thread.run_sync(set_aside, part)
            if self._is_all_there_is(doubt, suspects[answer.sha256]):
                await self._keep(
                    index, part, kept, await anyio.to_thread.run_sync(read_again, kept, self._params)
                )
                return None
            self._renewals[index] += 1
            renewals = self._renewals[index]
            if renewals > RENEWALS:
                break
            attempt.again(back_off(renewals, random()) if renewals > 1 else 0.0, doubt)
        return FetchTrouble(f"what arrives is incomplete, and different each time: {doubt}")

    async def _made_do(self, index: int, part: Path) -> bool:
        """No more can be had: the best that came whole is stored, in doubt or not; whether there is any.

        What a killed run had downloaded, and not put on record yet, is here too. A download that was broken off is
        not stored: the rest of it may come later.
        """
        best = (
            await anyio.to_thread.run_sync(best_of, part, self._params)
            if index < len(self._attempt.urls)
            else None
        )
        if best is not None:
            await self._keep(index, part, *best)
        return best is not None

    def _is_all_there_is(self, doubt: str, came: int) -> bool:
        """Whether a doubtful file is kept: it came again and again, or others did for the very same reason."""
        doubts = self._connection.doubts
        doubts[doubt] += came >= SURE_AFTER
        return came >= SURE_AFTER or doubts[doubt] >= USUAL_AFTER

    async def _renew(self, index: int, deadline: float) -> bool:
        """Ask for the task again, for one of its files: its answer holds fresh URLs.

        Without one, those that are known are all there is.
        """
        until = min(deadline, self._clocks.monotonic() + RENEW_WITHIN)
        task = await self._connection.client.task(self._attempt.task_id or "", deadline=until)
        self._missing[index] = self._missing[index] + 1 if isinstance(task, NotFound) else 0
        if not isinstance(task, Task) or task.status is not TaskStatus.SUCCEEDED or not task.urls:
            return False
        urls, places = results_of(self._attempt, task)
        if urls != self._attempt.urls:
            self._ledger.record(
                Succeeded(key=self._key, urls=urls, updated_at=task.updated_at, places=places)
            )
        return True

    async def _keep(self, index: int, part: Path, arrived: Path, file: ArrivedFile) -> None:
        """A file is here as a whole: it is stored once those before it are, since records hold them in order.

        Until then, also when a run ends, it stays among the downloads.
        """
        self._whole[index] = (self._attempt.urls[index], part, arrived, file)
        async with self._storing:
            while (ready := min(self._whole, default=None)) is not None:
                if ready > len(self._attempt.outputs):
                    return
                await self._store(ready, *self._whole.pop(ready))

    async def _store(self, index: int, url: str, part: Path, arrived: Path, file: ArrivedFile) -> None:
        """Where it can't be lost first, then on record, then under its name: no record is ahead of its file, and
        what is under a name here is never unknown to the records."""
        found = file.seen
        mime_type = found.mime_type or file.mime_type
        attempt = self._attempt
        known = attempt.outputs[index] if index < len(attempt.outputs) else None
        name = known.path if known else self._name(index, suffix_for(mime_type, url))
        output = Output(name, url, file.bytes, file.sha256, mime_type)
        owned = self._ledger.names_of(attempt.shot, attempt.take)
        name = await anyio.to_thread.run_sync(self._ledger.home.secure, arrived, output, owned)
        target = within(self._ledger.folder, name)
        make_folder(target.parent)
        stored = Stored(
            key=self._key,
            index=index,
            of=max(index + 1, len(self._attempt.urls)),
            path=name,
            url=url,
            bytes=file.bytes,
            sha256=file.sha256,
            mime_type=mime_type,
            mtime_ns=found.mtime_ns,
            media=found.media,
        )
        with anyio.CancelScope(shield=True):
            self._ledger.record(stored)
            await self._ledger.durable()
            await anyio.to_thread.run_sync(settle, arrived, target, file.sha256, part)

    def _name(self, index: int, suffix: str) -> str:
        """A name that no other attempt of the take has on record, which another one's clip may be under."""
        attempt = self._attempt
        name = output_name(attempt.shot, attempt.take, attempt.fingerprint, index, suffix)
        owned = self._ledger.names_of(attempt.shot, attempt.take)
        return unused_name(self._ledger.folder, name, owned) if name in owned else name
