"""OpenTimelineIO's own format: everything that is known, at the rates that the clips have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import unquote, urlsplit

import opentimelineio as otio

from rivya_run.film.edit import Edit
from rivya_run.film.formats.sequence import (
    Seen,
    Timeline,
    TrackPicture,
    TrackSound,
    footage_in,
    name_of,
    one_line,
    relative,
    sequence,
    slate_note,
)
from rivya_run.film.placing import Notice
from rivya_run.film.script import Material

NAMESPACE: Final = "rivya"
"""Where a clip's metadata are."""


def write(edit: Edit, beside: Path) -> tuple[str, tuple[Notice, ...]]:
    """The timeline, and what a person should know."""
    film = sequence(edit, ())
    timeline = otio.schema.Timeline(one_line(edit.title))
    timeline.global_start_time = None
    track = otio.schema.Track("V1", kind=otio.schema.TrackKind.Video)
    timeline.tracks.append(track)
    track.extend(_pictures(film, beside))
    for name, sounds in film.sounds:
        track = otio.schema.Track(name, kind=otio.schema.TrackKind.Audio)
        timeline.tracks.append(track)
        track.extend(_sounds(film, sounds, beside))
    return otio.adapters.write_to_string(timeline, "otio_json"), film.notices


def _pictures(film: Timeline, beside: Path) -> Iterator[otio.core.Composable]:
    for one in film.pictures:
        if one.before or one.after:
            yield otio.schema.Transition(
                transition_type=otio.schema.TransitionTypes.SMPTE_Dissolve,
                in_offset=_time(one.before, film.rate),
                out_offset=_time(one.after, film.rate),
            )
        length = one.end - one.begin
        if footage_in(one.shot) is None:
            gap = _gap(length, film.rate)
            gap.markers.append(_marker(one, film.rate))
            yield gap
            continue
        clip = _clip(one.shot, one.source, length, film.rate, beside)
        clip.metadata[NAMESPACE] = {**one.shot.about, **_faded(one)}
        yield clip


def _sounds(film: Timeline, sounds: Iterable[TrackSound], beside: Path) -> Iterator[otio.core.Composable]:
    at = 0
    for one in sounds:
        if one.begin > at:
            yield _gap(one.begin - at, film.rate)
        clip = _clip(one.sound.shot, one.source, one.end - one.begin, film.rate, beside)
        about = {**one.sound.shot.about, "gain": one.sound.gain, "track": one.sound.track}
        falls = {"falls": [list(bend) for bend in one.falls]} if one.falls else {}
        clip.metadata[NAMESPACE] = {**about, **_faded(one), **falls}
        yield clip
        at = one.end


def _faded(one: TrackPicture | TrackSound) -> dict[str, int]:
    """Fades in frames; OpenTimelineIO has no word of its own for them, nor for levels that change."""
    return {key: frames for key, frames in (("fade_in", one.fade_in), ("fade_out", one.fade_out)) if frames}


def _clip(shot: Material, source: Fraction, frames: int, rate: Fraction, beside: Path) -> otio.schema.Clip:
    found = footage_in(shot)
    assert found is not None
    footage, file = found
    span = otio.opentime.TimeRange(_time(round(source * rate), rate), _time(frames, rate))
    own = footage.rate or rate
    there = round(footage.seconds * own) if footage.seconds else round((source + frames / rate) * own)
    media = otio.schema.ExternalReference(
        target_url=relative(file, beside),
        available_range=otio.opentime.TimeRange(_time(0, own), _time(there, own)),
    )
    media.name = file.name
    return otio.schema.Clip(name_of(shot), media_reference=media, source_range=span)


def _gap(frames: int, rate: Fraction) -> otio.schema.Gap:
    return otio.schema.Gap(source_range=otio.opentime.TimeRange(_time(0, rate), _time(frames, rate)))


def _marker(one: TrackPicture, rate: Fraction) -> otio.schema.Marker:
    span = otio.opentime.TimeRange(_time(0, rate), _time(one.end - one.begin, rate))
    return otio.schema.Marker(one.shot.id, span, otio.schema.MarkerColor.RED, comment=slate_note(one.shot))


def _time(frames: int, rate: Fraction) -> otio.opentime.RationalTime:
    return otio.opentime.RationalTime(frames, float(rate))


def read(content: str) -> list[Seen]:
    """The clips on the picture tracks. Raises ValueError when it is no timeline."""
    try:
        found = otio.adapters.read_from_string(content, "otio_json")
    except Exception as problem:  # parsers raise what they like
        raise ValueError(str(problem)) from problem
    if isinstance(found, otio.schema.Timeline):
        timelines = [found]
    elif isinstance(found, otio.schema.SerializableCollection):
        timelines = list(found.find_children(descended_from_type=otio.schema.Timeline))
    else:
        raise ValueError("it holds no timeline")
    return [
        _seen(track, clip)
        for timeline in timelines
        for track in timeline.video_tracks()
        for clip in track.find_clips()
    ]


def _seen(track: otio.schema.Track, clip: otio.schema.Clip) -> Seen:
    names = [clip.name or ""]
    reference = clip.media_reference
    if isinstance(reference, otio.schema.ExternalReference) and reference.target_url:
        path = unquote(urlsplit(reference.target_url).path).replace("\\", "/")
        names.insert(0, PurePosixPath(path).stem)
    known = clip.metadata.get(NAMESPACE)
    shot, take = (known.get("shot"), known.get("take")) if hasattr(known, "get") else (None, None)
    whose = (shot, take) if isinstance(shot, str) and isinstance(take, int) else None
    begin = clip.transformed_time(clip.source_range.start_time, track) if clip.source_range else None
    start = Fraction(begin.to_seconds()) if begin is not None else Fraction(0)
    return Seen(tuple(names), start, Fraction(clip.duration().to_seconds()), whose)
