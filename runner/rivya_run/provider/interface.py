"""What the engine needs of a video API."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """The reply to an upload. Only ``url`` is sure to be there; see the API's own list of unknowns."""

    url: str
    file_id: str | None = None
    duration_token: str | None = None
    mime_type: str | None = None
