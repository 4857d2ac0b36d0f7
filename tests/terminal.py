"""A terminal as people see it: what a program drew on it, as text and colours."""

from __future__ import annotations

import contextlib
import os
import struct
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyte


def screen_of(
    command: Sequence[str],
    environment: dict[str, str],
    folder: Path,
    *,
    columns: int = 80,
    rows: int = 24,
    seen: Callable[[pyte.Screen], Any] = lambda screen: None,
) -> tuple[pyte.Screen, int]:
    """Run a program on a pseudo terminal of that size; its last screen and exit code. ``seen`` looks at each one."""
    import fcntl
    import pty
    import termios

    mine, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RIVYA_", "NO_COLOR"))}
    screen = pyte.Screen(columns, rows)
    stream = pyte.ByteStream(screen)
    settings = {**kept, "TERM": "xterm-256color", **environment}
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, env=settings, cwd=folder
    ) as running:
        os.close(theirs)
        with contextlib.suppress(OSError):  # Linux ends a terminal with EIO
            while block := os.read(mine, 65536):
                stream.feed(block)
                seen(screen)
        os.close(mine)
        return screen, running.wait()


def lines_of(screen: pyte.Screen) -> list[str]:
    """The lines that are not blank."""
    return [line.rstrip() for line in screen.display if line.strip()]


def colours_of(screen: pyte.Screen, text: str) -> set[str]:
    """The colours of the letters of a text where it stands."""
    for row, line in enumerate(screen.display):
        if text in line:
            at = line.index(text)
            return {screen.buffer[row][column].fg for column in range(at, at + len(text))}
    raise AssertionError(f"{text!r} is not on the screen")
