"""Client, pace and limiter together, against an account with limits, on a clock that jumps."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import anyio
import httpx2
import pytest

from mock_api import KEY, ORIGIN
from rivya_run.engine.task_slots import Slot, TaskLimiter
from rivya_run.journal.attempt import Task, TaskStatus
from rivya_run.provider.http import Http
from rivya_run.provider.interface import Created, Throttled
from rivya_run.provider.origin import Secret
from rivya_run.provider.rivya.client import RivyaClient
from rivya_run.provider.throttle import Pace
from virtual_time import run


@dataclass
class Account:
    """Takes so many tasks at once and so many requests a second; a request takes 20 ms."""

    tasks: int
    requests: int
    seconds: float
    hint: str | None
    ends: dict[str, float] = field(default_factory=dict)
    asked: int = 0
    refused: int = 0
    refused_creates: int = 0
    _windows: dict[int, int] = field(default_factory=dict)

    async def handle(self, request: httpx2.Request) -> httpx2.Response:
        await anyio.sleep(0.01)
        now = anyio.current_time()
        self.asked += 1
        self._windows[int(now)] = self._windows.get(int(now), 0) + 1
        creates = request.method == "POST"
        running = sum(1 for end in self.ends.values() if end > now)
        if self._windows[int(now)] > self.requests or (creates and running >= self.tasks):
            self.refused += 1
            self.refused_creates += creates
            answer = httpx2.Response(429, headers={"retry-after": self.hint} if self.hint else {})
        else:
            answer = httpx2.Response(200, json=self._task(request, now))
        await anyio.sleep(0.01)
        return answer

    def _task(self, request: httpx2.Request, now: float) -> dict[str, object]:
        task_id = request.url.path.rpartition("/")[2]
        if request.method == "POST":
            task_id = f"task_{json.loads(request.content)['n']}"
            self.ends.setdefault(task_id, now + self.seconds)
        return {"id": task_id, "status": "succeeded" if self.ends[task_id] <= now else "processing"}


async def take(client: RivyaClient, limiter: TaskLimiter, number: int) -> None:
    """One take, as ``create`` does it: its slot is left and taken again when the API throttles it."""
    slot = await limiter.acquire()
    body = json.dumps({"n": number}).encode()
    async for attempt in client.attempts("create", anyio.current_time() + 1800):
        async with client.turn(attempt.deadline) as granted:
            assert granted
            found = await client.create_once(body, f"k{number}")
        if isinstance(found, Created):
            slot.accepted()
            await poll(client, found.task.id, slot)
            return
        assert isinstance(found, Throttled)
        slot.throttled(found.retry_after)
        slot = await limiter.acquire()
        attempt.at_once()


async def poll(client: RivyaClient, task_id: str, slot: Slot) -> None:
    while True:
        await anyio.sleep(0.5)
        found = await client.task(task_id, deadline=anyio.current_time() + 1800)
        if isinstance(found, Task) and found.status is TaskStatus.SUCCEEDED:
            slot.release()
            return


def makespan(account: Account, takes: int, concurrency: int) -> float:
    async def body() -> float:
        began = anyio.current_time()
        transport = httpx2.MockTransport(account.handle)
        pace = Pace(random=lambda: 0.5)
        async with Http(
            ORIGIN, Secret(KEY), pace=pace, transport=transport, clock=anyio.current_time
        ) as http:
            client = RivyaClient(http, clock=anyio.current_time, random=lambda: 0.5)
            limiter = TaskLimiter(concurrency)
            async with anyio.create_task_group() as group:
                for number in range(takes):
                    group.start_soon(take, client, limiter, number)
        return anyio.current_time() - began

    return run(body)


@pytest.mark.parametrize("hint", [None, "1", "0"])
@pytest.mark.parametrize("seconds", [2.0, 10.0])
def test_five_tasks_at_once(seconds: float, hint: str | None) -> None:
    """An account of five tasks at once, asked with thirty: all forty takes within twice the ideal time."""
    account = Account(tasks=5, requests=10**6, seconds=seconds, hint=hint)
    assert makespan(account, 40, 30) < 2 * 8 * seconds
    assert len(account.ends) == 40
    assert account.refused_creates < 20


@pytest.mark.parametrize("hint", [None, "1", "0"])
def test_twenty_requests_a_second(hint: str | None) -> None:
    """A limit of twenty requests a second: all takes arrive and far fewer than 40 % of requests are refused."""
    account = Account(tasks=10**6, requests=20, seconds=4.0, hint=hint)
    spent = makespan(account, 120, 30)
    assert account.refused < 0.15 * account.asked
    assert spent < 4 * account.asked / 20


def test_no_limits() -> None:
    """Without limits at the other side nothing is held back."""
    account = Account(tasks=10**6, requests=10**6, seconds=4.0, hint=None)
    assert makespan(account, 90, 30) < 3 * 4.6
    assert account.refused == 0
