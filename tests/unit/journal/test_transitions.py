"""What each event makes of an attempt: everything that changes by it, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rivya_run.journal.attempt import ApiError, Attempt, AttemptState, Output
from rivya_run.journal.events import (
    Adopted,
    Checked,
    Created,
    Failed,
    FrameTaken,
    GivenUp,
    Intended,
    LeftOpen,
    MarkedUnknown,
    NotFetched,
    Observed,
    Reassigned,
    Refused,
    Removed,
    Stored,
    Succeeded,
    TaskMissing,
    Withdrawn,
)
from rivya_run.journal.transitions import Change, adopted, changed, intended
from rivya_run.json_types import Json

AT = "2026-05-11T00:00:09.000Z"
EARLIER = "2026-05-11T00:00:01.000Z"
BY_API = "2026-05-11T00:00:05Z"
KEY = "board.a.t1.0"
TROUBLE = ApiError("odd", "an earlier trouble", "req_0", 500)

CREATED = Created(
    key=KEY,
    task_id="task_1",
    status="queued",
    reserved_credits=30.0,
    final_credits=0.0,
    created_at=BY_API,
    updated_at=BY_API,
)
OBSERVED = Observed(key=KEY, status="processing", reserved_credits=30.0, final_credits=2.0, updated_at=BY_API)
FAILED = Failed(
    key=KEY,
    code="generation_failed",
    message="No.",
    reserved_credits=30.0,
    final_credits=0.0,
    updated_at=BY_API,
)
SUCCEEDED = Succeeded(
    key=KEY,
    urls=("https://r/1.mp4", "https://r/2.mp4"),
    reserved_credits=30.0,
    final_credits=20.0,
    updated_at=BY_API,
    task_seconds=42.5,
    running_seconds=30.0,
    places=(1, 0),
)


def sent(**changes: Any) -> Attempt:
    """An attempt whose create was sent, with a trouble on record, so that it shows who clears it."""
    made = Attempt(
        client_request_id=KEY,
        shot="a",
        take=1,
        fingerprint="f",
        number=1,
        model="m",
        body="{}",
        state=AttemptState.SENT,
        sent_at=EARLIER,
        estimate=10.0,
        price_key="p",
        error=TROUBLE,
        timeline=(("asked", EARLIER),),
    )
    return replace(made, **changes)


def running(**changes: Any) -> Attempt:
    """The same with a task."""
    told: dict[str, Any] = {
        "state": AttemptState.RUNNING,
        "task_id": "task_1",
        "reserved_credits": 10.0,
        "created_at": EARLIER,
        "updated_at": EARLIER,
    }
    return sent(**told | changes)


def output(name: str, sha256: str = "s", **more: Any) -> Output:
    """A file of it."""
    return Output(f"a/{name}.mp4", f"https://r/{name}.mp4", 3, sha256, "video/mp4", **more)


def stored(name: str, index: int, of: int, sha256: str = "s") -> Stored:
    """That file is here."""
    return Stored(
        key=KEY,
        index=index,
        of=of,
        path=f"a/{name}.mp4",
        url=f"https://r/{name}.mp4",
        bytes=3,
        sha256=sha256,
        mime_type="video/mp4",
    )


def test_an_intent_is_all_that_is_known_of_a_create_that_is_about_to_be_sent() -> None:
    """Body, what it is thought to cost, what it is made from, and both clocks: nothing of it is composed again."""
    event = Intended(
        key=KEY,
        shot="a",
        take=2,
        fingerprint="f",
        number=3,
        model="m",
        body='{"exact": 1}',
        estimate=10.0,
        price_key="p",
        parents=(("v", 1, "c"),),
        api_sent_at=BY_API,
    )
    assert intended(AT, event) == Attempt(
        client_request_id=KEY,
        shot="a",
        take=2,
        fingerprint="f",
        number=3,
        model="m",
        body='{"exact": 1}',
        state=AttemptState.SENT,
        sent_at=AT,
        estimate=10.0,
        price_key="p",
        parents=(("v", 1, "c"),),
        api_sent_at=BY_API,
    )


@pytest.mark.parametrize("created_at", [BY_API, None])
def test_an_adopted_task_runs_whether_its_create_is_on_record_or_not(created_at: str | None) -> None:
    """It dates from when the API made it, or from when it was adopted; where its create is known, its costs stay."""
    event = Adopted(
        key=KEY,
        shot="b",
        take=2,
        fingerprint="g",
        number=3,
        model="n",
        body="{2}",
        task_id="task_9",
        status="processing",
        reserved_credits=30.0,
        final_credits=20.0,
        created_at=created_at,
        updated_at=BY_API,
    )
    of_task: dict[str, Any] = {
        "shot": "b",
        "take": 2,
        "fingerprint": "g",
        "number": 3,
        "model": "n",
        "body": "{2}",
        "state": AttemptState.RUNNING,
        "task_id": "task_9",
        "reserved_credits": 30.0,
        "final_credits": 20.0,
        "created_at": created_at or AT,
        "updated_at": BY_API,
        "timeline": (("processing", created_at or AT),),
    }
    assert adopted(AT, event, None) == Attempt(client_request_id=KEY, sent_at=None, **of_task)
    unknown = sent(state=AttemptState.UNKNOWN)
    assert adopted(AT, event, unknown) == replace(unknown, error=None, **of_task)


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (
            Withdrawn(key=KEY, reason="no connection"),
            {"state": AttemptState.WITHDRAWN, "withdrawn": "no connection"},
        ),
        (
            Refused(key=KEY, code="odd_params", message="No.", request_id="req_1", http_status=400),
            {"state": AttemptState.REFUSED, "error": ApiError("odd_params", "No.", "req_1", 400)},
        ),
        (
            LeftOpen(key=KEY, code="odd", message="No.", request_id="req_1"),
            {"error": ApiError("odd", "No.", "req_1")},
        ),
        (
            MarkedUnknown(key=KEY, code="no_answer", message="It was sent.", request_id="req_1"),
            {"state": AttemptState.UNKNOWN, "error": ApiError("no_answer", "It was sent.", "req_1")},
        ),
        (GivenUp(key=KEY), {"state": AttemptState.GIVEN_UP}),
    ],
    ids=["withdrawn", "refused", "left open", "unknown", "given up"],
)
def test_what_becomes_of_a_create_without_a_task(event: Change, told: dict[str, Any]) -> None:
    """Its state and the reason, and since when."""
    assert changed(sent(), event, AT) == sent(updated_at=AT, **told)


def test_a_missing_task_stays_missing_when_a_person_is_told_of_it() -> None:
    """It is asked for again, which a create without a task isn't."""
    missing = running(state=AttemptState.TASK_MISSING)
    event = MarkedUnknown(key=KEY, code="not_found", message="Where is it?")
    told = ApiError("not_found", "Where is it?")
    assert changed(missing, event, AT) == replace(missing, error=told, updated_at=AT)


