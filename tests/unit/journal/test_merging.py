"""Two manifests as one: whatever was paid for on either side is in it, once, and whoever reads it plans the same."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examples import NOW, attempt, board, history_of, planner, sha, shot, steps
from rivya_run.journal import merging
from rivya_run.journal.attempt import ApiError, Attempt, AttemptState
from rivya_run.journal.events import Entry, Uploaded
from rivya_run.journal.fingerprint import KEY_LIMIT
from rivya_run.journal.fold import History
from rivya_run.journal.judging import Nonsense
from rivya_run.journal.manifest import known_attempts, manifest
from rivya_run.journal.manifest_file import text_of
from rivya_run.journal.manifest_schema import manifest_schema
from rivya_run.journal.second_keys import second_key
from rivya_run.journal.settling import Contradiction, settled
from rivya_run.planning.matching import serving_of
from rivya_run.planning.plan import Action
from rivya_run.project.ledger import foreign_knowledge
from rivya_run.storyboard.model import Approved, Shot, Storyboard

MANY = settings(max_examples=40)
A, B, GONE = shot("a", "one", takes=2), shot("b", "two"), shot("gone", "gone")
BOARD = board(A, B)
SCHEMA = jsonschema.Draft7Validator(manifest_schema())


def document(*found: Attempt, storyboard: Storyboard = BOARD, at: str = NOW) -> dict[str, Any]:
    """The manifest that a run leaves which knows of these attempts."""
    return written(history_of(*found), storyboard, at)


def written(history: History, storyboard: Storyboard = BOARD, at: str = NOW) -> dict[str, Any]:
    """The manifest of a history, as any reader gets it."""
    serving = serving_of(planner(storyboard, history).plan(), history)
    made = manifest(storyboard, "board.yaml", serving, history, base_url="https://rivya.ai", updated_at=at)
    read: dict[str, Any] = json.loads(b"".join(text_of(made)))
    return read


@dataclass
class Found:
    """What a merge comes to, as any reader gets it."""

    document: dict[str, Any]
    conflicts: tuple[str, ...]


def merged(base: dict[str, Any] | None, ours: dict[str, Any], theirs: dict[str, Any]) -> Found:
    """Merge, write and read again."""
    found = merging.merged(base, ours, theirs)
    return Found(json.loads(b"".join(text_of(found.document))), found.conflicts)


def told(read: dict[str, Any]) -> dict[str, Attempt]:
    """The attempts of a manifest by their keys."""
    return {one.client_request_id: one for _, _, one in known_attempts(read)}


def tasks(read: dict[str, Any]) -> set[str]:
    """Every task of a manifest."""
    return {one.task_id for one in told(read).values() if one.task_id is not None}


def spent(read: dict[str, Any]) -> float:
    """What a manifest says was spent."""
    return float(read["totals"]["spent_credits"])


def taken_in(read: dict[str, Any], *known: Attempt) -> History:
    """What a folder knows whose journal has these attempts, after reading a manifest."""
    history = history_of(*known)
    for number, event in enumerate(foreign_knowledge(read, history), start=len(known) + 1):
        history.apply(Entry(number, NOW, event))
    return history


def planned(history: History, storyboard: Storyboard = BOARD) -> dict[str, Action]:
    """``shot/take`` -> what a run would do."""
    return {label: step.action for label, step in steps(planner(storyboard, history).plan()).items()}


def serving(read: dict[str, Any]) -> dict[str, str | None]:
    """``shot/take`` -> the task that stands for it."""
    return {f"{one['id']}/{take['take']}": take["task_id"] for one in read["shots"] for take in one["takes"]}


def second(one: Attempt, task: str, **changes: Any) -> Attempt:
    """What another person's create with the same key came to."""
    outputs = tuple(replace(output, sha256=sha(task)) for output in one.outputs)
    return replace(one, task_id=task, outputs=outputs, **changes)


# What was paid for on a branch


def test_what_each_branch_bought_is_there() -> None:
    """Takes of different shots, bought on two branches of one project: the plan of the merge creates nothing."""
    common, mine, yours = attempt(A, 1), attempt(A, 2), attempt(B)
    found = merged(document(common), document(common, mine), document(common, yours))
    assert found.conflicts == ()
    assert serving(found.document) == {"a/1": common.task_id, "a/2": mine.task_id, "b/1": yours.task_id}
    assert found.document["totals"]["spent_credits"] == 30
    assert set(planned(taken_in(found.document)).values()) == {Action.REUSE}


