"""Final Cut Pro 7 XML (xmeml 5), which Premiere and Resolve read: pictures, sounds with levels, dissolves, fades."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from rivya_run.film.edit import STANDARD_RATES, Edit
from rivya_run.film.formats.sequence import (
    Seen,
    Timeline,
    TrackPicture,
    TrackSound,
    footage_in,
    frame_at,
    metadata_lines,
    name_of,
    one_line,
    relative,
    sequence,
    slate_note,
    xml_timeline,
)
from rivya_run.film.placing import Notice
from rivya_run.film.script import Material

_LOUDEST = 12.0  # dB: the most that the level of a clip can be raised
_SAMPLES = 48_000


def write(edit: Edit, beside: Path) -> tuple[str, tuple[Notice, ...]]:
    """The timeline, and what a person should know."""
    film = sequence(edit, STANDARD_RATES)
    root = Element("xmeml", version="5")
    within = SubElement(root, "sequence", id="sequence-1")
    _text(within, "name", one_line(edit.title))
    _text(within, "duration", film.frames)
    _rate(within, film.rate)
    timecode = SubElement(within, "timecode")
    _rate(timecode, film.rate)
    _text(timecode, "frame", 0)
    _text(timecode, "displayformat", "NDF")
    media = SubElement(within, "media")
    files = _Files(beside)
    video = SubElement(media, "video")
    shape = SubElement(SubElement(video, "format"), "samplecharacteristics")
    _rate(shape, film.rate)
    _text(shape, "width", edit.size[0])
    _text(shape, "height", edit.size[1])
    _text(shape, "pixelaspectratio", "square")
    _pictures(SubElement(video, "track"), film, files)
    audio = SubElement(media, "audio")
    _text(audio, "numOutputChannels", 2)
    for _, sounds in film.sounds:
        track = SubElement(audio, "track")
        for one in sounds:
            _sound(track, film, one, files)
    _slates(within, film)
    ElementTree.indent(root, "  ")
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE xmeml>\n'
    return head + ElementTree.tostring(root, "unicode"), film.notices


def _pictures(track: Element, film: Timeline, files: _Files) -> None:
    for one, after in itertools.zip_longest(film.pictures, film.pictures[1:]):
        if one.before or one.after:
            _transition(track, film, one.begin - one.before, one.begin + one.after, "center")
        if one.fade_in:
            _transition(track, film, one.begin, one.begin + one.fade_in, "start-black")
        if footage_in(one.shot) is not None:
            _picture(track, film, one, after, files)
        if one.fade_out:
            _transition(track, film, one.end - one.fade_out, one.end, "end-black")


def _slates(within: Element, film: Timeline) -> None:
    """A marker on the sequence for each gap that stands for a missing shot: a gap can't have one."""
    for one in film.pictures:
        if footage_in(one.shot) is None:
            marker = SubElement(within, "marker")
            _text(marker, "name", one.shot.id)
            _text(marker, "comment", slate_note(one.shot))
            _text(marker, "in", one.begin)
            _text(marker, "out", one.end)


def _picture(
    track: Element, film: Timeline, one: TrackPicture, after: TrackPicture | None, files: _Files
) -> None:
    out = after.after if after is not None else 0
    begin, end = one.begin - one.before, one.end + out
    clip = _clip(track, film, one.shot, one.source - one.before / film.rate, end - begin, files)
    # An edge inside of a transition is -1: the transition says where it is.
    _text(clip, "start", -1 if one.before or one.after or one.fade_in else begin)
    _text(clip, "end", -1 if (after is not None and (after.before or after.after)) or one.fade_out else end)
    files.described(clip, one.shot)
    known = metadata_lines(one.shot.about)
    notes = SubElement(clip, "logginginfo")
    _text(notes, "description", known.get("prompt", ""))
    _text(notes, "scene", known.get("scene", ""))
    _text(notes, "shottake", f"{known.get('shot', one.shot.id)} take {known.get('take', '')}".strip())
    comments = SubElement(clip, "comments")
    _text(comments, "mastercomment1", f"task {known.get('task_id', '')}")
    _text(comments, "mastercomment2", f"model {known.get('model', '')}")
    _text(comments, "mastercomment3", f"credits {known.get('credits', '')}")


