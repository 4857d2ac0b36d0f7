"""The finished sound of a film: mixed, brought to its loudness, encoded, and measured as a listener hears it.

First the mix is measured (EBU R 128), then raised or lowered by one gain; where its peaks don't allow that, a
limiter that looks ahead holds them down. AAC moves peaks a little, so what was encoded is decoded and measured
again, and done once more where it misses. FFmpeg's own loudnorm isn't used: it changes to a dynamic mode, and with it
the balance of music and voice, just where peaks stand in the way.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final, TypeAlias

import av

from rivya_run.film.clips import opened
from rivya_run.film.edit import Edit
from rivya_run.film.filters import Step, filtered
from rivya_run.film.sound import FORMAT, RATE, mixed

Passed: TypeAlias = Callable[[Fraction], None]
"""Told how many seconds of the film a pass has done."""

QUIET: Final = -60.0
"""LUFS: what is quieter is meant to be silence, and stays as it is."""

_BIT_RATE, _SMALL_BIT_RATE = 256_000, 64_000
_ROUNDS = 5  # encodings at most: each comes nearer, and two are nearly always enough
_NEAR = 0.2  # LU, well inside of half a unit
_MARGIN = 0.1  # dB that encoding may add to a peak
_OVERSAMPLED = 4 * RATE  # peaks between samples are seen at four times the rate (ITU-R BS.1770)


@dataclass(frozen=True, slots=True)
class Loudness:
    """``integrated`` in LUFS; ``peak`` in dB, a true peak."""

    integrated: float
    peak: float


@dataclass(frozen=True, slots=True)
class _Setting:
    """Gain in dB and, where a limiter is needed, the peak in dB that it holds."""

    gain: float
    limit: float | None

    def steps(self) -> list[Step]:
        steps: list[Step] = [("volume", f"volume={self.gain:.4f}dB:precision=float")]
        if self.limit is not None:
            limit = 10 ** (self.limit / 20)
            steps += [
                ("aresample", f"{_OVERSAMPLED}"),
                ("alimiter", f"limit={limit:.6f}:attack=5:release=50:level=0:latency=1"),
                ("aresample", f"{RATE}"),
            ]
        return steps


def write_sound(edit: Edit, to: Path, passed: Passed, *, small: bool = False) -> None:
    """Write the sound of a film as AAC in an MP4 of its own. The edit must have a sound."""
    mix, bit_rate = edit.mix, _SMALL_BIT_RATE if small else _BIT_RATE
    if mix.loudness is None:
        _encode(edit, to, None, passed, bit_rate)
        return
    before = measured(_watched(mixed(edit), passed))
    if before.integrated < QUIET:
        _encode(edit, to, None, passed, bit_rate)
        return
    setting = _first(before, mix.loudness, mix.peak)
    for _ in range(_ROUNDS):
        _encode(edit, to, setting, passed, bit_rate)
        heard = measured(_decoded(to))
        after = _next(setting, heard, mix.loudness, mix.peak)
        if after == setting:
            break
        setting = after


def _first(heard: Loudness, loudness: float, peak: float) -> _Setting:
    gain = loudness - heard.integrated
    fits = heard.peak + gain <= peak - _MARGIN
    return _Setting(gain, None if fits else peak - _MARGIN)


def _next(setting: _Setting, heard: Loudness, loudness: float, peak: float) -> _Setting:
    """A setting that comes nearer; the same one when this is near enough, or nothing nearer is to be had."""
    over = heard.peak - peak
    limit = setting.limit
    if over > 0:
        limit = (peak if limit is None else limit) - over - _MARGIN / 2
    missing = loudness - heard.integrated
    # A limiter swallows a part of each further dB: more than this would only be noise.
    gain = setting.gain + missing if abs(missing) > _NEAR else setting.gain
    return _Setting(gain, limit)


def measured(frames: Iterable[av.AudioFrame]) -> Loudness:
    """Integrated loudness and true peak of a sound."""
    integrated, peak = -math.inf, 0.0
    for frame in filtered(frames, [("ebur128", "metadata=1:peak=true")]):
        known = frame.metadata  # sums so far; a last piece shorter than a block has none
        integrated = float(known.get("lavfi.r128.I", integrated))
        peak = float(known.get("lavfi.r128.true_peak", peak))
    return Loudness(integrated, 20 * math.log10(peak) if peak > 0 else -math.inf)


def _encode(edit: Edit, to: Path, setting: _Setting | None, passed: Passed, bit_rate: int) -> None:
    total, at = round(edit.seconds * RATE), 0
    steps: list[Step] = setting.steps() if setting is not None else []
    steps += [FORMAT, ("atrim", f"end_sample={total}"), ("asetnsamples", "n=1024:p=0")]
    with av.open(str(to), "w", format="mp4") as out:
        stream = out.add_stream("aac", rate=RATE, layout="stereo", bit_rate=bit_rate)
        for frame in filtered(_watched(mixed(edit), passed), steps):
            frame.pts, frame.time_base = at, Fraction(1, RATE)
            at += frame.samples
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def _decoded(file: Path) -> Iterator[av.AudioFrame]:
    with opened(file) as container:
        yield from container.decode(audio=0)


def _watched(frames: Iterable[av.AudioFrame], passed: Passed) -> Iterator[av.AudioFrame]:
    at = 0
    for frame in frames:
        yield frame
        at += frame.samples
        passed(Fraction(at, RATE))
