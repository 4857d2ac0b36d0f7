"""The HTTP stack over real connections: used again, given up, secure, streamed."""

from __future__ import annotations

import asyncio
import gc
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
import httpcore2
import httpx2
import pytest

from contract.odd_server import Asked, Hang, OddServer, answer, end, odd_server
from rivya_run.provider.download import Fetched, fetch
from rivya_run.provider.exchange import ApiRequest, ApiResponse, Form
from rivya_run.provider.faults import TransportError, fault_of
from rivya_run.provider.http import Http
from rivya_run.provider.network import Network
from rivya_run.provider.origin import Secret
from rivya_run.provider.rivya.retry import FailureKind
from rivya_run.provider.transport import Transport

T = TypeVar("T")
CERTIFICATE = Path(__file__).with_name("localhost.pem")
LARGE = bytes(range(256)) * 4096


async def hello(_: Asked) -> bytes:
    """An answerer that is content."""
    return answer(200, b"hello")


class Pieces(httpx2.AsyncByteStream):
    """A body that comes in pieces."""

    def __init__(self, pieces: AsyncIterator[bytes]) -> None:
        self._pieces = pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._pieces:
            yield piece


def question(
    origin: str,
    body: AsyncIterator[bytes] | None = None,
    *,
    patience: float = 5.0,
    extra: dict[str, str] | None = None,
) -> httpx2.Request:
    """A GET, or a POST where there is a body."""
    return httpx2.Request(
        "GET" if body is None else "POST",
        f"{origin}/x",
        headers={"Host": "localhost", **(extra or {})},
        stream=httpx2.ByteStream(b"") if body is None else Pieces(body),
        extensions={"timeout": {"connect": 60.0, "read": patience, "write": patience, "pool": None}},
    )


def transport(*, keep_alive: float = 30.0) -> Transport:
    """Direct connections."""
    return Transport(Network(), keep_alive=keep_alive)


async def asked(pool: Transport, of: str | httpx2.Request) -> tuple[int, bytes]:
    """One question, its answer read and closed."""
    request = question(of) if isinstance(of, str) else of
    found = await pool.handle_async_request(request)
    try:
        return found.status_code, b"".join([piece async for piece in found.aiter_raw()])
    finally:
        await found.aclose()


def what(error: Exception) -> FailureKind | None:
    """What an error of the stack means."""
    fault = fault_of(error)
    return None if fault is None else fault.kind


def on(
    answerer: Callable[[Asked], Awaitable[bytes]],
    body: Callable[[Transport, str, OddServer], Awaitable[T]],
    *,
    keep_alive: float = 30.0,
) -> T:
    """Run a body against a server."""

    async def run() -> T:
        async with odd_server(answerer) as server:
            pool = transport(keep_alive=keep_alive)
            try:
                return await body(pool, server.origin, server)
            finally:
                await pool.aclose()

    return anyio.run(run)


def test_a_connection_is_used_again() -> None:
    """Question after question goes over the one that is there."""

    async def body(pool: Transport, origin: str, server: OddServer) -> int:
        for _ in range(5):
            assert await asked(pool, origin) == (200, b"hello")
        return server.connections

    assert on(hello, body) == 1


def test_one_that_rested_for_too_long_is_not_used_again() -> None:
    """A server may have forgotten it by then."""

    async def body(pool: Transport, origin: str, server: OddServer) -> int:
        await asked(pool, origin)
        await asked(pool, origin)
        return server.connections

    assert on(hello, body, keep_alive=-1) == 2


def test_one_that_the_server_closed_meanwhile_is_not_used_again() -> None:
    """What rests is watched: nothing is sent into a connection that is gone."""

    async def body(pool: Transport, origin: str, server: OddServer) -> int:
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

    async def body(pool: Transport, origin: str, server: OddServer) -> int:
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

    async def body(pool: Transport, origin: str, server: OddServer) -> int:
        for _ in range(2):
            assert (await asked(pool, origin))[1] == expected
        return server.connections

    assert on(answerer, body) == 1


