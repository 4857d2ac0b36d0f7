"""Lines of text that fit."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from rivya_run.media.typefaces import shortened, width_of, wrapped, write


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


def drawn(text: str) -> bytes:
    """The pixels of a text."""
    image = Image.new("L", (80, 30))
    write(ImageDraw.Draw(image), text, 4, 4, 16, (255,))
    return image.tobytes()


def test_letters_look_alike_on_every_machine() -> None:
    """Scripts of many countries have letters of their own, without any font of the machine."""
    letters = "aéßŁжΩქաשع→½"
    assert len({drawn(letter) for letter in letters} | {drawn("\uffff")}) == len(letters) + 1


@pytest.mark.parametrize("letter", ["漢", "한", "🎬", "\U0010fffd"])
def test_a_letter_that_the_font_lacks_is_an_empty_box(letter: str) -> None:
    """It shows that something is there; it takes room and raises nothing."""
    assert drawn(letter) == drawn("\uffff") != drawn(" ")
    assert width_of(letter, 16) > 0


@settings(deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=("Zl", "Cc")), max_size=30))
def test_any_line_can_be_drawn(text: str) -> None:
    """Whatever a prompt holds, half of a character included, drawing it doesn't fail."""
    assert len(drawn(text)) == 80 * 30