def test_a_created_task_is_told_whole() -> None:
    """Id, credits and times by the API; no trouble of the create is left."""
    assert changed(sent(), CREATED, AT) == sent(
        state=AttemptState.RUNNING,
        error=None,
        task_id="task_1",
        reserved_credits=30.0,
        final_credits=0.0,
        created_at=BY_API,
        updated_at=BY_API,
        timeline=(("asked", EARLIER), ("queued", AT)),
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (AttemptState.RUNNING, AttemptState.RUNNING),
        (AttemptState.TASK_MISSING, AttemptState.RUNNING),
        (AttemptState.UNKNOWN, AttemptState.RUNNING),
        (AttemptState.STORED, AttemptState.STORED),
        (AttemptState.GIVEN_UP, AttemptState.GIVEN_UP),
    ],
)
def test_a_task_that_is_seen_runs_where_nobody_knew_what_became_of_it(
    before: AttemptState, after: AttemptState
) -> None:
    """Any other state stays: what was decided isn't undone by an old status."""
    assert changed(running(state=before), OBSERVED, AT) == running(
        state=after,
        error=None,
        reserved_credits=30.0,
        final_credits=2.0,
        updated_at=BY_API,
        timeline=(("asked", EARLIER), ("processing", AT)),
    )


def test_what_an_answer_leaves_out_stays_as_it_was() -> None:
    """An API that says nothing of credits or times takes none of them back; nothing and zero are two things."""
    known = running(reserved_credits=10.0, final_credits=5.0)
    silent = changed(known, Observed(key=KEY, status="processing", updated_at=""), AT)
    assert (silent.reserved_credits, silent.final_credits, silent.updated_at) == (10.0, 5.0, EARLIER)
    free = changed(known, Observed(key=KEY, status="processing", final_credits=0.0), AT)
    assert (free.reserved_credits, free.final_credits) == (10.0, 0.0)


