"""The JSON Schema of ``manifest.json``, for tools that read what a run made.

Unknown keys are allowed everywhere: later versions may add facts without breaking readers.
"""

from __future__ import annotations

from collections.abc import Mapping

from rivya_run.journal.attempt import MOST_CREDITS, TakeStatus
from rivya_run.json_types import Json
from rivya_run.models.table import ID_PATTERN, KINDS
from rivya_run.storyboard.language import MAX_TAKES, URL_PATTERN, WINDOWS_DEVICES

_LONGEST_TEXT = 16_384
"""Characters: what the API says is cut at 4,000, and our own messages quote it."""

_LONGEST_URL = 32_768
"""Characters: four times what is accepted of the API, for a URL that was quoted."""

_LARGEST = 2**53 - 1
"""Bytes: the largest number that every reader of JSON gets whole."""

_DEVICES = "|".join(
    "".join(f"[{x.upper()}{x}]" if x.isalpha() else x for x in one) for one in sorted(WINDOWS_DEVICES)
)
_ID_BODY = ID_PATTERN.strip("^$")
_TIME_PATTERN = (
    r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
    r"(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})$"
)
_API_ID_PATTERN = r"^(?!\.{1,2}$)[^\u0000-\u001f\u007f-\u009f]+$"

_COUNT: dict[str, Json] = {"type": "integer", "minimum": 0}
_BYTES: dict[str, Json] = {"type": "integer", "minimum": 0, "maximum": _LARGEST}
_NUMBER: dict[str, Json] = {"type": "number", "minimum": 0}
_FACT: dict[str, Json] = {"type": "number", "minimum": 0, "maximum": _LARGEST}
_CREDITS: dict[str, Json] = {"type": ["number", "null"], "minimum": 0, "maximum": MOST_CREDITS}
_TEXT: dict[str, Json] = {"type": "string"}
_SHORT_TEXT: dict[str, Json] = {"type": "string", "maxLength": _LONGEST_TEXT}
_SHORT_TEXT_OR_NULL: dict[str, Json] = {"type": ["string", "null"], "maxLength": _LONGEST_TEXT}
_TEXT_OR_NULL: dict[str, Json] = {"type": ["string", "null"]}
_ID: dict[str, Json] = {
    "type": "string",
    "pattern": f"^(?!({_DEVICES})$){_ID_BODY}$",
    "title": "an id (letters, digits, '-' and '_', at most 64)",
}
_NAME: dict[str, Json] = {"type": "string", "minLength": 1, "maxLength": 200}
_SHA: dict[str, Json] = {"type": "string", "pattern": "^[0-9a-f]{64}$", "title": "a sha256 of 64 hex digits"}
_API_ID: dict[str, Json] = {
    "type": ["string", "null"],
    "maxLength": 512,
    "pattern": _API_ID_PATTERN,
    "title": "an id of the API's",
}
_TIME: dict[str, Json] = {
    "type": "string",
    "pattern": _TIME_PATTERN,
    "title": "a time like 2026-05-11T00:00:00.000Z",
}
_TIME_OR_NULL: dict[str, Json] = {**_TIME, "type": ["string", "null"]}
_FILE: dict[str, Json] = {
    "type": "string",
    "maxLength": 255,
    "pattern": f"^(?!({_DEVICES})/){_ID_BODY}/(?!({_DEVICES})([.]|$))[A-Za-z0-9_][A-Za-z0-9._-]*(?<![.])$",
    "title": "a file in the folder of a shot, '<shot>/<file>'",
}
_TAKE: dict[str, Json] = {"type": "integer", "minimum": 1, "maximum": MAX_TAKES}
_TAKE_OR_NULL: dict[str, Json] = {**_TAKE, "type": ["integer", "null"]}

NEEDED: Mapping[str, tuple[str, ...]] = {
    "document": ("shots",),
    "shot": ("id", "takes"),
    "take": ("take", "status"),
    "earlier": ("take", "status"),
    "past": ("shot", "take", "status"),
    "output": ("path", "bytes", "sha256"),
    "still": ("path", "sha256", "bytes"),
    "parent": ("shot", "take", "sha256"),
    "moment": ("status", "at"),
    "upload": ("sha256", "path", "kind", "model", "bytes", "url"),
    "error": ("code", "message"),
}
"""What a manifest can't be read without. The rest of what the schema requires an older program may have left out."""


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
                {"shot": _said(_ID, "The shot that it was made for"), **_take()}, optional=_LATER
            ),
            "output": _object(_output(), optional=_MEASURED),
            "still": _object({"frame": _SHORT_TEXT, "path": _FILE, "sha256": _SHA, "bytes": _BYTES}),
            "parent": _object({"shot": _ID, "take": _TAKE, "sha256": _SHA}),
            "moment": _object({"status": _SHORT_TEXT, "at": _SHORT_TEXT}),
            "upload": _object(_upload()),
            "error": _object(
                {
                    "code": _said(_SHORT_TEXT, "The API's code, as it came"),
                    "message": _SHORT_TEXT,
                    "request_id": _SHORT_TEXT_OR_NULL,
                }
            )
            | {"type": ["object", "null"]},
        },
    }


