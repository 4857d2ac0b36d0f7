"""HTTP, and the only door to the HTTP library: few connections, one gate, one place for the key.

Requests to the API go through ``turn`` (a gate, then the pace that a 429 sets) and ``exchange``. The gate is
ours, and so are the connections (see ``connections``). Where a proxy is set, the library's pool is used, with a
client for each connection, because that pool costs CPU that grows with the square of what is in it. Results come
through ``open``, on clients of their own that never know the key. Nothing here follows a redirect.
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Generator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from math import inf
from typing import cast
from urllib.request import getproxies

import anyio

from rivya_run import __version__
from rivya_run.records import Json
from rivya_run.wire.connection import Question, Timeouts
from rivya_run.wire.connections import Answer, Connections, Origin
from rivya_run.wire.exchange import ApiRequest, Governor, Reply
from rivya_run.wire.faults import Fault, fault_of
from rivya_run.wire.incoming import Incoming
from rivya_run.wire.origin import Secret, is_loopback
from rivya_run.wire.retry import What, read_retry_after

try:
    import httpx
except ImportError:  # its successor has the same names
    import httpx2 as httpx  # type: ignore[import-not-found,no-redef]

API_CONNECTIONS = 8
RESULT_CONNECTIONS = 8
_CONNECT_TIMEOUT = 10.0
_WRITE_TIMEOUT = 60.0
_KEEP_ALIVE = 30.0
_LARGEST_REPLY = 32 * 1024 * 1024
_EXCERPT = 2000
_LOOPBACK = ("all://127.0.0.1", "all://localhost", "all://[::1]")


# The library ties an answer and its stream into a knot that only the garbage collector undoes, late.
_CLOSED = httpx.ByteStream(b"")


class _Bearer(httpx.Auth):
    """Puts the key on a request at the last moment, so that no header set of ours ever holds it."""

    def __init__(self, key: Secret) -> None:
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sign the request."""
        request.headers["Authorization"] = f"Bearer {self._key.reveal()}"
        yield request


class _Body(httpx.AsyncByteStream):
    """The body of an answer as the library wants it."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._pieces = answer.body()

    def __aiter__(self) -> AsyncGenerator[bytes, None]:
        return self._pieces

    async def aclose(self) -> None:
        """Give the connection back."""
        await self._pieces.aclose()
        self._answer.close()


class _Transport(httpx.AsyncBaseTransport):
    """The library's requests over our own connections."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and wait for the head of its answer."""
        url, limits = request.url, request.extensions["timeout"]
        secure = url.scheme == "https"
        origin = Origin(url.host, url.port or (443 if secure else 80), secure)
        question = Question(
            request.method.encode(),
            url.raw_path,
            request.headers.raw,
            cast(AsyncIterable[bytes], request.stream),
            Timeouts(limits["connect"], limits["read"], limits["write"]),
        )
        answer = await self._connections.ask(origin, question)
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer))


