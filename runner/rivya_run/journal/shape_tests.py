"""Tests of JSON values, made from the words of JSON Schema that the manifest's schema uses. Pure.

jsonschema says more and takes a hundred times as long: a rerun judges every take of a manifest.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

DEEPEST = 64
"""Levels of lists and objects in what is kept unread: far more than a request has, and few enough to write again."""

_LARGEST = sys.float_info.max
_SHOWN = 60
_WORDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: (
        isinstance(value, int | float) and not isinstance(value, bool) and _is_finite(value)
    ),
    "boolean": lambda value: isinstance(value, bool),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "null": lambda value: value is None,
}
Test = Callable[[Any], None]


class Nonsense(ValueError):
    """What a manifest says can't be: ``path`` leads there from the top, ``reason`` is for a person."""

    def __init__(self, reason: str, *path: str | int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.path = list(path)

    def under(self, *path: str | int) -> Nonsense:
        """The same, seen from further up."""
        self.path[:0] = path
        return self

    @property
    def place(self) -> str:
        """``shots[0].takes[1].task_id``; empty for the whole document."""
        steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path)
        return "".join(steps).removeprefix(".")

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}" if self.path else self.reason


def test_of_shape(
    shape: Mapping[str, Any], test_of: Callable[[str], Test], needed: Iterable[str] = ()
) -> Test:
    """A test of one shape, for the words of JSON Schema that the manifest's uses. Made once, since it runs often."""
    if "allOf" in shape:
        [shape] = shape["allOf"]
    if "$ref" in shape:
        return test_of(shape["$ref"].rpartition("/")[2])
    rules = [_rule_of_type(shape)] if "type" in shape else []
    if "const" in shape:
        rules.append(_rule_of_const(shape["const"]))
    if "enum" in shape:
        rules.append(_rule_of_choice(shape["enum"]))
    if "minimum" in shape or "maximum" in shape:
        rules.append(_rule_of_range(shape.get("minimum", -math.inf), shape.get("maximum", math.inf)))
    if "minLength" in shape or "maxLength" in shape:
        rules.append(_rule_of_length(shape.get("minLength", 0), shape.get("maxLength", math.inf)))
    if "pattern" in shape:
        rules.append(_rule_of_pattern(shape["pattern"], shape["title"]))
    if "properties" in shape:
        members = {name: test_of_shape(one, test_of) for name, one in shape["properties"].items()}
        rules.append(_rule_of_members(members, tuple(needed)))
    elif "items" in shape:
        rules.append(_rule_of_items(test_of_shape(shape["items"], test_of)))
    elif not rules or {"array", "object"} & set(_types(shape)):
        rules.append(_check_depth)
    fits = _quick(shape)

    def test(value: Any) -> None:
        if fits(value):
            return
        for rule in rules:
            rule(value)

    return test


def _quick(shape: Mapping[str, Any]) -> Callable[[Any], bool]:
    """Whether a plain value is surely right: nearly all are, and only the others need a reason."""
    types = set(_types(shape))
    text, whole, number = "string" in types, bool(types & {"integer", "number"}), "number" in types
    others = {{"boolean": bool, "null": type(None)}.get(name) for name in types}
    least, most = shape.get("minimum", -_LARGEST), shape.get("maximum", _LARGEST)
    shortest, longest = shape.get("minLength", 0), shape.get("maxLength", math.inf)
    search = re.compile(_in_python(shape["pattern"])).search if "pattern" in shape else None

    def fits(value: Any) -> bool:
        kind = type(value)
        if kind is str:
            return (
                text and shortest <= len(value) <= longest and (search is None or search(value) is not None)
            )
        if kind is int:
            return whole and least <= value <= most
        if kind is float:
            return number and least <= value <= most
        return kind in others

    return fits


def _in_python(pattern: str) -> str:
    """In Python, '$' lets a line end pass; in JSON Schema it doesn't."""
    return pattern.replace("$", r"\Z")


def _types(shape: Mapping[str, Any]) -> list[str]:
    named = shape.get("type", [])
    return [named] if isinstance(named, str) else list(named)


def _rule_of_type(shape: Mapping[str, Any]) -> Test:
    names = _types(shape)
    fits = [_TYPES[name] for name in names]
    words = " or ".join(_WORDS[name] for name in names)

    def rule(value: Any) -> None:
        for one in fits:
            if one(value):
                return
        raise Nonsense(f"must be {words}, not {shown(value)}")

    return rule


def _rule_of_const(only: int) -> Test:
    def rule(value: Any) -> None:
        if value != only or isinstance(value, bool):
            raise Nonsense(f"must be {only}, not {shown(value)}")

    return rule


def _rule_of_choice(choices: list[Any]) -> Test:
    def rule(value: Any) -> None:
        if not isinstance(value, str) or value not in choices:
            raise Nonsense(f"must be one of {', '.join(choices)}, not {shown(value)}")

    return rule


def _rule_of_range(least: float, most: float) -> Test:
    def rule(value: Any) -> None:
        if isinstance(value, int | float) and not least <= value <= most:
            bound = f"at least {least:g}" if value < least else f"at most {most:.16g}"
            raise Nonsense(f"must be {bound}, not {shown(value)}")

    return rule


def _rule_of_length(least: int, most: float) -> Test:
    def rule(value: Any) -> None:
        if isinstance(value, str) and not least <= len(value) <= most:
            how = (
                "is empty" if not value else f"is {len(value)} characters long, at most {most:g} are possible"
            )
            raise Nonsense(how)

    return rule


def _rule_of_pattern(pattern: str, title: str) -> Test:
    search = re.compile(_in_python(pattern)).search

    def rule(value: Any) -> None:
        if isinstance(value, str) and search(value) is None:
            raise Nonsense(f"must be {title}, not {shown(value)}")

    return rule


def _rule_of_members(members: Mapping[str, Test], needed: tuple[str, ...]) -> Test:
    test_of = members.get

    def rule(value: Any) -> None:
        if not isinstance(value, dict):
            return
        for name in needed:
            if name not in value:
                raise Nonsense(f"{name!r} is missing")
        name = ""
        try:
            for name, one in value.items():
                test_of(name, _check_depth)(one)
        except Nonsense as nonsense:
            raise nonsense.under(name) from None

    return rule


def _rule_of_items(item: Test) -> Test:
    def rule(value: Any) -> None:
        number = 0
        try:
            for number, one in enumerate(value if isinstance(value, list) else ()):  # noqa: B007 - where it failed
                item(one)
        except Nonsense as nonsense:
            raise nonsense.under(number) from None

    return rule


def _check_depth(value: Any, left: int = DEEPEST) -> None:
    """What isn't read but is written again: any JSON, not too deep."""
    if isinstance(value, list | dict):
        if not left:
            raise Nonsense(f"is nested deeper than {DEEPEST}")
        for one in value.values() if isinstance(value, dict) else value:
            _check_depth(one, left - 1)
    elif isinstance(value, float) and not math.isfinite(value):
        raise Nonsense(f"{value} is no number of JSON's")


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number of hundreds of digits
        return False


def shown(value: Any) -> str:
    """A value in a message, cut where it is long."""
    text = repr(value) if isinstance(value, float) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