_MEASURED = ("first_sha256", "removed", "width", "height", "duration", "frames")
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
        "version": {
            "const": 1,
            "description": "The version of the manifest's form",
        },
        "storyboard": _object(
            {
                "id": _ID,
                "title": _TEXT_OR_NULL,
                "path": _said(
                    {
                        "type": "string",
                        "maxLength": 4096,
                        "pattern": r"^[^\u0000-\u001f]*$",
                        "title": "a path",
                    },
                    "Relative to the project root, with forward slashes",
                ),
                "sha256": _said(_SHA, "Of the file's bytes when the manifest was written"),
            },
            optional=("title",),
        ),
        "updated_at": _said(_SHORT_TEXT, "UTC, ISO 8601"),
        "base_url": _said(_SHORT_TEXT, "The API origin; 'simulator' for simulated results"),
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
        "id": _ID,
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
    return {
        "take": _TAKE,
        "status": {
            "enum": statuses,
            "description": "planned, sent (no answer yet, will be resent), pending (a task exists), "
            "succeeded (files on disk), failed, unknown (awaits a decision)",
        },
        "model": _NAME,
        "fingerprint": {
            "type": ["string", "null"],
            "pattern": "^sha256:[0-9a-f]{64}$",
            "title": "a fingerprint ('sha256:' and 64 hex digits)",
            "description": "sha256 of what the take is made from",
        },
        "client_request_id": {
            "type": ["string", "null"],
            "pattern": r"^[A-Za-z0-9._-]{1,128}$",
            "title": "a client request id (letters, digits, '.', '_' and '-', at most 128)",
            "description": "Also the Idempotency-Key of the create",
        },
        "attempt": _said({**_COUNT, "maximum": 9999}, "0 where none was made"),
        "task_id": _said(_API_ID, "The job at Rivya"),
        "attempts": _list("earlier", "The attempts before this one, with what they cost"),
        "request": {"type": ["object", "null"], "description": "The body as it was sent"},
        "sent_at": _said(_TIME_OR_NULL, "By the clock of the machine that sent it"),
        "api_sent_at": _said(_TIME, "The same moment by the API's clock, where that was heard"),
        "reserved_credits": _CREDITS,
        "final_credits": _CREDITS,
        "estimated_credits": _CREDITS,
        "created_at": _said(_SHORT_TEXT_OR_NULL, "As the API wrote it"),
        "updated_at": _said(_SHORT_TEXT_OR_NULL, "As the API wrote it"),
        "parents": _list("parent", "The takes whose results it was made from"),
        "timeline": _list("moment", "When it was seen in which status"),
        "given_up": _said({"type": "boolean"}, "Its outcome was never known; a later attempt replaced it"),
        "outputs": _list("output", "The files, the main one first"),
        "error": {
            "allOf": [{"$ref": "#/definitions/error"}],
            "description": "Why it failed; null otherwise",
        },
    }


def _output() -> dict[str, Json]:
    return {
        "path": _said(_FILE, "Relative to the manifest, with forward slashes"),
        "url": _said(
            {
                "type": ["string", "null"],
                "maxLength": _LONGEST_URL,
                "pattern": r"^[Hh][Tt][Tt][Pp][Ss]?://[^\u0000-\u001f]+$",
                "title": "an http(s) URL",
            },
            "Where it was fetched from; it may have expired",
        ),
        "bytes": _BYTES,
        "sha256": _SHA,
        "first_sha256": _said(
            _SHA,
            "Of the bytes that came first, where others came later; what is made from the file goes by it",
        ),
        "mime_type": _SHORT_TEXT_OR_NULL,
        "removed": _said({"type": "boolean"}, "clean removed it"),
        "width": _said(_FACT, "Pixels"),
        "height": _said(_FACT, "Pixels"),
        "duration": _said(_FACT, "Seconds"),
        "frames": _list("still", "Stills that were taken out of it, for shots that are made from it"),
    }


def _upload() -> dict[str, Json]:
    kinds: list[Json] = list(KINDS)
    return {
        "sha256": _SHA,
        "path": _said(
            {
                "type": "string",
                "minLength": 1,
                "maxLength": 4096,
                "pattern": r"^[^\u0000]*$",
                "title": "a path",
            },
            "As the storyboard names it",
        ),
        "kind": {"enum": kinds},
        "model": _said(_NAME, "The model whose rules it was checked by"),
        "mime_type": _SHORT_TEXT_OR_NULL,
        "bytes": _BYTES,
        "url": _said(
            {
                "type": "string",
                "maxLength": _LONGEST_URL,
                "pattern": URL_PATTERN,
                "title": "an https URL (plain http only to this machine)",
            },
            "What the request sends",
        ),
        "file_id": _API_ID,
        "uploaded_at": _TIME,
        "duration_token": _SHORT_TEXT_OR_NULL,
    }
