"""Slates for missing shots, and the label that is burnt into a cut."""

from __future__ import annotations

from functools import lru_cache

from PIL import Image, ImageDraw

from rivya_run.export.segments import Segment
from rivya_run.media import typefaces
from rivya_run.safetext import visible

_PAPER = (26, 28, 33)
_INK = (236, 238, 242)
_SOFT = (150, 156, 168)
_MOST_PROMPT = 1500


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
