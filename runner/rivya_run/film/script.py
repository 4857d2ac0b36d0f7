"""What a film is made of, as plain values: shots and sounds in the order of the file, and how they are to be joined.

Nothing here knows of storyboards or manifests. Times are exact, in seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

Track: TypeAlias = Literal["voice", "music", "effects"]
Trim: TypeAlias = tuple[Fraction | None, Fraction | None]

HOLD: Final = Fraction(2)
"""Seconds that a still or a slate stays on screen."""

UNTRIMMED: Final[Trim] = (None, None)


@dataclass(frozen=True, slots=True)
class Footage:
    """What is known of a file. ``file`` is None for what isn't made yet, and has estimated facts.

    ``size`` is that of the upright picture; ``seconds`` is None for a still, ``rate`` for stills and sounds.
    """

    file: Path | None
    seconds: Fraction | None = None
    rate: Fraction | None = None
    size: tuple[int, int] | None = None
    audio: bool = False


@dataclass(frozen=True, slots=True)
class Transition:
    """How a picture comes: ``dissolve`` overlaps the one before, ``fade`` goes through black and loses no length."""

    kind: Literal["dissolve", "fade"]
    seconds: Fraction


@dataclass(frozen=True, slots=True)
class Place:
    """A time of the film: seconds from its begin or, with ``shot``, from where that shot begins (or ends)."""

    seconds: Fraction = Fraction(0)
    shot: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What pictures and sounds share.

    ``footage`` is None for what isn't there; ``lack`` says why. ``volume`` is in dB, None is off. ``text`` is the
    prompt or what is said. ``remark`` is told when it is in the film. ``about`` is handed on to editing programs.
    ``generated`` is False for people's own files.
    """

    id: str
    footage: Footage | None
    lack: str = "has no finished take"
    trim: Trim = UNTRIMMED
    volume: float | None = 0.0
    text: str = ""
    remark: str = ""
    label: str = ""
    scene: str | None = None
    take: int | None = None
    generated: bool = True
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureShot(Material):
    """A shot that shows something. ``still`` pictures are held for ``hold`` seconds and never trimmed."""

    still: bool = False
    film: bool = True
    hold: Fraction = HOLD
    transition: Transition | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundShot(Material):
    """A sound. ``at`` is None where it wasn't written, ``until`` where nothing ends it early."""

    track: Track = "effects"
    at: Place | None = None
    until: Place | Literal["end"] | None = None
    loop: bool = False
    fade: tuple[Fraction, Fraction] = (Fraction(0), Fraction(0))


@dataclass(frozen=True, slots=True)
class Mix:
    """``duck``: dB that music falls under voices. ``loudness`` in LUFS, None: left as it is. ``peak`` in dBTP."""

    duck: float = 10.0
    loudness: float | None = -14.0
    peak: float = -1.0


@dataclass(frozen=True, slots=True)
class Script:
    """A whole film. ``shots`` hold pictures and sounds in the order of the file, ``sounds`` the entries of ``sound``.

    ``ending`` is a fade to black. ``rate`` and ``size`` are None where the clips decide.
    """

    shots: tuple[PictureShot | SoundShot, ...]
    sounds: tuple[SoundShot, ...] = ()
    mix: Mix = Mix()
    ending: Fraction = Fraction(0)
    rate: Fraction | None = None
    size: tuple[int, int] | None = None
    slates: bool = False
    title: str = ""


def exact(seconds: float | str) -> Fraction:
    """A time as it is written in decimals: 0.1 is a tenth."""
    return Fraction(str(seconds))
