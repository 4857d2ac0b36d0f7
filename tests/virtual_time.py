"""An event loop whose clock jumps to the next timer, so that a test of minutes takes milliseconds."""

from __future__ import annotations

import asyncio
import selectors
import threading
from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

T = TypeVar("T")


class _Selector(selectors.SelectSelector):
    """Never waits: time that nothing happens in is added to the clock."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout:
            self.now += timeout
        elif not ready and timeout is None:
            if not any(one.name.startswith("AnyIO worker") for one in threading.enumerate()):
                raise RuntimeError("everybody waits, and nothing will ever happen")
            return super().select(None)  # a worker thread is at it
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """Time passes only while everybody waits."""

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.now


def run(body: Callable[[], Awaitable[T]]) -> T:
    """Run a coroutine function on a loop of its own with virtual time (``anyio.current_time`` tells it)."""
    return anyio.run(body, backend_options={"loop_factory": VirtualLoop})
