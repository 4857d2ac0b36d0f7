"""The pictures of a film that is encoded again: one size, one rate, upright, transitions between them.

Each clip is opened when its turn comes; only a dissolve has two open.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction

import av
from av.container import InputContainer
from av.video.reformatter import ColorRange, Colorspace
from PIL import Image, ImageOps

from rivya_run.film.clips import opened
from rivya_run.film.edit import Edit, Piece
from rivya_run.film.filters import Step, filtered, joined
from rivya_run.film.slates import slate, tag
from rivya_run.media.frames import HD_LINES, still

_EARLY = Fraction(1, 10)  # seconds before a trim that are decoded: the frame on screen may have begun there
_TURNS = {90: "cclock", 270: "clock"}  # PyAV counts against the clock
_TAIL = ("tpad", "stop=-1:stop_mode=clone")  # a clip that ends early stays on its last picture


def shown(edit: Edit, *, labels: bool = False) -> Iterator[av.VideoFrame]:
    """The frames of a film in their order, exactly as many as the edit has."""
    waiting: Iterator[av.VideoFrame] = iter(())  # the rest of the picture before, to dissolve with
    number = 0
    for piece, after in zip(edit.pieces, (*edit.pieces[1:], None), strict=False):
        frames = _of_piece(edit, piece, labels=labels)
        parts: list[Iterable[av.VideoFrame]] = []
        if piece.dissolve:
            incoming = itertools.islice(frames, piece.dissolve)
            parts.append(_dissolved(waiting, incoming, piece.dissolve, edit.rate))
        alone = piece.frames - piece.dissolve - (after.dissolve if after is not None else 0)
        parts.append(itertools.islice(frames, alone))
        waiting = frames
        for frame in itertools.chain.from_iterable(parts):
            frame.pts, frame.time_base = number, 1 / edit.rate
            number += 1
            yield frame


def _dissolved(
    before: Iterator[av.VideoFrame], after: Iterator[av.VideoFrame], frames: int, rate: Fraction
) -> Iterator[av.VideoFrame]:
    """So many frames in which one picture becomes the other."""
    steps = [("fps", f"{rate}"), ("settb", f"{1 / rate}")]  # xfade wants to be told that the rate is steady
    seconds = float(frames / rate)
    both = [_timed(before, rate), _timed(after, rate)]
    return itertools.islice(
        joined(both, ("xfade", f"transition=fade:duration={seconds}:offset=0"), each=steps), frames
    )


def _timed(frames: Iterable[av.VideoFrame], rate: Fraction) -> Iterator[av.VideoFrame]:
    for number, frame in enumerate(frames):
        frame.pts, frame.time_base = number, 1 / rate
        frame.duration = 1  # without it the filter fps drops the last frame
        yield frame


def _of_piece(edit: Edit, piece: Piece, *, labels: bool) -> Iterator[av.VideoFrame]:
    """The frames of one picture, as many as it has in the film, faded where it comes from black or goes to it."""
    frames = _of_clip(edit, piece) if piece.clip else _of_still(edit, piece)
    frames = itertools.islice(frames, piece.frames)
    if labels:
        image, (left, top) = tag(piece.shot, *edit.size)
        mark: av.VideoFrame = av.VideoFrame.from_image(image)  # type: ignore[no-untyped-call]
        mark.pts, mark.time_base = 0, 1 / edit.rate
        options = f"x={left}:y={top}:format=yuv420:eof_action=repeat"
        frames = joined([_timed(frames, edit.rate), [mark]], ("overlay", options), [("format", "yuv420p")])
    fades = _fades(piece)
    return filtered(_timed(frames, edit.rate), fades) if fades else iter(frames)


def _fades(piece: Piece) -> list[Step]:
    steps = []
    if piece.fade_in:
        steps.append(("fade", f"type=in:start_frame=0:nb_frames={piece.fade_in}"))
    if piece.fade_out:
        start = piece.frames - piece.fade_out
        steps.append(("fade", f"type=out:start_frame={start}:nb_frames={piece.fade_out}"))
    return steps


def _of_still(edit: Edit, piece: Piece) -> Iterator[av.VideoFrame]:
    footage = piece.shot.footage
    if footage is None or footage.file is None:
        image = slate(piece.shot, *edit.size)
    else:
        image = ImageOps.pad(_on_black(still(footage.file)), edit.size, color=(0, 0, 0))
    frame: av.VideoFrame = av.VideoFrame.from_image(image)  # type: ignore[no-untyped-call]
    space = Colorspace.ITU709 if edit.size[1] >= HD_LINES else Colorspace.ITU601
    frame = frame.reformat(format="yuv420p", dst_colorspace=space, dst_color_range=ColorRange.MPEG)
    return itertools.repeat(frame)


def _on_black(image: Image.Image) -> Image.Image:
    """A picture without its transparency: a logo stands on black, as everything around it does."""
    if image.mode != "RGBA":
        return image.convert("RGB")
    ground = Image.new("RGBA", image.size, (0, 0, 0, 255))
    ground.alpha_composite(image)
    return ground.convert("RGB")


def _of_clip(edit: Edit, piece: Piece) -> Iterator[av.VideoFrame]:
    """A clip from where it begins, at the rate of the film, for ever on its last picture."""
    assert piece.shot.footage is not None and piece.shot.footage.file is not None
    with opened(piece.shot.footage.file) as container:
        container.streams.video[0].thread_type = "AUTO"
        frames = _decoded(container, piece.source)
        first = next(frames, None)
        if first is None:
            yield from itertools.repeat(_black(edit.size))
            return
        # Frame n shows what is on screen in the middle of its time.
        rate: Step = ("fps", f"fps={edit.rate}:round=near:start_time=0")
        steps = [rate, *_fitting(container, first, edit.size), _TAIL]
        yield from filtered(itertools.chain([first], frames), steps)


def _decoded(container: InputContainer, source: Fraction) -> Iterator[av.VideoFrame]:
    """The frames from the one on screen at ``source`` seconds on, their times counted from there."""
    stream = container.streams.video[0]
    base = stream.time_base or Fraction(1, 1000)
    start = (stream.start_time or 0) * base + source
    if source > _EARLY:
        container.seek(int((start - _EARLY) / base), stream=stream)
    before: av.VideoFrame | None = None
    for frame in container.decode(stream):
        if frame.pts is None:
            continue
        frame.pts -= round(start / base)
        if before is not None and frame.pts > 0:
            yield before
            before = None
        if frame.pts <= 0:
            before = frame
        else:
            yield frame
    if before is not None:
        yield before


def _fitting(container: InputContainer, first: av.VideoFrame, size: tuple[int, int]) -> Sequence[Step]:
    """Upright, scaled into the size of the film with square pixels, bars around it where needed."""
    aspect = container.streams.video[0].codec_context.sample_aspect_ratio or Fraction(1)
    wide, high = first.width * aspect, Fraction(first.height)
    steps: list[Step] = []
    turn = round(first.rotation) % 360
    if turn in _TURNS:
        steps.append(("transpose", f"dir={_TURNS[turn]}"))
        wide, high = high, wide
    elif turn == 180:
        steps += [("hflip", ""), ("vflip", "")]
    scale = min(size[0] / wide, size[1] / high)
    fitted = [
        max(2, min(most, round(side * scale / 2) * 2)) for side, most in ((wide, size[0]), (high, size[1]))
    ]
    into = "bt709" if size[1] >= HD_LINES else "smpte170m"
    options = f"w={fitted[0]}:h={fitted[1]}:out_color_matrix={into}:out_range=limited"
    if first.colorspace not in _NAMED:
        options += f":in_color_matrix={'bt709' if first.height >= HD_LINES else 'smpte170m'}"
    steps.append(("scale", options))
    if tuple(fitted) != size:
        steps.append(("pad", f"w={size[0]}:h={size[1]}:x=(ow-iw)/2:y=(oh-ih)/2"))
    return [*steps, ("setsar", "1"), ("format", "yuv420p")]


_NAMED = {1, 5, 6, 7, 9}
"""Colour matrices that a clip can say it has; what says nothing is taken by its size, as players do."""


def _black(size: tuple[int, int]) -> av.VideoFrame:
    frame: av.VideoFrame = av.VideoFrame.from_image(Image.new("RGB", size))  # type: ignore[no-untyped-call]
    return frame.reformat(format="yuv420p")
