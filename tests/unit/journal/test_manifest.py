"""The manifest: what there is, derived from history, and enough for another clone to go on."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attempts_strategy import attempts
from examples import NOW, attempt, board, history_of, planner, shot
from rivya_run.journal.attempt import ApiError, Attempt, AttemptState
from rivya_run.journal.events import Entry, TakenIn, Uploaded
from rivya_run.journal.fold import History
from rivya_run.journal.manifest import known_attempts, knows_more, manifest
from rivya_run.journal.manifest_file import text_of
from rivya_run.journal.manifest_schema import manifest_schema
from rivya_run.planning.matching import serving_of
from rivya_run.storyboard.model import Storyboard

FEW = settings(max_examples=30)

BOARD = board(shot("a", "one", takes=2), shot("b", "two", takes=3, pick=2, scene="s", tags=("t",), notes="n"))
SCHEMA = jsonschema.Draft7Validator(manifest_schema())
UPLOAD = Uploaded(
    sha256="0" * 64,
    kind="image",
    model="m",
    path="refs/a.png",
    mime_type="image/png",
    bytes=5,
    url="https://u/1",
    file_id="file_1",
    duration_token="tok",
    uploaded_at=NOW,
)
HISTORIES = st.lists(attempts(), max_size=6, unique_by=lambda one: one.client_request_id).map(tuple)


def document(history: History, storyboard: Storyboard = BOARD, **serving: str) -> dict[str, Any]:
    """The manifest as any reader gets it; ``serving`` as a plan would have it where not told."""
    shown = serving_of(planner(storyboard, history).plan(), history)
    shown.update({(place[:-1], int(place[-1])): key for place, key in serving.items()})
    written = manifest(
        storyboard, "specs/board.yaml", shown, history, base_url="https://rivya.ai", updated_at=NOW
    )
    read: dict[str, Any] = json.loads(b"".join(text_of(written)))
    return read


def folded(read: dict[str, Any]) -> History:
    """The history of a clone that has only the manifest."""
    events = [
        TakenIn(key=told.client_request_id, shot=name, entry=entry)
        for name, entry, told in known_attempts(read)
    ]
    return History(Entry(number, NOW, event) for number, event in enumerate(events, start=1))


@FEW
@given(HISTORIES)
def test_a_clone_that_has_only_the_manifest_writes_the_same_one(found: tuple[Attempt, ...]) -> None:
    """History -> manifest -> history -> manifest gives the same document."""
    read = document(history_of(*found))
    assert document(folded(read)) == read


@FEW
@given(HISTORIES)
def test_every_attempt_stands_in_it_once(found: tuple[Attempt, ...]) -> None:
    """In a take, among a take's earlier ones, or in history; only what never arrived is left out."""
    keys = [told.client_request_id for _, _, told in known_attempts(document(history_of(*found)))]
    assert len(keys) == len(set(keys))
    assert set(keys) == {one.client_request_id for one in found if one.state is not AttemptState.WITHDRAWN}


@FEW
@given(HISTORIES)
def test_it_is_as_its_schema_says(found: tuple[Attempt, ...]) -> None:
    """Whatever happened, the published schema holds."""
    history = history_of(*found)
    history.apply(Entry(99, NOW, UPLOAD))
    SCHEMA.validate(document(history))


@FEW
@given(HISTORIES)
def test_its_sums_are_right(found: tuple[Attempt, ...]) -> None:
    """Counts and credits are over the present takes, what was spent is over everything ever."""
    history = history_of(*found)
    read = document(history)
    takes = [take for one in read["shots"] for take in one["takes"]]
    totals = read["totals"]
    assert totals["takes"] == len(takes) == 5
    by_status = {
        status: sum(take["status"] == status for take in takes) for status in ("succeeded", "failed")
    }
    assert {status: totals[status] for status in by_status} == by_status
    assert sum(totals[name] for name in ("succeeded", "failed", "pending", "unknown")) == 5
    for name in ("reserved_credits", "final_credits"):
        assert totals[name] == sum(take[name] or 0 for take in takes)
    assert totals["spent_credits"] == pytest.approx(sum(one.spent for one in history.attempts.values()))


def test_spent_credits_are_final_where_it_ended_and_reserved_where_it_runs() -> None:
    """The contract's example: a success, a failure that was charged, and a task that runs."""
    history = history_of(
        attempt(shot("a", "one"), 1, reserved_credits=10, final_credits=8),
        attempt(shot("gone"), 1, AttemptState.FAILED, reserved_credits=10, final_credits=3),
        attempt(shot("a", "one"), 2, AttemptState.RUNNING, reserved_credits=10, final_credits=0),
    )
    assert document(history)["totals"]["spent_credits"] == 21


def test_an_empty_storyboard_folder_has_a_whole_manifest() -> None:
    """Every take is planned, and says of which model."""
    read = document(History())
    assert read["version"] == 1
    expected = {"id": "board", "path": "specs/board.yaml", "sha256": BOARD.sha256}
    assert expected.items() <= read["storyboard"].items()
    assert [take["status"] for one in read["shots"] for take in one["takes"]] == ["planned"] * 5
    assert read["totals"]["pending"] == 5
    assert (read["shots"][1]["pick"], read["shots"][1]["scene"], read["shots"][1]["skipped"]) == (
        2,
        "s",
        False,
    )


