"""The manifest's judge: of one mind with the published schema, and never against what a run writes."""

from __future__ import annotations

import copy
import json
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attempts_strategy import attempts
from examples import NOW, attempt, board, history_of, planner, shot
from nonsense import TOGETHER, WRONG, WRONG_PAST, changed
from rivya_run.journal import manifest_form
from rivya_run.journal.attempt import Attempt, AttemptState
from rivya_run.journal.events import Entry, Observed, TakenIn, Uploaded
from rivya_run.journal.fold import History
from rivya_run.journal.judging import Judge, Nonsense, formed, judge_meaning, salvaged
from rivya_run.journal.manifest import known_attempts, manifest
from rivya_run.journal.manifest_file import text_of
from rivya_run.journal.manifest_schema import manifest_schema
from rivya_run.journal.take_entry import entry_of_attempt
from rivya_run.planning.matching import serving_of

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
SCHEMA: Any = manifest_schema()
BOARD = board(
    shot("a", "one", takes=2), shot("b", "two", takes=3, scene="s", tags=("t",), notes="n", title="T")
)
HISTORIES = st.lists(attempts(), max_size=6, unique_by=lambda one: one.client_request_id).map(tuple)


def document(*found: Attempt) -> dict[str, Any]:
    """The manifest of a board with these attempts, as any reader gets it."""
    history = history_of(*found)
    history.apply(Entry(99, NOW, UPLOAD))
    serving = serving_of(planner(BOARD, history).plan(), history)
    made = manifest(BOARD, "b.yaml", serving, history, base_url="https://rivya.ai", updated_at=NOW)
    read: dict[str, Any] = json.loads(b"".join(text_of(made)))
    return read


@settings(max_examples=60)
@given(HISTORIES)
def test_what_a_run_writes_is_never_refused(found: tuple[Attempt, ...]) -> None:
    """Whatever happened; and no word of it is unknown."""
    judge = Judge()
    list(known_attempts(document(*found), judge))
    assert judge.unknown == {}


