"""One HTTP/1.1 connection: asyncio carries it, h11 reads and writes it, large bodies go past the parser."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterable, Awaitable
from dataclasses import dataclass, field
from typing import TypeVar, cast

import h11

T = TypeVar("T")
Headers = list[tuple[bytes, bytes]]

_READ_AHEAD = 1024 * 1024
_LONGEST_HEAD = 64 * 1024
_LARGE = 256 * 1024


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
    body: bytes | AsyncIterable[bytes]
    timeouts: Timeouts


class Connection(asyncio.Protocol):
    """One connection and the exchange that goes on over it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, opened: set[Connection]) -> None:
        """``opened`` holds it from the moment it stands until it is gone."""
        self.used_at = loop.time()
        self._loop = loop
        self._opened = opened
        self._h11 = _parser()
        self._transport: asyncio.Transport | None = None
        self._news: asyncio.Future[None] | None = None
        self._room: asyncio.Future[None] | None = None
        self._full = False
        self._pieces: deque[bytes] = deque()
        self._left = 0
        self._past_parser = False
        self._lasting = True
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
        if self._past_parser:
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
            if isinstance(question.body, bytes):
                waiting += self._data(question.body)
            else:
                async for chunk in question.body:
                    if waiting and len(waiting) + len(chunk) > _LONGEST_HEAD:
                        await self._write(waiting, question.timeouts.write)
                        waiting = b""
                    waiting += self._data(chunk)
                    if self._ended:
                        return  # refused on the way: the answer says why, if there is one
            waiting += self._h11.send(h11.EndOfMessage()) or b""
        except h11.LocalProtocolError as error:
            raise LocalProtocolError(str(error)) from error
        await self._write(waiting, question.timeouts.write)

    def _data(self, chunk: bytes) -> bytes:
        return self._h11.send(h11.Data(data=chunk)) or b"" if chunk else b""

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
        if self._past_parser:
            return await self._plain_piece(patience) if self._left else None
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
        if self._past_parser:
            if self._ended or self._left or self._pieces or not self._lasting:
                return False
            self._past_parser = False
            self._h11 = _parser()
        elif self._ended or not self._both_done():
            return False
        else:
            self._h11.start_next_cycle()
        self._waiting = 0
        self._go_on_reading()
        self._resting = True
        self.used_at = self._loop.time()
        return True

    def _both_done(self) -> bool:
        done = self._h11.our_state is h11.DONE and self._h11.their_state is h11.DONE
        return done and not self._h11.trailing_data[0]

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    def _go_past_parser(self, head: h11.Response) -> None:
        """A large body of known length needs no parser, which would only copy it twice."""
        headers = dict(head.headers)
        length = headers.get(b"content-length", b"0")
        if head.status_code not in (200, 206) or b"transfer-encoding" in headers or int(length) < _LARGE:
            return
        self._past_parser = True
        self._lasting = (
            head.http_version == b"1.1" and b"close" not in headers.get(b"connection", b"").lower()
        )
        self._left = int(length)
        there = self._h11.trailing_data[0]
        if there:
            self._pieces.append(there)

    async def _plain_piece(self, patience: float | None) -> bytes:
        while not self._pieces:
            if self._ended:
                raise ReadError(str(self._broken or f"the connection was closed {self._left} bytes early"))
            self._waiting = 0
            self._go_on_reading()
            self._news = self._loop.create_future()
            await _within(patience, self._news, ReadTimeout)
        piece = self._pieces.popleft()
        if len(piece) > self._left:
            self._lasting = False
            piece = piece[: self._left]
        self._left -= len(piece)
        return piece

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


def _parser() -> h11.Connection:
    return h11.Connection(h11.CLIENT, max_incomplete_event_size=_LONGEST_HEAD)


def _wake(future: asyncio.Future[None] | None) -> None:
    if future is not None and not future.done():
        future.set_result(None)


async def _within(patience: float | None, future: Awaitable[T], late: type[Exception]) -> T:
    try:
        async with asyncio.timeout(patience):
            return await future
    except TimeoutError:
        raise late(f"nothing for {patience:g} s") from None
