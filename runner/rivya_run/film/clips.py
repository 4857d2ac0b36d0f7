"""What follows what in a cut or a timeline: chosen takes in storyboard order, slates where one is missing.

Of each clip, the exact length, and whether its packets can be copied beside another's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal, TypeAlias

import av
from av.container import InputContainer
from av.error import FFmpegError

from rivya_run.errors import RivyaError
from rivya_run.project.manifest_reader import Chosen, Entry, NoFinishedTake, chosen_takes
from rivya_run.text import visible

HOLD = Fraction(2)
"""Seconds that a still or a slate stays on screen."""

DEFAULT_RATE = Fraction(24)
STANDARD_RATES = tuple(
    Fraction(rate) for rate in ("24000/1001", "24", "25", "30000/1001", "30", "48", "50", "60000/1001", "60")
)
_RATE_SLACK = Fraction(1, 200)


@dataclass(frozen=True, slots=True)
class Segment:
    """One piece. ``file`` is the clip or still, None for a slate; ``shot``, ``take`` and ``note`` are to be read."""

    kind: Literal["clip", "still", "slate"]
    shot: str
    take: int | None
    scene: str | None
    file: Path | None
    chosen: Chosen | None
    note: str = ""


Notice: TypeAlias = str


def segments(manifest: Entry, folder: Path, *, slates: bool) -> tuple[list[Segment], list[Notice]]:
    """The pieces, and what a person should be told about those left out.

    Raises RivyaError when nothing is left.
    """
    found: list[Segment] = []
    notices: list[Notice] = []
    for one in chosen_takes(manifest):
        if isinstance(one, NoFinishedTake):
            if slates:
                found.append(Segment("slate", one.shot, None, one.scene, None, None, one.prompt))
            else:
                notices.append(f"{visible(one.shot)} has no finished take and is left out")
            continue
        file = folder / one.path
        if one.kind == "audio":
            notices.append(f"{visible(one.shot)} is a sound and is left out")
        elif not file.is_file():
            notices.append(
                f"{visible(one.path)} is not in the folder and is left out; a run fetches it again"
            )
        else:
            kind: Literal["clip", "still"] = "clip" if one.kind == "video" else "still"
            found.append(Segment(kind, one.shot, one.take, one.scene, file, one))
    if not found:
        raise RivyaError(
            "there is nothing to export: no shot has a finished take whose file is here",
            hint="run the storyboard first, or add --slates to show slates for missing takes",
        )
    return found, notices


def standard_rate(rate: Fraction | float | None) -> Fraction:
    """The frame rate that editors know nearest to a measured one; a rate far from all of them stays."""
    if not rate:
        return DEFAULT_RATE
    exact = Fraction(rate).limit_denominator(1001)
    nearest = min(STANDARD_RATES, key=lambda known: abs(known - exact))
    return nearest if abs(nearest - exact) <= nearest * _RATE_SLACK else exact


def commonest(values: Iterable[Fraction]) -> Fraction:
    """The value that occurs most, the earlier one of equals; the default rate if there is none."""
    counted = Counter(values)
    return max(counted, key=lambda value: counted[value]) if counted else DEFAULT_RATE


def frame_edges(lengths: Iterable[Fraction], rate: Fraction) -> Iterator[tuple[int, int]]:
    """First frame and the frame after the last of each piece, rounded on the running sum: no drift."""
    at, begin = Fraction(0), 0
    for length in lengths:
        at += length
        end = round(at * rate)
        yield begin, end
        begin = end


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
