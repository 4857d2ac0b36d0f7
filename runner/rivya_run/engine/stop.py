"""What stops a run: an empty wallet, a full disk, an API that answers nobody; Ctrl-C, SIGTERM, a closed terminal."""

from __future__ import annotations

import asyncio
import math
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

import anyio

from rivya_run.engine.next_step import Ending, Outcome
from rivya_run.errors import Interrupted
from rivya_run.journal.attempt import TakeStatus

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")

ECHO = 0.1
"""Seconds within which a signal is the one before told again: a terminal tells the whole group, and a wrapper
(``timeout``, ``uv run``, ``npm``) passes on what it was told. Nobody presses Ctrl-C twice as fast."""


class Stop:
    """Whether a run goes on creating; the first reason to stop stays.

    An outage is one: the API, though it was asked, has answered nothing for ``patience`` seconds, as long as one take
    may last. Time in which nothing is asked is no outage. ``clock`` is monotonic.
    """

    def __init__(self, patience: float = math.inf, clock: Callable[[], float] = time.monotonic) -> None:
        self.outcome: Outcome | None = None
        self.silent_for = 0.0
        """Seconds from the beginning of the first exchange that met trouble to the end of the latest one."""
        self._patience = patience
        self._clock = clock
        self._of_one = True
        self._first: tuple[str, float] | None = None
        self._ended_at = -math.inf

    def creating(self, ending: Ending, message: str) -> None:
        """Create nothing more, for this reason; what runs is finished and fetched."""
        if self.outcome is None:
            self.outcome = Outcome(ending, TakeStatus.PLANNED, message)

    def for_empty_wallet(self) -> None:
        """Create nothing more: the API says that there are no credits left."""
        self.creating(Ending.OUT_OF_CREDITS, "the wallet is empty: add credits and run again")

    @property
    def outage(self) -> bool:
        """Whether the API has answered nothing for as long as one take may last."""
        return self.silent_for >= self._patience

    def record_exchange(self, who: str, sent_at: float, trouble: str | None) -> None:
        """One exchange with the API: whose, begun when, and the trouble it met, in words.

        In an outage that is not one take's alone (which may be the trouble itself) the takes that wait would only
        meet it too, one after another: creating stops for all.
        """
        now = self._clock()
        if trouble is None:
            self.silent_for, self._of_one, self._first, self._ended_at = 0.0, True, None, now
            return
        if self._first is None:
            self._first = (who, max(sent_at, self._ended_at))
        first, since = self._first
        self._of_one = self._of_one and who == first
        self.silent_for = now - since
        if self.outage and not self._of_one:
            message = f"the API answered nothing for {self._patience:g} s: {trouble}"
            self.creating(Ending.UNFINISHED, message)


class Interrupts:
    """Whether somebody asked to stop, and what is cancelled then."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.heard = False
        self._clock = clock
        self._first: float | None = None
        self._scopes: list[anyio.CancelScope] = []
        self._loop: asyncio.AbstractEventLoop | None = None

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

    def request(self) -> None:
        """Ask to stop, from any thread, also before the event loop runs: then nothing is begun."""
        self.heard = (
            True  # before the look at the loop: who begins to listen sets that first, then looks at this
        )
        loop = self._loop
        if loop is not None:
            with suppress(RuntimeError):  # it has ended, and there is nothing left to stop
                loop.call_soon_threadsafe(self.interrupt)

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
    def listening(self, leaving: Callable[[], object] = lambda: None) -> Iterator[None]:
        """Hear signals while the block runs; in the main thread, inside the event loop.

        Handlers are Python's own and wake the loop, which works on every system. A hang-up that is ignored
        (``nohup``) stays ignored; an interrupt is always meant, also in a shell's background, where it is
        ignored by custom. What ``requested`` says ends the process at once, after ``leaving``.
        """
        loop = self._loop = asyncio.get_running_loop()

        def on_signal(number: int, frame: FrameType | None) -> None:
            if self.requested(signal.Signals(number).name):
                leaving()
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
            self._loop = None
            for number, handler in before.items():
                signal.signal(number, handler if handler is not None else signal.SIG_DFL)
