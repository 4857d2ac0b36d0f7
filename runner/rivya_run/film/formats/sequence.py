"""What all timeline formats say of a film: clips on tracks, counted in frames of a rate that the format knows."""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import quote
from xml.etree import ElementTree

from rivya_run.film.edit import Edit
from rivya_run.film.placing import Notice, Placed
from rivya_run.film.script import Footage, Material, PictureShot
from rivya_run.film.sound import ducked, in_lanes
from rivya_run.project.names import clip_name
from rivya_run.text import visible

TRACKS: Final = ("clips", "voice", "effects", "music")
"""The order of the tracks of sound."""

_MOST_LINE = 200  # characters, so that a line can be read


@dataclass(frozen=True, slots=True)
class TrackPicture:
    """A picture on its track from frame ``begin`` up to ``end``, which begin where the one before ends.

    ``source`` is the time in its file at ``begin``. A dissolve into it takes ``before`` frames before its begin and
    ``after`` frames after it; fades are in frames. A slate is a gap: it has neither, nor has what is beside it.
    """

    shot: PictureShot
    begin: int
    end: int
    source: Fraction
    before: int = 0
    after: int = 0
    fade_in: int = 0
    fade_out: int = 0


@dataclass(frozen=True, slots=True)
class TrackSound:
    """A sound on a track; a loop is one for each time that it is heard.

    ``falls`` is how its level falls under voices: frames from its begin, and dB, on lines between them.
    """

    sound: Placed
    begin: int
    end: int
    source: Fraction
    fade_in: int = 0
    fade_out: int = 0
    falls: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Timeline:
    """A film at the ``rate`` of a format."""

    edit: Edit
    rate: Fraction
    pictures: tuple[TrackPicture, ...]
    sounds: tuple[tuple[str, tuple[TrackSound, ...]], ...]
    notices: tuple[Notice, ...]

    @property
    def frames(self) -> int:
        return self.pictures[-1].end


@dataclass(frozen=True, slots=True)
class Seen:
    """A clip that was read back: what may be its name, the surest first, where it begins and how long it is.

    ``known`` are shot and take where the file tells them.
    """

    names: tuple[str, ...]
    begin: Fraction
    seconds: Fraction
    known: tuple[str, int] | None = None


def frame_at(seconds: Fraction, rate: Fraction) -> int:
    """The nearest frame, rounded up from a half as the edit does."""
    return math.floor(seconds * rate + Fraction(1, 2))


def sequence(
    edit: Edit, rates: Collection[Fraction], *, cut: Literal["middle", "begin"] = "middle"
) -> Timeline:
    """A film for a format that knows ``rates`` (none: any); ``cut`` is where in a dissolve the next clip begins."""
    rate = nearest(edit.rate, rates)
    notices = []
    if rate != edit.rate:
        notices.append(
            f"this format doesn't know {_in_words(edit.rate)} pictures a second: written at {_in_words(rate)}"
        )
    tracks = [
        (f"{kind.title()} {number}" if number > 1 else kind.title(), tuple(_laid(edit, lane, rate)))
        for kind in TRACKS
        for number, lane in enumerate(in_lanes([one for one in edit.heard if one.track == kind]), start=1)
    ]
    return Timeline(edit, rate, tuple(_shown(edit, rate, cut)), tuple(tracks), tuple(notices))


def nearest(rate: Fraction, rates: Collection[Fraction]) -> Fraction:
    """The nearest rate that is known. A whole one for a whole one: 16 becomes 24, and not 23.976."""
    if not rates or rate in rates:
        return rate
    alike = [known for known in rates if (known.denominator == 1) == (rate.denominator == 1)]
    return min(alike, key=lambda known: (abs(known - rate), known))


def _in_words(rate: Fraction) -> str:
    return f"{float(rate):.5g}"


