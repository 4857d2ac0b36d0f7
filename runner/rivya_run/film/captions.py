"""Captions: what is said in a film, in cues of a few short lines, as files and burnt into the pictures."""

from __future__ import annotations

import itertools
import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
from PIL import Image, ImageDraw

from rivya_run.errors import UsageError
from rivya_run.film.edit import Edit
from rivya_run.film.filters import joined
from rivya_run.film.placing import Notice, Placed
from rivya_run.media import typefaces
from rivya_run.storyboard.speech import spoken

MAX_LINE: Final = 42
MAX_LINES: Final = 2

_SENTENCE = re.compile(r"(?<=[.!?…。！？])\s+")
_INK, _GROUND = (255, 255, 255, 255), (0, 0, 0, 160)
_MOST_TOLD = 12  # letters in a notice


@dataclass(frozen=True, slots=True)
class Cue:
    """Lines that are shown from ``begin`` to ``end`` seconds of the film."""

    begin: Fraction
    end: Fraction
    lines: tuple[str, ...]


def cues(edit: Edit, max_line: int = MAX_LINE, max_lines: int = MAX_LINES) -> list[Cue]:
    """The cues of a film in the order of their begin."""
    voices = (one for one in edit.heard if one.track == "voice")
    found = itertools.chain.from_iterable(_of_sound(one, max_line, max_lines) for one in voices)
    return sorted(found, key=lambda cue: cue.begin)


def _of_sound(one: Placed, max_line: int, max_lines: int) -> Iterator[Cue]:
    """The cues of one sound, spread over it by their characters; those that a cut takes away are left out."""
    blocks = list(_blocks(one.shot.text, max_line, max_lines))
    letters = sum(len(line) for block in blocks for line in block)
    said = 0
    for block in blocks:
        begin = one.begin + one.length * said / letters
        said += sum(len(line) for line in block)
        end = min(one.end, one.begin + one.length * said / letters)
        if begin < end:
            yield Cue(begin, end, block)


def _blocks(text: str, max_line: int, max_lines: int) -> Iterator[tuple[str, ...]]:
    """Whole sentences together where they fit; a line of the text always begins anew."""
    for paragraph in spoken(text).splitlines():
        block: list[str] = []
        for sentence in _SENTENCE.split(paragraph):
            longer = textwrap.wrap(" ".join([*block, sentence]), max_line)
            if block and len(longer) > max_lines:
                yield tuple(block)
                longer = textwrap.wrap(sentence, max_line)
            while len(longer) > max_lines:
                yield tuple(longer[:max_lines])
                longer = longer[max_lines:]
            block = longer
        if block:
            yield tuple(block)


def srt(shown: Iterable[Cue]) -> str:
    """SubRip: what most editors and players read."""
    return "\n".join(
        f"{number}\n{_clock(cue.begin, ',')} --> {_clock(cue.end, ',')}\n" + "\n".join(cue.lines) + "\n"
        for number, cue in enumerate(shown, start=1)
    )


def vtt(shown: Iterable[Cue]) -> str:
    """WebVTT: what browsers read."""
    escaped = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
    blocks = (
        f"{_clock(cue.begin, '.')} --> {_clock(cue.end, '.')}\n" + "\n".join(cue.lines).translate(escaped)
        for cue in shown
    )
    return "\n\n".join(["WEBVTT", *blocks]) + "\n"


def _clock(seconds: Fraction, point: str) -> str:
    whole, thousandths = divmod(round(seconds * 1000), 1000)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}{point}{thousandths:03}"


class Lettering:
    """Draws cues for pictures of one size. Raises UsageError when ``file`` is no font."""

    def __init__(self, size: tuple[int, int], file: Path | None) -> None:
        self._size = size
        self._font = {} if file is None else {"file": file}
        try:
            typefaces.font(12, **self._font)
        except OSError as problem:
            raise UsageError(f"{file} can't be read as a font: {problem}") from problem

    def notices(self, shown: Iterable[Cue]) -> list[Notice]:
        """What a person should know of letters that will be empty boxes."""
        text = "".join(line for cue in shown for line in cue.lines)
        absent = typefaces.missing(text, **self._font)
        if not absent:
            return []
        few = absent[:_MOST_TOLD] + ("…" if len(absent) > _MOST_TOLD else "")
        return [f"the font has no letters for {few}: name one that has with --font FILE"]

    def burnt(self, frames: Iterable[av.VideoFrame], shown: Sequence[Cue]) -> Iterator[av.VideoFrame]:
        """The frames of a film with its cues in them."""
        waiting = list(shown)
        on: list[Cue] = []

        def lines(frame: av.VideoFrame) -> tuple[str, ...]:
            assert frame.pts is not None and frame.time_base is not None
            at = frame.pts * frame.time_base
            while waiting and waiting[0].begin <= at:
                on.append(waiting.pop(0))
            on[:] = [cue for cue in on if cue.end > at]
            return tuple(line for cue in on for line in cue.lines)

        for text, group in itertools.groupby(frames, lines):
            yield from self._marked(group, text) if text else group  # noqa: B031 - only one of the two reads it

    def _marked(self, frames: Iterator[av.VideoFrame], text: Sequence[str]) -> Iterator[av.VideoFrame]:
        image, left, top = self._drawn(text)
        mark: av.VideoFrame = av.VideoFrame.from_image(image)  # type: ignore[no-untyped-call]
        first = next(frames)
        mark.pts, mark.time_base = first.pts, first.time_base
        options = f"x={left}:y={top}:format=yuv420:eof_action=repeat"
        both = [itertools.chain([first], frames), [mark]]
        return joined(both, ("overlay", options), [("format", "yuv420p")])

    def _drawn(self, text: Sequence[str]) -> tuple[Image.Image, int, int]:
        """The lines on half-dark ground, and where they stand: in the middle, near the lower edge."""
        width, height = self._size
        letters = max(8, height // 20)
        room = width * 9 // 10
        widest = max(typefaces.font(letters, **self._font).getlength(line) for line in text)
        if widest > room:
            letters = max(8, int(letters * room / widest))
        shown = typefaces.font(letters, **self._font)
        step, edge = letters * 13 // 10, letters // 3
        lengths = [shown.getlength(line) for line in text]
        image = Image.new("RGBA", (int(max(lengths)) + 2 * edge, step * len(text) + 2 * edge), _GROUND)
        pen = ImageDraw.Draw(image)
        for number, (line, long) in enumerate(zip(text, lengths, strict=True)):
            left = (image.width - long) / 2
            pen.text((left, edge + number * step + letters), line, font=shown, fill=_INK, anchor="ls")
        return image, max(0, (width - image.width) // 2), max(0, height - image.height - height // 20)