def test_a_failed_task_says_why_and_what_it_cost() -> None:
    """Its error is the task's, and no earlier one."""
    assert changed(running(), FAILED, AT) == running(
        state=AttemptState.FAILED,
        error=ApiError("generation_failed", "No."),
        reserved_credits=30.0,
        final_credits=0.0,
        updated_at=BY_API,
        timeline=(("asked", EARLIER), ("failed", AT)),
    )


def test_a_task_that_the_api_does_not_find_is_missing() -> None:
    """Its id and its credits stay: it may be found again."""
    event = TaskMissing(key=KEY, message="No such task.", request_id="req_1")
    assert changed(running(), event, AT) == running(
        state=AttemptState.TASK_MISSING,
        error=ApiError("not_found", "No such task.", "req_1"),
        updated_at=AT,
    )


@pytest.mark.parametrize(
    ("before", "after", "first"),
    [
        (AttemptState.RUNNING, AttemptState.FINISHED, True),
        (AttemptState.TASK_MISSING, AttemptState.FINISHED, True),
        (AttemptState.FINISHED, AttemptState.FINISHED, False),
        (AttemptState.STORED, AttemptState.STORED, False),
    ],
)
def test_a_task_that_succeeded_can_be_fetched(before: AttemptState, after: AttemptState, first: bool) -> None:
    """Renewed URLs take the place of old ones; the timeline says it once, and files that are here stay."""
    timeline: tuple[tuple[str, str], ...] = (("asked", EARLIER),)
    assert changed(running(state=before), SUCCEEDED, AT) == running(
        state=after,
        error=None,
        urls=("https://r/1.mp4", "https://r/2.mp4"),
        places=(1, 0),
        reserved_credits=30.0,
        final_credits=20.0,
        updated_at=BY_API,
        task_seconds=42.5,
        running_seconds=30.0,
        timeline=(*timeline, ("downloading", AT)) if first else timeline,
    )


def test_a_file_that_could_not_be_had_leaves_its_take_finished() -> None:
    """Paid, not fetched: the next run continues."""
    finished = running(state=AttemptState.FINISHED)
    assert changed(finished, NotFetched(key=KEY, message="404"), AT) == replace(
        finished, error=ApiError("not_fetched", "404"), updated_at=AT
    )


def test_a_take_is_stored_once_all_its_files_are_here() -> None:
    """Whatever was wrong with them before is over; the timeline says it once."""
    finished = running(state=AttemptState.FINISHED)
    half = changed(finished, stored("1", 0, 2), AT)
    assert half == replace(finished, error=None, outputs=(output("1"),))
    whole = changed(half, stored("2", 1, 2), AT)
    files = (output("1"), output("2"))
    passed = (("asked", EARLIER), ("stored", AT))
    assert whole == replace(half, state=AttemptState.STORED, outputs=files, timeline=passed)
    assert changed(whole, stored("2", 1, 2), "2026-05-12T00:00:00.000Z") == whole


def test_a_file_that_is_fetched_again_takes_its_own_place() -> None:
    """Between the others; its time and measures are the new ones, what was made from it goes by its first bytes."""
    files = (output("1"), output("2", "first"), output("3"))
    whole = running(state=AttemptState.STORED, error=None, outputs=files)
    event = Stored(
        key=KEY,
        index=1,
        of=3,
        path="a/2.mp4",
        url="https://r/2.mp4",
        bytes=3,
        sha256="other",
        mime_type="video/mp4",
        mtime_ns=7,
        media={"width": 640},
    )
    again = output("2", "other", first_sha256="first", mtime_ns=7, media={"width": 640})
    assert changed(whole, event, AT) == replace(whole, outputs=(files[0], again, files[2]))


