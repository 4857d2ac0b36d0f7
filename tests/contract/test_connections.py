"""Connections of our own: used again, given up, secure, fast for large bodies."""

from __future__ import annotations

import asyncio
import hashlib
import os
import socket
import ssl
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

import anyio
import pytest

from contract.odd_server import Asked, Hang, OddServer, answer, odd_server
from rivya_run.wire.connection import ReadError, ReadTimeout, WriteTimeout
from rivya_run.wire.connections import ConnectError, Connections, Origin
from rivya_run.wire.downloads import Fetched, fetch
from rivya_run.wire.exchange import ApiRequest
from rivya_run.wire.faults import Fault
from rivya_run.wire.http import Http
from rivya_run.wire.origin import Secret
from rivya_run.wire.question import LocalProtocolError, Question, Timeouts
from rivya_run.wire.response import RemoteProtocolError
from rivya_run.wire.retry import What

T = TypeVar("T")
CERTIFICATE = Path(__file__).with_name("localhost.pem")
LARGE = bytes(range(256)) * 4096


async def hello(_: Asked) -> bytes:
    """An answerer that is content."""
    return answer(200, b"hello")


def question(
    body: AsyncIterator[bytes] | None = None,
    *,
    patience: float = 5.0,
    extra: dict[bytes, bytes] | None = None,
) -> Question:
    """A GET, or a POST where there is a body."""
    headers = [(b"Host", b"localhost"), *(extra or {}).items()]
    method = b"GET" if body is None else b"POST"
    return Question(method, b"/x", headers, body or b"", Timeouts(patience, patience, patience))


def connections(server: OddServer, *, keep_alive: float = 30.0) -> tuple[Connections, Origin]:
    """Plain ones to a server."""
    host, _, port = server.origin.removeprefix("http://").partition(":")
    return Connections(tls=ssl.create_default_context, keep_alive=keep_alive), Origin(host, int(port), False)


async def asked(pool: Connections, origin: Origin, of: Question | None = None) -> tuple[int, bytes]:
    """One question, its answer read and closed."""
    found = await pool.ask(origin, of or question())
    try:
        return found.status, b"".join([piece async for piece in found.body()])
    finally:
        await found.aclose()


def on(
    answerer: Callable[[Asked], Awaitable[bytes]],
    body: Callable[[Connections, Origin, OddServer], Awaitable[T]],
    *,
    keep_alive: float = 30.0,
) -> T:
    """Run a body against a server."""

    async def run() -> T:
        async with odd_server(answerer) as server:
            pool, origin = connections(server, keep_alive=keep_alive)
            try:
                return await body(pool, origin, server)
            finally:
                await pool.aclose()

    return anyio.run(run)


def test_a_connection_is_used_again() -> None:
    """Question after question goes over the one that is there."""

    async def body(pool: Connections, origin: Origin, server: OddServer) -> int:
        for _ in range(5):
            assert await asked(pool, origin) == (200, b"hello")
        return server.connections

    assert on(hello, body) == 1


def test_one_that_rested_for_too_long_is_not_used_again() -> None:
    """A server may have forgotten it by then."""

    async def body(pool: Connections, origin: Origin, server: OddServer) -> int:
        await asked(pool, origin)
        await asked(pool, origin)
        return server.connections

    assert on(hello, body, keep_alive=-1) == 2


def test_one_that_the_server_closed_meanwhile_is_not_used_again() -> None:
    """What rests is watched: nothing is sent into a connection that is gone."""

    async def body(pool: Connections, origin: Origin, server: OddServer) -> int:
        await asked(pool, origin)
        server.close()
        await anyio.sleep(0.01)
        assert await asked(pool, origin) == (200, b"hello")
        return server.connections

    assert on(hello, body) == 2


@pytest.mark.parametrize(
    "odd",
    [
        answer(200, b"hello", headers={"Connection": "close"}),
        answer(200, b"hello") + b"and more than was promised",
        answer(200, LARGE, headers={"Connection": "close"}),
        answer(200, LARGE) + b"and more than was promised",
        b"HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello",
    ],
)
def test_after_some_answers_a_connection_is_not_used_again(odd: bytes) -> None:
    """The server said so, or talks on after its answer."""

    async def answerer(_: Asked) -> bytes:
        return odd

    async def body(pool: Connections, origin: Origin, server: OddServer) -> int:
        for _ in range(2):
            status, content = await asked(pool, origin)
            assert (status, content) in ((200, b"hello"), (200, LARGE))
        return server.connections

    assert on(answerer, body) == 2


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", b"hello"),
        (b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n" + answer(200, b"hello"), b"hello"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (answer(200, LARGE), LARGE),
        (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n%x\r\n" % len(LARGE)
            + LARGE
            + b"\r\n0\r\n\r\n",
            LARGE,
        ),
    ],
)
def test_bodies_of_every_kind_come_whole(raw: bytes, expected: bytes) -> None:
    """Twice over one connection: chunked, after a hint, none at all, large."""

    async def answerer(_: Asked) -> bytes:
        return raw

    async def body(pool: Connections, origin: Origin, server: OddServer) -> int:
        for _ in range(2):
            assert (await asked(pool, origin))[1] == expected
        return server.connections

    assert on(answerer, body) == 1


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"no HTTP at all\r\n\r\n", RemoteProtocolError),
        (b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 20_000, RemoteProtocolError),
        (
            b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n",
            RemoteProtocolError,
        ),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nmuch\r\n", RemoteProtocolError),
        (answer(200, b"hell", length=5), RemoteProtocolError),
        (answer(200, LARGE, length=len(LARGE) + 1), RemoteProtocolError),
    ],
)
def test_answers_that_are_none_are_errors(raw: bytes, expected: type[Exception]) -> None:
    """What is no HTTP, never ends its head, or stops before its end."""

    async def answerer(_: Asked) -> bytes:
        return raw

    async def body(pool: Connections, origin: Origin, server: OddServer) -> None:
        with pytest.raises((expected, ReadError)):
            found = await pool.ask(origin, question())
            try:
                async with asyncio.timeout(5):
                    pieces = found.body()
                    await anext(pieces)
                    server.close()
                    async for _ in pieces:
                        pass
            finally:
                await found.aclose()

    on(answerer, body)


