"""Timelines as other programs read them: how long each says that it is."""

from __future__ import annotations

import re
from fractions import Fraction
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import opentimelineio as otio

NTSC = {round(whole * 1000 / 1001, 3): Fraction(whole * 1000, 1001) for whole in (24, 30, 60)}
"""Rates that formats write in decimals."""

_DROPPED = {30: 2, 60: 4}


def lasting(content: str, form: str) -> Fraction:
    """The length of a timeline in seconds."""
    return {"otio": _otio, "edl": _edl, "fcpxml": _fcpxml, "fcp7xml": _fcp7xml}[form](content)


def rate_of(decimals: float) -> Fraction:
    return NTSC.get(round(decimals, 3), Fraction(decimals).limit_denominator(1001))


def _otio(content: str) -> Fraction:
    [track] = otio.adapters.read_from_string(content, "otio_json").video_tracks()
    length = track.duration()
    return Fraction(round(length.value)) / rate_of(length.rate)


def _edl(content: str) -> Fraction:
    """The last event's end; timecode counts frames of a whole rate, less those that drop frame leaves out."""
    rate = rate_of(float(re.findall(r"^\* RATE: (\S+)", content, re.MULTILINE)[-1]))
    event = re.findall(r"^\d{3,} .*(\d\d):(\d\d):(\d\d)([:;])(\d\d)$", content, re.MULTILINE)[-1]
    hours, minutes, seconds, frames = (int(event[at]) for at in (0, 1, 2, 4))
    minutes += 60 * hours
    whole = round(rate)
    count = (60 * minutes + seconds) * whole + frames
    if event[3] == ";":
        count -= _DROPPED[whole] * (minutes - minutes // 10)
    return count / rate


def _fcpxml(content: str) -> Fraction:
    sequence = ElementTree.fromstring(content).find("library/event/project/sequence")
    assert sequence is not None
    length = Fraction(sequence.get("duration", "").removesuffix("s"))
    last = list(sequence.iterfind("spine/*"))[-1]
    begin, end = (Fraction(last.get(key, "").removesuffix("s")) for key in ("offset", "duration"))
    assert begin + end == length
    return length


def _fcp7xml(content: str) -> Fraction:
    root = ElementTree.fromstring(content)
    slower = Fraction(1000, 1001) if _said(root, "sequence/rate/ntsc") == "TRUE" else Fraction(1)
    rate = int(_said(root, "sequence/rate/timebase")) * slower
    return int(_said(root, "sequence/duration")) / rate


def _said(root: Element, path: str) -> str:
    return root.findtext(path) or ""
