"""Progress for machines."""

from __future__ import annotations

import io
import json

from rivya_run.errors import Problem, Severity, StoryboardError
from rivya_run.progress import Event
from rivya_run.views.progress import JsonReporter, Outlet


def test_every_line_is_an_object_with_event_and_time() -> None:
    """Shot, take and status stand beside them where they apply, and all that is known of the event."""
    stream = io.StringIO()
    reporter = JsonReporter(Outlet(stream), now=lambda: 0.0)
    reporter.report(Event("take_changed", "board", "a", 1, "pending", {"task_id": "task_1", "credits": 10}))
    reporter.report(Event("run_finished", detail={"exit_code": 0}))
    reporter.close()
    first, last = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert first == {
        "event": "take_changed",
        "time": "1970-01-01T00:00:00.000Z",
        "storyboard": "board",
        "shot": "a",
        "take": 1,
        "status": "pending",
        "task_id": "task_1",
        "credits": 10,
    }
    assert last == {"event": "run_finished", "time": "1970-01-01T00:00:00.000Z", "exit_code": 0}


def test_an_error_is_a_line_too_with_its_problems_before_it() -> None:
    """Nothing on standard error is anything but JSON."""
    stream = io.StringIO()
    reporter = JsonReporter(Outlet(stream), now=lambda: 0.0)
    problem = Problem("a.yaml", 1, 1, Severity.ERROR, "shots", "missing", "required")
    reporter.failure(StoryboardError("it has problems", [problem], hint="mend them"))
    reporter.close()
    told = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["event"] for line in told] == ["problem", "error"]
    assert told[0]["code"] == "required"
    assert (told[1]["exit_code"], told[1]["hint"]) == (3, "mend them")


def test_what_no_terminal_can_show_is_escaped() -> None:
    """Lines are ASCII, whatever people write."""
    stream = io.StringIO()
    reporter = JsonReporter(Outlet(stream), now=lambda: 0.0)
    reporter.report(Event("notice", detail={"message": "台\x1b"}))
    reporter.close()
    assert stream.getvalue().isascii()
    assert json.loads(stream.getvalue())["message"] == "台\x1b"