@pytest.mark.parametrize(
    "raw",
    [
        b"no HTTP at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 20_000,
        b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nmuch\r\n",
        answer(200, b"hell", length=5),
        answer(200, LARGE, length=len(LARGE) + 1),
    ],
)
def test_answers_that_are_none_are_errors(raw: bytes) -> None:
    """FailureKind is no HTTP, never ends its head, or stops before its end: the request may have arrived."""

    async def answerer(_: Asked) -> bytes:
        return raw

    async def body(pool: Transport, origin: str, server: OddServer) -> None:
        with pytest.raises(Exception) as caught:
            found = await pool.handle_async_request(question(origin))
            try:
                async with asyncio.timeout(5):
                    pieces = found.aiter_raw()
                    await anext(pieces)
                    server.close()
                    async for _ in pieces:
                        pass
            finally:
                await found.aclose()
        assert what(caught.value) is FailureKind.RESET

    on(answerer, body)


def test_silence_ends() -> None:
    """Nothing for as long as the patience lasts."""

    async def answerer(_: Asked) -> bytes:
        raise Hang

    async def body(pool: Transport, origin: str, _: OddServer) -> None:
        with pytest.raises(httpcore2.ReadTimeout):
            await pool.handle_async_request(question(origin, patience=0.02))

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
        pool = transport()
        origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        long = {"Content-Length": str(1 << 40)}
        with pytest.raises(httpcore2.WriteTimeout):
            await pool.handle_async_request(question(origin, endless(), patience=0.05, extra=long))
        left.set()
        await pool.aclose()
        await end(server)

    anyio.run(run)


async def served(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    body: Callable[[Transport, str], Awaitable[T]],
) -> T:
    """Run a body against a server that reads and writes as it likes."""

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(one, "127.0.0.1", 0)
    pool = transport()
    try:
        return await body(pool, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    finally:
        await pool.aclose()
        await end(server)


def test_an_answer_that_nobody_asked_for_is_never_the_next_one() -> None:
    """One that comes while the connection rests: the next question goes over another connection."""
    numbers = iter(b"123456789")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer(200, b"%c" % next(numbers)))
        await asyncio.sleep(0.01)
        writer.write(answer(200, b"late"))
        await reader.read()

    async def body(pool: Transport, origin: str) -> list[bytes]:
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
            pool = transport()
            origin = f"http://127.0.0.1:{listening.getsockname()[1]}"
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


