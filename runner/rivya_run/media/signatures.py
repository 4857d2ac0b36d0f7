"""What a file is, by its first bytes: the media types that Rivya's pages name, and their neighbours.

The names are those of the parameter tables (``audio/mpeg``, ``video/quicktime``). An extension says nothing
here: Rivya looks at the signature too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

HEAD_BYTES: Final = 4096

_STARTS: Final = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"fLaC", "audio/flac"),
    (b"ID3", "audio/mpeg"),
    (b"FLV\x01", "video/x-flv"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
)
_RIFF: Final = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}
_BRANDS: Final = {
    b"qt  ": "video/quicktime",
    b"M4A ": "audio/mp4",
    b"M4B ": "audio/mp4",
    b"M4P ": "audio/mp4",
    b"avif": "image/avif",
    b"avis": "image/avif",
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"mif1": "image/heif",
    b"msf1": "image/heif",
}
_OLD_QUICKTIME: Final = frozenset((b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"))


@dataclass(frozen=True, slots=True)
class MediaType:
    """``kind`` is image, video or audio; ``mime_type`` as the parameter tables write it."""

    kind: str
    mime_type: str


def recognise(head: bytes) -> MediaType | None:
    """The media type of a file that begins with ``head`` (HEAD_BYTES or the whole file), None for others."""
    mime_type = _mime_type(head)
    return MediaType(mime_type.partition("/")[0], mime_type) if mime_type is not None else None


def _mime_type(head: bytes) -> str | None:
    for start, mime_type in _STARTS:
        if head.startswith(start):
            return mime_type
    if head.startswith(b"RIFF"):
        return _RIFF.get(head[8:12])
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], "video/mp4")
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "video/webm" if b"webm" in head[:64] else "video/x-matroska"
    if head.startswith(b"OggS"):
        return "video/ogg" if b"\x80theora" in head[:512] else "audio/ogg"
    if head[4:8] in _OLD_QUICKTIME and len(head) >= 16:
        return "video/quicktime"
    return _audio_frame(head)


def _audio_frame(head: bytes) -> str | None:
    """MPEG layer III or AAC (ADTS) without a header of its own: set bits and fields that make sense."""
    if len(head) < 4 or head[0] != 0xFF:
        return None
    if head[1] & 0xF6 == 0xF0 and (head[2] >> 2) & 0xF < 13:
        return "audio/aac"
    layer_three = head[1] & 0xE6 == 0xE2 and (head[1] >> 3) & 3 != 1
    if layer_three and head[2] >> 4 not in (0, 15) and (head[2] >> 2) & 3 != 3:
        return "audio/mpeg"
    return None