def _shown(edit: Edit, rate: Fraction, cut: Literal["middle", "begin"]) -> list[TrackPicture]:
    edges = []
    for piece in edit.pieces:
        overlap = piece.dissolve // 2 if cut == "middle" else 0
        edges.append(piece.begin + overlap)
    edges.append(edit.frames)
    shown: list[TrackPicture] = []
    for piece, begin, end in zip(edit.pieces, edges, edges[1:], strict=False):
        start, stop = frame_at(begin / edit.rate, rate), frame_at(end / edit.rate, rate)
        one = TrackPicture(piece.shot, start, stop, piece.source + (begin - piece.begin) / edit.rate)
        if footage_in(piece.shot) is not None:
            one = replace(
                one,
                fade_in=frame_at(piece.fade_in / edit.rate, rate),
                fade_out=frame_at(piece.fade_out / edit.rate, rate),
            )
            if shown and footage_in(shown[-1].shot) is not None:
                one = replace(
                    one,
                    before=start - frame_at(piece.begin / edit.rate, rate),
                    after=frame_at((piece.begin + piece.dissolve) / edit.rate, rate) - start,
                )
        shown.append(one)
    return shown


def slate_note(shot: Material) -> str:
    """What a marker says of a shot that is missing."""
    return one_line(f"{shot.id} {shot.lack}: {shot.text}" if shot.text else f"{shot.id} {shot.lack}")


def _laid(edit: Edit, lane: Sequence[Placed], rate: Fraction) -> list[TrackSound]:
    found = []
    for one in lane:
        begin = one.begin
        while begin < one.end:
            end = min(one.end, begin + one.length)
            start, stop = frame_at(begin, rate), frame_at(end, rate)
            fade_in = frame_at(one.fade_in, rate) if begin == one.begin else 0
            fade_out = frame_at(one.fade_out, rate) if end == one.end else 0
            if stop > start:
                fade_out = min(fade_out, stop - start - fade_in)
                falls = _falls(edit, begin, end, rate) if one.track == "music" else ()
                found.append(TrackSound(one, start, stop, one.source, fade_in, fade_out, falls))
            begin = end
    return found


def _falls(edit: Edit, begin: Fraction, end: Fraction, rate: Fraction) -> tuple[tuple[int, float], ...]:
    start = frame_at(begin, rate)
    return tuple({frame_at(at, rate) - start: level for at, level in ducked(edit, begin, end)}.items())


def name_of(shot: Material) -> str:
    """``sh010_t02``, or the id where there are no takes."""
    return clip_name(shot.id, shot.take) if shot.take is not None else shot.id


def file_name(shot: Material) -> str:
    """The name of its file, by which Resolve finds it again."""
    found = footage_in(shot)
    return found[1].name if found is not None else shot.id


def footage_in(shot: Material) -> tuple[Footage, Path] | None:
    """The footage of a shot and its file; None for a slate."""
    if shot.footage is None or shot.footage.file is None:
        return None
    return shot.footage, shot.footage.file


def relative(file: Path, beside: Path) -> str:
    """The way from the timeline's folder to a file, as a URL path; another drive's file by its full path."""
    try:
        return quote(Path(os.path.relpath(file, beside)).as_posix(), safe="/")
    except ValueError:
        return file.resolve().as_uri()


def metadata_lines(about: Mapping[str, Any]) -> dict[str, str]:
    """What is known of a shot, each on a line that isn't too long; how it was made is for credits."""
    return {
        key: one_line(value)
        for key, value in about.items()
        if value not in (None, "") and not isinstance(value, Mapping)
    }


def one_line(value: object) -> str:
    words = visible(" ".join(str(value).split()))
    return words if len(words) <= _MOST_LINE else words[: _MOST_LINE - 1] + "…"


def xml_timeline(content: str, tag: str) -> tuple[ElementTree.Element, list[ElementTree.Element]]:
    """The root and the sequences of an XML timeline. Raises ValueError where it is none, or holds no sequence."""
    try:
        root = ElementTree.fromstring(content)
    except ElementTree.ParseError as problem:
        raise ValueError(str(problem)) from problem
    sequences = list(root.iter("sequence"))
    if root.tag != tag or not sequences:
        raise ValueError("it holds no sequence")
    return root, sequences
