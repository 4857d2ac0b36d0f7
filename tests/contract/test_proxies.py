"""Proxies for real: what went wrong on the way to one never counts as a request that may have arrived."""

from __future__ import annotations

import asyncio
import gc
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeAlias, TypeVar

import anyio
import pytest

from contract.odd_server import Asked, Cut, OddServer, answer, end
from rivya_run.provider.exchange import ApiRequest, ApiResponse
from rivya_run.provider.faults import TransportError
from rivya_run.provider.http import Http
from rivya_run.provider.network import Network
from rivya_run.provider.origin import Secret
from rivya_run.provider.rivya.retry import FailureKind, TransportResult, could_have_arrived

T = TypeVar("T")
KEY = "rvya_sk_test_0123456789"
CERTIFICATE = Path(__file__).with_name("localhost.pem")
CREATE = ApiRequest("POST", "/api/v1/generations", body=b"{}", creates=True)
FAR = float("inf")
Serve: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Proxy:
    """A proxy that does as it is told; ``taken`` is all that came over its connections."""

    def __init__(self, serve: Serve) -> None:
        self._serve = serve
        self.taken = b""

    async def one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        feed = reader.feed_data

        def noted(data: bytes) -> None:
            self.taken += data
            feed(data)

        reader.feed_data = noted  # type: ignore[method-assign,assignment]
        try:
            await self._serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()


def through(
    monkeypatch: pytest.MonkeyPatch,
    serve: Serve,
    body: Callable[[Http], Awaitable[T]],
    *,
    scheme: str = "http",
    origin: str = "https://api.example",
    connect_timeout: float = 10.0,
    read_timeout: float = 5.0,
    tls: ssl.SSLContext | None = None,
) -> tuple[T, Proxy]:
    """Run a body whose requests go through a proxy."""
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)

    async def run() -> tuple[T, Proxy]:
        proxy = Proxy(serve)
        server = await asyncio.start_server(proxy.one, "127.0.0.1", 0, ssl=tls)
        port = server.sockets[0].getsockname()[1]
        monkeypatch.setenv(
            "HTTPS_PROXY", f"{scheme}localhost:{port}" if "@" in scheme else f"{scheme}://localhost:{port}"
        )
        try:
            async with Http(
                origin,
                Secret(KEY),
                connect_timeout=connect_timeout,
                read_timeout=read_timeout,
                network=Network.of_environment(),
            ) as http:
                return await body(http), proxy
        finally:
            await end(server)

    return anyio.run(run)


async def create(http: Http) -> ApiResponse | TransportError:
    """A create, as it is sent."""
    return await http.send(CREATE, deadline=FAR)


def says(*pieces: bytes, stays: bool = False) -> Serve:
    """A proxy that takes the question, says this, and hangs up or stays."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.01)
        if stays:
            await reader.read()

    return serve


async def hangs(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A proxy that never says anything."""
    await asyncio.sleep(30)


async def closes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A proxy that hangs up at once."""


STANDS = b"HTTP/1.1 200 Connection established\r\n\r\n"


@pytest.mark.parametrize(
    "serve",
    [
        says(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"),
        says(b"\x00\xff" * 500, stays=True),
        says(
            b"HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic\r\ncontent-length: 0\r\n\r\n"
        ),
        says(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n", stays=True),
        says(b"HTTP/1.1 302 Found\r\nlocation: https://login.example/\r\ncontent-length: 0\r\n\r\n"),
        says(b"HTTP/1.1 2"),
        says(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 200_000),
        says(),
        closes,
        says(STANDS),
        says(STANDS, b"no TLS at all, but words that go on and on", stays=True),
    ],
    ids=[
        "ssh",
        "bytes",
        "407",
        "502",
        "login",
        "half",
        "endless",
        "silent",
        "closes",
        "then gone",
        "then no TLS",
    ],
)
def test_a_proxy_that_makes_no_connection(monkeypatch: pytest.MonkeyPatch, serve: Serve) -> None:
    """No byte of the request left: it surely never arrived, and the key is not told to the proxy."""
    fault, proxy = through(monkeypatch, serve, create)
    assert isinstance(fault, TransportError), fault
    assert not could_have_arrived(TransportResult(fault.kind)), fault
    assert "proxy localhost:" in fault.message or fault.message.startswith("ProxyError")
    assert KEY.encode() not in proxy.taken
    assert b"generations" not in proxy.taken


@pytest.mark.parametrize(
    "serve", [hangs, says(b"HTTP/1.1 100 Wait\r\n\r\n", stays=True), says(STANDS, stays=True)]
)
def test_a_proxy_that_hangs(monkeypatch: pytest.MonkeyPatch, serve: Serve) -> None:
    """All of connecting has to be done in the time for connecting."""
    fault, _ = through(monkeypatch, serve, create, connect_timeout=0.2)
    assert isinstance(fault, TransportError), fault
    assert fault.kind is FailureKind.CONNECT_TIMEOUT


def tunnel(port: int) -> Serve:
    """A proxy that connects to this port, whatever is asked for."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        there = await asyncio.open_connection("127.0.0.1", port)
        writer.write(STANDS)
        await join(reader, writer, *there)

    return serve


