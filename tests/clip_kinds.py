"""Clips of many kinds, small and always the same: good ones that look as if something were wrong, and bad ones.

A picture is an array of brightness (0 to 255, floats), a clip a function from a time in seconds to a picture.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Picture: TypeAlias = NDArray[np.float32]
Moving: TypeAlias = Callable[[float], Picture]

WIDE, HIGH = 320, 176
SECONDS = 3.0


@dataclass(frozen=True)
class Encoding:
    """How a clip is encoded; ``name`` ends its file."""

    name: str
    codec: str = "libx264"
    options: Mapping[str, str] = field(default_factory=dict)
    bit_rate: int | None = None
    rate: int = 24


def _x264(crf: int, keyframes: int, rate: int = 24, **more: str) -> Encoding:
    options = {"preset": "veryfast", "crf": str(crf), "g": str(keyframes), **more}
    return Encoding(f"crf{crf}_g{keyframes}_{rate}.mp4", "libx264", options, rate=rate)


ENCODINGS: Sequence[Encoding] = (
    _x264(18, 250),
    _x264(23, 48),
    _x264(28, 250),
    _x264(23, 12, 30),
    _x264(20, 250, 25, preset="ultrafast"),
    _x264(26, 60, 16, bf="3", preset="medium"),
    _x264(18, 24, 60, bf="0"),
    Encoding("part2.mp4", "mpeg4", {"g": "24"}, 1_500_000),
    Encoding("hevc.mp4", "libx265", {"preset": "ultrafast", "crf": "22", "x265-params": "log-level=none"}),
    Encoding("realtime.webm", "libvpx-vp9", {"deadline": "realtime", "cpu-used": "8"}, 800_000),
)


def write(path: Path, moving: Moving, encoding: Encoding = ENCODINGS[0], seconds: float = SECONDS) -> Path:
    """Encode a clip."""
    rate = encoding.rate
    with av.open(str(path), "w") as out:
        stream = out.add_stream(encoding.codec, rate=rate, options=dict(encoding.options))
        assert isinstance(stream, av.VideoStream)
        first = moving(0.0)
        stream.height, stream.width = first.shape
        stream.pix_fmt = "yuv420p"
        stream.codec_context.thread_count = 1
        if encoding.bit_rate is not None:
            stream.bit_rate = encoding.bit_rate
        for number in range(max(1, round(seconds * rate))):
            frame = _frame(moving(number / rate))
            frame.pts, frame.time_base = number, Fraction(1, rate)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def _frame(picture: Picture) -> av.VideoFrame:
    high, wide = picture.shape
    frame = av.VideoFrame(wide, high, "yuv420p")
    luma = frame.planes[0]
    rows = np.zeros((high, luma.line_size), np.uint8)
    rows[:, :wide] = np.clip(np.rint(16 + picture * (219 / 255)), 0, 255)
    luma.update(rows.tobytes())
    for plane in frame.planes[1:]:
        plane.update(b"\x80" * plane.buffer_size)
    return frame


# Pictures


def scenery(seed: int, low: float = 20, high: float = 230, size: tuple[int, int] = (WIDE, HIGH)) -> Picture:
    """Something like a place: soft shapes, finer ones over them, and a few edges."""
    chance = np.random.default_rng(seed)
    wide, tall = size
    made = np.zeros((tall, wide), np.float32)
    for cells, weight in ((6, 1.0), (20, 0.6), (60, 0.3), (160, 0.15)):
        small = chance.random((max(2, cells * tall // wide), cells)).astype(np.float32)
        made += weight * np.asarray(Image.fromarray(small).resize(size, Image.Resampling.BICUBIC))
    for _ in range(5):
        left, top = chance.integers(0, wide), chance.integers(0, tall)
        made[top : top + tall // 5, left : left + wide // 6] = chance.random() * made.max()
    made -= made.min()
    levels: Picture = made / made.max() * (high - low) + low
    return levels


def moved(picture: Picture, across: float, down: float = 0.0, larger: float = 1.0) -> Picture:
    """A picture seen from elsewhere."""
    high, wide = picture.shape
    at = (1 / larger, 0, across, 0, 1 / larger, down)
    image = Image.fromarray(picture).transform(
        (wide, high), Image.Transform.AFFINE, at, Image.Resampling.BILINEAR
    )
    return np.asarray(image, np.float32)


def grain(seed: int, at: float, sigma: float, shape: tuple[int, int] = (HIGH, WIDE)) -> Picture:
    """What film and sensors add, new in each picture."""
    chance = np.random.default_rng((seed, round(at * 1000)))
    return chance.standard_normal(shape, np.float32) * sigma


def blob(across: float, down: float, radius: float, softness: float = 2.0) -> Picture:
    """A round thing, 1 inside and 0 outside."""
    rows, columns = np.ogrid[0:HIGH, 0:WIDE]
    distance = np.sqrt((columns - across) ** 2 + ((rows - down) * 0.8) ** 2)
    return np.clip((radius - distance) / softness, 0, 1).astype(np.float32)


def laid(over: Picture, mask: Picture, level: float) -> Picture:
    """A thing of one brightness in front of a picture."""
    return over * (1 - mask) + level * mask


def written(text: str, at: tuple[float, float], size: int = 16) -> Picture:
    """Letters, white on black."""
    image = Image.new("L", (WIDE, HIGH))
    ImageDraw.Draw(image).text(at, text, 255, ImageFont.load_default(size))
    return np.asarray(image, np.float32)


# Good clips: each function makes one of a kind, a little different for every seed.


def grainy_room(seed: int) -> Moving:
    """Nothing happens in a room that was filmed with grain."""
    room, sigma = scenery(seed), 2 + seed % 7
    return lambda at: room + grain(seed, at, sigma)


def slow_pan(seed: int) -> Moving:
    """The camera turns by a few pixels a second."""
    place, speed = scenery(seed, size=(WIDE, HIGH)), 1.5 + seed % 5
    return lambda at: moved(place, speed * at)


def slow_zoom(seed: int) -> Moving:
    """The camera comes nearer by one to three per cent a second."""
    place, speed = scenery(seed), 0.01 + 0.002 * (seed % 10)
    return lambda at: moved(place, 0, 0, 1 + speed * at)


def night_with_a_lamp(seed: int) -> Moving:
    """All is dark but for a small lamp that flickers."""
    place = scenery(seed, 2, 18)
    lamp = blob(60 + 20 * (seed % 10), 60, 3)
    return lambda at: laid(place, lamp, 90 + 30 * math.sin(7 * at + seed))


def dark_scene(seed: int) -> Moving:
    """Underexposed, with somebody who walks through it."""
    place = scenery(seed, 4, 34 + 2 * (seed % 10))
    return lambda at: laid(place, blob(40 + 30 * at, 90, 30), 12) + grain(seed, at, 1.5)


def breathing(seed: int) -> Moving:
    """A person sits still and breathes."""
    place, deep = scenery(seed), 1.0 + 0.15 * (seed % 10)
    return lambda at: laid(place, blob(160, 110, 60 + deep * math.sin(2 * math.pi * at / 3.5)), 120)


def talking(seed: int) -> Moving:
    """Only a mouth moves, in a wide shot."""
    place = laid(scenery(seed), blob(160, 90, 22), 170)
    return lambda at: laid(place, blob(160, 98, 3 + 2 * abs(math.sin(9 * at + seed))), 60)


def fading_in(seed: int) -> Moving:
    """From black, after up to a second of it."""
    place, held, lasts = scenery(seed, 20, 90 + 15 * (seed % 10)), 0.1 * (seed % 9), 0.8 + 0.1 * (seed % 5)
    return lambda at: moved(place, 4 * at) * min(1.0, max(0.0, (at - held) / lasts))


def fading_out(seed: int) -> Moving:
    """To black, and up to a second of it."""
    before = fading_in(seed)
    return lambda at: before(SECONDS - at)


def dip_to_black(seed: int) -> Moving:
    """Two pictures with a dip to black between them."""
    one, other, lasts = scenery(seed), scenery(seed + 100), 0.4 + 0.05 * (seed % 10)
    middle = SECONDS / 2
    return lambda at: moved(one if at < middle else other, 5 * at) * min(1.0, abs(at - middle) / lasts)


def slate(seed: int) -> Moving:
    """A slate with a timecode that runs."""
    ground = np.full((HIGH, WIDE), 30 + seed, np.float32) + written(f"shot {seed}", (20, 20))
    return lambda at: ground + written(f"00:00:{int(at):02}:{int(at * 24) % 24:02}", (20, 120))


def moment(seed: int) -> Moving:
    """Something of which there is hardly any: see ``length_of``."""
    return breathing(seed)


def starry_sky(seed: int) -> Moving:
    """Points of light that wander over black."""
    sky = np.zeros((HIGH, WIDE), np.float32)
    chance = np.random.default_rng(seed)
    for across, down in zip(chance.integers(0, WIDE, 60), chance.integers(0, HIGH, 60), strict=True):
        sky[down : down + 2, across : across + 2] = 80 + chance.integers(0, 170)
    return lambda at: moved(sky, (1 + seed % 5) * at)


def fog(seed: int) -> Moving:
    """Little contrast, slow drift."""
    place, speed = scenery(seed, 150, 175 + seed % 10), 4 + seed % 4
    return lambda at: moved(place, speed * at, at)


def drawn(seed: int) -> Moving:
    """A drawing that is shown in threes, as animations are: eight pictures a second."""
    place = scenery(seed)
    return lambda at: laid(place, blob(60 + 6 * (int(at * 8) + seed), 90, 20), 240)


def candle(seed: int) -> Moving:
    """A flame in the dark, which lights its surroundings."""
    place = scenery(seed, 3, 60)
    light = blob(160, 90, 80, 70)
    return lambda at: place * (0.4 + light * (0.6 + 0.2 * math.sin(11 * at + seed))) + 80 * blob(160, 90, 4)


def rolling_titles(seed: int) -> Moving:
    """White letters that rise over black."""
    return lambda at: written(f"Directed by {seed}", (80, 150 - (20 + seed) * at))


def snow(seed: int) -> Moving:
    """Flakes before something that stands still."""
    place = scenery(seed, 20, 160)
    chance = np.random.default_rng(seed)
    starts = chance.random((25, 2))

    def shown(at: float) -> Picture:
        picture = place.copy()
        for across, down in starts:
            row, column = int((down * HIGH + 40 * at) % HIGH), int((across * WIDE + 5 * at) % WIDE)
            picture[row : row + 2, column : column + 2] = 240
        return picture

    return shown


def held_for_a_moment(seed: int) -> Moving:
    """A pose is held to the last pixel for a second and a half, then goes on."""
    place, begin = scenery(seed), 0.2 + 0.1 * (seed % 10)

    def shown(at: float) -> Picture:
        still = min(max(at - begin, 0.0), 1.4)
        return laid(place, blob(60 + 25 * (at - still), 90, 25), 200)

    return shown


def upright(seed: int) -> Moving:
    """Higher than wide, or as wide as high."""
    place = scenery(seed, size=((96, 160), (128, 128), (90, 210))[seed % 3])
    return lambda at: moved(place, 0, 5 * at)


GOOD = (
    *(grainy_room, slow_pan, slow_zoom, night_with_a_lamp, dark_scene, breathing, talking, fading_in),
    *(fading_out, dip_to_black, slate, moment, starry_sky, fog, drawn, candle, rolling_titles, snow),
    *(held_for_a_moment, upright),
)
"""Twenty kinds; with the ten encodings, two hundred clips."""


def length_of(kind: Callable[[int], Moving], seed: int) -> float:
    """Seconds of a clip of that kind."""
    return (1 + 3 * seed) / 60 if kind is moment else SECONDS


# Bad ones


def black_between(moving: Moving, begin: float, end: float) -> Moving:
    """The same, and nothing to be seen for a while."""
    nothing = np.zeros((HIGH, WIDE), np.float32)
    return lambda at: nothing if begin <= at < end else moving(at)


def frozen_between(moving: Moving, begin: float, end: float) -> Moving:
    """The same, and one picture repeated for a while."""
    return lambda at: moving(begin if begin <= at < end else at)


# Sounds


def voice(path: Path, levels: Sequence[float], codec: str = "aac", rate: int = 48_000) -> Path:
    """A sound with each of the levels (0 to 1) for a second."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=rate, layout="mono")
        assert isinstance(stream, av.AudioStream)
        for piece in _pieces(levels, rate):
            out.mux(stream.encode(piece))
        out.mux(stream.encode(None))
    return path


def _pieces(levels: Sequence[float], rate: int) -> Iterator[av.AudioFrame]:
    times = np.arange(rate) / rate
    for number, level in enumerate(levels):
        samples: Any = (np.sin(2 * np.pi * 220 * times) * level * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(samples[np.newaxis], "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = rate, number * rate, Fraction(1, rate)
        yield frame