def _readable(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema, asking only for what a reader needs."""
    schema = copy.deepcopy(schema)
    schema["required"] = ["shots"]
    for name, definition in schema["definitions"].items():
        form = getattr(manifest_form, name)
        if "required" in definition:
            definition["required"] = [one.name for one in msgspec.structs.fields(form) if one.required]
    return schema


GOOD = document(
    attempt(shot("a", "one")), attempt(shot("a", "one"), 2, AttemptState.RUNNING), attempt(shot("gone"))
)
VALIDATOR = jsonschema.Draft7Validator(_readable(SCHEMA))


@pytest.mark.parametrize(("path", "value"), [one for one in WRONG + WRONG_PAST if one[1] != "a/x.mp4\n"])
def test_the_schema_alone_calls_it_wrong(path: Any, value: Any) -> None:
    """What is wrong by itself is so for every tool that reads the published schema."""
    wrong = json.loads(json.dumps(changed(GOOD, path, value)))
    if path != ("shots", 0, "takes", 0, "outputs", 0, "path") or isinstance(value, str):
        assert not VALIDATOR.is_valid(wrong)
    with pytest.raises(Nonsense):
        list(known_attempts(wrong))


VALUES = st.none() | st.booleans() | st.integers(-3, 200) | st.floats(allow_nan=False, allow_infinity=False)
ANY = st.recursive(
    VALUES | st.text(max_size=3) | st.sampled_from(["failed", NOW, "0" * 64, "a/x.mp4", "https://a/b", "a"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["take", "status", "path"]), inner)
    ),
    max_leaves=4,
)
NAMES = sorted({name for one in SCHEMA["definitions"].values() for name in one.get("properties", ())})


@settings(max_examples=300)
@given(st.sampled_from(["shot", "past", "upload"]), st.data())
def test_judge_and_schema_are_of_one_mind(kind: str, data: st.DataObject) -> None:
    """What the schema calls wrong is refused; what it doesn't is refused for its sense alone."""
    place = {"shot": "shots", "past": "history", "upload": "uploads"}[kind]
    good = copy.deepcopy(GOOD)
    at = good[place][0]
    if kind == "shot" and data.draw(st.booleans()):
        at = at["takes"][0]
        at = at["outputs"][0] if data.draw(st.booleans()) else at
    at[data.draw(st.sampled_from(sorted(at)))] = data.draw(ANY)
    try:
        list(known_attempts(good))
    except Nonsense:
        return
    assert [error.message for error in VALIDATOR.iter_errors(good) if not _is_whole(error)] == []


def _is_whole(error: jsonschema.ValidationError) -> bool:
    """A list that isn't there says nothing, and null is as good."""
    return error.validator == "required"


@pytest.mark.parametrize("name", sorted({*TOGETHER} - {"a take twice"}))
def test_the_place_of_what_can_not_be_together_is_told(name: str) -> None:
    """A path from the top, as in a programming language."""
    two = document(attempt(shot("a", "one")), attempt(shot("b", "two")), attempt(shot("a", "one"), 2))
    place, change = TOGETHER[name]
    with pytest.raises(Nonsense) as caught:
        list(known_attempts(change(two)))
    assert caught.value.place.startswith(place)
    assert str(caught.value).startswith(f"{caught.value.place}: ")


def test_an_upload_is_judged_by_itself() -> None:
    """As the fold does with those of a journal."""
    [upload] = document()["uploads"]
    formed(upload, manifest_form.Upload)
    with pytest.raises(Nonsense, match="bytes"):
        formed(upload | {"bytes": "x"}, manifest_form.Upload)


def test_an_attempt_that_makes_no_sense_keeps_its_key_and_task() -> None:
    """Its task is asked for again; without a task nobody knows; without a key there is nothing."""
    entry = entry_of_attempt(attempt(shot("a")))
    wrong = entry | {"outputs": [{"path": "../x"}], "final_credits": -5}
    history = History([Entry(7, NOW, TakenIn(key=str(entry["client_request_id"]), shot="a", entry=wrong))])
    [found] = history.attempts.values()
    assert (found.state, found.task_id, found.outputs, found.final_credits) == (
        AttemptState.RUNNING,
        entry["task_id"],
        (),
        None,
    )
    assert history.passed_over[found.client_request_id][0] == 7
    history.apply(Entry(8, NOW, TakenIn(key=found.client_request_id, shot="a", entry=entry)))
    assert history.passed_over == {}
    assert history.attempts[found.client_request_id].state is AttemptState.STORED
    lost = salvaged(wrong | {"task_id": [1]}, "a")
    assert lost is not None
    assert lost.status == "unknown"
    judge_meaning(lost)
    assert salvaged(wrong | {"client_request_id": ""}, "a") is None
    assert salvaged(wrong | {"status": "failed"}, "a") is None
    assert salvaged(wrong, "../a") is None
    assert salvaged([], "a") is None


def test_nonsense_from_a_manifest_takes_nothing_from_what_is_known() -> None:
    """What the journal has of an attempt stays; the line and the reason are told until the API is heard again."""
    made = attempt(shot("a"))
    key, entry = made.client_request_id, entry_of_attempt(made)
    wrong = entry | {"final_credits": -5}
    history = History([Entry(1, NOW, TakenIn(key=key, shot="a", entry=entry))])
    known = history.attempts[key]
    history.apply(Entry(2, NOW, TakenIn(key=key, shot="a", entry=wrong)))
    assert history.attempts == {key: known}
    number, reason = history.passed_over[key]
    assert number == 2 and "final_credits" in reason
    history.apply(Entry(3, NOW, Observed(key=key, status="succeeded")))
    assert history.passed_over == {}


def test_nonsense_without_a_key_leaves_nothing_but_a_note() -> None:
    """There is nothing to ask for."""
    history = History([Entry(1, NOW, TakenIn(key="k", shot="a", entry=[]))])
    assert history.attempts == {} and history.passed_over["k"][0] == 1
