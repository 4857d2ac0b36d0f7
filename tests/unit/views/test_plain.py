"""Progress as lines."""

from __future__ import annotations

from examples import attempt, board, history_of, planner, shot
from rivya_run.json_types import Json
from rivya_run.progress import Event
from rivya_run.views.progress import Outlet, PlainReporter


def changed(status: str, **detail: Json) -> Event:
    """Take 1 of shot ``a`` came to that status."""
    return Event("take_changed", "board", "a", 1, status, detail)


def test_each_change_is_one_line() -> None:
    """A take's way: sent, pending with task and credits, succeeded."""
    lines = PlainReporter(Outlet(None))
    told = [
        lines.line(changed("sent")),
        lines.line(changed("pending", task_id="task_1", credits=10)),
        lines.line(changed("pending", task_id="task_1", credits=10)),
        lines.line(changed("succeeded", task_id="task_1", credits=10)),
    ]
    assert told == [
        "a/1 sent",
        "a/1 pending (task_1, 10 credits)",
        None,
        "a/1 succeeded (task_1, 10 credits)",
    ]


def test_what_is_up_to_date_is_not_told_of() -> None:
    """A take that is reused has no line, unless something happens to it."""
    lines = PlainReporter(Outlet(None))
    lines.plans([planner(board(shot("a")), history_of(attempt(shot("a")))).plan()])
    assert lines.line(changed("succeeded")) is None
    assert lines.line(changed("failed", error="not_found")) == "a/1 failed: not_found"


def test_a_take_that_was_not_made_says_why() -> None:
    """Planned at the end means: not made."""
    assert (
        PlainReporter(Outlet(None)).line(changed("planned", reason="skip: true"))
        == "a/1 not made: skip: true"
    )


def test_several_storyboards_are_told_apart() -> None:
    """Lines begin with the storyboard when there is more than one."""
    lines = PlainReporter(Outlet(None))
    lines.plans([planner(board(shot("b"))).plan(), planner(board(shot("c"))).plan()])
    assert lines.line(changed("sent")) == "board: a/1 sent"


def test_control_characters_of_a_server_are_made_visible() -> None:
    """A message can't steer the terminal."""
    line = PlainReporter(Outlet(None)).line(changed("failed", reason="\x1b[2Jgone\nnext"))
    assert line == "a/1 failed: \\x1b[2Jgone\\nnext"


def test_the_start_says_what_is_to_be_done() -> None:
    """Counts of actions in words, and about what it costs."""
    event = Event(
        "run_started", "board", detail={"takes": 3, "actions": {"create": 2, "reuse": 1}, "credits": 20}
    )
    assert (
        PlainReporter(Outlet(None)).line(event)
        == "board: 3 takes: 2 to create, 1 up to date; about 20 credits"
    )


def test_the_first_retry_of_each_kind_and_reason_is_told_the_others_to_those_who_ask() -> None:
    """Who waits learns what for; -v shows every one."""
    event = Event("retrying", detail={"what": "poll", "wait": 2.04, "reason": "server error"})
    other = Event("retrying", detail={"what": "poll", "wait": 2.04, "reason": "no connection"})
    lines, verbose = PlainReporter(Outlet(None)), PlainReporter(Outlet(None), verbose=True)
    assert lines.line(event) == "poll failed, retrying in 2.0 s: server error"
    assert lines.line(event) is None
    assert lines.line(other) == "poll failed, retrying in 2.0 s: no connection"
    assert verbose.line(event) == verbose.line(event)


def test_pauses_limits_uploads_and_notices_are_told() -> None:
    """What holds a run up, or is worth knowing, has a line."""
    lines = PlainReporter(Outlet(None))
    limit: dict[str, Json] = {"limit": 4, "before": 8, "reason": "too many requests"}
    assert lines.line(Event("limit_changed", detail=limit)) == "tasks at once 8 -> 4: too many requests"
    pause: dict[str, Json] = {"seconds": 12, "reason": "too many requests"}
    assert lines.line(Event("paused", detail=pause)) == "all requests pause for 12 s: too many requests"
    assert lines.line(Event("uploaded", detail={"path": "refs/a.png"})) == "uploaded refs/a.png"
    assert lines.line(Event("notice", detail={"message": "mind this"})) == "note: mind this"
    assert lines.line(Event("run_finished", detail={"exit_code": 0})) is None
