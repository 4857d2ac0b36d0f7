"""HTTP/1.1 connections of our own below the HTTP library: asyncio and h11, kept alive, the last used first.

The library's own pool spends 1 ms of CPU and more on a request, most of it on asking the system for things that
an event loop tells anyway; this spends a tenth of it. Errors are called as the library calls them, since
``faults`` goes by their names. Proxies are the library's business: with one of them its pool is used.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar, cast

import h11

from rivya_run.wire.origin import is_loopback

T = TypeVar("T")
Headers = list[tuple[bytes, bytes]]

_READ_AHEAD = 1024 * 1024
_LONGEST_HEAD = 64 * 1024
_RACE = 0.25
_IDLE_MOST = 16
_TURNS = 100  # of the event loop, in which a connection that was let go is gone


class ConnectError(Exception):
    """No connection: nothing was sent."""


class ConnectTimeout(Exception):
    """No connection in time: nothing was sent."""


class ReadError(Exception):
    """The connection broke."""


class ReadTimeout(Exception):
    """Nothing came for too long."""


class WriteTimeout(Exception):
    """What is sent was not taken in time."""


class RemoteProtocolError(Exception):
    """What came is no HTTP, or ended too early."""


class LocalProtocolError(Exception):
    """What was to be sent is no HTTP."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a connection leads."""

    host: str
    port: int
    secure: bool


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: to connect, and for each piece that is read or written; None waits for ever."""

    connect: float | None
    read: float | None
    write: float | None


@dataclass(frozen=True, slots=True)
class Question:
    """A request, as it goes over the wire."""

    method: bytes
    target: bytes
    headers: Headers = field(repr=False)  # the key is among them
    body: AsyncIterable[bytes]
    timeouts: Timeouts


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
        self, head: h11.Response, connection: Connection, patience: float | None, done: Callable[[], None]
    ) -> None:
        self.status = head.status_code
        self.headers = head.headers.raw_items()
        self._connection = connection
        self._patience = patience
        self._done = done
        self._open = True

    async def body(self) -> AsyncGenerator[bytes, None]:
        """Piece by piece, transfer encodings undone."""
        while (piece := await self._connection.piece(self._patience)) is not None:
            yield piece

    def close(self) -> None:
        """Let the connection rest, if its answer was read to the end; else close it."""
        if self._open:
            self._open = False
            self._done()


class Connection(asyncio.Protocol):
    """One connection and the exchange that goes on over it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, opened: set[Connection]) -> None:
        """``opened`` holds it from the moment it stands until it is gone."""
        self.used_at = loop.time()
        self._loop = loop
        self._opened = opened
        self._h11 = h11.Connection(h11.CLIENT, max_incomplete_event_size=_LONGEST_HEAD)
        self._transport: asyncio.Transport | None = None
        self._news: asyncio.Future[None] | None = None
        self._room: asyncio.Future[None] | None = None
        self._full = False
        self._pieces: deque[bytes] = deque()
        self._left = 0
        self._waiting = 0
        self._reading = True
        self._resting = False
        self._ended = False
        self._broken: Exception | None = None

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        self._transport = cast(asyncio.Transport, transport)
        self._opened.add(self)

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        if self._resting or self._ended:
            self.abort()
            return
        if self._left:
            self._pieces.append(data)
        else:
            self._h11.receive_data(data)
        self._waiting += len(data)
        if self._waiting > _READ_AHEAD and self._reading and self._transport is not None:
            self._reading = False
            self._transport.pause_reading()
        _wake(self._news)

    def eof_received(self) -> None:
        """Nothing more will come."""
        self._end(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._end(exc)
        _wake(self._room)
        self._opened.discard(self)

    def pause_writing(self) -> None:
        """The other side is slower than we are."""
        self._full = True

    def resume_writing(self) -> None:
        """There is room again."""
        self._full = False
        _wake(self._room)

    def _end(self, error: Exception | None) -> None:
        if not self._ended:
            self._ended = True
            self._broken = error
            if error is None:
                self._h11.receive_data(b"")
        _wake(self._news)

    # What an exchange needs.

    @property
    def usable(self) -> bool:
        """Whether nothing speaks against another request."""
        return self._resting and not self._ended

    async def send(self, question: Question) -> None:
        """Send a whole request, in one piece if it is small."""
        self._resting = False
        try:
            head = h11.Request(method=question.method, target=question.target, headers=question.headers)
            waiting = self._h11.send(head) or b""
            async for chunk in question.body:
                if waiting and len(waiting) + len(chunk) > _LONGEST_HEAD:
                    await self._write(waiting, question.timeouts.write)
                    waiting = b""
                waiting += self._h11.send(h11.Data(data=chunk)) or b"" if chunk else b""
                if self._ended:
                    return  # refused on the way: the answer says why, if there is one
            waiting += self._h11.send(h11.EndOfMessage()) or b""
        except h11.LocalProtocolError as error:
            raise LocalProtocolError(str(error)) from error
        await self._write(waiting, question.timeouts.write)

    async def head(self, patience: float | None) -> h11.Response:
        """The head of the final answer."""
        while True:
            event = await self._event(patience)
            if isinstance(event, h11.Response):
                self._go_past_parser(event)
                return event
            if not isinstance(event, h11.InformationalResponse):
                raise RemoteProtocolError("the connection was closed without an answer")

    async def piece(self, patience: float | None) -> bytes | None:
        """What came of the body since the last call; None at its end."""
        if self._left:
            return await self._plain_piece(patience)
        event = await self._event(patience)
        if isinstance(event, h11.Data):
            self._waiting = 0
            self._go_on_reading()
            return event.data
        if isinstance(event, h11.EndOfMessage):
            return None
        raise RemoteProtocolError("the connection was closed in the middle of an answer")

    def rest(self) -> bool:
        """Get ready for another request; False where that is not to be."""
        if self._ended or self._h11.our_state is not h11.DONE or self._h11.their_state is not h11.DONE:
            return False
        if self._h11.trailing_data[0]:
            return False
        self._h11.start_next_cycle()
        self._waiting = 0
        self._go_on_reading()
        self._resting = True
        self.used_at = self._loop.time()
        return True

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    async def _event(self, patience: float | None) -> object:
        while True:
            try:
                event = self._h11.next_event()
            except h11.RemoteProtocolError as error:
                raise RemoteProtocolError(str(error)) from error
            if event is not h11.NEED_DATA and event is not h11.PAUSED:
                return event
            if self._ended:
                raise ReadError(str(self._broken or "the connection was closed"))
            self._waiting = 0
            self._go_on_reading()
            self._news = self._loop.create_future()
            await _within(patience, self._news, ReadTimeout)

    async def _write(self, content: bytes, patience: float | None) -> None:
        assert self._transport is not None
        if not self._ended:
            self._transport.write(content)
        while self._full and not self._ended:
            self._room = self._loop.create_future()
            await _within(patience, self._room, WriteTimeout)

    def _go_on_reading(self) -> None:
        if not self._reading and self._transport is not None:
            self._reading = True
            self._transport.resume_reading()


def _wake(future: asyncio.Future[None] | None) -> None:
    if future is not None and not future.done():
        future.set_result(None)


async def _within(patience: float | None, future: Awaitable[T], late: type[Exception]) -> T:
    try:
        async with asyncio.timeout(patience):
            return await future
    except TimeoutError:
        raise late(f"nothing for {patience:g} s") from None
