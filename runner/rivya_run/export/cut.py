"""The cut: chosen takes in storyboard order as one MP4.

Pictures are copied packet by packet where all clips are of one make, and encoded afresh where they are not
(or where slates, stills or labels come in). Sound is always encoded anew: AAC comes in pieces of 1024 samples,
and copying them would shift every following clip a little further from its pictures.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av

from rivya_run.errors import OutputFolderError, RivyaError
from rivya_run.export.clips import Clip, opened, read_clip
from rivya_run.export.pictures import Pictures
from rivya_run.export.segments import HOLD, Notice, Segment, commonest, frame_edges, segments
from rivya_run.export.sound import Sound
from rivya_run.history.chosen import Entry
from rivya_run.media.frames import still

_DEFAULT_SIZE = (1280, 720)
_LARGEST = 3840


@dataclass(frozen=True, slots=True)
class Cut:
    """``seconds`` is its length; ``copied`` tells whether the pictures are the clips' own packets."""

    path: Path
    seconds: float
    copied: bool
    notices: tuple[Notice, ...]


class _Unfit(Exception):
    """The packets don't follow each other in one stream after all."""


def write_cut(manifest: Entry, folder: Path, to: Path, *, slates: bool = False, burn_in: bool = False) -> Cut:
    """Write the cut of an output folder to ``to``. Raises RivyaError when there is nothing to cut or to write."""
    pieces, notices = segments(manifest, folder, slates=slates)
    read = [_read(piece) for piece in pieces]
    lengths = [clip.length if clip is not None else HOLD for clip in read]
    part = to.with_name(to.name + ".part")
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        copied = not burn_in and _alike(read)
        if copied:
            try:
                _copy(part, [clip for clip in read if clip is not None])
            except _Unfit:
                copied = False
        if not copied:
            _encode(part, pieces, read, lengths, burn_in=burn_in)
        part.replace(to)
    except OSError as problem:
        raise OutputFolderError(f"{to} can't be written: {problem.strerror or problem}") from problem
    finally:
        part.unlink(missing_ok=True)
    return Cut(to, float(sum(lengths)), copied, tuple(notices))


def _read(piece: Segment) -> Clip | None:
    return read_clip(piece.file) if piece.kind == "clip" and piece.file is not None else None


def _alike(read: list[Clip | None]) -> bool:
    """Whether every piece is a clip and their packets can share a stream."""
    streams = {clip.stream if clip is not None else None for clip in read}
    return len(streams) == 1 and None not in streams


def _copy(part: Path, clips: list[Clip]) -> None:
    """Copy the packets, each clip moved to the end of the one before."""
    with opened(clips[0].file) as first, av.open(str(part), "w", format="mp4", options=_FAST) as out:
        pictures = out.add_stream_from_template(first.streams.video[0])
        pictures.time_base = first.streams.video[0].time_base or Fraction(1, 1)
        sound = Sound(out) if any(clip.sound for clip in clips) else None
        at, before = Fraction(0), None
        for clip in clips:
            with opened(clip.file) as source:
                base = source.streams.video[0].time_base or Fraction(1, 1)
                shift = round((at - clip.start) / base)
                for packet in source.demux(source.streams.video[0]):
                    if not packet.size or packet.pts is None or packet.dts is None:
                        continue
                    packet.pts += shift
                    packet.dts += shift
                    if before is not None and packet.dts <= before:
                        raise _Unfit
                    before = packet.dts
                    packet.stream = pictures
                    out.mux(packet)
            at += clip.length
            if sound is not None:
                sound.add(clip, clip.length)
        if sound is not None:
            sound.finish()


def _encode(
    part: Path, pieces: list[Segment], read: list[Clip | None], lengths: list[Fraction], *, burn_in: bool
) -> None:
    clips = [clip for clip in read if clip is not None]
    rate = commonest(clip.rate for clip in clips)
    with av.open(str(part), "w", format="mp4", options=_FAST) as out:
        pictures = Pictures(out, _size(pieces, clips), rate, burn_in=burn_in)
        sound = Sound(out) if any(clip.sound for clip in clips) else None
        edges = frame_edges(lengths, rate)
        for piece, clip, length, (begin, end) in zip(pieces, read, lengths, edges, strict=True):
            pictures.add(piece, clip, begin, end)
            if sound is not None:
                sound.add(clip, length)
        pictures.finish()
        if sound is not None:
            sound.finish()


_FAST = {"movflags": "faststart"}


def _size(pieces: list[Segment], clips: list[Clip]) -> tuple[int, int]:
    """The commonest size of the clips, else of the first still, in even figures as encoders want them."""
    sizes = Counter((clip.width, clip.height) for clip in clips)
    if sizes:
        width, height = max(sizes, key=lambda size: sizes[size])
    else:
        file = next((piece.file for piece in pieces if piece.file is not None), None)
        width, height = still(file).size if file is not None else _DEFAULT_SIZE
    scale = min(1.0, _LARGEST / max(width, height))
    if width < 2 or height < 2:
        raise RivyaError(f"a cut of {width}x{height} pixels can't be made")
    return round(width * scale) // 2 * 2, round(height * scale) // 2 * 2
