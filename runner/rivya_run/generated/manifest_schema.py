"""The JSON Schema of ``manifest.json``, for tools that read what a run made.

Unknown keys are allowed everywhere: later versions may add facts without breaking readers.
"""

from __future__ import annotations

from rivya_run.records import Json
from rivya_run.records.history import TakeStatus
from rivya_run.storyboard.language import KINDS

_COUNT: dict[str, Json] = {"type": "integer", "minimum": 0}
_NUMBER: dict[str, Json] = {"type": "number"}
_CREDITS: dict[str, Json] = {"type": ["number", "null"], "minimum": 0}
_TEXT: dict[str, Json] = {"type": "string"}
_TEXT_OR_NULL: dict[str, Json] = {"type": ["string", "null"]}
_SHA: dict[str, Json] = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_TAKE: dict[str, Json] = {"type": "integer", "minimum": 1}
_TAKE_OR_NULL: dict[str, Json] = {"type": ["integer", "null"], "minimum": 1}


def manifest_schema() -> dict[str, Json]:
    """The draft-07 schema of the manifest, version 1."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "rivya-run manifest",
        "description": "What a storyboard's takes became: status, cost and files. Derived from the journal.",
        **_object(_document()),
        "definitions": {
            "shot": _object(_shot(), optional=("title", "tags", "notes")),
            "take": _object(_take(), optional=_LATER),
            "earlier": _object(_without(_take(), "attempts"), optional=_LATER),
            "past": _object(
                {"shot": _said(_TEXT, "The shot that it was made for"), **_take()}, optional=_LATER
            ),
            "output": _object(_output(), optional=("first_sha256", "width", "height", "duration")),
            "upload": _object(_upload()),
            "error": _object(
                {
                    "code": _said(_TEXT, "The API's code, as it came"),
                    "message": _TEXT,
                    "request_id": _TEXT_OR_NULL,
                }
            ),
        },
    }


_LATER = ("estimated_credits", "parents", "timeline", "given_up", "api_sent_at")


def _said(shape: dict[str, Json], description: str) -> dict[str, Json]:
    return {**shape, "description": description}


def _object(properties: dict[str, Json], optional: tuple[str, ...] = ()) -> dict[str, Json]:
    required: list[Json] = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}


def _list(of: str, description: str) -> dict[str, Json]:
    return {"type": "array", "items": {"$ref": f"#/definitions/{of}"}, "description": description}


def _without(properties: dict[str, Json], name: str) -> dict[str, Json]:
    return {key: shape for key, shape in properties.items() if key != name}


def _document() -> dict[str, Json]:
    return {
        "version": {"const": 1, "description": "The version of the manifest's form"},
        "storyboard": _object(
            {
                "id": _TEXT,
                "path": _said(_TEXT, "Relative to the project root, with forward slashes"),
                "sha256": _said(_SHA, "Of the file's bytes when the manifest was written"),
            }
        ),
        "updated_at": _said(_TEXT, "UTC, ISO 8601"),
        "base_url": _said(_TEXT, "The API origin; 'simulator' for simulated results"),
        "totals": _object(_totals()),
        "shots": _list("shot", "In the order of the storyboard"),
        "uploads": _list("upload", "Reference files that were sent"),
        "history": _list("past", "What no present shot asks for; paid, and never made again"),
    }


def _totals() -> dict[str, Json]:
    return {
        "takes": _said(_COUNT, "Present takes"),
        "succeeded": _COUNT,
        "failed": _COUNT,
        "pending": _said(_COUNT, "Planned, sent or running"),
        "unknown": _said(_COUNT, "Created or not: nobody knows; they await a decision"),
        "reserved_credits": _said(_NUMBER, "Sum over the present takes"),
        "final_credits": _said(_NUMBER, "Sum over the present takes"),
        "spent_credits": _said(
            _NUMBER, "Everything this storyboard ever cost, all attempts and history included"
        ),
    }


def _shot() -> dict[str, Json]:
    return {
        "id": _TEXT,
        "scene": _TEXT_OR_NULL,
        "pick": _said(_TAKE_OR_NULL, "The take chosen in the storyboard; null: the first that succeeded"),
        "skipped": {"type": "boolean"},
        "title": _TEXT,
        "tags": {"type": "array", "items": _TEXT},
        "notes": _TEXT,
        "takes": _list("take", "In their order"),
    }


def _take() -> dict[str, Json]:
    statuses: list[Json] = [status.value for status in TakeStatus]
    parent = _object({"shot": _TEXT, "take": _TAKE, "sha256": _SHA})
    moment = _object({"status": _TEXT, "at": _TEXT})
    return {
        "take": _TAKE,
        "status": {
            "enum": statuses,
            "description": "planned, sent (no answer yet, will be resent), pending (a task exists), "
            "succeeded (files on disk), failed, unknown (awaits a decision)",
        },
        "model": _TEXT,
        "fingerprint": {
            "type": ["string", "null"],
            "pattern": "^sha256:[0-9a-f]{64}$",
            "description": "sha256 of what the take is made from",
        },
        "client_request_id": _said(_TEXT_OR_NULL, "Also the Idempotency-Key of the create"),
        "attempt": _said(_COUNT, "0 where none was made"),
        "task_id": _said(_TEXT_OR_NULL, "The job at Rivya"),
        "attempts": _list("earlier", "The attempts before this one, with what they cost"),
        "request": {"type": ["object", "null"], "description": "The body as it was sent"},
        "sent_at": _said(_TEXT_OR_NULL, "By the clock of the machine that sent it"),
        "api_sent_at": _said(_TEXT, "The same moment by the API's clock, where that was heard"),
        "reserved_credits": _CREDITS,
        "final_credits": _CREDITS,
        "estimated_credits": _CREDITS,
        "created_at": _said(_TEXT_OR_NULL, "As the API wrote it"),
        "updated_at": _said(_TEXT_OR_NULL, "As the API wrote it"),
        "parents": {
            "type": "array",
            "items": parent,
            "description": "The takes whose results it was made from",
        },
        "timeline": {"type": "array", "items": moment, "description": "When it was seen in which status"},
        "given_up": _said({"type": "boolean"}, "Its outcome was never known; a later attempt replaced it"),
        "outputs": _list("output", "The files, the main one first"),
        "error": {
            "if": {"type": "object"},
            "then": {"$ref": "#/definitions/error"},
            "else": {"type": "null"},
            "description": "Why it failed; null otherwise",
        },
    }


def _output() -> dict[str, Json]:
    return {
        "path": _said(_TEXT, "Relative to the manifest, with forward slashes"),
        "url": _said(_TEXT_OR_NULL, "Where it was fetched from; it may have expired"),
        "bytes": _COUNT,
        "sha256": _SHA,
        "first_sha256": _said(
            _SHA,
            "Of the bytes that came first, where others came later; what is made from the file goes by it",
        ),
        "mime_type": _TEXT_OR_NULL,
        "width": _said(_NUMBER, "Pixels"),
        "height": _said(_NUMBER, "Pixels"),
        "duration": _said(_NUMBER, "Seconds"),
    }


def _upload() -> dict[str, Json]:
    kinds: list[Json] = list(KINDS)
    return {
        "sha256": _SHA,
        "path": _TEXT,
        "kind": {"enum": kinds},
        "model": _said(_TEXT_OR_NULL, "The model whose rules it was checked by"),
        "mime_type": _TEXT_OR_NULL,
        "bytes": _COUNT,
        "url": _said(_TEXT, "What the request sends"),
        "file_id": _TEXT_OR_NULL,
        "uploaded_at": _TEXT,
        "duration_token": _TEXT_OR_NULL,
    }
