"""The bytes of an answer as text and as JSON. Pure; any bytes give a value."""

from __future__ import annotations

import json

from rivya_run.json_types import Json


def text_of(raw: bytes) -> str:
    """The body as text: UTF-8, or UTF-16 and UTF-32 where its first bytes tell so, with or without a byte order mark.

    RFC 8259 lets a reader skip the mark. What is no text in that encoding becomes U+FFFD.
    """
    return raw.decode(json.detect_encoding(raw), "replace").lstrip("\ufeff")


def read_json(text: str) -> Json:
    """The JSON value, or None where the text is none."""
    try:
        value: Json = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value
