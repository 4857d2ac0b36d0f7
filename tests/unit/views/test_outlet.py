"""Standard error as a place where nothing can go wrong."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

import pytest

from rivya_run.views.progress import PIECE, Outlet


class Gone(io.StringIO):
    """A terminal that was closed."""

    def write(self, text: str) -> int:
        raise OSError(5, "Input/output error")


@contextmanager
def pipe() -> Iterator[tuple[int, TextIO]]:
    """A pipe: the end to read, and a stream that writes into it."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "w", encoding="utf-8") as stream:
        yield reading, stream
        os.close(reading)


def read_all(end: int) -> str:
    """What waits in a pipe now."""
    os.set_blocking(end, False)
    found = b""
    try:
        while block := os.read(end, 65536):
            found += block
    except BlockingIOError:
        pass
    return found.decode()


def test_a_closed_terminal_is_silence() -> None:
    """EIO on a write is swallowed, and nothing is written any more."""
    outlet = Outlet(Gone())
    outlet.write("a")
    assert outlet.broken
    outlet.flush()
    outlet.close()
    assert not outlet.isatty()


def test_no_stream_at_all_is_silence() -> None:
    """A program without standard error can be told anything."""
    outlet = Outlet(None)
    assert outlet.write("a") == 1
    outlet.close()
    with pytest.raises(OSError, match="no stream"):
        outlet.fileno()


def test_letters_that_a_stream_can_not_take_are_escaped() -> None:
    """An ASCII terminal gets escapes, not an error."""
    raw = io.BytesIO()
    outlet = Outlet(io.TextIOWrapper(raw, encoding="ascii"))
    outlet.write("a█")
    assert raw.getvalue() == b"a\\u2588"


def test_lines_come_at_once_in_order_and_all_of_them() -> None:
    """What is written is there without waiting for an end."""
    stream = io.StringIO()
    outlet = Outlet(stream)
    for number in range(100):
        outlet.write(f"{number}\n")
    assert stream.getvalue().split() == [str(number) for number in range(100)]


@pytest.mark.skipif(sys.platform == "win32", reason="only sockets can be asked there")
def test_a_reader_that_stands_still_holds_nobody_up_and_misses_nothing() -> None:
    """A full pipe takes nothing; what waits comes, in order, when it is read again."""
    lines = [f"{number} {'x' * 100}\n" for number in range(5000)]
    with pipe() as (end, stream):
        outlet = Outlet(stream)
        for line in lines:
            outlet.write(line)
        found = read_all(end)
        while found.count("\n") < len(lines):
            outlet.write("")
            outlet.close()
            found += read_all(end)
        assert found == "".join(lines)


@pytest.mark.skipif(sys.platform == "win32", reason="only sockets can be asked there")
def test_of_pictures_for_a_terminal_that_is_stopped_the_newest_are_kept() -> None:
    """However long it stands still, what waits stays small, and the last picture is drawn in the end."""
    with pipe() as (end, stream):
        outlet = Outlet(stream, most=8)
        for number in range(1000):
            outlet.write(f"{number:0{PIECE - 1}d}\n")
        before = read_all(end)
        outlet.close()
        after = read_all(end)
        assert before.startswith("0")
        assert [int(line) for line in after.split()] == list(range(992, 1000))
