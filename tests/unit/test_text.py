"""Text made safe to show."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rivya_run.text import markdown, shortened, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, ünï, 日本, 😀", "plain, ünï, 日本, 😀"),
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("\x9b31m\x7f", "\\x9b31m\\x7f"),
        ("abc\u202etxt", "abc\\u202etxt"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_visible(text: str, shown: str) -> None:
    """Control characters and overrides of the reading direction show as escapes."""
    assert visible(text) == shown


def test_keep() -> None:
    """Characters that are wanted stay."""
    assert visible("a\nb\x00", keep="\n") == "a\nb\\x00"


@given(st.text())
def test_nothing_steers_a_terminal(text: str) -> None:
    """What is shown holds no control character and can be encoded."""
    shown = visible(text)
    shown.encode()
    assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in shown)


def test_shortened() -> None:
    """Long text is cut with an ellipsis."""
    assert shortened("x" * 100, 10) == "x" * 9 + "…"


def test_markdown_shows_what_was_written() -> None:
    """No letter of people's ends a cell, makes a link, a mention or HTML, and none comes out as something else."""
    assert markdown("a -> b | #1 @me <i> [x](y) *z*") == (
        r"a -&#62; b \| \#1 &#64;me &#60;i&#62; \[x\](y) \*z\*"
    )
