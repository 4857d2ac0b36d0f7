"""How numbers, columns and tables are written, wherever people read them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

from rivya_run.safetext import visible


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
    shown = visible(text)
    for letter in "\\`*_[]<>|#@!":
        shown = shown.replace(letter, f"\\{letter}" if letter not in "<>@" else f"&#{ord(letter)};")
    return shown
