"""Both origins take requests in here, meet them with faults, reply whole or broken, and note what was sent."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from rivya_run.json_types import Json
from rivya_run.models.catalog import Catalog
from rivya_run.simulator.options import Phase, SimulatorOptions
from rivya_run.simulator.refusals import AccountLimits, Refusal
from rivya_run.simulator.render_cache import RenderCache
from rivya_run.simulator.state import State

Origin: TypeAlias = Literal["api", "results"]


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """One request. ``status`` is None where no reply was sent; ``fault``: what was done to it on purpose."""

    origin: Origin
    method: str
    path: str
    status: int | None
    fault: str | None
    at: float
    raw_headers: tuple[tuple[bytes, bytes], ...] = ()

    @property
    def headers(self) -> Mapping[str, str]:
        """Its headers, names in lower case (empty where ``keep_headers`` is off)."""
        return {name.decode("latin-1"): value.decode("latin-1") for name, value in self.raw_headers}


class Traffic:
    """The requests in the order of their arrival at an end, and counts by origin and kind of path."""

    def __init__(self) -> None:
        self.requests: list[SeenRequest] = []
        self.counts: Counter[str] = Counter()
        self.refused = 0
        self.connections: Counter[str] = Counter()
        self.open_connections: Counter[str] = Counter()
        self.most_open: Counter[str] = Counter()

    def note(self, request: SeenRequest, place: str) -> None:
        """Take note of a request and of its place (``create``, ``status``, ``download``, ..)."""
        self.requests.append(request)
        self.counts[place] += 1
        if request.status == 429:
            self.refused += 1

    def of(self, origin: Origin) -> list[SeenRequest]:
        return [request for request in list(self.requests) if request.origin == origin]

    def opened(self, origin: Origin) -> None:
        self.connections[origin] += 1
        self.open_connections[origin] += 1
        self.most_open[origin] = max(self.most_open[origin], self.open_connections[origin])

    def closed(self, origin: Origin) -> None:
        self.open_connections[origin] -= 1


class ConnectionFaults:
    """The open connections of one origin."""

    def __init__(self, origin: Origin, traffic: Traffic) -> None:
        self.origin = origin
        self._traffic = traffic
        self._open: dict[Any, asyncio.Transport] = {}

    def protocol(self) -> type[H11Protocol]:
        """uvicorn's HTTP/1.1 protocol, which registers its connections here."""
        connection_faults = self

        class RegisteredProtocol(H11Protocol):
            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
                super().connection_made(transport)
                connection_faults._open[self.client] = transport
                connection_faults._traffic.opened(connection_faults.origin)

            def connection_lost(self, exc: Exception | None) -> None:
                connection_faults._open.pop(self.client, None)
                connection_faults._traffic.closed(connection_faults.origin)
                super().connection_lost(exc)

        return RegisteredProtocol

    def drop(self, scope: Scope) -> None:
        """Reset the request's connection: what was not sent yet is lost."""
        transport = self._of(scope)
        if transport is not None:
            transport.abort()

    def hang_up(self, scope: Scope) -> None:
        """Close the request's connection after what was written has been sent."""
        transport = self._of(scope)
        if transport is not None:
            transport.close()

    def drop_all(self) -> None:
        for transport in list(self._open.values()):
            transport.abort()

    def _of(self, scope: Scope) -> asyncio.Transport | None:
        client = scope.get("client")
        return self._open.get(tuple(client)) if client else None


