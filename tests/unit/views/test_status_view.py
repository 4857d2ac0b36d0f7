"""A manifest as a table for people."""

from __future__ import annotations

from typing import Any

from rivya_run.planning.next_commands import Typed, next_commands
from rivya_run.views.status_view import scenes, totals_lines, unknown_lines, unknown_standings


def take(number: int = 1, status: str = "succeeded", **more: Any) -> dict[str, Any]:
    """An entry of the manifest, as far as status reads it."""
    return {
        "take": number,
        "status": status,
        "client_request_id": "board.a.t1.x.a1",
        "sent_at": "2026-05-11T00:00:00.000Z",
        "request": {"params": {"duration": 6}},
        "outputs": [],
        "attempts": [],
        "error": None,
        **more,
    }


def shot(name: str, *takes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": name, "scene": None, "pick": None, "skipped": False, "takes": list(takes), **more}


def test_takes_stand_by_scene_and_the_chosen_one_is_marked() -> None:
    """A star where there is something to choose from."""
    manifest = {
        "shots": [
            shot("a", take(1), take(2), scene="intro", pick=2),
            shot("b", take()),
            shot("c", take(), scene="intro"),
        ]
    }
    first, second = scenes(manifest, {})
    assert [row[0] for row in first.rows] == ["a/1", "a/2 *", "c/1"]
    assert (second.name, second.rows[0][0]) == ("", "b/1")


def test_an_error_is_shown_as_it_came_with_its_request() -> None:
    """Whoever asks the support needs the id."""
    error = {"code": "generation_failed", "message": "no", "request_id": "req_1"}
    [scene] = scenes({"shots": [shot("a", take(status="failed", error=error, final_credits=0))]}, {})
    assert scene.rows[0][1:] == ("failed", "0", "", "generation_failed: no (request req_1)")


def test_a_clip_that_is_not_what_was_asked_for_has_a_warning_with_the_figure() -> None:
    """6 s were asked for, 3 came."""
    output = {"path": "a/a.mp4", "duration": 3.0, "frame_rate": 30, "width": 16, "height": 9}
    [scene] = scenes({"shots": [shot("a", take(outputs=[output]))]}, {})
    assert scene.rows[0][4] == "warning: 3 s instead of the 6 s asked for"


def test_unknown_outcomes_come_with_what_to_do() -> None:
    """The key, when it was sent, what it likely cost, both commands."""
    unknown = take(2, "unknown", estimated_credits=10)
    manifest = {"shots": [shot("a", take(), unknown)]}
    text = "\n".join(unknown_lines(manifest))
    assert "a/2  key board.a.t1.x.a1, sent 2026-05-11T00:00:00.000Z, likely 10 credits" in text
    commands = [
        one.command for one in next_commands(unknown_standings(manifest), Typed("b.yaml", ("--simulate",)))
    ]
    assert commands == [
        "rivya-run adopt b.yaml a TASK_ID --take 2 --simulate",
        "rivya-run b.yaml --resend-unknown --only a --simulate",
    ]
    assert unknown_lines({"shots": [shot("a", take())]}) == []


def test_spend_tells_what_went_into_takes_that_nobody_asks_for() -> None:
    """History and earlier attempts are part of what was spent."""
    again = take(attempts=[take(status="failed", final_credits=5)], final_credits=10)
    manifest = {
        "totals": {"takes": 1, "succeeded": 1, "spent_credits": 22},
        "shots": [shot("a", again)],
        "history": [{"shot": "old", **take(final_credits=7)}],
    }
    assert totals_lines(manifest) == [
        "1 take: 1 done",
        "spent: 22 credits, of these 5 on earlier attempts, 7 on 1 take that no shot uses any more",
    ]


def test_a_manifest_with_holes_is_shown_as_far_as_it_goes() -> None:
    """Older, newer and hand-edited ones are no reason to fail."""
    assert scenes({"shots": [{"takes": [{}]}, None, {"id": 3}]}, {})
    assert totals_lines({"totals": None})
    assert unknown_lines({"shots": 3}) == []


def test_a_task_that_succeeded_but_is_not_fetched_is_not_said_to_run() -> None:
    """What it cost is final; only its files are still to be fetched."""
    passed = [{"status": "processing", "at": ""}, {"status": "downloading", "at": ""}]
    made = take(1, "pending", timeline=passed, reserved_credits=10, final_credits=8)
    running = take(2, "pending", timeline=passed[:1], reserved_credits=10)
    [scene] = scenes({"shots": [shot("a", made, running)]}, {})
    assert [row[1:3] for row in scene.rows] == [("made, to be fetched", "8"), ("running", "10 reserved")]
