"""Standard error as a place where nothing can go wrong: it never raises, and never holds the run up."""

from __future__ import annotations

import queue
import threading
from contextlib import suppress
from typing import Protocol, TextIO

PATIENCE = 5.0
"""Seconds without a single line taken after which lines that are left are given up at the end of a run."""

GATHERED_FOR = 0.02
"""Seconds for which lines are gathered, to be written in one go: to wake up for each one costs the run its time."""

AT_ONCE = 100
"""Lines in one writing at most, so that a slow reader is seen to read."""


class Outlet:
    """A text stream that swallows what a closed terminal or pipe does; after that it takes everything in silence."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self.broken = stream is None

    @property
    def encoding(self) -> str:
        return getattr(self._stream, "encoding", None) or "utf-8"

    def write(self, text: str) -> int:
        """Write what the stream can show; letters that it can't are escaped."""
        if self._stream is not None and not self.broken:
            try:
                self._stream.write(text)
            except UnicodeEncodeError:
                self._stream.write(text.encode(self.encoding, "backslashreplace").decode(self.encoding))
            except (OSError, ValueError):
                self.broken = True
        return len(text)

    def flush(self) -> None:
        """Push out what was written."""
        if self._stream is not None and not self.broken:
            try:
                self._stream.flush()
            except (OSError, ValueError):
                self.broken = True

    def isatty(self) -> bool:
        """Whether it is a terminal that still listens."""
        try:
            return self._stream is not None and not self.broken and self._stream.isatty()
        except (OSError, ValueError):
            return False

    def fileno(self) -> int:
        """Of the stream beneath; raises OSError where there is none."""
        if self._stream is None:
            raise OSError("there is no stream")
        return self._stream.fileno()


class Sink(Protocol):
    """Where lines are written."""

    def write(self, text: str) -> int:
        """Write a line, its end included."""

    def flush(self) -> None:
        """Push it out."""


class Lines:
    """Writes lines in a thread of its own, in order, so that a slow reader doesn't hold up the run."""

    def __init__(self, outlet: Sink) -> None:
        self._outlet = outlet
        self._waiting: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._taken = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._write_all, name="progress", daemon=True)
        self._thread.start()

    def put(self, line: str) -> None:
        """Have a line written, soon."""
        self._waiting.put(line)

    def close(self) -> None:
        """Wait until everything is written, or until nobody has read for a while."""
        self._waiting.put(None)
        self._closing.set()
        while self._thread.is_alive():
            self._taken.clear()
            self._thread.join(PATIENCE)
            if self._thread.is_alive() and not self._taken.is_set():
                return

    def _write_all(self) -> None:
        more = True
        while more:
            lines = self._gathered()
            more = None not in lines
            self._outlet.write("".join(f"{line}\n" for line in lines if line is not None))
            self._outlet.flush()
            self._taken.set()

    def _gathered(self) -> list[str | None]:
        """The next lines, at least one; None is the end of all."""
        lines = [self._waiting.get()]
        self._closing.wait(GATHERED_FOR)
        with suppress(queue.Empty):
            while len(lines) < AT_ONCE:
                lines.append(self._waiting.get_nowait())
        return lines
