"""The one table of media types: their names, the endings of their files, and how a file of each begins.

The names are those of the parameter tables (``audio/mpeg``, ``video/quicktime``). An extension says little: Rivya
looks at the signature too. Types that no table takes are here so that a message can say what a file is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, cast

HEAD_BYTES: Final = 4096
"""How many bytes of the beginning are enough for ``recognise``."""

Kind: TypeAlias = Literal["image", "video", "audio"]
_Begins: TypeAlias = Callable[[bytes], bool]


@dataclass(frozen=True, slots=True)
class MediaType:
    """``mime_type`` as the parameter tables write it; ``suffixes`` of its files, the one we give first."""

    mime_type: str
    suffixes: tuple[str, ...]
    begins: _Begins
    aliases: frozenset[str] = frozenset()
    """Other names for the very same type."""

    @property
    def kind(self) -> Kind:
        return cast("Kind", self.mime_type.partition("/")[0])

    @property
    def names(self) -> frozenset[str]:
        return self.aliases | {self.mime_type}


def _starts(*magic: bytes) -> _Begins:
    return lambda head: head.startswith(magic)


def _riff(form: bytes) -> _Begins:
    return lambda head: head.startswith(b"RIFF") and head[8:12] == form


def _brand(*brands: bytes) -> _Begins:
    """A file of the MP4 family (ISO/IEC 14496-12) by its major brand; without brands, any of them."""
    return lambda head: head[4:8] == b"ftyp" and (not brands or head[8:12] in brands)


def _old_quicktime(head: bytes) -> bool:
    """QuickTime from before ``ftyp``. The first byte of the length tells it from text that says ``free`` there."""
    return len(head) >= 16 and head[0] < 32 and head[4:8] in _FIRST_ATOMS


_FIRST_ATOMS: Final = frozenset((b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"))


def _matroska(*, web: bool) -> _Begins:
    return lambda head: head.startswith(b"\x1a\x45\xdf\xa3") and (b"webm" in head[:64]) is web


def _ogg(*, pictures: bool) -> _Begins:
    return lambda head: head.startswith(b"OggS") and (b"\x80theora" in head[:512]) is pictures


def _adts(head: bytes) -> bool:
    """AAC in frames of its own: set bits, and a sampling rate that there is."""
    return len(head) >= 4 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0 and (head[2] >> 2) & 0xF < 13


def _mpeg_layer_three(head: bytes) -> bool:
    """A frame of MP3 without a tag before it: set bits, a version, a bit rate and a sampling rate that there are."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2 or (head[1] >> 3) & 3 == 1:
        return False
    return head[2] >> 4 not in (0, 15) and (head[2] >> 2) & 3 != 3


def _bitmap(head: bytes) -> bool:
    """Two letters begin many a text; the four reserved zeros behind the length don't."""
    return head.startswith(b"BM") and head[6:10] == bytes(4)


TYPES: Final = (
    MediaType("image/jpeg", (".jpg", ".jpeg"), _starts(b"\xff\xd8\xff"), frozenset(("image/jpg",))),
    MediaType("image/png", (".png",), _starts(b"\x89PNG\r\n\x1a\n")),
    MediaType("image/webp", (".webp",), _riff(b"WEBP")),
    MediaType("image/gif", (".gif",), _starts(b"GIF87a", b"GIF89a")),
    MediaType("image/tiff", (".tif", ".tiff"), _starts(b"II*\0", b"MM\0*")),
    MediaType("image/bmp", (".bmp",), _bitmap),
    MediaType("image/vnd.adobe.photoshop", (".psd",), _starts(b"8BPS")),
    MediaType("image/avif", (".avif",), _brand(b"avif", b"avis")),
    MediaType(
        "image/heic",
        (".heic",),
        _brand(b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"),
    ),
    MediaType("image/heif", (".heif",), _brand(b"mif1", b"msf1")),
    MediaType("image/x-canon-cr3", (".cr3",), _brand(b"crx ")),
    MediaType("video/quicktime", (".mov",), _brand(b"qt  ")),
    MediaType("audio/mp4", (".m4a",), _brand(b"M4A ", b"M4B ", b"M4P ")),
    MediaType("video/mp4", (".mp4", ".m4v"), _brand()),
    MediaType("video/quicktime", (), _old_quicktime),
    MediaType("video/webm", (".webm",), _matroska(web=True)),
    MediaType("video/x-matroska", (".mkv",), _matroska(web=False)),
    MediaType("video/x-msvideo", (".avi",), _riff(b"AVI ")),
    MediaType("video/x-flv", (".flv",), _starts(b"FLV\x01")),
    MediaType("video/x-ms-asf", (".wmv",), _starts(b"\x30\x26\xb2\x75\x8e\x66\xcf\x11")),
    MediaType("video/mpeg", (".mpg", ".mpeg"), _starts(b"\0\0\x01\xba", b"\0\0\x01\xb3")),
    MediaType("video/ogg", (".ogv",), _ogg(pictures=True)),
    MediaType("audio/ogg", (".ogg",), _ogg(pictures=False)),
    MediaType("audio/wav", (".wav",), _riff(b"WAVE"), frozenset(("audio/x-wav",))),
    MediaType("audio/flac", (".flac",), _starts(b"fLaC")),
    MediaType("audio/mpeg", (".mp3",), lambda head: head.startswith(b"ID3") or _mpeg_layer_three(head)),
    MediaType("audio/aac", (".aac",), _adts),
)
"""A file is the first of these that it begins like."""

_BY_NAME: Final = {name: media for media in reversed(TYPES) for name in media.names}
_BY_SUFFIX: Final = {suffix: media for media in TYPES for suffix in media.suffixes}


def recognise(head: bytes) -> MediaType | None:
    """The media type of a file that begins with ``head`` (HEAD_BYTES or the whole file), None for others."""
    return next((media for media in TYPES if media.begins(head)), None)


def named(mime_type: str | None) -> MediaType | None:
    """The media type of that name, or of one of its other names."""
    return _BY_NAME.get(mime_type or "")


def by_suffix(suffix: str) -> MediaType | None:
    """What a file should be by the ending of its name (``.mp4``), in any case."""
    return _BY_SUFFIX.get(suffix.lower())
