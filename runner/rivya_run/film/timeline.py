"""Timelines for editors: chosen takes in storyboard order as OTIO, EDL, FCPXML or FCP 7 XML.

Media paths are relative to the timeline file, so that the folder can be handed over as it is. Stills are held,
sounds are left out. Each format gets shot, scene, prompt, task, model and credits where it keeps such things.
What an editor really used is read back from an edited timeline.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import Any, Final
from urllib.parse import quote, unquote, urlsplit

import opentimelineio as otio

from rivya_run.durable import write_atomically
from rivya_run.errors import RivyaError, UsageError
from rivya_run.film.cut import nothing_to_export
from rivya_run.film.edit import Edit
from rivya_run.film.placing import Notice
from rivya_run.project.names import clip_name, take_of
from rivya_run.text import visible

NAMESPACE: Final = "rivya"
"""Where a clip's metadata are, in the formats that keep any."""

_ADAPTERS = {"otio": "otio_json", "edl": "cmx_3600", "fcpxml": "fcpx_xml", "fcp7xml": "fcp_xml"}
SUFFIXES: Final = {"otio": ".otio", "edl": ".edl", "fcpxml": ".fcpxml", "fcp7xml": ".xml"}
_MOST_COMMENT = 200  # characters, so that a line of an EDL can be read


@dataclass(frozen=True, slots=True)
class Handover:
    """The timeline that was written: how many clips, how long, what a person should be told."""

    path: Path
    clips: int
    seconds: float
    notices: tuple[Notice, ...]


def write_timeline(edit: Edit, to: Path, form: str) -> Handover:
    """Write a film as a timeline. Raises RivyaError when there is nothing to hand over.

    ``form`` is one of otio, edl, fcpxml, fcp7xml.
    """
    if not edit.pieces:
        raise nothing_to_export()
    timeline = _timeline(edit, form, to.parent)
    try:
        content = otio.adapters.write_to_string(timeline, _ADAPTERS[form], **_options(form, edit.rate))
    except (otio.exceptions.OTIOError, ValueError) as problem:
        raise RivyaError(f"the {form} timeline can't be made: {problem}") from problem
    write_atomically(to, (content.rstrip("\n") + "\n").encode("utf-8", "replace"))
    return Handover(to, len(edit.pieces), float(edit.seconds), edit.notices)


def _options(form: str, rate: Fraction) -> dict[str, Any]:
    return {"rate": float(rate), "reelname_len": 32} if form == "edl" else {}


def _timeline(edit: Edit, form: str, beside: Path) -> otio.schema.Timeline:
    timeline = otio.schema.Timeline(_line(edit.title))
    timeline.global_start_time = None
    track = otio.schema.Track("V1", kind=otio.schema.TrackKind.Video)
    timeline.tracks.append(track)
    for piece in edit.pieces:
        shot = piece.shot
        if shot.footage is None or shot.footage.file is None:
            continue
        # An EDL has one rate for everything; the others keep each clip's own.
        own = edit.rate if form == "edl" else shot.footage.rate or edit.rate
        start, frames = round(piece.source * own), round(piece.frames / edit.rate * own)
        span = otio.opentime.TimeRange(
            otio.opentime.RationalTime(start, float(own)), otio.opentime.RationalTime(frames, float(own))
        )
        media = otio.schema.ExternalReference(
            target_url=_relative(shot.footage.file, beside), available_range=span
        )
        media.name = shot.footage.file.name
        name = clip_name(shot.id, shot.take) if shot.take is not None else shot.id
        clip = otio.schema.Clip(name, media_reference=media, source_range=span)
        known = shot.about
        clip.metadata[NAMESPACE] = dict(known)
        _for_format(form, clip, media, known if form != "edl" else {**known, "rate": f"{float(own):g}"})
        track.append(clip)
    return timeline


def _for_format(
    form: str, clip: otio.schema.Clip, media: otio.schema.ExternalReference, known: Mapping[str, Any]
) -> None:
    """The same metadata where each adapter looks for them."""
    words = {key: _line(value) for key, value in known.items() if value not in (None, "")}
    if form == "edl":
        reel = "".join(sign if sign.isalnum() else "_" for sign in clip.name)
        comments = [f"{key.upper().replace('_', ' ')}: {value}" for key, value in words.items()]
        clip.metadata["cmx_3600"] = {"reel": reel[:32], "comments": comments}
    elif form == "fcpxml":
        entries = [{f"com.rivya-run.{key}": value} for key, value in words.items()]
        media.metadata["fcpx"] = {"note": words.get("prompt", ""), "metadata": entries}
    elif form == "fcp7xml":
        clip.metadata["fcp_xml"] = {
            "logginginfo": {
                "description": words.get("prompt", ""),
                "scene": words.get("scene", ""),
                "shottake": f"{words.get('shot', '')} take {words.get('take', '')}",
            },
            "comments": {
                "mastercomment1": f"task {words.get('task_id', '')}",
                "mastercomment2": f"model {words.get('model', '')}",
                "mastercomment3": f"credits {words.get('credits', '')}",
            },
        }


