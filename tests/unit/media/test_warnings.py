"""When a clip is not what was asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rivya_run.media.facts import MediaFacts
from rivya_run.media.warnings import Asked, PictureFacts, asked_of, media_warnings


def clip(width: int = 1280, height: int = 720, duration: float = 6.04) -> MediaFacts:
    """Facts of a clip."""
    return MediaFacts("video", width, height, duration=duration, frame_rate=24.0, codec="h264")


def codes(facts: MediaFacts, asked: Asked, picture: PictureFacts | None = None) -> list[str]:
    """The codes of the warnings."""
    return [found.code for found in media_warnings(facts, asked, picture)]


def test_a_clip_as_asked_is_no_warning() -> None:
    """Lengths and sizes that models round to are fine."""
    asked = Asked(6, "16:9")
    lively = PictureFacts(200, 90)
    assert codes(clip(), asked, lively) == []
    assert codes(clip(duration=5.8), asked, lively) == []
    assert codes(clip(1280, 704), asked, lively) == []
    assert codes(clip(854, 480), asked, lively) == []


def test_each_warning_holds_the_measured_figure() -> None:
    """Short, other ratio, black and frozen are told with what was measured."""
    found = media_warnings(clip(704, 1280, 6.0), Asked(30, "16:9"), PictureFacts(5, 0))
    assert [(one.code, one.message) for one in found] == [
        ("short", "6 s instead of the 30 s asked for"),
        ("aspect-ratio", "704x1280 (0.55:1) instead of the 16:9 asked for"),
        ("black", "black: its brightest spot reaches 2% of white"),
    ]
    frozen = media_warnings(clip(), Asked(), PictureFacts(200, 1))
    assert [(one.code, one.message) for one in frozen] == [
        ("frozen", "frozen: nothing in it changes by more than 0.4%")
    ]


def test_a_still_is_never_frozen_and_never_short() -> None:
    """A picture has one frame and no length."""
    still = MediaFacts("image", 1024, 1024, codec="png")
    assert codes(still, Asked(6, "1:1"), PictureFacts(200, None)) == []


@pytest.mark.parametrize(
    ("params", "asked"),
    [
        ({"duration": 6, "aspect_ratio": "2:3"}, Asked(6.0, "2:3")),
        ({"duration": "10", "aspectRatio": "Auto"}, Asked(10.0, None)),
        ({"duration_seconds": 0.2, "size": "1:1"}, Asked(0.2, "1:1")),
        ({"size": "standard", "image_size": "square_hd"}, Asked()),
        ({"duration": "auto", "aspect_ratio": "adaptive"}, Asked()),
        ({"duration": None, "aspect_ratio": "0:0"}, Asked()),
        ({}, Asked()),
    ],
)
def test_words_such_as_auto_ask_nothing(params: dict[str, object], asked: Asked) -> None:
    """Params are read under the names that models use; what is no number or ratio asks nothing."""
    assert asked_of(params) == asked  # type: ignore[arg-type]


@given(st.integers(1, 5000), st.integers(1, 5000))
def test_a_picture_never_differs_from_its_own_ratio(width: int, height: int) -> None:
    """Ratios are compared as ratios, whatever the terms they are written in."""
    assert codes(MediaFacts("video", width, height), Asked(None, f"{width}:{height}")) == []
    assert codes(MediaFacts("video", width * 2, height * 2), Asked(None, f"{width}:{height}")) == []


@given(st.floats(0.1, 600), st.floats(0, 600))
def test_a_clip_is_short_only_when_it_is_shorter(asked: float, more: float) -> None:
    """A clip as long as asked, or longer, is never short."""
    assert codes(clip(duration=asked + more), Asked(asked)) == []
