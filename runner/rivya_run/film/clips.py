"""The files of a film: what they hold, and whether their packets can be copied beside another's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.error import FFmpegError

from rivya_run.errors import RivyaError
from rivya_run.film.edit import standard_rate
from rivya_run.film.script import Footage
from rivya_run.media.facts import MediaFacts, facts
from rivya_run.media.types import Kind
from rivya_run.text import visible

_ROUNDED = Fraction(1, 100_000)  # seconds: facts are written with six digits


def footage_of(file: Path, kind: Kind) -> Footage:
    """What a file holds, measured. Raises RivyaError when it can't be read as what it should be."""
    found = facts(file)
    if found is None or found.kind != kind:
        raise RivyaError(f"{visible(file.name)} can't be read as {_AS[kind]}")
    return footage(file, found)


_AS = {"video": "a clip", "image": "a picture", "audio": "a sound"}


def footage(file: Path | None, found: MediaFacts) -> Footage:
    """Footage by facts that were measured, now or when the file was stored."""
    rate = standard_rate(found.frame_rate) if found.kind == "video" else None
    size = (found.width, found.height) if found.width and found.height else None
    return Footage(file, _exact(found.duration, rate), rate, size, bool(found.audio))


def _exact(seconds: float | None, rate: Fraction | None) -> Fraction | None:
    """A length as so many frames where it is that but for rounding."""
    if seconds is None:
        return None
    length = Fraction(str(seconds))
    whole = round(length * rate) / rate if rate else length
    return whole if abs(whole - length) < _ROUNDED else length


_COPIED = frozenset(("h264", "hevc", "av1", "vp9", "mpeg4"))
"""Codecs that an MP4 holds and players know."""


@dataclass(frozen=True, slots=True)
class Stream:
    """All that must be equal for packets of two clips to live in one stream."""

    codec: str
    extradata: bytes
    width: int
    height: int
    pixels: str | None
    time_base: Fraction
    aspect: Fraction | None
    rotation: int


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip as its packets are. ``start`` is the time of the first picture in seconds, ``rate`` a standard one.

    ``stream`` is None where packets can't be copied.
    """

    file: Path
    rate: Fraction
    start: Fraction
    stream: Stream | None


@contextmanager
def opened(file: Path) -> Iterator[InputContainer]:
    """A clip opened for reading; whatever PyAV raises inside the block becomes a RivyaError."""
    try:
        with av.open(str(file), metadata_errors="replace") as container:
            yield container
    except FFmpegError as problem:
        raise RivyaError(f"{file.name} can't be read: {problem.strerror or problem}") from problem


def read_clip(file: Path) -> Clip:
    """Look at a clip's packets. Raises RivyaError when it holds no picture."""
    with opened(file) as container:
        if not container.streams.video:
            raise RivyaError(f"{file.name} has no picture")
        stream = container.streams.video[0]
        base = stream.time_base or Fraction(1, 1)
        context = stream.codec_context
        copied, first = context.name in _COPIED, None
        start: int | None = None
        for packet in container.demux(stream):
            if not packet.size or packet.pts is None:
                copied = copied and not packet.size
                continue
            # What an edit list hides can't be left out of a copy.
            copied = copied and not packet.is_discard and packet.dts is not None
            copied = copied and (start is not None or packet.is_keyframe)
            if not packet.is_discard:
                start = packet.pts if start is None else min(start, packet.pts)
            if first is None:
                first = next(iter(packet.decode()), None)
        if start is None:
            raise RivyaError(f"{file.name} holds no picture")
        return Clip(
            file,
            standard_rate(stream.average_rate),
            start * base,
            Stream(
                context.name,
                bytes(context.extradata or b""),
                context.width,
                context.height,
                context.pix_fmt,
                base,
                context.sample_aspect_ratio,
                first.rotation if first is not None else 0,
            )
            if copied
            else None,
        )
