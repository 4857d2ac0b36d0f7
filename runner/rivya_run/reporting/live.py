"""Progress on a terminal: scenes with a bar each, and the takes that are in flight, as many as fit."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, cast

from rich.console import Console
from rich.live import Live
from rich.text import Text

from rivya_run.records.events import Event
from rivya_run.records.plan import Plan
from rivya_run.reporting.frame import frame
from rivya_run.reporting.outlet import Lines, Outlet
from rivya_run.reporting.plain import PlainLines
from rivya_run.reporting.scoreboard import Scoreboard

REFRESH = 4
"""Pictures a second."""

_SAID = frozenset({"notice", "retrying"})


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
        self._wording = PlainLines(verbose=verbose)
        self._said = _SAID | ({"uploaded", "paused", "limit_changed"} if verbose else set())
        self._ended = False
        self._console = Console(file=cast(Any, outlet), force_terminal=True, highlight=False)
        self._above = Lines(_Above(self._console))
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

    def tell(self, event: Event) -> None:
        """Take an event in; it is drawn with the next picture."""
        if event.name == "run_started" and not self._live.is_started:
            self._live.start()
            # A second Ctrl-C leaves at once: nobody would give a hidden cursor back.
            self._console.show_cursor(True)
        with self._lock:
            self._board.apply(event)
        if event.name in self._said and (line := self._wording.line(event)) is not None:
            self._above.put(line)

    def close(self) -> None:
        """Draw the last picture, which stays, and stop."""
        self._above.close()
        self._ended = True
        if self._live.is_started:
            self._live.stop()

    def _frame(self) -> Text:
        size = self._console.size
        plain = not self._outlet.encoding.lower().startswith("utf")
        with self._lock:
            return frame(self._board, size.width, size.height - 1, ended=self._ended, ascii_only=plain)


class _Above:
    """Where lines go that stay above the picture."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def write(self, text: str) -> int:
        """Print a line and draw the picture again below it."""
        self._console.print(Text(text.rstrip("\n")))
        return len(text)

    def flush(self) -> None:
        """Printing flushes."""
