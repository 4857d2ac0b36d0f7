"""What the HTTP library is for: addresses, forms, encodings, certificates; and requests where a proxy is set.

Everything else goes over connections of our own (see ``connections``, and why).
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import BinaryIO, cast

from rivya_run.wire.connections import Origin
from rivya_run.wire.exchange import Answer, Form
from rivya_run.wire.question import Headers, Question, Timeouts

try:
    import httpx
except ImportError:  # its successor has the same names
    import httpx2 as httpx  # type: ignore[import-not-found,no-redef]

RESULT_CONNECTIONS = 8
_LOOPBACK = ("all://127.0.0.1", "all://localhost", "all://[::1]")

# The library ties an answer and its stream into a knot that only the garbage collector undoes, late.
_CLOSED = httpx.ByteStream(b"")

Transport = httpx.AsyncBaseTransport
"""The library's way to the network, which tests replace."""


def address(url: str) -> tuple[Origin, bytes]:
    """Where a URL leads, and what is asked for there. Raises InvalidURL, which ``faults`` knows."""
    try:
        read = httpx.URL(url)
    except UnicodeError as error:  # half a character, which JSON can hold
        raise httpx.InvalidURL(str(error)) from error
    secure = read.scheme == "https"
    return Origin(read.raw_host.decode("ascii"), read.port or (443 if secure else 80), secure), read.raw_path


def multipart(form: Form, file: BinaryIO) -> tuple[Headers, AsyncIterator[bytes]]:
    """A form as it is sent: its headers, and its body streamed from the open file."""
    files = {"file": (form.name, file, form.mime_type)}
    request = httpx.Request("POST", "http://form", data=dict(form.fields), files=files)
    headers = [(name, value) for name, value in request.headers.raw if name.lower() != b"host"]
    return headers, aiter(cast(httpx.AsyncByteStream, request.stream))


def decoded(answer: Answer) -> AsyncGenerator[bytes, None]:
    """The body of an answer with its content encoding undone. Raises DecodingError on the way."""
    if answer.headers.get("content-encoding", "identity") == "identity":
        return answer.body()
    encoding = answer.headers["content-encoding"].encode("latin-1", "replace")
    response = httpx.Response(
        answer.status, headers=[(b"content-encoding", encoding)], stream=_Stream(answer.body())
    )
    return cast(AsyncGenerator[bytes, None], response.aiter_bytes())


def certificates(*, secure: bool) -> ssl.SSLContext:
    """Whom to trust. Loading them costs 20 ms and more, and plain http does without."""
    return httpx.create_ssl_context() if secure else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class _Stream(httpx.AsyncByteStream):
    """A body as the library wants it."""

    def __init__(self, pieces: AsyncIterable[bytes]) -> None:
        self._pieces = pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._pieces:
            yield piece


class LibraryAnswer:
    """An answer that came through the library, which undoes content encodings itself."""

    def __init__(self, response: httpx.Response, done: Callable[[], None]) -> None:
        self.status = response.status_code
        headers = dict(response.headers.items())
        if headers.pop("content-encoding", "identity") != "identity":
            headers.pop("content-length", None)  # it counts what was on the wire
        self.headers: Mapping[str, str] = headers
        self._response = response
        self._done = done

    def body(self) -> AsyncGenerator[bytes, None]:
        """The body, piece by piece."""
        return cast(AsyncGenerator[bytes, None], self._response.aiter_bytes())

    async def aclose(self) -> None:
        """Let its connection go."""
        self._done()
        await self._response.aclose()
        self._response.stream = _CLOSED


class Library:
    """The library's clients: one for each connection to the API, because its pool costs CPU that grows with the
    square of what is in it; one for https and one for plain http elsewhere."""

    def __init__(
        self, *, transport: Transport | None, tls: Callable[[], ssl.SSLContext], keep_alive: float
    ) -> None:
        self._transport = transport
        self._tls = tls
        self._keep_alive = keep_alive
        self._stack = AsyncExitStack()
        self._idle: list[httpx.AsyncClient] = []
        self._elsewhere: dict[bool, httpx.AsyncClient] = {}

    async def aclose(self) -> None:
        """Close everything."""
        await self._stack.aclose()
        self._idle.clear()
        self._elsewhere.clear()

    async def ask(self, origin: Origin, question: Question, *, abroad: bool, api: bool) -> LibraryAnswer:
        """Send a request, and wait for the head of its answer. ``abroad``: a proxy of the environment is used."""
        secure = origin.secure
        if api:
            client = self._idle.pop() if self._idle else self._client(secure, abroad, 1)
        elif secure in self._elsewhere:
            client = self._elsewhere[secure]
        else:
            client = self._elsewhere[secure] = self._client(secure, abroad, RESULT_CONNECTIONS)

        def done() -> None:
            if api and client not in self._idle:
                self._idle.append(client)

        request = httpx.Request(
            question.method.decode(),
            f"{'https' if secure else 'http'}://{origin.header.decode()}{question.target.decode()}",
            headers=question.headers,
            stream=_Stream(question.pieces()),
            extensions={"timeout": _limits(question.timeouts)},
        )
        try:
            return LibraryAnswer(await client.send(request, stream=True), done)
        except BaseException:
            done()
            raise

    def _client(self, secure: bool, abroad: bool, connections: int) -> httpx.AsyncClient:
        direct = not secure or self._transport is not None
        client = httpx.AsyncClient(
            cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
            limits=httpx.Limits(max_connections=connections, keepalive_expiry=self._keep_alive),
            follow_redirects=False,
            verify=certificates(secure=False) if direct else self._tls(),
            # A proxy from the environment is for the world, never for this machine.
            trust_env=abroad,
            mounts=dict.fromkeys(_LOOPBACK) if abroad else None,
            transport=self._transport,
        )
        self._stack.push_async_callback(client.aclose)
        return client


def _limits(timeouts: Timeouts) -> dict[str, float | None]:
    return {"connect": timeouts.connect, "read": timeouts.read, "write": timeouts.write, "pool": None}