def test_without_a_common_ancestor_it_is_the_same() -> None:
    """Both branches added the manifest: the storyboard's first runs."""
    mine, yours = attempt(A, 1), attempt(B)
    found = merged(None, document(mine), document(yours)).document
    assert serving(found) == {"a/1": mine.task_id, "a/2": None, "b/1": yours.task_id}
    assert planned(taken_in(found))["a/2"] is Action.CREATE


def test_a_take_of_another_prompt_serves_where_the_branch_changed_it() -> None:
    """The other branch bought what it asks for now; the old take is in history, and free again if it is put back."""
    old, new = attempt(B), attempt(replace(B, prompt="new"))
    there = board(A, replace(B, prompt="new"))
    found = merged(document(old), document(old), document(old, new, storyboard=there)).document
    assert serving(found)["b/1"] == new.task_id
    assert [entry["task_id"] for entry in found["history"]] == [old.task_id]
    for storyboard in (BOARD, there):
        assert planned(taken_in(found), storyboard)["b/1"] is Action.REUSE


def test_of_two_new_prompts_the_one_of_the_merged_storyboard_is_made_of_what_was_paid() -> None:
    """Ours is shown; whichever of the three prompts the people settle on costs nothing."""
    prompts = [replace(B, prompt=text) for text in ("old", "ours", "theirs")]
    old, mine, yours = map(attempt, prompts)
    sides = [document(old, storyboard=board(A, prompts[0]))]
    sides += [
        document(old, one, storyboard=board(A, asked))
        for one, asked in zip((mine, yours), prompts[1:], strict=True)
    ]
    found = merged(*sides).document
    assert serving(found)["b/1"] == mine.task_id
    for asked in prompts:
        assert planned(taken_in(found), board(A, asked))["b/1"] is Action.REUSE


def test_a_renamed_shot_keeps_what_the_other_branch_bought_for_it() -> None:
    """The new name has the takes that were there; the one that was bought under the old name is free."""
    common, yours = attempt(A, 1), attempt(A, 2)
    renamed = replace(A, id="z")
    here = document(replace(common, shot="z"), storyboard=board(renamed, B))
    found = merged(document(common), here, document(common, yours)).document
    assert [one["id"] for one in found["shots"]] == ["z", "b"]
    assert serving(found)["z/1"] == common.task_id
    assert planned(taken_in(found), board(renamed, B))["z/2"] is Action.REUSE


# Two tasks under one key


def test_two_tasks_of_one_key_are_both_kept() -> None:
    """Two people ran the same storyboard, each from an account of their own: ours serves, theirs is in history with
    files of its own names, and is the next take that anyone asks for."""
    mine = attempt(B)
    found = merged(None, document(mine), document(second(mine, "task_b"))).document
    assert serving(found)["b/1"] == mine.task_id
    [entry] = found["history"]
    assert entry["task_id"] == "task_b"
    assert entry["outputs"][0]["path"] == mine.outputs[0].path.replace(".mp4", "_2.mp4")
    assert spent(found) == 20
    assert planned(taken_in(found), board(A, replace(B, takes=2)))["b/2"] is Action.REUSE


def test_the_person_whose_task_is_in_history_finds_both() -> None:
    """A folder whose journal has its own task under the key takes the other one in beside it, each with its own file,
    and forgets neither when it writes the manifest again."""
    mine = attempt(B)
    yours = second(mine, "task_b")
    found = merged(None, document(mine), document(yours)).document
    history = taken_in(found, yours)
    assert {one.task_id for one in history.attempts.values()} == {mine.task_id, "task_b"}
    assert len({one.outputs[0].path for one in history.attempts.values()}) == 2
    assert planned(history)["b/1"] is Action.REUSE
    again = written(history)
    assert tasks(again) == tasks(found)
    assert spent(again) == spent(found) == 20
    assert list(foreign_knowledge(again, history)) == []


def test_a_task_is_known_by_its_id_under_whatever_key() -> None:
    """Merging again, in either direction, adds nothing that is there already."""
    mine = attempt(B)
    yours = second(mine, "task_b")
    once = merged(None, document(mine), document(yours)).document
    for base, ours, theirs in (
        (document(yours), once, document(yours)),
        (document(yours), document(yours), once),
        (None, document(yours), once),
        (None, once, document(yours)),
    ):
        again = merged(base, ours, theirs)
        assert again.conflicts == ()
        assert tasks(again.document) == {mine.task_id, "task_b"}
        assert spent(again.document) == 20


