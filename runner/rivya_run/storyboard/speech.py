"""How long a shot will last, as far as its text and its params say before it is made."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Final

from rivya_run.json_types import Json
from rivya_run.storyboard.model import Shot
from rivya_run.text import visible

USUAL: Final = 15
"""Characters of speech in a second, as far as can be said before it is made."""

FASTEST: Final = 25
"""Characters in a second that no voice of these models passes: a text that is too long even so will not fit."""

_DIRECTIONS: Final = re.compile(r"\[[^\]]*\]")
_LENGTHS: Final = ("duration", "duration_seconds")
"""Parameters in which models are asked for a length."""


def spoken(text: str) -> str:
    """A text without its [stage directions], a line for each of its own."""
    lines = (" ".join(line.split()) for line in _DIRECTIONS.sub(" ", text).splitlines())
    return "\n".join(visible(line) for line in lines if line)


def characters(shot: Shot) -> int:
    """How many characters a shot says: those of its prompt, or of the lines of its dialogue."""
    lines = shot.params.get("dialogue")
    if shot.prompt or not isinstance(lines, list):
        return len(spoken(shot.prompt or ""))
    said = (line.get("text") for line in lines if isinstance(line, Mapping))
    return sum(len(spoken(text)) for text in said if isinstance(text, str))


def asked_seconds(params: Mapping[str, Json]) -> Fraction | None:
    """The length that a shot asks for, None where it leaves that to the model."""
    for name in _LENGTHS:
        try:
            asked = Fraction(str(params[name]))
        except (KeyError, ValueError, ZeroDivisionError):
            continue
        if asked > 0:
            return asked
    return None


def estimated_sound(shot: Shot) -> Fraction:
    """How long a sound will be, in seconds."""
    asked = asked_seconds(shot.params)
    return asked if asked is not None else max(Fraction(1), Fraction(characters(shot), USUAL))
