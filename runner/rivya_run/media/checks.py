"""What is wrong with a clip: pure rules over what was measured, and the words for it.

The verdict is recorded when a clip is stored. It never makes a clip again (that would cost money); it tells a person
where to look, and may keep the clip from what would be made of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import inf, isfinite
from typing import TYPE_CHECKING, Final

from rivya_run.json_types import Json
from rivya_run.media.timecode import timecode

if TYPE_CHECKING:
    from rivya_run.media.stretches import Stretch, Stretches

SHORT_BY = 0.05
"""A clip is short when more than 5 % (and a frame) of the asked time is missing: models cut 6 s to 5.9 s or
round to their own frame counts, and nobody minds; 6 s instead of 30 s is what people want to hear of."""

RATIO_OFF_BY = 0.03
"""Aspect ratios may differ by 3 %: encoders round sizes to multiples of 8 or 16 (1280x704 for 16:9 is 2.3 %
off), while the nearest neighbours among the ratios people ask for (5:4 and 4:3) are 6.7 % apart."""

SILENT: Final = "silent"
"""The check that says nothing unless a shot has it stop: a silent clip is a clip."""

DURATION_KEYS = ("duration", "duration_seconds", "durationSeconds")
RATIO_KEYS = ("aspect_ratio", "aspectRatio", "image_size", "imageSize", "size")
SOUND_KEYS = ("generate_audio", "sound")

_YES_OR_NO = {"True": True, "true": True, "False": False, "false": False}
_EDGE = 0.01  # seconds: a stretch that ends as near to the end of its clip goes to the end


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asked for: ``duration`` in seconds, ``aspect_ratio`` as written (``16:9``), ``sound`` or not."""

    duration: float | None = None
    aspect_ratio: str | None = None
    sound: bool | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """One thing that is wrong. ``check`` is its code, ``about`` says it in words; ``begin`` and ``end`` in seconds,
    where it is so in a part of the clip or while it lasts."""

    check: str
    about: str
    begin: float | None = None
    end: float | None = None

    @property
    def entry(self) -> dict[str, Json]:
        """As records have it."""
        if self.begin is None or self.end is None:
            return {"check": self.check, "about": self.about}
        return {
            "check": self.check,
            "from": round(self.begin, 3),
            "to": round(self.end, 3),
            "about": self.about,
        }


def asked_of(params: Mapping[str, Json]) -> Asked:
    """What the params of a request ask for, under whatever name the model has for it."""
    duration = next((_number(params[key]) for key in DURATION_KEYS if key in params), None)
    ratio = next((str(params[key]) for key in RATIO_KEYS if _ratio(params.get(key)) is not None), None)
    sound = next(
        (_YES_OR_NO[said] for key in SOUND_KEYS if (said := str(params.get(key))) in _YES_OR_NO), None
    )
    return Asked(duration, ratio, sound)


def verdicts(
    media: Mapping[str, Json], params: Mapping[str, Json], seen: Stretches | None = None
) -> list[Verdict]:
    """What is wrong with a file; an empty list when it is what was asked for.

    ``media`` are its measured facts as records have them, ``seen`` what was found in its pictures and its sound;
    without it only the facts are judged. What neither tells is not judged.
    """
    asked = asked_of(params)
    found = [*_damaged(media, seen), *_short(media, asked), *_other_ratio(media, asked)]
    if seen is not None:
        found += _stretches("black", seen.black, media)
        found += _stretches("frozen", seen.frozen, media)
    return [*found, *_silent(media, asked, seen)]


def _damaged(media: Mapping[str, Json], seen: Stretches | None) -> Iterator[Verdict]:
    doubt = media.get("doubt")
    if isinstance(doubt, str):
        yield Verdict("damaged", f"may not be whole: {doubt}")
    elif seen is not None and seen.broke_at is not None:
        yield Verdict("damaged", f"can't be decoded beyond {_at(seen.broke_at, media)}")


