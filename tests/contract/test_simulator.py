"""The simulator over real HTTP: the contract of Rivya's public API, as its pages state it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from rivya_run.errors import UsageError
from rivya_run.media.facts import facts
from rivya_run.simulator.hosting import HostedSimulator
from rivya_run.simulator.options import SimulatorOptions
from rivya_run.simulator.state import State
from rivya_run.simulator.tasks import FILE_NAME, read_event_log
from simulation import KEY, MP4, PNG, Api, ManualClock, create_body, fetch, hosted, quick

GROK = {"mode": "normal", "duration": 6, "resolution": "480p", "aspect_ratio": "2:3"}
ITEM = {"url": "https://cdn.example.com/a.png", "kind": "image", "name": "a.png", "mimeType": "image/png"}


def inspect_event_log(folder: Path, now: float) -> State:
    """What the books of a simulator in ``folder`` say, tasks that ended by ``now`` settled. Writes nothing."""
    state = State(SimulatorOptions())
    state.open(read_event_log(folder / FILE_NAME), now)
    state.settle(now)
    return state


def test_create_answers_with_the_published_task_object() -> None:
    """A create is answered with exactly the published fields, queued, its credits reserved."""
    with hosted(clock=ManualClock()) as simulator:
        task = Api(simulator.base_url).create("k", params=GROK).json()
    assert list(task) == [
        *("id", "status", "model", "reserved_credits", "final_credits"),
        *("created_at", "updated_at", "result", "error"),
    ]
    assert (task["status"], task["reserved_credits"], task["final_credits"]) == ("queued", 10, 0)
    assert task["result"] is None
    assert task["error"] is None
    assert task["created_at"] == "2026-05-11T11:46:40.000Z"


def test_task_goes_its_way_on_the_simulators_clock() -> None:
    """A task is queued, then processing, then succeeded with its URLs and final credits."""
    clock = ManualClock()
    with hosted(clock=clock, speed=1.0, queue_seconds=(2, 2), run_seconds=(5, 5)) as simulator:
        api = Api(simulator.base_url)
        task_id = api.create("k").json()["id"]
        states = []
        for seconds in (1.9, 0.2, 4.8, 0.2):
            clock.advance(seconds)
            states.append(api.task(task_id).json())
        url = f"{simulator.results_url}/results/{task_id}/1.mp4"
    assert [state["status"] for state in states] == ["queued", "processing", "processing", "succeeded"]
    assert [state["final_credits"] for state in states] == [0, 0, 0, 10]
    assert states[-1]["result"] == {"primary_url": url, "urls": [url]}


def test_failed_task_tells_code_and_message_without_request_id() -> None:
    """A failed task is a normal reply with an error of code and message; its credits come back."""
    from rivya_run.simulator.faults import FaultPlan, Rule

    with hosted(faults=FaultPlan(rules=(Rule("task-failed"),))) as simulator:
        api = Api(simulator.base_url)
        task = api.finished(api.create("k").json()["id"])
        credits = api.call("GET", "/credits").json()
    assert task["error"] == {"code": "generation_failed", "message": "The generation failed."}
    assert (task["final_credits"], task["result"]) == (0, None)
    assert credits == {"current_credits": 1_000_000}


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 401, "api_key_missing"),
        ({"Authorization": "Basic abc"}, 401, "api_key_missing"),
        ({"Authorization": "Bearer sk-other"}, 401, "api_key_invalid"),
        ({"Authorization": "Bearer rvya_sk_old"}, 401, "api_key_revoked"),
        ({"Authorization": "Bearer rvya_sk_small"}, 403, "api_scope_denied"),
    ],
)
def test_keys_that_are_refused(headers: dict[str, str], status: int, code: str) -> None:
    """Each way in which a key can be wrong has its published code and status, and the published body."""
    refused = {"rvya_sk_old": "api_key_revoked", "rvya_sk_small": "api_scope_denied"}
    with hosted(refused_keys=refused) as simulator:
        reply = fetch(simulator.base_url + "/api/v1/credits", headers=headers)
    assert (reply.status, reply.code) == (status, code)
    assert set(reply.json()["error"]) == {"code", "message", "requestId"}
    assert reply.json()["error"]["requestId"].startswith("req_")


def test_one_key_may_be_the_only_one() -> None:
    """With `key` set, every other key is invalid."""
    with hosted(key="rvya_sk_mine") as simulator:
        assert Api(simulator.base_url).call("GET", "/credits").code == "api_key_invalid"
        assert Api(simulator.base_url, "rvya_sk_mine").call("GET", "/credits").status == 200


def test_api_can_be_disabled_while_it_runs() -> None:
    """A disabled API answers 503 public_api_disabled until it is enabled again."""
    with hosted() as simulator:
        api = Api(simulator.base_url)
        simulator.gate.disabled = True
        off = api.call("GET", "/credits")
        simulator.gate.disabled = False
        assert (off.status, off.code, api.call("GET", "/credits").status) == (503, "public_api_disabled", 200)


def test_models_are_public_and_in_the_published_shape() -> None:
    """The list of models needs no key and has an entry of published fields for each table."""
    with hosted(listed_changes={"sora-2": None, "brand-new": {"base_credits": 3}}) as simulator:
        listed = Api(simulator.base_url, key=None).call("GET", "/models").json()
        assert Api(simulator.base_url, key=None).call("GET", "/openapi.json").status == 200
    assert listed["object"] == "list"
    models = {model["id"]: model for model in listed["data"]}
    assert len(models) == 49
    assert models["z-image"]["base_credits"] == 1
    assert models["z-image"]["api_input_status"] == "available_text"
    assert models["brand-new"] == {"id": "brand-new", "base_credits": 3}


@pytest.mark.parametrize(
    "path", ["/generations/task_none", "/files/file_none", "/generations", "/chat/sessions"]
)
def test_what_is_not_there_is_not_found(path: str) -> None:
    """Unknown tasks, files and endpoints answer 404 not_found."""
    with hosted() as simulator:
        reply = Api(simulator.base_url).call("GET", path)
    assert (reply.status, reply.code) == (404, "not_found")


def test_another_accounts_task_is_not_found() -> None:
    """With an account for each key, nobody sees another's task or wallet."""
    with hosted(account_per_key=True, wallet=20) as simulator:
        mine, other = Api(simulator.base_url), Api(simulator.base_url, "rvya_sk_other")
        task_id = mine.create("k").json()["id"]
        assert other.task(task_id).code == "not_found"
        assert other.call("GET", "/credits").json() == {"current_credits": 20}
        assert mine.call("GET", "/credits").json() == {"current_credits": 10}


