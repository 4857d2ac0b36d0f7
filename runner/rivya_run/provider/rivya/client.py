"""Rivya's endpoints: each call ends in a value, whatever the server answers, within its deadline.

Deadlines are monotonic seconds of ``clock``. Only a create costs money, so only a create says whether its
request may have arrived. What is retried, and when, is decided in ``retry``; how fast, in ``pace``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

import anyio

from rivya_run.errors import KeyRefused
from rivya_run.journal.task import ApiError, Task
from rivya_run.json_types import Json
from rivya_run.models.sync import ListedModel
from rivya_run.progress import Event
from rivya_run.provider.exchange import ApiRequest, ApiResponse, Form
from rivya_run.provider.faults import TransportError
from rivya_run.provider.http import Http
from rivya_run.provider.interface import UploadedFile
from rivya_run.provider.rivya.answers import read_credits, read_file, read_models, read_task
from rivya_run.provider.rivya.interpret import ApiResult, interpret, plain_error, refuses
from rivya_run.provider.rivya.retry import (
    Decision,
    FailureKind,
    Reason,
    RetryAction,
    could_have_arrived,
    decide,
    speaks,
)

T = TypeVar("T")

_FOREIGN_TRIES = 3
"""How often a key that was never sent before, and is in use, is tried: somebody's create may be running."""


@dataclass(frozen=True, slots=True)
class Created:
    """The create was answered with a task, perhaps for an earlier sending of the same key."""

    task: Task
    replayed_after_ambiguity: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """The API said no. ``ambiguous``: an earlier sending of the same create may have arrived all the same."""

    error: ApiError
    ambiguous: bool = False


@dataclass(frozen=True, slots=True)
class Unanswered:
    """No answer that counts before the deadline; ``last`` says in words what came last.

    ``ambiguous``: a create may have arrived. ``conflict``: the last answer was that the key is in use.
    """

    ambiguous: bool
    last: str
    conflict: bool = False
    error: ApiError | None = None


@dataclass(frozen=True, slots=True)
class Missing:
    """The API knows no such task or file, or it is another account's."""

    error: ApiError


@dataclass(frozen=True, slots=True)
class Retry:
    """A single question that got no answer: ask again after ``wait`` seconds."""

    wait: float
    reason: str
    error: ApiError | None = None


