"""Step one, for single values: is it text, a number, a flag, a frame?"""

from __future__ import annotations

import re
from collections.abc import Callable

from rivya_run.models.table import KINDS
from rivya_run.storyboard.language import FRAMES, Key
from rivya_run.storyboard.problems import Findings, below
from rivya_run.suggest import did_you_mean
from rivya_run.text import shortened
from rivya_run.yaml12.nodes import Mapping, Node, Scalar, Sequence

Check = Callable[[Node, Key, str, Findings], bool]


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


def refuse(node: Node, key: Key, where: str, findings: Findings, needed: str, hint: str = "") -> bool:
    """Say that a value is of the wrong kind; always False."""
    message = f"{kind_of(node)} where {needed} is needed{hint}"
    findings.error(node, below(where, key.name), message, "type")
    return False


def text(node: Node, key: Key, where: str, findings: Findings) -> bool:
    if isinstance(node, Scalar) and isinstance(node.value, str):
        if node.text.strip():
            return True
        findings.error(node, below(where, key.name), f"'{key.name}' is blank", "blank")
        return False
    hint = ""
    if isinstance(node, Scalar) and node.value is not None:
        hint = f': put it in quotes, "{shortened(node.text)}"'
    return refuse(node, key, where, findings, "text", hint)


def label(node: Node, key: Key, where: str, findings: Findings) -> bool:
    if isinstance(node, Scalar) and node.value is not None and not isinstance(node.value, bool):
        return True
    hint = f": put it in quotes, '{node.text}'" if isinstance(node, Scalar) and node.text else ""
    return refuse(node, key, where, findings, "text", hint)


def labels(node: Node, key: Key, where: str, findings: Findings) -> bool:
    items = node.items if isinstance(node, Sequence) else [node]
    good = [label(item, key, where, findings) for item in items]
    return all(good)


def _whole(value: object) -> bool:
    return type(value) is int or (isinstance(value, float) and value.is_integer())


def count(node: Node, key: Key, where: str, findings: Findings) -> bool:
    if not isinstance(node, Scalar) or not _whole(node.value):
        return refuse(node, key, where, findings, "a whole number", _unquote(node))
    return _within(node, key, where, findings)


def amount(node: Node, key: Key, where: str, findings: Findings) -> bool:
    if not isinstance(node, Scalar) or type(node.value) not in (int, float):
        return refuse(node, key, where, findings, "a number", _unquote(node))
    return _within(node, key, where, findings)


def _unquote(node: Node) -> str:
    if not isinstance(node, Scalar) or not re.fullmatch(r"[0-9.]+", node.text):
        return ""
    zeros = re.match(r"0[0-9]", node.text) is not None
    return ": write it without leading zeros" if zeros else "" if node.plain else ": write it without quotes"


def _within(node: Scalar, key: Key, where: str, findings: Findings) -> bool:
    value = node.value
    assert isinstance(value, int | float)
    if key.minimum is not None and value < key.minimum:
        message = f"{shortened(node.text)} is less than the minimum {key.minimum}"
    elif key.maximum is not None and value > key.maximum:
        message = f"{shortened(node.text)} is more than the maximum {key.maximum}"
    else:
        return True
    findings.error(node, below(where, key.name), message, "range")
    return False


def flag(node: Node, key: Key, where: str, findings: Findings) -> bool:
    if isinstance(node, Scalar) and isinstance(node.value, bool):
        return True
    return refuse(node, key, where, findings, "true or false")


def version(node: Node, key: Key, where: str, findings: Findings) -> bool:
    if isinstance(node, Scalar) and type(node.value) in (int, float) and node.value == 1:
        return True
    shown = f"{shortened(node.text)!r}" if isinstance(node, Scalar) else kind_of(node)
    message = f"{shown} is not a version this program knows; it reads version 1"
    findings.error(node, below(where, key.name), message, "version")
    return False


def kind(node: Node, key: Key, where: str, findings: Findings) -> bool:
    if isinstance(node, Scalar) and node.value in KINDS:
        return True
    if isinstance(node, Scalar) and node.text:
        hint = did_you_mean(node.text, KINDS) or f": it is one of {', '.join(KINDS)}"
        message = f"'{shortened(node.text)}' is not a kind{hint}"
        findings.error(node, below(where, key.name), message, "option")
        return False
    return refuse(node, key, where, findings, f"one of {', '.join(KINDS)}")


def frame(node: Node, key: Key, where: str, findings: Findings) -> bool:
    if isinstance(node, Scalar) and type(node.value) in (int, float):
        return _within(node, key, where, findings)
    if isinstance(node, Scalar) and isinstance(node.value, str):
        if node.text in FRAMES:
            return True
        hint = did_you_mean(node.text, FRAMES)
        message = f"'{shortened(node.text)}' is not a frame: use first, last or a time in seconds{hint}"
        findings.error(node, below(where, key.name), message, "option")
        return False
    return refuse(node, key, where, findings, "first, last or seconds")
