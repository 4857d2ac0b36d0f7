"""A scripted API behind the HTTP library's mock transport: each answer is the next of a list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import anyio
import httpx2

from rivya_run.progress import Event
from rivya_run.provider.http import Http
from rivya_run.provider.origin import Secret
from rivya_run.provider.rivya.client import RivyaClient
from rivya_run.provider.throttle import Pace

KEY = "rvya_sk_test_0123456789"
ORIGIN = "https://api.example"
Answer: TypeAlias = "httpx2.Response | Exception | Callable[[httpx2.Request], httpx2.Response]"


def task(status: str = "queued", **fields: object) -> httpx2.Response:
    """A task object as an answer."""
    return httpx2.Response(
        200, json={"id": "task_1", "status": status, "model": "m", "error": None, **fields}
    )


def error(status: int, code: str | None = None, **headers: str) -> httpx2.Response:
    """An error of the API's shape, or an empty page without code."""
    body = {"error": {"code": code, "message": "Words.", "requestId": "req_1"}} if code else None
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return (
        httpx2.Response(status, json=body, headers=names) if body else httpx2.Response(status, headers=names)
    )


class MockApi:
    """Answers in order, the last one again and again; remembers requests, bodies and their times."""

    def __init__(self, answers: Sequence[Answer]) -> None:
        self._answers = list(answers)
        self.requests: list[httpx2.Request] = []
        self.bodies: list[bytes] = []
        self.times: list[float] = []
        self.told: list[Event] = []

    async def _handle(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        self.bodies.append(await request.aread())
        self.times.append(anyio.current_time())
        await anyio.sleep(0.01)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, httpx2.Response):
            # An answer is read once; the last one may be given many times.
            return httpx2.Response(answer.status_code, content=answer.content, headers=answer.headers.raw)
        return answer(request)

    def http(self, *, pace: Pace | None = None) -> Http:
        """The connections to this API."""
        transport = httpx2.MockTransport(self._handle)
        return Http(ORIGIN, Secret(KEY), pace=pace, transport=transport, clock=anyio.current_time)

    def client(self, http: Http) -> RivyaClient:
        """A client without luck: jitter is always half."""
        return RivyaClient(http, clock=anyio.current_time, random=lambda: 0.5, tell=self.told.append)
