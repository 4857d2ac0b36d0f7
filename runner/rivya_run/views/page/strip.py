"""The film on the page, by the edit: its pieces, and under them its sounds, where they are on the film's clock."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from rivya_run.film.edit import Edit, Piece
from rivya_run.film.placing import Placed
from rivya_run.film.sound import ducked, in_lanes
from rivya_run.text import counted, figure
from rivya_run.views.page.cards import Embedded, FilmStrip, StripBar


@dataclass(frozen=True, slots=True)
class Played:
    """How the page plays a file: by one of its cards, or by an address; and its pictures."""

    card: str = ""
    url: str | Embedded = ""
    poster: str | None = None
    thumb: str | None = None


_TRACKS = ("voice", "music", "effects", "clips")
_ROOM = (Fraction(1, 100), Fraction(1, 28), Fraction(1, 8))
"""Of the film's length: what is shorter has no room for a picture, for its name, for its name on a phone."""


def film_strip(
    edit: Edit, played: Callable[[Path], Played], places: Mapping[str, str], version: str = ""
) -> FilmStrip | None:
    """The strip of a film; None where there is nothing to see. ``places`` are anchors of shots by their ids."""
    if not edit.pieces:
        return None
    maker = _Strip(edit, played, places)
    pieces = tuple(maker.piece(piece) for piece in edit.pieces)
    rows = tuple(maker.rows())
    sounds = sum(one.track != "clips" for row in rows for one in row)
    facts = [counted(edit.frames, "frame") + f" at {figure(float(edit.rate))} fps"]
    facts += [counted(len(pieces), "picture"), *([counted(sounds, "sound")] if sounds else [])]
    first = edit.pieces[0].shot.footage
    return FilmStrip(
        version=version,
        seconds=_exact(edit.seconds),
        rate=f"{float(edit.rate):.9g}",
        frames=edit.frames,
        length=film_length(edit.seconds),
        facts=" · ".join(facts),
        width=edit.size[0],
        height=edit.size[1],
        poster=played(first.file).poster if first is not None and first.file is not None else None,
        pieces=pieces,
        rows=rows,
        notices=tuple(edit.notices),
    )


def film_length(seconds: Fraction) -> str:
    """10 as ``10 s``, 75.5 as ``1 min 15.5 s``; hundredths are kept at any length."""
    minutes, rest = divmod(round(seconds * 100), 6000)
    return (f"{minutes:,} min " if minutes else "") + f"{figure(rest / 100)} s"


def _exact(number: Fraction | float) -> str:
    return f"{float(number):.6f}".rstrip("0").rstrip(".")


class _Strip:
    """Makes the bars of one film."""

    def __init__(self, edit: Edit, played: Callable[[Path], Played], places: Mapping[str, str]) -> None:
        self._edit = edit
        self._played = played
        self._places = places
        self._own = {(one.shot.id, one.begin): one for one in edit.own}

    def piece(self, piece: Piece) -> StripBar:
        edit, shot = self._edit, piece.shot
        begin, end = piece.begin / edit.rate, piece.end / edit.rate
        own = self._own.get((shot.id, begin))
        file = shot.footage.file if shot.footage is not None else None
        fades = (piece.dissolve, piece.fade_in, piece.fade_out)
        dissolve, fade_in, fade_out = (_exact(frames / edit.rate) for frames in fades)
        places = (piece.begin, piece.begin, piece.end - piece.fade_out)
        joins = [
            (name, self._share(at / edit.rate), self._share(frames / edit.rate))
            for name, at, frames in zip(("dissolve", "fade-in", "fade-out"), places, fades, strict=True)
            if frames
        ]
        return self._bar(
            shot.id,
            "slate" if file is None else "still" if shot.still else "clip",
            "pictures",
            (begin, end),
            file,
            source=_exact(piece.source),
            length=_exact(end - begin),
            gain=_gain(own),
            dissolve=dissolve,
            fade_in=fade_in,
            fade_out=fade_out,
            how=", ".join(_how(piece, edit.rate)),
            joins=tuple(joins),
        )

    def rows(self) -> Iterator[tuple[StripBar, ...]]:
        """The sounds by tracks, a clip's own last."""
        for track in _TRACKS:
            heard = [one for one in self._edit.heard if one.track == track]
            for lane in in_lanes(heard):
                yield tuple(map(self._sound, lane))

    def _sound(self, one: Placed) -> StripBar:
        file = one.shot.footage.file if one.shot.footage is not None else None
        bends = ducked(self._edit, one.begin, one.end) if one.track == "music" else []
        return self._bar(
            one.shot.id,
            "sound",
            one.track,
            (one.begin, one.end),
            file,
            source=_exact(one.source),
            length=_exact(one.length),
            gain=_gain(one),
            fade_in=_exact(one.fade_in),
            fade_out=_exact(one.fade_out),
            ducks=json.dumps([[round(float(at), 6), level] for at, level in bends]),
            how="repeats" if one.repeated else "",
        )

    def _bar(
        self,
        name: str,
        kind: Literal["clip", "still", "slate", "sound"],
        track: str,
        span: tuple[Fraction, Fraction],
        file: Path | None,
        **more: Any,
    ) -> StripBar:
        begin, end = span
        shown = self._played(file) if file is not None else Played()
        return StripBar(
            id=name,
            kind=kind,
            track=track,
            begin=_exact(begin),
            end=_exact(end),
            left=self._share(begin),
            width=self._share(end - begin),
            room=sum(end - begin >= self._edit.seconds * share for share in _ROOM),
            card=shown.card,
            url="" if shown.card else shown.url,
            thumb=shown.thumb,
            place=self._places.get(name, ""),
            **more,
        )

    def _share(self, seconds: Fraction) -> str:
        """A time as a share of the film's."""
        return f"{_exact(100 * seconds / self._edit.seconds)}%"


def _gain(one: Placed | None) -> str:
    """Decibels as a factor."""
    return "0" if one is None or one.gain is None else f"{10 ** (one.gain / 20):.4g}"


def _how(piece: Piece, rate: Fraction) -> Iterator[str]:
    """Its transitions in words."""
    for frames, words in (
        (piece.dissolve, "dissolves in for"),
        (piece.fade_in, "from black in"),
        (piece.fade_out, "to black in"),
    ):
        if frames:
            yield f"{words} {figure(float(frames / rate))} s"
