"""Rows in columns: drawn on a terminal, plain text elsewhere, never cut or wrapped there."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Literal

from rivya_run.text import visible, width


def show_columns(
    heads: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[int] = (), *, used: bool = False
) -> None:
    """Write rows on standard output. ``numbers``: columns set to the right; ``used``: without empty columns."""
    if used:
        places = [place for place in range(len(heads)) if any(row[place] for row in rows)]
        heads, rows = [heads[place] for place in places], [[row[place] for place in places] for row in rows]
        numbers = [places.index(place) for place in numbers if place in places]
    shown = [[visible(cell) for cell in row] for row in rows]
    if sys.stdout.isatty():
        _draw(heads, shown, numbers)
    else:
        sys.stdout.write(plain_columns(heads, shown, numbers))


def plain_columns(heads: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[int] = ()) -> str:
    """The rows as text, two spaces between columns, each row one line."""
    table = [list(heads), *[list(row) for row in rows]]
    widths = [max(width(row[place]) for row in table) for place in range(len(heads))]
    lines = []
    for row in table:
        cells = []
        for place, cell in enumerate(row):
            gap = " " * (widths[place] - width(cell))
            cells.append(gap + cell if place in numbers else cell + gap)
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines) + "\n"


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
    Console(highlight=False).print(table)
