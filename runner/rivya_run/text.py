"""How numbers, columns and tables are written, wherever people read them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence


def figure(number: float) -> str:
    """12.0 as ``12``, 1234.5 as ``1,234.5``; at most two decimals."""
    return f"{number:,.2f}".rstrip("0").rstrip(".")


def counted(number: int, noun: str) -> str:
    """``1 take``, ``1,200 takes``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def credits_in_words(credits: float) -> str:
    """``1 credit``, ``12 credits``."""
    return "1 credit" if credits == 1 else f"{figure(credits)} credits"


def width(text: str) -> int:
    """Cells that a text takes on a screen: wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )


def markdown_table(
    heads: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[int] = ()
) -> list[str]:
    """The lines of a table; ``numbers`` are the columns set to the right. Cells are Markdown already."""
    rule = "".join("--:|" if place in numbers else "---|" for place in range(len(heads)))
    return [f"| {' | '.join(heads)} |", f"|{rule}", *(f"| {' | '.join(row)} |" for row in rows)]


def markdown(text: str) -> str:
    """Text of people as Markdown that neither ends a cell nor becomes a link, a mention or HTML."""
    return visible(text).translate(_IN_MARKDOWN)


_IN_MARKDOWN = str.maketrans(
    {letter: f"&#{ord(letter)};" if letter in "<>@" else f"\\{letter}" for letter in "\\`*_[]<>|#@!"}
)


_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _escape(match: re.Match[str]) -> str:
    character = match.group()
    short = _SHORT.get(character)
    if short is not None:
        return short
    number = ord(character)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def visible(text: str, *, keep: str = "") -> str:
    """``text`` with control characters (C0, C1, DEL), overrides of the reading direction, lone surrogates and
    invisible separators written as escapes, so that it can neither steer a terminal nor hide what it says.

    Characters in ``keep`` (a line break, say) stay as they are.
    """
    if text.isascii() and text.isprintable():
        return text
    if not keep:
        return _UNSAFE.sub(_escape, text)
    return _UNSAFE.sub(lambda match: match.group() if match.group() in keep else _escape(match), text)


def shortened(text: str, limit: int = 60) -> str:
    """``text`` made visible and cut to ``limit`` characters with an ellipsis, for use inside a message."""
    return visible(text if len(text) <= limit else text[: limit - 1] + "…")
