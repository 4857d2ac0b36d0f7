"""Where the sounds of a film are: placed by what was written, or one after another on their track."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias

from rivya_run.film.script import UNTRIMMED, Material, PictureShot, Place, Script, SoundShot, Track

Notice: TypeAlias = str
_Spans: TypeAlias = Mapping[str, tuple[Fraction, Fraction]]
_Tell: TypeAlias = Callable[[Notice], None]
_SLACK = Fraction(1, 50)  # seconds: people write lengths as they are shown, rounded


@dataclass(frozen=True, slots=True)
class Placed:
    """One sound in the film, from ``begin`` to ``end`` in seconds of it.

    It starts at ``source`` seconds of its file; ``length`` seconds from there on are repeated where it lasts longer.
    ``gain`` is in dB, None where it isn't heard.
    """

    shot: SoundShot | PictureShot
    track: Track | Literal["clips"]
    begin: Fraction
    end: Fraction
    source: Fraction
    length: Fraction
    gain: float | None
    fade_in: Fraction = Fraction(0)
    fade_out: Fraction = Fraction(0)

    @property
    def seconds(self) -> Fraction:
        return self.end - self.begin

    @property
    def repeated(self) -> bool:
        return self.seconds > self.length


class _LeftOut(Exception):
    """A sound that isn't in this film; its text says why."""


def placed(script: Script, spans: _Spans, length: Fraction, tell: _Tell) -> Iterator[Placed]:
    """The sounds of a script in the order of the file. ``spans`` are the times of the pictures in the film."""
    free: dict[str, Fraction] = {}
    for sound, nearest in _in_order(script, spans):
        try:
            one = _placed(sound, nearest, free, spans, length, tell)
        except _LeftOut as reason:
            tell(f"{sound.id} {reason} and is left out")
            continue
        if sound.remark:
            tell(f"{sound.id} {sound.remark}")
        yield one


def _in_order(script: Script, spans: _Spans) -> Iterator[tuple[SoundShot, Fraction]]:
    """Each sound, and where it begins if nothing else is said."""
    nearest = Fraction(0)
    for shot in script.shots:
        if isinstance(shot, SoundShot):
            yield shot, nearest
        elif shot.id in spans:
            nearest = spans[shot.id][0]
    for sound in script.sounds:
        yield sound, Fraction(0)


def _placed(
    sound: SoundShot, nearest: Fraction, free: dict[str, Fraction], spans: _Spans, film: Fraction, tell: _Tell
) -> Placed:
    if sound.footage is None:
        raise _LeftOut(sound.lack)
    source, length = trimmed(sound, tell)
    if length <= 0:
        raise _LeftOut("is empty")
    begin = max(nearest, free.get(sound.track, nearest)) if sound.at is None else _time(sound.at, spans, 0)
    if begin < 0:
        tell(f"{sound.id} would begin {float(-begin):.4g} s before the film and begins with it")
        begin = Fraction(0)
    end = _end(sound, begin, length, spans, film)
    if end <= begin < film:
        raise _LeftOut("would end before it begins")
    if begin >= film:
        raise _LeftOut("begins after the end of the film")
    if sound.at is None:
        free[sound.track] = end
    if end > film:
        if not sound.loop and sound.until != "end" and end > film + _SLACK:
            tell(f"{sound.id} reaches {float(end - film):.4g} s beyond the end of the film and is cut there")
        end = film
    return _faded(sound, begin, end, source, length, tell)


def _end(sound: SoundShot, begin: Fraction, length: Fraction, spans: _Spans, film: Fraction) -> Fraction:
    """Where a sound ends by what is written of it, wherever the film does."""
    until = film if sound.until == "end" or sound.until is None else _time(sound.until, spans, 1)
    if sound.loop:
        return max(begin, until)
    return begin + length if sound.until is None else min(begin + length, until)


def _faded(
    sound: SoundShot, begin: Fraction, end: Fraction, source: Fraction, length: Fraction, tell: _Tell
) -> Placed:
    fade_in, fade_out = sound.fade
    both, seconds = fade_in + fade_out, end - begin
    if both > seconds:
        tell(f"{sound.id}: its fades are longer than the sound and are shortened")
        fade_in, fade_out = fade_in * seconds / both, fade_out * seconds / both
    return Placed(sound, sound.track, begin, end, source, length, sound.volume, fade_in, fade_out)


def _time(place: Place, spans: _Spans, edge: Literal[0, 1]) -> Fraction:
    """The time of a place: from the begin (0) or the end (1) of the shot that it names."""
    if place.shot is None:
        return place.seconds
    if place.shot not in spans:
        raise _LeftOut(f"is timed to {place.shot}, which isn't in the film as it is now,")
    return spans[place.shot][edge] + place.seconds


def trimmed(shot: Material, tell: _Tell) -> tuple[Fraction, Fraction]:
    """Where a clip or sound begins in its file and how long it lasts, after its trim."""
    whole = shot.footage.seconds if shot.footage is not None else None
    whole = whole or Fraction(0)
    if shot.trim == UNTRIMMED:
        return Fraction(0), whole
    begin, end = max(Fraction(0), shot.trim[0] or Fraction(0)), shot.trim[1]
    if begin >= whole or (end is not None and end <= begin):
        tell(
            f"{shot.id}: its trim begins at {float(begin):.4g} s, it lasts {float(whole):.4g} s: all is taken"
        )
        return Fraction(0), whole
    if end is not None and end > whole + _SLACK:
        tell(
            f"{shot.id}: its trim ends at {float(end):.4g} s, it lasts {float(whole):.4g} s: taken to its end"
        )
    return begin, min(whole, whole if end is None else end) - begin
