"""Ctrl-C, SIGTERM, a closed terminal: the first one asks a run to leave in order, a second one leaves at once."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import anyio

from rivya_run.errors import Interrupted

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")


class Interrupts:
    """Whether somebody asked to stop, and what is cancelled then."""

    def __init__(self) -> None:
        self.heard = False
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

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hear signals while the block runs; in the main thread, inside the event loop.

        Handlers are Python's own and wake the loop, which works on every system. A hang-up that is ignored
        (``nohup``) stays ignored; an interrupt is always meant, also in a shell's background, where it is
        ignored by custom. A second one ends the process at once.
        """
        loop = asyncio.get_running_loop()
        seen = False

        def hear(number: int, frame: FrameType | None) -> None:
            nonlocal seen
            if seen:
                os._exit(Interrupted.exit_code)
            seen = True
            loop.call_soon_threadsafe(self.interrupt)

        before = {}
        for name in _NAMES:
            number = getattr(signal, name, None)
            if number is None or (name == "SIGHUP" and signal.getsignal(number) is signal.SIG_IGN):
                continue
            try:
                before[number] = signal.signal(number, hear)
            except ValueError:  # not the main thread: whoever runs us there hears for us
                break
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler if handler is not None else signal.SIG_DFL)
