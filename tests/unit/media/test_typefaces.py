"""Lines of text that fit."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from rivya_run.media.typefaces import runs, shortened, width_of, wrapped


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200), st.integers(60, 600), st.integers(1, 6))
def test_wrapped_lines_fit(text: str, width: int, lines: int) -> None:
    """No line is wider than its room (unless it is one letter), and there are no more than asked for."""
    found = wrapped(text, 14, width, lines)
    assert len(found) <= lines
    assert all(width_of(line, 14) <= width or len(line) <= 2 for line in found)


def test_wrapping_keeps_every_word() -> None:
    """Where there is room enough, the lines together are the text."""
    text = "The camera orbits a matte-black espresso machine on marble"
    assert " ".join(wrapped(text, 20, 200, 20)) == text


def test_cut_text_ends_in_an_ellipsis() -> None:
    """What was left out is marked."""
    assert shortened("word " * 100, 14, 100).endswith("…")
    assert wrapped("word " * 100, 14, 100, 2)[-1].endswith("…")


def test_text_is_cut_where_the_font_changes() -> None:
    """The runs together are the text, and plain English is one run."""
    assert [part for part, _ in runs("plain English", 14)] == ["plain English"]
    assert "".join(part for part, _ in runs("naïve ქართული text", 14)) == "naïve ქართული text"
