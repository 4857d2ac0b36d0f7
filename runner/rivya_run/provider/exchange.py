"""What is asked of the API, and what comes back: the values that cross the HTTP door."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from rivya_run.json_types import Json


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
    """An answer. ``json`` is None where the body isn't JSON, ``text`` is its beginning.

    ``retry_after`` is in seconds.
    """

    status: int
    headers: Mapping[str, str]
    json: Json
    text: str
    request_id: str | None
    retry_after: float | None


class RateLimiter(Protocol):
    """Who says when the next request to the API may go (``pace.Pace``). ``sent_at`` is monotonic seconds."""

    async def ready(self, deadline: float) -> bool:
        """Wait for a turn; False, at once, if there will be none before the deadline."""

    def refused(self, retry_after: float | None, *, sent_at: float, creates: bool) -> None:
        """A request was answered with 429."""

    def answered(self, *, sent_at: float) -> None:
        """A request was answered otherwise."""
