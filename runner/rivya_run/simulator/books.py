"""What the simulator accepted, charged and served, line by line on disk.

One JSON object a line, flushed at once, so that a killed simulator loses nothing it has answered for. A torn
last line (killed while writing: nobody got an answer for it) is cut off when the books are opened again.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from rivya_run.errors import OutputFolderError
from rivya_run.records import Json

FILE_NAME = "simulator.jsonl"


class Books:
    """The books in a folder, open for appending. ``past`` holds what they said when they were opened."""

    def __init__(self, folder: Path, *, fsync: bool = False) -> None:
        self.path = folder / FILE_NAME
        self._fsync = fsync
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)
        self.past: list[dict[str, Json]] = list(read_books(self.path))
        self._file = self.path.open("ab")
        whole = _whole_lines(self.path)
        if whole < self._file.tell():
            self._file.truncate(whole)

    def append(self, entry: dict[str, Json]) -> None:
        """Write a line; it is with the operating system (with ``fsync``: on disk) when this returns."""
        line = json.dumps(entry, separators=(",", ":")).encode() + b"\n"
        with self._lock:
            if self._file.closed:
                return
            self._file.write(line)
            self._file.flush()
            if self._fsync:
                os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file; later lines are dropped."""
        self._file.close()


def read_books(path: Path) -> Iterator[dict[str, Json]]:
    """The lines of books, without a torn last one. Raises OutputFolderError for damage before it."""
    if not path.exists():
        return
    content = path.read_bytes()
    lines = content.split(b"\n")
    lines.pop()
    for number, line in enumerate(lines, start=1):
        try:
            entry = json.loads(line)
            if not isinstance(entry, dict):
                raise ValueError("not an object")
        except ValueError as error:
            raise OutputFolderError(
                f"the simulator's books are damaged: {path}:{number}: {error}",
                hint="delete the folder of this simulated run and start it again",
            ) from error
        yield entry


def _whole_lines(path: Path) -> int:
    content = path.read_bytes()
    return content.rfind(b"\n") + 1
