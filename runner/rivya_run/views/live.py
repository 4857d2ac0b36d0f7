"""Progress on a terminal: a bar for each scene and a line for each take in flight, as many as fit, drawn by rich."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
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
from rivya_run.views.wording import clock_of, clock_time

REFRESH = 4
"""Pictures a second."""

PICTURES_KEPT = 64
"""Pieces of pictures that wait for a terminal that is stopped (Ctrl-S): the newest, some 60 KB."""

_NAME = 24
"""Cells for the name of a scene or take: on a terminal of 80 that leaves a bar beside the counts."""

_LINES = frozenset({"notice", "retrying", "unreachable", "reachable"})
_LINES_VERBOSELY = _LINES | {"uploaded", "paused", "limit_changed"}

_COLOURS = {
    Mark.SENDING: "cyan",
    Mark.RUNNING: "cyan",
    Mark.DOWNLOADING: "blue",
    Mark.WAITING: "dim",
    Mark.FAILED: "red",
    Mark.UNKNOWN: "magenta",
}
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
        wide = console.size.width
        self._name = min(_NAME, wide // 3)
        name = Column(no_wrap=True, width=self._name, overflow=self._overflow)
        self._bars = Progress(
            TextColumn("{task.description}", markup=False, table_column=name),
            BarColumn(bar_width=max(6, min(40, wide // 4))),
            MofNCompleteColumn(table_column=Column(no_wrap=True)),
            _Marks(table_column=Column(no_wrap=True)),
            console=console,
            auto_refresh=False,
        )
        self._rows: dict[int, TaskID] = {}
        self._others = Scene("", "")
        self.ended = False

    def drawn(self) -> RenderableType:
        size = self._console.size
        head = self._head(size.width)[: max(1, size.height - 2)]
        height = size.height - len(head)
        active = 0 if self.ended else len(self._board.active)
        room = max(1, height - 1 - min(active, max(3, height // 3)))
        bars = min(room, self._set_bars(room))
        return Group(*head, self._bars, self._takes(max(0, height - 1 - bars) if active else 0))

    def _head(self, width: int) -> list[Text]:
        """Where everything is, in as few lines as the terminal is wide enough for; nothing is cut."""
        board = self._board
        parts = [Text(f"{board.count(Mark.DONE)}/{counted(board.total, 'take')}", style="bold")]
        parts += _marks({mark: board.count(mark) for mark in _COLOURS})
        parts += [Text(f"{credits_in_words(board.spent)} spent")] if board.spent else []
        parts += [Text(f"{credits_in_words(board.reserved)} reserved")] if board.reserved else []
        parts.append(Text(clock_time(board.elapsed()), style="dim"))
        left = board.time_left() if not self.ended else None
        parts += [Text(f"about {clock_time(left)} left")] if left and left >= 1 else []
        lines = _flowing(parts, width)
        return (
            lines
            if self.ended
            else lines + [line for more in self._trouble() for line in _flowing(more, width)]
        )

    def _trouble(self) -> Iterator[list[Text]]:
        """What holds things up, each as the parts of a line of its own."""
        board, pause = self._board, self._board.pause()
        if (away := board.away) is not None:
            since, until = clock_of(away.since), clock_of(away.until)
            words = (f"no connection to {visible(away.host)} since {since},", f"tried until {until}")
            yield [Text(part, style="yellow") for part in words]
        elif pause is not None:
            yield [Text(f"waiting {pause[0]:.0f} s: {visible(pause[1])}", style="yellow")]
        if board.lowered:
            yield [Text(f"the API takes {board.limit} at once", style="dim")]

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
            Column(no_wrap=True, min_width=self._name, overflow=self._overflow),
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
            table.add_row(Text(name), cell.mark.value, age, Text(visible(cell.model), style="dim"))
        if shown < len(active) and room > 0:
            table.add_row(Text(f"and {len(active) - shown} more", style="dim"))
        return table


class _Marks(ProgressColumn):
    """Where the takes of a scene are that aren't done."""

    def render(self, task: Task) -> Text:
        return Text("  ").join(_marks(task.fields["scene"].counts))


def _marks(counts: dict[Mark, int]) -> list[Text]:
    return [Text(f"{counts[mark]} {mark.value}", style) for mark, style in _COLOURS.items() if counts[mark]]


def _flowing(parts: Sequence[Text], width: int) -> list[Text]:
    """The parts in lines, a part that no line has room for in one of its own."""
    lines: list[Text] = []
    for part in parts:
        if lines and lines[-1].cell_len + 2 + part.cell_len <= width:
            lines[-1] = Text("  ").join([lines[-1], part])
        else:
            lines.append(part)
    for line in lines:
        line.no_wrap, line.overflow = True, "crop"
    return lines


def _interest(scene: Scene) -> int:
    """Lower comes first: in flight, trouble, waiting, done."""
    for place, mark in enumerate((*_COLOURS, Mark.WAITING)):
        if scene.counts[mark] and (mark is not Mark.WAITING or place == len(_COLOURS)):
            return place
    return len(_COLOURS) + 1


def _name(scene: Scene, several: bool) -> str:
    name = visible(scene.name) or ("takes" if not several else "")
    return f"{visible(scene.storyboard)} {name}".rstrip() if several else name