@pytest.mark.parametrize(
    "fields",
    [
        {"model": "nothing"},
        {"model": 5},
        {"prompt": None},
        {"prompt": " "},
        {"prompt": "x" * 5001},
        {"prompt": ["x"]},
        {"params": []},
        {"params": {"duration": "6"}},
        {"params": {"duration": 31}},
        {"params": {"duration": True}},
        {"params": {"aspect_ratio": 969}},
        {"params": {"aspect_ratio": "16:10"}},
        {"params": {"unknown": 1}},
        {"files": []},
        {"client_request_id": 5},
        {"params": {"referenceMediaItems": [ITEM, ITEM]}},
        {"params": {"referenceMediaItems": [{**ITEM, "mime_type": "image/png"}]}},
        {"params": {"referenceMediaItems": [{**ITEM, "kind": "video"}]}},
        {"params": {"referenceMediaItems": [{**ITEM, "url": "file:///etc/passwd"}]}},
        {"params": {"referenceMediaItems": [{**ITEM, "url": "http://127.0.0.1:1/files/file_none/a.png"}]}},
        {"model": "kling-2-6", "params": {"duration": 5}},
        {"model": "grok-imagine", "params": {"enable_pro": True}},
        {"model": "elevenlabs-turbo-2-5"},
        {"model": "z-image", "params": {"referenceMediaItems": [ITEM]}},
    ],
)
def test_creates_that_the_tables_forbid(fields: dict[str, object]) -> None:
    """What the tables don't allow, in value or in JSON type, is 400 validation_failed, and its key stays free."""
    with hosted() as simulator:
        api = Api(simulator.base_url)
        reply = api.create("k", **fields)
        assert (reply.status, reply.code) == (400, "validation_failed"), reply.body
        assert api.create("k").status == 200
        assert len(simulator.state.tasks()) == 1


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"model": NaN}', b"\xff\xfe", b"[" * 100_000])
def test_creates_that_are_no_json_objects(body: bytes) -> None:
    """A body that is no JSON object is 400 validation_failed."""
    with hosted() as simulator:
        headers = {"Content-Type": "application/json"}
        assert Api(simulator.base_url).call("POST", "/generations", body, headers).code == "validation_failed"


