"""Times as editors write them: hours, minutes, seconds and frames."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

DROPPED: Final = {Fraction(30000, 1001): 2, Fraction(60000, 1001): 4}
"""Numbers of frames that are left out each minute but every tenth, by frame rate, to keep up with the clock."""


def timecode(frame: int, rate: Fraction) -> str:
    """Hours, minutes, seconds and frames; drop-frame where the rate has it, as the semicolon says."""
    whole, dropped = round(rate), DROPPED.get(rate, 0)
    if dropped:
        tens, rest = divmod(frame, 600 * whole - 9 * dropped)
        minutes = max(0, rest - dropped) // (60 * whole - dropped)
        frame += dropped * (9 * tens + minutes)
    seconds, frames = divmod(frame, whole)
    point = ";" if dropped else ":"
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{point}{frames:02}"
