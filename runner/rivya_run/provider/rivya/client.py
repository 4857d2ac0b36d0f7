"""Rivya's endpoints: each call ends in a value, whatever the server answers, within its deadline.

Deadlines are monotonic seconds of ``clock``. Only a create costs money, so only a create says whether its
request may have arrived. What is retried, and when, is decided in ``retry``; how fast, in ``throttle``.
An API that refuses the key ends the run: KeyRefused is raised.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from rivya_run.errors import KeyRefused, UsageError
from rivya_run.journal.attempt import ApiError, Task
from rivya_run.json_types import Json
from rivya_run.models.sync import ListedModel
from rivya_run.progress import Event
from rivya_run.provider.attempts import Attempts
from rivya_run.provider.exchange import ApiRequest, ApiResponse, Form
from rivya_run.provider.faults import TransportError
from rivya_run.provider.http import Http
from rivya_run.provider.interface import (
    Created,
    CreateResult,
    KeyInUse,
    MayHaveArrived,
    NotFound,
    NotSent,
    Refused,
    Throttled,
    Unanswered,
    UploadedFile,
)
from rivya_run.provider.origin import ORIGIN_VARIABLE, redirect_target
from rivya_run.provider.reach import Reach
from rivya_run.provider.rivya.answers import (
    error_code,
    names_a_task,
    read_credits,
    read_error,
    read_file,
    read_models,
    read_task,
    tells_an_error,
)
from rivya_run.provider.rivya.retry import (
    INSUFFICIENT_CREDITS,
    Decision,
    FailureKind,
    Reason,
    RetryAction,
    TransportResult,
    could_have_arrived,
    error_as_success,
    judge,
    speaks,
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
    result = TransportResult(
        FailureKind.ANSWERED, reply.status, error_code(reply.json), json=reply.json is not None
    )
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


class RivyaClient:
    """The API of one origin. ``random`` gives numbers in [0, 1).

    ``listen(who, when, words)`` hears of every exchange: the trace id of what was asked, when that was
    begun, and, where it shows no API at work, in words why. ``reach`` tells when none can be reached.
    """

    def __init__(
        self,
        http: Http,
        *,
        clock: Callable[[], float],
        random: Callable[[], float],
        tell: Callable[[Event], None] | None = None,
        listen: Callable[[str, float, str | None], None] | None = None,
        reach: Reach | None = None,
    ) -> None:
        self._http = http
        self._read_task = partial(read_task, origin=http.base_url)
        self._read_file = partial(read_file, origin=http.base_url)
        self._clock = clock
        self._random = random
        self._tell = tell
        self._listen = listen
        self._reach = reach

    def attempts(self, what: str, deadline: float) -> Attempts:
        """A loop that tries again until the deadline; its pauses are reported as those of ``what``."""
        report = partial(self._report_pause, what)
        return Attempts(deadline, clock=self._clock, random=self._random, on_pause=report)

    def turn(self, deadline: float) -> AbstractAsyncContextManager[bool]:
        """Leave to send one request, at the rate limiter's pace; False: none before the deadline."""
        return self._http.turn(deadline)

    async def create_once(self, body: bytes, key: str) -> CreateResult:
        """Send a create once; the caller holds a turn, and a shield if the answer may not be lost.

        Nothing is sent again here, nothing is waited for but the answer, and nothing is raised.
        """
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        request = ApiRequest("POST", "/api/v1/generations", body=body, headers=headers, creates=True)
        sent_at = self._clock()
        heard = self._interpret(request, sent_at, await self._http.exchange(request), self._read_task)
        if isinstance(heard.found, Task):
            return Created(heard.found)
        found = (heard.transport, heard.words, heard.hint, heard.error)
        # First of all: no other reading of an answer counts where a task may have been made.
        if could_have_arrived(heard.transport):
            return MayHaveArrived(*found)
        judged = judge("POST", heard.transport)
        if judged.action is RetryAction.ANSWER:
            return Refused(plain_error(heard, judged), of_key=judged.reason is Reason.KEY_REFUSED)
        if judged.reason is Reason.THROTTLED:
            return Throttled(*found)
        if judged.reason is Reason.CONFLICT:
            return KeyInUse(*found)
        return NotSent(*found)

    def wrong_address(self, words: str) -> UsageError:
        """The end of a run that asks where no API is."""
        return UsageError(
            f"{self._http.base_url} is not the address of the API: {words}",
            hint=f"set {ORIGIN_VARIABLE} to the API's address, without /api/v1",
        )

    async def task(self, task_id: str, *, deadline: float) -> Task | NotFound | Refused | Unanswered:
        """Ask for a task until there is an answer. Raises KeyRefused."""
        read = partial(self._read_task, asked_for=task_id)
        request = ApiRequest("GET", f"/api/v1/generations/{_segment(task_id)}")
        return await self._until(request, "poll", read, Task, deadline)

    async def upload(
        self,
        path: Path,
        *,
        kind: str,
        model: str | None,
        mime_type: str,
        trace_id: str,
        name: str,
        deadline: float,
    ) -> UploadedFile | Refused | Unanswered:
        """Send a file as reference input, streamed from disk; it costs nothing, so it is simply tried again.

        Raises KeyRefused.
        """
        fields = {"kind": kind, "client_request_id": trace_id}
        if model is not None:
            fields["model"] = model
        request = ApiRequest("POST", "/api/v1/files", form=Form(fields, path, name, mime_type))
        answer = await self._until(request, "upload", self._read_file, UploadedFile, deadline)
        return Refused(answer.error) if isinstance(answer, NotFound) else answer

    async def file(self, file_id: str, *, deadline: float) -> UploadedFile | NotFound | Refused | Unanswered:
        """Ask whether an uploaded file is still there. Raises KeyRefused."""
        request = ApiRequest("GET", f"/api/v1/files/{_segment(file_id)}")
        return await self._until(request, "file", self._read_file, UploadedFile, deadline)

    async def credits(self, *, deadline: float) -> float | None:
        """What the wallet holds, or None where that can't be learnt. Raises KeyRefused."""
        request = ApiRequest("GET", "/api/v1/credits")
        answer = await self._until(request, "credits", read_credits, float, deadline)
        return answer if isinstance(answer, float) else None

    async def models(self, *, deadline: float) -> list[ListedModel] | Refused | Unanswered:
        """The API's own list of models; needs no key."""
        request = ApiRequest("GET", "/api/v1/models", signed=False)
        answer = await self._until(request, "models", read_models, list, deadline)
        return Refused(answer.error) if isinstance(answer, NotFound) else answer

    async def _until(
        self, request: ApiRequest, what: str, read: Callable[[Json], T | None], kind: type[T], deadline: float
    ) -> T | NotFound | Refused | Unanswered:
        """Send what costs nothing until it is answered."""
        heard = None
        async for attempt in self.attempts(what, deadline):
            sent_at = self._clock()
            heard = self._interpret(request, sent_at, await self._http.send(request, deadline=deadline), read)
            if isinstance(heard.found, kind):
                return heard.found
            decision = attempt.decide(request.method, heard.transport, heard.hint)
            if decision.reason is Reason.KEY_REFUSED:
                raise key_refused(plain_error(heard, decision))
            if decision.reason is Reason.WRONG_ADDRESS:
                raise self.wrong_address(heard.words)
            if decision.action is RetryAction.ANSWER:
                error = plain_error(heard, decision)
                return NotFound(error) if decision.reason is Reason.NOT_FOUND else Refused(error)
        return Unanswered(heard.words if heard is not None else FailureKind.PAUSED.value)

    def _interpret(
        self,
        request: ApiRequest,
        sent_at: float,
        reply: ApiResponse | TransportError,
        read: Callable[[Json], T | None],
    ) -> ApiResult:
        heard = interpret(reply, read, creates=request.creates)
        if self._reach is not None:
            self._reach.heard(heard.transport, heard.words, sent_at)
        if self._listen is not None:
            self._listen(request.trace_id, sent_at, None if speaks(heard.transport) else heard.words)
        return heard

    def _report_pause(self, what: str, pause: float, reason: str) -> None:
        if self._tell is not None:
            detail: dict[str, Json] = {"what": what, "wait": round(pause, 3), "reason": reason}
            self._tell(Event("retrying", detail=detail))


def key_refused(error: ApiError) -> KeyRefused:
    """The end of a run whose key the API origin refused."""
    suffix = f", request {error.request_id}" if error.request_id else ""
    return KeyRefused(
        f"the API refused the key: {error.message} [{error.code}, HTTP {error.http_status}{suffix}]",
        hint="check RIVYA_API_KEY (revoked, expired, or without the scope?) and RIVYA_BASE_URL",
    )


def _segment(text: str) -> str:
    """An id as one segment of a path, so that it can't lead anywhere else."""
    return quote(text, safe="").replace(".", "%2E") if text in (".", "..") else quote(text, safe="")
