"""Fills ``${name}`` in: names of ``vars`` and of the shot's ``matrix``; ``$$`` is a dollar sign."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from rivya_run.json_types import Json
from rivya_run.storyboard.problems import FilePlace, Findings, below
from rivya_run.suggest import did_you_mean
from rivya_run.text import shortened
from rivya_run.yaml12.nodes import Mapping as MappingNode
from rivya_run.yaml12.nodes import Node, Scalar, Sequence

MARK: Final = re.compile(r"\$\$|\$\{([^}\n]*)(\}?)")
_WHOLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_NAME: Final = r"[A-Za-z_][A-Za-z0-9_]*"
_NO_ID: Final = re.compile(r"[^A-Za-z0-9_-]")
_SEARCHED_LINES: Final = 400  # of a long block of text, in which a name is looked for to point at it


class Filled:
    """A value with its names filled in. ``text`` is None for what has no text as written.

    ``matrix`` is the name of the matrix whose value this whole value is, if it is one.
    """

    __slots__ = ("matrix", "text", "value")

    def __init__(self, value: Json, text: str | None, matrix: str | None = None) -> None:
        self.value = value
        self.text = text
        self.matrix = matrix


class Names:
    """The names that may be filled in. Names of the matrix hide those of ``vars``."""

    __slots__ = ("barred", "findings", "matrix", "variables")

    def __init__(
        self, variables: Mapping[str, Scalar], findings: Findings, matrix: Mapping[str, Scalar] | None = None
    ) -> None:
        self.variables = variables
        self.matrix: Mapping[str, Scalar] = matrix if matrix is not None else {}
        self.findings = findings
        self.barred: Mapping[str, Scalar] = {}

    def text(self, node: Scalar, where: str, *, as_id: bool = False) -> str:
        """The text of a node with its names filled in; ``as_id`` makes values of the matrix fit an id."""
        if "$" not in node.text:
            return node.text
        return MARK.sub(lambda match: self.fill(match, node, where, as_id=as_id), node.text)

    def fill(self, match: re.Match[str], node: Scalar, where: str, *, as_id: bool = False) -> str:
        """What stands for one mark of a node's text."""
        if match.group() == "$$":
            return "$"
        value = self._value(match, node, where)
        if value is None:
            return match.group()
        return _NO_ID.sub("-", value.text) if as_id and match.group(1) in self.matrix else value.text

    def identifier(self, node: Scalar, where: str) -> str:
        """A shot id: only names of the matrix may stand in it."""
        names = Names({}, self.findings, self.matrix)
        names.barred = self.variables
        return names.text(node, where, as_id=True)

    def value(self, node: Node, where: str) -> Filled:
        """A value of ``params``; one that is only ``${name}`` takes over the type of what is filled in."""
        if isinstance(node, Scalar):
            return self._scalar(node, where)
        return Filled(self._json(node, where), None)

    def node(self, node: Node, where: str) -> Node:
        """A node as if what is filled in stood there; it has the places of the one that was written."""
        if isinstance(node, Scalar):
            found = self._scalar(node, where)
            if found.text is None or found.text == node.text or isinstance(found.value, list | dict):
                return node
            return Scalar(found.text, found.value, node.plain, node.line, node.column)
        if isinstance(node, Sequence):
            items = Sequence(node.line, node.column)
            items.items = [self.node(item, where) for item in node.items]
            return items
        mapping = MappingNode(node.line, node.column)
        mapping.keys = node.keys
        mapping.entries = {key: self.node(value, below(where, key)) for key, value in node.entries.items()}
        return mapping

    def _scalar(self, node: Scalar, where: str) -> Filled:
        if not isinstance(node.value, str) or "$" not in node.text:
            return Filled(node.value, node.text)
        match = _WHOLE.fullmatch(node.text)
        if match is None:
            text = self.text(node, where)
            return Filled(text, text)
        name = match.group(1)
        value = self._value(match, node, where)
        if value is None:
            return Filled(node.text, node.text)
        return Filled(value.value, value.text, name if name in self.matrix else None)

    def _json(self, node: Node, where: str) -> Json:
        if isinstance(node, Scalar):
            return self._scalar(node, where).value
        if isinstance(node, Sequence):
            return [self._json(item, where) for item in node.items]
        assert isinstance(node, MappingNode)
        return {key: self._json(value, where) for key, value in node.entries.items()}

    def _value(self, match: re.Match[str], node: Scalar, where: str) -> Scalar | None:
        name = match.group(1)
        value = self.matrix.get(name) or self.variables.get(name)
        if value is not None and (match.re is _WHOLE or match.group(2)):
            return value
        shown = shortened(match.group())
        if match.re is not _WHOLE and not match.group(2):
            message, code = f"'{shown}' is never closed with '}}'; write $$ for a dollar sign", "substitution"
        elif not re.fullmatch(_NAME, name):
            message, code = f"'{shown}' holds no name; write $$ for a dollar sign", "substitution"
        elif name in self.barred:
            message, code = f"'{shown}': an id can only hold names of its shot's matrix", "unknown-name"
        else:
            hint = did_you_mean(name, [*self.matrix, *self.variables])
            message, code = f"unknown name '{name}' in '{shown}'{hint}", "unknown-name"
        self.findings.error(self.spot(node, match), where, message, code)
        return None

    def spot(self, node: Scalar, match: re.Match[str]) -> FilePlace:
        """Where a match stands in the source; else where its text first does; else the node's place."""
        written = match.group()
        source = self.findings.source
        column = node.column - 1
        if match.string is node.text:
            column += match.start() + (0 if node.plain else 1)
            line = source.line(node.line)
            if line is not None and line.startswith(written, column):
                return FilePlace(node.line, column + 1)
            column = node.column - 1
        for number in range(node.line, node.line + _SEARCHED_LINES):
            line = source.line(number)
            if line is None:
                break
            found = line.find(written, column)
            if found >= 0:
                return FilePlace(number, found + 1)
            column = 0
        return FilePlace(node.line, node.column)


def holds_names(node: Node) -> bool:
    """Whether a value holds anything to be filled in."""
    if isinstance(node, Scalar):
        return "$" in node.text
    return any(map(holds_names, node.items if isinstance(node, Sequence) else node.entries.values()))
