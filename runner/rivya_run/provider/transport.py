"""Requests on their way: httpx2's own engine (httpcore2), one connection each, kept alive, the last used first.

httpx2's ready-made transport would do, but for four things that money or patience depend on:

* an error has to say whether anything of the request was sent: the engine's don't where a proxy is in between;
* what a server sends after an answer must not be taken for the next answer: the engine keeps it;
* a refusal in the middle of an upload is to be heard, also from a server that takes no more;
* a pool costs CPU that grows with what is in it: so there is one for each connection.

Nothing here follows a redirect, keeps a cookie or sends anything twice.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from math import inf
from typing import Any, cast

import anyio
import httpcore2
import httpx2

from rivya_run.provider.network import Network, trusted
from rivya_run.provider.stream import Streams

_IDLE_MOST = 16  # connections that rest for one address; more are only left by a burst of downloads
Address = tuple[str, str, int]
"""Scheme, host, port."""


class Transport(httpx2.AsyncBaseTransport):
    """Real connections, as many as there are requests at once: who bounds them is the caller."""

    def __init__(self, network: Network, *, keep_alive: float) -> None:
        """``keep_alive``: seconds after which a connection that rests is not used again."""
        self._network = network
        self._keep_alive = keep_alive
        self._tls: ssl.SSLContext | None = None
        self._idle: dict[Address, list[_Slot]] = {}
        self._slots: set[_Slot] = set()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Raises errors of httpx2 and httpcore2; those that say "not connected" only if nothing was sent."""
        url = request.url
        address = (url.scheme, url.host, url.port or (443 if url.scheme == "https" else 80))
        slot = await self._kept(address) or self._slot(address, _core_url(url).origin)
        try:
            response = await slot.send(request)
        except BaseException:
            await self._drop(slot)
            raise

        async def done() -> None:
            resting = self._idle.setdefault(address, [])
            if slot.reusable and len(resting) < _IDLE_MOST:
                resting.append(slot)
            else:
                await self._drop(slot)

        stream = _Body(cast(AsyncIterable[bytes], response.stream), done)
        return httpx2.Response(response.status, headers=response.headers, stream=stream)

    async def _kept(self, address: Address) -> _Slot | None:
        """The connection that rests since last, if one is still alive."""
        idle = self._idle.get(address, [])
        while idle:
            slot = idle.pop()
            if not slot.expired:
                return slot
            await self._drop(slot)
        return None

    def _slot(self, address: Address, origin: httpcore2.Origin) -> _Slot:
        if self._tls is None and address[0] == "https":
            try:
                self._tls = trusted()
            except OSError as error:
                raise httpx2.ConnectError(f"the certificates of this machine: {error}") from error
        slot = _Slot(origin, self._tls, self._network.proxy_for(*address), self._keep_alive)
        self._slots.add(slot)
        return slot

    async def _drop(self, slot: _Slot) -> None:
        self._slots.discard(slot)
        with anyio.CancelScope(shield=True):
            await slot.aclose()

    async def aclose(self) -> None:
        self._idle.clear()
        for slot in tuple(self._slots):
            await self._drop(slot)


class _Body(httpx2.AsyncByteStream):
    """The body of an answer, as it is on the wire; closing it lets its connection go."""

    def __init__(self, stream: AsyncIterable[bytes], done: Any) -> None:
        self._stream = stream
        self._done = done

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._stream:
            yield piece

    async def aclose(self) -> None:
        done, self._done = self._done, None
        if done is not None:
            with anyio.CancelScope(shield=True):
                try:
                    await self._stream.aclose()  # type: ignore[attr-defined]
                finally:
                    await done()


