"""What a stored file really is, as the manifest writes it beside path and checksum."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import av
from av.container import InputContainer

from rivya_run.json_types import Json
from rivya_run.media.checks import verdicts
from rivya_run.media.facts import (
    INDEXED,
    MP4_FAMILY,
    UNREADABLE,
    MediaFacts,
    Walk,
    doubt_about,
    facts,
    missing_from_mp4,
    pictures_of,
    type_of,
    video_facts,
)
from rivya_run.media.stretches import Stretches, Watch, seen_in


@dataclass(frozen=True, slots=True)
class Look:
    """A file that was looked into. ``doubt`` is why it may not be whole; ``media`` as the manifest writes it."""

    doubt: str | None
    media: dict[str, Json] | None


def look_into(path: Path, params: Mapping[str, Json]) -> Look:
    """Whether a file is whole, what it holds, and what is wrong with it, by one walk over it where that is enough.

    ``params`` are what it was asked for with. It says the same as ``doubt_about`` and ``measured``, at half their
    cost.
    """
    walked = _walked(path)
    if walked is not None:
        return Look(None, _entry(*walked, None, params))
    doubt = doubt_about(path)
    return Look(doubt, measured(path, doubt, params))


def measured(path: Path, doubt: str | None, params: Mapping[str, Json]) -> dict[str, Json] | None:
    """Measured facts of a result, and the verdicts on it; None where nothing can be told and nothing is doubtful.

    ``doubt`` is why the file may not be whole although it came the same way twice.
    """
    found = facts(path)
    if found is None:
        return _entry(None, None, doubt, params) if doubt else None
    return _entry(found, seen_in(path, found.kind, found.duration), doubt, params)


def _entry(
    found: MediaFacts | None, seen: Stretches | None, doubt: str | None, params: Mapping[str, Json]
) -> dict[str, Json]:
    entry: dict[str, Json] = {"doubt": doubt}
    if found is not None:
        entry |= {"width": found.width, "height": found.height, "duration": found.duration}
        entry |= {"frame_rate": found.frame_rate, "codec": found.codec, "audio": found.audio}
    entry = {key: value for key, value in entry.items() if value is not None}
    return entry | {"checks": [one.entry for one in verdicts(entry, params, seen)]}


def _walked(path: Path) -> tuple[MediaFacts, Stretches] | None:
    """A clip that is whole beyond doubt; None for anything that takes a closer look."""
    with suppress(*UNREADABLE):
        media = type_of(path)
        if media is None or media.mime_type not in MP4_FAMILY:
            return None
        with path.open("rb") as file:
            if missing_from_mp4(file) is not None:
                return None
        with av.open(str(path), format="mp4", metadata_errors="replace") as container:
            if pictures_of(container) and INDEXED & set(container.format.name.split(",")):
                return _walk(container, path.stat().st_size)
    return None


def _walk(container: InputContainer, size: int) -> tuple[MediaFacts, Stretches] | None:
    stream = pictures_of(container)[0]
    walk, watch = Walk(stream), Watch(container)
    counts = dict.fromkeys(range(len(container.streams)), 0)
    for packet in container.demux():
        if packet.size:
            counts[packet.stream.index] += 1
            if packet.is_corrupt or (packet.pos is not None and packet.pos + packet.size > size):
                return None
        if packet.stream.index == stream.index:
            walk.take(packet)
        watch.take(packet)
    streams = (*container.streams.video, *container.streams.audio)
    if any(counts[one.index] < one.frames for one in streams):
        return None  # an edit list may hide packets: the closer look knows
    found = video_facts(container, watch.first, walk.span())
    return None if found is None else (found, watch.seen(found.duration or 0.0))
