"""The edit: which picture and which sound is on when, all on the film's one clock.

``edited`` is a pure function. Cut, contact sheet, timelines, captions, plan and page are made from what it gives,
so that they can't disagree. What can't be as it was written is clamped, and a notice says so: a film's faults
never stop anything.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

from rivya_run.film.placing import Notice, Placed, placed, trimmed
from rivya_run.film.script import Mix, PictureShot, Script

DEFAULT_RATE: Final = Fraction(24)
DEFAULT_SIZE: Final = (1280, 720)  # where only slates are shown
STANDARD_RATES: Final = tuple(
    Fraction(rate) for rate in ("24000/1001", "24", "25", "30000/1001", "30", "48", "50", "60000/1001", "60")
)
_RATE_SLACK = Fraction(1, 200)
_LARGEST = 3840  # pixels of the longer side: 4K, which players still decode


@dataclass(frozen=True, slots=True)
class Piece:
    """One picture in the film, from frame ``begin`` up to frame ``end``, from ``source`` seconds of its file on.

    ``dissolve`` is how many frames at its begin the picture before is still there; ``fade_in`` and ``fade_out``
    are the frames that it takes to come from black and to go to black.
    """

    shot: PictureShot
    source: Fraction
    begin: int
    end: int
    dissolve: int = 0
    fade_in: int = 0
    fade_out: int = 0

    @property
    def frames(self) -> int:
        return self.end - self.begin

    @property
    def clip(self) -> bool:
        """Whether it moves: neither a still nor a slate."""
        return self.shot.footage is not None and not self.shot.still


@dataclass(frozen=True, slots=True)
class Edit:
    """A film. ``rate`` is that of its clock, ``size`` even figures; ``own`` are the clips' own sounds."""

    title: str
    rate: Fraction
    size: tuple[int, int]
    pieces: tuple[Piece, ...]
    own: tuple[Placed, ...]
    sounds: tuple[Placed, ...]
    mix: Mix
    notices: tuple[Notice, ...]

    @property
    def frames(self) -> int:
        return self.pieces[-1].end if self.pieces else 0

    @property
    def seconds(self) -> Fraction:
        return self.frames / self.rate

    @property
    def estimated(self) -> bool:
        """Whether its length depends on what isn't made yet."""
        return any(
            piece.shot.footage is not None and piece.shot.footage.file is None for piece in self.pieces
        )

    @property
    def heard(self) -> tuple[Placed, ...]:
        """All that is mixed, clips' own sounds first."""
        return tuple(one for one in (*self.own, *self.sounds) if one.gain is not None)

    @property
    def generated(self) -> bool:
        """Whether anything in it was generated, and not brought along."""
        shown = (piece.shot for piece in self.pieces if piece.shot.footage is not None)
        return any(one.generated for one in (*shown, *(sound.shot for sound in self.sounds)))


def edited(script: Script) -> Edit:
    """The film of a script. It may have no pieces."""
    notices: list[Notice] = []
    shots = list(_shown(script, notices.append))
    clips = [shot.footage for shot in shots if shot.footage is not None and not shot.still]
    rate = script.rate or commonest(standard_rate(clip.rate) for clip in clips)
    sources = [_source(shot, rate, notices.append) for shot in shots]
    pieces = _laid_out(shots, sources, rate, script.ending, notices.append)
    own = [
        Placed(
            piece.shot,
            "clips",
            begin=piece.begin / rate,
            end=piece.end / rate,
            source=piece.source,
            length=piece.frames / rate,
            gain=piece.shot.volume,
            fade_in=piece.dissolve / rate,
            fade_out=after.dissolve / rate if after is not None else Fraction(0),
        )
        for piece, after in zip(pieces, (*pieces[1:], None), strict=False)
        if piece.clip and piece.shot.footage is not None and piece.shot.footage.audio
    ]
    spans = {piece.shot.id: (piece.begin / rate, piece.end / rate) for piece in pieces}
    length = pieces[-1].end / rate if pieces else Fraction(0)
    sounds = placed(script, spans, length, notices.append)
    size = script.size or _size(shots)
    return Edit(
        script.title, rate, size, tuple(pieces), tuple(own), tuple(sounds), script.mix, tuple(notices)
    )


def _shown(script: Script, tell: Callable[[Notice], None]) -> Iterable[PictureShot]:
    for shot in script.shots:
        if not isinstance(shot, PictureShot) or not shot.film:
            continue
        if shot.footage is None and not script.slates:
            tell(f"{shot.id} {shot.lack} and is left out")
            continue
        if shot.remark:
            tell(f"{shot.id} {shot.remark}")
        yield shot


def _source(shot: PictureShot, rate: Fraction, tell: Callable[[Notice], None]) -> tuple[Fraction, Fraction]:
    """Where in its file a picture begins, and how long it is; at least one frame."""
    if shot.footage is None or shot.still:
        begin, length = Fraction(0), shot.hold
    else:
        begin, length = trimmed(shot, tell)
    if length * rate < 1:
        tell(f"{shot.id} is shorter than one frame and is shown for one")
        length = 1 / rate
    return begin, length


