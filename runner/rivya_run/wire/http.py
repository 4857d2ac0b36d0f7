"""HTTP: few connections, one gate, one place for the key.

Requests to the API go through ``turn`` (a gate, then the pace that a 429 sets) and ``exchange``. The gate is
ours, and so are the connections (see ``connections``); where a proxy is set, the HTTP library makes them (see
``library``). Results come through ``open``, which never knows the key. Nothing here follows a redirect.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager, suppress
from email.utils import parsedate_to_datetime
from math import inf
from urllib.request import getproxies

import anyio

from rivya_run import __version__
from rivya_run.times import steady
from rivya_run.wire.bodies import read_json, text_of
from rivya_run.wire.connections import Connections, Origin
from rivya_run.wire.exchange import Answer, ApiRequest, Governor, Reply
from rivya_run.wire.faults import BodyError, Fault, fault_of
from rivya_run.wire.incoming import Incoming
from rivya_run.wire.library import Library, Transport, address, certificates, decoded, multipart
from rivya_run.wire.origin import Secret, is_loopback
from rivya_run.wire.question import Headers, LocalProtocolError, Question, Timeouts
from rivya_run.wire.retry import What, read_retry_after

API_CONNECTIONS = 8
_CONNECT_TIMEOUT = 10.0
_WRITE_TIMEOUT = 60.0
_KEEP_ALIVE = 30.0
_LAST_YEAR = 9999  # records can't write what comes after it
_LARGEST_REPLY = 32 * 1024 * 1024
_EXCERPT = 2000
_ALWAYS = (
    (b"Accept", b"*/*"),
    # Replies are small, and results are compressed already.
    (b"Accept-Encoding", b"identity"),
    (b"Connection", b"keep-alive"),
    (b"User-Agent", f"rivya-run/{__version__}".encode()),
)


class Http:
    """The connections of one run; an async context manager.

    ``send`` and ``exchange`` give a Reply or a Fault and never raise an error of the HTTP library.
    ``transport`` is the seam for tests, ``wall`` the wall clock (for ``Retry-After`` dates), ``clock`` the
    monotonic one, ``steady`` goes on while the machine sleeps.
    """

    def __init__(
        self,
        base_url: str,
        key: Secret | None,
        *,
        pace: Governor | None = None,
        read_timeout: float = 60.0,
        connections: int = API_CONNECTIONS,
        transport: Transport | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = steady,
    ) -> None:
        """``base_url`` as ``origin.checked_base_url`` gives it."""
        self.base_url = base_url
        self._key = key
        self._pace = pace
        self._timeouts = Timeouts(_CONNECT_TIMEOUT, read_timeout, _WRITE_TIMEOUT)
        # Reading and writing time out piece by piece; this bounds an answer that trickles for ever.
        self._longest = _CONNECT_TIMEOUT + 2 * read_timeout
        self._transport = transport
        self._clock = clock
        self._wall = wall
        self._steady = steady
        self._told_time: tuple[str, float] | None = None
        self._gate = anyio.Semaphore(connections, fast_acquire=True)
        self._base, prefix = address(base_url)
        self._prefix = prefix.rstrip(b"/")
        self._straight: dict[bool, bool] = {}
        self._trusted: ssl.SSLContext | None = None
        self._connections = Connections(tls=self._certificates, keep_alive=_KEEP_ALIVE)
        self._library = Library(transport=transport, tls=self._certificates, keep_alive=_KEEP_ALIVE)

    async def __aenter__(self) -> Http:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        with anyio.CancelScope(shield=True):
            await self._library.aclose()
            await self._connections.aclose()

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
        try:
            with anyio.move_on_after(limit):
                reply = await self._exchange(request)
                self._note(request, reply, sent_at)
                return reply
        except Exception as error:
            return self._fault(error)
        return _late("no whole answer", limit)

    async def _exchange(self, request: ApiRequest) -> Reply:
        headers = [(name.encode(), value.encode()) for name, value in request.headers.items()]
        if request.signed and self._key is not None:
            headers.append((b"Authorization", f"Bearer {self._key.reveal()}".encode()))
        form = request.form
        if form is None:
            if request.body is not None:
                headers.append((b"Content-Length", b"%d" % len(request.body)))
            return await self._read(await self._ask_api(request, headers, request.body or b""))
        try:
            file = form.file.open("rb")
        except OSError as error:
            raise LocalProtocolError(f"{form.file} can't be read: {error.strerror}") from None
        with file:
            about, body = multipart(form, file)
            return await self._read(await self._ask_api(request, [*headers, *about], body))

    async def _ask_api(
        self, request: ApiRequest, headers: Headers, body: bytes | AsyncIterable[bytes]
    ) -> Answer:
        target = self._prefix + request.path.encode()
        return await self._ask(self._base, request.method, target, headers, body, api=True)

    async def _ask(
        self,
        origin: Origin,
        method: str,
        target: bytes,
        headers: Headers,
        body: bytes | AsyncIterable[bytes] = b"",
        *,
        api: bool,
    ) -> Answer:
        """Send a request the straight way, or through the library where a proxy is set."""
        whole = [(b"Host", origin.header), *_ALWAYS, *headers]
        question = Question(method.encode(), target, whole, body, self._timeouts)
        abroad = origin.secure and not (api and is_loopback(origin.host))
        if abroad not in self._straight:
            self._straight[abroad] = self._transport is None and not (abroad and getproxies())
        if self._straight[abroad]:
            return await self._connections.ask(origin, question)
        return await self._library.ask(origin, question, abroad=abroad, api=api)

    async def _read(self, answer: Answer) -> Reply:
        pieces = []
        size = 0
        try:
            async with aclosing(decoded(answer)) as body:
                async for piece in body:
                    size += len(piece)
                    if size > _LARGEST_REPLY:
                        message = "the answer is larger than any answer of the API"
                        raise BodyError(Fault(What.UNREADABLE, message))
                    pieces.append(piece)
        finally:
            await answer.aclose()
        headers = {name: self._hide(value) for name, value in answer.headers.items()}
        text = self._hide(text_of(b"".join(pieces)))
        return Reply(
            status=answer.status,
            headers=headers,
            json=read_json(text),
            text=text[:_EXCERPT],
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

    def _note(self, request: ApiRequest, reply: Reply, sent_at: float) -> None:
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
    async def open(self, url: str, headers: Mapping[str, str]) -> AsyncIterator[Incoming | Fault]:
        """GET something elsewhere, without the key, following no redirect; the caller checked the URL."""
        answer: Answer | Fault = _late("no answer", self._longest)
        try:
            with anyio.move_on_after(self._longest):
                raw = [(name.encode(), value.encode()) for name, value in headers.items()]
                origin, target = address(url)
                answer = await self._ask(origin, "GET", target, raw, api=False)
        except Exception as error:
            answer = self._fault(error)
        if isinstance(answer, Fault):
            yield answer
            return
        try:
            yield Incoming(answer.status, answer.headers, decoded(answer))
        finally:
            with anyio.CancelScope(shield=True), suppress(Exception):
                await answer.aclose()

    def _certificates(self) -> ssl.SSLContext:
        """One for all connections."""
        if self._trusted is None:
            self._trusted = certificates(secure=True)
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
        told = _seconds_of_date(headers.get("date"))
        return read_retry_after(headers.get("retry-after"), self._wall() if told is None else told)


def _seconds_of_date(text: str | None) -> float | None:
    """Seconds since the epoch for a ``Date`` header; None for what is none."""
    with suppress(ValueError, TypeError, OverflowError):
        moment = parsedate_to_datetime(text or "")
        if moment.tzinfo is not None and moment.year < _LAST_YEAR:
            return moment.timestamp()
    return None


def _late(what: str, limit: float) -> Fault:
    return Fault(What.READ_TIMEOUT, f"{what} within {limit:.0f} s")
