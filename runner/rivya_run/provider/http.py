"""HTTP: few connections, one gate, one place for the key.

Requests to the API go through ``turn`` (a gate, then the pace that a 429 sets) and ``exchange``; the gate is ours.
Results come through ``open``, which never knows the key. What carries both is a transport of httpx2 (see
``transport``, the real one), which tests replace. Nothing here follows a redirect.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager, suppress
from email.utils import parsedate_to_datetime
from math import inf
from typing import cast

import anyio
import httpx2

from rivya_run import __version__
from rivya_run.provider.exchange import ApiRequest, ApiResponse, Incoming, RateLimiter, read_json, text_of
from rivya_run.provider.faults import BodyError, TransportError, fault_of
from rivya_run.provider.network import Network
from rivya_run.provider.origin import Secret
from rivya_run.provider.rivya.retry import FailureKind, read_retry_after
from rivya_run.provider.transport import Transport
from rivya_run.times import steady

API_CONNECTIONS = 8  # requests at once; polls are short, so 8 carry hundreds of tasks
CONNECT_TIMEOUT = 10.0  # seconds for name, TCP, proxy and TLS; a longer wait rarely ends well
_WRITE_TIMEOUT = 60.0  # seconds without progress of an upload
_KEEP_ALIVE = 30.0  # seconds; below what proxies and servers commonly allow (60 s and more)
_LAST_YEAR = 9999  # records can't write what comes after it
_LARGEST_REPLY = 32 * 1024 * 1024
"""Bytes; a thousand times what the API sends, and harmless to hold in memory."""

_EXCERPT = 2000  # characters of an answer that isn't JSON, for the message
_ALWAYS = (
    ("Accept", "*/*"),
    # Replies are small, and results are compressed already.
    ("Accept-Encoding", "identity"),
    ("Connection", "keep-alive"),
    ("User-Agent", f"rivya-run/{__version__}"),
)

Headers = list[tuple[str, str]]


class Http:
    """The connections of one run; an async context manager.

    ``send`` and ``exchange`` return an ApiResponse or a TransportError and never raise an error of the HTTP library.
    ``transport`` is the seam for tests, ``wall`` the wall clock (for ``Retry-After`` dates), ``clock`` the
    monotonic one, ``steady`` goes on while the machine sleeps.
    """

    def __init__(
        self,
        base_url: str,
        key: Secret | None,
        *,
        pace: RateLimiter | None = None,
        connect_timeout: float = CONNECT_TIMEOUT,
        read_timeout: float = 60.0,
        connections: int = API_CONNECTIONS,
        network: Network | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = steady,
    ) -> None:
        """``base_url`` as ``origin.checked_base_url`` gives it; ``network`` tells of proxies, without it is none."""
        self.base_url = base_url
        self._key = key
        self._pace = pace
        self._timeouts = {
            "connect": connect_timeout,
            "read": read_timeout,
            "write": _WRITE_TIMEOUT,
            "pool": None,
        }
        # Reading and writing time out piece by piece; this bounds an answer that trickles for ever.
        self._longest = connect_timeout + 2 * read_timeout
        self._clock = clock
        self._wall = wall
        self._steady = steady
        self._told_time: tuple[str, float] | None = None
        self._gate = anyio.Semaphore(connections, fast_acquire=True)
        if transport is None:
            transport = Transport(network or Network(), keep_alive=_KEEP_ALIVE)
        self._transport = transport

    async def __aenter__(self) -> Http:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        with anyio.CancelScope(shield=True):
            await self._transport.aclose()

    @asynccontextmanager
    async def turn(self, deadline: float) -> AsyncIterator[bool]:
        """A place at the gate, and the pace's leave to send one request; False: none before the deadline."""
        async with self._gate:
            yield self._pace is None or await self._pace.ready(deadline)

    async def send(self, request: ApiRequest, *, deadline: float) -> ApiResponse | TransportError:
        """Wait for a turn (cancellable), then exchange."""
        async with self.turn(deadline) as granted:
            if not granted:
                return TransportError(FailureKind.PAUSED, FailureKind.PAUSED.value)
            return await self.exchange(request, deadline=deadline)

    async def exchange(self, request: ApiRequest, *, deadline: float = inf) -> ApiResponse | TransportError:
        """Send one request and read its whole answer, within the timeouts; the caller holds a turn.

        An upload takes what its size takes, until ``deadline`` at most.
        """
        sent_at = self._clock()
        limit = deadline - sent_at if request.form else self._longest
        try:
            with anyio.move_on_after(limit):
                reply = await self._exchange(request)
                self._note(request, reply, sent_at)
                return reply
        except Exception as error:
            return self._fault(error)
        return _late("no complete response", limit)

    async def _exchange(self, request: ApiRequest) -> ApiResponse:
        url = self.base_url + request.path
        headers = [*request.headers.items()]
        if request.signed and self._key is not None:
            headers.append(("Authorization", f"Bearer {self._key.reveal()}"))
        form = request.form
        if form is None:
            content = {} if request.body is None else {"content": request.body}
            return await self._read(await self._ask(self._request(request.method, url, headers, **content)))
        try:
            file = form.file.open("rb")
        except OSError as error:
            raise httpx2.LocalProtocolError(f"{form.file} can't be read: {error.strerror}") from None
        with file:
            files = {"file": (form.name, file, form.mime_type)}
            built = self._request(request.method, url, headers, data=dict(form.fields), files=files)
            built.stream = _Counted(
                cast(AsyncIterable[bytes], built.stream), int(built.headers["content-length"])
            )
            return await self._read(await self._ask(built))

    def _request(self, method: str, url: str, headers: Headers, **body: object) -> httpx2.Request:
        try:
            return httpx2.Request(
                method,
                url,
                headers=[*_ALWAYS, *headers],
                extensions={"timeout": self._timeouts},
                **body,  # type: ignore[arg-type]
            )
        except UnicodeError as error:  # half a character, which JSON can hold
            raise httpx2.InvalidURL(str(error)) from error

    async def _ask(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request, and wait for the head of its answer, which has to be closed."""
        return await self._transport.handle_async_request(request)

    async def _read(self, response: httpx2.Response) -> ApiResponse:
        pieces = []
        size = 0
        try:
            async with aclosing(
                response.aiter_bytes()
            ) as body:  # content encodings are undone piece by piece
                async for piece in body:
                    size += len(piece)
                    if size > _LARGEST_REPLY:
                        message = "the response is larger than any that the API sends"
                        raise BodyError(TransportError(FailureKind.UNREADABLE, message))
                    pieces.append(piece)
        finally:
            await response.aclose()
        headers = self._headers(response)
        text = text_of(b"".join(pieces))
        found = read_json(text)
        return ApiResponse(
            status=response.status_code,
            headers=headers,
            json=found if self._key is None else self._key.hide_in_json(found),
            # A letter of the key may be escaped, and so as long as six.
            text=self._hide(text[: 8 * _EXCERPT])[:_EXCERPT],
            request_id=headers.get("x-request-id"),
            retry_after=self.retry_after(headers),
        )

    def server_time(self) -> float | None:
        """Now by the API's own clock, as its latest answer told it: seconds since the epoch, good to a second or two.

        None before an answer told it.
        """
        if self._told_time is None:
            return None
        told = _seconds_of_date(self._told_time[0])
        return told + self._steady() - self._told_time[1] if told is not None else None

    def _note(self, request: ApiRequest, reply: ApiResponse, sent_at: float) -> None:
        date = reply.headers.get("date")
        if date is not None:
            self._told_time = (date, self._steady())
        if self._pace is None:
            return
        if reply.status == 429:
            self._pace.refused(reply.retry_after, sent_at=sent_at, creates=request.creates)
        else:
            self._pace.answered(sent_at=sent_at)

    @asynccontextmanager
    async def open(self, url: str, headers: Mapping[str, str]) -> AsyncIterator[Incoming | TransportError]:
        """GET something elsewhere, without the key, following no redirect; the caller checked the URL."""
        answer: httpx2.Response | TransportError = _late("no answer", self._longest)
        try:
            with anyio.move_on_after(self._longest):
                answer = await self._ask(self._request("GET", url, [*headers.items()]))
        except Exception as error:
            answer = self._fault(error)
        if isinstance(answer, TransportError):
            yield answer
            return
        try:
            yield Incoming(answer.status_code, self._headers(answer), answer.aiter_bytes())
        finally:
            with anyio.CancelScope(shield=True), suppress(Exception):
                await answer.aclose()

    def _headers(self, response: httpx2.Response) -> dict[str, str]:
        """Names in lower case, values of one name joined by commas, the key in neither."""
        headers: dict[str, str] = {}
        for raw, value in response.headers.raw:
            name = self._hide(raw.decode("latin-1").lower())
            text = self._hide(value.decode("latin-1"))
            headers[name] = f"{headers[name]}, {text}" if name in headers else text
        return headers

    def _fault(self, error: Exception) -> TransportError:
        fault = fault_of(error)
        if fault is None:
            raise error
        return TransportError(fault.kind, self._hide(fault.message))

    def _hide(self, text: str) -> str:
        return text if self._key is None else self._key.hide_in(text)

    def retry_after(self, headers: Mapping[str, str]) -> float | None:
        """Seconds to wait as an answer asks for, dates read by the server's own clock where it tells it."""
        told = _seconds_of_date(headers.get("date"))
        return read_retry_after(headers.get("retry-after"), self._wall() if told is None else told)


def _seconds_of_date(text: str | None) -> float | None:
    """Seconds since the epoch for a ``Date`` header; None for what is none."""
    with suppress(ValueError, TypeError, OverflowError):
        moment = parsedate_to_datetime(text or "")
        if moment.tzinfo is not None and moment.year < _LAST_YEAR:
            return moment.timestamp()
    return None


class _Counted(httpx2.AsyncByteStream):
    """A body that has to be as long as its header says: a file may change while it is sent."""

    def __init__(self, pieces: AsyncIterable[bytes], length: int) -> None:
        self._pieces = pieces
        self._left = length

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._pieces:
            self._left -= len(piece)
            if self._left < 0:
                break
            yield piece
        if self._left:
            raise httpx2.LocalProtocolError("the file changed its length while it was sent")


def _late(what: str, limit: float) -> TransportError:
    return TransportError(FailureKind.READ_TIMEOUT, f"{what} within {limit:.0f} s")
