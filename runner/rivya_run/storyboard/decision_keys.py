"""The keys of decisions: what is approved, what waits for that, and which faults of a clip count.

None of them is ever sent, and they are part of no fingerprint.
"""

from __future__ import annotations

import re
from collections.abc import Sequence as Listed
from typing import Final

from rivya_run.json_types import Json
from rivya_run.storyboard.containers import Record
from rivya_run.storyboard.model import CHECKS, LEAST_DIGITS
from rivya_run.storyboard.problems import Findings
from rivya_run.storyboard.shapes import Key, KeyPlace, Labels, OneOf, Shape, elements, refuse, texts
from rivya_run.text import shortened
from rivya_run.yaml12.nodes import Mapping, Node, Scalar

APPROVED_PATTERN: Final = rf"^[1-9][0-9]?@[0-9A-Fa-f]{{{LEAST_DIGITS},64}}$"
_FORM: Final = f"a take and at least {LEAST_DIGITS} digits of its file's sha256, like 2@3fa9c1d2"


class TakeAndDigits(Shape):
    """``TAKE@DIGITS``, or a mapping from the ids of what is made to such."""

    def __init__(self) -> None:
        one: dict[str, Json] = {"type": "string", "pattern": APPROVED_PATTERN}
        each: Json = {"minProperties": 1, "additionalProperties": one}
        words = "`TAKE@DIGITS`, or a mapping from ids to such"
        super().__init__(words, {"if": {"type": "object"}, "then": each, "else": one})

    def check(self, node: Node, at: str, findings: Findings) -> bool:
        if isinstance(node, Mapping):
            if not node.entries:
                return refuse(node, at, findings, f"{_FORM}, for each id of what is made")
            good = [self._one(one, f"{at}.{name}", findings) for name, one in node.entries.items()]
            return all(good)
        return self._one(node, at, findings)

    def _one(self, node: Node, at: str, findings: Findings) -> bool:
        if not isinstance(node, Scalar) or not node.text:
            return refuse(node, at, findings, _FORM)
        if re.fullmatch(APPROVED_PATTERN, node.text):
            return True
        findings.error(node, at, f"'{shortened(node.text)}' is not {_FORM}", "approved")
        return False


class SomeOf(OneOf):
    """One of a few words, or a list of them."""

    def check(self, node: Node, at: str, findings: Findings) -> bool:
        good = [super(SomeOf, self).check(item, where, findings) for item, where in elements(node, at)]
        return all(good)

    def schema(self, models: Listed[str]) -> dict[str, Json]:
        one = super().schema(models)
        return {"if": {"type": "array"}, "then": {"items": one}, "else": one}

    def value(self, node: Node) -> Json:
        return [*texts(node)]


def _has(code: str) -> dict[str, Json]:
    one: dict[str, Json] = {"const": code}
    return {"anyOf": [one, {"type": "array", "contains": one}]}


class ChecksOf(Record):
    """Which checks stop a take, and which say nothing."""

    def __init__(self) -> None:
        super().__init__(KeyPlace.CHECKS)

    def check(self, node: Node, at: str, findings: Findings) -> bool:
        if not super().check(node, at, findings):
            return False
        entries = node.entries if isinstance(node, Mapping) else {}
        stops = texts(entries["stop"]) if "stop" in entries else []
        good = True
        for item, where in elements(entries["quiet"], f"{at}.quiet") if "quiet" in entries else ():
            for code in set(texts(item)) & set(stops):
                message = f"'{code}' stops a take here: something that stops one can't be quiet"
                findings.error(item, where, message, "checks")
                good = False
        return good

    def schema(self, models: Listed[str]) -> dict[str, Json]:
        both: list[Json] = [
            {"not": {"required": ["stop", "quiet"], "properties": {"stop": _has(one), "quiet": _has(one)}}}
            for one in CHECKS
        ]
        return {"allOf": [super().schema(models), *both]}

    def value(self, node: Node) -> Json:
        known = {"stop": _CODES, "quiet": _CODES}
        assert isinstance(node, Mapping)
        return {
            name: shape.value(node.entries[name]) for name, shape in known.items() if name in node.entries
        }


_CODES: Final = SomeOf("a check", CHECKS)
_LAYERS: Final = (KeyPlace.DEFAULTS, KeyPlace.PRESET, KeyPlace.SHOT)

DECISION_KEYS: tuple[Key, ...] = (
    Key(
        "quiet",
        Labels("code, or a list"),
        (KeyPlace.TOP,),
        "Quiet",
        "Codes of advice that isn't told, nor an error with --strict.",
        examples=(["ratio-mismatch"],),
    ),
    Key(
        "approved",
        TakeAndDigits(),
        (KeyPlace.SHOT,),
        "Approved take",
        "The take that is settled, with digits of its file's sha256: it is kept and used whatever the shot says "
        "later, and nothing more is made. Of a shot that becomes several a mapping from their ids.",
        examples=("2@3fa9c1d2", {"sh010-tall": "1@b04ce87a"}),
    ),
    Key(
        "approval",
        OneOf("a kind of approval", ("required",)),
        _LAYERS,
        "Approval",
        "required: what is to be made from this shot waits until a take of it is approved.",
    ),
    Key(
        "checks",
        ChecksOf(),
        _LAYERS,
        "Checks",
        "What a clip that has a fault is good for: stop keeps it from films and other shots, quiet says nothing.",
        examples=({"stop": ["black", "damaged"], "quiet": ["frozen"]},),
    ),
    Key(
        "stop",
        _CODES,
        (KeyPlace.CHECKS,),
        "Stop",
        "A take with one of these faults is used in no film and for no other shot until it is approved.",
        examples=(["black", "damaged"],),
    ),
    Key(
        "quiet",
        _CODES,
        (KeyPlace.CHECKS,),
        "Quiet",
        "Nothing is said of these faults.",
        examples=(["frozen"],),
    ),
)
