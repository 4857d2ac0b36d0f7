"""Rows in columns: drawn on a terminal, plain text elsewhere, never cut or wrapped there."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Sequence
from typing import Literal

import click

from rivya_run.safetext import visible


def show_columns(heads: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[int] = ()) -> None:
    """Write rows on standard output; ``numbers`` are the columns set to the right."""
    shown = [[visible(cell) for cell in row] for row in rows]
    if sys.stdout.isatty():
        _draw(heads, shown, numbers)
    else:
        click.echo(plain_columns(heads, shown, numbers), nl=False)


def plain_columns(heads: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[int] = ()) -> str:
    """The rows as text, two spaces between columns, each row one line."""
    table = [list(heads), *[list(row) for row in rows]]
    widths = [max(_width(row[place]) for row in table) for place in range(len(heads))]
    lines = []
    for row in table:
        cells = []
        for place, cell in enumerate(row):
            gap = " " * (widths[place] - _width(cell))
            cells.append(gap + cell if place in numbers else cell + gap)
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines) + "\n"


def _width(text: str) -> int:
    """How many places a text takes on a screen: wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )


def _draw(heads: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[int]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for place, head in enumerate(heads):
        side: Literal["left", "right"] = "right" if place in numbers else "left"
        table.add_column(head, justify=side, overflow="fold", no_wrap=place == 0)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)
