"""Tasks and files as the simulator keeps them, as it writes them to disk, and as its API shows them.

On disk, each entry is one line of JSON, flushed at once, so that a killed simulator loses nothing it has
answered for. A torn last line (killed while writing: nobody got an answer for it) is cut off on opening.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from rivya_run.errors import OutputFolderError
from rivya_run.json_types import Json
from rivya_run.models.catalog import Catalog
from rivya_run.models.table import ModelTable
from rivya_run.simulator.options import Seconds, SimulatorOptions
from rivya_run.simulator.refusals import file_path
from rivya_run.times import iso

#: What a fault at the place ``task`` makes of a task: error code, whether its credits are kept.
FATES = {
    "failed": ("generation_failed", False),
    "charged": ("generation_failed", True),
    "moderated": ("content_rejected", False),
    "unfunded": ("insufficient_credits", False),
}
#: The faults at that place that spoil what a task makes.
FLAWS = frozenset({"black", "frozen", "brief", "mute"})
_MESSAGES = {
    "generation_failed": "The generation failed.",
    "content_rejected": "The content was rejected by moderation.",
    "insufficient_credits": "Not enough credits.",
}


@dataclass(frozen=True, slots=True)
class SimulatedTask:
    """A task. It is queued until ``starts`` and processing until ``ends`` (infinite: for ever)."""

    id: str
    account: str
    number: int
    key: str | None
    sha256: str
    model: str
    prompt: str | None
    params: dict[str, Json]
    client_request_id: str | None
    reserved: float
    created: float
    starts: float
    ends: float
    error: str | None
    charged: bool
    files: int
    settled: bool = False
    flaw: str | None = None

    @property
    def identity(self) -> str:
        """What faults and durations are drawn from."""
        return self.key or self.client_request_id or self.id

    def status(self, now: float) -> str:
        if now >= self.ends:
            return "failed" if self.error else "succeeded"
        return "processing" if now >= self.starts else "queued"

    @property
    def final(self) -> float:
        """Final credits once it has ended."""
        return self.reserved if self.error is None or self.charged else 0

    def updated(self, now: float) -> float:
        return max((at for at in (self.created, self.starts, self.ends) if at <= now), default=self.created)

    def error_body(self) -> dict[str, Json] | None:
        """The failure inside a failed task: no ``requestId``."""
        if self.error is None:
            return None
        return {"code": self.error, "message": _MESSAGES.get(self.error, self.error)}


@dataclass(frozen=True, slots=True)
class SimulatedFile:
    """An uploaded file; its content is not kept."""

    id: str
    account: str
    kind: str
    mime_type: str
    bytes: int
    sha256: str
    name: str
    model: str | None
    client_request_id: str | None
    duration_token: str | None
    created: float


def times_of(options: SimulatorOptions, identity: str, number: int, now: float) -> tuple[float, float]:
    """When a task of that identity starts and ends: drawn from the seed, never from timing."""
    digest = hashlib.sha256(f"{options.seed}|time|{identity}".encode("utf-8", "replace")).digest()
    waits = _drawn(options.queue_seconds, digest[:8], identity, number)
    runs = _drawn(options.run_seconds, digest[8:16], identity, number)
    starts = now + waits / options.speed
    return starts, starts + runs / options.speed


def _drawn(seconds: Seconds, chance: bytes, identity: str, number: int) -> float:
    if callable(seconds):
        return seconds(identity, number)
    low, high = seconds
    return low + (high - low) * int.from_bytes(chance, "big") / 2**64


FILE_NAME = "simulator.jsonl"


class EventLog:
    """The event log in a folder, open for appending. ``past`` holds the entries it had when it was opened."""

    def __init__(self, folder: Path, *, fsync: bool = False) -> None:
        self.path = folder / FILE_NAME
        self._fsync = fsync
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)
        self.past: list[dict[str, Json]] = list(read_event_log(self.path))
        self._file = self.path.open("ab")
        whole = self.path.read_bytes().rfind(b"\n") + 1
        if whole < self._file.tell():
            self._file.truncate(whole)

    def append(self, entry: dict[str, Json]) -> None:
        """Write a line; it is with the operating system (with ``fsync``: on disk) when this returns."""
        line = json.dumps(entry, separators=(",", ":")).encode() + b"\n"
        with self._lock:
            if self._file.closed:
                return
            self._file.write(line)
            self._file.flush()
            if self._fsync:
                os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file; later lines are dropped."""
        self._file.close()


