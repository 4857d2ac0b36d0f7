"""The bytes of an answer as text and as JSON. Pure; any bytes give a value."""

from __future__ import annotations

import json

from rivya_run.json_types import Json
from rivya_run.media.types import recognise


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


ENOUGH = 512
"""How many bytes of the beginning are enough to tell."""

_PAGE_TYPES = (
    "text/",
    "application/json",
    "application/problem+json",
    "application/xml",
    "application/xhtml",
)
_PAGE_STARTS = (b"<!doctype", b"<html", b"<head", b"<?xml", b"<error", b"<!--", b'{"', b"{ ", b"{\n", b"[{")


def is_page(mime_type: str | None, head: bytes) -> bool:
    """Whether what came is a page: what it begins with counts more than the type it claims."""
    if recognise(head) is not None:
        return False
    if mime_type is not None and mime_type.startswith("image/svg"):
        return b"<html" in head[:ENOUGH].lower()
    if mime_type is not None and mime_type.startswith(_PAGE_TYPES):
        return True
    start = head[:ENOUGH].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return start.startswith(_PAGE_STARTS) and not _is_binary(head)


def _is_binary(head: bytes) -> bool:
    return b"\x00" in head[:ENOUGH]
