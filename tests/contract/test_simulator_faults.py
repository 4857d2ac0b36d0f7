"""The simulator's faults over real HTTP: what a client sees of each, and what took effect."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable

import pytest

from rivya_run.simulator import clips
from rivya_run.simulator.clips import Abandoned, Result
from rivya_run.simulator.faults import PLACES, FaultPlan, Rule, known_names
from rivya_run.simulator.hosting import HostedSimulator
from simulation import Api, Reply, fetch, hosted

#: Answers to a create: what is seen (a status, or the class of error), whether a task was made.
CREATES: dict[str, tuple[int | type[Exception], bool]] = {
    "lost": (ConnectionError, True),
    "refused": (ConnectionError, False),
    "half": (200, True),
    "cut": (http.client.IncompleteRead, True),
    "html": (200, False),
    "lost-html": (200, True),
    "429": (429, False),
    "500": (500, False),
    "lost-500": (500, True),
    "502": (502, False),
    "503": (503, False),
    "disabled": (503, False),
    "redirect": (307, False),
    "slow": (200, True),
    "hang": (ConnectionError, True),
    "conflict": (409, False),
}

#: Answers to a download of 4096 bytes: status or error, length of the body (None: not looked at).
DOWNLOADS: dict[str, tuple[int | type[Exception], int | None]] = {
    "lost": (ConnectionError, None),
    "cut": (http.client.IncompleteRead, 2048),
    "short": (200, 2048),
    "no-range": (200, 4096),
    "etag": (200, 4096),
    "html": (200, None),
    "403": (403, None),
    "404": (404, None),
    "410": (410, None),
    "429": (429, None),
    "500": (500, None),
    "503": (503, None),
    "slow": (200, 4096),
    "redirect": (302, None),
    "redirect-foreign": (302, None),
    "redirect-loop": (302, None),
}


def _once(place: str, action: str) -> FaultPlan:
    return FaultPlan(rules=(Rule(f"{place}-{action}", at=(1,)),))


def test_every_fault_is_tried_here() -> None:
    """No create or download fault is without its row in this file."""
    assert set(CREATES) == set(PLACES["create"])
    assert set(DOWNLOADS) == set(PLACES["download"])


@pytest.mark.parametrize("action", CREATES)
def test_create_faults(action: str) -> None:
    """Each fault of a create shows itself as it should, takes effect or not, and is over at the resend."""
    expected, made = CREATES[action]
    with hosted(faults=_once("create", action), slow_seconds=0.01, hang_seconds=0.01) as simulator:
        api = Api(simulator.base_url)
        if isinstance(expected, int):
            reply = api.create("k")
            assert reply.status == expected
            if action in ("half", "html", "lost-html"):
                with pytest.raises(ValueError, match=r"Expecting|Unterminated|Invalid"):
                    reply.json()
        else:
            with pytest.raises(expected):
                api.create("k")
        assert len(simulator.state.tasks()) == made
        assert simulator.traffic.requests[0].fault == action
        assert api.create("k").status == 200
        assert len(simulator.state.tasks()) == 1


@pytest.mark.parametrize("action", DOWNLOADS)
def test_download_faults(action: str) -> None:
    """Each fault of a download shows itself as it should and is over at the next request."""
    expected, length = DOWNLOADS[action]
    with hosted(faults=_once("download", action), slow_seconds=0.01) as simulator:
        url = _result(simulator)
        if isinstance(expected, int):
            reply = fetch(url, headers={"Range": "bytes=0-"} if action == "no-range" else {})
            assert reply.status == expected
            assert length is None or len(reply.body) == length == int(reply.headers["content-length"])
        else:
            with pytest.raises(expected) as caught:
                fetch(url)
            if length is not None:
                assert len(caught.value.partial) == length  # type: ignore[attr-defined]
        assert fetch(url).status == 200


@pytest.mark.parametrize("name", [name for name in known_names() if name.split("-")[0] in ("status", "file")])
def test_faults_of_reading(name: str) -> None:
    """Polls and file lookups meet their faults without a bug in the simulator, and pass the next time."""
    place, _, action = name.partition("-")
    with hosted(faults=_once(place, action), slow_seconds=0.01, hang_seconds=0.01) as simulator:
        api = Api(simulator.base_url)
        path = f"/generations/{api.create().json()['id']}"
        if place == "file":
            path = f"/files/{api.upload().json()['id']}"
        reply = _tried(api, path)
        if action == "unknown":
            assert reply is not None
            assert reply.json()["status"] == "under_review"
        if action == "missing":
            assert reply is not None
            assert reply.code == "not_found"
        assert api.call("GET", path).status == 200


@pytest.mark.parametrize("action", ["lost", "refused", "half", "500", "lost-500", "503", "429", "html"])
def test_upload_faults(action: str) -> None:
    """Uploads meet their faults, and those called lost leave a file behind."""
    with hosted(faults=_once("upload", action)) as simulator:
        api = Api(simulator.base_url)
        try:
            status = api.upload().status
        except ConnectionError:
            status = 0
        assert status == {"lost": 0, "refused": 0, "429": 429, "500": 500, "lost-500": 500, "503": 503}.get(
            action, 200
        )
        assert len(simulator.state.files()) == (action in ("lost", "half", "lost-500"))
        assert api.upload().status == 200


@pytest.mark.parametrize(
    ("action", "code", "final"),
    [
        ("failed", "generation_failed", 0),
        ("charged", "generation_failed", 10),
        ("moderated", "content_rejected", 0),
        ("unfunded", "insufficient_credits", 0),
    ],
)
def test_tasks_that_fail(action: str, code: str, final: int) -> None:
    """A task's fate is its error code and whether its credits are kept."""
    with hosted(faults=_once("task", action)) as simulator:
        api = Api(simulator.base_url)
        task = api.finished(api.create("k").json()["id"])
        balance = api.call("GET", "/credits").json()["current_credits"]
        assert (task["status"], task["error"]["code"], task["final_credits"]) == ("failed", code, final)
        assert simulator.state.charged() == final == 1_000_000 - balance


