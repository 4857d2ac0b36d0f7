"""Facts about media files and whether they are whole.

Both come with the ``media`` extra and are imported when first needed; without them facts are None and
completeness is told from the container alone (see containers.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from rivya_run.media.containers import structure

if TYPE_CHECKING:
    import av
    from av.container import InputContainer

IMAGES = frozenset(("png", "jpeg", "webp"))
INDEXED = frozenset(("mov", "mp4"))
"""Formats (PyAV's names) whose index lists every packet, so that missing ones can be counted."""

_EXIF_ORIENTATION = 0x0112
_TURNED = frozenset((5, 6, 7, 8))


@dataclass(frozen=True, slots=True)
class MediaFacts:
    """What a file really holds. Sizes in pixels as shown (rotation applied), ``duration`` in seconds.

    ``duration`` of a clip is that of its picture, of a sound that of the sound, None for a still;
    ``frames`` counts the pictures; ``audio`` says whether there is sound.
    """

    kind: Literal["video", "image", "audio"]
    width: int | None = None
    height: int | None = None
    duration: float | None = None
    frame_rate: float | None = None
    codec: str | None = None
    audio: bool = False
    frames: int | None = None


@dataclass(frozen=True, slots=True)
class Complete:
    """Everything that the file promises is in it."""


@dataclass(frozen=True, slots=True)
class Incomplete:
    """The file promises more than it holds; ``reason`` says what is missing."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The file is no media that can be opened; ``reason`` says why."""

    reason: str


@dataclass(frozen=True, slots=True)
class NotInstalled:
    """The container looks whole; counting its packets needs the ``media`` extra."""


Completeness: TypeAlias = Complete | Incomplete | Unreadable | NotInstalled


@cache
def installed() -> bool:
    """Whether the ``media`` extra is there."""
    return find_spec("av") is not None and find_spec("PIL") is not None


def facts(path: Path) -> MediaFacts | None:
    """What the file holds, from its packets and pictures, not its header; None if that can't be told."""
    if not installed():
        return None
    try:
        with path.open("rb") as file:
            container = structure(file).container
    except OSError:
        return None
    return _image_facts(path) if container in IMAGES else _stream_facts(path)


def _image_facts(path: Path) -> MediaFacts | None:
    from PIL import Image

    try:
        with Image.open(path) as image:
            width, height = image.size
            if image.getexif().get(_EXIF_ORIENTATION) in _TURNED:
                width, height = height, width
            return MediaFacts("image", width, height, codec=(image.format or "").lower() or None)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def _stream_facts(path: Path) -> MediaFacts | None:
    import av
    from av.error import FFmpegError

    try:
        with av.open(str(path), metadata_errors="replace") as container:
            if container.streams.video:
                return _video_facts(container)
            if container.streams.audio:
                stream = container.streams.audio[0]
                walk = Walk(stream)
                for packet in container.demux(stream):
                    walk.take(packet)
                duration = round(float(walk.span().length), 6)
                return MediaFacts("audio", duration=duration, codec=stream.codec_context.name, audio=True)
    except (FFmpegError, OSError, ValueError, EOFError):
        pass
    return None


def _video_facts(container: InputContainer) -> MediaFacts | None:
    """One walk over the packets, the first picture decoded on the way.

    Decoding it beforehand and going back would leave a decoder half-way, which loses 10 KiB each time.
    """
    stream = container.streams.video[0]
    walk, first = Walk(stream), None
    for packet in container.demux(stream):
        if first is None:
            first = next(iter(packet.decode()), None)
        walk.take(packet)
    return video_facts(container, first, walk.span())


def video_facts(container: InputContainer, first: av.VideoFrame | None, span: Span) -> MediaFacts | None:
    """Facts of a clip by its first picture and what its packets cover; None without either."""
    stream = container.streams.video[0]
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
        audio=bool(container.streams.audio),
        frames=span.packets,
    )


@dataclass(frozen=True, slots=True)
class Span:
    """What the packets of one stream cover: how many are shown, and their length in seconds."""

    packets: int
    length: Fraction


class Walk:
    """Takes in the packets of one stream, one after another."""

    def __init__(self, stream: av.VideoStream | av.AudioStream) -> None:
        self._stream = stream
        self._count = self._last = 0
        self._start: int | None = None
        self._end: int | None = None

    def take(self, packet: av.Packet[Any]) -> None:
        """The next packet."""
        at = packet.pts
        if at is None or not packet.size or packet.is_discard:
            return
        self._count += 1
        self._last = packet.duration or self._last
        self._start = at if self._start is None else min(self._start, at)
        self._end = at + self._last if self._end is None else max(self._end, at + self._last)

    def span(self) -> Span:
        """What they cover."""
        start, end = self._start, self._end
        if start is None or end is None:
            return Span(0, Fraction(0))
        if self._stream.type == "audio":
            start = max(start, 0)
        return Span(self._count, (end - start) * (self._stream.time_base or Fraction(1, 1)))


def _frame_rate(span: Span, stated: Fraction | None) -> Fraction | None:
    """Pictures a second as counted; the stated rate where it says the same but for rounding."""
    counted = Fraction(span.packets) / span.length if span.length else None
    if stated and (counted is None or abs(counted - stated) <= stated / span.packets):
        return stated
    return counted


def completeness(path: Path) -> Completeness:
    """Whether all of the file is there: lengths of the container, then its packets; nothing is decoded."""
    try:
        with path.open("rb") as file:
            found = structure(file)
        size = path.stat().st_size
    except OSError as problem:
        return Unreadable(problem.strerror or str(problem))
    if found.missing:
        return Incomplete(found.missing)
    if found.container in IMAGES:
        return Complete()
    if not installed():
        return NotInstalled()
    return _counted(path, size)


def _counted(path: Path, size: int) -> Completeness:
    import av
    from av.error import FFmpegError

    try:
        # Without edit lists every packet of the index is handed out, also those that are never shown.
        with av.open(str(path), metadata_errors="replace", options={"ignore_editlist": "1"}) as container:
            if not container.streams.video and not container.streams.audio:
                return Unreadable("neither picture nor sound is in it")
            counts = dict.fromkeys(range(len(container.streams)), 0)
            for packet in container.demux():
                if not packet.size:
                    continue
                counts[packet.stream.index] += 1
                if packet.is_corrupt or (packet.pos is not None and packet.pos + packet.size > size):
                    return Incomplete("a packet is cut off")
            if INDEXED & set(container.format.name.split(",")):
                for stream in (*container.streams.video, *container.streams.audio):
                    there = counts[stream.index]
                    if there < stream.frames:
                        return Incomplete(
                            f"{there} of {stream.frames} packets of its {stream.type} are there"
                        )
            elif not any(counts.values()):
                return Incomplete("there is no packet in it")
    except (FFmpegError, OSError, ValueError, EOFError) as problem:
        return Unreadable(getattr(problem, "strerror", None) or str(problem))
    return Complete()