def _line(value: object) -> str:
    """One line, not too long: an EDL's comments are lines."""
    words = visible(" ".join(str(value).split()))
    return words if len(words) <= _MOST_COMMENT else words[: _MOST_COMMENT - 1] + "…"


def _relative(file: Path, beside: Path) -> str:
    """The way from the timeline's folder to a file, as a URL path; another drive's file by its full path."""
    try:
        return quote(Path(os.path.relpath(file, beside)).as_posix(), safe="/")
    except ValueError:
        return file.resolve().as_uri()


_RATE = re.compile(r"^\* RATE: (?P<rate>\d{1,3}(?:\.\d+)?)\s*$", re.MULTILINE)
_FRAME = re.compile(r"\d\d:\d\d:\d\d[:;](\d\d)")


@dataclass(frozen=True, slots=True)
class UsedShot:
    """A take that is in the edit, for how many seconds in all."""

    shot: str
    take: int
    seconds: float


def used_shots(timeline_path: Path) -> list[UsedShot]:
    """The takes of an edited timeline in order of first use; what is none of ours is left out.

    Takes OTIO, EDL, FCPXML and FCP 7 XML, by the file's extension. Raises UsageError for anything else.
    """
    seconds: dict[tuple[str, int], float] = {}
    for clip in _clips(timeline_path):
        found = _identity(clip)
        if found is not None:
            seconds[found] = seconds.get(found, 0.0) + clip.duration().to_seconds()
    return [UsedShot(shot, take, round(length, 6)) for (shot, take), length in seconds.items()]


def _clips(path: Path) -> Iterator[otio.schema.Clip]:
    form = next((form for form, suffix in SUFFIXES.items() if suffix == path.suffix.lower()), None)
    if form is None:
        known = ", ".join(SUFFIXES.values())
        raise UsageError(f"{path.name} is not a timeline that can be read ({known})")
    adapter = _ADAPTERS[form]
    try:
        options = {"rate": _edl_rate(path)} if adapter == "cmx_3600" else {}
        found = otio.adapters.read_from_file(str(path), adapter, **options)
    except OSError as problem:
        raise UsageError(f"{path} can't be read: {problem.strerror or problem}") from problem
    except Exception as problem:  # adapters raise whatever their parsers do
        raise UsageError(f"{path.name} can't be read as a timeline: {problem}") from problem
    timelines = [found] if isinstance(found, otio.schema.Timeline) else _timelines(found)
    for timeline in timelines:
        for track in timeline.video_tracks():
            yield from track.find_clips()


def _edl_rate(path: Path) -> float:
    """An EDL doesn't say its rate: taken from our own comment, else the least that its frame numbers allow."""
    content = path.read_text("utf-8", "replace")
    written = _RATE.search(content)
    if written is not None:
        return float(written["rate"])
    most = max((int(frame) for frame in _FRAME.findall(content)), default=0)
    return next((rate for rate in (24.0, 25.0, 30.0, 50.0) if most < rate), 60.0)


def _timelines(found: object) -> list[otio.schema.Timeline]:
    if isinstance(found, otio.schema.SerializableCollection):
        return list(found.find_children(descended_from_type=otio.schema.Timeline))
    return []


def _identity(clip: otio.schema.Clip) -> tuple[str, int] | None:
    """Shot and take: our own metadata, else the name of the media file, else that of the clip."""
    known = clip.metadata.get(NAMESPACE)
    if isinstance(known, Mapping) or hasattr(known, "get"):
        shot, take = known.get("shot"), known.get("take")
        if isinstance(shot, str) and isinstance(take, int):
            return shot, take
    names = [clip.name]
    reference = clip.media_reference
    if isinstance(reference, otio.schema.ExternalReference) and reference.target_url:
        path = unquote(urlsplit(reference.target_url).path).replace("\\", "/")
        names.insert(0, PurePosixPath(path).stem)
    for name in names:
        found = take_of(name)
        if found is not None:
            return found
    return None
