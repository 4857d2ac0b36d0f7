"""The sound of a cut: one AAC track, to the sample as long as the pictures, silence where a clip has none."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import av
from av.container import OutputContainer

from rivya_run.export.clips import Clip, opened

RATE = 48_000
_LAYOUT = "stereo"
_FORMAT = "fltp"
_PIECE = 1024


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
        """Encode the rest and end the track."""
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