def test_many_open_files_are_no_obstacle() -> None:
    """Descriptors beyond 1023, where select ends."""
    resource = pytest.importorskip("resource")
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= most < 2048:
        pytest.skip("this system allows fewer open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (2048, most))

    async def body(pool: Transport, origin: str, server: OddServer) -> int:
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

    async def body(pool: Transport, origin: str) -> tuple[int, bytes]:
        long = {"Content-Length": str(320 << 16)}
        for _ in range(2):
            found = await asked(pool, question(origin, pieces(), extra=long))
        left.set()
        return found

    left = asyncio.Event()
    served_by: list[asyncio.StreamWriter] = []
    assert anyio.run(served, serve, body) == (413, b"too large")
    assert len(served_by) == 2


def test_a_connection_that_closed_by_itself_can_be_closed_again() -> None:
    """What carried it is gone by then."""

    async def body(pool: Transport, origin: str, server: OddServer) -> None:
        found = await pool.handle_async_request(question(origin))
        assert b"".join([piece async for piece in found.aiter_raw()]) == b"hello"
        server.close()
        await anyio.sleep(0.02)
        await found.aclose()
        await pool.aclose()
        await pool.aclose()

    on(hello, body)


def test_nobody_there_and_nothing_to_send() -> None:
    """No connection is one error, a request that is none another."""

    async def body(pool: Transport, origin: str, server: OddServer) -> None:
        with pytest.raises(httpx2.ConnectError):
            await pool.handle_async_request(question("http://127.0.0.1:1"))
        with pytest.raises(httpx2.LocalProtocolError):
            await pool.handle_async_request(question(origin, extra={"bad header": "\n"}))
        assert server.asked == []

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
            await end(server)

    return anyio.run(run)


def trust(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make this process trust the certificate of the tests."""
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))


def test_https(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Questions and results over TLS, against a certificate that is trusted."""
    trust(monkeypatch)

    async def answerer(request: Asked) -> bytes:
        return answer(200, LARGE if request.path == "/clip" else b'{"current_credits": 5}')

    async def body(origin: str) -> None:
        async with Http(origin, Secret("rvya_sk_x")) as http:
            for _ in range(3):
                reply = await http.send(ApiRequest("GET", "/api/v1/credits"), deadline=float("inf"))
                assert not isinstance(reply, TransportError), reply
                assert reply.json == {"current_credits": 5}
            part = tmp_path / "a.part"
            deadline = time.monotonic() + 10
            got = await fetch(http, f"{origin}/clip", part, look=bool, max_bytes=1 << 30, deadline=deadline)
            assert isinstance(got, Fetched), got
            assert got.sha256 == hashlib.sha256(LARGE).hexdigest()

    secure(answerer, body)


def test_a_certificate_that_nobody_vouches_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key is not sent to whoever answers in the name of the origin."""

    async def body(origin: str) -> TransportError:
        async with Http(origin, Secret("rvya_sk_x")) as http:
            reply = await http.send(ApiRequest("GET", "/api/v1/credits"), deadline=float("inf"))
            assert isinstance(reply, TransportError)
            return reply

    assert secure(hello, body).kind is FailureKind.UNTRUSTED


@pytest.mark.parametrize("then", ["closes", "drains", "hangs"])
def test_a_refusal_in_the_middle_of_an_upload_is_heard_over_tls(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, then: str
) -> None:
    """As without; what TLS itself sends meanwhile is no answer."""
    trust(monkeypatch)
    path = tmp_path / "large.mp4"
    with path.open("wb") as file:
        file.truncate(20_000_000)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await asyncio.sleep(0.02)
            writer.write(answer(413, b'{"error": {"code": "too_large", "message": "no"}}'))
            await writer.drain()
            if then == "drains":
                await reader.read(-1)
            if then == "hangs":
                await left.wait()
        except OSError:
            pass
        finally:
            writer.close()

    async def run() -> ApiResponse | TransportError:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
        origin = f"https://localhost:{server.sockets[0].getsockname()[1]}"
        try:
            async with Http(origin, Secret("rvya_sk_x")) as http:
                form = Form({}, path, "large.mp4", "video/mp4")
                with anyio.fail_after(20):
                    return await http.send(ApiRequest("POST", "/x", form=form), deadline=float("inf"))
        finally:
            left.set()
            await end(server)

    left = asyncio.Event()
    found = anyio.run(run)
    assert isinstance(found, ApiResponse), found
    assert found.status == 413


@pytest.mark.parametrize("early", [b"HTTP/1.1 102 Processing\r\n\r\n", b""])
@pytest.mark.parametrize("over_tls", [False, True])
def test_an_upload_is_sent_whole(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, early: bytes, over_tls: bool
) -> None:
    """Also where the server says meanwhile that it is busy; the connection is used again."""
    trust(monkeypatch)
    path = tmp_path / "large.mp4"
    path.write_bytes(LARGE * 8)
    took: list[int] = []
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                writer.write(early)
                body = await reader.readexactly(int(head.split(b"content-length: ")[1].split(b"\r\n")[0]))
                took.append(len(body) if LARGE * 8 in body else -1)
                writer.write(answer(200, b"{}"))
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def run() -> list[ApiResponse | TransportError]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if over_tls else None
        if context is not None:
            context.load_cert_chain(CERTIFICATE)
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
        origin = f"http{'s' if over_tls else ''}://localhost:{server.sockets[0].getsockname()[1]}"
        try:
            async with Http(origin, Secret("rvya_sk_x")) as http:
                form = Form({}, path, "large.mp4", "video/mp4")
                request = ApiRequest("POST", "/x", form=form)
                return [await http.send(request, deadline=float("inf")) for _ in range(3)]
        finally:
            await end(server)

    found = anyio.run(run)
    assert all(isinstance(one, ApiResponse) and one.status == 200 for one in found), found
    assert len(took) == 3 and min(took) > len(LARGE) * 8
    assert connections == 1


@pytest.mark.parametrize("tail", [b"late", LARGE], ids=["short", "long"])
def test_an_answer_that_nobody_asked_for_is_never_the_next_one_over_tls(
    monkeypatch: pytest.MonkeyPatch, tail: bytes
) -> None:
    """Be it in the same record, in the next, or later."""
    trust(monkeypatch)
    delays = iter([None, 0.0, 0.01, None, None])
    numbers = iter(b"123456789")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                delay = next(delays)
                mine, stray = answer(200, b"%c" % next(numbers)), answer(200, tail)
                writer.write(mine + stray if delay is None else mine)
                if delay is not None:
                    await asyncio.sleep(delay)
                    writer.write(stray)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def run() -> list[bytes]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
        pool, found = transport(), []
        try:
            for _ in range(5):
                found.append(
                    (await asked(pool, f"https://localhost:{server.sockets[0].getsockname()[1]}"))[1]
                )
                await asyncio.sleep(0.03)
        finally:
            await pool.aclose()
            await end(server)
        return found

    assert anyio.run(run) == [b"1", b"2", b"3", b"4", b"5"]


def test_ipv6() -> None:
    """An address in brackets is asked for as such."""

    async def run() -> tuple[ApiResponse | TransportError, OddServer]:
        odd = OddServer(hello)
        try:
            server = await asyncio.start_server(odd.serve, "::1", 0)
        except OSError:
            pytest.skip("no IPv6 on this machine")
        origin = f"http://[::1]:{server.sockets[0].getsockname()[1]}"
        try:
            async with Http(origin, None) as http:
                return await http.send(ApiRequest("GET", "/x"), deadline=float("inf")), odd
        finally:
            odd.close()
            await end(server)

    found, odd = anyio.run(run)
    assert isinstance(found, ApiResponse), found
    assert found.status == 200
    assert odd.asked[0].headers["host"].startswith("[::1]:")


PHASES = ["connecting", "securing", "sending", "head", "half a head", "body"]


@pytest.mark.parametrize("phase", PHASES)
def test_a_request_may_be_cancelled_at_any_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, phase: str
) -> None:
    """It ends at once, nothing of it is left open, and the next one is answered."""
    trust(monkeypatch)
    path = tmp_path / "large.mp4"
    with path.open("wb") as file:
        file.truncate(20_000_000)
    served_by = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal served_by
        served_by += 1
        try:
            if served_by > 1 or phase in ("head", "half a head", "body"):
                await reader.readuntil(b"\r\n\r\n")
            if served_by > 1:
                writer.write(answer(200, b"{}"))
            if phase == "half a head":
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-")
            if phase == "body":
                writer.write(answer(200, b"{", length=5))
            ended = await reader.read() if phase != "sending" else await left.wait()
            gone.append(ended)
        except OSError:
            gone.append(True)
        finally:
            writer.transport.abort()

    async def run() -> ApiResponse | TransportError:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        scheme = "https" if phase == "securing" else "http"
        request = ApiRequest("GET", "/x")
        if phase == "sending":
            request = ApiRequest("POST", "/x", form=Form({}, path, "large.mp4", "video/mp4"))
        if phase == "connecting":

            async def never(*_: object, **__: object) -> None:
                await asyncio.sleep(30)

            monkeypatch.setattr("rivya_run.provider.stream.httpcore2.AnyIOBackend.connect_tcp", never)
        try:
            async with Http(f"{scheme}://localhost:{port}", None) as http:
                with anyio.move_on_after(0.15) as scope:
                    await http.send(request, deadline=float("inf"))
                assert scope.cancelled_caught
                if phase == "connecting":
                    monkeypatch.undo()
                left.set()
                await asyncio.sleep(0.02)
                async with Http(f"http://localhost:{port}", None) as plain:
                    served_by_more()
                    other = plain if phase == "securing" else http
                    answered = await other.send(ApiRequest("GET", "/x"), deadline=float("inf"))
            with anyio.fail_after(60):  # for ever, if a connection was left open
                while not gone:  # noqa: ASYNC110
                    await asyncio.sleep(0.001)
            return answered
        finally:
            await end(server)

    def served_by_more() -> None:
        nonlocal served_by
        served_by = max(served_by, 1)

    left = asyncio.Event()
    gone: list[object] = []
    found = anyio.run(run)
    assert isinstance(found, ApiResponse), found
    assert found.status == 200
    gc.collect()
