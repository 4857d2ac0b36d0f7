"""Requests and responses as ``http`` takes and gives them, and bodies: as text, as JSON, or read piece by piece."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from rivya_run.json_types import Json
from rivya_run.media.types import recognise
from rivya_run.provider.faults import BodyError, fault_of


@dataclass(frozen=True, slots=True)
class Form:
    """A multipart form with one file, streamed from disk."""

    fields: Mapping[str, str]
    file: Path
    name: str
    mime_type: str


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """A request to the API origin; ``path`` starts with a slash; ``signed`` sends the key along."""

    method: str
    path: str
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    form: Form | None = None
    signed: bool = True
    creates: bool = False

    @property
    def trace_id(self) -> str:
        """What it is about, the same for every sending: the key of a create, the file of an upload, a path."""
        told = self.form.fields.get("client_request_id") if self.form is not None else None
        return self.headers.get("Idempotency-Key") or told or self.path


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """A response. ``json`` is None where the body isn't JSON, ``text`` is its beginning.

    ``retry_after`` is in seconds.
    """

    status: int
    headers: Mapping[str, str]
    json: Json
    text: str
    request_id: str | None
    retry_after: float | None


class RateLimiter(Protocol):
    """Decides when the next request to the API may go (``throttle.Pace``). ``sent_at`` is monotonic seconds."""

    async def ready(self, deadline: float) -> bool:
        """Wait for a turn; False, at once, if there will be none before the deadline."""

    def refused(self, retry_after: float | None, *, sent_at: float, creates: bool) -> None:
        """A request was answered with 429."""

    def answered(self, *, sent_at: float) -> None:
        """A request was answered with anything else."""


class Incoming:
    """An open answer whose body is still to be read; ``headers`` takes lower-case names."""

    __slots__ = ("_body", "headers", "status")

    def __init__(self, status: int, headers: Mapping[str, str], body: AsyncGenerator[bytes, None]) -> None:
        self.status = status
        self.headers = headers
        self._body = body

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
        try:
            async for chunk in self._body:
                yield chunk
        except Exception as error:
            fault = fault_of(error)
            if fault is None:
                raise
            raise BodyError(fault) from None


SLOW_FOR = 60.0
"""Seconds over which the bytes of a body are counted: a mobile line may stall for half a minute."""

LEAST_BYTES = 64 * 1024
"""Bytes that have to arrive in that time: below, no clip gets done before its deadline."""


class SpeedCheck:
    """Whether a body arrives too slowly: one that trickles never runs into the timeout of a single read."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._since = clock()
        self._came = 0

    def too_slow(self, count: int) -> bool:
        """Count bytes that arrived; whether they were too few over the last ``SLOW_FOR`` seconds."""
        self._came += count
        now = self._clock()
        if now - self._since < SLOW_FOR:
            return False
        slow = self._came < LEAST_BYTES
        self._since, self._came = now, 0
        return slow


def text_of(raw: bytes) -> str:
    """The body as text: UTF-8, or UTF-16 and UTF-32 where its first bytes tell so, with or without a byte order mark.

    RFC 8259 lets a reader skip the mark. What is no text in that encoding becomes U+FFFD.
    """
    return raw.decode(json.detect_encoding(raw), "replace").lstrip("\ufeff")


def read_json(text: str) -> Json:
    """The JSON value, or None where the text is none."""
    try:
        value: Json = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value


ENOUGH = 512
"""How many bytes of the beginning are enough to tell."""

_PAGE_TYPES = (
    "text/",
    "application/json",
    "application/problem+json",
    "application/xml",
    "application/xhtml",
)
_PAGE_STARTS = (b"<!doctype", b"<html", b"<head", b"<?xml", b"<error", b"<!--", b'{"', b"{ ", b"{\n", b"[{")


def is_page(mime_type: str | None, head: bytes) -> bool:
    """Whether what came is a page: what it begins with counts more than the type it claims."""
    if recognise(head) is not None:
        return False
    if mime_type is not None and mime_type.startswith("image/svg"):
        return b"<html" in head[:ENOUGH].lower()
    if mime_type is not None and mime_type.startswith(_PAGE_TYPES):
        return True
    start = head[:ENOUGH].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return start.startswith(_PAGE_STARTS) and not _is_binary(head)


def _is_binary(head: bytes) -> bool:
    return b"\x00" in head[:ENOUGH]
