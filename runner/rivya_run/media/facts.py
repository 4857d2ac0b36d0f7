"""Facts about media files and whether they are whole."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO, Final

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition
from PIL import Image, UnidentifiedImageError

from rivya_run.media.stills import UNREADABLE_IMAGE, size_as_shown
from rivya_run.media.types import HEAD_BYTES, Kind, MediaType, recognise

INDEXED = frozenset(("mov", "mp4"))
"""Formats (PyAV's names) whose index lists every packet, so that missing ones can be counted."""

MP4_FAMILY = frozenset(("video/mp4", "video/quicktime", "audio/mp4"))

_TIMED = frozenset(("matroska", "webm", "flac", "mp3"))
"""Formats (PyAV's names) whose header says how long the media last, apart from what is there."""

_SHORT_BY = 0.01
"""Seconds that packets may end before the time in the header: WebM counts in milliseconds, and headers round; a
picture at 60 a second lasts 0.017, a packet of sound 0.02."""

UNREADABLE: Final = (FFmpegError, OSError, ValueError, EOFError)
"""What PyAV raises for a broken clip."""


@dataclass(frozen=True, slots=True)
class MediaFacts:
    """What a file really holds. Sizes in pixels as shown (rotation applied), ``duration`` in seconds.

    ``duration`` of a clip is that of its picture, of a sound that of the sound, None for a still;
    ``frames`` counts the pictures; ``audio`` says whether there is sound.
    """

    kind: Kind
    width: int | None = None
    height: int | None = None
    duration: float | None = None
    frame_rate: float | None = None
    codec: str | None = None
    audio: bool = False
    frames: int | None = None


def type_of(path: Path) -> MediaType | None:
    """The media type of a file by how it begins. Raises OSError."""
    with path.open("rb") as file:
        return recognise(file.read(HEAD_BYTES))


def facts(path: Path) -> MediaFacts | None:
    """What the file holds, from its packets and pictures, not its header; None if that can't be told."""
    try:
        media = type_of(path)
    except OSError:
        return None
    return _image_facts(path) if media is not None and media.kind == "image" else _stream_facts(path)


def sound_seconds(path: Path) -> float | None:
    """How long a sound is; None for what is none, or empty."""
    heard = facts(path)
    return heard.duration or None if heard is not None and heard.kind == "audio" else None


def _image_facts(path: Path) -> MediaFacts | None:
    try:
        with Image.open(path) as image:
            width, height = size_as_shown(image, image.getexif())
            return MediaFacts("image", width, height, codec=(image.format or "").lower() or None)
    except UNREADABLE_IMAGE:
        return None


def _stream_facts(path: Path) -> MediaFacts | None:
    try:
        with av.open(str(path), metadata_errors="replace") as container:
            if pictures_of(container):
                return _video_facts(container)
            if sounds_of(container):
                return _audio_facts(container)
    except UNREADABLE:
        pass
    return None


def pictures_of(container: InputContainer) -> list[av.VideoStream]:
    """The streams of pictures that move and that FFmpeg can decode; the cover of an album is a still."""
    covers = Disposition.attached_pic
    return [one for one in container.streams.video if one.codec_context and not one.disposition & covers]


def sounds_of(container: InputContainer) -> list[av.AudioStream]:
    """The streams of sound that FFmpeg can decode; the others have no codec context."""
    return [one for one in container.streams.audio if one.codec_context]


def _audio_facts(container: InputContainer) -> MediaFacts:
    stream = sounds_of(container)[0]
    walk = Walk(stream)
    for packet in container.demux(stream):
        walk.take(packet)
    duration = round(float(walk.span().length), 6)
    return MediaFacts("audio", duration=duration, codec=stream.codec_context.name, audio=True)


def _video_facts(container: InputContainer) -> MediaFacts | None:
    """One walk over the packets, the first picture decoded on the way.

    Decoding it beforehand and going back would leave a decoder half-way, which loses 10 KiB each time.
    """
    stream = pictures_of(container)[0]
    walk, first = Walk(stream), None
    for packet in container.demux(stream):
        if first is None:
            first = next(iter(packet.decode()), None)
        walk.take(packet)
    return video_facts(container, first, walk.span())


def video_facts(container: InputContainer, first: av.VideoFrame | None, span: Span) -> MediaFacts | None:
    """Facts of a clip by its first picture and what its packets cover; None without either."""
    stream = pictures_of(container)[0]
    if first is None or not span.packets:
        return None
    width, height = first.width, first.height
    if first.rotation % 180:
        width, height = height, width
    rate = _frame_rate(span, stream.average_rate)
    length = span.length
    if rate and abs(span.packets / rate - length) < 1 / (2 * rate):
        # Containers that count in milliseconds (WebM) round each frame; the count of a steady clip doesn't.
        length = span.packets / rate
    return MediaFacts(
        "video",
        width,
        height,
        duration=round(float(length), 6),
        frame_rate=round(float(rate), 6) if rate else None,
        codec=stream.codec_context.name,
        audio=bool(sounds_of(container)),
        frames=span.packets,
    )


@dataclass(frozen=True, slots=True)
class Span:
    """What the packets of one stream cover: how many are shown, and their length in seconds."""

    packets: int
    length: Fraction


class Walk:
    """Takes in the packets of one stream, one after another.

    A sound is as long as what is heard of it: what an encoder put before and after it is left out as far as the
    file tells of it (the LAME tag of an MP3, Opus's pre-skip, Matroska's codec delay, the edit list of an MP4).
    """

    def __init__(self, stream: av.VideoStream | av.AudioStream) -> None:
        self._stream = stream
        self._count = self._last = self._longest = 0
        self._start: int | None = None
        self._end: Fraction | None = None
        self._lead = Fraction(0)

    def take(self, packet: av.Packet[Any]) -> None:
        at = packet.pts
        if at is None or not packet.size or packet.is_discard:
            return
        lead, trail = self._padding(packet)
        if not self._count:
            self._lead = lead
        self._count += 1
        self._last = packet.duration or self._last
        self._longest = max(self._longest, self._last)
        # Some containers have taken the padding from the packet's duration already.
        lasts = min(Fraction(self._last), self._longest - trail)
        self._start = at if self._start is None else min(self._start, at)
        self._end = at + lasts if self._end is None else max(self._end, at + lasts)

    def _padding(self, packet: av.Packet[Any]) -> tuple[Fraction, Fraction]:
        """What is not to be heard at a packet's begin and at its end, in units of the time base."""
        if self._stream.type != "audio" or not packet.has_sidedata("skip_samples"):
            return Fraction(0), Fraction(0)
        told = bytes(packet.get_sidedata("skip_samples"))  # little-endian: samples at the begin, at the end
        second = (self._stream.codec_context.sample_rate or 1) * (self._stream.time_base or Fraction(1, 1))
        lead, trail = (int.from_bytes(told[at : at + 4], "little") / second for at in (0, 4))
        return lead, trail

    def span(self) -> Span:
        """What they cover."""
        start, end = self._start, self._end
        if start is None or end is None:
            return Span(0, Fraction(0))
        base = self._stream.time_base or Fraction(1, 1)
        if self._stream.type != "audio":
            return Span(self._count, (end - start) * base)
        length = max(Fraction(0), end - max(Fraction(0), start + self._lead))
        edited = self._stream.duration
        # An edit list may end inside of the last packet. One that ends earlier marks packets as not to be shown.
        if INDEXED & set(self._stream.container.format.name.split(",")) and edited:
            length = Fraction(edited) if 0 < length - edited < self._last else length
        return Span(self._count, length * base)


def _frame_rate(span: Span, stated: Fraction | None) -> Fraction | None:
    """Pictures a second as counted; the stated rate where it says the same but for rounding."""
    counted = Fraction(span.packets) / span.length if span.length else None
    if stated and (counted is None or abs(counted - stated) <= stated / span.packets):
        return stated
    return counted


def doubt_about(path: Path) -> str | None:
    """Why a file may not be whole, or is no media that can be opened; None where all of it is there.

    A picture decodes to its end, a clip or sound has all of its packets.
    """
    try:
        media = type_of(path)
        if media is not None and media.kind == "image":
            return _whole_image(path)
        if media is not None and media.mime_type in MP4_FAMILY:
            with path.open("rb") as file:
                missing = missing_from_mp4(file)
            if missing is not None:
                return missing
        return _counted(path, path.stat().st_size)
    except EOFError:
        return "the file ends before its first packet"
    except UNREADABLE as problem:
        return getattr(problem, "strerror", None) or str(problem)


def _whole_image(path: Path) -> str | None:
    try:
        with Image.open(path) as image:
            image.verify()  # a PNG to its last chunk
        with Image.open(path) as image:
            image.load()
    except UnidentifiedImageError:  # its own words name the path, which is nobody's business in a manifest
        return "it begins like a picture, and can't be opened as one"
    except Image.DecompressionBombError as problem:
        return str(problem)
    except UNREADABLE_IMAGE as problem:
        return f"the picture can't be read to its end: {problem}"
    return None


def _counted(path: Path, size: int) -> str | None:
    # Without edit lists every packet of the index is handed out, also those that are never shown.
    with av.open(str(path), metadata_errors="replace", options={"ignore_editlist": "1"}) as container:
        if not container.streams.video and not container.streams.audio:
            return "it has neither picture nor sound"
        counts = dict.fromkeys(range(len(container.streams)), 0)
        begin = end = Fraction(0)
        for packet in container.demux():
            if not packet.size:
                continue
            counts[packet.stream.index] += 1
            if packet.is_corrupt or (packet.pos is not None and packet.pos + packet.size > size):
                return "a packet is cut off"
            if packet.pts is not None and packet.time_base:
                begin = min(
                    begin, packet.pts * packet.time_base
                )  # Matroska counts an encoder's delay as well
                end = max(end, (packet.pts + (packet.duration or 0)) * packet.time_base)
        return _missing(container, counts, float(end - begin))


def _missing(container: InputContainer, counts: Mapping[int, int], end: float) -> str | None:
    """What the header promises beyond the packets that are there: ``counts`` by stream, ``end`` in seconds."""
    formats = set(container.format.name.split(","))
    if INDEXED & formats:
        for stream in (*container.streams.video, *container.streams.audio):
            there = counts[stream.index]
            if there < stream.frames:
                return f"{there} of {stream.frames} packets of its {stream.type} are there"
        return None
    if not any(counts.values()):
        return "it holds no packets"
    stated = (container.duration or 0) / av.time_base if _TIMED & formats else 0.0
    if stated - end > _SHORT_BY:
        return f"it ends {stated - end:.2f} s before the time that its header states"
    return None


_MP4_TOP_BOXES = frozenset(b"ftyp moov mdat free skip wide pnot moof mfra styp sidx uuid".split())


def missing_from_mp4(file: BinaryIO) -> str | None:
    """What a seekable file of the MP4 family lacks by its top-level boxes (ISO/IEC 14496-12 section 4.2), or None.

    Zero bytes after the last box are padding.
    """
    size = file.seek(0, os.SEEK_END)
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
            shown = name.decode("ascii", "replace")
            return f"the {shown} box ends {at + length - size} bytes beyond the end of the file"
        at += length
    if b"moov" not in seen and b"moof" not in seen:
        return "the index (moov box) is missing"
    if not seen & {b"mdat", b"moof"}:
        return "the index is there, but the media (mdat box) is missing"
    return None
