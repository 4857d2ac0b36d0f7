"""FFmpeg's filters as generators: frames in, frames out, one at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from fractions import Fraction
from typing import Any, TypeAlias, TypeVar

import av
from av.error import FFmpegError
from av.filter import Graph
from av.filter.context import FilterContext

from rivya_run.errors import RivyaError

Step: TypeAlias = tuple[str, str]
"""A filter and its options."""

AnyFrame = TypeVar("AnyFrame", av.VideoFrame, av.AudioFrame)


def filtered(frames: Iterable[AnyFrame], steps: Sequence[Step]) -> Iterator[AnyFrame]:
    """The frames after a row of filters. Stops reading where nobody takes more."""
    return joined([frames], steps[0], steps[1:])


def joined(
    inputs: Sequence[Iterable[AnyFrame]], by: Step, after: Sequence[Step] = (), each: Sequence[Step] = ()
) -> Iterator[AnyFrame]:
    """What a filter with several inputs makes of them; ``each`` is done to every input first.

    The input that is behind in time is read next, so that none piles up. Raises RivyaError when FFmpeg can't do it.
    """
    sources = [iter(frames) for frames in inputs]
    heads = [next(source, None) for source in sources]
    if any(head is None for head in heads):
        raise RivyaError(f"there is nothing to put through the filter {by[0]}")
    graph = Graph()  # kept by this name: what is in it doesn't keep it
    try:
        buffers, sink = _built(graph, [head for head in heads if head is not None], by, after, each)
        times = [Fraction(0)] * len(sources)
        wanting = set(range(len(sources)))
        while wanting:
            number = min(wanting, key=lambda one: times[one])
            head, heads[number] = heads[number], None
            frame = head if head is not None else next(sources[number], None)
            if not _pushed(buffers[number], frame):
                wanting.remove(number)
            elif frame is not None and frame.time_base is not None:
                times[number] = (frame.pts or 0) * frame.time_base
            yield from _ready(sink)
    except FFmpegError as problem:
        raise RivyaError(f"FFmpeg's filter {by[0]} failed: {problem.strerror or problem}") from problem


def _pushed(buffer: FilterContext, frame: av.VideoFrame | av.AudioFrame | None) -> bool:
    """Whether more is wanted: not after the end, nor when a filter has had enough."""
    try:
        buffer.push(frame)
    except av.EOFError:
        return False
    return frame is not None


def _ready(sink: FilterContext) -> Iterator[Any]:
    with suppress(av.BlockingIOError, av.EOFError):
        while True:
            yield sink.pull()


def _built(
    graph: Graph, heads: Sequence[AnyFrame], by: Step, after: Sequence[Step], each: Sequence[Step]
) -> tuple[list[FilterContext], FilterContext]:
    buffers = [_buffer(graph, head) for head in heads]
    middle = graph.add(*by)
    for number, buffer in enumerate(buffers):
        _linked(graph, buffer, each).link_to(middle, 0, number)
    sink = graph.add("buffersink" if isinstance(heads[0], av.VideoFrame) else "abuffersink")
    _linked(graph, middle, after).link_to(sink)
    graph.configure()
    return buffers, sink


def _linked(graph: Graph, start: FilterContext, steps: Sequence[Step]) -> FilterContext:
    for step in steps:
        following = graph.add(*step)
        start.link_to(following)
        start = following
    return start


def _buffer(graph: Graph, frame: av.VideoFrame | av.AudioFrame) -> FilterContext:
    base = frame.time_base or Fraction(1, 1000)
    if isinstance(frame, av.VideoFrame):
        return graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=base)
    return graph.add_abuffer(
        sample_rate=frame.sample_rate, format=frame.format.name, layout=frame.layout.name, time_base=base
    )
