"""What an editor really used: shots, takes and seconds read back from an edited timeline."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

import opentimelineio as otio

from rivya_run.errors import UsageError
from rivya_run.export.timeline import NAMESPACE

_FILE = re.compile(r"(?P<shot>.+)_t(?P<take>\d{2,})(?:_[0-9a-f]{8})?(?:_\d+)?")
"""``<shot>_t<take>_<first 8 of the fingerprint>``: the names of outputs; clips are called ``<shot>_t<take>``."""

_RATE = re.compile(r"^\* RATE: (?P<rate>\d{1,3}(?:\.\d+)?)\s*$", re.MULTILINE)
_FRAME = re.compile(r"\d\d:\d\d:\d\d[:;](\d\d)")

_ADAPTERS = {".otio": "otio_json", ".edl": "cmx_3600", ".fcpxml": "fcpx_xml", ".xml": "fcp_xml"}


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
    adapter = _ADAPTERS.get(path.suffix.lower())
    if adapter is None:
        known = ", ".join(_ADAPTERS)
        raise UsageError(f"{path.name} is no timeline that can be read: {known}")
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
        match = _FILE.fullmatch(name)
        if match is not None:
            return match["shot"], int(match["take"])
    return None