def test_second_keys_are_keys() -> None:
    """Of any length, and the same for all who hear of the same two tasks."""
    long = f"{'s' * 64}.{'b' * 40}.t1.{'0' * 16}.a1"
    for key in ("board.a.t1.0123456789abcdef.a2", long):
        found = second_key(key, "task_b")
        assert found == second_key(key, "task_b") != second_key(key, "task_c")
        assert len(found) <= KEY_LIMIT
        assert found.endswith("." + ".".join(key.rsplit(".", 2)[1:]))


# Two records of one task


@pytest.mark.parametrize(
    ("less", "more"),
    [
        (AttemptState.SENT, AttemptState.UNKNOWN),
        (AttemptState.SENT, AttemptState.RUNNING),
        (AttemptState.UNKNOWN, AttemptState.STORED),
        (AttemptState.UNKNOWN, AttemptState.GIVEN_UP),
        (AttemptState.GIVEN_UP, AttemptState.STORED),
        (AttemptState.RUNNING, AttemptState.STORED),
        (AttemptState.TASK_MISSING, AttemptState.STORED),
    ],
)
def test_what_knows_more_counts(less: AttemptState, more: AttemptState) -> None:
    """Whichever side it is on, with or without a common ancestor."""
    one, other = attempt(B, state=less), attempt(B, state=more)
    for base in (None, document(one), document()):
        for sides in ((document(one), document(other)), (document(other), document(one))):
            found = merged(base, *sides)
            assert found.conflicts == ()
            assert [one.state for one in told(found.document).values()] == [more]


def test_a_task_that_failed_and_gave_its_credits_back_is_one_side_s_news() -> None:
    """Reserved, then free of charge: less was spent than the ancestor knows, and that is right."""
    running, failed = (
        attempt(B, state=AttemptState.RUNNING),
        attempt(B, state=AttemptState.FAILED, error=ApiError("x", "y")),
    )
    for sides in ((document(running), document(failed)), (document(failed), document(running))):
        found = merged(document(running), *sides).document
        assert spent(found) == 0
        assert next(iter(told(found).values())).state is AttemptState.FAILED


@pytest.mark.parametrize(
    "changes",
    [
        {"final_credits": 4},
        {"outputs": (replace(attempt(B).outputs[0], sha256=sha("else")),)},
        {"state": AttemptState.FAILED, "outputs": (), "error": ApiError("failed", "no")},
    ],
    ids=["cost", "content", "end"],
)
def test_contradicting_facts_of_one_task_are_a_conflict(changes: dict[str, Any]) -> None:
    """Ours stays, in words that name the task, and all else is merged."""
    mine, more = attempt(B), attempt(A, 2)
    yours = replace(mine, **changes)
    for base in (None, document(mine), document(attempt(B, state=AttemptState.RUNNING))):
        if base == document(mine) and "final_credits" not in changes:
            continue  # a change of one side alone
        found = merged(base, document(mine), document(yours, more))
        [words] = found.conflicts
        assert f"b/1, task {mine.task_id}" in words
        assert told(found.document)[mine.client_request_id] == told(document(mine))[mine.client_request_id]
        assert more.task_id in tasks(found.document)


def test_a_decision_takes_no_task_away() -> None:
    """Given up here, while the other side knows of a task that the API no longer finds: its id is kept."""
    here = attempt(B, state=AttemptState.GIVEN_UP)
    there = attempt(B, state=AttemptState.TASK_MISSING, reserved_credits=None)
    found = merged(None, document(here), document(there)).document
    [one] = told(found).values()
    assert (one.state, one.task_id) == (AttemptState.GIVEN_UP, there.task_id)


def test_one_task_for_two_takes_is_a_conflict() -> None:
    """Two people adopted it, on two branches, each for another take."""
    mine = attempt(B)
    for yours in (attempt(A, task_id=mine.task_id), attempt(B, 2, task_id=mine.task_id)):
        found = merged(None, document(mine), document(yours))
        [words] = found.conflicts
        assert f"task {mine.task_id}: ours has it as {mine.client_request_id}" in words
        assert told(found.document) == told(document(mine))
    with pytest.raises(Contradiction, match="made from something else"):
        settled(None, mine, replace(mine, fingerprint=sha("else")))


# What isn't an attempt


