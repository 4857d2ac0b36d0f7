"""Strict JSON, and the place of a value in its text."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from json_strategy import any_json
from rivya_run.journal.manifest_file import position, strict_json


@pytest.mark.parametrize(
    "text",
    ["NaN", "[-Infinity]", "1e999", '{"a": 1, "a": 2}', "[" * 100_000, "", "{", "9" * 10_000, "\ud800"],
)
def test_what_readers_do_not_agree_on_is_refused(text: str) -> None:
    """Always as a ValueError."""
    with pytest.raises(ValueError):
        strict_json(text.encode("utf-8", "surrogatepass"))


@given(any_json)
def test_other_json_is_read_as_always(value: Any) -> None:
    """Also with a byte order mark."""
    text = json.dumps(value)
    if "NaN" not in text and "Infinity" not in text:
        assert strict_json(text.encode()) == json.loads(text) == strict_json(b"\xef\xbb\xbf" + text.encode())


@given(any_json, st.data(), st.sampled_from([None, 1]), st.booleans())
def test_the_place_is_where_the_value_starts(
    value: Any, data: st.DataObject, indent: int | None, plain: bool
) -> None:
    """Whatever stands before it, however it is laid out."""
    path: list[str | int] = []
    while isinstance(value, dict | list) and value and data.draw(st.booleans()):
        steps: list[Any] = list(value) if isinstance(value, dict) else list(range(len(value)))
        step = data.draw(st.sampled_from(steps))
        path.append(step)
        value = value[step]
    whole: Any = value
    for above in reversed(path):
        whole = (
            {"before": ["{", 1], above: whole} if isinstance(above, str) else [{"x": "]"}] * above + [whole]
        )
    text = json.dumps(whole, indent=indent, ensure_ascii=plain)
    found = position(text.encode("utf-8", "surrogatepass"), path)
    assert found is not None
    line, column = found
    rest = "\n".join([text.split("\n")[line - 1][column - 1 :], *text.split("\n")[line:]])
    read, _ = json.JSONDecoder().raw_decode(rest)
    assert json.dumps(read) == json.dumps(value)


def test_what_is_missing_is_shown_where_it_should_be() -> None:
    """The object or list that lacks it; no place in what is no JSON."""
    assert position(b'{\n "a": {"b": 1}}', ["a", "c"]) == (2, 7)
    assert position(b"[1]", [5, "x"]) == (1, 1)
    assert position(b"{", ["a"]) is None
    assert position(b"\xff\xff\xff", ["a"]) is None
