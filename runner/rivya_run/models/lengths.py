"""Parameters that can follow a length: which values a model takes, and the smallest that is long enough."""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from math import isfinite
from typing import Final, TypeAlias

from rivya_run.json_types import Json
from rivya_run.models.table import ParameterRow, ParameterType

Value: TypeAlias = str | int | float
"""What is sent: a number, or the option of a select."""

TOLERANCE: Final = 0.05
"""Seconds that a value may be shorter than what it is for (contract, section 7): a sound of 8.04 s fits 8, and nobody
pays a second for the breath at its end."""

# Decimal itself also knows "nan", "1_0" and digits of other scripts.
_NUMBER: Final = re.compile(r"[0-9]+(\.[0-9]+)?")


def takes_lengths(row: ParameterRow) -> bool:
    """Whether its values are numbers: a number, or a select with numbers among its options."""
    return row.type is ParameterType.NUMBER or bool(_options(row))


def length_of(value: Json) -> float | None:
    """The number that a value says, None for one that says none."""
    number = _number(value)
    return float(number) if number is not None else None


def fits(value: float, seconds: float) -> bool:
    """Whether a value is long enough for so many seconds."""
    return _exact(value) >= _least(seconds)


def smallest_fitting(row: ParameterRow, seconds: float) -> Value | None:
    """The smallest value that the model takes and that is long enough; None where all are too short."""
    options = _options(row)
    if options or row.type is not ParameterType.NUMBER:
        return next((option for number, option in options if number >= _least(seconds)), None)
    least = max(_least(seconds), _exact(row.minimum if row.minimum is not None else 0))
    # A table that names no step says nothing of fractions: a whole number is what every model takes.
    start, step = (_exact(row.minimum or 0), _exact(row.step)) if row.step else (Decimal(0), Decimal(1))
    value = start + ((least - start) / step).to_integral_value(ROUND_CEILING) * step
    most = _most(row)
    if most is None or value <= most:
        return _plain(value)
    return _plain(most) if most >= _least(seconds) else None


def longest(row: ParameterRow) -> Value | None:
    """The greatest value that the model takes, None without an end."""
    options = _options(row)
    if options:
        return options[-1][1]
    most = _most(row)
    return _plain(most) if most is not None else None


def _most(row: ParameterRow) -> Decimal | None:
    """The maximum, or the last step before it."""
    if row.maximum is None or row.step is None:
        return _exact(row.maximum) if row.maximum is not None else None
    start, step = _exact(row.minimum or 0), _exact(row.step)
    return start + ((_exact(row.maximum) - start) / step).to_integral_value(ROUND_FLOOR) * step


def _options(row: ParameterRow) -> list[tuple[Decimal, str]]:
    """The options that are numbers, from the smallest on."""
    if row.type is not ParameterType.SELECT:
        return []
    found = [(number, option) for option in row.options or () if (number := _number(option)) is not None]
    return sorted(found, key=lambda one: one[0])


def _number(value: Json) -> Decimal | None:
    if isinstance(value, str):
        return Decimal(value) if _NUMBER.fullmatch(value) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return None
    return _exact(value)


def _least(seconds: float) -> Decimal:
    return _exact(round(seconds, 6)) - _exact(TOLERANCE)  # 7.55 + 0.5 is a little more than 8.05 as a float


def _exact(value: float) -> Decimal:
    """As people count: 0.1 and not the binary fraction next to it."""
    return Decimal(str(value))


def _plain(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)