class Http:
    """The connections of one run; an async context manager.

    ``send`` and ``exchange`` give a Reply or a Fault and never raise an error of the HTTP library.
    ``transport`` is the seam for tests, ``wall`` the wall clock (for ``Retry-After`` dates), ``clock`` the
    monotonic one.
    """

    def __init__(
        self,
        base_url: str,
        key: Secret | None,
        *,
        pace: Governor | None = None,
        read_timeout: float = 60.0,
        connections: int = API_CONNECTIONS,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """``base_url`` as ``origin.checked_base_url`` gives it."""
        self.base_url = base_url
        self._key = key
        self._bearer = _Bearer(key) if key else None
        self._pace = pace
        self._timeout = httpx.Timeout(
            connect=_CONNECT_TIMEOUT, read=read_timeout, write=_WRITE_TIMEOUT, pool=None
        )
        # Reading and writing time out piece by piece; this bounds an answer that trickles for ever.
        self._longest = _CONNECT_TIMEOUT + 2 * read_timeout
        self._transport = transport
        self._clock = clock
        self._wall = wall
        self._gate = anyio.Semaphore(connections, fast_acquire=True)
        self._stack = AsyncExitStack()
        self._idle: list[httpx.AsyncClient] = []
        self._results: dict[bool, httpx.AsyncClient] = {}
        self._trusted: ssl.SSLContext | None = None
        self._connections = Connections(tls=lambda: self._certificates(secure=True), keep_alive=_KEEP_ALIVE)

    async def __aenter__(self) -> Http:
        await self._stack.__aenter__()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        with anyio.CancelScope(shield=True):
            await self._stack.aclose()
            await self._connections.aclose()
        self._idle.clear()
        self._results.clear()

    @asynccontextmanager
    async def turn(self, deadline: float) -> AsyncIterator[bool]:
        """A place at the gate, and the pace's leave to send one request; False: none before the deadline."""
        async with self._gate:
            yield self._pace is None or await self._pace.ready(deadline)

    async def send(self, request: ApiRequest, *, deadline: float) -> Reply | Fault:
        """Wait for a turn (cancellable), then exchange."""
        async with self.turn(deadline) as granted:
            if not granted:
                return Fault(What.PAUSED, What.PAUSED.value)
            return await self.exchange(request, deadline=deadline)

    async def exchange(self, request: ApiRequest, *, deadline: float = inf) -> Reply | Fault:
        """Send one request and read its whole answer, within the timeouts; the caller holds a turn.

        An upload takes what its size takes, until ``deadline`` at most.
        """
        sent_at = self._clock()
        limit = deadline - sent_at if request.form else self._longest
        lane = self._idle.pop() if self._idle else self._new_client(self.base_url, api=True)
        try:
            with anyio.move_on_after(limit):
                reply = await self._exchange(lane, request)
                self._note(request, reply, sent_at)
                return reply
        except Exception as error:
            return self._fault(error)
        finally:
            self._idle.append(lane)
        return _late("no whole answer", limit)

    async def _exchange(self, client: httpx.AsyncClient, request: ApiRequest) -> Reply:
        url = self.base_url + request.path
        auth = self._bearer if request.signed else None
        form = request.form
        if form is None:
            built = client.build_request(request.method, url, content=request.body, headers=request.headers)
            return await self._read(await client.send(built, auth=auth, stream=True))
        try:
            file = form.file.open("rb")
        except OSError as error:
            raise httpx.LocalProtocolError(f"{form.file} can't be read: {error.strerror}") from None
        with file:
            files = {"file": (form.name, file, form.mime_type)}
            data = dict(form.fields)
            built = client.build_request(request.method, url, data=data, files=files, headers=request.headers)
            return await self._read(await client.send(built, auth=auth, stream=True))

    async def _read(self, response: httpx.Response) -> Reply:
        content = b""
        try:
            pieces = []
            size = 0
            async for piece in response.aiter_bytes():
                size += len(piece)
                if size > _LARGEST_REPLY:
                    raise httpx.DecodingError("the answer is larger than any answer of the API")
                pieces.append(piece)
            content = b"".join(pieces)
        finally:
            await response.aclose()
            response.stream = _CLOSED
        headers = {name: self._hide(value) for name, value in response.headers.items()}
        text = self._hide(content.decode("utf-8", "replace"))
        return Reply(
            status=response.status_code,
            headers=headers,
            json=_read_json(text),
            text=text[:_EXCERPT],
            request_id=headers.get("x-request-id"),
            retry_after=self.retry_after(headers),
        )

    def _note(self, request: ApiRequest, reply: Reply, sent_at: float) -> None:
        if self._pace is None:
            return
        if reply.status == 429:
            self._pace.refused(reply.retry_after, sent_at=sent_at, creates=request.creates)
        else:
            self._pace.answered(sent_at=sent_at)

    @asynccontextmanager
    async def open(self, url: str, headers: Mapping[str, str]) -> AsyncIterator[Incoming | Fault]:
        """GET something elsewhere, without the key, following no redirect; the caller checked the URL."""
        answer: httpx.Response | Fault = _late("no answer", self._longest)
        try:
            client = self._elsewhere(url)
            request = client.build_request("GET", url, headers={"Accept-Encoding": "identity", **headers})
            with anyio.move_on_after(self._longest):
                answer = await client.send(request, stream=True)
        except Exception as error:
            answer = self._fault(error)
        if isinstance(answer, Fault):
            yield answer
            return
        try:
            yield Incoming(answer, self._timeout.read or 60.0)
        finally:
            with anyio.CancelScope(shield=True), suppress(httpx.HTTPError):
                await answer.aclose()
            answer.stream = _CLOSED

    def _elsewhere(self, url: str) -> httpx.AsyncClient:
        """The client for results: one for https, one for plain http on this machine."""
        secure = url.lower().startswith("https:")
        if secure not in self._results:
            self._results[secure] = self._new_client(url, api=False)
        return self._results[secure]

    def _new_client(self, url: str, *, api: bool) -> httpx.AsyncClient:
        size = 1 if api else RESULT_CONNECTIONS
        secure = url.lower().startswith("https:")
        abroad = secure and not (api and is_loopback(httpx.URL(url).host))
        direct = self._transport is None and not (abroad and getproxies())
        client = httpx.AsyncClient(
            headers={"User-Agent": f"rivya-run/{__version__}"},
            cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
            timeout=self._timeout,
            limits=httpx.Limits(max_connections=size, keepalive_expiry=_KEEP_ALIVE),
            follow_redirects=False,
            verify=self._certificates(secure=secure and self._transport is None and not direct),
            # A proxy from the environment is for the world, never for this machine.
            trust_env=abroad,
            mounts=dict.fromkeys(_LOOPBACK) if abroad else None,
            transport=_Transport(self._connections) if direct else self._transport,
        )
        self._stack.push_async_callback(client.aclose)
        return client

    def _certificates(self, *, secure: bool) -> ssl.SSLContext:
        """One for all clients: loading the certificates costs 20 ms and more, and plain http does without."""
        if not secure:
            return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if self._trusted is None:
            self._trusted = httpx.create_ssl_context()
        return self._trusted

    def _fault(self, error: Exception) -> Fault:
        fault = fault_of(error)
        if fault is None:
            raise error
        return Fault(fault.what, self._hide(fault.message))

    def _hide(self, text: str) -> str:
        return text if self._key is None else self._key.hide_in(text)

    def retry_after(self, headers: Mapping[str, str]) -> float | None:
        """Seconds to wait as an answer asks for, dates read by the server's own clock where it tells it."""
        now = self._wall()
        with suppress(ValueError, TypeError, OverflowError):
            now = parsedate_to_datetime(headers.get("date", "")).timestamp()
        return read_retry_after(headers.get("retry-after"), now)


def _late(what: str, limit: float) -> Fault:
    return Fault(What.READ_TIMEOUT, f"{what} within {limit:.0f} s")


def _read_json(text: str) -> Json:
    try:
        value: Json = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value
