"""Timelines as other programs read them: how long each says that it is."""

from __future__ import annotations

import re
from fractions import Fraction
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import opentimelineio as otio

_NTSC = {round(whole * 1000 / 1001, 3): Fraction(whole * 1000, 1001) for whole in (24, 30, 60)}
"""Rates that formats write in decimals."""

_DROPPED = {30: 2, 60: 4}


def lasting(content: str, form: str) -> tuple[Fraction, Fraction]:
    """The length of a timeline in seconds, and the frames a second that it counts in."""
    return {"otio": _otio, "edl": _edl, "fcpxml": _fcpxml, "fcp7xml": _fcp7xml}[form](content)


def _rate_of(decimals: float) -> Fraction:
    return _NTSC.get(round(decimals, 3), Fraction(decimals).limit_denominator(1001))


def _otio(content: str) -> tuple[Fraction, Fraction]:
    [track] = otio.adapters.read_from_string(content, "otio_json").video_tracks()
    length = track.duration()
    rate = _rate_of(length.rate)
    return round(length.value) / rate, rate


def _edl(content: str) -> tuple[Fraction, Fraction]:
    """The last event's end; timecode counts frames of a whole rate, less those that drop frame leaves out."""
    rate = _rate_of(float(re.findall(r"^\* RATE: (\S+)", content, re.MULTILINE)[-1]))
    event = re.findall(r"^\d{3,} .*(\d\d):(\d\d):(\d\d)([:;])(\d\d)$", content, re.MULTILINE)[-1]
    hours, minutes, seconds, frames = (int(event[at]) for at in (0, 1, 2, 4))
    minutes += 60 * hours
    whole = round(rate)
    count = (60 * minutes + seconds) * whole + frames
    if event[3] == ";":
        count -= _DROPPED[whole] * (minutes - minutes // 10)
    return count / rate, rate


def _fcpxml(content: str) -> tuple[Fraction, Fraction]:
    root = ElementTree.fromstring(content)
    sequence = root.find("library/event/project/sequence")
    assert sequence is not None
    last = list(sequence.iterfind("spine/*"))[-1]
    length = _time(sequence, "duration")
    assert _time(last, "offset") + _time(last, "duration") == length
    [used] = (one for one in root.iter("format") if one.get("id") == sequence.get("format"))
    return length, 1 / _time(used, "frameDuration")


def _time(element: Element, key: str) -> Fraction:
    return Fraction(element.get(key, "").removesuffix("s"))


def _fcp7xml(content: str) -> tuple[Fraction, Fraction]:
    root = ElementTree.fromstring(content)
    slower = Fraction(1000, 1001) if root.findtext("sequence/rate/ntsc") == "TRUE" else Fraction(1)
    rate = int(root.findtext("sequence/rate/timebase") or "0") * slower
    return int(root.findtext("sequence/duration") or "0") / rate, rate
