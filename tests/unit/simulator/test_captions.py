"""What a slate says about its task."""

from __future__ import annotations

from typing import Any

from rivya_run.simulator.render_cache import slate_of
from rivya_run.simulator.tasks import SimulatedTask


def _task(**changes: Any) -> SimulatedTask:
    values: dict[str, Any] = {
        "id": "task_1",
        "account": "a",
        "number": 1,
        "key": None,
        "sha256": "",
        "model": "m",
        "prompt": "P",
        "params": {},
        "client_request_id": None,
        "reserved": 1,
        "created": 0,
        "starts": 0,
        "ends": 0,
        "error": None,
        "charged": False,
        "files": 1,
    }
    return SimulatedTask(**{**values, **changes})


def test_shot_take_and_attempt_are_read_from_the_trace_id() -> None:
    """The client request id names shot and take, the host's labels the scene."""
    slate = slate_of(_task(client_request_id="film.sh010.t03.0123456789abcdef.a2"), 1, {"sh010": "intro"})
    assert (slate.shot, slate.take, slate.scene) == ("sh010", "take 3 · attempt 2", "scene intro")


def test_labels_may_name_the_storyboard_too() -> None:
    """A label for one storyboard's shot wins over one for the shot's id."""
    labels = {"film.sh010": "two", "sh010": "one"}
    assert slate_of(_task(client_request_id="film.sh010.t1.00.a1"), 1, labels).scene == "scene two"


def test_other_clients_trace_ids_are_shown_as_they_are() -> None:
    """A trace id of another shape stands where the shot would; without one, the task's id."""
    assert slate_of(_task(client_request_id="order-123"), 1, {}).shot == "order-123"
    assert slate_of(_task(), 1, {}).shot == "task_1"


def test_params_and_references_are_listed() -> None:
    """Params in their order, long values cut, references counted."""
    params = {"duration": 6, "note": "x" * 100, "referenceMediaItems": [{}, {}]}
    slate = slate_of(_task(params=params, files=2), 2, {})
    assert slate.params.startswith("duration 6 · note xxx")
    assert slate.params.endswith("… · 2 references")
    assert slate.take == "file 2/2"