def test_members_of_shots_and_of_a_newer_program_are_merged_three_ways() -> None:
    """What one side changed counts, where both did ours; nothing that is not understood is lost."""
    base = document(attempt(B))
    ours, theirs = copy.deepcopy(base), copy.deepcopy(base)
    ours["shots"][1]["pick"], theirs["shots"][1]["notes"] = 1, "theirs"
    ours["shots"][0]["notes"], theirs["shots"][0]["notes"] = "ours", "theirs"
    for place, one in enumerate((ours, theirs)):
        one["newer"] = {"x": place}
        one[f"newer_{place}"] = place
        one["storyboard"][f"newer_{place}"] = place
        one["shots"][1]["takes"][0][f"newer_{place}"] = place
    found = merged(base, ours, theirs).document
    assert [found["shots"][1][name] for name in ("pick", "notes")] == [1, "theirs"]
    assert found["shots"][0]["notes"] == "ours"
    assert (found["newer"], found["newer_0"], found["newer_1"]) == ({"x": 0}, 0, 1)
    for holder in (found["storyboard"], found["shots"][1]["takes"][0]):
        assert (holder["newer_0"], holder["newer_1"]) == (0, 1)


def test_shots_are_added_and_removed_by_either_side() -> None:
    """In the order that both had in mind; what was removed is in history."""
    made = attempt(B)
    base = document(made)
    ours = document(made, storyboard=board(shot("first"), A, B))
    theirs = document(made, storyboard=board(A, shot("after"), shot("last")))
    found = merged(base, ours, theirs).document
    assert [one["id"] for one in found["shots"]] == ["first", "a", "after", "last"]
    assert [entry["shot"] for entry in found["history"]] == ["b"]


def test_what_is_approved_is_merged_like_all_else() -> None:
    """The other takes stay under the shot, one file that two shots share is paid once, and the approval is kept."""
    one, two = attempt(A, 1), attempt(A, 2)
    digits = one.outputs[0].sha256[:8]
    settled_shots = board(replace(A, approved=Approved(1, digits)), replace(B, approved=Approved(1, digits)))
    sides = document(one, two), document(one, two, storyboard=settled_shots)
    for base in (None, sides[0], sides[1]):
        assert merged(base, sides[1], sides[1]).document == sides[1]
    found = merged(sides[0], *sides).document
    assert found["shots"] == sides[1]["shots"]
    assert spent(found) == 20


def test_uploads_are_those_of_both_each_as_it_was_sent_last() -> None:
    """A file that both sent has the URL of the later sending."""
    histories = []
    for name, at in (("1", NOW), ("2", "2026-05-12T00:00:00.000Z")):
        history = history_of(attempt(B))
        for content in ("both", name):
            upload: dict[str, Any] = {
                "sha256": sha(content),
                "kind": "image",
                "model": "m",
                "path": "a.png",
                "mime_type": None,
            }
            history.apply(Entry(9, NOW, Uploaded(**upload, bytes=1, url=f"https://u/{name}", uploaded_at=at)))
        histories.append(history)
    found = merged(None, *map(written, histories)).document
    urls = {one["sha256"]: one["url"] for one in found["uploads"]}
    assert urls == {sha("both"): "https://u/2", sha("1"): "https://u/1", sha("2"): "https://u/2"}


def test_it_is_as_new_as_the_newer() -> None:
    """No clock is asked, so that a merge of the same is the same."""
    later = "2026-05-12T00:00:00.000Z"
    sides = document(attempt(B)), document(attempt(B), attempt(A), at=later)
    assert merged(None, *sides).document["updated_at"] == later
    assert merged(None, *reversed(sides)).document["updated_at"] == later


def test_what_was_made_elsewhere_is_refused() -> None:
    """Tasks of another origin don't exist at this one."""
    theirs = {**document(attempt(B)), "base_url": "https://elsewhere"}
    with pytest.raises(Nonsense, match=r"made with https://rivya\.ai, theirs with https://elsewhere"):
        merged(None, document(attempt(A)), theirs)


# Rules over random histories


WORK = [(A, 1, 1), (A, 1, 2), (A, 2, 1), (B, 1, 1), (replace(B, prompt="new"), 1, 1), (GONE, 1, 1)]
STATES = [state for state in AttemptState if state not in (AttemptState.WITHDRAWN, AttemptState.FINISHED)]
FAILURES = {AttemptState.FAILED, AttemptState.REFUSED}
Known: TypeAlias = tuple[Attempt, ...]


@st.composite
def records(draw: st.DrawFn, asked: Shot, take: int, number: int) -> Attempt:
    """One attempt in any state: of one of two tasks, where it has any, at one of several prices."""
    made = attempt(asked, take, draw(st.sampled_from(STATES)), number=number)
    changes: dict[str, Any] = {"sent_at": draw(st.sampled_from([NOW, "2026-05-11T00:00:09.000Z"]))}
    if number > 1:
        changes["outputs"] = tuple(replace(one, path=f"{one.path[:-4]}_{number}.mp4") for one in made.outputs)
    if made.state in FAILURES:
        changes["error"] = ApiError("failed", "no")
    if made.task_id is not None:
        changes["task_id"] = made.task_id + draw(st.sampled_from(["", "_x"]))
        changes["reserved_credits"] = draw(st.sampled_from([None, 10, 12]))
        changes["final_credits"] = draw(st.sampled_from([None, 0, 10]))
    return replace(made, **changes)


