"""The contact sheet: one picture of each shot's chosen take, in storyboard order, as PNG.

It shows every shot, also what isn't in the film; sounds are cards."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageOps
from PIL.PngImagePlugin import PngInfo

from rivya_run.durable import replacing
from rivya_run.film.cut import MADE_BY_AI, NothingToExport
from rivya_run.film.placing import Notice
from rivya_run.film.script import Material, PictureShot, Script, SoundShot
from rivya_run.film.slates import clean, slate
from rivya_run.media import typefaces
from rivya_run.media.frames import poster

_PAPER, _INK, _SOFT = (246, 246, 244), (26, 28, 31), (92, 96, 104)
_THREADS = 4  # clips are decoded outside of Python's lock
_GRIDS = ((2, 2, 440), (9, 3, 440), (24, 4, 400), (80, 6, 320), (300, 8, 240), (10_000_000, 12, 160))
"""Up to so many pictures: how many in a row, and how wide each is in pixels."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """The sheet that was written, and what a person should be told about it."""

    path: Path
    shots: int
    notices: tuple[Notice, ...]


def write_contact_sheet(script: Script, to: Path, *, date: str = "") -> Sheet:
    """Write the sheet of a storyboard, as it was at a date. Raises RivyaError when there is nothing to show."""
    shots = [shot for shot in script.shots if script.slates or shot.footage is not None]
    notices = [f"{one.id} {one.lack} and is left out" for one in script.shots if one not in shots]
    if not shots:
        raise NothingToExport
    columns, width = next((row, wide) for most, row, wide in _GRIDS if len(shots) <= most)
    columns = min(columns, len(shots))
    with ThreadPoolExecutor(_THREADS) as threads:
        pictures = list(threads.map(lambda shot: _picture(shot, width), shots))
    title = clean(f"{script.title} · {date}" if date else script.title)
    sheet = _laid_out(title, list(zip(shots, pictures, strict=True)), columns, width)
    tags = PngInfo()
    if any(shot.generated and shot.footage is not None for shot in shots):
        tags.add_text("Comment", MADE_BY_AI)
    with replacing(to) as part:
        sheet.save(part, "PNG", optimize=True, pnginfo=tags)
    return Sheet(to, len(shots), tuple(notices))


def _laid_out(
    title: str, cells: Sequence[tuple[Material, Image.Image]], columns: int, width: int
) -> Image.Image:
    gap, size = max(8, width // 18), max(10, width // 24)
    shapes = sorted(picture.height / picture.width for _, picture in cells)
    high = round(width * min(1.5, max(0.5, shapes[len(shapes) // 2])))
    caption = size * 7 // 2
    top = gap * 2 + size * 2
    rows = math.ceil(len(cells) / columns)
    sheet = Image.new(
        "RGB", (gap + columns * (width + gap), top + rows * (high + caption + gap) + gap // 2), _PAPER
    )
    pen = ImageDraw.Draw(sheet)
    room = sheet.width - 2 * gap
    typefaces.write(pen, typefaces.shortened(title, size * 3 // 2, room), gap, gap, size * 3 // 2, _INK)
    for number, (shot, picture) in enumerate(cells):
        left = gap + number % columns * (width + gap)
        upper = top + number // columns * (high + caption + gap)
        pen.rectangle((left, upper, left + width - 1, upper + high - 1), fill=(16, 17, 19))
        picture = ImageOps.contain(picture, (width, high))
        sheet.paste(picture, (left + (width - picture.width) // 2, upper + (high - picture.height) // 2))
        lines = ((_name(shot), _INK), (_about(shot), _SOFT))
        for line, (text, ink) in enumerate(lines):
            text = typefaces.shortened(text, size, width)
            typefaces.write(pen, text, left, upper + high + size // 2 + line * size * 3 // 2, size, ink)
    return sheet


def _picture(shot: Material, width: int) -> Image.Image:
    file = shot.footage.file if shot.footage is not None and isinstance(shot, PictureShot) else None
    content = poster(file, width, 90) if file is not None else None
    if content is None:
        return slate(shot, width, round(width * 9 / 16))
    with Image.open(io.BytesIO(content)) as image:
        return image.convert("RGB")


def _name(shot: Material) -> str:
    return clean(shot.id) + (f" · take {shot.take}" if shot.take is not None else "")


def _about(shot: Material) -> str:
    parts = [clean(shot.scene)] if shot.scene else []
    length = shot.footage.seconds if shot.footage is not None else None
    if length:
        parts.append(f"{float(length):.2f}".rstrip("0").rstrip(".") + " s")
    if isinstance(shot, SoundShot):
        parts.append(shot.track)
    if shot.footage is None:
        parts.append("missing")
    return " · ".join(parts)
