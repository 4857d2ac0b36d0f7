"""The contact sheet: one picture of each shot's chosen take, in storyboard order, as PNG."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageOps

from rivya_run.durable import replacing
from rivya_run.film.clips import Notice, Segment, segments
from rivya_run.film.pictures import clean, slate
from rivya_run.media import typefaces
from rivya_run.media.frames import poster
from rivya_run.project.manifest_reader import Entry

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


def write_contact_sheet(manifest: Entry, folder: Path, to: Path, *, slates: bool = False) -> Sheet:
    """Write the sheet of an output folder to ``to``. Raises RivyaError when there is nothing to show."""
    pieces, notices = segments(manifest, folder, slates=slates)
    columns, width = next((row, wide) for most, row, wide in _GRIDS if len(pieces) <= most)
    columns = min(columns, len(pieces))
    with ThreadPoolExecutor(_THREADS) as threads:
        pictures = list(threads.map(lambda piece: _picture(piece, width), pieces))
    sheet = _laid_out(_title(manifest), list(zip(pieces, pictures, strict=True)), columns, width)
    with replacing(to) as part:
        sheet.save(part, "PNG", optimize=True)
    return Sheet(to, len(pieces), tuple(notices))


def _laid_out(
    title: str, cells: Sequence[tuple[Segment, Image.Image]], columns: int, width: int
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
    for number, (piece, picture) in enumerate(cells):
        left = gap + number % columns * (width + gap)
        upper = top + number // columns * (high + caption + gap)
        pen.rectangle((left, upper, left + width - 1, upper + high - 1), fill=(16, 17, 19))
        picture = ImageOps.contain(picture, (width, high))
        sheet.paste(picture, (left + (width - picture.width) // 2, upper + (high - picture.height) // 2))
        lines = ((_name(piece), _INK), (_about(piece), _SOFT))
        for line, (text, ink) in enumerate(lines):
            text = typefaces.shortened(text, size, width)
            typefaces.write(pen, text, left, upper + high + size // 2 + line * size * 3 // 2, size, ink)
    return sheet


def _picture(piece: Segment, width: int) -> Image.Image:
    content = poster(piece.file, width, 90) if piece.file is not None else None
    if content is None:
        return slate(piece, width, round(width * 9 / 16))
    with Image.open(io.BytesIO(content)) as image:
        return image.convert("RGB")


def _title(manifest: Entry) -> str:
    board = manifest.get("storyboard")
    about = board if isinstance(board, dict) else {}
    updated = clean(str(manifest.get("updated_at") or ""))[:10]
    return clean(str(about.get("title") or about.get("id") or "Storyboard")) + (updated and f" · {updated}")


def _name(piece: Segment) -> str:
    return clean(piece.shot) + (f" · take {piece.take}" if piece.take is not None else "")


def _about(piece: Segment) -> str:
    parts = [clean(piece.scene)] if piece.scene else []
    length = piece.chosen.output.get("duration") if piece.chosen is not None else None
    if isinstance(length, int | float) and length:
        parts.append(f"{length:.2f}".rstrip("0").rstrip(".") + " s")
    if piece.kind == "slate":
        parts.append("missing")
    return " · ".join(parts)