def read_event_log(path: Path) -> Iterator[dict[str, Json]]:
    """The entries of an event log, without a torn last line. Raises OutputFolderError for damage before it."""
    if not path.exists():
        return
    for number, line in enumerate(path.read_bytes().split(b"\n")[:-1], start=1):
        try:
            entry = json.loads(line)
            if not isinstance(entry, dict):
                raise ValueError("not an object")
        except ValueError as error:
            raise OutputFolderError(
                f"the simulator's event log is damaged: {path}:{number}: {error}",
                hint="delete the folder of this simulated run and start it again",
            ) from error
        yield entry


def task_object(task: SimulatedTask, urls: list[str], now: float) -> dict[str, Json]:
    """A task as create and status replies show it at ``now``; ``urls`` are those of its results."""
    status = task.status(now)
    ended = status in ("succeeded", "failed")
    result: Json = {"primary_url": urls[0], "urls": list(urls)} if status == "succeeded" and urls else None
    return {
        "id": task.id,
        "status": status,
        "model": task.model,
        "reserved_credits": task.reserved,
        "final_credits": task.final if ended else 0,
        "created_at": iso(task.created),
        "updated_at": iso(task.updated(now)),
        "result": result,
        "error": task.error_body() if status == "failed" else None,
    }


def file_object(file: SimulatedFile, origin: str) -> dict[str, Json]:
    """A file as upload and file replies show it. Published: ``id``, ``url``, ``duration_token``."""
    return {
        "id": file.id,
        "object": "file",
        "url": origin + file_path(file.id, file.name),
        "kind": file.kind,
        "name": file.name,
        "mime_type": file.mime_type,
        "size_bytes": file.bytes,
        "duration_token": file.duration_token,
        "client_request_id": file.client_request_id,
        "created_at": iso(file.created),
    }


def model_list(catalog: Catalog, changes: Mapping[str, Mapping[str, Json] | None]) -> dict[str, Json]:
    """The list of models. ``changes`` replaces fields of an entry, adds one, or (None) takes it away."""
    entries: dict[str, dict[str, Json]] = {table.id: _model(table) for table in catalog.all()}
    for model_id, change in changes.items():
        if change is None:
            entries.pop(model_id, None)
        else:
            entries[model_id] = {**entries.get(model_id, {"id": model_id}), **change}
    return {"object": "list", "data": list(entries.values())}


def _model(table: ModelTable) -> dict[str, Json]:
    # The element shapes of `params` and `reference_media` are published nowhere: left empty, as on the page.
    text_only = table.references is None
    return {
        "id": table.id,
        "display_name": table.display_name,
        "category": table.category,
        "runtime": "async_task",
        "base_credits": table.base_credits,
        "billing_type": table.billing_type,
        "supported_modes": [f"text-to-{table.category}"],
        "max_prompt_length": table.max_prompt_length,
        "reference_media": None,
        "params": [],
        "api_status": "available",
        "api_input_status": "available_text" if text_only else "partial_requires_files",
        "supported_api_inputs": ["text"] if text_only else ["text", "files"],
        "requires_files_api": table.requires_files,
        "requires_upload_for_modes": [],
        "url_input_supported": False,
        "file_kinds": list(table.references.kinds) if table.references is not None else [],
        "chat_capabilities": None,
        "notices": [],
    }


def openapi() -> dict[str, Json]:
    """A contract without schemas: the paths that are simulated."""
    paths: dict[str, Json] = {
        "/api/v1/models": {"get": {"summary": "List models"}},
        "/api/v1/generations": {"post": {"summary": "Create a task"}},
        "/api/v1/generations/{taskId}": {"get": {"summary": "Read a task"}},
        "/api/v1/files": {"post": {"summary": "Upload a reference file"}},
        "/api/v1/files/{fileId}": {"get": {"summary": "Read a file's metadata"}},
        "/api/v1/credits": {"get": {"summary": "Read the balance"}},
    }
    return {"openapi": "3.1.0", "info": {"title": "Rivya simulator", "version": "1"}, "paths": paths}
