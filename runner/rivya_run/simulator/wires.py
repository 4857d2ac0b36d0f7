"""Connections as they are below HTTP: counted, and cut on purpose.

uvicorn hands an application no way to break a connection, so its protocol class is extended by a register of
open transports; a reply that has to break finds its own there by the peer's address.
"""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.types import Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

from rivya_run.simulator.traffic import Origin, Traffic


class Wires:
    """The open connections of one origin."""

    def __init__(self, origin: Origin, traffic: Traffic) -> None:
        self.origin = origin
        self._traffic = traffic
        self._open: dict[Any, asyncio.Transport] = {}

    def protocol(self) -> type[H11Protocol]:
        """uvicorn's HTTP/1.1 protocol, telling this register of its connections."""
        wires = self

        class RegisteredProtocol(H11Protocol):
            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
                super().connection_made(transport)
                wires._open[self.client] = transport
                wires._traffic.opened(wires.origin)

            def connection_lost(self, exc: Exception | None) -> None:
                wires._open.pop(self.client, None)
                wires._traffic.closed(wires.origin)
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
        """Reset every connection."""
        for transport in list(self._open.values()):
            transport.abort()

    def _of(self, scope: Scope) -> asyncio.Transport | None:
        client = scope.get("client")
        return self._open.get(tuple(client)) if client else None
