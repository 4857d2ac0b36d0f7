"""What a written value of a parameter becomes on the wire, or why it can't be sent.

The rules are those of the tables: a select is sent as its option's text, a number as a JSON number, text as
text. Nothing is made to fit: a value outside its row is a problem before it is a charge.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from rivya_run.errors import Severity
from rivya_run.json_types import Json
from rivya_run.models.table import AdviceRow, ModelTable, ParameterRow, ParameterType, is_extension
from rivya_run.suggest import did_you_mean

REFERENCES_KEY = "referenceMediaItems"
_SHOWN_OPTIONS = 12  # a message that lists more is not read
_SHOWN_LENGTH = 60  # characters; keeps a message on two lines


@dataclass(frozen=True, slots=True)
class Written:
    """A value as a person wrote it; ``text`` is the scalar as it stands in the source (None: from JSON)."""

    value: Json
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """``value`` is what is sent."""

    value: Json


@dataclass(frozen=True, slots=True)
class Rejected:
    """Why a value can't be sent; ``path`` leads to the element of an array at fault."""

    code: str
    message: str
    path: tuple[int | str, ...] = ()


Judgement: TypeAlias = Accepted | Rejected


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem or an advice about one parameter. ``at_key``: its position is the key's, not the value's.

    ``code`` is one of unknown-key, required, type, option, range, step, blank, reserved.
    """

    key: str
    code: str
    message: str
    severity: Severity = Severity.ERROR
    at_key: bool = False
    path: tuple[int | str, ...] = ()


@dataclass(frozen=True, slots=True)
class JudgedParams:
    """``params`` is what is sent: what was written and is right, and the table's defaults."""

    params: dict[str, Json]
    findings: tuple[Finding, ...]


def judge_value(row: ParameterRow, value: Json, text: str | None = None) -> Judgement:
    """What a value becomes on the wire. ``text`` is the scalar as written; None for values born in JSON."""
    if row.type is ParameterType.SELECT:
        return _judge_select(row, value, text)
    if row.type is ParameterType.NUMBER:
        return _judge_number(row, value)
    if row.type is ParameterType.ARRAY:
        return _judge_array(row, value)
    return _judge_text(row, value, text)


def judge_params(table: ModelTable, written: Mapping[str, Written]) -> JudgedParams:
    """Judge every parameter of one request against the model's table.

    Keys of people's own (``x-``) are left out; an unknown key is a problem, in an incomplete table advice.
    """
    findings: list[Finding] = []
    params: dict[str, Json] = {}
    for key, given in written.items():
        if is_extension(key):
            continue
        row = table.row(key)
        if row is None:
            finding = judge_unknown_key(table, key)
            findings.append(finding)
            if finding.severity is Severity.ADVICE:
                params[key] = given.value
            continue
        judged = judge_value(row, given.value, given.text)
        if isinstance(judged, Accepted):
            params[key] = judged.value
        else:
            findings.append(Finding(key, judged.code, judged.message, path=judged.path))
    for row in table.params:
        if row.key in written:
            continue
        if row.default is not None:
            params[row.key] = row.default
        elif row.required:
            message = f"'{row.key}' is required by {table.id}"
            findings.append(Finding(row.key, "required", message, at_key=True))
    return JudgedParams(in_table_order(table, params), tuple(findings))


def in_table_order(table: ModelTable, params: Mapping[str, Json]) -> dict[str, Json]:
    """Parameters in the order in which they are sent: the table's, then what isn't in it as it was written."""
    order = {row.key: place for place, row in enumerate(table.params)}
    return dict(sorted(params.items(), key=lambda item: order.get(item[0], len(order))))


def judge_unknown_key(table: ModelTable, key: str) -> Finding:
    """What to say about a parameter that is not in the table."""
    if key == REFERENCES_KEY:
        message = f"'{key}' is written by rivya-run: list the files under 'references'"
        return Finding(key, "reserved", message, at_key=True)
    hint = did_you_mean(key, [row.key for row in table.params])
    if table.complete:
        if not table.params:
            hint = f", {table.id} takes no parameters"
        return Finding(key, "unknown-key", f"unknown key '{key}'{hint}", at_key=True)
    message = f"'{key}' is not in the table of {table.id}, which is incomplete: sent as written{hint}"
    return Finding(key, "unknown-key", message, Severity.ADVICE, at_key=True)


def advice_for(
    table: ModelTable, written: Iterable[str], params: Mapping[str, Json], *, references: bool
) -> list[AdviceRow]:
    """The advice rows that hold for a request: ``written`` names the parameters that a person wrote."""
    named = set(written)
    return [
        row
        for row in table.advice
        if (row.references is None or row.references == references)
        and named.issuperset(row.written)
        and all(params.get(key) in values for key, values in row.when)
    ]


