"""The manifest's text: a line for each leaf."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rivya_run.journal.manifest_file import text_of

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=30,
)


@given(st.dictionaries(st.text(), VALUES, max_size=4), st.lists(VALUES, max_size=3))
def test_it_is_the_text_of_the_standard_library(members: dict[str, Any], items: list[Any]) -> None:
    """To the letter; lists that are handed over as iterators are written one item at a time."""
    whole = {**members, "items": items}
    text = b"".join(text_of({**members, "items": iter(items)})).decode()
    assert text == json.dumps(whole, ensure_ascii=False, indent=1) + "\n"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_no_numbers_that_json_has_not(value: float) -> None:
    """What is no JSON number is refused rather than written."""
    with pytest.raises(ValueError):
        list(text_of({"a": [value]}))


def test_names_of_files_that_are_no_text_are_written() -> None:
    """Byte for byte, as the file system has them."""
    text = b"".join(text_of({"path": "\udcff.yaml"}))
    assert json.loads(text) == {"path": "\udcff.yaml"}
