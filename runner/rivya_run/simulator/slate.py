"""The picture of a simulated result: shot, scene, take, prompt, model and params, legible at 480p.

Its size and length are read from the task's params by their rows, under any of their spellings. Nothing here
knows a model: a row is about shape when its key says aspect or size, about resolution when a value looks like
one (``720p``, ``2K``), about length when its key says duration or frames.
"""

from __future__ import annotations

import colorsys
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from PIL import Image, ImageDraw

from rivya_run.json_types import Json
from rivya_run.media import typefaces
from rivya_run.models.table import ModelTable
from rivya_run.simulator.sounds import sound_format, sound_kind, speech_seconds, spoken_lines
from rivya_run.text import visible

_INK = (236, 238, 242)
_SOFT = (168, 174, 186)
_MOST_PROMPT = 1500  # characters: more never fits


@dataclass(frozen=True, slots=True)
class Slate:
    """What is written on it. ``tint`` is any text: equal texts give equal colours (a scene, a shot)."""

    shot: str
    scene: str
    take: str
    prompt: str
    model: str
    params: str
    tint: str


@dataclass(frozen=True, slots=True)
class Field:
    """A rectangle of the slate in pixels, with the size of the letters in it."""

    left: int
    top: int
    width: int
    height: int
    letters: int