def test_creates_that_the_tables_allow() -> None:
    """Selects as strings, numbers as numbers, references as published: accepted."""
    with hosted() as simulator:
        api = Api(simulator.base_url)
        assert api.create(params={**GROK, "referenceMediaItems": [ITEM]}).status == 200
        assert api.create(model="kling-3-0", params={"duration": "5", "sound": "false"}).status == 200
        assert api.create(prompt="x" * 5000).status == 200


def test_same_key_and_body_is_the_same_task_in_its_present_state() -> None:
    """A replay makes no second task and shows how the first one stands now."""
    clock = ManualClock()
    with hosted(clock=clock, speed=1.0) as simulator:
        api = Api(simulator.base_url)
        first = api.create("k").json()
        clock.advance(60)
        again = api.create("k").json()
        assert (again["id"], again["status"]) == (first["id"], "succeeded")
        assert len(simulator.state.tasks()) == 1
        assert simulator.state.creates_by_key() == {"k": 2}
        assert simulator.state.charged() == 10


def test_same_key_with_another_body_conflicts() -> None:
    """The same key with other bytes is 409 idempotency_conflict, and the books show both bodies."""
    with hosted() as simulator:
        api = Api(simulator.base_url)
        api.create("k")
        reply = api.create("k", prompt="Another")
        assert (reply.status, reply.code) == (409, "idempotency_conflict")
        assert len(simulator.state.bodies_by_key()["k"]) == 2
        assert simulator.state.refusals == {"idempotency_conflict": 1}


def test_without_a_key_every_create_is_a_task() -> None:
    """Only the header makes a create repeatable: the body's client_request_id is a trace id."""
    with hosted() as simulator:
        api = Api(simulator.base_url)
        ids = {api.create(client_request_id="x").json()["id"] for _ in range(2)}
    assert len(ids) == 2


def test_key_is_forgotten_after_its_lifetime() -> None:
    """After the key's lifetime the same create makes and charges a second task."""
    clock = ManualClock()
    with hosted(clock=clock, key_lifetime=60) as simulator:
        api = Api(simulator.base_url)
        ids = {api.create("k").json()["id"]}
        clock.advance(61)
        ids.add(api.create("k").json()["id"])
        assert len(ids) == 2
        assert len(simulator.state.tasks_by_key()["k"]) == 2


@pytest.mark.parametrize("status", [402, 400])
def test_empty_wallet_refuses_creates(status: int) -> None:
    """A wallet that can't pay refuses the create with the chosen status, and pays after topping up."""
    with hosted(wallet=15, insufficient_status=status) as simulator:
        api = Api(simulator.base_url)
        assert api.create("a").status == 200
        reply = api.create("b")
        assert (reply.status, reply.code) == (status, "insufficient_credits")
        simulator.state.top_up(10)
        assert api.create("b").status == 200


def test_empty_wallet_may_be_told_by_a_failed_task() -> None:
    """In the other reading of the pages an unpaid create is a task that failed and cost nothing."""
    with hosted(wallet=5, insufficient="task") as simulator:
        task = Api(simulator.base_url).create("a").json()
        assert (task["status"], task["error"]["code"]) == ("failed", "insufficient_credits")
        assert simulator.state.charged() == 0


def test_price_may_differ_from_the_table() -> None:
    """The price is a figure or a function of table and params; the reply tells what was reserved."""
    with hosted(price=lambda table, params: (table.base_credits or 0) * params.get("duration", 6) / 2) as s:
        assert Api(s.base_url).create(params={"duration": 30}).json()["reserved_credits"] == 150
    with hosted(price=50) as simulator:
        assert Api(simulator.base_url).create().json()["reserved_credits"] == 50


