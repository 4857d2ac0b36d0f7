"""Which take a shot is made from, and what its fingerprint is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examples import (
    attempt,
    board,
    child,
    digest_of,
    file_facts,
    from_file,
    from_shot,
    planned,
    planner,
    shot,
)
from rivya_run.journal.attempt import Attempt, AttemptState
from rivya_run.journal.fingerprint import file_identity, fingerprint
from rivya_run.planning.lineage import parents_of
from rivya_run.planning.plan import Action, Parent
from rivya_run.storyboard.model import Shot, UrlReference

FEW = settings(max_examples=40)


def content(made: Attempt) -> str:
    """sha256 of an attempt's output."""
    return made.outputs[0].sha256


def made_from(asked: Shot, parent: Attempt, take: int = 1, **changes: object) -> Attempt:
    """A child's attempt, made from what this attempt stored."""
    return attempt(
        asked,
        take,
        digest=digest_of(asked, content(parent)),
        parents=((parent.shot, parent.take, content(parent)),),
        **changes,  # type: ignore[arg-type]
    )


@st.composite
def trees(draw: st.DrawFn) -> list[Shot]:
    """Shots in any order, each made from some of those before it."""
    names = [f"s{n}" for n in range(draw(st.integers(1, 8)))]
    shots = [
        child(name, *draw(st.lists(st.sampled_from(names[:place]), max_size=2)) if place else ())
        for place, name in enumerate(names)
    ]
    return draw(st.permutations(shots))


@FEW
@given(trees())
def test_levels_hold_every_shot_after_its_parents(shots: list[Shot]) -> None:
    """Each shot stands in one level, all its parents in earlier ones, levels in storyboard order."""
    levels = planner(board(*shots)).lineage.levels()
    level_of = {one.id: number for number, level in enumerate(levels) for one in level}
    assert sorted(level_of) == sorted(one.id for one in shots)
    assert all(level_of[parent] < level_of[one.id] for one in shots for parent in parents_of(one))
    for level in levels:
        assert level == [one for one in shots if one in level]


def test_a_child_has_no_fingerprint_before_its_parent_exists() -> None:
    """It is planned with its need, without fingerprint and key."""
    step = planned(board(shot("key"), child("sh", "key")))["sh/1"]
    assert (step.action, step.fingerprint, step.request_key) == (Action.CREATE, None, None)
    assert [parent.label for parent in step.needs] == ["key/1"]


def test_a_child_s_fingerprint_is_that_of_its_parent_s_content() -> None:
    """sha256 of the parent's file with the frame asked for, like a file reference where no frame is."""
    key = attempt(shot("key"))
    plain, last = child("plain", "key"), child("last", from_shot("key", frame="last"), prompt="plain")
    steps = planned(board(shot("key"), plain, last), key)
    assert steps["plain/1"].fingerprint == fingerprint(
        plain.model, "plain", {}, {}, [file_identity(content(key))]
    )
    assert steps["last/1"].fingerprint != steps["plain/1"].fingerprint
    assert steps["plain/1"].needs == (Parent("key", 1, content(key)),)


@pytest.mark.parametrize(
    ("stored", "pick", "take", "expected"),
    [
        ([1, 2, 3], None, None, 1),
        ([2, 3], None, None, 2),
        ([1, 2, 3], 3, None, 3),
        ([1, 2, 3], 3, 2, 2),
        ([1], 2, None, 2),
    ],
)
def test_take_before_pick_before_the_lowest_that_is_there(
    stored: list[int], pick: int | None, take: int | None, expected: int
) -> None:
    """The reference's own ``take``, else the parent's ``pick``, else the lowest-numbered that succeeded."""
    key = shot("key", takes=3, pick=pick)
    steps = planned(board(key, child("sh", from_shot("key", take=take))), *[attempt(key, n) for n in stored])
    assert [parent.take for parent in steps["sh/1"].needs] == [expected]


def test_a_child_keeps_the_take_it_was_made_from() -> None:
    """A lower take that succeeds later doesn't make it anew; a pick that says otherwise does."""
    key, sh = shot("key", takes=2), child("sh", "key")
    first, second = attempt(key, 1), attempt(key, 2)
    child_of_second = made_from(sh, second)
    assert planned(board(key, sh), first, second, child_of_second)["sh/1"].action is Action.REUSE
    picked = shot("key", takes=2, pick=1)
    assert planned(board(picked, sh), first, second, child_of_second)["sh/1"].action is Action.CREATE


def test_the_newest_of_its_own_says_what_a_child_was_made_from() -> None:
    """After a pick was written and taken away again, the child stays with the picked take."""
    key, sh = shot("key", takes=2), child("sh", "key")
    first, second = attempt(key, 1), attempt(key, 2)
    older = [made_from(sh, first, take, sent_at="2026-05-11T00:00:01.000Z") for take in (1, 2)]
    newer = made_from(sh, second, sent_at="2026-05-12T00:00:01.000Z")
    step = planned(board(key, sh), first, second, *older, newer)["sh/1"]
    assert (step.attempt_key, step.needs[0].take) == (newer.client_request_id, 2)


def test_a_renamed_parent_makes_no_child_anew() -> None:
    """Content counts, not the parent's name."""
    key = attempt(shot("key"))
    sh = child("sh", "key")
    renamed, again = shot("poster", "key"), child("sh", "poster")
    steps = planned(board(renamed, again), key, made_from(sh, key))
    assert (steps["poster/1"].action, steps["sh/1"].action) == (Action.REUSE, Action.REUSE)


