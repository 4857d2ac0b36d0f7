"""An answer whose body is read piece by piece, fast where it is large and its length is known."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import Any, Protocol

from rivya_run.wire.faults import BodyError, Fault, fault_of
from rivya_run.wire.retry import What

READ_AT_ONCE = 256 * 1024
LARGE = 4 * 1024 * 1024


class Response(Protocol):
    """What is used of the HTTP library's answer."""

    status_code: int
    extensions: dict[str, Any]

    @property
    def headers(self) -> Mapping[str, str]:
        """Names in any case."""

    @property
    def http_version(self) -> str:
        """HTTP/1.1, for example."""

    def aiter_raw(self) -> AsyncIterator[bytes]:
        """The body as it is on the wire."""

    def aiter_bytes(self) -> AsyncIterator[bytes]:
        """The body with its content encoding undone."""


class Incoming:
    """An open answer whose body is still to be read; ``headers`` takes lower-case names."""

    __slots__ = ("_response", "_timeout", "headers", "status")

    def __init__(self, response: Response, timeout: float) -> None:
        """``timeout`` is the longest wait for a piece, in seconds."""
        self._response = response
        self._timeout = timeout
        self.status = response.status_code
        self.headers = response.headers

    @property
    def length(self) -> int | None:
        """How many bytes the body has as it is on the wire, where it says so and is not encoded."""
        text = self.headers.get("content-length", "")
        encoded = self.headers.get("content-encoding", "identity") != "identity"
        if encoded or "transfer-encoding" in self.headers or not (text.isascii() and text.isdigit()):
            return None
        return int(text)

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """The body; raises BodyError when it stops before its end."""
        length = self.length
        stream = self._response.extensions.get("network_stream")
        try:
            if stream is None or length is None or length < LARGE or self._response.http_version > "HTTP/1.1":
                async for chunk in self._response.aiter_bytes():
                    yield chunk
                return
            async for chunk in self._large(stream, length):
                yield chunk
        except Exception as error:
            fault = fault_of(error)
            if fault is None:
                raise
            raise BodyError(fault) from None

    async def _large(self, stream: Any, left: int) -> AsyncGenerator[bytes, None]:
        """Read from the connection itself, which is twice as fast as through the parser.

        The first piece empties the parser's buffer; the connection can't be kept for another request.
        """
        body = self._response.aiter_raw()  # held to the end: dropping it closes the connection
        chunk = await anext(body, b"")
        while chunk:
            yield chunk
            left -= len(chunk)
            if left <= 0:
                return
            chunk = await stream.read(min(READ_AT_ONCE, left), timeout=self._timeout)
        raise BodyError(Fault(What.RESET, f"the body ended {left} bytes short"))
