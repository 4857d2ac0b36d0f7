"""A request as it goes over the wire: its head is written here, its body is counted."""

from __future__ import annotations

import re
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass, field

Headers = list[tuple[bytes, bytes]]

_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(rb"[^\x00-\x08\x0a-\x1f\x7f]*")
_TARGET = re.compile(rb"[!-~]+")


class LocalProtocolError(Exception):
    """What was to be sent is no HTTP."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: to connect, and for each piece that is read or written; None waits for ever."""

    connect: float | None
    read: float | None
    write: float | None


@dataclass(frozen=True, slots=True)
class Question:
    """A request. Its headers tell how long a body is that comes in pieces."""

    method: bytes
    target: bytes
    headers: Headers = field(repr=False)  # the key is among them
    body: bytes | AsyncIterable[bytes]
    timeouts: Timeouts

    def head(self) -> bytes:
        """Request line and headers.

        Raises LocalProtocolError for what would not arrive as it was meant (RFC 9112, sections 3 and 5).
        """
        lines = [b"%s %s HTTP/1.1" % (self.method, self.target)]
        if _NAME.fullmatch(self.method) is None or _TARGET.fullmatch(self.target) is None:
            raise LocalProtocolError("an address that HTTP does not allow")
        for name, value in self.headers:
            if _NAME.fullmatch(name) is None or _VALUE.fullmatch(value) is None:
                raise LocalProtocolError(f"a header that HTTP does not allow: {name.decode('latin-1')!r}")
            lines.append(b"%s: %s" % (name, value))
        return b"\r\n".join([*lines, b"", b""])

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body, piece by piece.

        Raises LocalProtocolError where it isn't as long as the headers say: a server would wait for what is
        missing, or take what is too much for another request.
        """
        if isinstance(self.body, bytes):
            yield self.body
            return
        left = self._length()
        async for piece in self.body:
            left -= len(piece)
            if left < 0:
                break
            yield piece
        if left:
            raise LocalProtocolError("what is sent changed its length on the way")

    def _length(self) -> int:
        for name, value in self.headers:
            if name.lower() == b"content-length":
                return int(value)
        raise LocalProtocolError("a body of unknown length")
