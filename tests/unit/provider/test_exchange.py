"""Pages told from media."""

from __future__ import annotations

import pytest

from rivya_run.provider.exchange import is_page

MP4 = b"\x00\x00\x00\x20ftypisom" + bytes(20)


@pytest.mark.parametrize(
    ("mime_type", "head", "page"),
    [
        ("video/mp4", MP4, False),
        ("text/html", MP4, False),
        (None, MP4, False),
        ("application/octet-stream", b"\x89PNG\r\n\x1a\n", False),
        ("video/mp4", b"  <!DOCTYPE html><title>Expired</title>", True),
        ("video/mp4", b'\xef\xbb\xbf{"error": "expired"}', True),
        (None, b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", True),
        ("text/html", b"anything", True),
        ("application/json", b"null", True),
        ("text/plain", b"Link expired", True),
        ("image/svg+xml", b"<?xml version='1.0'?><svg/>", False),
        ("image/svg+xml", b"<html>", True),
        ("video/mp4", b"unknown bytes", False),
        ("video/mp4", b"", False),
    ],
)
def test_is_page(mime_type: str | None, head: bytes, page: bool) -> None:
    """What it begins with counts more than the type it claims."""
    assert is_page(mime_type, head) is page
