"""The picture of a simulated result: shot, scene, take, prompt, model and params, legible at 480p."""

from __future__ import annotations

import colorsys
import hashlib
from dataclasses import dataclass

from PIL import Image, ImageDraw

from rivya_run.media import typefaces
from rivya_run.safetext import visible

_INK = (236, 238, 242)
_SOFT = (168, 174, 186)
_MOST_PROMPT = 1500


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
