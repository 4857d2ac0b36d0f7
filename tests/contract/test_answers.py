"""Answers as they come in: the same whatever pieces they come in, and an error where they are none."""

from __future__ import annotations

import asyncio
import gc
import gzip
import tracemalloc
import weakref
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeVar

import anyio
import httpx2
import pytest

from contract.odd_server import Asked, OddServer, answer, end, odd_server
from rivya_run.provider.exchange import ApiRequest, ApiResponse, Form
from rivya_run.provider.faults import TransportError
from rivya_run.provider.http import Http
from rivya_run.provider.network import Network
from rivya_run.provider.origin import Secret
from rivya_run.provider.rivya.retry import FailureKind, TransportResult, could_have_arrived
from rivya_run.provider.transport import Transport

T = TypeVar("T")

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: 1\r\nx-a:  2 \r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nX-B: trailer\r\n\r\n"
TO_THE_END = b"HTTP/1.1 200 OK\r\n\r\nhello"
CLOSING_HINT = b"HTTP/1.1 103 Early Hints\r\nConnection: close\r\n\r\n" + PLAIN
HINTED = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + PLAIN
BARE = PLAIN.replace(b"\r\n", b"\n")
BOTH = CHUNKED.replace(b"OK\r\n", b"OK\r\nContent-Length: 99\r\n")
EMPTY = b"HTTP/1.1 204 No Content\r\n\r\n"
FAR = float("inf")


class Sayer:
    """A server that answers each request with the next of some lists of pieces, each sent on its own."""

    def __init__(self, says: Sequence[Sequence[bytes]], *, closes: bool = False) -> None:
        self._says = list(says)
        self._closes = closes
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        try:
            while self._says:
                await reader.readuntil(b"\r\n\r\n")
                for piece in self._says.pop(0):
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0.001)
                if self._closes:
                    return
            await reader.read()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


def told(
    says: Sequence[Sequence[bytes]], *, closes: bool = False
) -> tuple[list[tuple[int, bytes, dict[str, str]]], int]:
    """FailureKind is made of the answers of a server, and over how many connections."""

    async def run() -> tuple[list[tuple[int, bytes, dict[str, str]]], int]:
        sayer = Sayer(says, closes=closes)
        server = await asyncio.start_server(sayer.serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        found = []
        try:
            async with Http("http://127.0.0.1:9", None, read_timeout=5) as http:
                for _ in says:
                    async with http.open(f"{url}/x", {}) as incoming:
                        if isinstance(incoming, TransportError):
                            raise ConnectionError(incoming.message)
                        body = b"".join([piece async for piece in incoming.chunks()])
                        found.append((incoming.status, body, dict(incoming.headers)))
        finally:
            await end(server)
        return found, sayer.connections

    return anyio.run(run)


@pytest.mark.parametrize("raw", [PLAIN, CHUNKED, HINTED, CLOSING_HINT, BARE, BOTH])
def test_an_answer_is_the_same_in_any_pieces(raw: bytes) -> None:
    """Split anywhere: head, body, and that the connection may be used again."""
    found, connections = told([(raw[:cut], raw[cut:]) for cut in range(1, len(raw))])
    assert {(status, body) for status, body, _ in found} == {(200, b"hello")}
    assert connections == 1


def test_headers_have_names_in_lower_case_and_join_their_values() -> None:
    """Whatever case they came in; blanks around a value are none of it."""
    found, _ = told([[PLAIN]])
    assert found[0][2] == {"content-length": "5", "x-a": "1, 2"}


@pytest.mark.parametrize("raw", [CHUNKED, HINTED])
def test_hints_and_trailers_are_no_headers(raw: bytes) -> None:
    """What came before the answer or after its body."""
    found, _ = told([[raw]])
    assert not {"link", "x-b"} & set(found[0][2])


@pytest.mark.parametrize(
    "raw",
    [
        PLAIN.replace(b"1.1", b"1.0"),
        PLAIN.replace(b"X-A: 1", b"Connection: close"),
        PLAIN + b"and more than was promised",
        PLAIN + PLAIN,
        CHUNKED + PLAIN,
        EMPTY + PLAIN,
        PLAIN + PLAIN[:9],
    ],
)
def test_some_answers_are_the_last_of_their_connection(raw: bytes) -> None:
    """The server is old, or says so, or goes on talking: what it says then is the answer to nothing."""
    found, connections = told([[raw], [PLAIN.replace(b"hello", b"world")]])
    assert [body for _, body, _ in found] == [b"" if raw.startswith(EMPTY) else b"hello", b"world"]
    assert connections == 2


def test_without_a_length_the_end_of_the_connection_is_the_end_of_the_body() -> None:
    """And the next question goes over another one."""
    found, connections = told([[TO_THE_END], [TO_THE_END]], closes=True)
    assert [body for _, body, _ in found] == [b"hello"] * 2
    assert connections == 2


def test_some_answers_have_no_body() -> None:
    """Whole with their head."""
    found, connections = told([[EMPTY], [EMPTY]])
    assert [(status, body) for status, body, _ in found] == [(204, b"")] * 2
    assert connections == 1


def on(raw: bytes, body: Callable[[str], Awaitable[T]], *, closes: bool = False) -> T:
    """Run a body against a server that says this, and closes the connection or keeps it."""

    async def run() -> T:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(raw)
                await writer.drain()
                if not closes:
                    await reader.read()
            except (ConnectionError, asyncio.IncompleteReadError):
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        try:
            return await body(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        finally:
            await end(server)

    return anyio.run(run)


async def created(origin: str) -> ApiResponse | TransportError:
    """What a create makes of its answer."""
    async with Http(origin, Secret("rvya_sk_x"), read_timeout=5) as http:
        return await http.send(ApiRequest("POST", "/x", body=b"{}", creates=True), deadline=FAR)


@pytest.mark.parametrize("raw", [b"", PLAIN[:9], PLAIN[:-1], CHUNKED[:-2], HINTED[:40]])
def test_an_answer_that_stops_is_an_error(raw: bytes) -> None:
    """Before its head, in it, or before the end of its body: the create may have arrived."""
    found = on(raw, created, closes=True)
    assert isinstance(found, TransportError), found
    assert found.kind is FailureKind.RESET and could_have_arrived(TransportResult(found.kind))


@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 two OK\r\n\r\n",
        b"HTTP/1.1 099 Odd\r\nContent-Length: 5\r\n\r\nHELLO" + PLAIN,
        PLAIN.replace(b" 5", b" five"),
        PLAIN.replace(b" 5", b" 5\r\nContent-Length: 6"),
        CHUNKED.replace(b"\r\n2\r\n", b"\r\nq\r\n"),
        CHUNKED.replace(b"chunked", b"gzip, chunked"),
        CHUNKED.replace(b"chunked", b"chunked, identity"),
        b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X-A: 1\r\n" * 20_000,
    ],
)
def test_what_is_no_answer_is_an_error(raw: bytes) -> None:
    """Another protocol, lengths that say nothing or two things, encodings nobody asked for, a head without end."""
    found = on(raw, created)
    assert isinstance(found, TransportError), found
    assert found.kind is FailureKind.RESET


