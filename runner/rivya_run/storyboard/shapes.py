"""The shapes of the storyboard language as JSON Schema."""

from __future__ import annotations

from collections.abc import Sequence

from rivya_run.json_types import Json
from rivya_run.models.catalog import DEFAULT_MODEL
from rivya_run.models.params_schema import NOT_EMPTY, ref
from rivya_run.models.table import EXTENSION_PATTERN, ID_PATTERN, KINDS
from rivya_run.storyboard import language
from rivya_run.storyboard.language import REFERENCE_PLACES, Key, Shape, keys

_DEVICES = "(?!([Cc][Oo][Nn]|[Pp][Rr][Nn]|[Aa][Uu][Xx]|[Nn][Uu][Ll]|[Cc][Oo][Mm][1-9]|[Ll][Pp][Tt][1-9])$)"
_ID = "^" + _DEVICES + ID_PATTERN.removeprefix("^")
_ID_TEMPLATE = r"^([A-Za-z0-9_-]|\$\{[A-Za-z_][A-Za-z0-9_]*\})+$"
_LITERAL = r"^(?![\s\S]*\$\{)"
_SCHEME = "^[A-Za-z][A-Za-z0-9+.-]+://"
_LABEL: dict[str, Json] = {"type": ["string", "number"]}
_WRITTEN: dict[str, Json] = {"type": "string", "pattern": language.NOT_BLANK_PATTERN}

_SIMPLE: dict[Shape, dict[str, Json]] = {
    Shape.ID: {"type": ["string", "integer"]},
    Shape.VERSION: {"enum": [1]},
    Shape.LABEL: _LABEL,
    Shape.LABELS: {"type": ["string", "number", "array"], "items": _LABEL},
    Shape.PROMPT: _WRITTEN,
    Shape.PARAMS: {
        "type": "object",
        "patternProperties": {EXTENSION_PATTERN: {}},
        "additionalProperties": NOT_EMPTY,
    },
    Shape.REFERENCES: ref("references"),
    Shape.FLAG: {"type": "boolean"},
    Shape.NAMES: {"type": ["string", "number", "array"], "items": _LABEL},
    Shape.VARIABLES: ref("variables"),
    Shape.MATRIX: ref("matrix"),
    Shape.LAYER: ref("defaults"),
    Shape.LAYERS: {
        "type": "object",
        "patternProperties": {EXTENSION_PATTERN: {}},
        "additionalProperties": ref("preset"),
    },
    Shape.SHOTS: {"type": "array", "minItems": 1, "items": ref("shot")},
    Shape.BUDGET: ref("budget"),
    Shape.PATH: _WRITTEN,
    Shape.URL: {
        "type": "string",
        "pattern": f"{language.SUBSTITUTION_PATTERN}|{language.URL_PATTERN}",
    },
    Shape.TEXT: _WRITTEN,
    Shape.SHOT_ID: {
        "type": ["string", "integer"],
        "pattern": f"{language.SUBSTITUTION_PATTERN}|{ID_PATTERN}",
    },
}


def key_schema(key: Key, models: Sequence[str]) -> dict[str, Json]:
    """What the value of a key may be, with what an editor shows of it."""
    about: dict[str, Json] = {"title": key.title, "description": key.help}
    if key.shape is Shape.MODEL:
        about["default"] = DEFAULT_MODEL
    elif key.default is not None:
        about["default"] = key.default
    if key.examples:
        about["examples"] = list(key.examples)
    shape = _shape(key, models)
    if "$ref" in shape:  # draft-07 ignores what stands beside a reference
        return about | {"allOf": [shape]}
    return about | shape


def shape_definitions() -> dict[str, Json]:
    anything: dict[str, Json] = {EXTENSION_PATTERN: {}}
    values: dict[str, Json] = {
        "type": "array",
        "minItems": 1,
        "items": {"type": ["string", "number", "boolean"], "pattern": _LITERAL},
    }
    return {
        "id": {"type": ["string", "integer"], "pattern": _ID, "minimum": 0},
        "id-pattern": {"type": ["string", "integer"], "pattern": _ID_TEMPLATE, "minimum": 0},
        "substituted": {"type": "string", "pattern": r"\$[{$]"},
        "references": {
            "if": {"type": "array"},
            "then": {"items": ref("reference")},
            "else": ref("reference"),
        },
        "reference": _reference(),
        "variables": {
            "type": "object",
            "patternProperties": {language.NAME_PATTERN: {**_LABEL, "pattern": _LITERAL}, **anything},
            "additionalProperties": False,
        },
        "matrix": {
            "type": "object",
            "minProperties": 1,
            "patternProperties": {language.NAME_PATTERN: values, **anything},
            "additionalProperties": False,
        },
    }


def _shape(key: Key, models: Sequence[str]) -> dict[str, Json]:
    if key.shape is Shape.MODEL:
        return {"type": "string", "enum": list(models)}
    if key.shape is Shape.ID and language.KeyPlace.TOP in key.places:
        return ref("id")
    if key.shape is Shape.KIND:
        return {"enum": list(KINDS)}
    if key.shape is Shape.FRAME:
        return {
            "if": {"type": "number"},
            "then": {"minimum": 0},
            "else": {"enum": list(language.FRAMES)},
        }
    if key.shape in {Shape.COUNT, Shape.AMOUNT}:
        limits: dict[str, Json] = {"type": "integer" if key.shape is Shape.COUNT else "number"}
        if key.minimum is not None:
            limits["minimum"] = key.minimum
        if key.maximum is not None:
            limits["maximum"] = key.maximum
        return limits
    return dict(_SIMPLE[key.shape])


def _reference() -> dict[str, Json]:
    """A path, a URL, or one of three mappings, told apart by the key that only one of them has."""
    text: dict[str, Json] = {
        "pattern": language.NOT_BLANK_PATTERN,
        "if": {"type": "string", "pattern": _SCHEME},
        "then": {"pattern": f"{language.SUBSTITUTION_PATTERN}|{language.URL_PATTERN}"},
    }
    forms = list(REFERENCE_PLACES.items())
    mapping: dict[str, Json] = ref(_form_name(forms[-1][1]))
    for name, place in reversed(forms[:-1]):
        mapping = {"if": {"required": [name]}, "then": ref(_form_name(place)), "else": mapping}
    told: dict[str, Json] = {
        key.name: {"title": key.title, "description": key.help}
        for _, place in reversed(forms)
        for key in keys(place).values()
    }
    return {
        "type": ["string", "object"],
        "properties": told,
        "if": {"type": "object"},
        "then": mapping,
        "else": text,
    }


def _form_name(place: language.KeyPlace) -> str:
    return place.value.replace(" ", "-")
