"""A small HTTP server on loopback whose every answer a test writes by hand, byte for byte if it likes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came; header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Hang(Exception):
    """Raised by an answer to leave the connection open without a word."""


class Trickle(Exception):
    """Raised by an answer to send the bytes it holds, and then one more every few milliseconds."""

    def __init__(self, sent: bytes = b"") -> None:
        super().__init__()
        self.sent = sent


class Cut(Exception):
    """Raised by an answer to reset the connection after the bytes it holds."""

    def __init__(self, sent: bytes = b"") -> None:
        super().__init__()
        self.sent = sent


Answerer: TypeAlias = Callable[[Asked], Awaitable[bytes]]


def answer(
    status: int, body: bytes = b"", *, length: int | None = None, headers: Mapping[str, str] | None = None
) -> bytes:
    """The bytes of an answer; ``length`` may lie about its body."""
    lines = [f"HTTP/1.1 {status} Words", f"content-length: {len(body) if length is None else length}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass(slots=True)
class OddServer:
    """``origin`` is its address; ``asked`` all requests; ``connections`` how many were opened."""

    answerer: Answerer
    origin: str = ""
    asked: list[Asked] = field(default_factory=list, repr=False)
    connections: int = 0
    _writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, kept alive until either side has enough."""
        self.connections += 1
        self._writers.append(writer)
        try:
            while await self._one(reader, writer):
                pass
        except (Cut, ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ")
        headers = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in head[1:] if line)
        }
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        asked = Asked(method, path, headers, body)
        self.asked.append(asked)
        try:
            writer.write(await self.answerer(asked))
            await writer.drain()
        except Cut as cut:
            writer.write(cut.sent)
            await writer.drain()
            await asyncio.sleep(0.01)
            raise
        except Trickle as trickle:
            writer.write(trickle.sent)
            while True:  # until the client has gone
                await writer.drain()
                await asyncio.sleep(0.01)
                writer.write(b"x")
        except Hang:
            await asyncio.sleep(30)
        return True

    def close(self) -> None:
        """Drop every connection."""
        for writer in self._writers:
            writer.transport.abort()


async def end(server: asyncio.Server) -> None:
    """Close a server at the end of a test, and wait until all of its connections are gone.

    What else is going on in the event loop by then is what serves them, and is cancelled.
    """
    gone = asyncio.ensure_future(server.wait_closed())
    await asyncio.sleep(
        0
    )  # Python 3.11 only waits for the connections if it began before the server is closed
    server.close()
    await asyncio.sleep(0)  # one that is cancelled before its first step would never close its connection
    for task in asyncio.all_tasks() - {asyncio.current_task(), gone}:
        task.cancel()
    async with asyncio.timeout(60):
        await gone


@asynccontextmanager
async def odd_server(answerer: Answerer) -> AsyncIterator[OddServer]:
    """A server for the length of a test."""
    odd = OddServer(answerer)
    server = await asyncio.start_server(odd.serve, "127.0.0.1", 0, limit=1 << 20)
    odd.origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield odd
    finally:
        odd.close()
        await end(server)
