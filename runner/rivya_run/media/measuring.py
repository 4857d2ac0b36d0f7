"""What a stored file really is, as the manifest writes it beside path and checksum."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import av
from av.container import InputContainer

from rivya_run.json_types import Json
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
from rivya_run.media.frames import Samples, picture_facts, spare
from rivya_run.media.warnings import PictureFacts


@dataclass(frozen=True, slots=True)
class Look:
    """A file that was looked into. ``doubt`` is why it may not be whole; ``media`` as the manifest writes it."""

    doubt: str | None
    media: dict[str, Json] | None


def look_into(path: Path) -> Look:
    """Whether a file is whole and what it holds, by one walk over it where that is enough.

    It says the same as ``doubt_about`` and ``measured``, at half their cost.
    """
    walked = _walked(path)
    if walked is not None:
        return Look(None, _entry(*walked))
    doubt = doubt_about(path)
    return Look(doubt, measured(path, doubt))


def measured(path: Path, doubt: str | None) -> dict[str, Json] | None:
    """Measured facts of a result; None where nothing can be told and nothing is doubtful.

    ``doubt`` is why the file may not be whole although it came the same way twice.
    """
    found = facts(path)
    picture = picture_facts(path) if found is not None and found.kind == "video" else None
    entry = (_entry(found, picture) if found is not None else None) or {}
    return {**({"doubt": doubt} if doubt else {}), **entry} or None


def _entry(found: MediaFacts, picture: PictureFacts | None) -> dict[str, Json] | None:
    entry: dict[str, Json] = {"width": found.width, "height": found.height, "duration": found.duration}
    entry |= {"frame_rate": found.frame_rate, "codec": found.codec, "audio": found.audio}
    if picture is not None:
        entry["picture"] = {"brightest": picture.brightest, "change": picture.change}
    return {key: value for key, value in entry.items() if value is not None} or None


def _walked(path: Path) -> tuple[MediaFacts, PictureFacts | None] | None:
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


def _walk(container: InputContainer, size: int) -> tuple[MediaFacts, PictureFacts | None] | None:
    stream = pictures_of(container)[0]
    spare(stream)
    walk, sampled, first = Walk(stream), Samples(container), None
    counts = dict.fromkeys(range(len(container.streams)), 0)
    for packet in container.demux():
        if packet.size:
            counts[packet.stream.index] += 1
            if packet.is_corrupt or (packet.pos is not None and packet.pos + packet.size > size):
                return None
        if packet.stream.index != stream.index:
            continue
        walk.take(packet)
        for shown in cast("list[av.VideoFrame]", packet.decode()):
            first = shown if first is None else first
            if shown.pts is not None:
                sampled.take(shown)
    streams = (*container.streams.video, *container.streams.audio)
    if any(counts[one.index] < one.frames for one in streams):
        return None  # an edit list may hide packets: the closer look knows
    found = video_facts(container, first, walk.span())
    return None if found is None else (found, sampled.facts())
