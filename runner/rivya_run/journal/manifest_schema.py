"""The manifest's JSON Schema, made from the classes that it is written from and read by."""

from __future__ import annotations

from typing import Any

import msgspec

from rivya_run.journal import manifest_form
from rivya_run.json_types import Json


def manifest_schema() -> dict[str, Json]:
    """The draft-07 schema of the manifest, version 1: what a run writes, so all but what may be unset is required."""
    _, found = msgspec.json.schema_components([manifest_form.Document], ref_template="#/definitions/{name}")
    definitions = {name: _published(name, shape) for name, shape in found.items()}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        **definitions.pop("Document"),
        "title": "rivya-run manifest",
        "definitions": definitions,
    }


def _published(name: str, shape: dict[str, Any]) -> dict[str, Any]:
    shape = _tidied(shape)
    if "properties" in shape:
        fields = msgspec.structs.fields(getattr(manifest_form, name))
        shape["required"] = [one.encode_name for one in fields if one.default is not msgspec.UNSET]
    return shape


def _tidied(value: Any) -> Any:
    """Without defaults, which tell of reading; patterns with the '$' of JSON Schema."""
    if isinstance(value, list):
        return [_tidied(one) for one in value]
    if not isinstance(value, dict):
        return value.replace(r"\Z", "$") if isinstance(value, str) else value
    return {name: _tidied(one) for name, one in value.items() if name != "default"}
