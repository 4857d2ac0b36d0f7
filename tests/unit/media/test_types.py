"""What a file is, by its first bytes, its name or its type's name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rivya_run.media.types import TYPES, by_suffix, named, recognise

FTYP = b"\0\0\0\x20ftyp"


@pytest.mark.parametrize(
    ("head", "mime_type"),
    [
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "image/png"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "image/webp"),
        (b"GIF89a\x01\0", "image/gif"),
        (FTYP + b"isom\0\0\x02\0", "video/mp4"),
        (FTYP + b"mp42", "video/mp4"),
        (FTYP + b"M4V ", "video/mp4"),
        (FTYP + b"qt  ", "video/quicktime"),
        (b"\0\0\0\x08wide\0\0\0\0mdat", "video/quicktime"),
        (b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01B\x82\x84webm", "video/webm"),
        (b"\x1a\x45\xdf\xa3\xa3B\x86\x81\x01B\x82\x88matroska", "video/x-matroska"),
        (b"ID3\x04\0\0", "audio/mpeg"),
        (b"\xff\xfb\x90\x64", "audio/mpeg"),
        (b"\xff\xf3\x44\xc4", "audio/mpeg"),
        (b"RIFF\x10\0\0\0WAVEfmt ", "audio/wav"),
        (FTYP + b"M4A ", "audio/mp4"),
        (b"\xff\xf1\x50\x80", "audio/aac"),
        (b"\xff\xf9\x50\x80", "audio/aac"),
        (b"OggS\0\x02\0\0\x01vorbis", "audio/ogg"),
        (b"OggS\0\x02" + b"\0" * 22 + b"\x80theora", "video/ogg"),
        (FTYP + b"avif", "image/avif"),
        (FTYP + b"heic", "image/heic"),
        (FTYP + b"hevc", "image/heic"),
        (FTYP + b"heim", "image/heic"),
        (FTYP + b"mif1", "image/heif"),
        (FTYP + b"crx ", "image/x-canon-cr3"),
        (b"BM\x36\0\x0c\0\0\0\0\0", "image/bmp"),
        (b"8BPS\0\x01", "image/vnd.adobe.photoshop"),
        (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "video/x-ms-asf"),
        (b"\0\0\x01\xba\x44", "video/mpeg"),
        (b"RIFF\x10\0\0\0AVI LIST", "video/x-msvideo"),
        (b"fLaC\0\0\0\x22", "audio/flac"),
    ],
)
def test_media(head: bytes, mime_type: str) -> None:
    """Each media type is known by its own signature, under the name that the tables use."""
    found = recognise(head)
    assert found is not None
    assert (found.mime_type, found.kind) == (mime_type, mime_type.partition("/")[0])


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"#!/bin/sh\n",
        b"<html>",
        b"%PDF-1.7",
        b"PK\x03\x04",
        b"\xff\xfeh\0i\0",
        b"{}",
        b"RIFF",
        b"\xff",
        b"\xff\xff\xff\xff",
        b"BMW is a car maker",
        b"The free, wide and open text of a page",
        b"so, free will is what this text is about",
        b"<svg xmlns=",
    ],
)
def test_not_media(head: bytes) -> None:
    """Scripts, pages, archives and text are no media, nor are scraps."""
    assert recognise(head) is None


@given(st.binary(max_size=64))
def test_any_bytes(head: bytes) -> None:
    """No bytes raise; what is recognised is one of the table."""
    assert recognise(head) in (None, *TYPES)


def test_names_and_endings() -> None:
    """A type is found by each of its names and endings; our own ending of a type comes first."""
    for media in TYPES:
        assert all(by_suffix(suffix.upper()) is media for suffix in media.suffixes)
        for name in media.names:
            found = named(name)
            assert found is not None and found.mime_type == media.mime_type and found.suffixes
    assert named("audio/x-wav") is named("audio/wav")
    assert named("text/html") is named(None) is by_suffix(".txt") is by_suffix("") is None
