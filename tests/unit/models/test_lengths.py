"""Values that follow a length: the smallest that the model takes and that is long enough."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rivya_run.models.catalog import load_catalog
from rivya_run.models.lengths import (
    TOLERANCE,
    fits,
    length_of,
    longest,
    smallest_fitting,
    takes_lengths,
)
from rivya_run.models.table import ParameterRow, ParameterType
from rivya_run.models.values import Accepted, judge_value

ROWS = {
    f"{table.id}.{row.key}": row
    for table in load_catalog().all()
    for row in table.params
    if takes_lengths(row)
}
STEPPED = {name: row for name, row in ROWS.items() if row.step is not None or row.options is not None}
SECONDS = st.floats(0, 40).map(lambda seconds: round(seconds, 3))


def number(minimum: float | None = 6, maximum: float | None = 30, step: float | None = 1) -> ParameterRow:
    return ParameterRow("duration", ParameterType.NUMBER, minimum=minimum, maximum=maximum, step=step)


def select(*options: str) -> ParameterRow:
    return ParameterRow("duration", ParameterType.SELECT, options=options)


@pytest.mark.parametrize(
    ("row", "seconds", "value"),
    [
        (number(), 7.8, 8),
        (number(), 8.04, 8),
        (number(), 8.05, 8),
        (number(), 7.55 + 0.5, 8),  # as floats a little more than 8.05
        (number(), 8.051, 9),
        (number(), 2, 6),
        (number(), 30.05, 30),
        (number(), 30.06, None),
        (number(maximum=None), 400.2, 401),
        (number(minimum=None), 3.2, 4),
        (number(0.5, 22, 0.5), 7.3, 7.5),
        (number(0.5, 22, 0.5), 7.04, 7),
        (number(1, 10, 4), 5.5, 9),
        (number(1, 10, 4), 9.5, None),
        (number(4, 15, None), 7.8, 8),
        (number(4.5, 15, None), 3, 5),
        (number(4, 9.5, None), 9.2, 9.5),
        (number(4, 9.5, None), 9.8, None),
        (select("5", "10"), 4.2, "5"),
        (select("10", "5"), 5.04, "5"),
        (select("5", "10"), 5.06, "10"),
        (select("5", "10"), 10.2, None),
        (select("auto", "4.5", "8"), 4.2, "4.5"),
        (select("short", "long"), 4.2, None),
    ],
)
def test_the_smallest_value_that_fits(row: ParameterRow, seconds: float, value: str | float | None) -> None:
    """On its step, within its range, as its option's text; 0.05 s shorter is near enough."""
    found = smallest_fitting(row, seconds)
    assert found == value
    assert type(found) is type(value)


@given(st.sampled_from(sorted(ROWS)), SECONDS)
def test_what_is_chosen_is_taken_by_the_model_and_long_enough(name: str, seconds: float) -> None:
    """Whatever the table: the reader would accept the value as written, and it is never too short."""
    row = ROWS[name]
    value = smallest_fitting(row, seconds)
    if value is None:
        most = length_of(longest(row))
        assert most is not None and not fits(most, seconds)
        return
    assert judge_value(row, value) == Accepted(value)
    assert Decimal(str(length_of(value))) >= Decimal(str(seconds)) - Decimal(str(TOLERANCE))


@given(st.sampled_from(sorted(STEPPED)), SECONDS)
def test_nothing_smaller_would_do(name: str, seconds: float) -> None:
    """The value below, a step or an option, is too short or isn't taken."""
    row = STEPPED[name]
    value = smallest_fitting(row, seconds)
    if value is None:
        return
    if row.options is not None:
        lengths = [length for option in row.options if (length := length_of(option)) is not None]
        assert not [one for one in lengths if fits(one, seconds) and one < (length_of(value) or 0)]
        return
    below = float(Decimal(str(value)) - Decimal(str(row.step)))
    assert not fits(below, seconds) or not isinstance(judge_value(row, below), Accepted)


@given(SECONDS, SECONDS)
def test_what_fits_more_fits_less(one: float, other: float) -> None:
    """A longer sound never gets a smaller value."""
    row = number(0, 100, 0.5)
    less, more = (length_of(smallest_fitting(row, seconds)) for seconds in sorted((one, other)))
    assert less is not None and more is not None and less <= more


@pytest.mark.parametrize(
    ("value", "length"),
    [
        ("10", 10),
        ("4.5", 4.5),
        (8, 8),
        (True, None),
        ("nan", None),
        ("1_0", None),
        ("-5", None),
        (None, None),
    ],
)
def test_what_a_value_says(value: str | float | None, length: float | None) -> None:
    """A number or its text; nothing that only Python takes for one."""
    assert length_of(value) == length
