"""The public objects of the API, in the shapes its pages publish."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from rivya_run.models.catalog import Catalog
from rivya_run.records import Json
from rivya_run.records.tables import ModelTable
from rivya_run.simulator.tasks import SimulatedFile, SimulatedTask
from rivya_run.simulator.validation import file_path


def iso(seconds: float) -> str:
    """``2026-05-11T00:00:00.000Z``."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


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
