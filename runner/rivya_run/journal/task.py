"""What comes over the wire, read tolerantly: extra fields are ignored, missing ones are None."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class ApiError:
    """An error as the API told it. ``code`` is its contract; an unknown one is shown as it came."""

    code: str
    message: str
    request_id: str | None = None
    http_status: int | None = None


class TaskStatus(StrEnum):
    """Where a task is. OTHER is a status that this version doesn't know: it is waited on."""

    QUEUED = "queued"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Task:
    """The public task object (create and status replies). Times are as the API wrote them.

    ``urls`` are its results, the primary one first; ``places`` says where each stands in the API's own list. A URL
    that can't be fetched is among them, last, so that it can be told.
    """

    id: str
    status: TaskStatus
    raw_status: str
    model: str | None = None
    reserved_credits: float | None = None
    final_credits: float | None = None
    created_at: str | None = None
    updated_at: str | None = None
    urls: tuple[str, ...] = ()
    error: ApiError | None = None
    places: tuple[int, ...] = ()