def test_silence_ends() -> None:
    """Nothing for as long as the patience lasts."""

    async def answerer(_: Asked) -> bytes:
        raise Hang

    async def body(pool: Connections, origin: Origin, _: OddServer) -> None:
        with pytest.raises(ReadTimeout):
            await pool.ask(origin, question(patience=0.02))

    on(answerer, body)


def test_a_server_that_takes_nothing_ends_too() -> None:
    """What can't be sent in time is an error of its own: the request never arrived whole."""

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield bytes(1 << 20)

    async def run() -> None:
        async def sleep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            reader._transport.pause_reading()  # type: ignore[attr-defined]
            await left.wait()
            writer.transport.abort()

        left = asyncio.Event()
        server = await asyncio.start_server(sleep, "127.0.0.1", 0)
        pool = Connections(tls=ssl.create_default_context, keep_alive=30)
        origin = Origin("127.0.0.1", server.sockets[0].getsockname()[1], False)
        long = {b"Content-Length": b"%d" % (1 << 40)}
        with pytest.raises(WriteTimeout):
            await pool.ask(origin, question(endless(), patience=0.05, extra=long))
        left.set()
        server.close()
        await pool.aclose()
        await asyncio.sleep(0.01)

    anyio.run(run)


async def served(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    body: Callable[[Connections, Origin], Awaitable[T]],
) -> T:
    """Run a body against a server that reads and writes as it likes."""

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(one, "127.0.0.1", 0)
    pool = Connections(tls=ssl.create_default_context, keep_alive=30)
    try:
        return await body(pool, Origin("127.0.0.1", server.sockets[0].getsockname()[1], False))
    finally:
        await pool.aclose()
        server.close()
        await asyncio.sleep(0.01)


def test_an_answer_that_nobody_asked_for_is_never_the_next_one() -> None:
    """One that comes while the connection rests: the next question goes over another connection."""
    numbers = iter(b"123456789")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer(200, b"%c" % next(numbers)))
        await asyncio.sleep(0.01)
        writer.write(answer(200, b"late"))
        await reader.read()

    async def body(pool: Connections, origin: Origin) -> list[bytes]:
        found = []
        for _ in range(3):
            found.append((await asked(pool, origin))[1])
            await asyncio.sleep(0.05)
        return found

    assert anyio.run(served, serve, body) == [b"1", b"2", b"3"]