def test_task_that_never_ends() -> None:
    """A stuck task stays processing and keeps its credits reserved."""
    with hosted(faults=_once("task", "stuck"), queue_seconds=(0, 0)) as simulator:
        api = Api(simulator.base_url)
        task_id = api.create("k").json()["id"]
        assert {api.task(task_id).json()["status"] for _ in range(20)} == {"processing"}
        assert simulator.state.reserved() == 10


def test_redirects_lead_to_the_file_and_not_in_circles() -> None:
    """A redirect, to this host or to another name of it, ends at the file; the loop never does."""
    for action, host in (("redirect", "127.0.0.1"), ("redirect-foreign", "localhost")):
        with hosted(faults=FaultPlan(rules=(Rule(f"download-{action}"),))) as simulator:
            target = fetch(_result(simulator)).headers["location"]
            assert target.startswith(f"http://{host}:")
            assert fetch(target).status == 200
    with hosted(faults=FaultPlan(rules=(Rule("download-redirect-loop"),))) as simulator:
        url = _result(simulator)
        assert fetch(url).headers["location"] == url


def test_changed_etag_makes_a_resumed_download_start_over() -> None:
    """Cut first, then another ETag: If-Range no longer holds and the whole file comes."""
    rules = (Rule("download-cut", turns=(1,)), Rule("download-etag", turns=(2,)))
    with hosted(faults=FaultPlan(rules=rules)) as simulator:
        url = _result(simulator)
        with pytest.raises(http.client.IncompleteRead):
            fetch(url)
        tag = fetch(url).headers["etag"]
        assert fetch(url, headers={"Range": "bytes=5-", "If-Range": tag}).status == 200


