"""Telling a page (an error, a login, a listing) from the media that was asked for. Pure."""

from __future__ import annotations

ENOUGH = 512
"""How many bytes of the beginning are enough to tell."""

_PAGE_TYPES = (
    "text/",
    "application/json",
    "application/problem+json",
    "application/xml",
    "application/xhtml",
)
_MEDIA_STARTS = (
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"RIFF",
    b"ID3",
    b"OggS",
    b"fLaC",
    b"\x1a\x45\xdf\xa3",
    b"BM",
    b"II*\x00",
    b"MM\x00*",
)
_PAGE_STARTS = (b"<!doctype", b"<html", b"<head", b"<?xml", b"<error", b"<!--", b'{"', b"{ ", b"{\n", b"[{")


def is_page(mime_type: str | None, head: bytes) -> bool:
    """Whether what came is a page: what it begins with counts more than the type it claims."""
    if head.startswith(_MEDIA_STARTS) or head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free"):
        return False
    if mime_type is not None and mime_type.startswith("image/svg"):
        return b"<html" in head[:ENOUGH].lower()
    if mime_type is not None and mime_type.startswith(_PAGE_TYPES):
        return True
    start = head[:ENOUGH].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return start.startswith(_PAGE_STARTS) and not _is_binary(head)


def _is_binary(head: bytes) -> bool:
    return b"\x00" in head[:ENOUGH]
