"""FCPXML 1.11, which Final Cut Pro and Resolve read: one storyline of pictures, sounds connected in lanes below it.

Every time is a whole number of frames of the sequence, as Final Cut asks for, written as a fraction of a second.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from rivya_run.film.edit import STANDARD_RATES, Edit
from rivya_run.film.formats.sequence import (
    Seen,
    Timeline,
    TrackPicture,
    TrackSound,
    file_name,
    footage_in,
    metadata_lines,
    one_line,
    relative,
    sequence,
    slate_note,
    xml_timeline,
)
from rivya_run.film.placing import Notice
from rivya_run.film.script import Material

VERSION: Final = "1.11"
_RATES = tuple(rate for rate in STANDARD_RATES if rate != 48)  # Final Cut has no sequences of 48
_ROLES = {"clips": "dialogue.clips", "voice": "dialogue", "effects": "effects", "music": "music"}
_NAMES = {
    (1280, 720): "FFVideoFormat720p",
    (1920, 1080): "FFVideoFormat1080p",
    (3840, 2160): "FFVideoFormat3840x2160p",
}
"""What Final Cut calls sizes, without the rate (24, 2398 ..)."""

_SDR = "1-1-1 (Rec. 709)"


def write(edit: Edit, beside: Path) -> tuple[str, tuple[Notice, ...]]:
    """The timeline, and what a person should know."""
    film = sequence(edit, _RATES)
    root = Element("fcpxml", version=VERSION)
    resources = _Resources(SubElement(root, "resources"), beside)
    event = SubElement(SubElement(root, "library"), "event", name=one_line(edit.title))
    project = SubElement(event, "project", name=one_line(edit.title))
    within = SubElement(
        project,
        "sequence",
        format=resources.format(edit.size, film.rate),
        duration=_time(film.frames, film.rate),
        tcStart="0s",
        tcFormat="NDF",
        audioLayout="stereo",
        audioRate="48k",
    )
    spine = SubElement(within, "spine")
    clips = [_picture(spine, film, one, resources) for one in film.pictures]
    for lane, (_, sounds) in enumerate(film.sounds, start=1):
        for sound in sounds:
            _connected(clips, film, sound, -lane, resources)
    for one, clip in zip(film.pictures, clips, strict=True):
        _described(clip, film, one)
    ElementTree.indent(root, "  ")
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n'
    return head + ElementTree.tostring(root, "unicode"), film.notices


def _time(frames: int, rate: Fraction) -> str:
    return _seconds(frames / rate)


def _seconds(seconds: Fraction) -> str:
    return (
        f"{seconds.numerator}s" if seconds.denominator == 1 else f"{seconds.numerator}/{seconds.denominator}s"
    )


def _picture(spine: Element, film: Timeline, one: TrackPicture, resources: _Resources) -> Element:
    if one.before or one.after:
        SubElement(
            spine,
            "transition",
            name="Cross Dissolve",
            offset=_time(one.begin - one.before, film.rate),
            duration=_time(one.before + one.after, film.rate),
        )
    span = {
        "offset": _time(one.begin, film.rate),
        "duration": _time(one.end - one.begin, film.rate),
        "start": _time(_start(one, film.rate), film.rate),
    }
    if footage_in(one.shot) is None:
        return SubElement(spine, "gap", {"name": one.shot.id, **span})
    known = {"ref": resources.asset(one.shot), "name": file_name(one.shot), **span}
    clip = SubElement(spine, "video" if one.shot.still else "asset-clip", known)
    if not one.shot.still:
        # Its own sound is on a lane, with the level that it has in the film.
        clip.set("srcEnable", "video")
        clip.set("tcFormat", "NDF")
    return clip


def _start(one: TrackPicture, rate: Fraction) -> int:
    return round(one.source * rate)


def _described(clip: Element, film: Timeline, one: TrackPicture) -> None:
    """Fades, a note and a marker with the prompt, in the places that the order of children asks for."""
    known = metadata_lines(one.shot.about)
    prompt = known.get("prompt", "")
    if clip.tag == "gap":
        start, frame = (_time(frames, film.rate) for frames in (_start(one, film.rate), 1))
        SubElement(clip, "marker", start=start, duration=frame, value=slate_note(one.shot))
        return
    if prompt:
        note = Element("note")
        note.text = prompt
        clip.insert(0, note)
    if one.fade_in or one.fade_out:
        blend = Element("adjust-blend")
        _fades(SubElement(blend, "param", name="amount"), one, film.rate)
        clip.insert(1 if prompt else 0, blend)
    if prompt:
        start = _time(_start(one, film.rate), film.rate)
        SubElement(
            clip, "marker", start=start, duration=_time(1, film.rate), value=f"{one.shot.id}: {prompt}"
        )
    if clip.tag == "asset-clip":
        _metadata(clip, known)


def _metadata(parent: Element, known: dict[str, str]) -> None:
    if known:
        entries = SubElement(parent, "metadata")
        for key, value in known.items():
            SubElement(entries, "md", key=f"com.rivya-run.{key}", value=value, type="string")


def _fades(param: Element, one: TrackPicture | TrackSound, rate: Fraction) -> None:
    for name, frames in (("fadeIn", one.fade_in), ("fadeOut", one.fade_out)):
        if frames:
            SubElement(param, name, type="linear", duration=_time(frames, rate))


def _falls(param: Element, one: TrackSound, rate: Fraction) -> None:
    """The level under voices, its times counted as those of the file are."""
    if not one.falls:
        return
    line, start = SubElement(param, "keyframeAnimation"), round(one.source * rate)
    for frame, level in one.falls:
        value = f"{(one.sound.gain or 0) + level:g}"
        SubElement(line, "keyframe", time=_time(start + frame, rate), value=value, curve="linear")


def _connected(
    clips: list[Element], film: Timeline, one: TrackSound, lane: int, resources: _Resources
) -> None:
    """A sound below the picture that is on when it begins; its offset counts in the time of that picture's file."""
    number = next(index for index, shown in enumerate(film.pictures) if one.begin < shown.end)
    shown = film.pictures[number]
    shot = one.sound.shot
    clip = SubElement(
        clips[number],
        "asset-clip",
        ref=resources.asset(shot),
        lane=str(lane),
        offset=_time(_start(shown, film.rate) + one.begin - shown.begin, film.rate),
        name=file_name(shot),
        start=_time(round(one.source * film.rate), film.rate),
        duration=_time(one.end - one.begin, film.rate),
        srcEnable="audio",
        audioRole=_ROLES[one.sound.track],
    )
    # Decibels without their unit, which Resolve doesn't read; Final Cut takes both.
    volume = SubElement(clip, "adjust-volume", amount=f"{one.sound.gain or 0:g}")
    if one.fade_in or one.fade_out or one.falls:
        level = SubElement(volume, "param", name="amount")
        _fades(level, one, film.rate)
        _falls(level, one, film.rate)
    _metadata(clip, metadata_lines(shot.about))


