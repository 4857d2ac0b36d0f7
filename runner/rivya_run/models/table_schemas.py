"""The tables and JSON Schema: what a table's file may look like, and what ``params`` may hold for each model."""

from __future__ import annotations

from decimal import Decimal
from typing import get_args

from rivya_run.json_types import Json
from rivya_run.models.lengths import takes_lengths
from rivya_run.models.table import (
    EXTENSION_PATTERN,
    ID_PATTERN,
    KINDS,
    ModelTable,
    ParameterRow,
    ParameterType,
    Track,
)
from rivya_run.models.values import REFERENCES_KEY, number_text

MODEL_ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
_TEXT: dict[str, Json] = {"type": "string"}
_NAME: dict[str, Json] = {"type": "string", "minLength": 1, "pattern": r"\S"}
_FLAG: dict[str, Json] = {"type": "boolean"}
_ANY_NUMBER: dict[str, Json] = {"type": "number"}
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
            "references": _table_references(),
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
        "track": _said("Where its sounds belong in a film; absent: effects", {"enum": [*get_args(Track)]}),
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
            "min": _said("The smallest number", _ANY_NUMBER),
            "max": _said("The largest number", _ANY_NUMBER),
            "step": _said("Steps are counted from min", {"type": "number", "exclusiveMinimum": 0}),
            "options": _said("The options of a select, each in quotes", _NAMES),
            "raises_price": _said(
                "More than the default, a greater number or a later option, may cost more than base_credits",
                _FLAG,
            ),
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


def _table_references() -> Json:
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


SUBSTITUTED: dict[str, Json] = {"$ref": "#/definitions/substituted"}
NOT_EMPTY: dict[str, Json] = {"type": ["string", "number", "boolean", "array", "object"]}
_MOST_STEPS = 1000  # editors slow down over longer lists


def params_name(model: str) -> str:
    return f"params.{model}"


def model_name(model: str) -> str:
    """The name of the definition that judges a layer by a model: its params and, in a shot, its prompt."""
    return f"model.{model}"


def ref(name: str) -> dict[str, Json]:
    return {"$ref": f"#/definitions/{name}"}


def unless_substituted(shape: dict[str, Json]) -> dict[str, Json]:
    """``shape`` holds, except for text with ``${}``, of which a schema can't know what it becomes."""
    return {"if": SUBSTITUTED, "else": shape}


def params_definition(table: ModelTable) -> dict[str, Json]:
    """What ``params`` may hold for a model."""
    properties: dict[str, Json] = {row.key: _described(row, table) for row in table.params}
    if not table.complete:
        properties[REFERENCES_KEY] = False
    return {
        "title": f"Parameters of {table.display_name}",
        "description": _about(table),
        "type": "object",
        "properties": properties,
        "patternProperties": {EXTENSION_PATTERN: {}},
        "additionalProperties": False if table.complete else NOT_EMPTY,
    }


def model_definition(table: ModelTable) -> dict[str, Json]:
    """A layer or a shot of a known model: its params and the length of its prompt."""
    properties: dict[str, Json] = {
        "model": {"title": table.display_name, "description": _about(table)},
        "params": ref(params_name(table.id)),
    }
    if table.max_prompt_length is not None:
        properties["prompt"] = unless_substituted({"maxLength": table.max_prompt_length})
    judged: dict[str, Json] = {"properties": properties}
    references = _references(table)
    if references is not None:  # only a shot has an id: what a layer lists may be for shots of other models
        judged |= {"if": {"required": ["id"]}, "then": {"properties": {"references": references}}}
    return judged


def must_be_written(table: ModelTable) -> list[str]:
    """The parameters that a request needs and the table can't fill in."""
    return [row.key for row in table.params if row.required and row.default is None]


def row_shape(row: ParameterRow) -> dict[str, Json]:
    """What a value of a parameter may be, as far as a schema can say it."""
    if row.type is ParameterType.SELECT:
        return {"enum": [form for option in row.options or () for form in _forms(option)]}
    if row.type is ParameterType.NUMBER:
        return _number(row)
    if row.type is ParameterType.ARRAY:
        return _array(row)
    text: dict[str, Json] = {"type": ["string", "number"]}
    return text | {"pattern": r"\S"} if row.required else text


