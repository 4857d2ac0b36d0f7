"""Replies, whole and broken."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from rivya_run.records import Json
from rivya_run.simulator.wires import Wires

PAGE = (
    b"<!doctype html><html><head><title>One moment</title></head>"
    b"<body><h1>One moment</h1><p>The page you asked for will be with you shortly.</p></body></html>\n"
)


def reply(body: Json, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON reply."""
    content = json.dumps(body, separators=(",", ":")).encode()
    return Response(content, status, dict(headers or {}), "application/json")


def page(status: int = 200) -> Response:
    """An HTML page as proxies and maintenance screens send it."""
    return Response(PAGE, status, media_type="text/html; charset=utf-8")


def half(whole: Response) -> Response:
    """The first half of a reply's body, called the whole."""
    body = bytes(whole.body)
    return Response(body[: len(body) // 2], whole.status_code, media_type="application/json")


class Dropped(Response):
    """No reply: the connection is reset. Its status code is 0."""

    def __init__(self, wires: Wires) -> None:
        super().__init__(status_code=0)
        self._wires = wires

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Reset the connection and wait until the server knows."""
        self._wires.drop(scope)
        await gone(receive)


class Cut(Response):
    """A reply whose connection closes in the middle of its body."""

    def __init__(self, whole: Response, wires: Wires) -> None:
        super().__init__(whole.body, whole.status_code)
        self.raw_headers = whole.raw_headers
        self._wires = wires

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send headers and half of the body, then hang up."""
        content = bytes(self.body)
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": content[: len(content) // 2], "more_body": True})
        self._wires.hang_up(scope)
        await gone(receive)


class Late(Response):
    """A reply after a wait, unless the client leaves (or the simulator closes) before."""

    def __init__(self, whole: Response, seconds: float) -> None:
        super().__init__(status_code=whole.status_code)
        self._whole, self._seconds = whole, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait, then reply where somebody is still there."""
        try:
            async with asyncio.timeout(self._seconds):
                await gone(receive)
        except TimeoutError:
            await self._whole(scope, receive, send)


async def gone(receive: Receive) -> None:
    """Return when the client's connection is closed."""
    while (await receive())["type"] != "http.disconnect":
        pass