def _short(media: Mapping[str, Json], asked: Asked) -> Iterator[Verdict]:
    duration, rate = _number(media.get("duration")), _number(media.get("frame_rate"))
    if asked.duration and duration is not None:
        frame = 1 / rate if rate else 0.0
        if duration < asked.duration * (1 - SHORT_BY) - frame:
            yield Verdict("short", f"{duration:.4g} s instead of the {asked.duration:g} s asked for")


def _other_ratio(media: Mapping[str, Json], asked: Asked) -> Iterator[Verdict]:
    width, height = _number(media.get("width")), _number(media.get("height"))
    wanted = _ratio(asked.aspect_ratio)
    if wanted and width and height and abs(width / height / wanted - 1) > RATIO_OFF_BY:
        size = f"{width:.0f}x{height:.0f} ({_as_ratio(width / height)})"
        yield Verdict("ratio", f"{size} instead of the {asked.aspect_ratio} asked for")


def _silent(media: Mapping[str, Json], asked: Asked, seen: Stretches | None) -> Iterator[Verdict]:
    if asked.sound is False or seen is None:
        return
    if asked.sound and "duration" in media and not media.get("audio"):
        yield Verdict(SILENT, "has no sound, which was asked for")
    yield from _stretches(SILENT, seen.silent, media)


def _stretches(check: str, found: tuple[Stretch, ...], media: Mapping[str, Json]) -> Iterator[Verdict]:
    lasts = _number(media.get("duration"))
    for begin, end in found:
        if lasts is None:  # a still
            yield Verdict(check, check)
            continue
        end = lasts if end > lasts - _EDGE else end
        whole = begin == 0 and end == lasts
        yield Verdict(check, f"{check} throughout" if whole else _span(check, begin, end, media), begin, end)


def _span(check: str, begin: float, end: float, media: Mapping[str, Json]) -> str:
    return f"{check} from {_at(begin, media)} to {_at(end, media)}"


def _at(seconds: float, media: Mapping[str, Json]) -> str:
    """A time in a clip as an editor writes it; in a sound, in seconds."""
    rate = Fraction(_number(media.get("frame_rate")) or 0).limit_denominator(1001)
    return timecode(round(seconds * rate), rate) if rate >= 1 else f"{seconds:.2f} s"


def faults_in_words(
    media: Mapping[str, Json],
    params: Mapping[str, Json],
    stop: Collection[str] = (),
    quiet: Collection[str] = (),
) -> list[str]:
    """What people are told of a file, in words: the verdicts on record but those that are to be ``quiet``.

    One that nobody looked into is judged by its facts. ``silent`` is told where it is to ``stop`` the clip.
    """
    recorded = media.get("checks")
    found = [*_recorded(recorded, media)] if isinstance(recorded, list) else verdicts(media, params)
    return [one.about for one in found if one.check not in quiet and (one.check != SILENT or SILENT in stop)]


def _recorded(entries: list[Json], media: Mapping[str, Json]) -> Iterator[Verdict]:
    """Verdicts as records have them, which may be another program's."""
    for entry in entries:
        if not isinstance(entry, Mapping) or not isinstance(check := entry.get("check"), str):
            continue
        begin, end, about = entry.get("from"), entry.get("to"), entry.get("about")
        if isinstance(about, str) and about:
            yield Verdict(check, about)
        elif isinstance(begin, int | float) and isinstance(end, int | float) and 0 <= begin <= end < 1e6:
            yield Verdict(check, _span(check, begin, end, media))
        else:
            yield Verdict(check, check)


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
    ratio = wide / high if wide and high else 0.0
    return ratio if 0 < ratio < inf else None


def _as_ratio(real: float) -> str:
    """The ratio in the words people use where it is one of theirs, else as a number to one."""
    for known in ("16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3", "21:9", "9:21", "5:4", "4:5"):
        if abs(real / (_ratio(known) or 1) - 1) < 0.01:
            return known
    return f"{real:.2f}:1"
