"""What is drawn for a film: slates for missing shots, labels burnt into its pictures."""

from __future__ import annotations

from PIL import Image, ImageDraw

from rivya_run.film.script import Material, PictureShot
from rivya_run.media import typefaces
from rivya_run.text import visible

_PAPER = (26, 28, 33)
_INK = (236, 238, 242)
_SOFT = (150, 156, 168)
_MOST_PROMPT = 1500  # characters: more never fits on a slate


def clean(text: str) -> str:
    """Text of people on one line, control characters made visible."""
    return visible(" ".join(text.split()))


def slate(shot: Material, width: int, height: int) -> Image.Image:
    """A picture that says which shot is missing and what it will show, or what is to be heard."""
    image = Image.new("RGB", (width, height), _PAPER)
    pen = ImageDraw.Draw(image)
    unit = max(8, min(width, height) // 20)
    room, left, top = width - 4 * unit, 2 * unit, 2 * unit
    typefaces.write(pen, typefaces.shortened(clean(shot.id), unit * 2, room), left, top, unit * 2, _INK)
    top += unit * 3
    scene = f"{clean(shot.scene)} · " if shot.scene else ""
    typefaces.write(
        pen,
        typefaces.shortened(
            scene + ("no finished take yet" if shot.footage is None else "sound"), unit, room
        ),
        left,
        top,
        unit,
        _SOFT,
    )
    top += unit * 2
    lines = max(1, (height - top - unit) // (unit * 3 // 2))
    for line in typefaces.wrapped(clean(shot.text[:_MOST_PROMPT]), unit, room, lines):
        typefaces.write(pen, line, left, top, unit, _INK)
        top += unit * 3 // 2
    return image


def tag(shot: PictureShot, width: int, height: int) -> tuple[Image.Image, tuple[int, int]]:
    """A label (``sh010 t02``) on half-dark ground, and where it stands: the lower left corner."""
    text = clean(shot.id) + (f" t{shot.take:02}" if shot.take is not None else "")
    size = max(9, min(width, height) // 18)
    text = typefaces.shortened(text, size, width - 3 * size)
    image = Image.new("RGBA", (int(typefaces.width_of(text, size)) + size, size * 8 // 5), (0, 0, 0, 150))
    typefaces.write(ImageDraw.Draw(image), text, size / 2, size * 0.15, size, (255, 255, 255, 255))
    margin = max(4, min(width, height) // 30)
    return image, (margin, height - image.height - margin)
