"""Files are known by their first bytes."""

from __future__ import annotations

import pytest

from rivya_run.simulator.signatures import mime_of, spellings


@pytest.mark.parametrize(
    ("start", "mime"),
    [
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"RIFF\0\0\0\0WAVEfmt ", "audio/wav"),
        (b"\0\0\0\x18ftypisom", "video/mp4"),
        (b"\0\0\0\x14ftypqt  ", "video/quicktime"),
        (b"\0\0\0\x1cftypM4A ", "audio/mp4"),
        (b"\x1aE\xdf\xa3....webm", "video/webm"),
        (b"\x1aE\xdf\xa3....matroska", "video/x-matroska"),
        (b"ID3\x04", "audio/mpeg"),
        (b"\xff\xfb\x90", "audio/mpeg"),
        (b"\xff\xf1\x50", "audio/aac"),
        (b"OggS", "audio/ogg"),
        (b"#!/bin/sh", None),
        (b"<svg", None),
        (b"RIFF\0\0\0\0AVI ", None),
        (b"", None),
    ],
)
def test_first_bytes_name_the_type(start: bytes, mime: str | None) -> None:
    """Each type that a table may ask for is told from the others, and everything else is nothing."""
    assert mime_of(start) == mime


def test_wav_goes_by_two_names() -> None:
    """A table may spell a type in another way."""
    assert "audio/x-wav" in spellings("audio/wav")
