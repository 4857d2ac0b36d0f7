"""What a YAML document is made of: scalars, sequences and mappings with their places, nothing else.

Lines and columns count from 1, columns in characters.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Final, TypeAlias

from rivya_run.json_types import Json

_INT: Final = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: Final[dict[str, bool | None]] = {"true": True, "false": False, "null": None, "~": None, "": None}
_NUMBER_STARTS: Final = frozenset("+-.0123456789")
_LONGEST_NUMBER: Final = 100  # characters; Python's int() is quadratic in them


def meaning(text: str) -> bool | int | float | str | None:
    """What an unquoted scalar stands for: YAML 1.2 words and decimal numbers, everything else is text.

    Numbers that no JSON number can carry (over 100 characters, or beyond the largest double) stay text.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_STARTS or len(text) > _LONGEST_NUMBER:
        return text
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        number = float(text)
        return number if math.isfinite(number) else text
    return text


class Scalar:
    """One value. ``text`` is as written (quotes and escapes resolved); ``value`` what it means."""

    __slots__ = ("column", "line", "plain", "text", "value")

    def __init__(
        self, text: str, value: bool | int | float | str | None, plain: bool, line: int, column: int
    ) -> None:
        self.text = text
        self.value = value
        self.plain = plain
        self.line = line
        self.column = column


class Sequence:
    __slots__ = ("column", "items", "line")

    def __init__(self, line: int, column: int) -> None:
        self.items: list[Node] = []
        self.line = line
        self.column = column


class Mapping:
    """Keys and values, in the order of the file. ``keys`` holds the keys' own places, in the same order."""

    __slots__ = ("column", "entries", "keys", "line")

    def __init__(self, line: int, column: int) -> None:
        self.entries: dict[str, Node] = {}
        self.keys: list[Scalar] = []
        self.line = line
        self.column = column

    def get(self, key: str) -> Node | None:
        return self.entries.get(key)

    def pairs(self) -> Iterator[tuple[Scalar, Node]]:
        return zip(self.keys, self.entries.values(), strict=True)

    def key(self, key: str) -> Scalar:
        return next(scalar for scalar in self.keys if scalar.text == key)


Node: TypeAlias = Scalar | Sequence | Mapping


def to_json(node: Node) -> Json:
    """The plain value of a node and all below it."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Sequence):
        return [to_json(item) for item in node.items]
    return {key: to_json(value) for key, value in node.entries.items()}