def _sound(track: Element, film: Timeline, one: TrackSound, files: _Files) -> None:
    clip = _clip(track, film, one.sound.shot, one.source, one.end - one.begin, files)
    _text(clip, "start", one.begin)
    _text(clip, "end", one.end)
    files.described(clip, one.sound.shot)
    source = SubElement(clip, "sourcetrack")
    _text(source, "mediatype", "audio")
    _text(source, "trackindex", 1)
    _level(clip, one)


def _clip(
    track: Element, film: Timeline, shot: Material, source: Fraction, frames: int, files: _Files
) -> Element:
    """A clip whose ``in`` and ``out`` count frames at the rate of the sequence, as Premiere and Resolve do."""
    clip = SubElement(track, "clipitem", id=f"clipitem-{files.number()}")
    _text(clip, "name", name_of(shot))
    _text(clip, "enabled", "TRUE")
    whole = shot.footage.seconds if shot.footage is not None else None
    start = round(source * film.rate)
    _text(clip, "duration", max(start + frames, frame_at(whole or Fraction(0), film.rate)))
    _rate(clip, film.rate)
    _text(clip, "in", start)
    _text(clip, "out", start + frames)
    return clip


def _level(clip: Element, one: TrackSound) -> None:
    """The gain, its fall under voices and the fades, as the filter that every clip of sound has."""
    level = 10 ** (min(_LOUDEST, one.sound.gain or 0.0) / 20)
    if level == 1 and not one.fade_in and not one.fade_out and not one.falls:
        return
    effect = SubElement(SubElement(clip, "filter"), "effect")
    for key, value in (
        ("name", "Audio Levels"),
        ("effectid", "audiolevels"),
        ("effectcategory", "audiolevels"),
    ):
        _text(effect, key, value)
    _text(effect, "effecttype", "audiolevels")
    _text(effect, "mediatype", "audio")
    parameter = SubElement(effect, "parameter")
    _text(parameter, "parameterid", "level")
    _text(parameter, "name", "Level")
    _text(parameter, "valuemin", 0)
    _text(parameter, "valuemax", "3.98109")
    _text(parameter, "value", f"{level:.6f}")
    start, length = int(clip.findtext("in") or 0), one.end - one.begin
    bends = {frame for frame, _ in one.falls}
    bends |= {0, one.fade_in} if one.fade_in else set()
    bends |= {length - one.fade_out, length} if one.fade_out else set()
    for when in sorted(bends):
        frame = SubElement(parameter, "keyframe")
        _text(frame, "when", start + when)
        _text(frame, "value", f"{level * _share(one, when):.6f}")


def _share(one: TrackSound, frame: int) -> float:
    """What is left of a sound's level so many frames after its begin."""
    length, share = one.end - one.begin, 10 ** (_fallen(one.falls, frame) / 20)
    if frame < one.fade_in:
        share *= frame / one.fade_in
    if frame > length - one.fade_out:
        share *= (length - frame) / one.fade_out
    return share


def _fallen(falls: Sequence[tuple[int, float]], frame: int) -> float:
    """The dB at a frame on the lines between those that are known."""
    for (begin, high), (end, low) in itertools.pairwise(falls):
        if begin <= frame <= end:
            return high + (low - high) * (frame - begin) / (end - begin)
    return 0.0


def _transition(track: Element, film: Timeline, begin: int, end: int, alignment: str) -> None:
    item = SubElement(track, "transitionitem")
    _rate(item, film.rate)
    _text(item, "start", begin)
    _text(item, "end", end)
    _text(item, "alignment", alignment)
    effect = SubElement(item, "effect")
    for key, value in (
        ("name", "Cross Dissolve"),
        ("effectid", "Cross Dissolve"),
        ("effectcategory", "Dissolve"),
        ("effecttype", "transition"),
        ("mediatype", "video"),
    ):
        _text(effect, key, value)


