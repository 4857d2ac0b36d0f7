"""Results on their way to disk: fetched as soon as they are there, checked, renamed, on record."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import anyio

from rivya_run.board import Board
from rivya_run.client import Missing
from rivya_run.downloads import Expired, Fetched, fetch
from rivya_run.errors import OutputFolderError
from rivya_run.measuring import measured
from rivya_run.media import Incomplete, Unreadable, completeness
from rivya_run.outputs import file_trouble, output_name, place, suffix_for, within
from rivya_run.records.history import Attempt
from rivya_run.records.journal import Stored, Succeeded
from rivya_run.records.wire import Task, TaskStatus
from rivya_run.signatures import HEAD_BYTES, recognise

RENEWALS = 5
"""How often an expired URL is renewed by asking for the task again, before the take is left for the next run."""

LARGEST = 4 * 1024**3
"""Bytes of one result that are accepted; the longest clips of the tables stay far below."""


@dataclass(frozen=True, slots=True)
class NotFetched:
    """Why a file isn't there: the take stays as it is, and is only fetched by the next run."""

    message: str


class Fetcher:
    """Fetches the files of one attempt whose task succeeded."""

    def __init__(self, board: Board, key: str) -> None:
        self._board = board
        self._key = key
        self._renewals = 0

    async def fetch_all(self, deadline: float) -> NotFetched | None:
        """Every file that isn't on disk yet. Raises DiskFull or OutputFolderError."""
        if not self._attempt.urls:
            await self._renew(deadline)
        index = 0
        while index < len(self._attempt.urls):
            if not self._there(index):
                trouble = await self._fetch(index, deadline)
                if trouble is not None:
                    return trouble
            index += 1
        return None if index else NotFetched("the API names no file for this task")

    @property
    def _attempt(self) -> Attempt:
        return self._board.attempt(self._key)

    def _there(self, index: int) -> bool:
        outputs = self._attempt.outputs
        return index < len(outputs) and file_trouble(self._board.folder, outputs[index]) is None

    async def _fetch(self, index: int, deadline: float) -> NotFetched | None:
        """One file, renewing its URL and fetching it again where what came isn't whole."""
        part = within(self._board.folder, self._name(index, ".part"))
        part.parent.mkdir(parents=True, exist_ok=True)
        suspect: str | None = None
        while True:
            async with self._board.session.downloads:
                answer = await fetch(
                    self._board.http,
                    self._attempt.urls[index],
                    part,
                    max_bytes=LARGEST,
                    deadline=deadline,
                )
            if isinstance(answer, Expired):
                if not await self._renewed(deadline):
                    return NotFetched(f"its URL has expired and could not be renewed: {answer.reason}")
                continue
            if not isinstance(answer, Fetched):
                return NotFetched(answer.reason)
            doubt = await anyio.to_thread.run_sync(_doubt, part)
            if doubt is None or suspect == answer.sha256:
                await self._store(index, part, answer, doubt)
                return None
            # Not whole, it seems: what the same URL gives twice is what there is.
            suspect = answer.sha256
            part.unlink(missing_ok=True)
            await self._renewed(deadline)

    async def _renewed(self, deadline: float) -> bool:
        self._renewals += 1
        return self._renewals <= RENEWALS and await self._renew(deadline)

    async def _renew(self, deadline: float) -> bool:
        """Ask for the task again: its answer holds fresh URLs."""
        task = await self._board.client.task(self._attempt.task_id or "", deadline=deadline)
        if isinstance(task, Missing) or not isinstance(task, Task):
            return False
        if task.status is not TaskStatus.SUCCEEDED or not task.urls:
            return False
        if task.urls != self._attempt.urls:
            self._board.record(Succeeded(self._key, task.urls, updated_at=task.updated_at))
        return True

    async def _store(self, index: int, part: Path, got: Fetched, doubt: str | None) -> None:
        mime_type = _signature(part) or got.mime_type
        known = self._attempt.outputs[index] if index < len(self._attempt.outputs) else None
        url = self._attempt.urls[index]
        name = known.path if known else self._name(index, suffix_for(mime_type, url))
        target = within(self._board.folder, name)
        try:
            await anyio.to_thread.run_sync(place, part, target, got.sha256)
        except OSError as error:
            raise OutputFolderError(f"{target}: can't be written: {error.strerror}") from error
        media = await anyio.to_thread.run_sync(measured, target, doubt)
        self._board.record(
            Stored(
                self._key,
                index,
                len(self._attempt.urls),
                name,
                url,
                got.bytes,
                got.sha256,
                mime_type,
                target.stat().st_mtime_ns,
                media,
            )
        )

    def _name(self, index: int, suffix: str) -> str:
        attempt = self._attempt
        return output_name(attempt.shot, attempt.take, attempt.fingerprint, index, suffix)


def _doubt(part: Path) -> str | None:
    """Why a complete download may not be a whole clip, as far as its own packets tell."""
    found = completeness(part)
    return found.reason if isinstance(found, Incomplete | Unreadable) else None


def _signature(path: Path) -> str | None:
    with path.open("rb") as file:
        found = recognise(file.read(HEAD_BYTES))
    return found.mime_type if found is not None else None
