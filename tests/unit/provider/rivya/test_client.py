"""The client over a scripted API, on a clock that jumps."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio
import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from json_strategy import any_json
from mock_api import KEY, Answer, MockApi, error, task
from rivya_run.errors import KeyRefused
from rivya_run.journal.task import ApiError, Task, TaskStatus
from rivya_run.json_types import Json
from rivya_run.provider.interface import UploadedFile
from rivya_run.provider.rivya.client import Created, Missing, Refused, Retry, RivyaClient, Unanswered
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


class Journal:
    """What the callbacks of a create were told."""

    def __init__(self) -> None:
        self.tasks: list[Task] = []
        self.refusals: list[ApiError] = []
        self.ambiguities = 0

    def doubt(self) -> None:
        self.ambiguities += 1


def create(
    answers: list[Answer], *, ambiguous: bool = False, seconds: float = 100.0
) -> tuple[MockApi, Journal, Created | Refused | Unanswered]:
    api, journal = MockApi(answers), Journal()

    async def body(client: RivyaClient) -> Created | Refused | Unanswered:
        return await client.create(
            BODY,
            "key.1",
            deadline=anyio.current_time() + seconds,
            ambiguous=ambiguous,
            on_task=journal.tasks.append,
            on_refused=journal.refusals.append,
            on_ambiguous=journal.doubt,
        )

    return api, journal, use(api, body)


def test_create() -> None:
    """A create sends the bytes it was given, the key in both places of the header, and gives the task."""
    api, journal, found = create([task()])
    assert isinstance(found, Created) and not found.replayed_after_ambiguity
    assert journal.tasks == [found.task] and journal.ambiguities == 0
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
    _, _, found = create([httpx2.Response(status, json={"id": "t", "status": "queued"})])
    assert isinstance(found, Created)


@pytest.mark.parametrize(
    "lost", [LOST, RESET, HTML, HALF, error(500), error(408), httpx2.WriteTimeout("slow")]
)
def test_lost_reply(lost: Answer) -> None:
    """A lost reply is followed by the same bytes with the same key, and the doubt is told once."""
    api, journal, found = create([lost, lost, task()])
    assert isinstance(found, Created) and found.replayed_after_ambiguity
    assert api.bodies == [BODY] * 3
    assert {request.headers["idempotency-key"] for request in api.requests} == {"key.1"}
    assert journal.ambiguities == 1 and api.troubles == 2
    assert [event.name for event in api.told] == ["retrying"] * 2


@pytest.mark.parametrize(
    "early", [httpx2.ConnectError("refused"), error(429), error(503, "public_api_disabled")]
)
def test_never_arrived(early: Answer) -> None:
    """What can't have arrived raises no doubt."""
    _, journal, found = create([early, task()])
    assert isinstance(found, Created) and not found.replayed_after_ambiguity
    assert journal.ambiguities == 0


@pytest.mark.parametrize(
    "answer", [error(400, "validation_failed"), error(404), error(422, "new_code"), error(409)]
)
def test_refused(answer: Answer) -> None:
    """Other 4xx are answers, told before the create returns."""
    api, journal, found = create([answer])
    assert isinstance(found, Refused) and not found.ambiguous
    assert journal.refusals == [found.error] and len(api.requests) == 1


def test_refused_after_a_lost_reply() -> None:
    """A refusal after a lost reply says that the lost one may have arrived all the same."""
    _, journal, found = create([LOST, error(400, "validation_failed")])
    assert isinstance(found, Refused) and found.ambiguous and journal.ambiguities == 1
    _, journal, found = create([error(400, "validation_failed")], ambiguous=True)
    assert isinstance(found, Refused) and found.ambiguous and journal.ambiguities == 0


@pytest.mark.parametrize(
    ("status", "code"),
    [(402, None), (402, "payment_required"), (400, "insufficient_credits"), (429, "insufficient_credits")],
)
def test_empty_wallet(status: int, code: str | None) -> None:
    """An empty wallet has one name, whatever the status or the words for it."""
    api, _, found = create([error(status, code)])
    assert isinstance(found, Refused) and found.error.code == "insufficient_credits"
    assert len(api.requests) == 1