def test_a_child_waits_only_for_the_take_it_needs() -> None:
    """A parent's take that is there is enough, though another one is still to be made."""
    key = shot("key", takes=2)
    step = planned(board(key, child("sh", "key")), attempt(key, 2))["sh/1"]
    assert step.fingerprint is not None
    assert step.needs[0].take == 2


def test_the_reason_of_a_waiting_child_names_its_parent() -> None:
    """Made anew, or only not finished yet."""
    sh = child("sh", "key")
    old = made_from(sh, attempt(shot("key")))
    anew = planned(board(shot("key", "changed"), sh), attempt(shot("key")), old)["sh/1"]
    assert (anew.action, anew.reason) == (Action.CREATE, "parent key will be made again")
    running = planned(board(shot("key"), sh), attempt(shot("key"), 1, AttemptState.RUNNING), old)["sh/1"]
    assert running.reason == "parent key is not finished yet"


@pytest.mark.parametrize(
    ("state", "skip"),
    [(AttemptState.UNKNOWN, False), (AttemptState.FAILED, True), (AttemptState.FAILED, False)],
)
def test_a_child_of_a_parent_that_won_t_come_is_not_made(state: AttemptState, skip: bool) -> None:
    """It is skipped, nothing is spent, and the reason says which parent and why."""
    key = shot("key", skip=skip)
    charged = attempt(key, 1, state, final_credits=10)
    step = planned(board(key, child("sh", "key")), charged)["sh/1"]
    assert (step.action, step.credits, step.wanted) == (Action.SKIP, 0, True)
    assert step.reason.startswith("parent key/1: ")


def test_a_skipped_parent_that_is_there_can_be_used() -> None:
    """What a skipped shot has stays its own and serves its children."""
    key = shot("key", skip=True)
    step = planned(board(key, child("sh", "key")), attempt(key))["sh/1"]
    assert (step.action, step.needs[0].sha256) == (Action.CREATE, content(attempt(key)))


def test_references_count_in_their_order() -> None:
    """Files, URLs and shots make up the fingerprint one after the other."""
    facts = {"a.png": file_facts("a"), "b.png": file_facts("b")}
    url = UrlReference("https://a/b", "image", 1, 1, "")
    one = shot("one", "p", references=(from_file("a.png"), url, from_file("b.png")))
    other = shot("other", "p", references=(from_file("b.png"), url, from_file("a.png")))
    lineage = planner(board(one, other), facts=facts).lineage
    assert lineage.fingerprint(one) != lineage.fingerprint(other)


def test_the_path_of_a_reference_does_not_count() -> None:
    """A moved or copied reference file is the same reference."""
    facts = {"a.png": file_facts("same"), "refs/copy.png": file_facts("same")}
    one, other = (shot("s", references=(from_file(path),)) for path in facts)
    lineage = planner(board(one), facts=facts).lineage
    assert lineage.fingerprint(one) == lineage.fingerprint(other)


@FEW
@given(st.lists(st.sampled_from("abc"), unique=True, max_size=3))
def test_labels_do_not_count(tags: list[str]) -> None:
    """Id, title, notes, scene, tags, takes, pick and place in the file leave the fingerprint as it is."""
    plain = shot("a", "p")
    labelled = shot(
        "b", "p", title="T", notes="N", scene="s", tags=tuple(tags), takes=5, pick=2, skip=True, line=9
    )
    assert digest_of(plain) == digest_of(labelled)


def test_a_parent_whose_file_is_missing_still_tells_its_content() -> None:
    """A clip that is to be fetched again makes no child anew."""
    key, sh = attempt(shot("key")), child("sh", "key")
    bad = {key.outputs[0].path: "is missing"}
    steps = planned(board(shot("key"), sh), key, made_from(sh, key), bad_files=bad)
    assert (steps["key/1"].action, steps["sh/1"].action) == (Action.DOWNLOAD, Action.REUSE)


def test_a_child_of_two_parents_waits_for_both() -> None:
    """Its needs name each of them, with the content of what is there already."""
    key = attempt(shot("key"))
    step = planned(board(shot("key"), shot("other"), child("sh", "key", "other")), key)["sh/1"]
    assert step.fingerprint is None
    assert step.needs == (Parent("key", 1, content(key)), Parent("other", 1))


def test_equal_clips_of_two_takes_are_one_content() -> None:
    """A child that was made from either is up to date."""
    key, sh = shot("key", takes=2), child("sh", "key")
    first, second = attempt(key, 1), attempt(key, 2)
    twin = attempt(key, 2, outputs=first.outputs)
    assert content(first) != content(second)
    assert content(twin) == content(first)
    assert planned(board(key, sh), first, twin, made_from(sh, first))["sh/1"].action is Action.REUSE


def test_other_bytes_of_the_same_parent_make_no_child_anew() -> None:
    """The API served others when the parent was fetched again: what came first counts, for old and new children."""
    key, sh = attempt(shot("key")), child("sh", "key")
    again = replace(key, outputs=(replace(key.outputs[0], sha256="e" * 64, first_sha256=content(key)),))
    steps = planned(board(shot("key"), sh, child("new", "key")), again, made_from(sh, key))
    assert steps["sh/1"].action is Action.REUSE
    assert steps["new/1"].needs == (Parent("key", 1, content(key)),)
