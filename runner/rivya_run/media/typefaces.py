"""Letters for slates and labels: DejaVu Sans, which comes with the package, so that they look alike everywhere.

It knows Latin, Greek, Cyrillic, Armenian, Georgian, Arabic, Hebrew and many signs. What it doesn't know (Chinese,
most emoji) is drawn as an empty box.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache
from pathlib import Path

from PIL import ImageFont
from PIL.ImageDraw import ImageDraw
from PIL.ImageFont import FreeTypeFont

_DEJAVU = Path(__file__).parent / "fonts" / "DejaVuSans.ttf"
_MOST_LETTERS = 600  # no picture is wide enough for more


@lru_cache(maxsize=64)
def font(size: int, file: Path = _DEJAVU) -> FreeTypeFont:
    """A font, the shipped one unless a file is named. Raises OSError when that is none."""
    return ImageFont.truetype(file, size)


def missing(text: str, file: Path = _DEJAVU) -> str:
    """The letters of a text that a font doesn't have, each once."""
    shown = font(24, file)
    box = _drawn(shown, "\U0010ffff")  # a code point that no font may have
    return "".join(sign for sign in dict.fromkeys(text) if sign.isprintable() and _drawn(shown, sign) == box)


def _drawn(shown: FreeTypeFont, sign: str) -> tuple[tuple[int, int], bytes]:
    mask = shown.getmask(sign)
    return mask.size, bytes(mask)


def write(pen: ImageDraw, text: str, left: float, top: float, size: int, ink: tuple[int, ...]) -> None:
    """One line of text, its letters ``size`` pixels high."""
    pen.text((left, top + size), text, font=font(size), fill=ink, anchor="ls")


def width_of(text: str, size: int) -> float:
    """How wide ``text`` is in pixels."""
    return font(size).getlength(text)


def wrapped(text: str, size: int, width: float, lines: int) -> list[str]:
    """``text`` in at most ``lines`` lines no wider than ``width``; an ellipsis marks what was left out."""
    result: list[str] = []
    line = ""
    for word in text.split():
        longer = f"{line} {word}" if line else word
        if width_of(longer, size) <= width:
            line = longer
            continue
        if line:
            result.append(line)
        pieces = _broken(word, size, width)
        result.extend(pieces[:-1])
        line = pieces[-1]
        if len(result) > lines:
            break
    if line:
        result.append(line)
    if len(result) > lines:
        result = [*result[: lines - 1], shortened(" ".join(result[lines - 1 :]), size, width)]
    return result


def shortened(text: str, size: int, width: float) -> str:
    """``text`` on one line no wider than ``width``, with an ellipsis where it had to be cut."""
    text = text[:400]
    if width_of(text, size) <= width:
        return text
    while text and width_of(text + "…", size) > width:
        text = text[: max(0, min(len(text) - 1, int(len(text) * 0.95)))]
    return text.rstrip() + "…"


def _broken(word: str, size: int, width: float) -> list[str]:
    if width_of(word, size) <= width:
        return [word]
    pieces = []
    rest = word[:_MOST_LETTERS]
    while rest:
        # The longest start that fits, at least one letter: texts without spaces can be long.
        fitting = bisect_right(range(1, len(rest) + 1), width, key=lambda end: width_of(rest[:end], size))
        pieces.append(rest[: max(1, fitting)])
        rest = rest[max(1, fitting) :]
    return pieces