def clock_field(width: int, height: int) -> Field:
    """Where the running timecode goes."""
    letters = _unit(width, height) * 8 // 5
    margin = _margin(width, height)
    return Field(margin, height - margin - letters - letters // 2, width - 2 * margin, letters, letters)


def bar_field(width: int, height: int) -> Field:
    """Where the bar of time passed goes: below the timecode."""
    margin = _margin(width, height)
    thick = max(2, margin // 3)
    return Field(margin, height - margin, width - 2 * margin, thick, 0)


def background(tint: str) -> tuple[int, int, int]:
    """A dark colour for a text, always the same for it."""
    hue = hashlib.sha256(tint.encode("utf-8", "replace")).digest()[0] / 256
    red, green, blue = colorsys.hls_to_rgb(hue, 0.17, 0.42)
    return round(red * 255), round(green * 255), round(blue * 255)


def draw_slate(slate: Slate, width: int, height: int) -> Image.Image:
    """The slate as an RGB image; the places of the timecode and the bar stay empty."""
    image = Image.new("RGB", (width, height), background(slate.tint))
    pen = ImageDraw.Draw(image)
    unit, margin = _unit(width, height), _margin(width, height)
    room = width - 2 * margin
    floor = clock_field(width, height).top - unit // 2
    large, small = unit * 2, max(9, unit * 4 // 5)

    take = typefaces.shortened(_clean(slate.take), unit, room / 2)
    take_width = typefaces.width_of(take, unit)
    top = margin
    shot = typefaces.shortened(_clean(slate.shot), large, room - take_width - unit)
    typefaces.write(pen, shot, margin, top, large, _INK)
    typefaces.write(pen, take, int(width - margin - take_width), top + large - unit, unit, _SOFT)
    top += large + large // 3
    if slate.scene:
        typefaces.write(pen, typefaces.shortened(_clean(slate.scene), unit, room), margin, top, unit, _SOFT)
        top += unit + unit // 2
    pen.line((margin, top, width - margin, top), fill=_SOFT, width=max(1, unit // 12))
    top += unit // 2

    foot = [
        *typefaces.wrapped(_clean(slate.model), small, room, 1),
        *typefaces.wrapped(_clean(slate.params), small, room, 2),
    ]
    foot_top = floor - len(foot) * (small + small // 3)
    size, lines = _fitted(_clean(slate.prompt[:_MOST_PROMPT]), unit, room, foot_top - top)
    for line in lines:
        typefaces.write(pen, line, margin, top, size, _INK)
        top += size + size // 3
    for line in foot:
        typefaces.write(pen, line, margin, foot_top, small, _SOFT)
        foot_top += small + small // 3
    return image


def _unit(width: int, height: int) -> int:
    return max(10, min(width, height) // 22)


def _margin(width: int, height: int) -> int:
    return max(4, min(width, height) // 24)


def _fitted(text: str, unit: int, width: int, height: int) -> tuple[int, list[str]]:
    """The largest letters in which a text fits its room, and its lines; cut where even the smallest don't."""
    for size in (unit * 9 // 5, unit * 7 // 5, unit):
        room = max(1, height // (size + size // 3))
        lines = typefaces.wrapped(text, size, width, room)
        cut = bool(lines) and lines[-1].endswith("…")
        if size == unit or not cut:
            return size, lines
    raise AssertionError("the last size is always taken")


def _clean(text: str) -> str:
    return visible(" ".join(text.split()))


_RATIO = re.compile(r"^(\d{1,4})[:x](\d{1,4})$")
_NAMED_SHAPE = re.compile(r"^(landscape|portrait|square)(?:_(\d+)_(\d+)|_hd)?$", re.IGNORECASE)
_LINES = re.compile(r"^(\d{3,4})p$", re.IGNORECASE)
_THOUSANDS = re.compile(r"^([1248])k$", re.IGNORECASE)

_LONGEST_SIDE = 4096  # pixels; beyond it encoders get slow
_MOST_SECONDS = 120.0  # rendering takes time
_USUAL_SECONDS: Mapping[str, float] = {"scene": 5.0, "effect": 3.0, "music": 30.0}
_USUAL_SHAPE: Mapping[str, tuple[int, int]] = {"video": (16, 9), "image": (1, 1)}
_USUAL_LINES: Mapping[str, int] = {"video": 480, "image": 1024}


@dataclass(frozen=True, slots=True)
class Framing:
    """Size in even pixels, length in seconds (0 for a picture), file name extension."""

    width: int
    height: int
    seconds: float
    extension: str


def framing_of(table: ModelTable, sent: Mapping[str, Json], prompt: str = "") -> Framing:
    """What the result of a task of this model with these params looks like, and how long it lasts."""
    params = {**table.defaults(), **sent}
    shape = next(filter(None, (_shape(key, value) for key, value in params.items())), None)
    lines = next(filter(None, (_lines(value) for value in params.values())), None)
    width, height = _size(
        shape or _USUAL_SHAPE.get(table.category, (1, 1)), lines or _USUAL_LINES.get(table.category, 480)
    )
    return Framing(width, height, _length(table, params, prompt), _extension(table, params))


def _length(table: ModelTable, params: Mapping[str, Json], prompt: str) -> float:
    """Seconds: those it takes to say the text, else those asked for; 0 for pictures."""
    kind = sound_kind(table, params)
    if kind == "speech":
        return speech_seconds(spoken_lines(params, prompt), params)
    if table.category not in ("video", "audio"):
        return 0.0
    asked = filter(None, (_seconds(key, value) for key, value in params.items()))
    return min(next(asked, _USUAL_SECONDS[kind or "scene"]), _MOST_SECONDS)


def _shape(key: str, value: Json) -> tuple[int, int] | None:
    lowered = key.lower()
    if not isinstance(value, str) or not ("aspect" in lowered or "size" in lowered):
        return None
    if ratio := _RATIO.match(value):
        across, down = int(ratio[1]), int(ratio[2])
        return (across, down) if across and down else None
    if named := _NAMED_SHAPE.match(value):
        word = named[1].lower()
        long, short = sorted((int(named[2] or 16), int(named[3] or 9)), reverse=True)
        return {"landscape": (long, short), "portrait": (short, long), "square": (1, 1)}[word]
    return None


def _lines(value: Json) -> int | None:
    if not isinstance(value, str):
        return None
    if found := _LINES.match(value):
        return int(found[1])
    if found := _THOUSANDS.match(value):
        return 1024 * int(found[1])
    return None


def _seconds(key: str, value: Json) -> float | None:
    lowered = key.lower()
    if not ("duration" in lowered or "n_frames" in lowered) or isinstance(value, bool):
        return None
    try:
        seconds = float(value) if isinstance(value, (int, float, str)) else 0.0
    except ValueError:
        return None
    return seconds if seconds > 0 else None


def _size(shape: tuple[int, int], lines: int) -> tuple[int, int]:
    across, down = shape
    short = float(min(lines, _LONGEST_SIDE))
    long = short * max(shape) / min(shape)
    if long > _LONGEST_SIDE:
        short, long = short * _LONGEST_SIDE / long, float(_LONGEST_SIDE)
    wide, high = (long, short) if across >= down else (short, long)
    return max(2, 2 * round(wide / 2)), max(2, 2 * round(high / 2))


def _extension(table: ModelTable, params: Mapping[str, Json]) -> str:
    if table.category == "video":
        return "mp4"
    if table.category == "audio":
        return sound_format(params).extension
    for key, value in params.items():
        if key.lower().replace("_", "") == "outputformat" and isinstance(value, str):
            return {"jpg": "jpg", "jpeg": "jpg", "png": "png", "webp": "webp"}.get(value.lower(), "png")
    return "png"
