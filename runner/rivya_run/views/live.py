"""Progress on a terminal: a bar for each scene and a line for each take in flight, as many as fit, drawn by rich."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from heapq import nsmallest
from typing import Any, cast

from rich.console import Console, Group, OverflowMethod, RenderableType
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.table import Column, Table
from rich.text import Text

from rivya_run.planning.plan import Plan
from rivya_run.progress import Event
from rivya_run.text import counted, credits_in_words, visible
from rivya_run.views.progress import Outlet, PlainReporter
from rivya_run.views.scoreboard import Mark, Scene, Scoreboard
from rivya_run.views.wording import clock_time

REFRESH = 4
"""Pictures a second."""

PICTURES_KEPT = 64
"""Pieces of pictures that wait for a terminal that is stopped (Ctrl-S): the newest, some 60 KB."""

_NAME = 24
"""Cells for the name of a scene or take: on a terminal of 80 that leaves a bar beside the counts."""

_LINES = frozenset({"notice", "retrying"})
_LINES_VERBOSELY = _LINES | {"uploaded", "paused", "limit_changed"}

_COLOURS = {Mark.FLIGHT: "cyan", Mark.FAILED: "red", Mark.UNKNOWN: "magenta"}
"""Of the counts beside the bar of what is done."""


class LiveReporter:
    """A picture of the run that is drawn again and again, in a thread of its own."""

    def __init__(
        self,
        outlet: Outlet,
        *,
        concurrency: int,
        verbose: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._outlet = outlet
        self._lock = threading.Lock()
        self._board = Scoreboard(concurrency=concurrency, clock=clock)
        self._plain = PlainReporter(outlet, verbose=verbose)
        self._lines = _LINES_VERBOSELY if verbose else _LINES
        self._console = Console(file=cast(Any, outlet), force_terminal=True, highlight=False)
        self._picture = Picture(self._board, self._console)
        self._live = Live(
            get_renderable=self._frame,
            console=self._console,
            refresh_per_second=REFRESH,
            redirect_stdout=False,
            redirect_stderr=False,
            vertical_overflow="crop",
        )

    def plans(self, plans: list[Plan]) -> None:
        """Count the takes; drawing begins when the run does."""
        with self._lock:
            for plan in plans:
                self._board.plan(plan)

    def report(self, event: Event) -> None:
        """Take an event in; it is drawn with the next picture."""
        if event.name == "run_started" and not self._live.is_started:
            self._live.start()
            # A second Ctrl-C leaves at once: nobody would give a hidden cursor back.
            self._console.show_cursor(True)
        with self._lock:
            self._board.apply(event)
        if event.name in self._lines and (line := self._plain.line(event)) is not None:
            self._console.print(Text(line))

    def close(self) -> None:
        """Draw the last picture, which stays, and stop."""
        self._picture.ended = True
        if self._live.is_started:
            self._live.stop()
        self._outlet.close()

    def _frame(self) -> RenderableType:
        with self._lock:
            return self._picture.drawn()


class Picture:
    """A scoreboard as something that rich draws, never higher than the terminal. ``ended``: nothing is in flight."""

    def __init__(self, board: Scoreboard, console: Console) -> None:
        self._board = board
        self._console = console
        # An ellipsis that has to be escaped would push the rest of its line off the terminal.
        self._overflow: OverflowMethod = "ellipsis" if console.encoding.startswith("utf") else "crop"
        name = Column(no_wrap=True, width=_NAME, overflow=self._overflow)
        self._bars = Progress(
            TextColumn("{task.description}", markup=False, table_column=name),
            BarColumn(),
            MofNCompleteColumn(table_column=Column(no_wrap=True)),
            _Marks(table_column=Column(no_wrap=True)),
            console=console,
            auto_refresh=False,
        )
        self._rows: dict[int, TaskID] = {}
        self._others = Scene("", "")
        self.ended = False

    def drawn(self) -> RenderableType:
        height = self._console.size.height - 1
        active = 0 if self.ended else len(self._board.active)
        room = max(1, height - 1 - min(active, max(3, height // 3)))
        bars = min(room, self._set_bars(room))
        return Group(self._head(), self._bars, self._takes(max(0, height - 1 - bars) if active else 0))

    def _head(self) -> Text:
        board = self._board
        head = Text(no_wrap=True, overflow=self._overflow)
        head.append(f"{board.count(Mark.DONE)}/{counted(board.total, 'take')}", style="bold")
        _append_marks(head, {mark: board.count(mark) for mark in _COLOURS})
        if board.credits:
            head.append(f"  {credits_in_words(board.credits)} reserved")
        head.append(f"  {clock_time(board.elapsed())}", style="dim")
        if not self.ended:
            head.append(f"  at most {board.limit} at once", style="dim")
            pause = board.pause()
            if pause is not None:
                head.append(f"  waiting {pause[0]:.0f} s: {visible(pause[1])}", style="yellow")
        return head

    def _set_bars(self, room: int) -> int:
        """Bring the bars up to date; how many scenes there are. Where not all of them have room, those with
        something to see are shown and the others are summed up in a last bar."""
        scenes = [scene for scene in self._board.scenes.values() if scene.total]
        several = len({scene.storyboard for scene in scenes}) > 1
        shown = scenes if len(scenes) <= room else nsmallest(room - 1, scenes, key=_interest)
        kept = {id(scene) for scene in shown}
        self._others.counts = dict.fromkeys(Mark, 0)
        for scene in scenes:
            self._set_bar(scene, _name(scene, several), id(scene) in kept)
            for mark, count in scene.counts.items() if id(scene) not in kept else ():
                self._others.counts[mark] += count
        self._set_bar(self._others, f"{len(scenes) - len(shown)} other scenes", len(shown) < len(scenes))
        return len(scenes)

    def _set_bar(self, scene: Scene, name: str, shown: bool) -> None:
        row = self._rows.get(id(scene))
        if row is None:
            row = self._rows[id(scene)] = self._bars.add_task(name, scene=scene)
        self._bars.update(
            row, description=name, total=scene.total, completed=scene.counts[Mark.DONE], visible=shown
        )

    def _takes(self, room: int) -> Table:
        """Takes in flight, longest in their state first, and how many more there are."""
        active = self._board.active
        table = Table.grid(
            Column(no_wrap=True, min_width=_NAME, overflow=self._overflow),
            Column(no_wrap=True),
            Column(no_wrap=True, justify="right"),
            Column(no_wrap=True, overflow=self._overflow),
            padding=(0, 1),
        )
        shown = len(active) if len(active) <= room else max(0, room - 1)
        several = len({storyboard for storyboard, _, _ in active}) > 1
        for (storyboard, shot, take), cell in nsmallest(shown, active.items(), key=lambda one: one[1].since):
            name = visible(f"{storyboard} {shot}/{take}" if several else f"{shot}/{take}")
            age = Text(clock_time(self._board.age(cell)), style="dim")
            table.add_row(Text(name), cell.status, age, Text(visible(cell.model), style="dim"))
        if shown < len(active) and room > 0:
            table.add_row(Text(f"and {len(active) - shown} more in flight", style="dim"))
        return table


class _Marks(ProgressColumn):
    """How many takes of a scene are in flight, failed or unknown."""

    def render(self, task: Task) -> Text:
        text = Text()
        _append_marks(text, task.fields["scene"].counts)
        return text


def _append_marks(text: Text, counts: dict[Mark, int]) -> None:
    for mark, style in _COLOURS.items():
        if counts[mark]:
            text.append(f"{'  ' if text else ''}{counts[mark]} {mark.value}", style=style)


def _interest(scene: Scene) -> int:
    """Lower comes first: in flight, trouble, waiting, done."""
    for place, mark in enumerate((Mark.FLIGHT, Mark.FAILED, Mark.UNKNOWN, Mark.WAITING)):
        if scene.counts[mark]:
            return place
    return 4


def _name(scene: Scene, several: bool) -> str:
    name = visible(scene.name) or ("takes" if not several else "")
    return f"{visible(scene.storyboard)} {name}".rstrip() if several else name
