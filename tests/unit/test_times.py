"""Times as records write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rivya_run.times import iso, seconds_of


def test_they_read_as_published() -> None:
    """ISO 8601 in UTC, to the millisecond."""
    assert iso(1_778_457_600) == "2026-05-11T00:00:00.000Z"
    assert seconds_of("2026-05-11T00:00:00.000Z") == 1_778_457_600


@given(st.floats(0, 4_000_000_000))
def test_they_come_back_to_the_millisecond(seconds: float) -> None:
    """Written and read again, less than a millisecond is lost."""
    back = seconds_of(iso(seconds))
    assert back is not None
    assert abs(back - seconds) < 0.001001


@given(st.floats(0, 4_000_000_000), st.floats(0, 4_000_000_000))
def test_their_texts_sort_as_they_do(one: float, other: float) -> None:
    """So that records can be put in order without being read."""
    if one <= other:
        assert iso(one) <= iso(other)


@pytest.mark.parametrize("text", ["2026-05-11T02:00:00+02:00", "2026-05-11T00:00:00Z"])
def test_times_of_the_api_are_read_in_any_zone(text: str) -> None:
    """Its own form isn't published."""
    assert seconds_of(text) == 1_778_457_600


@pytest.mark.parametrize("text", [None, "", "soon", "2026-13-01T00:00:00Z"])
def test_what_is_no_time_is_none(text: str | None) -> None:
    """And no crash."""
    assert seconds_of(text) is None
