"""Reads a YAML 1.2 (or JSON) document into nodes with places, and says all that is wrong with it.

Built on the events of PyYAML's parser (libyaml where it is there): its constructors read YAML 1.1, where
``16:9`` is 969, and its nodes cost three times the memory of ours. Hostile input ends in problems: aliases
add at most MAX_ALIASED nodes, nothing nests deeper than MAX_DEPTH, reading stops at the first syntax error.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from sys import intern
from typing import Any, Final

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from rivya_run.errors import Problem
from rivya_run.text import shortened
from rivya_run.yaml12.nodes import Mapping, Node, Scalar, Sequence, meaning
from rivya_run.yaml12.source import SourceText, decode, explain, joined_surrogates, misread

MAX_DEPTH: Final = 64  # levels; far more than the language has, and recursion has its limit
MAX_ALIASED: Final = 200_000  # nodes: no storyboard comes near, a billion laughs ends here

_CORE: Final = "tag:yaml.org,2002:"
_BREAKS_OF_1_1: Final = "\x85\u2028\u2029"
_STAND_INS: Final = "\U0010fff0\U0010fff1\U0010fff2"


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """A document as far as it could be read. ``root`` is None where there is nothing to go on with."""

    root: Node | None
    problems: tuple[Problem, ...]
    source: SourceText


class _StopReading(Exception):
    """Reading on makes no sense; the problem is noted."""


@contextmanager
def quiet_collector() -> Iterator[None]:
    """No garbage collection while many small things are made that all stay (a third of the time else)."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def parse(content: bytes, file: str) -> YamlDocument:
    """Read one document; ``file`` is its name in problems. Never raises for any content."""
    source, problem = decode(content, file)
    if problem is not None:
        return YamlDocument(None, (problem,), source)
    reading = _Reading(source)
    with quiet_collector():
        root = reading.document()
    return YamlDocument(root, tuple(reading.problems), source)


def events(text: str) -> Callable[[], Any]:
    """The next-event function for a text in which ``parse`` found nothing wrong; marks are places in that text."""
    # JSON's escapes for half a character: what they stand for is of no matter here, their length is.
    halves = re.sub(r"\\u[dD][89a-fA-F](?=[0-9a-fA-F]{2})", r"\\u4e", text)
    return _events(_without_breaks_of_1_1(halves))


def _without_breaks_of_1_1(text: str) -> str:
    """YAML 1.2 breaks lines at CR and LF only; the parser, being of 1.1, also at these three."""
    if any(character in text for character in _BREAKS_OF_1_1):
        return text.translate(dict(zip(map(ord, _BREAKS_OF_1_1), _STAND_INS, strict=True)))
    return text


def _events(text: str) -> Callable[[], Any]:
    """The next-event function of the fastest parser there is."""
    if yaml.__with_libyaml__:
        from yaml._yaml import CParser

        parser: Any = CParser(text)
    else:
        parser = yaml.SafeLoader(text)
    next_event: Callable[[], Any] = parser.get_event
    return next_event