class _Slot:
    """Room for one connection, and the one request that is on it."""

    def __init__(
        self,
        origin: httpcore2.Origin,
        tls: ssl.SSLContext | None,
        proxy: httpcore2.Proxy | None,
        keep_alive: float,
    ) -> None:
        self._streams = Streams()
        self._through = f", through the proxy {proxy.url.host.decode()}:{proxy.url.port}" if proxy else ""
        pool = httpcore2.AsyncConnectionPool(
            ssl_context=tls,
            proxy=_with_tls(proxy, tls),
            keepalive_expiry=keep_alive,
            network_backend=self._streams,
        )
        # Direct, or by whatever kind of proxy it is.
        self._connection = pool.create_connection(origin)

    async def send(self, request: httpx2.Request) -> httpcore2.Response:
        """Send a request, and wait for the head of its answer."""
        timeouts: Mapping[str, float | None] = request.extensions.get("timeout", {})
        connecting = anyio.CancelScope()
        patience = timeouts.get("connect")
        if patience is not None:  # for all of it: name, TCP, proxy, TLS
            connecting.deadline = anyio.current_time() + patience
        sent = False

        async def trace(name: str, info: Mapping[str, Any]) -> None:
            nonlocal sent
            if name == "http11.send_request_headers.started" and info["request"].method != b"CONNECT":
                sent = True
                connecting.deadline = inf

        core = httpcore2.Request(
            request.method,
            _core_url(request.url),
            headers=request.headers.raw,
            content=cast(AsyncIterable[bytes], request.stream),
            extensions={**request.extensions, "trace": trace},
        )
        try:
            with connecting:
                if isinstance(request.stream, httpx2.ByteStream):
                    response = await self._connection.handle_async_request(core)
                else:
                    response = await self._upload(core)
                if response.status == 101:
                    raise httpcore2.RemoteProtocolError("an unrequested switch to another protocol")
                return response
        except httpcore2.LocalProtocolError:
            # The engine's words would show the value of a header, which may be the key.
            raise httpx2.LocalProtocolError("a header or an address that HTTP does not allow") from None
        except Exception as error:
            if sent:
                raise
            raise self._not_connected(error) from error
        late = httpx2.ReadTimeout if sent else httpx2.ConnectTimeout  # when it was just about to be sent
        raise late(f"no connection within {patience:g} s{self._through}")

    async def _upload(self, request: httpcore2.Request) -> httpcore2.Response:
        """Send a large body, and meanwhile listen for an answer that makes the rest pointless."""
        failed: Exception | None = None
        response = None
        async with anyio.create_task_group() as group:
            request.stream = self._streams.listening(cast(AsyncIterable[bytes], request.stream), group)
            try:
                response = await self._connection.handle_async_request(request)
            except Exception as error:
                failed = error
            group.cancel_scope.cancel()
        if response is None:
            raise failed or httpcore2.ReadError("the connection was closed")
        return response

    def _not_connected(self, error: Exception) -> Exception:
        """What went wrong before anything was sent; bugs stay what they are."""
        words = _reason(error) + self._through
        if isinstance(error, httpcore2.UnsupportedProtocol | httpx2.LocalProtocolError):
            return error
        if isinstance(error, httpcore2.TimeoutException):
            return httpx2.ConnectTimeout(words)
        if self._through and not isinstance(error, httpcore2.ConnectError):
            return httpx2.ProxyError(words)  # answers that are none, and the assertions of the engine's SOCKS
        if isinstance(
            error, httpcore2.NetworkError | httpcore2.ProtocolError | OSError | ValueError | ExceptionGroup
        ):
            return httpx2.ConnectError(words)  # the last two: names and ports that none can be
        return error

    @property
    def reusable(self) -> bool:
        """Whether another request may go over the connection."""
        return self._connection.is_idle() and not _has_more(self._connection)

    @property
    def expired(self) -> bool:
        """Whether it rested for too long, or something came since: its end, or an answer that nobody asked for."""
        return self._connection.has_expired()

    async def aclose(self) -> None:
        await self._connection.aclose()
        await self._streams.aclose()


def _reason(error: BaseException) -> str:
    """What the system said, where an error only says that something failed."""
    cause = error.exceptions[0] if isinstance(error, ExceptionGroup) else error.__cause__
    if isinstance(cause, OSError | ExceptionGroup):
        return _reason(cause)
    return str(error) or type(error).__name__


def _core_url(url: httpx2.URL) -> httpcore2.URL:
    """The same for the engine."""
    return httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)


def _with_tls(proxy: httpcore2.Proxy | None, tls: ssl.SSLContext | None) -> httpcore2.Proxy | None:
    if proxy is None or proxy.url.scheme != b"https":
        return proxy
    secured = httpcore2.Proxy(proxy.url, headers=proxy.headers, ssl_context=tls)
    secured.auth = proxy.auth
    return secured


def _has_more(connection: object) -> bool:
    """Whether more came than an answer. The engine takes it for the next one, and has no public way to ask: where it
    can't be told, the connection is not used again."""
    while (state := getattr(connection, "_h11_state", None)) is None:
        connection = getattr(connection, "_connection", None)
        if connection is None:
            return True
    return bool(state.trailing_data[0])
