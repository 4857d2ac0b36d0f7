"""JSON text with a line for each leaf."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rivya_run.journal.json_text import indented, pieces

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=30,
)


@given(VALUES)
def test_the_same_text_as_the_standard_library(value: Any) -> None:
    """It is what the standard library writes, to the letter."""
    assert indented(value) == json.dumps(value, ensure_ascii=False, indent=1)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_no_numbers_that_json_has_not(value: float) -> None:
    """What is no JSON number is refused rather than written."""
    with pytest.raises(ValueError):
        indented([value])


@given(st.dictionaries(st.text(), VALUES, max_size=4), st.lists(VALUES, max_size=3))
def test_piece_by_piece_the_text_is_the_same(members: dict[str, Any], items: list[Any]) -> None:
    """Lists that are handed over as iterators are written one item at a time."""
    whole = {**members, "items": items}
    given_so: dict[str, Any] = {**members, "items": iter(items)}
    assert "".join(pieces(given_so)) == indented(whole)