def test_nor_is_one_that_the_event_loop_has_not_heard_yet() -> None:
    """It lies with the system while the loop is busy with something else."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            for number in (b"1", b"2"):
                one, _ = listening.accept()
                with one:
                    while b"\r\n\r\n" not in one.recv(1 << 16):
                        pass
                    one.sendall(answer(200, number))
                    said.wait(5)
                    one.sendall(answer(200, b"late"))
                    late.set()

        async def body() -> list[bytes]:
            pool = Connections(tls=ssl.create_default_context, keep_alive=30)
            origin = Origin("127.0.0.1", listening.getsockname()[1], False)
            first = (await asked(pool, origin))[1]
            said.set()
            late.wait(5)
            second = (await asked(pool, origin))[1]
            await pool.aclose()
            return [first, second]

        said, late = threading.Event(), threading.Event()
        server = threading.Thread(target=serve)
        server.start()
        assert anyio.run(body) == [b"1", b"2"]
        server.join(5)


def test_what_was_given_up_for_it_is_not_used_in_the_same_turn_of_the_event_loop() -> None:
    """The answer that was waited for, and a stray one over another connection, are heard at once."""

    async def body(pool: Connections, origin: Origin, _: OddServer) -> tuple[int, bytes]:
        await asked(pool, origin)
        (connection,) = pool._open
        assert connection.usable
        connection.data_received(answer(200, b"stray"))
        assert not connection.usable
        return await asked(pool, origin)

    assert on(hello, body) == (200, b"hello")


def test_many_open_files_are_no_obstacle() -> None:
    """Descriptors beyond 1023, where select ends."""
    resource = pytest.importorskip("resource")
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= most < 2048:
        pytest.skip("this system allows fewer open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (2048, most))

    async def body(pool: Connections, origin: Origin, server: OddServer) -> int:
        with ExitStack() as held:
            for _ in range(1100):
                held.enter_context(open(os.devnull, "rb"))  # noqa: PTH123, ASYNC230
            for _ in range(3):
                assert await asked(pool, origin) == (200, b"hello")
        return server.connections

    try:
        assert on(hello, body) == 1
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, most))


@pytest.mark.parametrize("then", ["closes", "drains", "hangs"])
@pytest.mark.parametrize("slowly", [True, False])
def test_a_refusal_in_the_middle_of_an_upload_is_heard(then: str, slowly: bool) -> None:
    """At once, whatever the server does with the rest; and that connection is not used again."""

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(320):
            yield bytes(1 << 16)
            if slowly:
                await asyncio.sleep(0.001)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer(413, b"too large"))
        await writer.drain()
        served_by.append(writer)
        if then == "closes":
            writer.write_eof()
        if then == "drains":
            await reader.read(-1)
        await left.wait()

    async def body(pool: Connections, origin: Origin) -> tuple[int, bytes]:
        long = {b"Content-Length": b"%d" % (320 << 16)}
        for _ in range(2):
            found = await asked(pool, origin, question(pieces(), extra=long))
        left.set()
        return found

    left = asyncio.Event()
    served_by: list[asyncio.StreamWriter] = []
    assert anyio.run(served, serve, body) == (413, b"too large")
    assert len(served_by) == 2


def test_a_connection_that_closed_by_itself_can_be_closed_again() -> None:
    """What carried it is gone by then, and would stumble over itself."""

    async def body(pool: Connections, origin: Origin, _: OddServer) -> None:
        found = await pool.ask(origin, question())
        assert b"".join([piece async for piece in found.body()]) == b"hello"
        connection = next(iter(pool._open))
        connection.connection_lost(None)
        connection.abort()
        await found.aclose()

    on(hello, body)


def test_nobody_there_and_nothing_to_send() -> None:
    """No connection is one error, a request that is none another."""

    async def body(pool: Connections, origin: Origin, _: OddServer) -> None:
        with pytest.raises(ConnectError):
            await pool.ask(Origin("127.0.0.1", 1, False), question())
        with pytest.raises(LocalProtocolError):
            await pool.ask(origin, question(extra={b"bad header": b"\n"}))

    on(hello, body)


def secure(answerer: Callable[[Asked], Awaitable[bytes]], body: Callable[[str], Awaitable[T]]) -> T:
    """Run a body against a server with a certificate for localhost; it gets its address."""

    async def run() -> T:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        odd = OddServer(answerer)
        server = await asyncio.start_server(odd.serve, "127.0.0.1", 0, ssl=context, limit=1 << 21)
        try:
            return await body(f"https://localhost:{server.sockets[0].getsockname()[1]}")
        finally:
            odd.close()
            server.close()
            await asyncio.sleep(0.01)

    return anyio.run(run)


def trust(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make this process trust the certificate of the tests, and know of no proxy."""
    monkeypatch.setattr("rivya_run.wire.http.getproxies", dict)
    context = ssl.create_default_context(cafile=str(CERTIFICATE))
    monkeypatch.setattr("rivya_run.wire.library.httpx.create_ssl_context", lambda: context)


def test_https(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Questions and results over TLS, against a certificate that is trusted."""
    trust(monkeypatch)

    async def answerer(request: Asked) -> bytes:
        return answer(200, LARGE if request.path == "/clip" else b'{"current_credits": 5}')

    async def body(origin: str) -> None:
        async with Http(origin, Secret("rvya_sk_x")) as http:
            for _ in range(3):
                reply = await http.send(ApiRequest("GET", "/api/v1/credits"), deadline=float("inf"))
                assert not isinstance(reply, Fault), reply
                assert reply.json == {"current_credits": 5}
            part = tmp_path / "a.part"
            deadline = time.monotonic() + 10
            got = await fetch(http, f"{origin}/clip", part, look=bool, max_bytes=1 << 30, deadline=deadline)
            assert isinstance(got, Fetched), got
            assert got.sha256 == hashlib.sha256(LARGE).hexdigest()

    secure(answerer, body)


def test_a_certificate_that_nobody_vouches_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key is not sent to whoever answers in the name of the origin."""
    monkeypatch.setattr("rivya_run.wire.http.getproxies", dict)

    async def body(origin: str) -> Fault:
        async with Http(origin, Secret("rvya_sk_x")) as http:
            reply = await http.send(ApiRequest("GET", "/api/v1/credits"), deadline=float("inf"))
            assert isinstance(reply, Fault)
            return reply

    assert secure(hello, body).what is What.UNTRUSTED
