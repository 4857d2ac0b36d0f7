"""The pictures of a cut that is encoded again: one size, one rate, one stream; slates and burnt-in labels."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache

import av
from av.container import OutputContainer
from av.filter import Graph
from av.video.frame import PictureType
from PIL import Image, ImageDraw, ImageOps

from rivya_run.film.clips import Clip, Segment, opened
from rivya_run.media import typefaces
from rivya_run.media.frames import still
from rivya_run.text import visible

_PAPER = (26, 28, 33)
_INK = (236, 238, 242)
_SOFT = (150, 156, 168)
_MOST_PROMPT = 1500  # characters: more never fits on a slate


def clean(text: str) -> str:
    """Text of people on one line, control characters made visible."""
    return visible(" ".join(text.split()))


def slate(segment: Segment, width: int, height: int) -> Image.Image:
    """A picture that says which shot is missing and what it will show."""
    image = Image.new("RGB", (width, height), _PAPER)
    pen = ImageDraw.Draw(image)
    unit = max(8, min(width, height) // 20)
    room, left, top = width - 4 * unit, 2 * unit, 2 * unit
    typefaces.write(pen, typefaces.shortened(clean(segment.shot), unit * 2, room), left, top, unit * 2, _INK)
    top += unit * 3
    scene = f"{clean(segment.scene)} · " if segment.scene else ""
    typefaces.write(
        pen, typefaces.shortened(f"{scene}no finished take yet", unit, room), left, top, unit, _SOFT
    )
    top += unit * 2
    lines = max(1, (height - top - unit) // (unit * 3 // 2))
    for line in typefaces.wrapped(clean(segment.note[:_MOST_PROMPT]), unit, room, lines):
        typefaces.write(pen, line, left, top, unit, _INK)
        top += unit * 3 // 2
    return image


def label(segment: Segment) -> str:
    """``sh010 t02``, as burnt into a cut."""
    return clean(segment.shot) + (f" t{segment.take:02}" if segment.take is not None else "")


@lru_cache(maxsize=8)
def _tag(text: str, width: int, height: int) -> Image.Image:
    size = max(9, min(width, height) // 18)
    text = typefaces.shortened(text, size, width - 3 * size)
    tag = Image.new("RGBA", (int(typefaces.width_of(text, size)) + size, size * 8 // 5), (0, 0, 0, 150))
    typefaces.write(ImageDraw.Draw(tag), text, size / 2, size * 0.15, size, (255, 255, 255, 255))
    return tag


def burn(image: Image.Image, text: str) -> Image.Image:
    """The label on its half-dark ground, put into the lower left corner."""
    tag = _tag(text, *image.size)
    margin = max(4, min(image.size) // 30)
    image.paste(tag, (margin, image.height - tag.height - margin), tag)
    return image


_ENCODERS: tuple[tuple[str, dict[str, str]], ...] = (
    ("libx264", {"crf": "18", "preset": "veryfast"}),
    ("libopenh264", {}),
    ("mpeg4", {"qscale": "3"}),
)


class Pictures:
    """A video track of an output, filled piece by piece."""

    def __init__(self, out: OutputContainer, size: tuple[int, int], rate: Fraction, *, burn_in: bool) -> None:
        self._out, self._size, self._rate, self._burn_in = out, size, rate, burn_in
        self._stream = _encoder(out, rate)
        self._stream.width, self._stream.height = size
        self._stream.pix_fmt = "yuv420p"
        self._stream.time_base = 1 / rate

    def add(self, segment: Segment, clip: Clip | None, begin: int, end: int) -> None:
        """The frames from ``begin`` up to ``end`` of the output, taken from a piece."""
        count = end - begin
        shown = self._of_clip(clip, count) if clip is not None else self._of_still(segment, count)
        for number, frame in enumerate(shown, start=begin):
            if self._burn_in:
                image: Image.Image = frame.to_image()  # type: ignore[no-untyped-call]
                frame = _frame(burn(image, label(segment)))
            frame.pts, frame.time_base = number, 1 / self._rate
            frame.pict_type = PictureType.NONE
            self._out.mux(self._stream.encode(frame))

    def finish(self) -> None:
        self._out.mux(self._stream.encode(None))

    def _of_still(self, segment: Segment, frames: int) -> Iterator[av.VideoFrame]:
        if segment.file is None:
            image = slate(segment, *self._size)
        else:
            image = ImageOps.pad(still(segment.file).convert("RGB"), self._size, color=(0, 0, 0))
        frame = _frame(image)
        for _ in range(frames):
            yield frame

    def _of_clip(self, clip: Clip, frames: int) -> Iterator[av.VideoFrame]:
        """Frame n of the output shows what is on screen in the middle of its time."""
        given = 0
        last: av.VideoFrame | None = None
        with opened(clip.file) as container:
            container.streams.video[0].thread_type = "AUTO"
            for shown in self._fitted(container):
                time = Fraction(shown.time or 0).limit_denominator(1_000_000) - clip.start
                while last is not None and given < frames and (given + Fraction(1, 2)) / self._rate < time:
                    yield last
                    given += 1
                last = shown
        while last is not None and given < frames:
            yield last
            given += 1

    def _fitted(self, container: av.container.InputContainer) -> Iterator[av.VideoFrame]:
        """The clip's frames upright, scaled into the size of the cut, bars around them where needed."""
        graph: Graph | None = None
        for shown in container.decode(video=0):
            if shown.pts is None:
                continue
            if shown.rotation:
                turned: Image.Image = shown.to_image()  # type: ignore[no-untyped-call]
                time, base = shown.pts, shown.time_base
                shown = _frame(turned.rotate(shown.rotation, expand=True))
                shown.pts, shown.time_base = time, base
            if graph is None:
                graph = self._graph(shown, container)
            graph.push(shown)
            fitted = graph.pull()
            if isinstance(fitted, av.VideoFrame):
                yield fitted

    def _graph(self, shown: av.VideoFrame, container: av.container.InputContainer) -> Graph:
        width, height = self._size
        aspect = container.streams.video[0].codec_context.sample_aspect_ratio or Fraction(1)
        graph = Graph()
        nodes = [
            graph.add_buffer(
                width=shown.width,
                height=shown.height,
                format=shown.format,
                time_base=shown.time_base or Fraction(1, 1000),
            ),
            graph.add("scale", f"w=iw*{aspect.numerator}/{aspect.denominator}:h=ih"),
            graph.add("setsar", "1"),
            graph.add("scale", f"{width}:{height}:force_original_aspect_ratio=decrease:force_divisible_by=2"),
            graph.add("pad", f"{width}:{height}:(ow-iw)/2:(oh-ih)/2"),
            graph.add("format", "yuv420p"),
            graph.add("buffersink"),
        ]
        graph.link_nodes(*nodes).configure()
        return graph


def _frame(image: Image.Image) -> av.VideoFrame:
    frame: av.VideoFrame = av.VideoFrame.from_image(image)  # type: ignore[no-untyped-call]
    return frame.reformat(format="yuv420p")


def _encoder(out: OutputContainer, rate: Fraction) -> av.VideoStream:
    """The best encoder that this build of PyAV has."""
    for name, options in _ENCODERS:
        if name in av.codecs_available:
            stream = out.add_stream(name, rate=rate, options=options)
            assert isinstance(stream, av.VideoStream)
            return stream
    raise RuntimeError("this build of PyAV can't write MP4 pictures")
