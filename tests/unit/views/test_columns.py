"""Columns on standard output."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rivya_run.views.wording import plain_columns

CELLS = st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=200)


def test_columns_line_up() -> None:
    """Each column is as wide as its widest cell, numbers stand to the right, wide characters take two places."""
    text = plain_columns(("shot", "credits"), [("sh010", "9"), ("写真", "120")], numbers=(1,))
    assert text == "shot   credits\nsh010        9\n写真       120\n"


@given(st.lists(st.tuples(CELLS, CELLS), max_size=4))
def test_no_cell_is_cut_or_wrapped(rows: list[tuple[str, str]]) -> None:
    """Every row is one line that holds its cells whole, however long they are."""
    lines = plain_columns(("a", "b"), rows).removesuffix("\n").split("\n")
    assert len(lines) == len(rows) + 1
    for line, row in zip(lines[1:], rows, strict=True):
        assert row[0].rstrip() in line
        assert line.endswith(row[1].rstrip())