class _Reading:
    """One pass over the events of a document."""

    def __init__(self, source: SourceText) -> None:
        self.source = source
        self.problems: list[Problem] = []
        self.anchors: dict[str, tuple[Node, int]] = {}
        self.open_anchors: dict[int, tuple[str, int]] = {}
        self.merges: dict[int, list[Node]] = {}
        self.aliased = 0
        self.count = 0
        self.restore: dict[int, str] | None = None
        self.gone: dict[int, list[int]] = {}

    def note(self, line: int, column: int, message: str, code: str) -> None:
        """A problem at a place as the parser counts it."""
        missing = self.gone.get(line)
        if missing:
            column += 2 * sum(1 for before in missing if before < column)
        self.problems.append(self.source.problem(line, column, message, code))

    def document(self) -> Node | None:
        """The root of the only document, or None."""
        try:
            text = self._prepared()
            root = self._only_document(_events(text))
            for line, column, message in misread(text, _events) if not self.problems else ():
                self.note(line, column, message, "syntax")
            return root
        except _StopReading:
            return None
        except yaml.YAMLError as error:
            self._broken(error)
            return None

    def _broken(self, error: yaml.YAMLError) -> None:
        """The parser gave up. Newer ones have a depth limit of their own, which it may meet while reading ahead."""
        mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
        if mark is not None and "maximum nesting depth" in str(error):
            self._too_deep(mark.line + 1, mark.column + 1)
        else:
            self.problems.append(explain(error, self.source))

    def _too_deep(self, line: int, column: int) -> None:
        self.note(line, column, f"nested deeper than {MAX_DEPTH} levels", "too-deep")

    def _prepared(self) -> str:
        text = _without_breaks_of_1_1(self.source.text)
        if text is not self.source.text:
            self.restore = dict(zip(map(ord, _STAND_INS), _BREAKS_OF_1_1, strict=True))
        if text.lstrip()[:1] in ("{", "[") and ("\\ud" in text or "\\uD" in text):
            text, self.gone = joined_surrogates(text)
        # Blanks that end a file without a line feed belong to its last text, as a line of their own.
        return f"{text}\n" if text[-1:] in (" ", "\t") and not text.rpartition("\n")[2].strip() else text

    def _only_document(self, next_event: Callable[[], Any]) -> Node | None:
        root: Node | None = None
        documents = 0
        while True:
            event = next_event()
            kind = type(event)
            if kind is StreamEndEvent:
                break
            if kind is DocumentStartEvent:
                documents += 1
                if documents == 2:
                    mark = event.start_mark
                    message = "a second document begins here; a storyboard is one document"
                    self.note(mark.line + 1, mark.column + 1, message, "several-documents")
                    break
            elif isinstance(event, NodeEvent):
                root = self._tree(event, next_event)
        if root is None or (isinstance(root, Scalar) and root.plain and root.text == ""):
            if not self.problems:
                self.note(1, 1, "the file is empty", "empty")
            return None
        return root

    def _tree(self, event: Any, next_event: Callable[[], Any]) -> Node:
        """One node and all below it; the loop is long because it runs for every event of a large file."""
        top = Sequence(0, 0)
        current: Sequence | Mapping = top
        key: Scalar | None = None
        stack: list[tuple[Sequence | Mapping, Scalar | None]] = []
        restore = self.restore
        line = 0
        node: Node
        while True:
            kind = type(event)
            if kind is MappingEndEvent or kind is SequenceEndEvent:
                self._close(current)
                current, key = stack.pop()
            else:
                if kind is ScalarEvent:
                    mark = event.start_mark
                    text = event.value if restore is None else event.value.translate(restore)
                    self.count += 1
                    if event.tag is None and event.anchor is None:
                        plain = event.implicit[0]
                        value = meaning(text) if plain else text
                        # One number object for all nodes of a line.
                        line = line if mark.line == line - 1 else mark.line + 1
                        node = Scalar(text, value, plain, line, mark.column + 1)
                    else:
                        node = self._marked_scalar(event, text)
                elif kind is AliasEvent:
                    node = self._alias(event)
                else:
                    node = self._collection(event, len(stack))
                if type(current) is Sequence:
                    current.items.append(node)
                elif key is None:
                    key = self._key(node)
                else:
                    self._entry(current, key, node)
                    key = None
                if kind is MappingStartEvent or kind is SequenceStartEvent:
                    stack.append((current, key))
                    current, key = node, None  # type: ignore[assignment]
            if not stack:
                return top.items[0]
            event = next_event()

    def _key(self, node: Node) -> Scalar:
        if isinstance(node, Scalar):
            return node
        self.note(node.line, node.column, "a key must be a single word or text", "key")
        return _NO_KEY

    def _entry(self, mapping: Any, key: Scalar, node: Node) -> None:
        text = key.text
        if text == "<<" and key.plain:
            self.merges.setdefault(id(mapping), []).append(node)
        elif key is _NO_KEY:
            return
        elif text not in mapping.entries:
            key.text = key.value = intern(text)  # a large file has few different keys
            mapping.entries[key.text] = node
            mapping.keys.append(key)
        else:
            first = next(other.line for other in mapping.keys if other.text == text)
            message = f"the key '{shortened(text)}' is repeated; the first is in line {first}"
            self.note(key.line, key.column, message, "duplicate-key")

    def _collection(self, event: Any, depth: int) -> Sequence | Mapping:
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        if depth >= MAX_DEPTH:
            self._too_deep(line, column)
            raise _StopReading
        mapping = type(event) is MappingStartEvent
        if event.tag is not None and event.tag not in (_CORE + ("map" if mapping else "seq"), "!"):
            self.note(line, column, _tag_message(event.tag), "tag")
        node: Sequence | Mapping = Mapping(line, column) if mapping else Sequence(line, column)
        self.count += 1
        if event.anchor is not None:
            self.anchors.pop(event.anchor, None)
            self.open_anchors[id(node)] = (event.anchor, self.count)
        return node

    def _close(self, node: Sequence | Mapping) -> None:
        if self.merges and id(node) in self.merges and isinstance(node, Mapping):
            self._merge(node, self.merges.pop(id(node)))
        if self.open_anchors and id(node) in self.open_anchors:
            anchor, before = self.open_anchors.pop(id(node))
            self.anchors[anchor] = (node, self.count - before + 1)

    def _alias(self, event: Any) -> Node:
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        name = event.anchor
        if name in self.anchors:
            node, size = self.anchors[name]
            self.aliased += size
            self.count += size
            if self.aliased > MAX_ALIASED:
                message = f"aliases expand the file to more than {MAX_ALIASED} values"
                self.note(line, column, message, "alias-limit")
                raise _StopReading
            return node
        if any(name == anchor for anchor, _ in self.open_anchors.values()):
            self.note(
                line, column, f"'*{shortened(name)}' refers to something that contains it", "recursive-alias"
            )
        else:
            message = f"there is no '&{shortened(name)}' before this; text that begins with '*' needs quotes"
            self.note(line, column, message, "undefined-alias")
        return Scalar("", None, True, line, column)

    def _marked_scalar(self, event: Any, text: str) -> Scalar:
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        plain = event.implicit[0]
        value = meaning(text) if plain else text
        tag = event.tag
        if tag is not None and tag not in ("!", _CORE + "str"):
            plain, value = True, meaning(text)
            fitting = _TAGGED.get(tag)
            if fitting is None:
                self.note(line, column, _tag_message(tag), "tag")
            elif type(value) not in fitting:
                message = f"'{shortened(text)}' is not a valid {tag.removeprefix(_CORE)}"
                self.note(line, column, message, "tag")
        elif tag is not None:
            plain, value = False, text
        node = Scalar(text, value, plain, line, column)
        if event.anchor is not None:
            self.anchors[event.anchor] = (node, 1)
        return node

    def _merge(self, mapping: Mapping, values: list[Node]) -> None:
        """What ``<<`` brings in: keys of the mapping itself win, then those of earlier sources."""
        for value in values:
            for item in value.items if isinstance(value, Sequence) else [value]:
                if not isinstance(item, Mapping):
                    self.note(item.line, item.column, "'<<' takes a mapping or a list of mappings", "merge")
                    continue
                for key, node in item.pairs():
                    if key.text not in mapping.entries:
                        mapping.entries[key.text] = node
                        mapping.keys.append(key)


_TAGGED: Final[dict[str, tuple[type, ...]]] = {
    _CORE + "int": (int,),
    _CORE + "float": (int, float),
    _CORE + "bool": (bool,),
    _CORE + "null": (type(None),),
}
_NO_KEY: Final = Scalar("", "", False, 0, 0)


def _tag_message(tag: str) -> str:
    name = "!!" + tag.removeprefix(_CORE) if tag.startswith(_CORE) else tag
    return f"the tag '{shortened(name)}' is not allowed; plain values are all that a storyboard needs"