def number_text(value: int | float) -> str:
    """The canonical text of a number: 5.0 is ``5``."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return repr(value)


def scalar_text(value: Json) -> str | None:
    """The canonical text of a scalar, None for lists and mappings."""
    if isinstance(value, str):
        return value
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return number_text(value) if isinstance(value, int | float) else None


def is_on_step(row: ParameterRow, value: int | float) -> bool:
    """Whether a number is a whole count of steps from the minimum (or 0), in decimal, as people count."""
    if row.step is None:
        return True
    start = row.minimum if row.minimum is not None else 0
    return (Decimal(str(value)) - Decimal(str(start))) % Decimal(str(row.step)) == 0


def _judge_select(row: ParameterRow, value: Json, text: str | None) -> Judgement:
    options = row.options or ()
    if isinstance(value, list | dict):
        return Rejected("type", f"{_kind(value)} where one of {_listed(options)} is needed")
    canonical = scalar_text(value)
    for candidate in (text if text is not None else canonical, canonical):
        if candidate in options:
            return Accepted(candidate)
    shown = (text if text is not None else canonical) or ""
    hint = did_you_mean(shown, options) or f": it is one of {_listed(options)}"
    return Rejected("option", f"{_quoted(shown)} is not an option{hint}")


def _judge_number(row: ParameterRow, value: Json) -> Judgement:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return Rejected("type", _not_a_number(value))
    if not math.isfinite(value):
        return Rejected("type", "a number must be finite")
    number: int | float = value
    if isinstance(value, float) and value.is_integer():
        number = int(value)
    shown = number_text(number)
    if row.minimum is not None and number < row.minimum:
        return Rejected("range", f"{shown} is less than the minimum {number_text(row.minimum)}")
    if row.maximum is not None and number > row.maximum:
        return Rejected("range", f"{shown} is more than the maximum {number_text(row.maximum)}")
    if not is_on_step(row, number):
        start = f" from {number_text(row.minimum)}" if row.minimum is not None else ""
        return Rejected("step", f"{shown} is not in steps of {number_text(row.step or 0)}{start}")
    return Accepted(number)


def _not_a_number(value: Json) -> str:
    if isinstance(value, str):
        try:
            plain = number_text(float(value)) if math.isfinite(float(value)) else None
        except ValueError:
            plain = None
        if plain is not None:
            how = "without quotes" if plain == value else f"as {plain}"
            zeros = ", without leading zeros" if re.match(r"[-+]?0[0-9]", value) else ""
            return f"{_quoted(value)} is text: write the number {how}{zeros}"
        return f"{_quoted(value)} is text where a number is needed"
    return f"{_kind(value)} where a number is needed"


def _judge_text(row: ParameterRow, value: Json, text: str | None) -> Judgement:
    if isinstance(value, str):
        if row.required and not value.strip():
            return Rejected("blank", f"'{row.key}' is blank")
        return Accepted(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        quote = f": write '{text}' in quotes" if text and isinstance(value, bool) else ""
        return Rejected("type", f"{_kind(value)} where text is needed{quote}")
    if not math.isfinite(value):
        return Rejected("type", "a number must be finite")
    return Accepted(text if text is not None else number_text(value))


def _judge_array(row: ParameterRow, value: Json) -> Judgement:
    if not isinstance(value, list):
        return Rejected("type", f"{_kind(value)} where a list is needed")
    if row.required and not value:
        return Rejected("required", f"'{row.key}' must not be empty")
    if row.items is None:
        return Accepted(value)
    elements: list[Json] = []
    for index, element in enumerate(value):
        judged = _judge_element(row.items, element)
        if isinstance(judged, Rejected):
            return Rejected(judged.code, f"[{index}] {judged.message}", (index, *judged.path))
        elements.append(judged.value)
    return Accepted(elements)


def _judge_element(fields: tuple[ParameterRow, ...], element: Json) -> Judgement:
    names = [field.key for field in fields]
    if not isinstance(element, dict):
        return Rejected("type", f"{_kind(element)} where a mapping of {', '.join(names)} is needed")
    rows = {field.key: field for field in fields}
    sent: dict[str, Json] = {}
    for key, value in element.items():
        if is_extension(key):
            continue
        if key not in rows:
            return Rejected("unknown-key", f"unknown key '{key}'{did_you_mean(key, names)}", (key,))
        judged = judge_value(rows[key], value)
        if isinstance(judged, Rejected):
            return Rejected(judged.code, f"{key}: {judged.message}", (key, *judged.path))
        sent[key] = judged.value
    missing = next((field.key for field in fields if field.required and field.key not in element), None)
    if missing is not None:
        return Rejected("required", f"'{missing}' is required")
    return Accepted(sent)


def _kind(value: Json) -> str:
    if value is None:
        return "an empty value"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, dict):
        return "a mapping"
    return "text" if isinstance(value, str) else "a number"


def _quoted(text: str) -> str:
    return f"'{text if len(text) <= _SHOWN_LENGTH else text[: _SHOWN_LENGTH - 3] + '...'}'"


def _listed(options: tuple[str, ...]) -> str:
    more = len(options) - _SHOWN_OPTIONS
    return ", ".join(options[:_SHOWN_OPTIONS]) + (f" and {more} more" if more > 0 else "")
