"""Whether a media file is all there, by its container's own lengths: nothing is decoded, no extra needed.

A server that hangs up early leaves a file whose header still promises everything. Each of these formats says
somewhere how long its pieces are; a piece that ends beyond the file is missing its end.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import BinaryIO

_MP4_TOP_BOXES = frozenset(b"ftyp moov mdat free skip wide pnot moof mfra styp sidx uuid".split())
_UNKNOWN_SIZE = -1
_EBML_HEADER = 0x1A45DFA3
_SEGMENT = 0x18538067
_CLUSTER = 0x1F43B675
_MP3_HEADER_SLACK = 512
"""How many bytes an MP3 may fall short of its Xing header: writers differ in what they count."""


@dataclass(frozen=True, slots=True)
class Structure:
    """``container`` names the format (None: not known here); ``missing`` says what is not there."""

    container: str | None
    missing: str | None = None


def structure(file: BinaryIO) -> Structure:
    """Walk a seekable file's container. Formats that don't state their length count as whole."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    head = file.read(12)
    if head[4:8] in _MP4_TOP_BOXES:
        return Structure("mp4", _mp4(file, size))
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return Structure("matroska", _matroska(file, size))
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return Structure("png", _png(file, size))
    if head.startswith(b"\xff\xd8\xff"):
        return Structure("jpeg", _jpeg(file))
    if head.startswith(b"RIFF"):
        return Structure("webp" if head[8:12] == b"WEBP" else "riff", _riff(file, size))
    if head.startswith(b"OggS"):
        return Structure("ogg", _ogg(file, size))
    if head.startswith(b"ID3") or (len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0):
        return Structure("mp3", _mp3(file, size))
    return Structure(None)


def _short_by(what: str, end: int, size: int) -> str:
    return f"{what} ends {end - size} bytes beyond the end of the file"


def _mp4(file: BinaryIO, size: int) -> str | None:
    """Walk the top-level boxes; ISO/IEC 14496-12 section 4.2. Zero bytes after the last box are padding."""
    at, seen = 0, set()
    while at < size:
        file.seek(at)
        header = file.read(16)
        length, name = int.from_bytes(header[:4]), header[4:8]
        if not any(header):
            break
        if len(header) < 8:
            return "the file ends inside the header of a box"
        if length == 1:
            length = int.from_bytes(header[8:16])
        elif length == 0:
            length = size - at
        if length < 8 or (name not in _MP4_TOP_BOXES and at + length > size):
            # What follows the last box is something else (a trailer some tools append): not missing.
            break
        seen.add(name)
        if at + length > size:
            return _short_by(f"the {name.decode('ascii', 'replace')} box", at + length, size)
        at += length
    if b"moov" not in seen and b"moof" not in seen:
        return "the index (moov box) is not there"
    if not seen & {b"mdat", b"moof"}:
        return "the index is there, the media (mdat box) is not"
    return None


def _vint(file: BinaryIO, *, marker: bool) -> int | None:
    """One EBML variable-length integer; None at the end of the file, _UNKNOWN_SIZE for 'not known'."""
    first = file.read(1)
    if not first or first[0] == 0:
        return None
    width = 9 - first[0].bit_length()
    rest = file.read(width - 1)
    if len(rest) < width - 1:
        return None
    value = int.from_bytes(first + rest)
    if marker:
        return value
    value &= (1 << (7 * width)) - 1
    return _UNKNOWN_SIZE if value == (1 << (7 * width)) - 1 else value


def _matroska(file: BinaryIO, size: int) -> str | None:
    """Walk the elements of the segment; where a size is not known (a live recording), walk inside."""
    file.seek(0)
    while (at := file.tell()) < size:
        name = _vint(file, marker=True)
        length = _vint(file, marker=False) if name is not None else None
        if name is None or length is None:
            return "the file ends inside the header of an element"
        end = file.tell() + length
        if length == _UNKNOWN_SIZE:
            continue
        if end > size:
            return _short_by("a cluster" if name == _CLUSTER else f"the element at byte {at}", end, size)
        # A segment that fits is whole as far as sizes tell, so is everything in it.
        file.seek(end)
    return None


def _png(file: BinaryIO, size: int) -> str | None:
    at = 8
    while at + 12 <= size:
        file.seek(at)
        header = file.read(8)
        if header[4:8] == b"IEND":
            return None
        at += 12 + int.from_bytes(header[:4])
    return "the end of the picture (IEND chunk) is not there"


def _jpeg(file: BinaryIO) -> str | None:
    """Walk the segments to the first scan; in scans FF is escaped, so FF D9 is the end and nothing else."""
    file.seek(2)
    while True:
        marker = file.read(2)
        if len(marker) < 2 or marker[0] != 0xFF:
            return "the file ends before the picture begins"
        if marker[1] == 0xFF:
            file.seek(-1, os.SEEK_CUR)
            continue
        length = file.read(2)
        if len(length) < 2:
            return "the file ends before the picture begins"
        file.seek(int.from_bytes(length) - 2, os.SEEK_CUR)
        if marker[1] == 0xDA:
            break
    return None if b"\xff\xd9" in file.read() else "the end of the picture (EOI marker) is not there"


def _riff(file: BinaryIO, size: int) -> str | None:
    """Walk the chunks. Streamed WAVs say 0 or 2^32 - 1 for a length nobody knew: they tell nothing."""
    file.seek(4)
    total = int.from_bytes(file.read(4), "little")
    if total in (0, 0xFFFFFFFF):
        return None
    at, end = 12, total + 8
    while at + 8 <= min(end, size):
        file.seek(at)
        header = file.read(8)
        length = int.from_bytes(header[4:], "little")
        if length == 0xFFFFFFFF:
            return None
        if at + 8 + length > size:
            name = header[:4].decode("ascii", "replace").strip()
            return _short_by(f"the {name} chunk", at + 8 + length, size)
        at += 8 + length + length % 2
    # The pad byte of an odd last chunk is often left out.
    return _short_by("the file", end, size) if end > size + 1 else None


def _ogg(file: BinaryIO, size: int) -> str | None:
    at = 0
    while at < size:
        file.seek(at)
        header = file.read(27)
        if not header.startswith(b"OggS"):
            return None if at and not header.startswith(b"OggS"[: len(header)]) else "a page is cut off"
        segments = file.read(header[26]) if len(header) == 27 else b""
        if len(header) < 27 or len(segments) < header[26]:
            return "the file ends inside the header of a page"
        end = at + 27 + len(segments) + sum(segments)
        if end > size:
            return _short_by("a page", end, size)
        at = end
    return None


def _mp3(file: BinaryIO, size: int) -> str | None:
    """Only a Xing or Info header says how many bytes there should be."""
    file.seek(0)
    head = file.read(10)
    start = 0
    if head.startswith(b"ID3"):
        start = 10
        for place, byte in enumerate(reversed(head[6:10])):
            start += (byte & 0x7F) << 7 * place
        if start > size:
            return _short_by("the ID3 tag", start, size)
    file.seek(start)
    frame = file.read(200)
    at = max(frame.find(b"Xing"), frame.find(b"Info"))
    if at < 0 or len(frame) < at + 16 or not frame[at + 7] & 2:
        return None
    stated = int.from_bytes(frame[at + 12 : at + 16] if frame[at + 7] & 1 else frame[at + 8 : at + 12])
    if start + stated > size + _MP3_HEADER_SLACK and stated != size:
        return _short_by("the sound", start + stated, size)
    return None
