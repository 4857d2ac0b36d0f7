"""Did you mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rivya_run.suggest import did_you_mean, suggest

RATIOS = ["1:1", "16:9", "9:16", "2:3", "3:2"]


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("16:10", "16:9"),
        ("1920x1080", "16:9"),
        ("16/9", "16:9"),
        ("9:15", "9:16"),
        ("10:16", "9:16"),
        ("4:3", "3:2"),
        ("4:5", "2:3"),
        ("21:9", "16:9"),
        ("2:2", "1:1"),
    ],
)
def test_ratios_are_compared_as_ratios(word: str, meant: str) -> None:
    """A ratio suggests the ratio that is meant, never the one with similar letters."""
    assert suggest(word, RATIOS) == meant


@pytest.mark.parametrize(
    ("word", "known", "meant"),
    [
        ("resolutoin", ["mode", "duration", "resolution"], "resolution"),
        ("aspectRatio", ["aspect_ratio", "size"], "aspect_ratio"),
        ("True", ["false", "true"], "true"),
        ("720", ["480p", "720p"], "720p"),
        ("720P", ["480p", "720p"], "720p"),
        ("grokimagine", ["grok-imagine-video", "grok-imagine"], "grok-imagine"),
        ("prmopt", ["params", "prompt"], "prompt"),
    ],
)
def test_misspelt_words_suggest_the_known_one(word: str, known: list[str], meant: str) -> None:
    """Slips of spelling, case and joining characters find the word that is meant."""
    assert suggest(word, known) == meant


@pytest.mark.parametrize(
    ("word", "known"),
    [("1080p", ["480p", "720p"]), ("zebra", ["mode", "duration"]), ("0:0", RATIOS), ("x", []), ("5", ["10"])],
)
def test_far_words_suggest_nothing(word: str, known: list[str]) -> None:
    """A word that is near to none, or another number, suggests nothing."""
    assert suggest(word, known) is None
    assert did_you_mean(word, known) == ""


def test_words_that_begin_so_are_meant_where_none_is_near() -> None:
    """A family of models by its name; two letters begin too many words."""
    models = ["grok-imagine", "grok-imagine-video", "kling-2-6"]
    assert did_you_mean("grok", models) == ", did you mean 'grok-imagine' or 'grok-imagine-video'?"
    assert did_you_mean("kl", models) == ""


@given(st.text(), st.lists(st.text()))
def test_a_suggestion_is_always_another_known_word(word: str, known: list[str]) -> None:
    """Whatever is written, a suggestion is one of the known words and not the word itself."""
    found = suggest(word, known)
    assert found is None or (found in known and found != word)


@pytest.mark.parametrize(
    "word", [f"1:{'9' * 309}", f"{'9' * 309}:1", f"{'9' * 309}:{'9' * 309}", "0:1", "1:0"]
)
def test_ratios_that_are_none(word: str) -> None:
    """What no float holds is no ratio, asked for or known."""
    assert suggest(word, ["16:9", "1:1"]) in (None, "16:9", "1:1")
    assert suggest("16:10", [word, "16:9"]) == "16:9"
