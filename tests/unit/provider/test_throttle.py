"""The rate of requests, on a clock that jumps."""

from __future__ import annotations

import anyio
import pytest

from rivya_run.progress import Event
from rivya_run.provider.throttle import Pace
from virtual_time import run

FAR = float("inf")


class Server:
    """Takes ``limit`` requests in each window of ``window`` seconds; an answer takes ``latency`` seconds."""

    def __init__(self, limit: int, window: float, latency: float, *, hint: bool) -> None:
        self.limit = limit
        self.window = window
        self.latency = latency
        self.hint = hint
        self.seen: dict[int, int] = {}
        self.answered = 0
        self.refused = 0

    async def ask(self, pace: Pace) -> bool:
        sent_at = anyio.current_time()
        await anyio.sleep(self.latency / 2)
        now = anyio.current_time()
        number = int(now // self.window)
        self.seen[number] = self.seen.get(number, 0) + 1
        taken = self.seen[number] <= self.limit
        await anyio.sleep(self.latency / 2)
        if taken:
            self.answered += 1
            pace.answered(sent_at=sent_at)
        else:
            self.refused += 1
            hint = (number + 1) * self.window - now if self.hint else None
            pace.refused(hint, sent_at=sent_at, creates=False)
        return taken


def serve(server: Server, requests: int, told: list[Event] | None = None) -> float:
    """Thirty callers behind a gate of eight make so many requests in all; the time it took."""

    async def caller(pace: Pace, gate: anyio.Semaphore, left: list[int]) -> None:
        while left:
            async with gate:
                assert await pace.ready(FAR)
                if await server.ask(pace) and left:
                    left.pop()

    async def body() -> float:
        began = anyio.current_time()
        pace = Pace(random=lambda: 0.5, notify=told.append if told is not None else None)
        gate = anyio.Semaphore(8)
        left = [0] * requests
        async with anyio.create_task_group() as group:
            for _ in range(30):
                group.start_soon(caller, pace, gate, left)
        return anyio.current_time() - began

    return run(body)


@pytest.mark.parametrize("hint", [True, False])
@pytest.mark.parametrize("latency", [0.002, 0.03, 0.2])
@pytest.mark.parametrize(("limit", "window"), [(20, 1.0), (3, 1.0), (100, 60.0)])
def test_limited_server(limit: int, window: float, latency: float, hint: bool) -> None:
    """A server with a limit gets little more than it takes, and not much less."""
    server = Server(limit, window, latency, hint=hint)
    spent = serve(server, 400)
    assert server.refused < 0.25 * (server.answered + server.refused)
    assert spent < 3 * 400 / limit * window


def test_unlimited_server() -> None:
    """Nothing is held back where nothing is refused."""
    server = Server(10**9, 1.0, 0.08, hint=False)
    assert serve(server, 800) == pytest.approx(8.0, rel=0.1)


def test_pause() -> None:
    """A 429 pauses everything for Retry-After, told once for all refusals of an episode."""
    told: list[Event] = []

    async def body() -> None:
        pace = Pace(random=lambda: 0.5, notify=told.append)
        began = anyio.current_time()
        assert await pace.ready(FAR)
        for _ in range(5):
            pace.refused(7.0, sent_at=began - 0.1, creates=True)
        assert not await pace.ready(began + 6.9)
        assert anyio.current_time() == began
        assert await pace.ready(began + 7.1)
        assert anyio.current_time() == pytest.approx(began + 7.0)

    run(body)
    assert [(event.name, event.detail["seconds"]) for event in told] == [("paused", 7.0)]


def test_refused_create_at_low_rates() -> None:
    """A refused create among few requests speaks of tasks in flight: requests pause but keep their rate."""

    async def body() -> None:
        pace = Pace(random=lambda: 0.5)
        for _ in range(5):
            await pace.ready(FAR)
            pace.answered(sent_at=anyio.current_time())
            await anyio.sleep(1)
        pace.refused(None, sent_at=anyio.current_time(), creates=True)
        assert pace.rate is None
        await anyio.sleep(1)
        pace.refused(None, sent_at=anyio.current_time(), creates=False)
        assert pace.rate == pytest.approx(2.0)

    run(body)


def test_recovery() -> None:
    """The rate grows until nothing is held back any more."""

    async def body() -> None:
        pace = Pace(random=lambda: 0.5)
        await pace.ready(FAR)
        pace.refused(0.0, sent_at=anyio.current_time(), creates=False)
        first = pace.rate
        await anyio.sleep(10)
        second = pace.rate
        assert first is not None and second is not None and second > first
        await anyio.sleep(1000)
        assert pace.rate is None

    run(body)
