"""Every request that reached either origin, for tests that ask what a client really sent, and the connections below.

uvicorn gives an application no way to break a connection, so its protocol class is extended by a register of
open transports; a response that has to break finds its own there by the peer's address.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from starlette.types import Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

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
        """Its headers, names in lower case (empty when the simulator was told not to keep them)."""
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
