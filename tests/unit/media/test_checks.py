"""When a clip is not what was asked for: the rules, and the words for what was found."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from json_strategy import any_json
from rivya_run.json_types import Json
from rivya_run.media.checks import Asked, asked_of, faults_in_words, verdicts
from rivya_run.media.stretches import Stretches
from rivya_run.storyboard.model import CHECKS

NOTHING = Stretches()


def clip(width: int = 1280, height: int = 720, duration: float = 6.04, **more: Any) -> dict[str, Any]:
    """Facts of a clip, as records have them."""
    return {
        "width": width,
        "height": height,
        "duration": duration,
        "frame_rate": 24.0,
        "audio": False,
        **more,
    }


def codes(media: dict[str, Any], seen: Stretches = NOTHING, **params: Any) -> list[str]:
    """The codes of what is wrong with a file."""
    return [found.check for found in verdicts(media, params, seen)]


def test_nothing_is_wrong_with_a_clip_as_asked() -> None:
    """Lengths and sizes that models round to are fine."""
    asked: dict[str, Any] = {"duration": 6, "aspect_ratio": "16:9"}
    assert codes(clip(), **asked) == []
    assert codes(clip(duration=5.8), **asked) == []
    assert codes(clip(1280, 704), **asked) == []
    assert codes(clip(854, 480), **asked) == []


def test_each_verdict_says_in_words_and_figures_what_was_measured() -> None:
    """With timecodes where it is a stretch of a clip that has frames, in seconds in a sound."""
    seen = Stretches(black=((0.0, 6.0),), frozen=((2.5, 4.0), (4.5, 6.0)))
    found = verdicts(clip(704, 1280, 6.0, doubt="it ends"), {"duration": 30, "aspect_ratio": "16:9"}, seen)
    assert [one.entry for one in found] == [
        {"check": "damaged", "about": "may not be whole: it ends"},
        {"check": "short", "about": "6 s instead of the 30 s asked for"},
        {"check": "ratio", "about": "704x1280 (0.55:1) instead of the 16:9 asked for"},
        {"check": "black", "from": 0.0, "to": 6.0, "about": "black throughout"},
        {"check": "frozen", "from": 2.5, "to": 4.0, "about": "frozen from 00:00:02:12 to 00:00:04:00"},
        {"check": "frozen", "from": 4.5, "to": 6.0, "about": "frozen from 00:00:04:12 to 00:00:06:00"},
    ]
    [silent] = verdicts({"duration": 9.0, "audio": True}, {}, Stretches(silent=((2.0, 9.0),)))
    assert silent.about == "silent from 2.00 s to 9.00 s"
    [broken] = verdicts(clip(), {}, Stretches(broke_at=1.5))
    assert (broken.check, broken.about) == ("damaged", "can't be decoded beyond 00:00:01:12")


def test_all_codes_are_those_of_the_storyboard() -> None:
    """Which is where a person writes them."""
    every = (0.0, 6.0)
    seen = Stretches((every,), (every,), (every,))
    media = clip(doubt="it ends")
    assert {*codes(media, seen, duration=9, aspect_ratio="1:1", generate_audio=True)} == {*CHECKS}


def test_a_still_has_no_length_and_may_be_black() -> None:
    """A picture has one frame."""
    still: dict[str, Any] = {"width": 1024, "height": 1024, "codec": "png", "audio": False}
    assert codes(still, duration=6, aspect_ratio="1:1", generate_audio=True) == []
    [black] = verdicts(still, {}, Stretches(black=((0.0, 0.0),)))
    assert black.entry == {"check": "black", "about": "black"}


@pytest.mark.parametrize(
    ("audio", "asked", "silence", "found"),
    [
        (False, {}, (), []),
        (False, {"generate_audio": True}, (), ["silent"]),
        (False, {"sound": False}, (), []),
        (True, {"sound": True}, (), []),
        (True, {}, ((0.0, 6.04),), ["silent"]),
        (True, {"generate_audio": False}, ((0.0, 6.04),), []),
    ],
)
def test_a_clip_is_silent_where_a_sound_was_asked_for_or_holds_nothing(
    audio: bool, asked: dict[str, bool], silence: tuple[tuple[float, float], ...], found: list[str]
) -> None:
    """A clip without a sound that nobody asked for is a clip."""
    assert codes(clip(audio=audio), Stretches(silent=silence), **asked) == found


@pytest.mark.parametrize(
    ("params", "asked"),
    [
        ({"duration": 6, "aspect_ratio": "2:3"}, Asked(6.0, "2:3")),
        ({"duration": "10", "aspectRatio": "Auto"}, Asked(10.0, None)),
        ({"duration_seconds": 0.2, "size": "1:1"}, Asked(0.2, "1:1")),
        ({"size": "standard", "image_size": "square_hd"}, Asked()),
        ({"duration": "auto", "aspect_ratio": "adaptive"}, Asked()),
        ({"duration": None, "aspect_ratio": "0:0"}, Asked()),
        ({"generate_audio": True}, Asked(sound=True)),
        ({"sound": "true"}, Asked(sound=True)),
        ({"sound": "a bell"}, Asked()),
        ({}, Asked()),
    ],
)
def test_words_such_as_auto_ask_nothing(params: dict[str, Any], asked: Asked) -> None:
    """Params are read under the names that models use; what is no number or ratio asks nothing."""
    assert asked_of(params) == asked


@given(st.integers(1, 5000), st.integers(1, 5000))
def test_a_picture_never_differs_from_its_own_ratio(width: int, height: int) -> None:
    """Ratios are compared as ratios, whatever the terms they are written in."""
    assert codes(clip(width, height), aspect_ratio=f"{width}:{height}") == []
    assert codes(clip(width * 2, height * 2), aspect_ratio=f"{width}:{height}") == []


@given(st.floats(0.1, 600), st.floats(0, 600))
def test_a_clip_is_short_only_when_it_is_shorter(asked: float, more: float) -> None:
    """A clip as long as asked, or longer, is never short."""
    assert codes(clip(duration=asked + more), duration=asked) == []


def test_a_file_that_nobody_looked_into_is_judged_by_its_facts() -> None:
    """As all are that an earlier version stored; what is on record counts more than what would be said today."""
    media = clip(duration=3.0)
    assert faults_in_words(media, {"duration": 6}) == ["3 s instead of the 6 s asked for"]
    assert faults_in_words(media | {"checks": []}, {"duration": 6}) == []


def test_a_shot_says_what_is_not_to_be_told() -> None:
    """Silence is told only where it is to stop a take."""
    checks: list[Json] = [
        {"check": "black", "about": "black throughout"},
        {"check": "silent", "about": "silent throughout"},
    ]
    assert faults_in_words({"checks": checks}, {}) == ["black throughout"]
    assert faults_in_words({"checks": checks}, {}, quiet=["black"]) == []
    assert faults_in_words({"checks": checks}, {}, stop=["silent"]) == [
        "black throughout",
        "silent throughout",
    ]
    assert faults_in_words({"checks": checks}, {}, stop=["silent"], quiet=["silent"]) == ["black throughout"]


def test_a_verdict_without_words_is_told_by_what_it_has() -> None:
    """Another program may have written it, and may know other checks."""
    checks: list[Any] = [
        {"check": "frozen", "from": 1.0, "to": 2},
        {"check": "blurred"},
        {"check": "black", "from": 3, "to": 1},
        {"check": 7},
        "black",
    ]
    found = faults_in_words(clip(checks=checks), {})
    assert found == ["frozen from 00:00:01:00 to 00:00:02:00", "blurred", "black"]


@given(
    st.dictionaries(st.sampled_from(["checks", "duration", "frame_rate", "width", "doubt"]), any_json),
    any_json,
)
def test_whatever_a_record_holds_words_come_of_it(media: dict[str, Any], entry: Any) -> None:
    """A manifest is read tolerantly where people look at it."""
    assert all(
        isinstance(words, str) for words in faults_in_words(media, {"duration": 5, "aspect_ratio": "1:1"})
    )
    assert all(isinstance(words, str) for words in faults_in_words({**media, "checks": [entry]}, {}))
    verdicts(media, {}, Stretches(black=((0.0, 1.0),)))