def test_account_takes_so_many_tasks_at_once() -> None:
    """Beyond the limit of tasks in flight creates are 429 until one has ended."""
    clock = ManualClock()
    with hosted(clock=clock, concurrency_limit=2, retry_after="7") as simulator:
        api = Api(simulator.base_url)
        replies = [api.create(key) for key in "abc"]
        assert [reply.status for reply in replies] == [200, 200, 429]
        assert (replies[2].code, replies[2].headers["retry-after"]) == ("rate_limited", "7")
        clock.advance(60)
        assert api.create("c").status == 200


def test_account_sends_so_many_requests_a_second() -> None:
    """Beyond the rate requests are 429, without Retry-After unless asked for, and pass again later."""
    clock = ManualClock()
    with hosted(clock=clock, rate_limit=3) as simulator:
        api = Api(simulator.base_url)
        replies = [api.call("GET", "/credits") for _ in range(4)]
        assert [reply.status for reply in replies] == [200, 200, 200, 429]
        assert "retry-after" not in replies[3].headers
        clock.advance(0.4)
        assert api.call("GET", "/credits").status == 200
        assert simulator.traffic.refused == 1


def test_upload_gives_a_url_that_creates_take() -> None:
    """An upload's URL goes into referenceMediaItems, and the file can be asked for."""
    with hosted() as simulator:
        api = Api(simulator.base_url)
        reply = api.upload(model="grok-imagine-video", client_request_id="trace")
        file = reply.json()
        assert reply.status == 200
        assert file["id"].startswith("file_")
        assert file["duration_token"] is None
        item = {"url": file["url"], "kind": "image", "mimeType": file["mime_type"]}
        assert api.create(params={"referenceMediaItems": [item]}).status == 200
        assert api.call("GET", f"/files/{file['id']}").json() == file
        moved = {**item, "url": file["url"].replace(simulator.results_url, "http://127.0.0.1:9")}
        assert api.create(params={"referenceMediaItems": [moved]}).status == 200
        assert [stored.client_request_id for stored in simulator.state.files()] == ["trace"]


@pytest.mark.parametrize(
    ("content", "fields"),
    [
        (b"#!/bin/sh\necho no\n", {}),
        (MP4, {}),
        (PNG, {"kind": "picture"}),
        (PNG, {"kind": "video"}),
        (PNG + b"\0" * (10 * 1024 * 1024), {}),
        (PNG, {"model": "nothing"}),
        (PNG, {"model": "z-image"}),
        (MP4, {"kind": "video", "model": "grok-imagine-video"}),
        (PNG, {"client_request_id": "x" * 129}),
    ],
)
def test_uploads_that_are_refused(content: bytes, fields: dict[str, str]) -> None:
    """Signature, kind, size, the model's policy and the trace id's length are checked."""
    with hosted() as simulator:
        reply = Api(simulator.base_url).upload(content, **{"kind": "image", **fields})
        assert (reply.status, reply.code) == (400, "validation_failed")
        assert simulator.state.files() == []


def test_broken_upload_forms_are_refused() -> None:
    """An upload that is no form, or a form without a file, is 400 and no bug."""
    with hosted() as simulator:
        api = Api(simulator.base_url)
        for kind in ("application/json", "multipart/form-data", "multipart/form-data; boundary=x"):
            reply = api.call("POST", "/files", b"--x\r\nnonsense", {"Content-Type": kind})
            assert reply.code == "validation_failed"


def test_video_references_need_their_duration_token() -> None:
    """A video is used with the token of its upload and not without."""
    with hosted() as simulator:
        api = Api(simulator.base_url)
        file = api.upload(MP4, "video", "a.mp4", model="wan-2-6").json()
        item = {"url": file["url"], "kind": "video"}
        assert api.create(model="wan-2-6", params={"referenceMediaItems": [item]}).code == "validation_failed"
        item["durationToken"] = file["duration_token"]
        assert api.create(model="wan-2-6", params={"referenceMediaItems": [item]}).status == 200


def test_uploaded_files_may_be_gone() -> None:
    """After its lifetime, or when it is forgotten, a file is not found and creates don't take it."""
    clock = ManualClock()
    with hosted(clock=clock, upload_lifetime=100) as simulator:
        api = Api(simulator.base_url)
        file = api.upload().json()
        item = {"url": file["url"], "kind": "image"}
        clock.advance(101)
        assert api.call("GET", f"/files/{file['id']}").code == "not_found"
        assert api.create(params={"referenceMediaItems": [item]}).code == "validation_failed"
        fresh = api.upload().json()
        simulator.state.forget_file(fresh["id"])
        assert api.call("GET", f"/files/{fresh['id']}").code == "not_found"