@pytest.mark.parametrize(
    ("first", "again", "follows"),
    [
        ({"duration": 7.3}, {"duration": 7.3}, 7.3),
        ({"duration": 7.3}, {"duration": 7.4}, 7.3),
        ({"duration": 7.3}, None, 7.3),
        (None, {"duration": 7.4}, 7.4),
        ({"duration": 3.0, "doubt": "a packet is cut off"}, {"duration": 7.4}, 7.4),
        (None, None, None),
    ],
)
def test_what_follows_a_file_goes_by_its_first_length(
    first: dict[str, Any] | None, again: dict[str, Any] | None, follows: float | None
) -> None:
    """However often other bytes come; but not by that of a file that may have been cut off."""
    whole = running(state=AttemptState.STORED, error=None, outputs=(output("1", media=first),))
    event = Stored(
        key=KEY, index=0, of=1, path="a/1.mp4", url=None, bytes=3, sha256="2", mime_type=None, media=again
    )
    once = changed(whole, event, AT)
    assert once.outputs[0].seconds == follows
    assert (once.outputs[0].first_seconds is None) == (follows == (again or {}).get("duration"))
    third = Stored(
        key=KEY,
        index=0,
        of=1,
        path="a/1.mp4",
        url=None,
        bytes=3,
        sha256="3",
        mime_type=None,
        media={"duration": 9.0},
    )
    assert changed(once, third, AT).outputs[0].seconds == (follows or 9.0)


def with_stills() -> Attempt:
    """Two files are here, the first of them with a still."""
    still = {"frame": "last", "path": "a/1_last.png", "sha256": "t", "bytes": 1}
    files = (output("1", media={"width": 640, "frames": [still]}), output("2"))
    return running(state=AttemptState.STORED, error=None, outputs=files)


def test_the_files_of_a_reassigned_take_follow_it() -> None:
    """Under their new names, stills included."""
    moved = changed(
        with_stills(),
        Reassigned(key=KEY, shot="b", take=2, paths={"a/1.mp4": "b/1.mp4", "a/1_last.png": "b/1_last.png"}),
        AT,
    )
    still = {"frame": "last", "path": "b/1_last.png", "sha256": "t", "bytes": 1}
    first = replace(output("1", media={"width": 640, "frames": [still]}), path="b/1.mp4")
    assert moved == replace(with_stills(), shot="b", take=2, outputs=(first, output("2")))


def test_a_removed_file_stays_on_record() -> None:
    """As removed; a removed still is forgotten, since it can be taken again."""
    known = with_stills()
    first, second = known.outputs
    assert changed(known, Removed(key=KEY, path="a/2.mp4"), AT) == replace(
        known, outputs=(first, replace(second, removed=True))
    )
    assert changed(known, Removed(key=KEY, path="a/1_last.png"), AT) == replace(
        known, outputs=(replace(first, media={"width": 640, "frames": []}), second)
    )


def test_a_still_belongs_to_the_first_file() -> None:
    """That is what other shots are made from."""
    known = with_stills()
    first, second = known.outputs
    event = FrameTaken(key=KEY, frame="first", path="a/1_first.png", sha256="u", bytes=2)
    stills: list[Json] = [
        {"frame": "last", "path": "a/1_last.png", "sha256": "t", "bytes": 1},
        {"frame": "first", "path": "a/1_first.png", "sha256": "u", "bytes": 2},
    ]
    assert changed(known, event, AT) == replace(
        known, outputs=(replace(first, media={"width": 640, "frames": stills}), second)
    )


def test_a_file_that_was_looked_into_again_has_other_verdicts_and_nothing_else_changes() -> None:
    """All files of that content, whatever they are called; a verdict on other content is of no file any more."""
    known = with_stills()
    first, second = known.outputs
    found: list[Json] = [{"check": "black", "from": 1.0, "to": 2.5, "about": "black from 1.00 s to 2.50 s"}]
    event = Checked(key=KEY, sha256=first.sha256, checks=({**found[0]},))  # type: ignore[dict-item]
    assert changed(known, event, AT) == replace(
        known,
        outputs=(
            replace(first, media={**(first.media or {}), "checks": found}),
            replace(second, media={"checks": found}) if second.sha256 == first.sha256 else second,
        ),
    )
    elsewhere = Checked(key=KEY, sha256="other", checks=())
    assert changed(known, elsewhere, AT) == known