def test_client_that_leaves_ends_a_hanging_create() -> None:
    """A create that hangs was accepted; the resend after the client's timeout finds its task."""
    with hosted(faults=_once("create", "hang")) as simulator:
        api = Api(simulator.base_url)
        with pytest.raises(TimeoutError):
            fetch(
                f"{simulator.base_url}/api/v1/generations",
                "POST",
                b'{"model":"grok-imagine-video","prompt":"A reveal","params":{}}',
                {
                    "Authorization": "Bearer rvya_sk_test",
                    "Content-Type": "application/json",
                    "Idempotency-Key": "k",
                },
                timeout=0.05,
            )
        assert len(simulator.state.tasks_by_key()["k"]) == 1
        assert api.create("l").status == 200


def test_simulator_closes_at_once_with_requests_hanging() -> None:
    """The end of the block does not wait for replies that never come."""
    with hosted(faults=_once("create", "hang")) as simulator:
        api = Api(simulator.base_url)
        thread = threading.Thread(target=_left_hanging, args=(api,))
        thread.start()
        while not simulator.state.tasks():
            time.sleep(0.001)
    thread.join(60)
    assert not thread.is_alive()  # it was dropped: the reply would have come in an hour


def test_same_seed_gives_the_same_run() -> None:
    """Which requests are spoiled depends on the seed and their identities, not on ports or time."""

    def run(seed: int) -> list[str | None]:
        with hosted(seed=seed, faults=FaultPlan.named("create=0.6", seed=seed)) as simulator:
            api = Api(simulator.base_url)
            for number in range(12):
                try:
                    api.create(f"key-{number}")
                except (ConnectionError, http.client.HTTPException):
                    continue
            return [request.fault for request in simulator.traffic.requests]

    first = run(1)
    assert first == run(1)
    assert first != run(2)
    assert any(first)


def _result(simulator: HostedSimulator) -> str:
    api = Api(simulator.base_url)
    return str(api.finished(api.create("k").json()["id"])["result"]["primary_url"])


def _left_hanging(api: Api) -> None:
    with pytest.raises(ConnectionError):
        api.create("k")


def _tried(api: Api, path: str) -> Reply | None:
    try:
        return api.call("GET", path)
    except (ConnectionError, http.client.HTTPException):
        return None


def test_simulator_closes_at_once_while_a_clip_is_rendered(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clip that nobody waits for any more is given up, not finished."""
    begun, real = threading.Event(), clips.render
    ended: list[str] = []

    def render(result: Result, is_closing: Callable[[], bool]) -> bytes:
        begun.set()
        while not is_closing():  # however fast the machine: the clip isn't done when the simulator closes
            time.sleep(0.001)
        try:
            body = real(result, is_closing)
        except Abandoned:
            ended.append("given up")
            raise
        ended.append("finished")
        return body

    monkeypatch.setattr(clips, "render", render)
    with hosted(clip_bytes=None) as simulator:
        api = Api(simulator.base_url)
        params = {"duration": 30, "resolution": "720p", "aspect_ratio": "16:9"}
        task = api.finished(api.create("k", params=params).json()["id"])
        thread = threading.Thread(target=_cut_off, args=(task["result"]["primary_url"],))
        thread.start()
        assert begun.wait(60)
    thread.join(60)
    assert not thread.is_alive()
    assert ended == ["given up"]


def _cut_off(url: str) -> None:
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        fetch(url)


def test_a_result_may_be_served_once() -> None:
    """Sent to its end, it is gone, also at a fresh URL; an answer that broke off before doesn't count."""
    faults = FaultPlan(rules=(Rule("download-cut", turns=(1,)),))
    with hosted(faults=faults, serves=1, served_status=404, url_lifetime=60.0) as simulator:
        url = _result(simulator)
        with pytest.raises(http.client.IncompleteRead):
            fetch(url)
        assert len(fetch(url).body) == 4096
        assert fetch(url).status == 404
