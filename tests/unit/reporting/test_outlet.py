"""Standard error as a place where nothing can go wrong."""

from __future__ import annotations

import io
import threading

import pytest

from rivya_run.reporting.outlet import AT_ONCE, Lines, Outlet


class Gone(io.StringIO):
    """A terminal that was closed."""

    def write(self, text: str) -> int:
        raise OSError(5, "Input/output error")


def test_a_closed_terminal_is_silence() -> None:
    """EIO on a write is swallowed, and nothing is written any more."""
    outlet = Outlet(Gone())
    outlet.write("a")
    assert outlet.broken
    outlet.flush()
    assert not outlet.isatty()


def test_no_stream_at_all_is_silence() -> None:
    """A program without standard error can be told anything."""
    outlet = Outlet(None)
    assert outlet.write("a") == 1
    with pytest.raises(OSError, match="no stream"):
        outlet.fileno()


def test_letters_that_a_stream_can_not_take_are_escaped() -> None:
    """An ASCII terminal gets escapes, not an error."""
    raw = io.BytesIO()
    outlet = Outlet(io.TextIOWrapper(raw, encoding="ascii"))
    outlet.write("a█")
    outlet.flush()
    assert raw.getvalue() == b"a\\u2588"


def test_lines_come_in_order_and_all_of_them() -> None:
    """What was put is written by the time it is closed."""
    stream = io.StringIO()
    lines = Lines(Outlet(stream))
    for number in range(100):
        lines.put(str(number))
    lines.close()
    assert stream.getvalue().split() == [str(number) for number in range(100)]


class Recording:
    """Keeps each writing apart; the first one waits until it may go on."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self.begun = threading.Event()
        self.may_go_on = threading.Event()

    def write(self, text: str) -> int:
        """Remember what was written in one go."""
        self.written.append(text)
        self.begun.set()
        assert self.may_go_on.wait(10)
        return len(text)

    def flush(self) -> None:
        """Nothing is held back."""


def test_lines_that_wait_are_written_in_one_go() -> None:
    """While a writing lasts lines gather, and the next writing holds them all, but never more than AT_ONCE."""
    recording = Recording()
    lines = Lines(recording)
    lines.put("first")
    assert recording.begun.wait(10)
    for number in range(AT_ONCE + 1):
        lines.put(str(number))
    recording.may_go_on.set()
    lines.close()
    assert recording.written == ["first\n", "".join(f"{n}\n" for n in range(AT_ONCE)), f"{AT_ONCE}\n"]
