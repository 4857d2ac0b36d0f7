"""What a parameter table may look like: the JSON Schema that every table file is checked against."""

from __future__ import annotations

from rivya_run.json_types import Json
from rivya_run.models.table import ID_PATTERN, KINDS

MODEL_ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
_TEXT: dict[str, Json] = {"type": "string"}
_NAME: dict[str, Json] = {"type": "string", "minLength": 1, "pattern": r"\S"}
_FLAG: dict[str, Json] = {"type": "boolean"}
_NUMBER: dict[str, Json] = {"type": "number"}
_NAMES: dict[str, Json] = {"type": "array", "items": _NAME, "minItems": 1, "uniqueItems": True}


def table_schema() -> dict[str, Json]:
    """The draft-07 schema of ``tables/*.yaml`` and of a project's ``models/*.yaml``."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "rivya-run parameter table",
        "description": "What one Rivya model takes, as its page says.",
        **_mapping(_table_keys(), ["id", "display_name", "category", "complete", "params"]),
        "definitions": {
            "row": _row(),
            "references": _references(),
            "advice": _advice(),
        },
    }


def _mapping(properties: dict[str, Json], required: list[str]) -> dict[str, Json]:
    names: list[Json] = list(required)
    return {"type": "object", "properties": properties, "required": names, "additionalProperties": False}


def _said(description: str, shape: dict[str, Json]) -> Json:
    return {"description": description, **shape}


def _table_keys() -> dict[str, Json]:
    rows: dict[str, Json] = {"type": "array", "items": {"$ref": "#/definitions/row"}}
    advice: dict[str, Json] = {"type": "array", "items": {"$ref": "#/definitions/advice"}}
    return {
        "id": _said(
            "The model's id; the file's name without .yaml", {"type": "string", "pattern": MODEL_ID_PATTERN}
        ),
        "display_name": _said("The name that people read", _NAME),
        "category": _said("video, image or audio", _NAME),
        "base_credits": _said("Credits at default parameters", {"type": "number", "minimum": 0}),
        "billing_type": _said("FIXED, METERED, ...", _TEXT),
        "max_prompt_length": _said(
            "Most characters (code points) of a prompt; absent: no limit", {"type": "integer", "minimum": 1}
        ),
        "prompt_required": _said("Whether a request needs a prompt; absent: true", _FLAG),
        "requires_files": _said("Whether every request needs a reference; absent: false", _FLAG),
        "files_api": _said("The page's words on the Files API", _TEXT),
        "source_url": _said("The page that was read", _TEXT),
        "read_on": _said(
            "The day it was read, in quotes", {"type": "string", "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}
        ),
        "complete": _said("false: rows may be missing, so unknown keys are only advice", _FLAG),
        "note": _said("What else the page says", _TEXT),
        "api_status": _said(
            "available, coming_soon or studio_only; absent: available as far as is known", _NAME
        ),
        "params": _said("One row for each parameter", rows),
        "references": _said(
            "Which files may come along; absent: none known", {"$ref": "#/definitions/references"}
        ),
        "advice": _said("Combinations that people should know about", advice),
    }


def _row() -> Json:
    plain: dict[str, Json] = {"type": ["string", "number"]}
    types: list[Json] = ["select", "number", "text", "array"]
    return _mapping(
        {
            "key": _said("The parameter, spelt as the API spells it", _NAME),
            "type": _said("The page's word", {"enum": types}),
            "required": _said("absent: false", _FLAG),
            "default": _said("A select's default is its option's text, in quotes", plain),
            "min": _said("The smallest number", _NUMBER),
            "max": _said("The largest number", _NUMBER),
            "step": _said("Steps are counted from min", {"type": "number", "exclusiveMinimum": 0}),
            "options": _said("The options of a select, each in quotes", _NAMES),
            "description": _said("What it is", _TEXT),
            "items": _said(
                "The fields of each element of an array",
                {"type": "array", "minItems": 1, "items": {"$ref": "#/definitions/row"}},
            ),
        },
        ["key", "type"],
    ) | {
        "if": {"properties": {"type": {"const": "select"}}},
        "then": {"required": ["options"]},
    }


def _references() -> Json:
    kinds: list[Json] = list(KINDS)
    kind: dict[str, Json] = {"enum": kinds}
    limit = _mapping(
        {
            "kind": kind,
            "max_mb": _said("Megabytes of 1024 * 1024 bytes", {"type": "number", "exclusiveMinimum": 0}),
            "mime": _NAMES,
        },
        ["kind", "max_mb", "mime"],
    )
    return _mapping(
        {
            "max_files": {"type": "integer", "minimum": 1},
            "kinds": {"type": "array", "minItems": 1, "uniqueItems": True, "items": kind},
            "rule": _said("The page's words", _TEXT),
            "limits": {"type": "array", "items": limit},
        },
        ["max_files", "kinds"],
    )


def _advice() -> Json:
    return _mapping(
        {
            "code": _said("Stable name", {"type": "string", "pattern": ID_PATTERN}),
            "message": _said("What people are shown", _NAME),
            "when": _said(
                "Parameter -> values (in quotes): holds when each was sent with one of them",
                {"type": "object", "minProperties": 1, "additionalProperties": _NAMES},
            ),
            "written": _said("Parameters that a person must have written", _NAMES),
            "references": _said("true: only with references; false: only without", _FLAG),
        },
        ["code", "message"],
    )
