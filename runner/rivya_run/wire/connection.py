"""One HTTP/1.1 connection: asyncio carries it, one exchange at a time goes over it."""

from __future__ import annotations

import asyncio
import select
import sys
from asyncio.trsock import TransportSocket
from collections.abc import Awaitable
from typing import TypeVar, cast

from rivya_run.wire.question import Question
from rivya_run.wire.response import Head, RemoteProtocolError, Response

T = TypeVar("T")

_READ_AHEAD = 1024 * 1024
_TOGETHER = 64 * 1024


class ReadError(Exception):
    """The connection broke."""


class ReadTimeout(Exception):
    """Nothing came for too long."""


class WriteTimeout(Exception):
    """What is sent was not taken in time."""


class Connection(asyncio.Protocol):
    """One connection and the exchange that goes on over it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, opened: set[Connection]) -> None:
        """``opened`` holds it from the moment it stands until it is gone."""
        self.used_at = loop.time()
        self._loop = loop
        self._opened = opened
        self._transport: asyncio.Transport | None = None
        self._response: Response | None = None
        self._news: asyncio.Future[None] | None = None
        self._room: asyncio.Future[None] | None = None
        self._full = False
        self._waiting = 0
        self._reading = True
        self._sent = False
        self._ended = False
        self._broken: Exception | None = None

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        self._transport = cast(asyncio.Transport, transport)
        self._opened.add(self)

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        if self._response is None or self._ended:
            self._end(None)  # nobody asked, and who asks next must not get it
            self.abort()
            return
        try:
            self._response.feed(data)
        except RemoteProtocolError as error:
            self._end(error)
            self.abort()
            return
        self._waiting += len(data)
        if self._waiting > _READ_AHEAD and self._reading and self._transport is not None:
            self._reading = False
            self._transport.pause_reading()
        _wake(self._news)
        if self._refused:
            _wake(self._room)

    def eof_received(self) -> None:
        """Nothing more will come."""
        try:
            if self._response is not None:
                self._response.end()
        except RemoteProtocolError as error:
            self._end(error)
        else:
            self._end(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._end(exc)
        self._transport = None  # it knows nothing any more, not even how to abort
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
        _wake(self._news)

    # What an exchange needs.

    @property
    def usable(self) -> bool:
        """Whether nothing speaks against another request, even what the event loop hasn't heard yet."""
        if self._response is not None or self._ended or self._transport is None:
            return False
        return not _is_readable(self._transport.get_extra_info("socket"))

    async def send(self, question: Question) -> None:
        """Send a whole request, in one piece if it is small. Raises LocalProtocolError or WriteTimeout.

        It stops where the answer is a refusal already, or the connection has ended: the answer says why, if
        there is one.
        """
        self._response, self._sent = Response(), False
        waiting = question.head()
        patience = question.timeouts.write
        async for piece in question.pieces():
            if len(waiting) + len(piece) > _TOGETHER:
                await self._write(waiting, patience)
                waiting = b""
                await asyncio.sleep(0)  # a large file must not keep the loop from hearing the answer
            waiting += piece
            if self._ended or self._refused:
                return
        await self._write(waiting, patience)
        self._sent = not self._refused

    @property
    def _refused(self) -> bool:
        """Whether an answer is there that makes sending on pointless."""
        head = self._response.head if self._response is not None else None
        return head is not None and head.status >= 400 and not self._sent

    async def head(self, patience: float | None) -> Head:
        """The head of the final answer. Raises RemoteProtocolError, ReadError or ReadTimeout."""
        response = self._exchange()
        while response.head is None:
            await self._more(patience)
        return response.head

    async def piece(self, patience: float | None) -> bytes | None:
        """The next piece of the body; None at its end. Raises as ``head`` does."""
        response = self._exchange()
        while not (piece := response.take()):
            if response.whole:
                return None
            await self._more(patience)
        return piece

    def rest(self) -> bool:
        """Get ready for another request; False where that is not to be."""
        response = self._exchange()
        done = self._sent and response.whole and response.lasting
        if not done or self._ended or response.take():
            return False
        self._response = None
        self._waiting = 0
        self._go_on_reading()
        self.used_at = self._loop.time()
        return True

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    def _exchange(self) -> Response:
        assert self._response is not None, "nothing was sent"
        return self._response

    async def _more(self, patience: float | None) -> None:
        """Wait until something has come, or the connection has ended."""
        if isinstance(self._broken, RemoteProtocolError):
            raise self._broken
        if self._ended:
            raise ReadError(str(self._broken or "the connection was closed"))
        self._waiting = 0
        self._go_on_reading()
        self._news = self._loop.create_future()
        await _within(patience, self._news, ReadTimeout)

    async def _write(self, content: bytes, patience: float | None) -> None:
        if self._transport is not None and not self._ended:
            self._transport.write(content)
        while self._full and not self._ended and not self._refused:
            self._room = self._loop.create_future()
            await _within(patience, self._room, WriteTimeout)

    def _go_on_reading(self) -> None:
        if not self._reading and self._transport is not None:
            self._reading = True
            self._transport.resume_reading()


def _is_readable(socket: TransportSocket) -> bool:
    """Whether something has come over a socket, be it its end."""
    if sys.platform == "win32":
        return bool(select.select([socket], [], [], 0)[0])
    news = select.poll()  # which, other than select, knows descriptors beyond 1023
    news.register(socket, select.POLLIN)
    return bool(news.poll(0))


def _wake(future: asyncio.Future[None] | None) -> None:
    if future is not None and not future.done():
        future.set_result(None)


async def _within(patience: float | None, future: Awaitable[T], late: type[Exception]) -> T:
    try:
        async with asyncio.timeout(patience):
            return await future
    except TimeoutError:
        raise late(f"nothing for {patience:g} s") from None
