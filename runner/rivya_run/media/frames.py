"""Pictures out of clips: an exact frame as PNG, a poster as small JPEG."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from PIL import Image, ImageOps

from rivya_run.durable import replacing
from rivya_run.errors import RivyaError
from rivya_run.media.facts import pictures_of
from rivya_run.media.types import by_suffix

_PATCHES = (32, 18)  # across and down: noise averages out in a patch
HD_LINES = 720  # from here on unmarked video is BT.709, below BT.601, as players assume
_POSTER_AT = 1 / 3  # past fades and titles
_POSTER_LOOKS = 48  # two seconds at 24 a second: a longer dark scene is what the clip looks like
_DARK = 24  # of 255 in full range: below it nothing is to be seen


def frame(path: Path, which: Literal["first", "last"] | float, to: Path) -> None:
    """Write one exact frame of a clip as PNG: the first, the very last, or the one shown at so many seconds.

    A still picture is its own every frame. Raises RivyaError when the clip can't be read, or is shorter than
    ``which`` seconds; ``to`` is then as it was before.
    """
    picture = still(path) if _is_still(path) else _clip_frame(path, which)
    with replacing(to) as part:
        picture.save(part, "PNG")


def poster(path: Path, width: int, quality: int = 70) -> bytes | None:
    """A JPEG at most ``width`` pixels wide that stands for a clip or a still; None if there is none.

    Taken about a third into the clip, a little later where that is dark.
    """
    try:
        if _is_still(path):
            picture = still(path)
        else:
            with _opened(path) as container:
                picture = _picture(_telling_frame(container))
    except RivyaError:
        return None
    if picture.mode != "RGB":
        picture = picture.convert("RGB")
    picture.thumbnail((width, width * 2))
    kept = io.BytesIO()
    picture.save(kept, "JPEG", quality=quality, optimize=True)
    return kept.getvalue()


def _is_still(path: Path) -> bool:
    media = by_suffix(path.suffix)
    return media is not None and media.kind == "image"


def still(path: Path) -> Image.Image:
    """A picture file, upright, as RGB, RGBA or grey. Raises RivyaError when it can't be read."""
    try:
        with Image.open(path) as image:
            image.load()
            turned = ImageOps.exif_transpose(image)
            return turned if turned.mode in ("RGB", "RGBA", "L") else turned.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as problem:
        raise RivyaError(f"{path.name} can't be read as a picture: {problem}") from problem


@contextmanager
def _opened(path: Path) -> Iterator[InputContainer]:
    """A clip opened for decoding; whatever PyAV raises inside the block becomes a RivyaError."""
    try:
        with av.open(str(path), metadata_errors="replace") as container:
            if not pictures_of(container):
                raise RivyaError(f"{path.name} has no picture that can be decoded")
            container.streams.video[0].thread_type = "AUTO"
            yield container
    except (FFmpegError, OSError, ValueError) as problem:
        why = getattr(problem, "strerror", None) or problem
        raise RivyaError(f"{path.name} can't be decoded: {why}") from problem


def _clip_frame(path: Path, which: Literal["first", "last"] | float) -> Image.Image:
    with _opened(path) as container:
        if which == "first":
            found = next(_shown(container), None)
        elif which == "last":
            found = _last(container)
        else:
            found = _at(container, which, path)
        if found is None:
            raise RivyaError(f"{path.name} holds no picture that can be decoded")
        return _picture(found)


def _shown(container: InputContainer) -> Iterator[av.VideoFrame]:
    """The frames in the order they are shown (decoders hand them out so), those without a time left out."""
    return (found for found in container.decode(video=0) if found.pts is not None)


def _last(container: InputContainer) -> av.VideoFrame | None:
    """The frame shown last: decoded to the end, since only the decoder knows which that is."""
    last = None
    for last in _shown(container):  # noqa: B007 - the frame after the loop is what is wanted
        pass
    return last


def _at(container: InputContainer, seconds: float, path: Path) -> av.VideoFrame | None:
    """The frame on screen at a time counted from the first frame; the end of the clip belongs to its last."""
    start: float | None = None
    found, end = None, 0.0
    for shown in _shown(container):
        time = float(shown.time or 0.0)
        start = time if start is None else start
        if found is not None and time - start > seconds + 1e-6:
            return found
        found, end = shown, time - start + _duration(shown, container)
    if found is not None and seconds > end + 1e-3:
        raise RivyaError(
            f"{path.name} is {end:.4g} s long, there is no frame at {seconds:g} s",
            hint="use frame: last, or a time within the clip",
        )
    return found


def _duration(shown: av.VideoFrame, container: InputContainer) -> float:
    if shown.duration and shown.time_base:
        return float(shown.duration * shown.time_base)
    rate = container.streams.video[0].average_rate
    return float(1 / rate) if rate else 0.0


def _picture(shown: av.VideoFrame) -> Image.Image:
    """The frame as RGB, turned as the clip says. Unnamed colours are taken as HD's from 720 lines on."""
    named = shown.colorspace in (1, 5, 6, 7, 9)
    source = Colorspace.ITU709 if shown.height >= HD_LINES else Colorspace.ITU601
    rgb = shown.reformat(
        format="rgb24", src_colorspace=None if named else source, interpolation=Interpolation.BICUBIC
    )
    picture: Image.Image = rgb.to_image()  # type: ignore[no-untyped-call]
    return picture.rotate(shown.rotation, expand=True) if shown.rotation else picture


def _telling_frame(container: InputContainer) -> av.VideoFrame:
    """A frame near a third of the clip, from the last keyframe before it on, the first that is not dark."""
    if container.duration:
        container.seek(int(container.duration * _POSTER_AT))
    best = None
    for looked, shown in enumerate(_shown(container)):
        best = shown if best is None else best
        if max(_patches(shown)) > _DARK:
            return shown
        if looked >= _POSTER_LOOKS:
            break
    if best is None:
        container.seek(0)
        best = next(_shown(container), None)
    if best is None:
        raise RivyaError("no picture can be decoded")
    return best


def _patches(shown: av.VideoFrame) -> bytes:
    """Brightness of the picture in 32 x 18 patches, full range."""
    wide, high = _PATCHES
    grey = VideoReformatter().reformat(
        shown,
        wide,
        high,
        "gray",
        interpolation=Interpolation.AREA,
        dst_color_range=ColorRange.JPEG,
        threads=1,  # starting more takes longer than so small a picture
    )
    plane = grey.planes[0]
    rows = bytes(plane)
    return b"".join(rows[row * plane.line_size : row * plane.line_size + wide] for row in range(high))
