"""The storyboard's JSON Schema: the language and every table in one document for editors and checkers.

Draft-07, since editors stop there. It says nothing where it can't know: a shot whose ``use`` may name its
model, a value that ``${}`` fills in. ``params`` are judged by the shot's model or, where the shot names
none, by the defaults' model; that second rule starts at the root, once for each model and not for each pair.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from rivya_run.json_types import Json
from rivya_run.models.catalog import DEFAULT_MODEL, Catalog
from rivya_run.models.table import EXTENSION_PATTERN, ID_PATTERN, ModelTable
from rivya_run.models.table_schemas import (
    model_definition,
    model_name,
    must_be_written,
    params_definition,
    params_name,
    ref,
)
from rivya_run.storyboard.film_reading import MADE
from rivya_run.storyboard.includes import BROUGHT
from rivya_run.storyboard.language import keys
from rivya_run.storyboard.model import NAME_PATTERN, URL_PATTERN, VERSION_PATTERN
from rivya_run.storyboard.shapes import (
    LABEL_SCHEMA,
    NOT_BLANK_PATTERN,
    REFERENCE_PLACES,
    SUBSTITUTION_PATTERN,
    Key,
    KeyPlace,
)

_JUDGED_BY_MODEL = (KeyPlace.TOP, KeyPlace.DEFAULTS, KeyPlace.PRESET, KeyPlace.SHOT)
_GROUP = 7  # models in one branch: editors test the branches one by one
_NAMES_MODEL: dict[str, Json] = {"required": ["model"]}
_OWN_FILE: dict[str, Json] = {"required": ["file"]}
_MODEL_OPEN: dict[str, Json] = {"anyOf": [{"required": ["model"]}, {"required": ["use"]}, _OWN_FILE]}


def storyboard_schema(catalog: Catalog) -> dict[str, Any]:
    """The schema of a storyboard for the tables in force."""
    tables = catalog.all()
    definitions: dict[str, Json] = {**shape_definitions()}
    for place in KeyPlace:
        if place not in _JUDGED_BY_MODEL:
            definitions[place.definition] = _place(place, catalog)
    definitions["defaults"] = _layer(KeyPlace.DEFAULTS, catalog)
    definitions["preset"] = _layer(KeyPlace.PRESET, catalog)
    definitions["shot"] = _shot(catalog)
    definitions["named"] = _named(tables)
    for table in tables:
        definitions[f"inherits.{table.id}"] = _inherits(table)
        definitions[model_name(table.id)] = model_definition(table)
        definitions[params_name(table.id)] = params_definition(table)
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "rivya-run storyboard",
        "description": "A shot list that rivya-run turns into clips.",
        **_place(KeyPlace.TOP, catalog),
        "allOf": [rule for table in tables for rule in _root_rules(table)],
        "definitions": definitions,
    }


def include_schema(catalog: Catalog) -> dict[str, Json]:
    """The schema of a file that storyboards include: what is read of it; other keys may stand there."""
    board = storyboard_schema(catalog)
    keys_read = ("include", *BROUGHT)
    shape: dict[str, Json] = {
        "type": "object",
        "properties": {name: board["properties"][name] for name in keys_read},
    }
    definitions: dict[str, Json] = {}
    left: list[Json] = [shape]
    while left:
        one = left.pop()
        if isinstance(one, list):
            left += one
        elif isinstance(one, dict):
            name = str(one.get("$ref", "")).removeprefix("#/definitions/")
            if name and name not in definitions:
                definitions[name] = board["definitions"][name]
                left.append(definitions[name])
            left += one.values()
    return {
        "$schema": board["$schema"],
        "title": "rivya-run include",
        "description": "Variables, presets and a cast that several storyboards have in common.",
        **shape,
        "definitions": dict(sorted(definitions.items())),
    }


def as_text(document: dict[str, Json]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def _place(place: KeyPlace, catalog: Catalog) -> dict[str, Json]:
    """A mapping with the keys of a place and people's own ``x-`` keys."""
    known = keys(place)
    properties: dict[str, Json] = {name: key_schema(key, catalog.ids()) for name, key in known.items()}
    shape: dict[str, Json] = {"type": "object", "properties": properties}
    required: list[Json] = [name for name, key in known.items() if key.required]
    if required:
        shape["required"] = required
    return shape | {"patternProperties": {EXTENSION_PATTERN: {}}, "additionalProperties": False}


def _layer(place: KeyPlace, catalog: Catalog) -> dict[str, Json]:
    """defaults or a preset. Defaults without a model are the default model's; a preset may be for any."""
    judged: dict[str, Json] = {"if": _NAMES_MODEL, "then": ref("named")}
    if place is KeyPlace.DEFAULTS and catalog.get(DEFAULT_MODEL) is not None:
        judged["else"] = ref(model_name(DEFAULT_MODEL))
    return _place(place, catalog) | judged


def _shot(catalog: Catalog) -> dict[str, Json]:
    free: list[Json] = [table.id for table in catalog.all() if not table.prompt_required]
    prompted: dict[str, Json] = {"required": ["model"], "not": _OWN_FILE}
    unmade: dict[str, Json] = dict.fromkeys(MADE, False)
    if free:
        prompted["properties"] = {"model": {"not": {"enum": free}}}
    rules: list[Json] = [
        {"if": _NAMES_MODEL, "then": ref("named")},
        {"if": prompted, "then": {"required": ["prompt"]}},
        {"if": _OWN_FILE, "then": {"properties": unmade}},
        {
            "if": {"required": ["matrix"]},
            "then": {"properties": {"id": ref("id-pattern")}},
            "else": {"properties": {"id": ref("id")}},
        },
    ]
    return _place(KeyPlace.SHOT, catalog) | {"allOf": rules}


