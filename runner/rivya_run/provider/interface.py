"""What a call of the API comes to: values, so that whoever called decides what they mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from rivya_run.journal.attempt import ApiError, Task
from rivya_run.provider.rivya.retry import TransportResult


@dataclass(frozen=True, slots=True)
class Created:
    """A task answers this key: made now, or by an earlier sending of the same key."""

    task: Task


@dataclass(frozen=True, slots=True)
class Refused:
    """The API said no, and did nothing. Of a create that says nothing about its earlier sendings.

    ``of_key``: it refused the API key, whatever was asked for.
    """

    error: ApiError
    of_key: bool = False


@dataclass(frozen=True, slots=True)
class _Unsettled:
    """A sending that got no answer to keep: ``words`` are a person's, ``retry_after`` the seconds asked to wait,
    ``error`` what the answer complained about, where one came.
    """

    happening: TransportResult
    words: str
    retry_after: float | None = None
    error: ApiError | None = None


class NotSent(_Unsettled):
    """This sending surely made nothing: it never left, or the API turned it away for now."""


class MayHaveArrived(_Unsettled):
    """No answer that counts, and the API may have taken the request: a task may exist, and may cost."""


class Throttled(_Unsettled):
    """Turned away with 429, nothing was made: too many requests, or too many tasks in flight."""


class KeyInUse(_Unsettled):
    """This sending made nothing, since its key is taken: by an earlier sending that may still be at work, or by
    somebody who sent another body with it.
    """


@dataclass(frozen=True, slots=True)
class Unanswered:
    """No answer that counts before the deadline; ``last`` says in words what came last."""

    last: str


@dataclass(frozen=True, slots=True)
class NotFound:
    """The API knows no such task or file, or it is another account's."""

    error: ApiError


CreateResult: TypeAlias = Created | Refused | NotSent | MayHaveArrived | Throttled | KeyInUse
"""What one sending of a create comes to."""


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """The reply to an upload. Only ``url`` is sure to be there; see the API's own list of unknowns."""

    url: str
    file_id: str | None = None
    duration_token: str | None = None
    mime_type: str | None = None
