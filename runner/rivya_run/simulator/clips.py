"""Results as real media files: MP4 with a running timecode, pictures and sounds in their usual formats.

The same ``Result`` always gives the same bytes, so that ``ETag`` and ``Range`` hold without keeping files.
"""

from __future__ import annotations

import io
import math
import struct
import tempfile
import threading
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream
from PIL import Image, ImageDraw

from rivya_run.media import typefaces
from rivya_run.simulator.slate import Field, Framing, Slate, background, bar_field, clock_field, draw_slate
from rivya_run.simulator.sounds import USUAL_FORMAT, SimulatedSound, SoundFormat

_RATES = (24, 25, 30)  # tried in this order
_MOST_FRAMES = 1440  # a minute at 24 a second: rendering takes time
_IN_CLIPS = SoundFormat("mp4", "aac", 48_000, 96_000)
# Good enough for noise and chords, in a third of the time.
_QUICK = {"aac": {"aac_coder": "fast"}, "libmp3lame": {"compression_level": "9"}}
_DIGITS = "0123456789:"
#: FreeType faces must not be used by two threads at once.
_DRAWING = threading.Lock()


@dataclass(frozen=True, slots=True)
class Result:
    """One file of a task: how large and long it is, what is written on it, what is heard, how sounds are encoded.

    ``flaw`` names the fault that spoiled it, where one did.
    """

    framing: Framing
    slate: Slate
    sound: SimulatedSound | None = None
    sound_format: SoundFormat = USUAL_FORMAT
    flaw: str | None = None


class Abandoned(Exception):
    """Nobody waits for the clip any more."""


def render(result: Result, stopped: Callable[[], bool] = lambda: False) -> bytes:
    """The file's bytes. Raises Abandoned when ``stopped`` says so on the way."""
    with _DRAWING:
        if result.framing.extension == "mp4":
            return _video(result, stopped)
        if result.sound is not None:
            return _sound(result.sound, result.framing.seconds, result.sound_format, stopped)
        return _picture(result)


def padded(content: bytes, size: int, mark: str) -> bytes:
    """An MP4 made ``size`` bytes long with a ``free`` box that holds ``mark``; it plays as before.

    The box goes between index and pictures: half of such a file opens, claims its full length, and is empty.
    """
    room = size - len(content)
    start = content.find(b"mdat") - 4
    if room < 8 or start < 0:
        return content
    table = content.find(b"stco") + 8
    count = int.from_bytes(content[table : table + 4], "big")
    offsets = struct.unpack_from(f">{count}I", content, table + 4)
    moved = struct.pack(f">{count}I", *(offset + room for offset in offsets))
    head = content[: table + 4] + moved + content[table + 4 + 4 * count : start]
    filling = mark.encode()[: room - 8].ljust(room - 8, b"\0")
    return head + room.to_bytes(4, "big") + b"free" + filling + content[start:]


@lru_cache(maxsize=1)
def placeholder() -> bytes:
    """A playable MP4 of half a second and about a kilobyte, for load tests."""
    slate = Slate("", "", "", "", "", "", "")
    return render(Result(Framing(64, 64, 0.5, "mp4"), slate))


def frame_rate(seconds: float) -> tuple[Fraction, int]:
    """A frame rate and a number of frames that last exactly ``seconds``: 24, 25 or 30 if one of them can."""
    length = Fraction(str(seconds))
    for rate in _RATES:
        if (length * rate).denominator == 1 and 0 < length * rate <= _MOST_FRAMES:
            return Fraction(rate), int(length * rate)
    frames = min(_MOST_FRAMES, max(1, round(length * _RATES[0])))
    return (frames / length).limit_denominator(100_000), frames


def timecode(frame: int, rate: Fraction) -> str:
    """``HH:MM:SS:FF`` of a frame."""
    seconds = int(frame / rate)
    rest = frame - math.ceil(seconds * rate)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}:{rest:02}"