class SimulatorContext:
    """What all endpoints share. ``troubles`` collects bugs of the simulator itself: none may go unseen."""

    def __init__(self, options: SimulatorOptions, catalog: Catalog, state: State) -> None:
        self.options = options
        self.catalog = catalog
        self.state = state
        self.gate = AccountLimits(options)
        self.traffic = Traffic()
        self.connection_faults: dict[Origin, ConnectionFaults] = {
            "api": ConnectionFaults("api", self.traffic),
            "results": ConnectionFaults("results", self.traffic),
        }
        self.render_cache = RenderCache(options, catalog)
        self.troubles: list[Exception] = []
        self.results_url = ""
        self.record: Callable[[dict[str, Any]], None] | None = None
        self._turns: Counter[tuple[str, str]] = Counter()
        self._ordinals: Counter[str] = Counter()
        self._requests = 0
        for key, count in state.creates_by_key().items():
            self._turns["create", key] = count
            self._ordinals["create"] += count

    def now(self) -> float:
        return self.options.clock()

    def request_id(self) -> str:
        self._requests += 1
        return f"req_{hashlib.sha256(f'{self.options.seed}|{self._requests}'.encode()).hexdigest()[:16]}"

    def fault(self, place: str, identity: str) -> str | None:
        """The action that the next request of this identity meets."""
        self._turns[place, identity] += 1
        self._ordinals[place] += 1
        return self.options.faults.pick(place, identity, self._turns[place, identity], self._ordinals[place])

    def fate(self, identity: str) -> str | None:
        """What becomes of a task that is created now; refused creates of it don't count."""
        return self.options.faults.pick("task", identity, 1, self.state.count() + 1)

    def notify(self, request: Request, phase: Phase) -> None:
        if self.options.on_request is not None:
            self.options.on_request(request.method, request.scope["path"], phase)

    def refusal(self, refusal: Refusal) -> Response:
        return reply(refusal.body(self.request_id()), refusal.status, refusal.headers)


#: From a request and the fault it meets to the reply.
Answer = Callable[[Request, str | None], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One place as an ASGI application. ``identify`` names the request for the fault plan."""

    context: SimulatorContext
    origin: Origin
    place: str
    identify: Callable[[Request], str]
    answer: Answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take a request in, answer it, note it."""
        request = Request(scope, receive)
        fault = self.context.fault(self.place, self.identify(request))
        response: Response | None = None
        try:
            self.context.notify(request, "before")
            response = await self._answer(request, fault)
            self._note(request, response, fault)
            await response(scope, receive, send)
            self.context.notify(request, "after")
        except ClientDisconnect:
            if response is None:
                self._note(request, None, fault)

    async def _answer(self, request: Request, fault: str | None) -> Response:
        try:
            return await self.answer(request, fault)
        except Refusal as refusal:
            return self.context.refusal(refusal)
        except ClientDisconnect:
            raise
        except Exception as error:
            self.context.troubles.append(error)
            return self.context.refusal(Refusal("internal_error"))

    def _note(self, request: Request, response: Response | None, fault: str | None) -> None:
        seen = SeenRequest(
            origin=self.origin,
            method=request.method,
            path=request.scope["path"],
            status=(response.status_code or None) if response is not None else None,
            fault=fault,
            at=self.context.now(),
            raw_headers=tuple(request.scope["headers"]) if self.context.options.keep_headers else (),
        )
        self.context.traffic.note(seen, self.place)
        if self.context.record is not None:
            with suppress(OSError):
                entry = {"e": "request", "method": seen.method, "path": seen.path, "status": seen.status}
                self.context.record({**entry, "fault": fault, "at": seen.at})


PAGE = (
    b"<!doctype html><html><head><title>One moment</title></head>"
    b"<body><h1>One moment</h1><p>The page you asked for will be with you shortly.</p></body></html>\n"
)


def reply(body: Json, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
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

    def __init__(self, connection_faults: ConnectionFaults) -> None:
        super().__init__(status_code=0)
        self._connection_faults = connection_faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Reset the connection and wait until the server knows."""
        self._connection_faults.drop(scope)
        await gone(receive)


class CutReply(Response):
    """A reply whose connection closes in the middle of its body."""

    def __init__(self, whole: Response, connection_faults: ConnectionFaults) -> None:
        super().__init__(whole.body, whole.status_code)
        self.raw_headers = whole.raw_headers
        self._connection_faults = connection_faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send headers and half of the body, then hang up."""
        content = bytes(self.body)
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": content[: len(content) // 2], "more_body": True})
        self._connection_faults.hang_up(scope)
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
