"""The client over a scripted API, on a clock that jumps."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import TypeVar, get_args

import anyio
import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from json_strategy import any_json
from mock_api import KEY, Answer, MockApi, error, task
from rivya_run.errors import KeyRefused
from rivya_run.journal.attempt import Task, TaskStatus
from rivya_run.json_types import Json
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
from rivya_run.provider.rivya.client import RivyaClient
from rivya_run.provider.throttle import Pace
from virtual_time import run

T = TypeVar("T")
BODY = b'{"model":"m","prompt":"p"}'
LOST = httpx2.ReadTimeout("lost")
RESET = httpx2.RemoteProtocolError("Server disconnected without sending a response.")
HTML = httpx2.Response(200, html="<html>hello</html>")
HALF = httpx2.Response(200, content=b'{"id": "task_1", "sta', headers={"content-type": "application/json"})


def use(api: MockApi, body: Callable[[RivyaClient], Awaitable[T]], *, paced: bool = False) -> T:
    async def inner() -> T:
        pace = Pace(random=lambda: 0.5) if paced else None
        async with api.http(pace=pace) as http:
            return await body(api.client(http))

    return run(inner)


def once(answer: Answer) -> tuple[MockApi, CreateResult]:
    """What one sending comes to."""
    api = MockApi([answer])
    return api, use(api, lambda client: client.create_once(BODY, "key.1"))


def test_create() -> None:
    """A create sends the bytes it was given, with the key, and gives the task."""
    api, found = once(task())
    assert isinstance(found, Created) and found.task.id == "task_1"
    (request,) = api.requests
    assert (request.method, request.url.path) == ("POST", "/api/v1/generations")
    assert request.headers["idempotency-key"] == "key.1"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["user-agent"].startswith("rivya-run/")
    assert api.bodies == [BODY]


@pytest.mark.parametrize("status", [200, 201, 202])
def test_any_success(status: int) -> None:
    """Any 2xx with a task is a success, since nobody states which one it is."""
    _, found = once(httpx2.Response(status, json={"id": "t", "status": "queued"}))
    assert isinstance(found, Created)


@pytest.mark.parametrize("status", [400, 401, 404, 409, 422, 429])
@pytest.mark.parametrize("wrapper", [None, "data"])
def test_a_refusal_with_a_task_leaves_open_what_was_made(status: int, wrapper: str | None) -> None:
    """A 409 may repeat the task that the key has made: whatever the status says, it is never paid for again."""
    made: Json = {"id": "task_1", "status": "queued", "model": "m", "reserved_credits": 10}
    _, found = once(httpx2.Response(status, json=made if wrapper is None else {wrapper: made}))
    assert isinstance(found, MayHaveArrived) and "with task task_1" in found.words


@pytest.mark.parametrize(
    "lost",
    [LOST, RESET, HTML, HALF, error(500), error(408), error(303, location="/x"), httpx2.WriteTimeout("slow")],
)
def test_lost_reply(lost: Answer) -> None:
    """Where a task may have been made, that is what the sending comes to; it isn't sent again here."""
    api, found = once(lost)
    assert isinstance(found, MayHaveArrived) and found.words
    assert api.bodies == [BODY]


@pytest.mark.parametrize(
    ("early", "kind"),
    [
        (httpx2.ConnectError("refused"), NotSent),
        (httpx2.ConnectTimeout("late"), NotSent),
        (error(425), NotSent),
        (error(503, "public_api_disabled"), NotSent),
        (error(429, retry_after="7"), Throttled),
        (error(400, "rate_limited"), Throttled),
        (error(409, "idempotency_conflict"), KeyInUse),
    ],
)
def test_made_nothing(early: Answer, kind: type[object]) -> None:
    """What can't have made anything says so, and whether tasks in flight or the key are the reason."""
    _, found = once(early)
    assert type(found) is kind


def test_what_is_told_with_it() -> None:
    """How long the API asks to wait, and the request id of a conflict."""
    _, found = once(error(429, retry_after="7"))
    assert isinstance(found, Throttled) and found.retry_after == 7.0
    _, found = once(error(409, "idempotency_conflict"))
    assert isinstance(found, KeyInUse) and found.error is not None
    assert found.error.request_id == "req_1"


@pytest.mark.parametrize(
    "answer",
    [
        error(400, "validation_failed"),
        error(404, "not_found"),
        error(403),
        error(422, "new_code"),
        error(409, "chat_session_conflict"),
    ],
)
def test_refused(answer: Answer) -> None:
    """Other 4xx are answers."""
    _, found = once(answer)
    assert isinstance(found, Refused)


@pytest.mark.parametrize(
    ("status", "code"),
    [(402, None), (402, "payment_required"), (400, "insufficient_credits"), (429, "insufficient_credits")],
)
def test_empty_wallet(status: int, code: str | None) -> None:
    """An empty wallet has one name, whatever the status or the words for it."""
    _, found = once(error(status, code))
    assert isinstance(found, Refused) and found.error.code == "insufficient_credits"


def test_empty_wallet_inside_a_task() -> None:
    """A task that failed for lack of credits is a task."""
    _, found = once(task("failed", error={"code": "insufficient_credits", "message": "No."}))
    assert isinstance(found, Created) and found.task.error is not None
    assert (found.task.status, found.task.error.code) == (TaskStatus.FAILED, "insufficient_credits")


