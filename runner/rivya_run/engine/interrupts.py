"""Ctrl-C, SIGTERM, a closed terminal: the first one asks a run to leave in order, a second Ctrl-C leaves at once."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import anyio

from rivya_run.errors import Interrupted

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")

ECHO = 0.1
"""Seconds within which a signal is the one before told again: a terminal tells the whole group, and a wrapper
(``timeout``, ``uv run``, ``npm``) passes on what it was told. Nobody presses Ctrl-C twice as fast."""


class Interrupts:
    """Whether somebody asked to stop, and what is cancelled then."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.heard = False
        self._clock = clock
        self._first: float | None = None
        self._scopes: list[anyio.CancelScope] = []

    @contextmanager
    def cancelling(self) -> Iterator[None]:
        """A block that the first interrupt cancels; what is shielded in it ends first."""
        with anyio.CancelScope() as scope:
            self._scopes.append(scope)
            if self.heard:
                scope.cancel()
            try:
                yield
            finally:
                self._scopes.remove(scope)

    def interrupt(self) -> None:
        """Ask to stop."""
        self.heard = True
        for scope in self._scopes:
            scope.cancel()

    def requested(self, name: str) -> bool:
        """Take a signal in; whether it says to leave at once.

        A person decides that by a second Ctrl-C (or SIGTERM). A closed terminal only ever asks to leave in order:
        kernel and shell both send SIGHUP, and nobody is there to wait any shorter.
        """
        now = self._clock()
        if self._first is None:
            self._first = now
            return False
        return name != "SIGHUP" and now - self._first > ECHO

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hear signals while the block runs; in the main thread, inside the event loop.

        Handlers are Python's own and wake the loop, which works on every system. A hang-up that is ignored
        (``nohup``) stays ignored; an interrupt is always meant, also in a shell's background, where it is
        ignored by custom. What ``requested`` says ends the process at once.
        """
        loop = asyncio.get_running_loop()

        def on_signal(number: int, frame: FrameType | None) -> None:
            if self.requested(signal.Signals(number).name):
                os._exit(Interrupted.exit_code)
            loop.call_soon_threadsafe(self.interrupt)

        before = {}
        for name in _NAMES:
            number = getattr(signal, name, None)
            if number is None or (name == "SIGHUP" and signal.getsignal(number) is signal.SIG_IGN):
                continue
            try:
                before[number] = signal.signal(number, on_signal)
            except ValueError:  # not the main thread: whoever runs us there hears for us
                break
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler if handler is not None else signal.SIG_DFL)
