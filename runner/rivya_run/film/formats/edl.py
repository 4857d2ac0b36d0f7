"""CMX 3600: the pictures of a film as a list that every editing program reads.

Each event has a reel of at most eight characters; what it was made from stands in comments.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from typing import Final

from rivya_run.film.edit import STANDARD_RATES, Edit, standard_rate
from rivya_run.film.formats.sequence import (
    Seen,
    Timeline,
    TrackPicture,
    footage_in,
    metadata_lines,
    name_of,
    one_line,
    relative,
    sequence,
    slate_note,
)
from rivya_run.film.placing import Notice
from rivya_run.media.timecode import DROPPED, timecode

_REEL = 8  # characters
_BLACK: Final = "BL"


def write(edit: Edit, beside: Path) -> tuple[str, tuple[Notice, ...]]:
    """The list, and what a person should know."""
    film = sequence(edit, STANDARD_RATES, cut="begin")
    notices = list(film.notices)
    if edit.heard:
        notices.append("an EDL holds pictures only: the sounds are in the other formats")
    faded = [one.shot.id for one in film.pictures if one.fade_in or one.fade_out]
    if faded:
        notices.append(f"an EDL holds no fades: those of {', '.join(faded)} are in the other formats")
    mode = "DROP FRAME" if film.rate in DROPPED else "NON-DROP FRAME"
    lines = [f"TITLE: {one_line(edit.title)[:70]}", f"FCM: {mode}", ""]
    reels: dict[str, str] = {}
    for number, one in enumerate(film.pictures):
        lines += _event(film, number, one, reels, beside)
    return "\n".join(lines), tuple(notices)


def _event(
    film: Timeline, number: int, one: TrackPicture, reels: dict[str, str], beside: Path
) -> Iterator[str]:
    before = film.pictures[number - 1] if number else None
    record = (timecode(one.begin, film.rate), timecode(one.end, film.rate))
    reel, how = _reel(one, reels), "C       "
    start = round(one.source * film.rate)
    source = (timecode(start, film.rate), timecode(start + one.end - one.begin, film.rate))
    dissolve = one.after
    if dissolve and before is not None:
        last = round(before.source * film.rate) + before.end - before.begin
        still = timecode(last, film.rate)
        yield f"{number + 1:03}  {_reel(before, reels):8} V     C        {still} {still} {record[0]} {record[0]}"
        how = f"D    {dissolve:03}"
    yield f"{number + 1:03}  {reel:8} V     {how} {source[0]} {source[1]} {record[0]} {record[1]}"
    found = footage_in(one.shot)
    if found is not None:
        if dissolve and before is not None and (left := footage_in(before.shot)) is not None:
            yield f"* FROM CLIP NAME: {left[1].name}"
            yield f"* TO CLIP NAME: {found[1].name}"
        else:
            yield f"* FROM CLIP NAME: {found[1].name}"
        yield f"* SOURCE FILE: {relative(found[1], beside)}"
    else:
        yield f"* LOC: {record[0]} RED     {slate_note(one.shot)}"
    for key, value in {**metadata_lines(one.shot.about), "rate": f"{float(film.rate):.7g}"}.items():
        yield f"* {key.upper().replace('_', ' ')}: {value}"
    yield ""


def _reel(one: TrackPicture, reels: dict[str, str]) -> str:
    """Its own short name for each file; black for a slate."""
    if footage_in(one.shot) is None:
        return _BLACK
    name = name_of(one.shot)
    if name not in reels:
        plain = "".join(sign for sign in name.upper() if sign.isascii() and sign.isalnum())
        if not plain or len(plain) > _REEL or plain in (_BLACK, *reels.values()):
            plain = plain[:3] + sha256(name.encode()).hexdigest()[: _REEL - len(plain[:3])].upper()
        reels[name] = plain
    return reels[name]


_CODE = r"(\d\d):(\d\d):(\d\d)[:;](\d\d)"
_EVENT = re.compile(
    rf"^\d+\s+(?P<reel>\S+)\s+(?P<track>\S+)\s+(?P<how>[CDWK]\w*)(?:\s+\w+)?"
    rf"\s+(?P<codes>{_CODE}\s+{_CODE}\s+{_CODE}\s+{_CODE})\s*$"
)
_RATE = re.compile(r"^\* RATE: (?P<rate>\d{1,3}(?:\.\d+)?)\s*$", re.MULTILINE)
_NAME = re.compile(r"^\*\s*(?P<which>FROM|TO) CLIP NAME:\s*(?P<name>.+?)\s*$")


def read(content: str) -> list[Seen]:
    """The clips of a list. Raises ValueError when it is none."""
    events = [one for one in _events(content) if "V" in one[0]["track"] or one[0]["track"] == "B"]
    if not events:
        raise ValueError("it holds no events")
    dropping = re.search(r"^FCM:\s*DROP", content, re.MULTILINE) is not None
    rate = _rate(content, dropping)
    found = []
    for match, comments in events:
        codes = [int(part) for part in re.findall(r"\d\d", match["codes"])]
        begin, end = (_frame(codes[at : at + 4], rate, dropping) for at in (8, 12))
        if end <= begin or match["reel"] == _BLACK:
            continue
        names = dict(comments)
        own = names.get("TO") if match["how"] != "C" else None
        named = own or names.get("FROM")
        stems = (Path(named).stem, named) if named else ()
        found.append(Seen((*stems, match["reel"]), begin / rate, (end - begin) / rate))
    return found


def _events(content: str) -> Iterator[tuple[re.Match[str], list[tuple[str, str]]]]:
    event: re.Match[str] | None = None
    comments: list[tuple[str, str]] = []
    for line in content.splitlines():
        match, name = _EVENT.match(line), _NAME.match(line)
        if match is not None:
            if event is not None:
                yield event, comments
            event, comments = match, []
        elif name is not None:
            comments.append((name["which"], name["name"]))
    if event is not None:
        yield event, comments


def _rate(content: str, dropping: bool) -> Fraction:
    """An EDL doesn't say its rate: taken from our own comment, else the least that its frame numbers allow."""
    written = _RATE.search(content)
    if written is not None:
        return standard_rate(float(written["rate"]))
    most = max((int(frame) for frame in re.findall(r"\d\d:\d\d:\d\d[:;](\d\d)", content)), default=0)
    whole = next((rate for rate in (24, 25, 30, 50) if most < rate), 60)
    return Fraction(30000 if whole <= 30 else 60000, 1001) if dropping else Fraction(whole)


def _frame(code: list[int], rate: Fraction, dropping: bool) -> int:
    whole = round(rate)
    hours, minutes, seconds, frames = code
    minutes += 60 * hours
    dropped = DROPPED.get(rate, 0) if dropping else 0
    return (60 * minutes + seconds) * whole + frames - dropped * (minutes - minutes // 10)
