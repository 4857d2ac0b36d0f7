"""The cut: chosen takes in storyboard order as one MP4.

Pictures are copied packet by packet where all clips are of one make, and encoded again where they are not
(or where slates, stills or labels come in). Sound is always encoded again: AAC comes in pieces of 1024 samples,
and copying them would shift every following clip a little further from its pictures.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.container import OutputContainer

from rivya_run.durable import replacing
from rivya_run.errors import RivyaError
from rivya_run.film.clips import (
    HOLD,
    Clip,
    Notice,
    Segment,
    commonest,
    frame_edges,
    opened,
    read_clip,
    segments,
)
from rivya_run.film.pictures import Pictures
from rivya_run.media.frames import still
from rivya_run.project.manifest_reader import Entry

_DEFAULT_SIZE = (1280, 720)  # where only slates are shown
_LARGEST = 3840  # pixels of the longer side: 4K, which players still decode


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
    with replacing(to) as part:
        copied = not burn_in and _alike(read)
        if copied:
            try:
                _copy(part, [clip for clip in read if clip is not None])
            except _Unfit:
                copied = False
        if not copied:
            _encode(part, pieces, read, lengths, burn_in=burn_in)
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


RATE = 48_000  # samples a second, as video has it
_LAYOUT = "stereo"
_FORMAT = "fltp"
_PIECE = 1024  # samples of an AAC frame


class Sound:
    """An AAC track of an output; ``add`` appends each clip's sound, ``finish`` writes what is left."""

    def __init__(self, out: OutputContainer) -> None:
        self._out = out
        self._stream = out.add_stream("aac", rate=RATE, layout=_LAYOUT)
        self._waiting = av.AudioFifo()
        self._until = Fraction(0)
        self._written = 0

    def add(self, clip: Clip | None, length: Fraction) -> None:
        """The sound of a clip, cut or filled with silence to ``length`` seconds; silence for None."""
        begin, self._until = round(self._until * RATE), self._until + length
        left = round(self._until * RATE) - begin
        if clip is not None and clip.sound:
            for piece in _samples(clip):
                fitting = piece if piece.samples <= left else _first(piece, left)
                if fitting is None:
                    break
                left -= fitting.samples
                self._put(fitting)
        for piece in _silences(left):
            self._put(piece)

    def finish(self) -> None:
        rest = self._waiting.read(0, partial=True) if self._waiting.samples else None
        if rest is not None:
            self._encode(rest)
        self._out.mux(self._stream.encode(None))

    def _put(self, piece: av.AudioFrame) -> None:
        piece.pts = None
        self._waiting.write(piece)
        size = self._stream.codec_context.frame_size or _PIECE
        while self._waiting.samples >= size:
            full = self._waiting.read(size)
            if full is not None:
                self._encode(full)

    def _encode(self, piece: av.AudioFrame) -> None:
        piece.pts, piece.time_base = self._written, Fraction(1, RATE)
        self._written += piece.samples
        self._out.mux(self._stream.encode(piece))


def _samples(clip: Clip) -> Iterator[av.AudioFrame]:
    """The clip's sound from the time of its first picture on, resampled."""
    resampler = av.AudioResampler(format=_FORMAT, layout=_LAYOUT, rate=RATE)
    begun = False
    with opened(clip.file) as container:
        for decoded in (*container.decode(audio=0), None):
            if decoded is not None and not begun:
                begun = True
                late = Fraction(decoded.time or 0).limit_denominator(RATE) - clip.start
                if late > 0:
                    yield from _silences(round(late * RATE))
            if decoded is not None:
                decoded.pts = None
            for piece in resampler.resample(decoded):
                if piece.samples:
                    yield piece


def _silences(samples: int) -> Iterator[av.AudioFrame]:
    for start in range(0, samples, _PIECE):
        yield _silence(min(_PIECE, samples - start))


def _silence(samples: int) -> av.AudioFrame:
    piece = av.AudioFrame(format=_FORMAT, layout=_LAYOUT, samples=samples)
    piece.sample_rate = RATE
    for plane in piece.planes:
        plane.update(bytes(plane.buffer_size))
    return piece


def _first(piece: av.AudioFrame, samples: int) -> av.AudioFrame | None:
    """The first samples of a longer piece."""
    if samples <= 0:
        return None
    fifo = av.AudioFifo()
    piece.pts = None
    fifo.write(piece)
    return fifo.read(samples)