def test_refused_key_on_create() -> None:
    """A refused key comes back as a value with all that the server said."""
    _, found = once(error(401, "api_key_revoked"))
    assert isinstance(found, Refused)
    assert (found.error.code, found.error.request_id, found.error.http_status) == (
        "api_key_revoked",
        "req_1",
        401,
    )


@pytest.mark.parametrize("status", [301, 307, 308])
def test_redirect(status: int) -> None:
    """A redirect is an answer that says so: the key does not follow it."""
    _, found = once(error(status, location="https://evil.example/x"))
    assert isinstance(found, Refused) and "https://evil.example" in found.error.message


def test_task() -> None:
    """A question is asked again through all trouble until the task answers."""
    api = MockApi([LOST, HTML, error(500), error(429), task("succeeded", result={"urls": ["https://m/1"]})])

    async def body(client: RivyaClient) -> object:
        return await client.task("task_1", deadline=anyio.current_time() + 100)

    found = use(api, body)
    assert isinstance(found, Task) and found.urls == ("https://m/1",)
    assert {str(request.url) for request in api.requests} == {"https://api.example/api/v1/generations/task_1"}


def test_missing_task() -> None:
    """not_found of a task that was created is a value, and creates nothing."""
    api = MockApi([error(404, "not_found")])

    async def body(client: RivyaClient) -> object:
        return await client.task("task_1", deadline=anyio.current_time() + 100)

    found = use(api, body)
    assert isinstance(found, NotFound) and found.error.code == "not_found" and len(api.requests) == 1


def test_refused_key_on_a_question() -> None:
    """401 and 403 end the run with what the server said, and not with the key."""
    for status, code in ((401, "api_key_expired"), (403, "api_scope_denied")):
        api = MockApi([error(status, code)])

        async def body(client: RivyaClient) -> object:
            return await client.task("task_1", deadline=anyio.current_time() + 100)

        with pytest.raises(KeyRefused) as caught:
            use(api, body)
        assert code in str(caught.value) and "req_1" in str(caught.value) and KEY not in str(caught.value)


@pytest.mark.parametrize("task_id", ["../credits", "a/b", "a?b#c", "ä b", "..", "%2e%2e"])
def test_task_id_stays_in_its_place(task_id: str) -> None:
    """An id from a server can't lead to another path."""
    api = MockApi([error(404, "not_found")])

    async def body(client: RivyaClient) -> object:
        return await client.task(task_id, deadline=anyio.current_time() + 1)

    use(api, body)
    path = api.requests[0].url.raw_path.decode()
    assert path.startswith("/api/v1/generations/") and path.count("/") == 4 and "?" not in path


def test_balance_and_models() -> None:
    """The balance is a number or unknown; the list of models is read without the key."""
    api = MockApi([httpx2.Response(200, json={"current_credits": 123}), error(404, "not_found")])

    async def balances(client: RivyaClient) -> list[float | None]:
        return [await client.credits(deadline=anyio.current_time() + 5) for _ in range(2)]

    assert use(api, balances) == [123.0, None]
    api = MockApi([httpx2.Response(200, json={"data": [{"id": "z-image"}]})])

    async def listed(client: RivyaClient) -> object:
        return await client.models(deadline=anyio.current_time() + 5)

    found = use(api, listed)
    assert isinstance(found, list) and found[0].id == "z-image"
    assert "authorization" not in api.requests[0].headers


def test_file() -> None:
    """A file that is there, and one that is gone."""
    api = MockApi(
        [httpx2.Response(200, json={"id": "file_1", "url": "https://u/1"}), error(404, "not_found")]
    )

    async def body(client: RivyaClient) -> list[object]:
        return [await client.file("file_1", deadline=anyio.current_time() + 5) for _ in range(2)]

    found = use(api, body)
    assert isinstance(found[0], UploadedFile) and isinstance(found[1], NotFound)


@settings(max_examples=150, deadline=None)
@given(any_json, st.integers(200, 599), st.sampled_from(["json", "half", "bytes"]), st.text(max_size=20))
def test_any_answer(body_json: Json, status: int, form: str, hint: str) -> None:
    """Any JSON and any status give a value (or a refused key), never another exception."""
    content = json.dumps(body_json).encode()
    if form != "json":
        content = content[: len(content) // 2] if form == "half" else hint.encode("utf-8", "ignore")
    header = hint.encode("latin-1", "ignore")
    api = MockApi([httpx2.Response(status, content=content, headers=[(b"retry-after", header)])])

    async def ask_all(client: RivyaClient) -> list[object]:
        deadline = anyio.current_time() + 5
        found: list[object] = [await client.create_once(BODY, "k")]
        for question in (
            lambda: client.task("t", deadline=deadline),
            lambda: client.file("f", deadline=deadline),
            lambda: client.credits(deadline=deadline),
            lambda: client.models(deadline=deadline),
        ):
            try:
                found.append(await question())
            except KeyRefused:
                assert status in (401, 403)
        return found

    kinds = (Unanswered, NotFound, Task, UploadedFile, float, list, type(None), *get_args(CreateResult))
    assert all(isinstance(one, kinds) for one in use(api, ask_all))