def _laid_out(
    shots: Sequence[PictureShot],
    sources: Sequence[tuple[Fraction, Fraction]],
    rate: Fraction,
    ending: Fraction,
    tell: Callable[[Notice], None],
) -> list[Piece]:
    """The pieces one after another, cut points rounded on the running sum: nothing drifts."""
    lengths = [length for _, length in sources]
    joins = _clamped(shots, lengths, ending, tell)
    pieces: list[Piece] = []
    at = Fraction(0)
    for number, (shot, (source, length)) in enumerate(zip(shots, sources, strict=True)):
        join, after = joins[number], joins[number + 1]
        at -= join.dissolve
        begin, at = _frame(at, rate), at + length
        end = _frame(at, rate)
        overlap = pieces[-1].end - begin if pieces else 0
        fade_in = min(_frame(join.after, rate), end - begin)
        fade_out = min(_frame(after.before, rate), end - begin - fade_in)
        pieces.append(Piece(shot, source, begin, end, overlap, fade_in, fade_out))
    return pieces


def _frame(seconds: Fraction, rate: Fraction) -> int:
    """The nearest frame. Always rounded up from a half: what lasts a frame or more then has at least one."""
    return math.floor(seconds * rate + Fraction(1, 2))


@dataclass(frozen=True, slots=True)
class _Join:
    """Between two pictures: seconds of a dissolve; seconds to black ``before`` it and from black ``after`` it."""

    dissolve: Fraction = Fraction(0)
    before: Fraction = Fraction(0)
    after: Fraction = Fraction(0)


def _clamped(
    shots: Sequence[PictureShot],
    lengths: Sequence[Fraction],
    ending: Fraction,
    tell: Callable[[Notice], None],
) -> list[_Join]:
    """The joins before each picture and after the last one, so that none takes more of a picture than is there."""
    asked = [_asked(shot, first=number == 0) for number, shot in enumerate(shots)]
    asked.append(_Join(before=ending))
    shares = [
        _shares(asked[number].dissolve + asked[number].after, asked[number + 1], length)
        for number, length in enumerate(lengths)
    ]
    joins = []
    for number, join in enumerate(asked):
        before = shares[number - 1][1] if number else None
        after = shares[number][0] if number < len(shares) else None
        fitting = _fitting(join, before, after)
        joins.append(fitting)
        if fitting != join:
            name = f"{shots[number].id}: the transition" if number < len(shots) else "the ending's fade"
            lasts = fitting.dissolve + fitting.before + fitting.after
            tell(f"{name} is longer than the pictures allow and is cut to {float(lasts):.4g} s")
    return joins


def _asked(shot: PictureShot, *, first: bool) -> _Join:
    how = shot.transition
    if how is None or (first and how.kind == "dissolve"):
        return _Join()
    if how.kind == "dissolve":
        return _Join(dissolve=how.seconds)
    return _Join(after=how.seconds) if first else _Join(before=how.seconds / 2, after=how.seconds / 2)


def _shares(into: Fraction, after: _Join, length: Fraction) -> tuple[Fraction, Fraction]:
    """How much of a picture the transitions into it and out of it may take: both as asked where that fits."""
    out = after.dissolve + after.before
    if into + out <= length:
        return into, out
    return into * length / (into + out), out * length / (into + out)


def _fitting(join: _Join, before: Fraction | None, after: Fraction | None) -> _Join:
    """A join that takes no more than its shares of the pictures before and after (None: there is none)."""
    if join.dissolve:
        least = min(share for share in (before, after) if share is not None)
        return replace(join, dissolve=min(join.dissolve, least))
    both = [share for share in (before, after) if share is not None]
    if join.before and join.after:
        half = min(join.before, *both)
        return _Join(before=half, after=half)
    return _Join(before=min([join.before, *both]), after=min([join.after, *both]))


def standard_rate(rate: Fraction | float | None) -> Fraction:
    """The frame rate that editors know nearest to a measured one; a rate far from all of them stays."""
    if not rate:
        return DEFAULT_RATE
    measured = Fraction(rate).limit_denominator(1001)
    nearest = min(STANDARD_RATES, key=lambda known: abs(known - measured))
    return nearest if abs(nearest - measured) <= nearest * _RATE_SLACK else measured


def commonest(values: Iterable[Fraction]) -> Fraction:
    """The value that occurs most, the earlier one of equals; the default rate if there is none."""
    counted = Counter(values)
    return max(counted, key=lambda value: counted[value]) if counted else DEFAULT_RATE


def _size(shots: Sequence[PictureShot]) -> tuple[int, int]:
    """The commonest size of the clips, else of the first still, in even figures as encoders want them."""
    clips = Counter(
        shot.footage.size for shot in shots if shot.footage and shot.footage.size and not shot.still
    )
    stills = [shot.footage.size for shot in shots if shot.footage and shot.footage.size and shot.still]
    width, height = max(clips, key=lambda size: clips[size]) if clips else (*stills, DEFAULT_SIZE)[0]
    scale = min(1.0, _LARGEST / max(width, height))
    return max(2, round(width * scale) // 2 * 2), max(2, round(height * scale) // 2 * 2)