def _references(table: ModelTable) -> dict[str, Json] | None:
    """How many references a shot may list, of which kinds; None where the page was not read to its end."""
    if not table.complete:
        return None
    if table.references is None:
        return {"type": "array", "maxItems": 0, "description": f"{table.display_name} takes no references."}
    policy = table.references
    kinds: list[Json] = list(policy.kinds)
    kind: dict[str, Json] = {"properties": {"kind": {"enum": kinds}}}
    return {
        "description": policy.rule,
        "if": {"type": "array"},
        "then": {"maxItems": policy.max_files, "items": kind},
        "else": kind,
    }


def _described(row: ParameterRow, table: ModelTable) -> dict[str, Json]:
    title = f"{row.key} ({table.display_name})"
    about: dict[str, Json] = {"title": title, "description": " ".join(_words(row))}
    if row.default is not None:
        about["default"] = row.default
    shape = unless_substituted(row_shape(row))
    if takes_lengths(row):
        shape = {"if": {"type": "object"}, "then": ref("fit"), "else": shape}
    return about | shape


def _words(row: ParameterRow) -> list[str]:
    words = [row.description.rstrip(".") + "."] if row.description else []
    if row.options:
        words.append("One of " + ", ".join(row.options) + ".")
    limits = [
        f"{name} {number_text(value)}"
        for name, value in (("min", row.minimum), ("max", row.maximum), ("step", row.step))
        if value is not None
    ]
    if limits:
        words.append(", ".join(limits).capitalize() + ".")
    if row.default is not None:
        default = row.default if isinstance(row.default, str) else number_text(row.default)
        words.append(f"Default: {default}.")
    elif row.required:
        words.append("Required.")
    return words


def _about(table: ModelTable) -> str:
    price = "unknown" if table.base_credits is None else number_text(table.base_credits)
    words = [
        f"{table.category.capitalize()}, base credits {price} ({table.billing_type or 'billing unknown'})"
    ]
    if table.source_url:
        words.append(f"{table.source_url} (read {table.read_on or 'on an unknown day'})")
    if not table.complete:
        words.append("incomplete: rows may be missing")
    return "; ".join(words) + "."


def _forms(option: str) -> list[Json]:
    """How a document may hold an option: as its text or, where it reads as one, as a bare word or number."""
    bare: dict[str, Json] = {"true": True, "false": False}
    if option in bare:
        return [option, bare[option]]
    for number in (int, float):
        try:
            value: int | float = number(option)
        except ValueError:
            continue
        if number_text(value) == option and value == value and abs(value) != float("inf"):
            return [option, value]
    return [option]


def _number(row: ParameterRow) -> dict[str, Json]:
    start = row.minimum if row.minimum is not None else 0
    whole = row.step is not None and _whole(row.step) and _whole(start)
    shape: dict[str, Json] = {"type": "integer" if whole else "number"}
    if row.minimum is not None:
        shape["minimum"] = row.minimum
    if row.maximum is not None:
        shape["maximum"] = row.maximum
    if row.step is None:
        return shape
    if whole and start % row.step == 0:
        return shape if row.step == 1 else shape | {"multipleOf": row.step}
    if row.minimum is not None and row.maximum is not None:
        # multipleOf on fractions fails for 0.15 and 0.05 in most validators: the values themselves can't.
        count = int((_exact(row.maximum) - _exact(row.minimum)) / _exact(row.step))
        if count <= _MOST_STEPS:
            shape["enum"] = [
                _plain(_exact(row.minimum) + place * _exact(row.step)) for place in range(count + 1)
            ]
    return shape


def _whole(value: int | float) -> bool:
    return float(value).is_integer()


def _exact(value: int | float) -> Decimal:
    return Decimal(str(value))


def _plain(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def _array(row: ParameterRow) -> dict[str, Json]:
    shape: dict[str, Json] = {"type": "array"}
    if row.required:
        shape["minItems"] = 1
    if row.items is not None:
        fields: dict[str, Json] = {
            field.key: {"description": field.description, **unless_substituted(row_shape(field))}
            for field in row.items
        }
        shape["items"] = {
            "type": "object",
            "properties": fields,
            "required": [field.key for field in row.items if field.required],
            "patternProperties": {EXTENSION_PATTERN: {}},
            "additionalProperties": False,
        }
    return shape
