"""When a clip is not what was asked for: pure rules, every threshold in this one place.

A warning never makes a clip again (that would cost money); it only tells a person where to look.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Protocol

from rivya_run.json_types import Json

SHORT_BY = 0.05
"""A clip is short when more than 5 % (and a frame) of the asked time is missing: models cut 6 s to 5.9 s or
round to their own frame counts, and nobody minds; 6 s instead of 30 s is what people want to hear of."""

RATIO_OFF_BY = 0.03
"""Aspect ratios may differ by 3 %: encoders round sizes to multiples of 8 or 16 (1280x704 for 16:9 is 2.3 %
off), while the nearest neighbours among the ratios people ask for (5:4 and 4:3) are 6.7 % apart."""

BLACK_UNDER = 26
"""Of 255: a clip is black when in no sampled picture any patch is brighter than a tenth of white. Night shots
have at least a lamp, a rim light, a title; encoders lift pure black only to about 2 of 255."""

FROZEN_UNDER = 4
"""Of 255: a clip is frozen when no patch of the picture changes by more than this between any two of the
sampled pictures. Encoder noise of a still stays at 1 or 2; a running timecode alone changes a patch by 20."""

DURATION_KEYS = ("duration", "duration_seconds", "durationSeconds")
RATIO_KEYS = ("aspect_ratio", "aspectRatio", "image_size", "imageSize", "size")


class Shown(Protocol):
    """The facts that are judged; media.MediaFacts has them, and so does an output of the manifest."""

    @property
    def width(self) -> int | None: ...
    @property
    def height(self) -> int | None: ...
    @property
    def duration(self) -> float | None: ...
    @property
    def frame_rate(self) -> float | None: ...


@dataclass(frozen=True, slots=True)
class Asked:
    """What the request asked for: ``duration`` in seconds, ``aspect_ratio`` as written (``16:9``)."""

    duration: float | None = None
    aspect_ratio: str | None = None


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """A few pictures spread over a clip, shrunk to patches, levels 0 to 255.

    ``brightest`` is the brightest patch of any of them, ``change`` the greatest difference of any patch
    between any two neighbours (None where fewer than two pictures could be taken).
    """

    brightest: float
    change: float | None


@dataclass(frozen=True, slots=True)
class MediaWarning:
    """``code`` is one of short, black, frozen, aspect-ratio, doubt; ``message`` holds the measured figure."""

    code: str
    message: str


def asked_of(params: Mapping[str, Json]) -> Asked:
    """What the params of a request ask for, under whatever name the model has for it."""
    duration = next((_number(params[key]) for key in DURATION_KEYS if key in params), None)
    ratio = next((str(params[key]) for key in RATIO_KEYS if _ratio(params.get(key)) is not None), None)
    return Asked(duration, ratio)


def media_warnings(facts: Shown, asked: Asked, picture: PictureFacts | None = None) -> list[MediaWarning]:
    """What is to be told about a clip; an empty list when it is what was asked for."""
    found: list[MediaWarning] = []
    if asked.duration and facts.duration is not None:
        frame = 1 / facts.frame_rate if facts.frame_rate else 0.0
        if facts.duration < asked.duration * (1 - SHORT_BY) - frame:
            found.append(
                MediaWarning("short", f"{facts.duration:.4g} s instead of the {asked.duration:g} s asked for")
            )
    wanted = _ratio(asked.aspect_ratio)
    if wanted and facts.width and facts.height:
        real = facts.width / facts.height
        if abs(real / wanted - 1) > RATIO_OFF_BY:
            size = f"{facts.width}x{facts.height} ({_as_ratio(real)})"
            found.append(
                MediaWarning("aspect-ratio", f"{size} instead of the {asked.aspect_ratio} asked for")
            )
    if picture is not None and picture.brightest < BLACK_UNDER:
        level = picture.brightest / 255
        found.append(MediaWarning("black", f"black: its brightest spot reaches {level:.0%} of white"))
    elif picture is not None and picture.change is not None and picture.change < FROZEN_UNDER:
        moved = picture.change / 255
        found.append(MediaWarning("frozen", f"frozen: nothing in it changes by more than {moved:.1%}"))
    return found


def output_warnings(output: Mapping[str, Json], params: Mapping[str, Json]) -> list[MediaWarning]:
    """The warnings of an output as the manifest holds it; what it doesn't tell is not judged.

    ``picture`` of the output holds ``brightest`` and ``change`` where samples were taken, ``doubt`` why it may
    not be whole.
    """
    sampled = output.get("picture")
    picture = None
    if isinstance(sampled, Mapping) and (bright := _level(sampled.get("brightest"))) is not None:
        picture = PictureFacts(bright, _level(sampled.get("change")))
    width, height = _number(output.get("width")), _number(output.get("height"))
    facts = _Entry(
        int(width) if width else None,
        int(height) if height else None,
        _number(output.get("duration")),
        _number(output.get("frame_rate")),
    )
    found = media_warnings(facts, asked_of(params), picture)
    doubt = output.get("doubt")
    return [MediaWarning("doubt", f"may not be whole: {doubt}"), *found] if isinstance(doubt, str) else found


@dataclass(frozen=True, slots=True)
class _Entry:
    width: int | None
    height: int | None
    duration: float | None
    frame_rate: float | None


def _level(value: Json) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _number(value: Json) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if isfinite(number) and number > 0 else None


def _ratio(value: Json) -> float | None:
    """``16:9`` as 1.78; ``auto``, ``adaptive``, ``square_hd`` and all other words ask nothing."""
    if not isinstance(value, str) or value.count(":") != 1:
        return None
    wide, high = (_number(part) for part in value.split(":"))
    return wide / high if wide and high else None


def _as_ratio(real: float) -> str:
    """The ratio in the words people use where it is one of theirs, else as a number to one."""
    for known in ("16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3", "21:9", "9:21", "5:4", "4:5"):
        if abs(real / (_ratio(known) or 1) - 1) < 0.01:
            return known
    return f"{real:.2f}:1"