def test_empty_wallet_inside_a_task() -> None:
    """A task that failed for lack of credits is a task."""
    _, _, found = create([task("failed", error={"code": "insufficient_credits", "message": "No."})])
    assert isinstance(found, Created) and found.task.error is not None
    assert (found.task.status, found.task.error.code) == (TaskStatus.FAILED, "insufficient_credits")


def test_refused_key_on_create() -> None:
    """A refused key comes back as a value with all that the server said."""
    _, _, found = create([error(401, "api_key_revoked")])
    assert isinstance(found, Refused)
    assert (found.error.code, found.error.request_id, found.error.http_status) == (
        "api_key_revoked",
        "req_1",
        401,
    )


def test_conflict_on_a_resend() -> None:
    """A conflict on our own resend is tried again until the deadline: an earlier one may be running."""
    conflict = error(409, "idempotency_conflict")
    _, _, found = create([LOST, conflict, conflict, conflict, conflict, task()])
    assert isinstance(found, Created)
    api, _, found = create([conflict], ambiguous=True)
    assert isinstance(found, Unanswered) and found.conflict and found.ambiguous
    assert len(api.requests) > 5


def test_conflict_on_a_first_sending() -> None:
    """A conflict on a key that was never sent is tried three times, then belongs to somebody else."""
    api, journal, found = create([error(409, "idempotency_conflict")])
    assert isinstance(found, Unanswered) and found.conflict and not found.ambiguous
    assert found.error is not None and found.error.request_id == "req_1"
    assert len(api.requests) == 3 and journal.ambiguities == 0


def test_deadline() -> None:
    """Without an answer the create ends at its deadline, not much sooner or later, and says what came last."""
    api, _, found = create([LOST], seconds=100.0)
    assert isinstance(found, Unanswered) and found.ambiguous and "lost" in found.last
    assert 95 < api.times[-1] - api.times[0] < 101


def test_absurd_retry_after() -> None:
    """A server that asks to wait past the deadline is not waited for."""
    api, _, found = create([error(503, retry_after="999999")])
    assert isinstance(found, Unanswered) and len(api.requests) == 1


def test_retry_after_date_by_the_servers_clock() -> None:
    """A date is read by the server's own clock, so that a wrong clock here does no harm."""
    late = error(429, retry_after="Mon, 11 May 2026 12:00:20 GMT", date="Mon, 11 May 2026 12:00:00 GMT")
    api, _, _ = create([late, task()])
    assert api.times[1] - api.times[0] == pytest.approx(20, abs=0.1)


@pytest.mark.parametrize(("status", "ambiguous"), [(301, False), (307, False), (308, False)])
def test_redirect(status: int, ambiguous: bool) -> None:
    """A redirect is an answer that says so: the key does not follow it."""
    api, _, found = create([error(status, location="https://evil.example/x")])
    assert isinstance(found, Refused) and found.ambiguous is ambiguous
    assert "https://evil.example" in found.error.message and len(api.requests) == 1


def test_redirect_that_may_follow_a_create() -> None:
    """A 303 may follow a create that was made: it refuses nothing."""
    _, journal, found = create([error(303, location="/somewhere")])
    assert isinstance(found, Unanswered) and found.ambiguous and journal.refusals == []


def test_throttled() -> None:
    """On 429 the caller gives its slot back and waits for a new one; that time is not the create's."""
    api = MockApi([error(429, retry_after="3"), error(429), task()])
    hints: list[float | None] = []

    async def throttled(retry_after: float | None) -> None:
        hints.append(retry_after)
        await anyio.sleep(500)

    async def body(client: RivyaClient) -> Created | Refused | Unanswered:
        deadline = anyio.current_time() + 10
        return await client.create(BODY, "k", deadline=deadline, on_task=lambda _: None, throttled=throttled)

    assert isinstance(use(api, body), Created)
    assert hints == [3.0, None] and api.troubles == 0


