"""The streams under the HTTP engine: they notice a refusal during an upload, and data after the end of a response."""

from __future__ import annotations

import re
import ssl
from collections.abc import AsyncIterable, AsyncIterator
from typing import Any

import anyio
import anyio.abc
import httpcore2

_READ = 1024 * 1024
"""Bytes that are read at once. No less than the event loop takes from a socket (256 KiB): what it has taken can't be
seen there any more, and would be taken for the beginning of the next answer."""

_EARLY_MOST = 64 * 1024  # bytes of an early answer that are held: its head and the reason
_REFUSAL = re.compile(rb"HTTP/1\.[01] [45]")


class Streams(httpcore2.AsyncNetworkBackend):
    """Makes the streams of one slot, and knows them, so that none is forgotten when something is cancelled."""

    def __init__(self) -> None:
        self._anyio = httpcore2.AnyIOBackend()
        self.stream: SlotStream | None = None

    async def connect_tcp(
        self, host: str, port: int, *args: Any, **kwargs: Any
    ) -> httpcore2.AsyncNetworkStream:
        """To a server, or to a proxy."""
        self.stream = SlotStream(await self._anyio.connect_tcp(host, port, *args, **kwargs), self)
        return self.stream

    async def aclose(self) -> None:
        stream, self.stream = self.stream, None
        if stream is not None:
            await stream.aclose()

    async def listening(
        self, pieces: AsyncIterable[bytes], group: anyio.abc.TaskGroup
    ) -> AsyncIterator[bytes]:
        """The pieces of a body; while they are sent, the stream is listened to."""
        if self.stream is not None:
            await group.start(self.stream.listen)
        async for piece in pieces:
            yield piece


class SlotStream(httpcore2.AsyncNetworkStream):
    """One stream; TLS replaces it by another."""

    def __init__(self, stream: httpcore2.AsyncNetworkStream, streams: Streams) -> None:
        self._stream = stream
        self._streams = streams
        self._early = b""
        self._stop: anyio.CancelScope | None = None
        self._stopped = anyio.Event()
        self._refused = False
        self._sending: anyio.CancelScope | None = None
        self._tls: ssl.SSLObject | None = stream.get_extra_info("ssl_object")

    async def listen(self, *, task_status: anyio.abc.TaskStatus[None]) -> None:
        """Take what comes while a body is sent; a refusal, or the end of the stream, ends the sending."""
        self._refused, self._stopped = False, anyio.Event()
        try:
            with anyio.CancelScope() as self._stop:
                task_status.started()
                while not self._refused and len(self._early) < _EARLY_MOST:
                    piece = await self._stream.read(_READ)
                    self._early += piece
                    self._refused = not piece or _REFUSAL.match(self._early) is not None
        except Exception:  # whatever it is, the engine meets it when it reads
            self._refused = True
        finally:
            self._stopped.set()
        if self._refused and self._sending is not None:
            self._sending.cancel()

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        """What came; empty at the end."""
        if self._stop is not None:
            self._stop.cancel()
            await self._stopped.wait()
            self._stop = None
        if self._early:
            early, self._early = self._early, b""
            return early
        # TLS takes record by record, and makes room for all that it might be given.
        return await self._stream.read(max_bytes if self._tls else _READ, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Raises WriteError when the answer is a refusal already: the engine then reads it."""
        if self._stop is None:
            await self._stream.write(buffer, timeout)
            return
        if not self._refused:
            with anyio.CancelScope() as self._sending:
                await self._stream.write(buffer, timeout)
            self._sending = None
        if self._refused:
            raise httpcore2.WriteError("the response came before the request was sent completely")

    async def start_tls(self, *args: Any, **kwargs: Any) -> httpcore2.AsyncNetworkStream:
        self._streams.stream = SlotStream(await self._stream.start_tls(*args, **kwargs), self._streams)
        return self._streams.stream

    async def aclose(self) -> None:
        await self._stream.aclose()

    def get_extra_info(self, info: str) -> Any:
        """What the stream knows; ``is_readable`` also for what TLS has taken from the socket."""
        if info == "is_readable":
            return self._stream.get_extra_info(info) or (self._tls is not None and _holds_more(self._tls))
        return self._stream.get_extra_info(info)


def _holds_more(tls: ssl.SSLObject) -> bool:
    try:
        tls.read(1)
    except ssl.SSLWantReadError:
        return False
    except OSError:
        return True
    return True
