"""A clip as the cut sees it: its exact length, and whether its packets can be copied beside another's."""

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
from rivya_run.export.segments import standard_rate

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


@dataclass(frozen=True, slots=True)
class Clip:
    """``start`` is the time of the first picture in seconds, ``length`` how long the pictures last.

    ``stream`` is None where packets can't be copied; ``rate`` is a standard frame rate.
    """

    file: Path
    width: int
    height: int
    rate: Fraction
    start: Fraction
    length: Fraction
    sound: bool
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
    """Measure a clip by its packets. Raises RivyaError when it holds no picture."""
    with opened(file) as container:
        if not container.streams.video:
            raise RivyaError(f"{file.name} has no picture")
        stream = container.streams.video[0]
        base = stream.time_base or Fraction(1, 1)
        rate = standard_rate(stream.average_rate)
        usual = round(1 / rate / base)
        times: list[tuple[int, int]] = []
        copied = stream.codec_context.name in _COPIED
        for packet in container.demux(stream):
            if not packet.size or packet.pts is None:
                copied = copied and not packet.size
                continue
            # What an edit list hides can't be left out of a copy.
            copied = copied and not packet.is_discard and packet.dts is not None
            copied = copied and (bool(times) or packet.is_keyframe)
            if not packet.is_discard:
                times.append((packet.pts, packet.duration or usual))
        if not times:
            raise RivyaError(f"{file.name} holds no picture")
        start = min(time for time, _ in times)
        length = (max(time + took for time, took in times) - start) * base
        if abs(len(times) / rate - length) < 1 / (2 * rate):
            length = len(times) / rate
        context = stream.codec_context
        return Clip(
            file=file,
            width=context.width,
            height=context.height,
            rate=rate,
            start=start * base,
            length=length,
            sound=bool(container.streams.audio),
            stream=Stream(
                context.name,
                bytes(context.extradata or b""),
                context.width,
                context.height,
                context.pix_fmt,
                base,
                context.sample_aspect_ratio,
            )
            if copied
            else None,
        )
