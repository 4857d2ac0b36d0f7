"""Standard input, output and error as a command finds them: closed, full, or with nobody at the other end.

Standard error never fails a command, and no file of ours gets the number of a stream that is closed: what a
library writes there would land in it.
"""

from __future__ import annotations

import io
import os
import sys

from rivya_run.errors import READER_GONE


def open_streams() -> None:
    """Give each standard stream that is closed the null device, and let standard error take whatever comes."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - a descriptor, kept
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    old = sys.stderr
    if os.name == "nt" and old is not None:
        return  # its console takes letters, not bytes
    sys.stderr = io.TextIOWrapper(
        io.BufferedWriter(_Forgiving(2, "w", closefd=False)),
        encoding=old.encoding if old is not None else "utf-8",
        errors="backslashreplace",
        line_buffering=True,
    )


class _Forgiving(io.FileIO):
    """A file that takes what can't be written."""

    def write(self, content: bytes, /) -> int:  # type: ignore[override]  # what a BufferedWriter gives it
        try:
            return super().write(content)
        except OSError:
            return len(content)


def settled(code: int) -> int:
    """The exit code of a command after its last words; what standard output doesn't take any more is dropped."""
    try:
        if code != READER_GONE:
            sys.stdout.flush()
            return code
    except BrokenPipeError:
        code = code or READER_GONE
    except (OSError, ValueError) as error:
        if not code:  # else it was reported already
            code = 1
            sys.stderr.write(
                f"error: the output can't be written: {getattr(error, 'strerror', None) or error}\n"
            )
    try:  # noqa: SIM105 - contextlib takes longer to load than a rerun with nothing to do
        # Python's own flush at its end would fail again, and say so in its own words.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):  # it needn't be a file
        pass
    return code
