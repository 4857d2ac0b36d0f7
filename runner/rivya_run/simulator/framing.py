"""How large and how long a result is: read from a task's params by their rows, under any of their spellings.

Nothing here knows a model. A row is about shape when its key says aspect or size, about resolution when a
value looks like one (``720p``, ``2K``), about length when its key says duration or frames.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from rivya_run.records import Json
from rivya_run.records.tables import ModelTable

_RATIO = re.compile(r"^(\d{1,4})[:x](\d{1,4})$")
_NAMED_SHAPE = re.compile(r"^(landscape|portrait|square)(?:_(\d+)_(\d+)|_hd)?$", re.IGNORECASE)
_LINES = re.compile(r"^(\d{3,4})p$", re.IGNORECASE)
_THOUSANDS = re.compile(r"^([1248])k$", re.IGNORECASE)

_LONGEST_SIDE = 4096
_MOST_SECONDS = 120.0
_USUAL_SECONDS: Mapping[str, float] = {"video": 5.0, "audio": 3.0}
_USUAL_SHAPE: Mapping[str, tuple[int, int]] = {"video": (16, 9), "image": (1, 1)}
_USUAL_LINES: Mapping[str, int] = {"video": 480, "image": 1024}
_EXTENSIONS: Mapping[str, str] = {"video": "mp4", "audio": "wav", "image": "png"}


@dataclass(frozen=True, slots=True)
class Framing:
    """Size in even pixels, length in seconds (0 for a picture), file name extension."""

    width: int
    height: int
    seconds: float
    extension: str


def framing_of(table: ModelTable, sent: Mapping[str, Json]) -> Framing:
    """What the result of a task of this model with these params looks like."""
    params = {**table.defaults(), **sent}
    shape = next(filter(None, (_shape(key, value) for key, value in params.items())), None)
    lines = next(filter(None, (_lines(value) for value in params.values())), None)
    width, height = _size(
        shape or _USUAL_SHAPE.get(table.category, (1, 1)), lines or _USUAL_LINES.get(table.category, 480)
    )
    seconds = 0.0
    if table.category in _USUAL_SECONDS:
        lengths = filter(None, (_seconds(key, value) for key, value in params.items()))
        seconds = next(lengths, _USUAL_SECONDS[table.category])
    return Framing(width, height, min(seconds, _MOST_SECONDS), _extension(table, params))


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
    usual = _EXTENSIONS.get(table.category, "png")
    if table.category != "image":
        return usual
    for key, value in params.items():
        if key.lower().replace("_", "") == "outputformat" and isinstance(value, str):
            return {"jpg": "jpg", "jpeg": "jpg", "png": "png", "webp": "webp"}.get(value.lower(), usual)
    return usual