class _Resources:
    """Formats and assets, each once."""

    def __init__(self, parent: Element, beside: Path) -> None:
        self._parent, self._beside = parent, beside
        self._formats: dict[tuple[tuple[int, int], Fraction | None], str] = {}
        self._assets: dict[Path, str] = {}

    def _id(self) -> str:
        return f"r{len(self._formats) + len(self._assets) + 1}"

    def format(self, size: tuple[int, int], rate: Fraction | None) -> str:
        """The id of a format; a still's has no rate."""
        if (size, rate) not in self._formats:
            known = {"id": self._id(), "width": str(size[0]), "height": str(size[1]), "colorSpace": _SDR}
            if rate is None:
                known["name"] = "FFVideoFormatRateUndefined"
            else:
                known["frameDuration"] = _seconds(1 / rate)
                if size in _NAMES and rate in _RATES:
                    known["name"] = (
                        f"{_NAMES[size]}{round(float(rate) * (100 if rate.denominator > 1 else 1))}"
                    )
            self._formats[size, rate] = known["id"]
            SubElement(self._parent, "format", known)
        return self._formats[size, rate]

    def asset(self, shot: Material) -> str:
        """The id of a file."""
        found = footage_in(shot)
        assert found is not None
        footage, path = found
        if path in self._assets:
            return self._assets[path]
        shape = self.format(footage.size, footage.rate) if footage.size is not None else None
        name = self._assets[path] = self._id()
        asset = SubElement(self._parent, "asset", id=name, name=path.name, start="0s")
        asset.set("duration", _seconds(footage.seconds or Fraction(0)))
        if shape is not None:
            asset.set("hasVideo", "1")
            asset.set("format", shape)
            asset.set("videoSources", "1")
        if footage.audio:
            for key, value in (("hasAudio", "1"), ("audioSources", "1"), ("audioChannels", "2")):
                asset.set(key, value)
            asset.set("audioRate", "48000")
        SubElement(asset, "media-rep", kind="original-media", src=relative(path, self._beside))
        return name


def read(content: str) -> list[Seen]:
    """The pictures of the sequences, by version 1.0 or later. Raises ValueError when it is no such timeline."""
    root, sequences = xml_timeline(content, "fcpxml")
    assets = {asset.get("id", ""): asset for asset in root.iter("asset")}
    return [seen for one in sequences for spine in one.findall("spine") for seen in _spine(spine, assets)]


def _spine(spine: Element, assets: dict[str, Element]) -> Iterator[Seen]:
    """The clips of a storyline, those stacked on it too, one after another as they are written."""
    for item in spine:
        begin = _read_time(item.get("offset"))
        for clip, at in [(item, begin), *((one, begin) for one in item if int(one.get("lane") or 0) > 0)]:
            if clip.tag not in ("asset-clip", "clip", "video", "ref-clip", "sync-clip"):
                continue
            used = next((assets[one.get("ref", "")] for one in clip.iter() if one.get("ref") in assets), None)
            if used is not None and used.get("hasVideo", "1") == "0":
                continue
            names = [clip.get("name") or ""]
            if used is not None:
                rep = used.find("media-rep")
                path = (
                    used.get("src") or (rep.get("src") if rep is not None else None) or used.get("name") or ""
                )
                names.insert(0, PurePosixPath(unquote(urlsplit(path).path).replace("\\", "/")).stem)
            length = clip.get("duration") or (used.get("duration") if used is not None else None)
            if _read_time(length) > 0:
                yield Seen(tuple(names), at, _read_time(length))


def _read_time(text: str | None) -> Fraction:
    try:
        return Fraction((text or "0s").removesuffix("s"))
    except (ValueError, ZeroDivisionError) as problem:
        raise ValueError(f"{text!r} is no time") from problem