class _Files:
    """The files of a timeline: described in full where they are used first, by their id afterwards."""

    def __init__(self, beside: Path) -> None:
        self._beside = beside
        self._ids: dict[Path, str] = {}
        self._numbers = itertools.count(1)

    def number(self) -> int:
        return next(self._numbers)

    def described(self, clip: Element, shot: Material) -> None:
        found = footage_in(shot)
        assert found is not None
        footage, path = found
        if path in self._ids:
            SubElement(clip, "file", id=self._ids[path])
            return
        self._ids[path] = f"file-{len(self._ids) + 1}"
        file = SubElement(clip, "file", id=self._ids[path])
        _text(file, "name", path.name)
        _text(file, "pathurl", relative(path, self._beside))
        rate = footage.rate
        if rate is not None:
            _rate(file, rate)
            _text(file, "duration", round((footage.seconds or 0) * rate))
        media = SubElement(file, "media")
        if footage.size is not None:
            shape = SubElement(SubElement(media, "video"), "samplecharacteristics")
            _text(shape, "width", footage.size[0])
            _text(shape, "height", footage.size[1])
        if footage.audio:
            audio = SubElement(media, "audio")
            shape = SubElement(audio, "samplecharacteristics")
            _text(shape, "depth", 16)
            _text(shape, "samplerate", _SAMPLES)
            _text(audio, "channelcount", 2)


def _text(parent: Element, name: str, value: object) -> None:
    SubElement(parent, name).text = str(value)


def _rate(parent: Element, rate: Fraction) -> None:
    """Whole frames a second, and whether they are a thousandth slower."""
    inside = SubElement(parent, "rate")
    _text(inside, "timebase", round(rate))
    _text(inside, "ntsc", "TRUE" if rate.denominator == 1001 else "FALSE")


def read(content: str) -> list[Seen]:
    """The clips on the picture tracks. Raises ValueError when it is no such timeline."""
    root, sequences = xml_timeline(content, "xmeml")
    paths = {
        file.get("id", ""): file.findtext("pathurl")
        for file in root.iter("file")
        if file.find("pathurl") is not None
    }
    return [
        seen
        for one in sequences
        for track in one.findall("media/video/track")
        for seen in _track(track, _rate_of(one), paths)
    ]


def _track(track: Element, rate: Fraction, paths: dict[str, str | None]) -> Iterator[Seen]:
    items = list(track)
    for number, item in enumerate(items):
        if item.tag != "clipitem":
            continue
        begin, end = _number(item, "start"), _number(item, "end")
        if begin < 0:
            begin = _cut(items[number - 1]) if number else 0
        if end < 0:
            end = _cut(items[number + 1]) if number + 1 < len(items) else begin
        names = [item.findtext("name") or ""]
        file = item.find("file")
        path = (file.findtext("pathurl") or paths.get(file.get("id", ""))) if file is not None else None
        if path:
            names.insert(0, PurePosixPath(unquote(urlsplit(path).path).replace("\\", "/")).stem)
        if end > begin:
            yield Seen(tuple(names), begin / rate, (end - begin) / rate)


def _cut(transition: Element) -> int:
    """Where the clips beside a transition meet."""
    begin, end = _number(transition, "start"), _number(transition, "end")
    return {"start-black": begin, "start": begin, "end-black": end, "end": end}.get(
        transition.findtext("alignment") or "", (begin + end) // 2
    )


def _number(parent: Element, name: str) -> int:
    return int(parent.findtext(name) or 0)


def _rate_of(parent: Element) -> Fraction:
    whole = int(parent.findtext("rate/timebase") or 0)
    if whole <= 0:
        raise ValueError("its sequence has no rate")
    slower = (parent.findtext("rate/ntsc") or "").strip().upper() == "TRUE"
    return Fraction(whole * 1000, 1001) if slower else Fraction(whole)
