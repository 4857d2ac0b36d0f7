"""What an exchange comes to: a reply or a fault, understood for the retry decision and for the caller."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from rivya_run.journal.attempt import ApiError, Task
from rivya_run.json_types import Json
from rivya_run.provider.exchange import ApiResponse
from rivya_run.provider.faults import TransportError
from rivya_run.provider.origin import redirect_target
from rivya_run.provider.rivya.answers import error_code, names_a_task, read_error, tells_an_error
from rivya_run.provider.rivya.retry import (
    INSUFFICIENT_CREDITS,
    Decision,
    FailureKind,
    Reason,
    TransportResult,
    error_as_success,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ApiResult:
    """One exchange, understood: ``found`` is what the body held, ``error`` what it complained about."""

    transport: TransportResult
    words: str
    hint: float | None = None
    found: object = None
    error: ApiError | None = None


def interpret(
    reply: ApiResponse | TransportError, read: Callable[[Json], T | None], *, creates: bool = False
) -> ApiResult:
    """Understand what came; a 2xx that holds nothing to go on is unreadable, or the error it tells of."""
    if isinstance(reply, TransportError):
        return ApiResult(TransportResult(reply.kind), reply.message)
    found = None
    if 200 <= reply.status < 300:
        found = read(reply.json)
        if found is not None:
            return ApiResult(TransportResult(FailureKind.ANSWERED, reply.status), "answered", found=found)
    error = read_error(reply.json, status=reply.status, excerpt=reply.text, request_id=reply.request_id)
    result = TransportResult(FailureKind.ANSWERED, reply.status, error_code(reply.json))
    start = f"HTTP {reply.status}"
    if 200 <= reply.status < 300:
        result = _without_success(reply, creates=creates)
        if result.kind is FailureKind.UNREADABLE:
            start = "an answer that can't be read"
        error = replace(error, http_status=result.status)
    elif creates and (shown := read(reply.json)) is not None:
        # A refusal that shows a task: this sending made it, or an earlier one with the same key.
        result = TransportResult(FailureKind.UNREADABLE, reply.status, error_code(reply.json))
        # Not taken for ours, but a person who looks into it can adopt it.
        start += f" with task {shown.id}" if isinstance(shown, Task) else " with a task"
    elif 300 <= reply.status < 400:
        target = redirect_target(reply.headers.get("location"))
        words = f"the API answered with a redirect{target}; the key is not sent there, check the base URL"
        error = replace(error, message=words)
    return ApiResult(result, f"{start}: {error.message[:200]} [{error.code}]", reply.retry_after, error=error)


def _without_success(reply: ApiResponse, *, creates: bool) -> TransportResult:
    """What a 2xx without what was asked for comes to."""
    code = error_code(reply.json)
    if code is None or not tells_an_error(reply.json):
        return TransportResult(FailureKind.UNREADABLE, reply.status, code)
    return error_as_success(reply.status, code, creates=creates, names_a_task=names_a_task(reply.json))


def plain_error(result: ApiResult, decision: Decision) -> ApiError:
    """The error to hand on; an empty wallet has one name, whatever the status or the words for it."""
    error = result.error or ApiError("no_error", result.words)
    if decision.reason is Reason.OUT_OF_CREDITS and error.code != INSUFFICIENT_CREDITS:
        return replace(error, code=INSUFFICIENT_CREDITS, message=f"{error.message} [{error.code}]")
    return error
