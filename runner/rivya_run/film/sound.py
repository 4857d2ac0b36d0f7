"""The sound of a film before its loudness is set: every sound in its place, mixed by FFmpeg's filters.

Sounds that don't overlap share a lane, so that a film of hundreds of clips is a mix of a few inputs; only what is
heard at a time is open.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Final

import av

from rivya_run.film.clips import opened
from rivya_run.film.edit import Edit
from rivya_run.film.filters import Step, filtered, joined
from rivya_run.film.placing import Placed
from rivya_run.film.script import SoundShot
from rivya_run.media.facts import pictures_of, sounds_of

RATE: Final = 48_000
"""Samples a second, as video has it."""

FORMAT: Final[Step] = ("aformat", f"sample_fmts=fltp:channel_layouts=stereo:sample_rates={RATE}")
_PIECE = 1024  # samples of an AAC frame
_STEP = 128  # samples between two levels of a ramp: 2.7 ms, too short to be heard as a step
_DOWN, _UP = Fraction(1, 10), Fraction(2, 5)  # seconds that music takes to fall and to come back
_EARLY = Fraction(1, 2)  # seconds read before a sound begins: decoders need some to get going


def mixed(edit: Edit) -> Iterator[av.AudioFrame]:
    """All that is heard, from the first to the last sample of the film. The edit must have a sound."""
    total = round(edit.seconds * RATE)
    ducks = spoken(edit) if edit.mix.duck else []
    lanes = [_lane(edit, lane, ducks, total) for lane in in_lanes(edit.heard)]
    after = [FORMAT, ("asetnsamples", f"n={_PIECE}:p=0")]
    return joined(lanes, ("amix", f"inputs={len(lanes)}:normalize=0:duration=longest"), after)


def in_lanes(sounds: Sequence[Placed]) -> list[list[Placed]]:
    """Sounds by lanes in which none overlaps another."""
    lanes: list[list[Placed]] = []
    for one in sorted(sounds, key=lambda sound: sound.begin):
        lane = next((lane for lane in lanes if lane[-1].end <= one.begin), None)
        if lane is None:
            lanes.append([one])
        else:
            lane.append(one)
    return lanes


def _lane(
    edit: Edit, sounds: Sequence[Placed], ducks: Sequence[tuple[Fraction, Fraction]], total: int
) -> Iterator[av.AudioFrame]:
    """The sounds of a lane with silence between them, each exactly as long as its place."""
    at = 0
    for one in sounds:
        begin, end = round(one.begin * RATE), round(one.end * RATE)
        yield from _timed(_silence(begin - at), at)
        if end > begin:
            yield from _timed(_shaped(one, end - begin, edit.mix.duck, ducks), begin)
        at = end
    yield from _timed(_silence(total - at), at)


def _timed(frames: Iterator[av.AudioFrame], at: int) -> Iterator[av.AudioFrame]:
    for frame in frames:
        frame.pts, frame.time_base = at, Fraction(1, RATE)
        at += frame.samples
        yield frame


def _shaped(
    one: Placed, samples: int, duck: float, ducks: Sequence[tuple[Fraction, Fraction]]
) -> Iterator[av.AudioFrame]:
    """A sound at its level and with its fades, lower while others speak."""
    # Where clips dissolve their sounds are as loud together as each alone; a written fade is straight.
    curve = "qsin" if one.track == "clips" else "tri"
    steps: list[Step] = [("apad", f"whole_len={samples}"), ("atrim", f"end_sample={samples}")]
    if one.gain:
        steps.append(("volume", f"volume={one.gain}dB:precision=float"))
    if one.fade_in:
        steps.append(("afade", f"type=in:duration={float(one.fade_in)}:curve={curve}"))
    if one.fade_out:
        start = float(one.seconds - one.fade_out)
        steps.append(("afade", f"type=out:start_time={start}:duration={float(one.fade_out)}:curve={curve}"))
    over = [
        (begin - one.begin, end - one.begin)
        for begin, end in ducks
        if begin - _DOWN < one.end and end + _UP > one.begin
    ]
    if one.track == "music" and over:
        steps += [("asetnsamples", f"n={_STEP}:p=0"), _ducking(over, duck)]
        steps.append(("asetnsamples", f"n={_PIECE}:p=0"))
    return filtered(_timed(_repeated(one, samples), 0), steps)


def spoken(edit: Edit) -> list[tuple[Fraction, Fraction]]:
    """When somebody speaks; pauses too short for the music to come back and fall again are spoken through."""
    voices = sorted((one.begin, one.end) for one in edit.heard if one.track == "voice")
    found: list[tuple[Fraction, Fraction]] = []
    for begin, end in voices:
        if found and begin - found[-1][1] < _DOWN + _UP:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((begin, end))
    return found


def ducked(edit: Edit, begin: Fraction, end: Fraction) -> list[tuple[Fraction, float]]:
    """How far music falls between two times of a film: (time, dB) where the line bends; nothing where it is flat."""
    ramps = [
        (ahead, start, stop, back)
        for start, stop in (spoken(edit) if edit.mix.duck else [])
        if (ahead := start - _DOWN) < end and (back := stop + _UP) > begin
    ]
    if not ramps:
        return []
    inside = {at for ramp in ramps for at in ramp if begin < at < end}
    return [(at, -edit.mix.duck * float(_depth(ramps, at))) for at in sorted({begin, end} | inside)]


def _depth(ramps: Sequence[tuple[Fraction, Fraction, Fraction, Fraction]], at: Fraction) -> Fraction:
    deep = (min((at - ahead) / _DOWN, (back - at) / _UP) for ahead, _, _, back in ramps)
    return min(Fraction(1), max(Fraction(0), *deep))


def _ducking(over: Sequence[tuple[Fraction, Fraction]], duck: float) -> Step:
    """A level by time: all of ``duck`` while somebody speaks, ramps before and after."""
    depth = "+".join(
        f"clip(min((t-{float(begin - _DOWN)})/{float(_DOWN)},({float(end + _UP)}-t)/{float(_UP)}),0,1)"
        for begin, end in over
    )
    return "volume", f"volume='pow(10,-{duck}/20*({depth}))':eval=frame:precision=float"


_KEPT: Final = 10 * RATE
"""Samples of a loop that are kept in memory, some 4 MB."""


def _repeated(one: Placed, samples: int) -> Iterator[av.AudioFrame]:
    """At most so many samples: the trimmed sound, again and again where it is a loop."""
    again = isinstance(one.shot, SoundShot) and one.shot.loop
    section = min(samples, round(one.length * RATE)) if again or isinstance(one.shot, SoundShot) else samples
    left = samples
    # A short one is kept: to open its file for every turn would take longer than the film lasts.
    kept = list(_section(one, section)) if again and section <= _KEPT else None
    while left > 0:
        got = 0
        for frame in _section(one, section) if kept is None else kept:
            got += frame.samples
            yield frame
        left -= got
        if not again or not got:
            break
    if left == samples:
        yield from _silence(samples)  # a filter must have something to begin with


def _section(one: Placed, samples: int) -> Iterator[av.AudioFrame]:
    """Up to so many samples of a file from where the sound begins, resampled."""
    assert one.shot.footage is not None and one.shot.footage.file is not None
    with opened(one.shot.footage.file) as container:
        if not sounds_of(container):
            return
        alike = _alike(_decoded(container, one.source))
        first = next(alike, None)
        if first is None:
            return
        steps: list[Step] = [
            # Fills what is missing before the first sample, drops what is too early.
            ("aresample", f"{RATE}:async=1:first_pts=0"),
            ("atrim", f"end_sample={samples}"),
        ]
        yield from filtered(itertools.chain([first], alike), steps)


def _alike(decoded: Iterator[av.AudioFrame]) -> Iterator[av.AudioFrame]:
    """Frames as the mix wants them. Their make may change in the middle of a file, which no filter takes."""
    for (*_, channels), frames in itertools.groupby(decoded, _make):
        # FFmpeg's own way from one channel to two takes 3 dB away.
        wide: list[Step] = [("pan", "stereo|c0=c0|c1=c0")] if channels == 1 else []
        yield from filtered(frames, [*wide, ("aresample", f"{RATE}"), FORMAT])


def _make(frame: av.AudioFrame) -> tuple[str, int, str, int]:
    return frame.format.name, frame.sample_rate, frame.layout.name, frame.layout.nb_channels


def _decoded(container: av.container.InputContainer, source: Fraction) -> Iterator[av.AudioFrame]:
    """The frames from ``source`` seconds on, their times counted from there.

    Times of a clip count from its first picture, those of a sound from its first sample.
    """
    stream = sounds_of(container)[0]
    lead = next(iter(pictures_of(container)), stream)
    base = stream.time_base or Fraction(1, RATE)
    start = (lead.start_time or 0) * (lead.time_base or base) + source
    if source > _EARLY:
        container.seek(int((start - _EARLY) * av.time_base))
    for frame in container.decode(stream):
        if frame.pts is None:
            continue
        frame.pts -= round(start / base)
        if frame.pts * base + Fraction(frame.samples, frame.sample_rate) > 0:
            yield frame


def _silence(samples: int) -> Iterator[av.AudioFrame]:
    left = samples
    while left > 0:
        frame = av.AudioFrame(format="fltp", layout="stereo", samples=min(_PIECE, left))
        frame.sample_rate, frame.time_base = RATE, Fraction(1, RATE)
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        left -= frame.samples
        yield frame