def test_earlier_attempts_of_the_same_work_stand_in_the_take() -> None:
    """Failures of the same fingerprint are its attempts; those of an older prompt are history."""
    older = attempt(shot("a", "before"), 1, AttemptState.FAILED)
    failed = attempt(shot("a", "one"), 1, AttemptState.FAILED)
    made = attempt(shot("a", "one"), 1, number=2)
    read = document(history_of(older, failed, made))
    take = read["shots"][0]["takes"][0]
    assert (take["attempt"], [one["attempt"] for one in take["attempts"]]) == (2, [1])
    assert [(one["shot"], one["take"]) for one in read["history"]] == [("a", 1)]


def test_a_clip_that_serves_another_take_is_shown_there() -> None:
    """A renamed shot's manifest entry has the present take's number."""
    made = attempt(shot("old", "two"), 1)
    take = document(history_of(made))["shots"][1]["takes"][0]
    assert (take["client_request_id"], take["take"]) == (made.client_request_id, 1)


def test_uploads_are_remembered_whole() -> None:
    """Everything that a later run needs to use one again."""
    history = History([Entry(1, NOW, UPLOAD)])
    [upload] = document(history)["uploads"]
    assert (upload["file_id"], upload["duration_token"], upload["uploaded_at"]) == ("file_1", "tok", NOW)


def test_what_the_people_wrote_is_there_for_reports() -> None:
    """Labels come from the storyboard."""
    one = document(History())["shots"][1]
    assert (one["tags"], one["notes"]) == (["t"], "n")


@pytest.mark.parametrize(
    ("known", "told", "more"),
    [
        (None, AttemptState.SENT, True),
        (AttemptState.SENT, AttemptState.RUNNING, True),
        (AttemptState.SENT, AttemptState.UNKNOWN, True),
        (AttemptState.UNKNOWN, AttemptState.STORED, True),
        (AttemptState.RUNNING, AttemptState.STORED, True),
        (AttemptState.RUNNING, AttemptState.FAILED, False),  # for nothing, it says: the API is asked
        (AttemptState.WITHDRAWN, AttemptState.SENT, True),
        (AttemptState.REFUSED, AttemptState.RUNNING, True),
        (AttemptState.GIVEN_UP, AttemptState.STORED, True),
        (AttemptState.UNKNOWN, AttemptState.GIVEN_UP, True),
        (AttemptState.RUNNING, AttemptState.GIVEN_UP, False),
        (AttemptState.GIVEN_UP, AttemptState.UNKNOWN, False),
        (AttemptState.RUNNING, AttemptState.SENT, False),
        (AttemptState.SENT, AttemptState.REFUSED, False),
        (AttemptState.STORED, AttemptState.RUNNING, False),
        (AttemptState.STORED, AttemptState.STORED, False),
        (AttemptState.FAILED, AttemptState.STORED, False),
    ],
)
def test_only_news_are_taken_in(known: AttemptState | None, told: AttemptState, more: bool) -> None:
    """A manifest's word counts where it goes beyond the journal's; an older one takes nothing back."""
    asked = shot("a")
    one = replace(attempt(asked, 1, told), task_id=None)
    other = replace(attempt(asked, 1, known), task_id=None) if known is not None else None
    assert knows_more(one, other) is more


def test_a_sending_from_elsewhere_after_a_refusal_here_is_news() -> None:
    """The same key, sent by a colleague who got no answer: it may have been paid for."""
    refused = replace(attempt(shot("a"), 1, AttemptState.REFUSED), sent_at="2026-05-11T00:00:00.000Z")
    assert knows_more(replace(refused, state=AttemptState.SENT, sent_at="2026-05-11T01:00:00.000Z"), refused)
    assert not knows_more(replace(refused, state=AttemptState.SENT), refused)


def test_a_file_that_only_the_manifest_knows_is_news() -> None:
    """As where the journal's last line was cut off: what is there is not fetched again, nor forgotten."""
    stored = attempt(shot("a"), 1, AttemptState.STORED)
    finished = replace(stored, state=AttemptState.FINISHED, outputs=())
    assert stored.outputs
    assert knows_more(stored, finished)
    assert not knows_more(finished, stored)


def test_another_task_of_the_same_key_is_no_news() -> None:
    """The journal's task stays; two tasks of one key are not mixed up."""
    known = attempt(shot("a"), 1, AttemptState.RUNNING, task_id="task_1")
    assert not knows_more(replace(known, state=AttemptState.STORED, task_id="task_2"), known)


def test_a_given_up_outcome_stays_given_up_in_a_clone() -> None:
    """Also where the next attempt was never made."""
    given_up = attempt(shot("a", "one"), 1, AttemptState.GIVEN_UP, error=ApiError("no_answer", ""))
    history = folded(document(history_of(given_up)))
    assert history.attempts[given_up.client_request_id].state is AttemptState.GIVEN_UP


@pytest.mark.parametrize(
    "broken", [[], {}, {"shots": 5}, {"shots": [{"id": "a", "takes": [{"client_request_id": "k"}]}]}]
)
def test_what_is_no_manifest_is_refused(broken: Any) -> None:
    """It raises instead of being read as an empty one."""
    with pytest.raises((KeyError, TypeError, ValueError)):
        list(known_attempts(broken))


def test_it_is_text_that_git_can_compare() -> None:
    """One line a leaf, letters as they are, a line end at the end."""
    text = b"".join(text_of({"title": "Café", "shots": []})).decode()
    assert text == '{\n "title": "Café",\n "shots": []\n}\n'