@pytest.mark.parametrize("raw", [PLAIN, CHUNKED, EMPTY])
def test_an_answer_that_was_read_is_gone_at_once(raw: bytes) -> None:
    """It doesn't wait for the garbage collector."""

    async def body(origin: str) -> weakref.ref[httpx2.Response]:
        transport = Transport(Network(), keep_alive=30)
        response = await transport.handle_async_request(httpx2.Request("GET", origin))
        async for _ in response.aiter_bytes():
            pass
        gone = weakref.ref(response)
        del response
        gc.collect(0)  # what the event loop still holds is young; the collector of cycles stays off
        assert gone() is None
        await transport.aclose()
        return gone

    gc.collect()
    gc.disable()
    try:
        on(raw, body)
    finally:
        gc.enable()


BOMB = gzip.compress(gzip.compress(bytes(400_000_000), 9), 9)


@pytest.mark.parametrize("encoding", ["gzip", "gzip, gzip"])
def test_what_an_encoding_hides_is_bounded_at_every_step(encoding: str) -> None:
    """A few hundred kilobytes that are hundreds of megabytes: an answer that can't be read, and no memory."""
    body = BOMB if encoding == "gzip, gzip" else gzip.decompress(BOMB)
    raw = answer(200, body, headers={"content-encoding": encoding})
    tracemalloc.start()
    try:
        found = on(raw, created)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert isinstance(found, TransportError), found
    assert found.kind is FailureKind.UNREADABLE and could_have_arrived(TransportResult(found.kind))
    assert peak < 80_000_000


@pytest.mark.parametrize("value", ["a\r\nInjected: yes", "a\nb", "a\x00b"])
def test_a_header_can_not_smuggle_another(value: str) -> None:
    """Nor end the head; the value, which may be the key, is not in the words, and nothing is sent."""

    async def run() -> tuple[OddServer, ApiResponse | TransportError]:
        async def hello(_: Asked) -> bytes:
            return answer(200, b"{}")

        async with odd_server(hello) as server, Http(server.origin, None) as http:
            return server, await http.send(ApiRequest("GET", "/x", headers={"X-A": value}), deadline=FAR)

    server, found = anyio.run(run)
    assert isinstance(found, TransportError), found
    assert found.kind is FailureKind.LOCAL
    assert value not in found.message
    assert server.asked == []


@pytest.mark.parametrize("change", [-1, 1])
def test_a_file_that_changes_while_it_is_uploaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: int
) -> None:
    """A body of another length than was announced never passes for one."""
    path = tmp_path / "a.bin"
    path.write_bytes(bytes(200_000))

    class Changing(httpx2.Request):
        def __init__(self, *args: object, **kwargs: object) -> None:
            super().__init__(*args, **kwargs)  # type: ignore[arg-type]
            with path.open("r+b") as file:
                file.truncate(200_000 + change)

    monkeypatch.setattr("rivya_run.provider.http.httpx2.Request", Changing)

    async def run() -> tuple[OddServer, ApiResponse | TransportError]:
        async def hello(_: Asked) -> bytes:
            return answer(200, b"{}")

        async with odd_server(hello) as server, Http(server.origin, None) as http:
            form = Form({}, path, "a.bin", "image/png")
            return server, await http.send(ApiRequest("POST", "/x", form=form), deadline=FAR)

    server, found = anyio.run(run)
    assert isinstance(found, TransportError), found
    assert found.kind is FailureKind.LOCAL
    assert server.asked == []
