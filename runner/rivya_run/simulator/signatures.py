"""What a file is, by its first bytes: Rivya checks the signature, not the name."""

from __future__ import annotations

_STARTS: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xf1", "audio/aac"),
    (b"\xff\xf9", "audio/aac"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"\xff\xf3", "audio/mpeg"),
    (b"\xff\xf2", "audio/mpeg"),
)

#: MIME types of one and the same signature: a table may name either.
ALIASES: dict[str, frozenset[str]] = {
    "audio/wav": frozenset({"audio/wav", "audio/x-wav"}),
    "image/jpeg": frozenset({"image/jpeg", "image/jpg"}),
}


def mime_of(start: bytes) -> str | None:
    """The MIME type of a media file from its first 64 bytes or more, or None."""
    for magic, mime in _STARTS:
        if start.startswith(magic):
            return mime
    if start[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav"}.get(start[8:12])
    if start[4:8] == b"ftyp":
        brand = start[8:12]
        if brand == b"qt  ":
            return "video/quicktime"
        return "audio/mp4" if brand in (b"M4A ", b"M4B ") else "video/mp4"
    if start[:4] == b"\x1aE\xdf\xa3":
        return "video/webm" if b"webm" in start[:64] else "video/x-matroska"
    return None


def spellings(mime: str) -> frozenset[str]:
    """All names of that type."""
    return ALIASES.get(mime, frozenset({mime}))
