"""Letters for slates and labels: Pillow's own font, and the machine's fonts for what it lacks."""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from pathlib import Path

from PIL import ImageFont
from PIL.ImageFont import FreeTypeFont

#: File names that are likely to hold other scripts, best first; only those on the machine are opened.
_WANTED = (
    "DejaVuSans.ttf",
    "FreeSans.ttf",
    "Arial Unicode.ttf",
    "NotoSans*-Regular.*",
    "NotoSans*CJK*Regular*",
    "Lohit-*.ttf",
    "Nirmala.tt?",
    "msgothic.ttc",
    "segoeui.ttf",
    "unifont*.otf",
)
_MOST_FONTS = 60
_MOST_LETTERS = 600
_INVISIBLE = frozenset("\u200b\u200c\u200d\u2060\ufe0e\ufe0f")
_NOTHING = "\uffff"


@lru_cache(maxsize=64)
def _own(size: int) -> FreeTypeFont:
    font = ImageFont.load_default(size)
    if not isinstance(font, FreeTypeFont):
        raise RuntimeError("Pillow was built without FreeType: letters can't be drawn")
    return font


@lru_cache(maxsize=1)
def _machine_fonts() -> tuple[Path, ...]:
    if sys.platform == "win32":
        folders = [Path("C:/Windows/Fonts")]
    elif sys.platform == "darwin":
        folders = [Path("/System/Library/Fonts"), Path("/Library/Fonts"), Path.home() / "Library/Fonts"]
    else:
        folders = [Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path.home() / ".fonts"]
    found = [path for folder in folders if folder.is_dir() for path in folder.rglob("*.[to]t[fc]")]
    ordered = (path for name in _WANTED for path in sorted(found) if path.match(name))
    return tuple(islice(dict.fromkeys(ordered), _MOST_FONTS))


@lru_cache(maxsize=256)
def _opened(path: Path, size: int) -> FreeTypeFont | None:
    try:
        return ImageFont.truetype(str(path), size)
    except OSError:
        return None


def _fonts(size: int) -> Iterator[FreeTypeFont]:
    yield _own(size)
    for path in _machine_fonts():
        font = _opened(path, size)
        if font is not None:
            yield font


@lru_cache(maxsize=4096)
def _font_for(character: str, size: int) -> FreeTypeFont | None:
    for font in _fonts(size):
        if _drawn(font, character) != _drawn(font, _NOTHING):
            return font
    return None


def _drawn(font: FreeTypeFont, character: str) -> tuple[tuple[int, int], bytes]:
    mask = font.getmask(character)
    return mask.size, bytes(mask)


def runs(text: str, size: int) -> list[tuple[str, FreeTypeFont]]:
    """``text`` cut where the font has to change. What no font can show is drawn as an empty box."""
    if text.isascii():
        return [(text, _own(size))] if text else []
    result: list[tuple[str, FreeTypeFont]] = []
    for character in text:
        last = result[-1] if result else None
        if character == " " or (character < "\x7f" and last is None):
            font = last[1] if last else _own(size)
        elif character < "\x7f":
            font = _own(size)
        elif character in _INVISIBLE:
            if last is None or _font_for(character, size) is None:
                continue
            font = last[1]
        else:
            font = _font_for(character, size) or _own(size)
        if last and last[1] is font:
            result[-1] = (last[0] + character, font)
        else:
            result.append((character, font))
    return result


def width_of(text: str, size: int) -> float:
    """How wide ``text`` is in pixels."""
    return sum(font.getlength(part) for part, font in runs(text, size))


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
