"""Uploads of reference files: each content once for each kind and model, and remembered across runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

import anyio

from rivya_run.engine.connection import ApiConnection
from rivya_run.engine.records import RunLedger
from rivya_run.engine.stop import Stop
from rivya_run.journal.attempt import ApiError
from rivya_run.journal.events import Uploaded
from rivya_run.journal.fingerprint import upload_request_id
from rivya_run.journal.fold import UploadKey
from rivya_run.journal.manifest_form import Upload
from rivya_run.journal.sending_age import Moment, seconds_since
from rivya_run.json_types import Json
from rivya_run.progress import Event
from rivya_run.project.ledger import upload_event
from rivya_run.project.outputs import sha256_of
from rivya_run.provider.interface import NotFound, Refused, Unanswered
from rivya_run.times import seconds_of

TRUSTED_FOR = 3600.0
"""Seconds for which an upload is used without asking whether it is still there (contract, section 3)."""

LOOK_AGAIN = 0.25
"""Seconds between two looks whether another one's upload has ended."""


@dataclass(frozen=True, slots=True)
class ReferenceFile:
    """A file to be sent. ``name`` is what people call it (its path as written)."""

    path: Path
    name: str
    sha256: str
    bytes: int
    kind: str
    mime_type: str


@dataclass(frozen=True, slots=True)
class NotUploaded:
    """Why a file isn't there. ``error`` says that it won't be, however often it is sent."""

    message: str
    error: ApiError | None = None


class SharedUploads(Protocol):
    """The uploads of all storyboards of an account, each content once."""

    def claim(self, key: UploadKey, stale: Uploaded | None) -> Uploaded | bool:
        """The upload of a content, unless it is the one that holds no more; else whether it is this one's to make:
        not while another one is at it. For any thread."""

    def publish(self, key: UploadKey, made: Uploaded | None) -> None:
        """Tell the others of an upload, or that none was made. For any thread."""


class Uploader:
    """Uploads for one storyboard."""

    def __init__(
        self,
        storyboard: str,
        ledger: RunLedger,
        connection: ApiConnection,
        stop: Stop,
        wall: Callable[[], float],
        tell: Callable[[Event], None],
        shared: SharedUploads | None = None,
    ) -> None:
        """``storyboard`` is its id; ``shared`` are the uploads of other storyboards of the account, where these are
        known."""
        self._shared = shared
        self._storyboard = storyboard
        self._ledger = ledger
        self._client = connection.client
        self._at_once = connection.uploads
        self._stop = stop
        self._wall = wall
        self._tell = tell
        self._locks: defaultdict[UploadKey, anyio.Lock] = defaultdict(anyio.Lock)
        self._sure: set[UploadKey] = set()

    async def url_of(self, file: ReferenceFile, model: str, deadline: float) -> Upload | NotUploaded:
        """The upload of this content, made now if there is none that still holds."""
        key = (file.sha256, file.kind, model)
        async with self._locks[key]:
            known = self._ledger.history.uploads.get(key)
            if known is not None and (key in self._sure or await self._holds(known, deadline)):
                self._sure.add(key)
                return known
            if self._shared is None:
                return await self._sent(file, model, key, deadline)
            return await self._sent_by_one(self._shared, file, model, key, deadline)

    async def _sent_by_one(
        self, shared: SharedUploads, file: ReferenceFile, model: str, key: UploadKey, deadline: float
    ) -> Upload | NotUploaded:
        """The upload that another storyboard made or is making, where it holds; else this one makes it for all."""
        stale: Uploaded | None = None
        while True:
            found = await anyio.to_thread.run_sync(shared.claim, key, stale)
            if isinstance(found, Uploaded):
                self._ledger.record(found)
                upload = self._ledger.history.uploads[key]
                if await self._holds(upload, deadline):
                    self._sure.add(key)
                    return upload
                stale = found
            elif found:
                break
            elif anyio.current_time() > deadline:
                return NotUploaded(f"{file.name}: another one's upload of the same file doesn't end")
            else:
                await anyio.sleep(LOOK_AGAIN)
        done: Uploaded | None = None
        try:
            sent = await self._sent(file, model, key, deadline)
            if isinstance(sent, Upload):
                done = upload_event(sent)
            return sent
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(shared.publish, key, done)

    async def _sent(
        self, file: ReferenceFile, model: str, key: UploadKey, deadline: float
    ) -> Upload | NotUploaded:
        async with self._at_once:
            stop = self._stop.outcome
            if stop is not None:
                return NotUploaded(f"{file.name}: not uploaded: {stop.message}")
            return await self._send(file, model, key, deadline)

    async def _holds(self, upload: Upload, deadline: float) -> bool:
        """Whether an upload can still be used: young, or the API still has it."""
        sent = seconds_of(upload.uploaded_at)
        age = seconds_since(Moment(sent) if sent is not None else None, Moment(self._wall()))
        if age is not None and age < TRUSTED_FOR:
            return True
        if upload.file_id is None:
            return False
        found = await self._client.file(upload.file_id, deadline=deadline)
        return not isinstance(found, NotFound | Unanswered)

    async def _send(
        self, file: ReferenceFile, model: str, key: UploadKey, deadline: float
    ) -> Upload | NotUploaded:
        trouble = await anyio.to_thread.run_sync(_trouble, file)
        if trouble is not None:
            return NotUploaded(f"{file.name}: {trouble}", ApiError("reference", trouble))
        answer = await self._client.upload(
            file.path,
            kind=file.kind,
            model=model,
            mime_type=file.mime_type,
            trace_id=upload_request_id(self._storyboard, file.sha256),
            name=PurePosixPath(file.name).name,
            deadline=deadline,
        )
        if isinstance(answer, Refused):
            return NotUploaded(f"{file.name}: upload refused: {answer.error.message}", answer.error)
        if isinstance(answer, Unanswered):
            return NotUploaded(f"{file.name}: upload failed: {answer.last}")
        self._ledger.record(
            Uploaded(
                sha256=file.sha256,
                kind=file.kind,
                model=model,
                path=file.name,
                mime_type=file.mime_type,
                bytes=file.bytes,
                url=answer.url,
                file_id=answer.file_id,
                duration_token=answer.duration_token,
            )
        )
        self._sure.add(key)
        detail: dict[str, Json] = {"path": file.name, "bytes": file.bytes}
        self._tell(Event("uploaded", storyboard=self._storyboard, detail=detail))
        return self._ledger.history.uploads[key]


def _trouble(file: ReferenceFile) -> str | None:
    """Why a file can't be sent as what it was when the plan was made: the take is paid for by its content."""
    try:
        return None if sha256_of(file.path) == file.sha256 else "it was changed since this run began"
    except OSError as error:
        return f"it can't be read: {error.strerror}"