def _named(tables: list[ModelTable]) -> dict[str, Json]:
    """Judges a layer or shot by the model it names; in groups, so that each shot meets few conditions."""
    groups: list[Json] = []
    for start in range(0, len(tables), _GROUP):
        group = tables[start : start + _GROUP]
        ids: list[Json] = [table.id for table in group]
        each: list[Json] = [
            {"if": {"properties": {"model": {"const": table.id}}}, "then": ref(model_name(table.id))}
            for table in group
        ]
        groups.append({"if": {"properties": {"model": {"enum": ids}}}, "then": {"allOf": each}})
    return {"allOf": groups}


def _inherits(table: ModelTable) -> dict[str, Json]:
    """A shot that leaves its model to the defaults, which name this one."""
    rules: list[Json] = [ref(model_name(table.id))]
    if table.prompt_required:
        rules.append({"required": ["prompt"]})
    return {"if": _MODEL_OPEN, "else": {"allOf": rules}}


def _defaults(table: ModelTable, **more: Json) -> dict[str, Json]:
    """Holds for a document whose defaults are this model's."""
    named: dict[str, Json] = {"properties": {"model": {"const": table.id}}}
    if table.id != DEFAULT_MODEL:
        named["required"] = ["model"]
    about: dict[str, Json] = {"properties": {"defaults": named | more}}
    return about if table.id == DEFAULT_MODEL else about | {"required": ["defaults"]}


def _shots(shape: dict[str, Json]) -> dict[str, Json]:
    return {"properties": {"shots": {"items": shape}}}


def _root_rules(table: ModelTable) -> list[Json]:
    """How the defaults' model bears on the shots: their params, and what the defaults spare them to write."""
    rules: list[Json] = [{"if": _defaults(table), "then": _shots(ref(f"inherits.{table.id}"))}]
    for key in must_be_written(table):
        given: dict[str, Json] = {
            "properties": {
                "defaults": {
                    "properties": {"model": {"const": table.id}, "params": {"required": [key]}},
                    "required": ["params"] if table.id == DEFAULT_MODEL else ["model", "params"],
                }
            },
            "required": ["defaults"],
        }
        missing: dict[str, Json] = {"required": ["params"], "properties": {"params": {"required": [key]}}}
        of_it: dict[str, Json] = {
            "required": ["model"],
            "properties": {"model": {"const": table.id}},
            "not": {"anyOf": [{"required": ["use"]}, _OWN_FILE]},
        }
        rules.append({"if": given, "else": _shots({"if": of_it, "then": missing})})
        inherited: list[Json] = [_defaults(table), {"not": given}]
        rules.append({"if": {"allOf": inherited}, "then": _shots({"if": _MODEL_OPEN, "else": missing})})
    return rules


_DEVICES = "(?!([Cc][Oo][Nn]|[Pp][Rr][Nn]|[Aa][Uu][Xx]|[Nn][Uu][Ll]|[Cc][Oo][Mm][1-9]|[Ll][Pp][Tt][1-9])$)"
_ID = "^" + _DEVICES + ID_PATTERN.removeprefix("^")
_ID_TEMPLATE = r"^([A-Za-z0-9_-]|\$\{[A-Za-z_][A-Za-z0-9_]*\})+$"
_MEMBER = "^(?!x-)" + ID_PATTERN.removeprefix("^")
_LITERAL = r"^(?![\s\S]*\$\{)"
_SCHEME = "^[A-Za-z][A-Za-z0-9+.-]+://"


def key_schema(key: Key, models: Sequence[str]) -> dict[str, Json]:
    """What the value of a key may be, with what an editor shows of it."""
    about: dict[str, Json] = {"title": key.title, "description": key.help}
    if key.default is not None:
        about["default"] = key.default
    if key.examples:
        about["examples"] = list(key.examples)
    shape = key.shape.schema(models)
    if key.fillable:
        return about | {"if": ref("substituted"), "else": shape}
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
            "patternProperties": {NAME_PATTERN: {**LABEL_SCHEMA, "pattern": _LITERAL}, **anything},
            "additionalProperties": False,
        },
        "cast": {
            "type": "object",
            "patternProperties": {_MEMBER: ref("member"), **anything},
            "additionalProperties": False,
        },
        "version-variables": {
            "type": "object",
            "patternProperties": {
                NAME_PATTERN: {"type": ["string", "number", "boolean"], "pattern": _LITERAL},
                **anything,
            },
            "additionalProperties": False,
        },
        "versions": {
            "type": "object",
            "minProperties": 1,
            "patternProperties": {VERSION_PATTERN.replace("^", "^(?!x-)", 1): ref("version"), **anything},
            "additionalProperties": False,
        },
        "matrix": {
            "type": "object",
            "minProperties": 1,
            "patternProperties": {NAME_PATTERN: values, **anything},
            "additionalProperties": False,
        },
    }


def _reference() -> dict[str, Json]:
    """A path, a URL, or one of three mappings, told apart by the key that only one of them has."""
    text: dict[str, Json] = {
        "pattern": NOT_BLANK_PATTERN,
        "if": {"type": "string", "pattern": _SCHEME},
        "then": {"pattern": f"{SUBSTITUTION_PATTERN}|{URL_PATTERN}"},
    }
    forms = list(REFERENCE_PLACES.items())
    mapping: dict[str, Json] = ref(forms[-1][1].definition)
    for name, place in reversed(forms[:-1]):
        mapping = {"if": {"required": [name]}, "then": ref(place.definition), "else": mapping}
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
