"""An answer as it comes in over a connection: httptools reads the bytes, this keeps what they hold."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

import httptools

_LONGEST_HEAD = 64 * 1024


class RemoteProtocolError(Exception):
    """What came is no HTTP, or ended too early."""


@dataclass(frozen=True, slots=True)
class Head:
    """The head of an answer; names in lower case, values of the same name joined by commas."""

    status: int
    headers: Mapping[str, str]


class Response:
    """One answer: ``head`` once it is there, ``whole`` at the end of its body.

    ``lasting`` tells whether the connection may carry another one: it does not where the server said so, where
    only its end is the end of the body, and where more came than an answer.
    """

    def __init__(self) -> None:
        self.head: Head | None = None
        self.whole = False
        self.lasting = False
        self._pieces: deque[bytes] = deque()
        self._left = 0
        self._headers: dict[str, str] = {}
        self._came = 0
        # Until it has done its work: it and its answer hold each other.
        self._parser: httptools.HttpResponseParser | None = _parser_for(self)

    def feed(self, data: bytes) -> None:
        """Take what came. Raises RemoteProtocolError."""
        if self.whole:
            self.lasting = self.lasting and not data
            return
        if self._left:
            self._go_on(data)
            return
        self._parse(data)
        if self.head is None and self._came > _LONGEST_HEAD:
            raise RemoteProtocolError("the head of the answer has no end")
        if self.whole or self._left:
            self._parser = None

    def _parse(self, data: bytes) -> None:
        assert self._parser is not None
        self._came += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            raise RemoteProtocolError("the server switches to a protocol that nobody asked for") from None
        except httptools.HttpParserError as error:
            if not self.whole:
                raise RemoteProtocolError(str(error.__context__ or error) or "not HTTP") from error
            self.lasting = False

    def _go_on(self, data: bytes) -> None:
        """More of a body of known length, which the parser would only copy."""
        surplus = len(data) - self._left
        self.on_body(data[: self._left] if surplus > 0 else data)
        if not self._left:
            self.whole = True
            self.lasting = self.lasting and surplus <= 0

    def end(self) -> None:
        """Nothing more comes. Raises RemoteProtocolError where something is missing."""
        if self.whole:
            return
        if self.head is None:
            raise RemoteProtocolError("the connection was closed without an answer")
        headers = self.head.headers
        if "content-length" in headers or "transfer-encoding" in headers:
            raise RemoteProtocolError("the connection was closed in the middle of an answer")
        self.whole = True

    def take(self) -> bytes:
        """The next piece of the body; empty while there is none."""
        return self._pieces.popleft() if self._pieces else b""

    # What the parser calls.

    def on_message_begin(self) -> None:
        """An answer begins, perhaps one that nobody asked for."""
        if self.whole:
            raise RemoteProtocolError("more came than an answer")

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or after the body a trailer, which means nothing here."""
        if self.head is None:
            key, text = name.decode("latin-1").lower(), value.strip().decode("latin-1")
            self._headers[key] = f"{self._headers[key]}, {text}" if key in self._headers else text

    def on_headers_complete(self) -> None:
        """A head is whole; what only announces another one is forgotten."""
        assert self._parser is not None
        status = self._parser.get_status_code()
        if status < 100:
            raise RemoteProtocolError(f"the status {status}, which HTTP does not know")
        if status >= 200:
            encoding = self._headers.get("transfer-encoding")
            if encoding is None:
                self._left = int(self._headers.get("content-length", "0"))
            elif encoding.lower() != "chunked":
                raise RemoteProtocolError(f"the transfer encoding {encoding!r}, which nobody asked for")
            self.head = Head(status, self._headers)
            self.lasting = self._parser.should_keep_alive()
        self._headers = {}

    def on_body(self, data: bytes) -> None:
        """Some of the body, transfer encodings undone."""
        if self.head is None:
            raise RemoteProtocolError("a body that belongs to no answer")
        self._pieces.append(data)
        self._left = max(0, self._left - len(data))

    def on_message_complete(self) -> None:
        """The answer is whole, unless it only announced another one."""
        self.whole = self.head is not None


def _parser_for(response: Response) -> httptools.HttpResponseParser:
    """One that takes what browsers take: bare line feeds, a length beside chunks (which is not believed), hints that
    claim to be the last word of their connection."""
    parser = httptools.HttpResponseParser(response)
    parser.set_dangerous_leniencies(
        lenient_chunked_length=True,
        lenient_keep_alive=True,
        lenient_optional_cr_before_lf=True,
        lenient_spaces_after_chunk_size=True,
    )
    return parser