class RivyaClient:
    """The API of one origin. ``random`` gives numbers in [0, 1); ``trouble`` hears of lost creates.

    ``listen(who, when, words)`` hears of every exchange: the trace id of what was asked, when that was
    begun, and, where it shows no API at work, in words why.
    """

    def __init__(
        self,
        http: Http,
        *,
        clock: Callable[[], float],
        random: Callable[[], float],
        tell: Callable[[Event], None] | None = None,
        trouble: Callable[[], None] | None = None,
        listen: Callable[[str, float, str | None], None] | None = None,
    ) -> None:
        self._http = http
        self._read_task = partial(read_task, origin=http.base_url)
        self._read_file = partial(read_file, origin=http.base_url)
        self._clock = clock
        self._random = random
        self._tell = tell
        self._trouble = trouble
        self._listen = listen

    async def create(
        self,
        body: bytes,
        key: str,
        *,
        deadline: float,
        on_task: Callable[[Task], None],
        ambiguous: bool = False,
        on_refused: Callable[[ApiError], None] | None = None,
        on_ambiguous: Callable[[], None] | None = None,
        throttled: Callable[[float | None], Awaitable[None]] | None = None,
        refrain: Callable[[bool], str | None] | None = None,
    ) -> Created | Refused | Unanswered:
        """Send ``body`` with ``key`` until it is answered: always the same bytes, always the same key.

        ``ambiguous`` says that an earlier sending may have arrived. ``refrain(ambiguous)`` is asked after all
        waiting, right before each sending: what it says instead of None ends the create, Unanswered. Every
        sending and its callback are shielded from cancellation, so that an answer that came is on record; the
        waits between are not. On 429 ``throttled(retry_after)`` is awaited in place of waiting here; that time
        does not count against the deadline. A refused key (401, 403) comes back as Refused. What a callback
        raises ends the create.
        """
        request = _create_request(body, key)
        never_sent = not ambiguous
        attempts = 0
        while True:
            attempts += 1
            async with self._http.turn(deadline) as granted:
                if not granted:
                    return Unanswered(ambiguous, FailureKind.PAUSED.value)
                if refrain is not None and (why_not := refrain(ambiguous)) is not None:
                    return Unanswered(ambiguous, why_not)
                with anyio.CancelScope(shield=True):
                    heard = self._hear(
                        request, self._clock(), await self._http.exchange(request), self._read_task
                    )
                    if isinstance(heard.found, Task):
                        on_task(heard.found)
                        return Created(heard.found, ambiguous)
                    if could_have_arrived(heard.transport) and not ambiguous:
                        ambiguous = True
                        if on_ambiguous is not None:
                            on_ambiguous()
                    decision = self._decide("POST", heard, attempts, deadline)
                    if refuses(heard, decision):
                        error = plain_error(heard, decision)
                        if on_refused is not None:
                            on_refused(error)
                        return Refused(error, ambiguous)
            conflict = decision.reason is Reason.CONFLICT
            foreign = conflict and never_sent and not ambiguous and attempts >= _FOREIGN_TRIES
            if decision.action is not RetryAction.RETRY or foreign:
                return Unanswered(ambiguous, heard.words, heard.transport.status == 409, heard.error)
            if decision.reason is Reason.THROTTLED and throttled is not None:
                since = self._clock()
                await throttled(heard.hint)
                deadline += self._clock() - since
            else:
                self._note(decision)
                await self._wait("create", decision)

    async def ask(
        self, task_id: str, *, deadline: float, attempts: int = 1
    ) -> Task | Missing | Refused | Retry | Unanswered:
        """Ask for a task once; ``attempts`` counts the questions since its last answer, this one included.

        Unanswered where asking again before the deadline is of no use. Raises KeyRefused.
        """
        heard, decision = await self._once(
            _task_request(task_id), self._task_reader(task_id), attempts, deadline
        )
        if isinstance(heard.found, Task):
            return heard.found
        if decision.action is RetryAction.ANSWER:
            return _no(heard, decision)
        if decision.action is RetryAction.STOP:
            return Unanswered(False, heard.words, error=heard.error)
        return Retry(decision.wait, heard.words, heard.error)

    async def task(self, task_id: str, *, deadline: float) -> Task | Missing | Refused | Unanswered:
        """Ask for a task until there is an answer. Raises KeyRefused."""
        return await self._until(_task_request(task_id), "poll", self._task_reader(task_id), Task, deadline)

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
        return Refused(answer.error) if isinstance(answer, Missing) else answer

    async def file(self, file_id: str, *, deadline: float) -> UploadedFile | Missing | Refused | Unanswered:
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
        return Refused(answer.error) if isinstance(answer, Missing) else answer

    async def _until(
        self, request: ApiRequest, what: str, read: Callable[[Json], T | None], kind: type[T], deadline: float
    ) -> T | Missing | Refused | Unanswered:
        attempts = 0
        while True:
            attempts += 1
            heard, decision = await self._once(request, read, attempts, deadline)
            if isinstance(heard.found, kind):
                return heard.found
            if decision.action is RetryAction.ANSWER:
                return _no(heard, decision)
            if decision.action is RetryAction.STOP:
                return Unanswered(False, heard.words, error=heard.error)
            await self._wait(what, decision)

    async def _once(
        self, request: ApiRequest, read: Callable[[Json], T | None], attempts: int, deadline: float
    ) -> tuple[ApiResult, Decision]:
        heard = self._hear(request, self._clock(), await self._http.send(request, deadline=deadline), read)
        decision = self._decide(request.method, heard, attempts, deadline)
        if decision.reason is Reason.KEY_REFUSED:
            raise key_refused(plain_error(heard, decision))
        return heard, decision

    def _task_reader(self, task_id: str) -> Callable[[Json], Task | None]:
        return partial(self._read_task, asked_for=task_id)

    def _hear(
        self,
        request: ApiRequest,
        sent_at: float,
        reply: ApiResponse | TransportError,
        read: Callable[[Json], T | None],
    ) -> ApiResult:
        heard = interpret(reply, read, creates=request.creates)
        if self._listen is not None:
            self._listen(request.trace_id, sent_at, None if speaks(heard.transport) else heard.words)
        return heard

    def _decide(self, method: str, heard: ApiResult, attempts: int, deadline: float) -> Decision:
        return decide(
            method,
            heard.transport,
            hint=heard.hint,
            attempts=attempts,
            time_left=deadline - self._clock(),
            random=self._random(),
        )

    def _note(self, decision: Decision) -> None:
        """A create met 5xx, a timeout or worse: no time to take on more."""
        if self._trouble is not None and decision.reason not in (Reason.THROTTLED, Reason.CONFLICT):
            self._trouble()

    async def _wait(self, what: str, decision: Decision) -> None:
        if self._tell is not None:
            wait: dict[str, Json] = {"what": what, "wait": round(decision.wait, 3)}
            self._tell(Event("retrying", detail={**wait, "reason": decision.reason.value}))
        await anyio.sleep(decision.wait)


def key_refused(error: ApiError) -> KeyRefused:
    """The end of a run whose key the API origin refused."""
    suffix = f", request {error.request_id}" if error.request_id else ""
    return KeyRefused(
        f"the API refused the key: {error.message} [{error.code}, HTTP {error.http_status}{suffix}]",
        hint="check RIVYA_API_KEY (revoked, expired, or without the scope?) and RIVYA_BASE_URL",
    )


def _no(heard: ApiResult, decision: Decision) -> Missing | Refused:
    error = plain_error(heard, decision)
    return Missing(error) if decision.reason is Reason.NOT_FOUND else Refused(error)


def _create_request(body: bytes, key: str) -> ApiRequest:
    headers = {"Content-Type": "application/json", "Idempotency-Key": key}
    return ApiRequest("POST", "/api/v1/generations", body=body, headers=headers, creates=True)


def _task_request(task_id: str) -> ApiRequest:
    return ApiRequest("GET", f"/api/v1/generations/{_segment(task_id)}")


def _segment(text: str) -> str:
    """An id as one segment of a path, so that it can't lead anywhere else."""
    return quote(text, safe="").replace(".", "%2E") if text in (".", "..") else quote(text, safe="")