def _video(result: Result, stopped: Callable[[], bool]) -> bytes:
    width, height = result.framing.width, result.framing.height
    rate, frames = frame_rate(result.framing.seconds)
    picture: av.VideoFrame = av.VideoFrame.from_image(  # type: ignore[no-untyped-call]
        draw_slate(result.slate, width, height)
    )
    still = picture.reformat(format="yuv420p")
    luma, stride = bytearray(bytes(still.planes[0])), still.planes[0].line_size
    chroma = [bytes(still.planes[1]), bytes(still.planes[2])]
    clock = _Clock(clock_field(width, height), result.slate.tint)
    bar = bar_field(width, height)
    with tempfile.TemporaryDirectory(prefix="rivya-simulator-") as folder:
        path = Path(folder) / "clip.mp4"
        with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
            stream = container.add_stream(_encoder(), rate=rate, options=_settings())
            if not isinstance(stream, VideoStream):
                raise TypeError("the encoder produces no video")
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            stream.time_base = 1 / rate
            heard = (
                None
                if result.sound is None
                else _SoundStream(container, result.sound, frames / rate, _IN_CLIPS)
            )
            for number in range(frames):
                if stopped():
                    raise Abandoned
                late = number >= frames // 2
                if not (late and result.flaw == "frozen"):
                    clock.show(luma, stride, timecode(number, rate))
                    _fill(luma, stride, bar, bar.width * (number + 1) // frames)
                frame = av.VideoFrame(width, height, "yuv420p")
                black = late and result.flaw == "black"
                for plane, content, nothing in zip(
                    frame.planes, (bytes(luma), *chroma), (b"\x10", b"\x80", b"\x80"), strict=True
                ):
                    plane.update(nothing * len(content) if black else content)
                frame.pts, frame.time_base = number, 1 / rate
                container.mux(stream.encode(frame))
                if heard is not None:
                    heard.write_until((number + 1) / rate)
            container.mux(stream.encode(None))
            if heard is not None:
                heard.finish()
        return path.read_bytes()


@lru_cache(maxsize=1)
def _encoder() -> str:
    return "libx264" if "libx264" in av.codecs_available else "mpeg4"


def _settings() -> dict[str, str]:
    if _encoder() == "mpeg4":
        return {"threads": "1", "bf": "0", "flags": "+bitexact"}
    return {
        "preset": "ultrafast",
        "crf": "24",
        "threads": "1",
        "x264-params": "bframes=0:keyint=48:scenecut=0",
    }


class _Clock:
    """Blits the digits of the timecode into a luma plane, only those that changed."""

    def __init__(self, field: Field, tint: str) -> None:
        self._field = field
        font_height = field.letters + field.letters // 2
        self._height = font_height
        self._width = max(math.ceil(typefaces.width_of(digit, field.letters)) for digit in _DIGITS) + 1
        self._tiles = {digit: self._tile(digit, tint) for digit in _DIGITS}
        self._shown = ""

    def _tile(self, digit: str, tint: str) -> list[bytes]:
        image = Image.new("RGB", (self._width, self._height), background(tint))
        pen = ImageDraw.Draw(image)
        left = (self._width - typefaces.width_of(digit, self._field.letters)) / 2
        typefaces.write(pen, digit, left, 0, self._field.letters, (236, 238, 242))
        # BT.601 limited range, as the slate itself was turned into YUV.
        luma = image.convert("L").point([16 + value * 219 // 255 for value in range(256)]).tobytes()
        return [luma[row : row + self._width] for row in range(0, len(luma), self._width)]

    def show(self, luma: bytearray, stride: int, text: str) -> None:
        for place, digit in enumerate(text):
            if self._shown[place : place + 1] == digit:
                continue
            start = self._field.top * stride + self._field.left + place * self._width
            if self._field.left + (place + 1) * self._width > stride:
                break
            for row in self._tiles[digit]:
                luma[start : start + self._width] = row
                start += stride
        self._shown = text


def _fill(luma: bytearray, stride: int, bar: Field, width: int) -> None:
    for row in range(bar.top, bar.top + bar.height):
        start = row * stride + bar.left
        luma[start : start + width] = b"\xd8" * width


def _picture(result: Result) -> bytes:
    image = draw_slate(result.slate, result.framing.width, result.framing.height)
    if result.flaw == "black":
        image = Image.new("RGB", image.size)
    kind = {"jpg": "JPEG", "webp": "WEBP"}.get(result.framing.extension, "PNG")
    stream = io.BytesIO()
    image.save(stream, kind, **({"compress_level": 1} if kind == "PNG" else {"quality": 88}))
    return stream.getvalue()


class _SoundStream:
    """A stream of an open container that takes a sound bit by bit, so that pictures can go between."""

    def __init__(
        self, container: OutputContainer, sound: SimulatedSound, seconds: Fraction, kept: SoundFormat
    ) -> None:
        stream = container.add_stream(
            kept.codec, rate=kept.rate, layout="mono", options=_QUICK.get(kept.codec)
        )
        if not isinstance(stream, AudioStream):
            raise TypeError("the encoder produces no sound")
        if kept.bit_rate is not None:
            stream.bit_rate = kept.bit_rate
        self._container, self._stream, self._rate = container, stream, kept.rate
        self._pieces: Iterator[array[int]] = sound.samples(max(1, round(seconds * kept.rate)), kept.rate)
        self._at = 0

    def write_until(self, seconds: Fraction) -> bool:
        """Encode what is heard up to there, or a piece more; False when there is nothing left."""
        pieces = []
        end = self._at
        while end < seconds * self._rate and (piece := next(self._pieces, None)) is not None:
            pieces.append(piece.tobytes())
            end += len(piece)
        if end == self._at:
            return False
        frame = av.AudioFrame("s16", "mono", end - self._at)
        frame.planes[0].update(b"".join(pieces))
        frame.sample_rate, frame.pts, frame.time_base = self._rate, self._at, Fraction(1, self._rate)
        self._container.mux(self._stream.encode(frame))
        self._at = end
        return True

    def finish(self) -> None:
        self._container.mux(self._stream.encode(None))


def _sound(sound: SimulatedSound, seconds: float, kept: SoundFormat, stopped: Callable[[], bool]) -> bytes:
    file = io.BytesIO()
    # Bit-exact: no name of a version inside, and numbers instead of random ones.
    with av.open(file, "w", format=kept.extension, options={"fflags": "+bitexact"}) as container:
        stream = _SoundStream(container, sound, Fraction(str(seconds)), kept)
        second = 1
        while stream.write_until(Fraction(second)):
            if stopped():
                raise Abandoned
            second += 1
        stream.finish()
    return file.getvalue()
