"""Statuses, times and actions in words, rows in columns: as progress, summaries and the page write them."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal

from rivya_run.planning.next_commands import NextCommand
from rivya_run.text import credits_in_words, visible, width
from rivya_run.times import seconds_of

STATUSES = {
    "planned": "not made yet",
    "sent": "sent, no answer yet",
    "pending": "running",
    "succeeded": "done",
    "failed": "failed",
    "unknown": "unknown outcome",
}
"""The status of a take in a manifest, for people."""

_ACTIONS = {
    "create": "to create",
    "retry": "to try again",
    "resume": "to resume",
    "download": "to download",
    "reuse": "up to date",
    "decide": "to be decided",
    "wait": "waiting for a decision",
    "skip": "skipped",
}


def status_in_words(status: str) -> str:
    """``done`` for ``succeeded``; a status of a newer version as it came."""
    return STATUSES.get(status, status)


def actions_in_words(counts: Mapping[str, object]) -> str:
    """``3 to create, 1 up to date``."""
    return ", ".join(f"{counts[name]} {words}" for name, words in _ACTIONS.items() if counts.get(name))


def span(seconds: object) -> str:
    """2.04 as ``2.0 s``, 75 as ``75 s``."""
    if not isinstance(seconds, int | float):
        return "a while"
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"


def clock_time(seconds: float) -> str:
    """75 as ``01:15``, 3675 as ``1:01:15``."""
    whole = max(0, int(seconds))
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60:02d}:{rest % 60:02d}"


def clock_of(moment: str) -> str:
    """A moment as records have it, as ``14:03:12`` on this machine's clock."""
    seconds = seconds_of(moment)
    return time.strftime("%H:%M:%S", time.localtime(seconds)) if seconds is not None else "a while ago"


def sending_in_words(task: str | None, key: str | None, sent_at: str | None, cost: float | None) -> str:
    """What is known of a create whose outcome isn't, to look it up at Rivya."""
    facts = [f"task {task}"] if task else []
    facts += [f"key {key}", f"sent {sent_at or 'at a time not known'}"]
    facts += [f"likely {credits_in_words(cost)}"] if cost is not None else []
    return ", ".join(facts)


def next_lines(commands: Sequence[NextCommand]) -> list[str]:
    """What can be typed next, each command with what it is for; nothing where there is none."""
    return ["next:", *(visible(f"  {one.why}: {one.command}") for one in commands)] if commands else []


ACTION_COLOURS = {
    "create": "cyan",
    "retry": "yellow",
    "resume": "cyan",
    "download": "blue",
    "reuse": "green",
    "decide": "bold magenta",
    "wait": "yellow",
    "skip": "dim",
}
"""Of the actions of a plan."""

STATUS_COLOURS = {
    STATUSES["planned"]: "dim",
    STATUSES["sent"]: "cyan",
    STATUSES["pending"]: "cyan",
    STATUSES["succeeded"]: "green",
    STATUSES["failed"]: "red",
    STATUSES["unknown"]: "bold magenta",
}
"""Of the words for a take's status."""


def show_columns(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    numbers: Sequence[int] = (),
    *,
    used: bool = False,
    colours: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Write rows on standard output. ``numbers``: columns set to the right; ``used``: without empty columns.

    ``colours`` are those of words in the column ``action`` or ``status``, for a terminal that has any.
    """
    if used:
        places = [place for place in range(len(heads)) if any(row[place] for row in rows)]
        heads, rows = [heads[place] for place in places], [[row[place] for place in places] for row in rows]
        numbers = [places.index(place) for place in numbers if place in places]
    shown = [[visible(cell) for cell in row] for row in rows]
    if sys.stdout.isatty():
        _draw(heads, shown, numbers, colours)
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


_COLOURED = ("action", "status")


def _draw(
    heads: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[int], colours: Mapping[str, str]
) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for place, head in enumerate(heads):
        side: Literal["left", "right"] = "right" if place in numbers else "left"
        table.add_column(head, justify=side, overflow="fold", no_wrap=place == 0)
    for row in rows:
        named = zip(heads, row, strict=True)
        table.add_row(
            *(Text(cell, colours.get(cell, "") if head in _COLOURED else "") for head, cell in named)
        )
    Console(highlight=False).print(table)
