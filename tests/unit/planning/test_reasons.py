"""Why a take will be made, in words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples import (
    attempt,
    child,
    digest_of,
    file_facts,
    from_file,
    from_shot,
    history_of,
    sha,
    shot,
)
from rivya_run.journal.attempt import Attempt, AttemptState
from rivya_run.journal.fingerprint import request_body
from rivya_run.journal.fold import History
from rivya_run.journal.manifest_form import Upload
from rivya_run.planning.plan import Parent
from rivya_run.planning.reasons import LONGEST_CHANGE, changed_words, why_new
from rivya_run.storyboard.model import Shot, UrlReference

PROMPTS = st.lists(
    st.sampled_from(["a", "slow", "push-in", "push", "on", "é", "\u202e", "-"]), max_size=8
).map(" ".join) | st.text(max_size=80)


def why(now: Shot, *before: Attempt, take: int = 1, parents: tuple[Parent, ...] = ()) -> str:
    """The reason for a take of this shot after these attempts."""
    return why_new(now, take, parents, before, (), {})


def uploaded(history: History, url: str, path: str, content: str) -> None:
    """Let a history know an upload."""
    upload = Upload(sha256=sha(content), path=path, kind="image", model="m", bytes=1, url=url)
    history.uploads[upload.sha256, "image", "m"] = upload


def sent(asked: Shot, *items: dict[str, Any], **changes: Any) -> Attempt:
    """An attempt whose body holds these reference items."""
    made = attempt(asked, digest="0" * 64, **changes)
    return replace(
        made, body=request_body(asked.model, asked.prompt, asked.params, items, made.client_request_id)
    )


@pytest.mark.parametrize(
    ("before", "now", "reason"),
    [
        ("A cup", "A red cup", "prompt changed: 'red' added"),
        ("A red cup", "A cup", "prompt changed: 'red' removed"),
        ("A red cup", "A blue cup", "prompt changed: 'red' -> 'blue'"),
        ("A red cup", "A blue mug", "prompt changed: 'red cup' -> 'blue mug'"),
        ("A  cup", "A cup", "prompt changed: 'spaces' -> 'spaces'"),
        ("", "A cup", "prompt changed: 'A cup' added"),
    ],
)
def test_changed_words_are_named(before: str, now: str, reason: str) -> None:
    """Only the stretch that differs, as added, removed or replaced."""
    assert why(shot("a", now), attempt(shot("a", before))) == reason


@given(PROMPTS, PROMPTS)
def test_any_two_prompts_have_a_short_reason(before: str, now: str) -> None:
    """Whatever was written before and now, the change is told in few characters, and is told at all."""
    old, new = changed_words(before, now)
    assert max(len(old), len(new)) <= LONGEST_CHANGE
    reason = why(shot("a", now), attempt(shot("a", before)))
    assert reason.startswith("prompt changed: ") == (before != now)


WORDS = st.lists(st.sampled_from("abc"), max_size=LONGEST_CHANGE // 2)


@given(WORDS, WORDS)
def test_the_stretch_is_all_that_differs(before: list[str], now: list[str]) -> None:
    """Somewhere the old words stand in the old prompt, and with the new ones there it is the new prompt."""
    if before == now:
        return
    old, new = (stretch.split() for stretch in changed_words(" ".join(before), " ".join(now)))
    assert any(
        before[at : at + len(old)] == old and [*before[:at], *new, *before[at + len(old) :]] == now
        for at in range(len(before) + 1)
    )


def test_params_and_model_are_told_with_old_and_new_value() -> None:
    """All differences, one after the other."""
    before = attempt(shot("a", params={"seed": "7"}))
    now = shot("a", params={"duration": 10, "mode": "fun"}, model="other")
    assert why(now, before) == (
        "model grok-imagine-video -> other; mode normal -> fun; duration 6 -> 10; seed 7 -> (none)"
    )


def test_new_things_are_called_new() -> None:
    """A shot that never was, a further take, a take that was left out when its sibling was made."""
    assert why(shot("a")) == "new shot"
    assert why(shot("a"), attempt(shot("a")), take=2) == "new take"
    assert why(shot("a"), attempt(shot("a"), 2), take=1) == "new take"


def test_an_intent_that_never_arrived_is_no_earlier_version() -> None:
    """After an interrupt before the create was sent, the shot is as new as before."""
    unsent = attempt(shot("a"), 1, AttemptState.WITHDRAWN)
    assert why(shot("a"), unsent) == "new shot"
    changed = shot("a", "b")
    assert why(changed, attempt(shot("a")), attempt(changed, 1, AttemptState.WITHDRAWN)) == (
        "prompt changed: 'a' -> 'b'"
    )


def test_the_number_of_references_is_told() -> None:
    """Added and removed references."""
    assert why(shot("a", references=(from_file("a.png"),)), attempt(shot("a"))) == "references 0 -> 1"


@pytest.mark.parametrize(
    ("path", "content", "reason"),
    [
        ("refs/a.png", "new", "reference refs/a.png has new content"),
        ("refs/b.png", "new", "reference refs/a.png -> refs/b.png"),
        ("refs/b.png", "old", "prompt changed: 'a' -> 'b'"),
    ],
)
def test_file_references_are_compared_by_content(path: str, content: str, reason: str) -> None:
    """New content, another file; a file that only moved is no change."""
    before = sent(shot("a", "a"), {"url": "https://u/1"})
    history = history_of(before)
    uploaded(history, "https://u/1", "refs/a.png", "old")
    now = shot("a", "a" if content == "new" else "b", references=(from_file(path),))
    assert why_new(now, 1, (), [before], history.uploads.values(), {path: file_facts(content)}) == reason


def test_another_url_is_told() -> None:
    """The URL that is asked for now; with an ``id`` it may change in silence."""
    before = sent(shot("a"), {"url": "https://u/1", "kind": "image"})
    url = UrlReference("https://u/2", "image", 1, 1, "")
    assert why(shot("a", references=(url,)), before) == "reference -> https://u/2"
    named = replace(url, id="hero")
    assert why(shot("a", "b", references=(named,)), before) == "prompt changed: 'a' -> 'b'"


def test_a_parent_is_only_blamed_when_its_content_changed() -> None:
    """A child whose own prompt changed isn't said to have a changed parent."""
    asked = child("sh", "key")
    before = sent(asked, {"url": "https://u/1"}, parents=(("key", 1, sha("old")),))
    old, new = (Parent("key", 1, sha(content)) for content in ("old", "new"))
    changed = child("sh", "key", prompt="changed")
    assert why(changed, before, parents=(old,)) == "prompt changed: 'sh' -> 'changed'"
    assert why(asked, before, parents=(new,)) == "parent key changed"
    assert why(child("sh", "poster"), before, parents=(Parent("poster", 1, sha("new")),)) == (
        "parent key -> poster"
    )


def test_another_frame_of_the_same_parent_is_a_change_of_the_reference() -> None:
    """Nothing but the frame differs: said without blaming the model."""
    asked = child("sh", from_shot("key", frame="first"))
    before = sent(asked, {"url": "https://u/1"}, parents=(("key", 1, sha("old")),))
    now = child("sh", from_shot("key", frame="last"))
    assert why(now, before, parents=(Parent("key", 1, sha("old")),)) == ("a reference is used in another way")


def test_defaults_of_a_table_that_changed_are_the_last_explanation() -> None:
    """Same words, same values, yet another fingerprint."""
    before = attempt(shot("a"), digest="0" * 64)
    assert digest_of(shot("a")) != before.fingerprint
    assert why(shot("a"), before) == "the model's defaults changed"