@pytest.mark.parametrize(("first", "ambiguous"), [(LOST, True), (error(429), False)])
def test_refrain(first: Answer, ambiguous: bool) -> None:
    """Whoever creates is asked after all waiting, right before each sending, and may end it with words."""
    api = MockApi([first, task()])
    asked: list[tuple[bool, float]] = []

    def refrain(doubt: bool) -> str | None:
        asked.append((doubt, anyio.current_time()))
        return "too late" if len(asked) == 2 else None

    async def throttled(retry_after: float | None) -> None:
        await anyio.sleep(500)

    async def body(client: RivyaClient) -> Created | Refused | Unanswered:
        far = anyio.current_time() + 1000
        return await client.create(
            BODY, "k", deadline=far, on_task=lambda _: None, throttled=throttled, refrain=refrain
        )

    assert use(api, body) == Unanswered(ambiguous, "too late")
    assert len(api.requests) == 1
    assert [doubt for doubt, _ in asked] == [False, ambiguous]
    assert ambiguous or asked[1][1] - asked[0][1] > 500


def test_cancelled_while_sending() -> None:
    """A create that is cancelled while its answer is under way still puts the answer on record."""
    api, journal = MockApi([task()]), Journal()

    async def body(client: RivyaClient) -> bool:
        with anyio.move_on_after(0.005) as scope:
            await client.create(BODY, "k", deadline=anyio.current_time() + 10, on_task=journal.tasks.append)
        return scope.cancel_called

    assert use(api, body)
    assert [found.id for found in journal.tasks] == ["task_1"]


def test_cancelled_while_waiting() -> None:
    """The wait between two sendings is cancellable."""
    api = MockApi([error(503, retry_after="60"), task()])

    async def body(client: RivyaClient) -> float:
        began = anyio.current_time()
        with anyio.move_on_after(1):
            await client.create(BODY, "k", deadline=began + 100, on_task=lambda _: None)
        return anyio.current_time() - began

    assert use(api, body) == pytest.approx(1)


def test_callback_that_fails() -> None:
    """When the journal can't take the task, the create ends with that error."""
    api = MockApi([task()])

    def full(_: Task) -> None:
        raise OSError(28, "No space left on device")

    async def body(client: RivyaClient) -> None:
        await client.create(BODY, "k", deadline=anyio.current_time() + 10, on_task=full)

    with pytest.raises(OSError, match="No space"):
        use(api, body)
    assert len(api.requests) == 1


def test_paused_past_the_deadline() -> None:
    """Nothing is sent where the pace allows nothing before the deadline."""
    api = MockApi([error(429, retry_after="1000"), task()])

    async def body(client: RivyaClient) -> list[Created | Refused | Unanswered]:
        deadline = anyio.current_time() + 100
        return [await client.create(BODY, "k", deadline=deadline, on_task=lambda _: None) for _ in range(2)]

    found = use(api, body, paced=True)
    assert all(isinstance(one, Unanswered) and not one.ambiguous for one in found)
    assert len(api.requests) == 1


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
    assert isinstance(found, Missing) and found.error.code == "not_found" and len(api.requests) == 1


def test_ask() -> None:
    """A single question says when to ask again."""
    api = MockApi([error(503, retry_after="7"), LOST, error(404, "not_found"), error(400, "odd"), task()])

    async def body(client: RivyaClient) -> list[object]:
        deadline = anyio.current_time() + 100
        return [await client.ask("task_1", deadline=deadline) for _ in range(5)]

    found = use(api, body)
    assert [type(one) for one in found] == [Retry, Retry, Missing, Refused, Task]
    assert isinstance(found[0], Retry) and found[0].wait == 7.0


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
    assert isinstance(found[0], UploadedFile) and isinstance(found[1], Missing)


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
        found: list[object] = [await client.create(BODY, "k", deadline=deadline, on_task=lambda _: None)]
        for question in (
            lambda: client.task("t", deadline=deadline),
            lambda: client.ask("t", deadline=deadline),
            lambda: client.file("f", deadline=deadline),
            lambda: client.credits(deadline=deadline),
            lambda: client.models(deadline=deadline),
        ):
            try:
                found.append(await question())
            except KeyRefused:
                assert status in (401, 403)
        return found

    kinds = (Created, Refused, Unanswered, Missing, Retry, Task, UploadedFile, float, list, type(None))
    assert all(isinstance(one, kinds) for one in use(api, ask_all))