def _result(simulator: HostedSimulator, **fields: object) -> str:
    api = Api(simulator.base_url)
    task = api.finished(api.create("k", **fields).json()["id"])
    return str(task["result"]["primary_url"])


def test_results_come_whole_or_in_ranges() -> None:
    """The results origin knows ETag, Range and If-Range, and what can't be satisfied."""
    with hosted() as simulator:
        url = _result(simulator)
        whole = fetch(url)
        tag = whole.headers["etag"]
        part = fetch(url, headers={"Range": "bytes=1000-", "If-Range": tag})
        changed = fetch(url, headers={"Range": "bytes=1000-", "If-Range": '"other"'})
        beyond = fetch(url, headers={"Range": "bytes=4096-"})
        some = fetch(url, headers={"Range": "bytes=10-19"})
        last = fetch(url, headers={"Range": "bytes=-5"})
    assert (whole.status, len(whole.body), whole.headers["content-type"]) == (200, 4096, "video/mp4")
    assert (part.status, part.body) == (206, whole.body[1000:])
    assert part.headers["content-range"] == "bytes 1000-4095/4096"
    assert (changed.status, changed.body) == (200, whole.body)
    assert (beyond.status, beyond.headers["content-range"]) == (416, "bytes */4096")
    assert (some.body, last.body) == (whole.body[10:20], whole.body[-5:])


@pytest.mark.parametrize(
    ("fields", "mime_type", "seconds"),
    [
        (
            {
                "model": "elevenlabs-dialogue-v3",
                "params": {"dialogue": [{"text": "[warmly] One cup at a time."}]},
            },
            "audio/wav",
            len("One cup at a time.") / 15,
        ),
        ({"model": "elevenlabs-sound-effect-v2", "params": {"duration_seconds": 1.5}}, "audio/mpeg", 1.5),
        ({"model": "kling-2-6", "params": {"sound": "true"}}, "video/mp4", 5.0),
    ],
)
def test_results_with_sound(
    fields: dict[str, object], mime_type: str, seconds: float, tmp_path: Path
) -> None:
    """Speech lasts what its text says, an effect what was asked, and a clip has sound where its params say so."""
    with hosted(clip_bytes=None) as simulator:
        reply = fetch(_result(simulator, **{"params": {}, **fields}))
    assert reply.headers["content-type"] == mime_type
    (tmp_path / "file").write_bytes(reply.body)
    found = facts(tmp_path / "file")
    assert found is not None and found.audio
    assert found.duration == pytest.approx(seconds, abs=2 * 1152 / 44_100)


def test_result_urls_expire_and_are_renewed() -> None:
    """A result URL answers 403 after its lifetime; asking for the task again gives one that works."""
    clock = ManualClock()
    with hosted(clock=clock, url_lifetime=1, queue_seconds=(0, 0), run_seconds=(0, 0)) as simulator:
        url = _result(simulator)
        assert fetch(url).status == 200
        clock.advance(2)
        assert fetch(url).status == 403
        assert fetch(url.replace("expires=", "expires=9")).status == 403
        fresh = _result(simulator)
        assert fresh != url
        assert fetch(fresh).status == 200


def test_task_may_have_several_files() -> None:
    """The primary URL is the first of as many as were asked for, each a file of its own."""
    with hosted(files_per_task=2) as simulator:
        api = Api(simulator.base_url)
        result = api.finished(api.create("k").json()["id"])["result"]
        assert result["primary_url"] == result["urls"][0]
        assert len({fetch(url).body for url in result["urls"]}) == 2


def test_results_origin_remembers_every_header() -> None:
    """What a client sends to the results origin is there to be looked at."""
    with hosted() as simulator:
        fetch(_result(simulator), headers={"Authorization": f"Bearer {KEY}", "X-Mine": "1"})
        seen = simulator.traffic.of("results")
        assert [request.headers["x-mine"] for request in seen] == ["1"]
        assert KEY in seen[0].headers["authorization"]
        assert simulator.results_url != simulator.base_url


