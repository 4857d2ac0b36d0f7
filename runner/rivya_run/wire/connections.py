"""HTTP/1.1 connections of our own, kept alive, the last used first.

A request over them takes about a fifth of the CPU that the HTTP library takes with one connection (`make bench
BENCH=exchange`). Errors are called as the library calls them, since ``faults`` goes by their names. Proxies are the
library's business.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass

from rivya_run.wire.connection import Connection
from rivya_run.wire.origin import is_loopback
from rivya_run.wire.question import Question
from rivya_run.wire.response import Head

_RACE = 0.25
_IDLE_MOST = 16
_TURNS = 100  # of the event loop, in which a connection that was let go is gone


class ConnectError(Exception):
    """No connection: nothing was sent."""


class ConnectTimeout(Exception):
    """No connection in time: nothing was sent."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a connection leads."""

    host: str
    port: int
    secure: bool

    @property
    def header(self) -> bytes:
        """What the Host header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = self.port == (443 if self.secure else 80)
        return (host if usual else f"{host}:{self.port}").encode("ascii")


class Connections:
    """Open connections by origin; who bounds how many there are at once is the caller."""

    def __init__(self, *, tls: Callable[[], ssl.SSLContext], keep_alive: float) -> None:
        self._tls = tls
        self._keep_alive = keep_alive
        self._idle: dict[Origin, list[Connection]] = {}
        self._open: set[Connection] = set()

    async def ask(self, origin: Origin, question: Question) -> Answer:
        """Send a request, and wait for the head of its answer; the answer has to be closed."""
        connection = self._kept(origin) or await self._opened(origin, question.timeouts.connect)
        try:
            await connection.send(question)
            head = await connection.head(question.timeouts.read)
        except BaseException:
            connection.abort()
            raise
        return Answer(head, connection, question.timeouts.read, lambda: self._keep(origin, connection))

    async def aclose(self) -> None:
        """Close everything, and wait until the event loop has done so."""
        self._idle.clear()
        for connection in tuple(self._open):
            connection.abort()
        for _ in range(_TURNS):
            if not self._open:
                return
            await asyncio.sleep(0)

    def _kept(self, origin: Origin) -> Connection | None:
        """A connection that waits for its next request, if one is still alive."""
        idle = self._idle.get(origin, [])
        oldest = asyncio.get_running_loop().time() - self._keep_alive
        while idle:
            connection = idle.pop()
            if connection.usable and connection.used_at > oldest:
                return connection
            connection.abort()
        return None

    def _keep(self, origin: Origin, connection: Connection) -> None:
        idle = self._idle.setdefault(origin, [])
        if connection.rest() and len(idle) < _IDLE_MOST:
            idle.append(connection)
        else:
            connection.abort()

    async def _opened(self, origin: Origin, patience: float | None) -> Connection:
        loop = asyncio.get_running_loop()
        tls = self._tls() if origin.secure else None
        try:
            async with asyncio.timeout(patience):
                _, connection = await loop.create_connection(
                    lambda: Connection(loop, self._open),
                    origin.host,
                    origin.port,
                    ssl=tls,
                    server_hostname=origin.host if tls else None,
                    # With one address there is no race, and asyncio's may lose a socket when cancelled.
                    happy_eyeballs_delay=None if is_loopback(origin.host) else _RACE,
                )
        except TimeoutError as error:
            raise ConnectTimeout(str(error)) from error
        except (OSError, UnicodeError, ValueError) as error:
            raise ConnectError(str(error)) from error
        return connection


class Answer:
    """The head of an answer, and its body as it comes."""

    def __init__(
        self, head: Head, connection: Connection, patience: float | None, done: Callable[[], None]
    ) -> None:
        self.status = head.status
        self.headers = head.headers
        self._connection = connection
        self._patience = patience
        self._done = done
        self._open = True

    async def body(self) -> AsyncGenerator[bytes, None]:
        """Piece by piece, transfer encodings undone."""
        while (piece := await self._connection.piece(self._patience)) is not None:
            yield piece

    async def aclose(self) -> None:
        """Let the connection rest, if its answer was read to the end; else close it."""
        if self._open:
            self._open = False
            self._done()