async def join(
    one: asyncio.StreamReader,
    to_one: asyncio.StreamWriter,
    two: asyncio.StreamReader,
    to_two: asyncio.StreamWriter,
) -> None:
    """Carry bytes both ways until one side ends."""

    async def carry(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(1 << 16):
            target.write(data)
            await target.drain()

    tasks = [asyncio.create_task(carry(one, to_two)), asyncio.create_task(carry(two, to_one))]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        to_two.transport.abort()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def secured() -> ssl.SSLContext:
    """What a server with the certificate for localhost needs."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


def behind(
    monkeypatch: pytest.MonkeyPatch,
    proxy: Callable[[int], Serve],
    answerer: Callable[[Asked], Awaitable[bytes]],
    body: Callable[[Http], Awaitable[T]],
    *,
    scheme: str = "http",
    tls: ssl.SSLContext | None = None,
) -> tuple[T, OddServer, Proxy]:
    """Run a body against an API at localhost, which is asked through a proxy for once."""
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    monkeypatch.setattr("rivya_run.provider.network.is_loopback", lambda host: False)
    servers: list[OddServer] = []

    async def start(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        odd = OddServer(answerer)
        server = await asyncio.start_server(odd.serve, "127.0.0.1", 0, ssl=secured())
        servers.append(odd)
        try:
            await proxy(server.sockets[0].getsockname()[1])(reader, writer)
        finally:
            server.close()
            odd.close()

    found, seen = through(monkeypatch, start, body, scheme=scheme, origin="https://localhost:8443", tls=tls)
    return found, servers[0], seen


async def thrice(http: Http) -> list[ApiResponse | TransportError]:
    """Three creates, one after the other."""
    return [await create(http) for _ in range(3)]


async def hello(_: Asked) -> bytes:
    """An answerer that is content."""
    return answer(200, b'{"id": "task_1"}')


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_requests_go_through_a_tunnel(monkeypatch: pytest.MonkeyPatch, secure: bool) -> None:
    """One for several; what is in it is for the API only."""
    found, server, proxy = behind(
        monkeypatch,
        tunnel,
        hello,
        thrice,
        scheme="https" if secure else "http",
        tls=secured() if secure else None,
    )
    assert all(isinstance(one, ApiResponse) and one.status == 200 for one in found), found
    assert [asked.headers["authorization"] for asked in server.asked] == [f"Bearer {KEY}"] * 3
    assert server.connections == 1
    assert KEY.encode() not in proxy.taken


def test_what_was_sent_through_a_tunnel_may_have_arrived(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other way round: a connection that breaks after the request went is in doubt."""

    async def cut(_: Asked) -> bytes:
        raise Cut

    fault, server, _ = behind(monkeypatch, tunnel, cut, create)
    assert len(server.asked) == 1
    assert isinstance(fault, TransportError), fault
    assert could_have_arrived(TransportResult(fault.kind))


def test_the_password_of_a_proxy_is_for_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is sent to it and to nobody else, and shown to nobody."""
    fault, proxy = through(
        monkeypatch,
        says(b"HTTP/1.1 407 No\r\ncontent-length: 0\r\n\r\n"),
        create,
        scheme="http://me:hunter2@",
    )
    assert b"Proxy-Authorization: Basic bWU6aHVudGVyMg==" in proxy.taken
    assert "hunter2" not in repr(fault)


CONNECTED = b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50"


def socks(port: int, *, method: bytes = b"\x05\x00", reply: bytes = CONNECTED) -> Serve:
    """A SOCKS proxy that connects to this port, or refuses."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(3)
        writer.write(method)
        if method == b"\x05\x02":
            _, length = await reader.readexactly(2)
            await reader.readexactly(length)
            (length,) = await reader.readexactly(1)
            await reader.readexactly(length)
            writer.write(b"\x01\x00")
        head = await reader.readexactly(5)
        await reader.readexactly(head[4] + 2)
        writer.write(reply)
        if port and reply[1] == 0:
            await join(reader, writer, *await asyncio.open_connection("127.0.0.1", port))
        else:
            await writer.drain()
            await asyncio.sleep(0.05)

    return serve


@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "socks5://me:hunter2@"])
def test_requests_go_through_socks(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    """With a name and a password where it wants them; the name of the API is left for the proxy to look up."""
    method = b"\x05\x02" if "@" in scheme else b"\x05\x00"
    found, server, proxy = behind(
        monkeypatch, lambda port: socks(port, method=method), hello, thrice, scheme=scheme
    )
    assert all(isinstance(one, ApiResponse) and one.status == 200 for one in found), found
    assert len(server.asked) == 3
    assert server.connections == 1
    assert b"\x03\x09localhost" in proxy.taken
    assert KEY.encode() not in proxy.taken


@pytest.mark.parametrize(
    "serve",
    [
        socks(0, reply=b"\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00"),
        socks(0, method=b"\x05\xff"),
        socks(0, method=b"\x04\x5a"),
        socks(0, method=b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        socks(0, reply=b"\x05"),
        socks(0, reply=b"garbage"),
        closes,
        socks(0),
    ],
    ids=["refused", "no method", "socks4", "http", "half", "garbage", "closes", "then gone"],
)
def test_a_socks_proxy_that_makes_no_connection(monkeypatch: pytest.MonkeyPatch, serve: Serve) -> None:
    """It surely never arrived."""
    fault, proxy = through(monkeypatch, serve, create, scheme="socks5")
    assert isinstance(fault, TransportError), fault
    assert not could_have_arrived(TransportResult(fault.kind)), fault
    assert KEY.encode() not in proxy.taken
    gc.collect()


def test_a_socks_proxy_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    """As any other."""
    fault, _ = through(monkeypatch, hangs, create, scheme="socks5h", connect_timeout=0.2)
    assert isinstance(fault, TransportError), fault
    assert fault.kind is FailureKind.CONNECT_TIMEOUT


def test_no_proxy_there_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """The words name it."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")

    async def body() -> ApiResponse | TransportError:
        async with Http("https://api.example", Secret(KEY), network=Network.of_environment()) as http:
            return await create(http)

    fault = anyio.run(body)
    assert isinstance(fault, TransportError), fault
    assert fault.kind is FailureKind.NOT_CONNECTED
    assert "through the proxy 127.0.0.1:1" in fault.message