@st.composite
def histories(draw: st.DrawFn) -> tuple[Known | None, Known, Known]:
    """What an ancestor and two sides know: the same attempts, or others at the same work."""

    def side(before: Mapping[str, Attempt]) -> Known:
        found = []
        for asked, take, number in WORK:
            key = attempt(asked, take, number=number).client_request_id
            ways = ["none", "none", "new", *(["as before", "as before"] if key in before else [])]
            way = draw(st.sampled_from(ways))
            if way != "none":
                found.append(before[key] if way == "as before" else draw(records(asked, take, number)))
        return tuple(found)

    base = side({})
    known = {one.client_request_id: one for one in base}
    return draw(st.sampled_from([base, None])), side(known), side(known)


@MANY
@given(histories())
def test_nothing_that_was_paid_for_is_lost(
    found: tuple[Known | None, Known, Known],
) -> None:
    """Every task of any side is in the result once, with files of its own; judge and schema pass; sums are right."""
    base, ours, theirs = (document(*one) if one is not None else None for one in found)
    assert ours is not None and theirs is not None
    result = merged(base, ours, theirs).document
    SCHEMA.validate(result)
    everything = tasks(ours) | tasks(theirs) | (tasks(base) if base else set())
    assert tasks(result) == everything
    assert told(result).keys() >= told(ours).keys() | told(theirs).keys() - _paired(ours, theirs)
    assert spent(result) == pytest.approx(sum(one.spent for one in told(result).values()))
    paths = [path for one in told(result).values() for path in {file.path for file in one.outputs}]
    assert len(paths) == len(set(paths))


def _paired(ours: dict[str, Any], theirs: dict[str, Any]) -> set[str]:
    """Keys of theirs whose task ours has under another."""
    mine = {one.task_id: key for key, one in told(ours).items() if one.task_id}
    return {key for key, one in told(theirs).items() if mine.get(one.task_id or "", key) != key}


@MANY
@given(histories())
def test_a_merge_with_what_is_known_changes_nothing(
    found: tuple[Known | None, Known, Known],
) -> None:
    """With itself, with the ancestor, and with the result of the same merge."""
    base, ours, theirs = (document(*one) if one is not None else None for one in found)
    assert ours is not None and theirs is not None
    assert merged(None, ours, ours).document == merged(ours, ours, ours).document == ours
    result = merged(base, ours, theirs)
    again = merged(ours, result.document, ours)
    assert again.document == result.document
    once_more = merged(theirs, result.document, theirs)
    assert tasks(once_more.document) == tasks(result.document)


@MANY
@given(histories())
def test_the_sides_may_be_exchanged(
    found: tuple[Known | None, Known, Known],
) -> None:
    """But for who serves and whose facts stay in a conflict: the same tasks, conflicts and, without one, credits."""
    base, ours, theirs = (document(*one) if one is not None else None for one in found)
    assert ours is not None and theirs is not None
    one, other = merged(base, ours, theirs), merged(base, theirs, ours)
    assert tasks(one.document) == tasks(other.document)
    assert len(one.conflicts) == len(other.conflicts)
    if not one.conflicts:
        assert spent(one.document) == pytest.approx(spent(other.document))


@MANY
@given(histories())
def test_all_who_read_it_know_of_every_task(
    found: tuple[Known | None, Known, Known],
) -> None:
    """A fresh clone and both folders, each with its journal: none makes a take that another has paid for."""
    base, ours, theirs = (document(*one) if one is not None else None for one in found)
    assert ours is not None and theirs is not None
    result = merged(base, ours, theirs)
    if result.conflicts:
        return
    there = {
        one.task_id
        for one in told(result.document).values()
        if one.task_id is not None and one.state not in (AttemptState.TASK_MISSING, AttemptState.GIVEN_UP)
    }
    clone = taken_in(result.document)
    ready = {label for label, action in planned(clone).items() if action is Action.REUSE}
    for side in found[1:]:
        assert side is not None
        known = [one for one in side if one.state is not AttemptState.WITHDRAWN]
        history = taken_in(result.document, *known)
        assert {one.task_id for one in history.attempts.values()} >= there
        creating = {
            label for label, action in planned(history).items() if action in (Action.CREATE, Action.RETRY)
        }
        assert not creating & ready
