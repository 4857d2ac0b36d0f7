"""Shapes: what a value may look like, said once for the reader, the schema and the docs.

``check`` says what is wrong with a value, at its place; ``schema`` says the same to editors as far as a schema
can; ``words`` stand in the docs. An empty value (null) is of no shape. Texts whose words hold ``${}`` may
hold names of ``vars`` and ``matrix``.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable
from collections.abc import Sequence as Listed
from dataclasses import dataclass
from enum import Enum
from typing import Final

from rivya_run.json_types import Json
from rivya_run.models.catalog import DEFAULT_MODEL
from rivya_run.storyboard.problems import Findings
from rivya_run.suggest import did_you_mean
from rivya_run.text import shortened
from rivya_run.yaml12.nodes import Mapping, Node, Scalar, Sequence, to_json

NOT_BLANK_PATTERN: Final = r"\S"
SUBSTITUTION_PATTERN: Final = r"\$\{"
LABEL_SCHEMA: Final[dict[str, Json]] = {"type": ["string", "number"]}


class KeyPlace(Enum):
    """Where keys stand: the name of the schema's definition, in a message, in the docs' tables."""

    TOP = ("top", "at the top level", "top")
    DEFAULTS = ("defaults", "in 'defaults'", "`defaults`")
    PRESET = ("preset", "in a preset", "preset")
    SHOT = ("shot", "in a shot", "shot")
    BUDGET = ("budget", "in 'budget'", "`budget`")
    FILE_REFERENCE = ("file-reference", "in a file reference", "`{path}`")
    URL_REFERENCE = ("url-reference", "in a URL reference", "`{url}`")
    BOARD_REFERENCE = ("board-reference", "in a shot reference", "`{storyboard, shot}`")
    SHOT_REFERENCE = ("shot-reference", "in a shot reference", "`{shot}`")
    MEMBER = ("member", "in a member of the cast", "member of `cast`")
    FIT = ("fit", "in a fit", "`{fit}`")
    VERSION = ("version", "in a version", "version")
    SOUND = ("sound", "in an entry of 'sound'", "entry of `sound`")
    ANCHOR = ("anchor", "in a place of the film", "`{shot}` of `at`, `until`")
    TRANSITION = ("transition", "in 'transition'", "`transition`")
    ENDING = ("ending", "in 'ending'", "`ending`")
    MIX = ("mix", "in 'mix'", "`mix`")
    CAPTIONS = ("captions", "in 'captions'", "`captions`")
    CHECKS = ("checks", "in 'checks'", "`checks`")

    def __init__(self, definition: str, standing: str, column: str) -> None:
        self.definition = definition
        self.standing = standing
        self.column = column


REFERENCE_PLACES: Final = {
    "path": KeyPlace.FILE_REFERENCE,
    "url": KeyPlace.URL_REFERENCE,
    "storyboard": KeyPlace.BOARD_REFERENCE,
    "shot": KeyPlace.SHOT_REFERENCE,
}
"""The key that tells which form a reference mapping has -> that form; the first that is there tells."""


def forms_of(written: Iterable[str]) -> list[str]:
    """The keys in a reference mapping that tell its form: exactly one, where it is a good one."""
    forms = [name for name in REFERENCE_PLACES if name in written]
    return ["storyboard"] if forms == ["storyboard", "shot"] else forms


def kind_of(node: Node) -> str:
    """What a node is, in words for "X where text is needed"."""
    if isinstance(node, Sequence):
        return "a list"
    if isinstance(node, Mapping):
        return "a mapping"
    if node.value is None:
        return "an empty value"
    if isinstance(node.value, bool):
        return f"'{node.text}'"
    return "text" if isinstance(node.value, str) else f"the number {shortened(node.text)}"


def refuse(node: Node, at: str, findings: Findings, needed: str, hint: str = "") -> bool:
    """Say that a value is of the wrong kind; always False."""
    findings.error(node, at, f"{kind_of(node)} where {needed} is needed{hint}", "type")
    return False


def elements(node: Node, at: str) -> list[tuple[Node, str]]:
    """The elements of a list with their paths; what is no list is one element."""
    if not isinstance(node, Sequence):
        return [(node, at)]
    return [(item, f"{at}[{index}]") for index, item in enumerate(node.items)]


def texts(node: Node) -> list[str]:
    """The texts of one scalar or a list of them."""
    items = node.items if isinstance(node, Sequence) else [node]
    return [item.text for item in items if isinstance(item, Scalar)]


class Shape(ABC):
    """One kind of value."""

    def __init__(self, words: str, says: dict[str, Json]) -> None:
        self.words = words
        self._says = says

    @abstractmethod
    def check(self, node: Node, at: str, findings: Findings) -> bool:
        """Whether a value is of this shape; what is wrong with it is said."""

    def schema(self, models: Listed[str]) -> dict[str, Json]:
        """``models``: the ids of the tables in force."""
        del models
        return dict(self._says)

    def inner(self, node: Node, at: str) -> Iterable[tuple[Mapping, KeyPlace, str]]:
        """The mappings in a well-shaped value that hold keys of the language, with their places and paths."""
        del node, at
        return ()

    def value(self, node: Node) -> Json:
        """What a well-shaped value is to the program, for keys that are carried to it as they are."""
        return to_json(node)


class Text(Shape):
    """Text, not blank."""

    def __init__(self, words: str = "text", says: dict[str, Json] | None = None) -> None:
        super().__init__(words, says or {"type": "string", "pattern": NOT_BLANK_PATTERN})

    def check(self, node: Node, at: str, findings: Findings) -> bool:
        if isinstance(node, Scalar) and isinstance(node.value, str):
            if node.text.strip():
                return True
            findings.error(node, at, f"'{re.split('[. ]', at)[-1]}' is blank", "blank")
            return False
        hint = ""
        if isinstance(node, Scalar) and node.value is not None:
            hint = f': put it in quotes, "{shortened(node.text)}"'
        return refuse(node, at, findings, "text", hint)


class ModelId(Text):
    def schema(self, models: Listed[str]) -> dict[str, Json]:
        return {"default": DEFAULT_MODEL, "type": "string", "enum": list(models)}


class Label(Shape):
    """One text, or an unquoted number as it is written."""

    def __init__(self, words: str = "text", says: dict[str, Json] = LABEL_SCHEMA) -> None:
        super().__init__(words, says)

    def check(self, node: Node, at: str, findings: Findings) -> bool:
        if isinstance(node, Scalar) and node.value is not None and not isinstance(node.value, bool):
            return True
        hint = f": put it in quotes, '{node.text}'" if isinstance(node, Scalar) and node.text else ""
        return refuse(node, at, findings, "text", hint)

    def value(self, node: Node) -> Json:
        assert isinstance(node, Scalar)
        return node.text


class Labels(Label):
    """One label or a list of them."""

    def __init__(self, words: str) -> None:
        super().__init__(words, {"type": ["string", "number", "array"], "items": LABEL_SCHEMA})

    def check(self, node: Node, at: str, findings: Findings) -> bool:
        items = node.items if isinstance(node, Sequence) else [node]
        good = [super(Labels, self).check(item, at, findings) for item in items]
        return all(good)

    def value(self, node: Node) -> Json:
        return [*texts(node)]


class Number(Shape):
    """A number within limits; ``whole``: without a fraction (JSON's 3.0 has none)."""

    def __init__(self, minimum: int | None, maximum: int | None = None, *, whole: bool = False) -> None:
        limits = f"{minimum} or more" if maximum is None else f"{minimum} to {maximum}"
        says: dict[str, Json] = {"type": "integer" if whole else "number"}
        if minimum is not None:
            says["minimum"] = minimum
        if maximum is not None:
            says["maximum"] = maximum
        kind = "whole number" if whole else "number"
        super().__init__(kind if minimum is None else f"{kind}, {limits}", says)
        self.minimum = minimum
        self.maximum = maximum
        self.whole = whole

    def check(self, node: Node, at: str, findings: Findings) -> bool:
        value = node.value if isinstance(node, Scalar) else None
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or (self.whole and isinstance(value, float) and not value.is_integer()):
            needed = "a whole number" if self.whole else "a number"
            return refuse(node, at, findings, needed, _unquote(node))
        assert isinstance(node, Scalar)
        assert isinstance(value, int | float)
        if self.minimum is not None and value < self.minimum:
            message = f"{shortened(node.text)} is less than the minimum {self.minimum}"
        elif self.maximum is not None and value > self.maximum:
            message = f"{shortened(node.text)} is more than the maximum {self.maximum}"
        else:
            return True
        findings.error(node, at, message, "range")
        return False

    def value(self, node: Node) -> Json:
        assert isinstance(node, Scalar)
        assert isinstance(node.value, int | float)
        return int(node.value) if self.whole else float(node.value)


def _unquote(node: Node) -> str:
    if not isinstance(node, Scalar) or not re.fullmatch(r"[0-9.]+", node.text):
        return ""
    zeros = re.match(r"0[0-9]", node.text) is not None
    return ": write it without leading zeros" if zeros else "" if node.plain else ": write it without quotes"


class Flag(Shape):
    def check(self, node: Node, at: str, findings: Findings) -> bool:
        if isinstance(node, Scalar) and isinstance(node.value, bool):
            return True
        return refuse(node, at, findings, "true or false")


class NumberByName(Number):
    """A number, or a mapping from names to numbers, in which ``*`` stands for all others."""

    def check(self, node: Node, at: str, findings: Findings) -> bool:
        if not isinstance(node, Mapping):
            return super().check(node, at, findings)
        if not node.entries:
            return refuse(
                node, at, findings, "a number, or a mapping from the ids of what is made to numbers"
            )
        good = [super(NumberByName, self).check(one, at, findings) for one in node.entries.values()]
        return all(good)

    def schema(self, models: Listed[str]) -> dict[str, Json]:
        number = super().schema(models)
        each: dict[str, Json] = {"minProperties": 1, "additionalProperties": number}
        return {"if": {"type": "object"}, "then": each, "else": number}

    def value(self, node: Node) -> Json:
        if not isinstance(node, Mapping):
            return super().value(node)
        return {name: super(NumberByName, self).value(one) for name, one in node.entries.items()}


class VersionOne(Shape):
    def check(self, node: Node, at: str, findings: Findings) -> bool:
        if isinstance(node, Scalar) and type(node.value) in (int, float) and node.value == 1:
            return True
        shown = f"{shortened(node.text)!r}" if isinstance(node, Scalar) else kind_of(node)
        message = f"{shown} is not a version this program knows; it reads version 1"
        findings.error(node, at, message, "version")
        return False


class OneOf(Shape):
    """One of a few words; ``noun``: what each of them is, with its article."""

    def __init__(self, noun: str, options: tuple[str, ...]) -> None:
        super().__init__(" ".join(f"`{option}`" for option in options), {"enum": [*options]})
        self.noun = noun
        self.options = options

    def check(self, node: Node, at: str, findings: Findings) -> bool:
        if isinstance(node, Scalar) and node.value in self.options:
            return True
        listed, several = ", ".join(self.options), len(self.options) > 1
        if not isinstance(node, Scalar) or not node.text:
            return refuse(node, at, findings, f"{'one of ' * several}{listed}")
        hint = (
            did_you_mean(node.text, self.options)
            or f": it {'is one of' if several else 'can only be'} {listed}"
        )
        findings.error(node, at, f"'{shortened(node.text)}' is not {self.noun}{hint}", "option")
        return False


class NumberOr(Shape):
    """A number, or one of a few words. ``noun`` is what both are, ``measure`` what the number is."""

    def __init__(self, number: Number, options: tuple[str, ...], noun: str, measure: str) -> None:
        says: dict[str, Json] = {"if": {"type": "number"}, "then": number.schema(())}
        words = " ".join(f"`{option}`" for option in options)
        super().__init__(f"{words}, or {number.words}", says | {"else": {"enum": [*options]}})
        self._number = number
        self._options = options
        self._noun = noun
        self._needed = f"{', '.join(options)} or {measure}"

    def check(self, node: Node, at: str, findings: Findings) -> bool:
        if isinstance(node, Scalar) and isinstance(node.value, str):
            if node.text in self._options:
                return True
            hint = did_you_mean(node.text, self._options)
            message = f"'{shortened(node.text)}' is not {self._noun}: use {self._needed}{hint}"
            findings.error(node, at, message, "option")
            return False
        if isinstance(node, Scalar) and type(node.value) in (int, float):
            return self._number.check(node, at, findings)
        return refuse(node, at, findings, self._needed)

    def value(self, node: Node) -> Json:
        value = to_json(node)
        return float(value) if isinstance(value, int | float) else value


@dataclass(frozen=True, slots=True)
class Key:
    """One key of the language. ``help`` is what an editor shows on hover.

    ``fillable``: names may stand in its value, wherever; it is checked when they are filled in.
    """

    name: str
    shape: Shape
    places: tuple[KeyPlace, ...]
    title: str
    help: str
    required: bool = False
    default: Json = None
    examples: tuple[Json, ...] = ()
    fillable: bool = False
