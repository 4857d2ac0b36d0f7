"""What follows what in a cut or a timeline: chosen takes in storyboard order, slates where one is missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal, TypeAlias

from rivya_run.errors import RivyaError
from rivya_run.history.chosen import Chosen, Entry, Missing, chosen_takes
from rivya_run.safetext import visible

HOLD = Fraction(2)
"""Seconds that a still or a slate stays on screen."""

DEFAULT_RATE = Fraction(24)
STANDARD_RATES = tuple(
    Fraction(rate) for rate in ("24000/1001", "24", "25", "30000/1001", "30", "48", "50", "60000/1001", "60")
)
_RATE_SLACK = Fraction(1, 200)


@dataclass(frozen=True, slots=True)
class Segment:
    """One piece. ``file`` is the clip or still, None for a slate; ``shot``, ``take`` and ``note`` are to be read."""

    kind: Literal["clip", "still", "slate"]
    shot: str
    take: int | None
    scene: str | None
    file: Path | None
    chosen: Chosen | None
    note: str = ""


Notice: TypeAlias = str


def segments(manifest: Entry, folder: Path, *, slates: bool) -> tuple[list[Segment], list[Notice]]:
    """The pieces, and what a person should be told about those left out.

    Raises RivyaError when nothing is left.
    """
    found: list[Segment] = []
    notices: list[Notice] = []
    for one in chosen_takes(manifest):
        if isinstance(one, Missing):
            if slates:
                found.append(Segment("slate", one.shot, None, one.scene, None, None, one.prompt))
            else:
                notices.append(f"{visible(one.shot)} has no finished take and is left out")
            continue
        file = folder / one.path
        if one.kind == "audio":
            notices.append(f"{visible(one.shot)} is a sound and is left out")
        elif not file.is_file():
            notices.append(
                f"{visible(one.path)} is not in the folder and is left out; a run fetches it again"
            )
        else:
            kind: Literal["clip", "still"] = "clip" if one.kind == "video" else "still"
            found.append(Segment(kind, one.shot, one.take, one.scene, file, one))
    if not found:
        raise RivyaError(
            "there is nothing to export: no shot has a finished take whose file is here",
            hint="run the storyboard first; --slates stands in for what is missing",
        )
    return found, notices


def standard_rate(rate: Fraction | float | None) -> Fraction:
    """The frame rate that editors know nearest to a measured one; a rate far from all of them stays."""
    if not rate:
        return DEFAULT_RATE
    exact = Fraction(rate).limit_denominator(1001)
    nearest = min(STANDARD_RATES, key=lambda known: abs(known - exact))
    return nearest if abs(nearest - exact) <= nearest * _RATE_SLACK else exact


def commonest(values: Iterable[Fraction]) -> Fraction:
    """The value that occurs most, the earlier one of equals; the default rate if there is none."""
    counted = Counter(values)
    return max(counted, key=lambda value: counted[value]) if counted else DEFAULT_RATE


def frame_edges(lengths: Iterable[Fraction], rate: Fraction) -> Iterator[tuple[int, int]]:
    """First frame and the frame after the last of each piece, rounded on the running sum: no drift."""
    at, begin = Fraction(0), 0
    for length in lengths:
        at += length
        end = round(at * rate)
        yield begin, end
        begin = end
