"""Timelines for editors: chosen takes in storyboard order as OTIO, EDL, FCPXML or FCP 7 XML.

Media paths are relative to the timeline file, so that the folder can be handed over as it is. Stills are held,
sounds are left out. Each format gets shot, scene, prompt, task, model and credits where it keeps such things.
What an editor really used is read back from an edited timeline.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import Any, Final
from urllib.parse import quote, unquote, urlsplit

import opentimelineio as otio

from rivya_run.durable import write_atomically
from rivya_run.errors import RivyaError, UsageError
from rivya_run.film.clips import HOLD, Notice, Segment, commonest, frame_edges, read_clip, segments
from rivya_run.project.manifest_reader import Chosen, Entry, text
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


@dataclass(frozen=True, slots=True)
class _Piece:
    """``frames`` at the clip's own ``rate``; ``begin`` and ``end`` count frames of the timeline."""

    segment: Segment
    chosen: Chosen
    rate: Fraction
    frames: int
    begin: int
    end: int


def write_timeline(manifest: Entry, folder: Path, to: Path, form: str) -> Handover:
    """Write a timeline of an output folder. Raises RivyaError when there is nothing to hand over.

    ``form`` is one of otio, edl, fcpxml, fcp7xml.
    """
    found, notices = segments(manifest, folder, slates=False)
    pieces, rate = _measured(found)
    timeline = _timeline(_title(manifest), pieces, rate, form, folder, to.parent)
    try:
        content = otio.adapters.write_to_string(timeline, _ADAPTERS[form], **_options(form, rate))
    except (otio.exceptions.OTIOError, ValueError) as problem:
        raise RivyaError(f"the {form} timeline can't be made: {problem}") from problem
    write_atomically(to, (content.rstrip("\n") + "\n").encode("utf-8", "replace"))
    seconds = float(sum(Fraction(piece.frames) / piece.rate for piece in pieces))
    return Handover(to, len(pieces), seconds, tuple(notices))


def _options(form: str, rate: Fraction) -> dict[str, Any]:
    return {"rate": float(rate), "reelname_len": 32} if form == "edl" else {}


def _measured(found: Sequence[Segment]) -> tuple[list[_Piece], Fraction]:
    """Each piece with its own rate and length; a still has the rate that most clips have."""
    lengths: list[Fraction] = []
    rates: list[Fraction | None] = []
    for segment in found:
        clip = read_clip(segment.file) if segment.kind == "clip" and segment.file is not None else None
        lengths.append(clip.length if clip is not None else HOLD)
        rates.append(clip.rate if clip is not None else None)
    usual = commonest(rate for rate in rates if rate is not None)
    pieces = []
    edges = frame_edges(lengths, usual)
    for segment, length, own, (begin, end) in zip(found, lengths, rates, edges, strict=True):
        rate = own or usual
        if segment.chosen is not None:
            frames = max(1, round(length * rate))
            pieces.append(_Piece(segment, segment.chosen, rate, frames, begin, max(end, begin + 1)))
    return pieces, usual


def _timeline(
    title: str, pieces: Sequence[_Piece], rate: Fraction, form: str, folder: Path, beside: Path
) -> otio.schema.Timeline:
    timeline = otio.schema.Timeline(title)
    timeline.global_start_time = None
    track = otio.schema.Track("V1", kind=otio.schema.TrackKind.Video)
    timeline.tracks.append(track)
    for piece in pieces:
        # An EDL has one rate for everything; the others keep each clip's own.
        own, frames = (rate, piece.end - piece.begin) if form == "edl" else (piece.rate, piece.frames)
        span = otio.opentime.TimeRange(
            otio.opentime.RationalTime(0, float(own)), otio.opentime.RationalTime(frames, float(own))
        )
        known = _metadata(piece.chosen)
        media = otio.schema.ExternalReference(
            target_url=_relative(folder / piece.chosen.path, beside), available_range=span
        )
        media.name = Path(piece.chosen.path).name
        clip = otio.schema.Clip(
            clip_name(visible(piece.segment.shot), piece.chosen.take),
            media_reference=media,
            source_range=span,
        )
        clip.metadata[NAMESPACE] = known
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


def _metadata(chosen: Chosen) -> dict[str, Any]:
    take, request = chosen.entry, chosen.entry.get("request")
    sent: Mapping[str, Any] = request if isinstance(request, Mapping) else {}
    credits = take.get("final_credits")
    return {
        "shot": visible(chosen.shot),
        "take": chosen.take,
        "scene": visible(chosen.scene) if chosen.scene else None,
        "prompt": visible(text(sent.get("prompt")) or "", keep="\n\t"),
        "model": visible(text(take.get("model")) or ""),
        "task_id": visible(text(take.get("task_id")) or ""),
        "credits": credits if isinstance(credits, int | float) else None,
        "client_request_id": visible(text(take.get("client_request_id")) or ""),
        "fingerprint": visible(text(take.get("fingerprint")) or ""),
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


def _title(manifest: Entry) -> str:
    board = manifest.get("storyboard")
    about: Mapping[str, Any] = board if isinstance(board, Mapping) else {}
    return _line(about.get("title") or about.get("id") or "storyboard")


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
