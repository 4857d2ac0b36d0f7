"""Telling a page (an error, a login, a listing) from the media that was asked for. Pure."""

from __future__ import annotations

from rivya_run.media.types import recognise

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