def test_killed_simulator_goes_on_from_its_books(tmp_path: Path) -> None:
    """Tasks, keys, files and credits survive on another port, whatever was torn off the books' end."""
    clock = ManualClock()
    with hosted(clock=clock, event_log_folder=tmp_path, wallet=100) as simulator:
        api = Api(simulator.base_url)
        task_id = api.create("k").json()["id"]
        file = api.upload().json()
    (book,) = tmp_path.iterdir()
    book.write_bytes(book.read_bytes() + b'{"e":"task","id":"ta')
    clock.advance(60)
    with hosted(clock=clock, event_log_folder=tmp_path, wallet=7) as simulator:
        api = Api(simulator.base_url)
        assert api.create("k").json()["id"] == task_id
        assert api.create("k", prompt="x").code == "idempotency_conflict"
        task = api.task(task_id).json()
        assert task["result"]["primary_url"].startswith(simulator.results_url)
        assert api.call("GET", "/credits").json() == {"current_credits": 90}
        item = {"url": file["url"], "kind": "image"}
        assert api.create("l", params={"referenceMediaItems": [item]}).status == 200
        assert simulator.state.creates_by_key() == {"k": 3, "l": 1}
        assert api.call("GET", f"/files/{file['id']}").json()["url"].startswith(simulator.results_url)


def test_books_can_be_read_without_a_simulator(tmp_path: Path) -> None:
    """After a kill the books alone tell tasks, keys and what was charged, and reading changes nothing."""
    clock = ManualClock()
    with hosted(clock=clock, event_log_folder=tmp_path, speed=1) as simulator:
        Api(simulator.base_url).create("k")
    before = (tmp_path / "simulator.jsonl").read_bytes()
    assert inspect_event_log(tmp_path, clock()).reserved() == 10
    state = inspect_event_log(tmp_path, clock() + 60)
    assert (state.charged(), list(state.tasks_by_key())) == (10, ["k"])
    assert (tmp_path / "simulator.jsonl").read_bytes() == before


def test_hook_sees_each_request_before_its_effect_and_after(tmp_path: Path) -> None:
    """The hook is called before the effect, when it is in the books, and when the reply was sent."""
    seen: list[tuple[str, str, str, int]] = []

    def hook(method: str, path: str, phase: str) -> None:
        books = tmp_path / "simulator.jsonl"
        seen.append((method, path, phase, books.read_bytes().count(b'"e":"task"')))

    with hosted(event_log_folder=tmp_path, on_request=hook) as simulator:
        Api(simulator.base_url).create("k")
    path = "/api/v1/generations"
    assert seen == [("POST", path, "before", 0), ("POST", path, "decided", 1), ("POST", path, "after", 1)]


def test_second_simulator_on_a_port_is_a_usage_error(tmp_path: Path) -> None:
    """A port that is taken is said, not thrown."""
    with hosted() as simulator:
        port = int(simulator.base_url.rpartition(":")[2])
        for options in (quick(port=port), quick(results_port=port, event_log_folder=tmp_path)):
            with pytest.raises(UsageError, match="can't listen"):
                HostedSimulator(options).start()


def test_connections_are_counted_by_origin() -> None:
    """How many connections a client opened to each origin is known."""
    with hosted() as simulator:
        fetch(_result(simulator))
        assert simulator.traffic.connections["results"] == 1
        assert simulator.traffic.connections["api"] >= 2
        assert simulator.traffic.most_open["results"] == 1
        assert simulator.traffic.counts["create"] == 1


def test_import_of_the_simulator_brings_no_client() -> None:
    """The stand-in stands alone: neither the client nor its HTTP library is loaded with it."""
    code = "import sys, rivya_run.simulator.hosting; print(sorted(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "'httpx2'" not in found
    assert "rivya_run.provider.rivya.client" not in found
    assert "rivya_run.provider.http'" not in found


def test_bodies_are_compared_byte_for_byte() -> None:
    """The same JSON in other bytes is another body: a client must resend what it journalled."""
    with hosted() as simulator:
        api = Api(simulator.base_url)
        api.create("k")
        spaced = json.dumps(json.loads(create_body()), indent=1).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": "k"}
        assert api.call("POST", "/generations", spaced, headers).code == "idempotency_conflict"
