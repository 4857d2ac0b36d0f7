"""Shapes of mappings and lists: what their entries may be, and which of them hold keys of the language."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rivya_run.json_types import Json
from rivya_run.models.table import is_extension
from rivya_run.models.table_schemas import ref
from rivya_run.storyboard.model import NAME_PATTERN, VERSION_PATTERN
from rivya_run.storyboard.problems import Findings, below
from rivya_run.storyboard.shapes import (
    REFERENCE_PLACES,
    KeyPlace,
    Shape,
    elements,
    forms_of,
    kind_of,
    refuse,
)
from rivya_run.suggest import did_you_mean
from rivya_run.text import shortened
from rivya_run.yaml12.nodes import Mapping, Node, Scalar, Sequence


class Map(Shape):
    """A mapping; ``entry`` has the rule of its entries."""

    lenient = True
    """Whether the rest of the mapping is of use where an entry of it is not."""

    empty: str | None = None
    """What is wrong with a mapping without entries; None: nothing."""

    def check(self, node: Node, at: str, findings: Findings) -> bool:
        if not isinstance(node, Mapping):
            return refuse(node, at, findings, "a mapping (key: value)")
        if self.empty is not None and all(map(is_extension, node.entries)):
            findings.error(node, at, self.empty, "type")
            return False
        before = findings.errors
        for name, value in node.pairs():
            if not is_extension(name.text):
                self.entry(name, value, below(at, name.text), findings)
        return self.lenient or findings.errors == before

    def entry(self, name: Scalar, value: Node, at: str, findings: Findings) -> None:
        """Check an entry that is not people's own."""


class Record(Map):
    """A mapping of the keys that stand in a place; each is checked as declared."""

    def __init__(self, place: KeyPlace) -> None:
        super().__init__("mapping", ref(place.definition))
        self._place = place

    def inner(self, node: Node, at: str) -> Iterator[tuple[Mapping, KeyPlace, str]]:
        if isinstance(node, Mapping):
            yield node, self._place, at


class Params(Map):
    """Parameter -> value; which there are is the models' tables' to say."""

    def entry(self, name: Scalar, value: Node, at: str, findings: Findings) -> None:
        if isinstance(value, Scalar) and value.value is None:
            message = "the value is empty; leave the key out to get the model's default"
            findings.error(value, at, message, "type")
            findings.mark_invalid(value)


class Variables(Map):
    """Name -> text or number; ``flags``: or true or false."""

    def __init__(self, words: str, says: dict[str, Json], *, flags: bool = False) -> None:
        super().__init__(words, says)
        self._types = (str, int, float, bool) if flags else (str, int, float)

    def entry(self, name: Scalar, value: Node, at: str, findings: Findings) -> None:
        _check_name(name, at, findings)
        if not isinstance(value, Scalar) or type(value.value) not in self._types:
            refuse(value, at, findings, "text or a number")
            findings.mark_invalid(value)
        else:
            _check_literal(value, at, findings)


class MatrixLists(Map):
    """Name -> list, not empty, of texts, numbers, true or false; at least one."""

    lenient = False
    empty = "the matrix is empty"

    def entry(self, name: Scalar, value: Node, at: str, findings: Findings) -> None:
        _check_name(name, at, findings)
        if not isinstance(value, Sequence) or not value.items:
            shown = "an empty list" if isinstance(value, Sequence) else kind_of(value)
            findings.error(value, at, f"{shown} where a list of values is needed", "type")
            return
        for item in value.items:
            if not isinstance(item, Scalar) or item.value is None:
                refuse(item, at, findings, "text or a number")
            else:
                _check_literal(item, at, findings)


class Records(Map):
    """Name -> a mapping of the keys of a place. ``wrong`` says of a name that it can't be one, ``needed`` shows the
    mapping."""

    def __init__(
        self, definition: str, place: KeyPlace, *, wrong: str, pattern: str, longest: int, needed: str
    ) -> None:
        super().__init__("mapping of mappings", ref(definition))
        self._place = place
        self._pattern = pattern
        self._rule = (
            f"{wrong}: use letters, digits, - and _, starting with a letter or digit, "
            f"at most {longest} characters"
        )
        self._needed = needed

    def entry(self, name: Scalar, value: Node, at: str, findings: Findings) -> None:
        if not re.fullmatch(self._pattern, name.text):
            findings.error(name, at, f"'{shortened(name.text)}' {self._rule}", "name")
        if not isinstance(value, Mapping):
            refuse(value, at, findings, f"a mapping ({self._needed})")

    def inner(self, node: Node, at: str) -> Iterator[tuple[Mapping, KeyPlace, str]]:
        for name, value in node.entries.items() if isinstance(node, Mapping) else ():
            if isinstance(value, Mapping) and not is_extension(name):
                yield value, self._place, below(at, name)


class Versions(Records):
    """Version name -> the keys of a version; at least one."""

    lenient = False
    empty = "there are no versions: leave the key out"

    def __init__(self) -> None:
        super().__init__(
            "versions",
            KeyPlace.VERSION,
            wrong="is not a valid name of a version",
            pattern=VERSION_PATTERN,
            longest=16,
            needed="vars: ...",
        )


class Layers(Map):
    """Preset name -> the keys of a preset."""

    def entry(self, name: Scalar, value: Node, at: str, findings: Findings) -> None:
        if not isinstance(value, Mapping):
            refuse(value, at, findings, "a mapping (key: value)")


def _check_name(name: Scalar, at: str, findings: Findings) -> None:
    if not re.fullmatch(NAME_PATTERN, name.text):
        shown = shortened(name.text)
        message = f"'{shown}' is not a valid name: use letters, digits and _, not starting with a digit"
        findings.error(name, at, message, "name")


def _check_literal(value: Scalar, at: str, findings: Findings) -> None:
    if "${" in value.text:
        findings.error(value, at, "a value that is filled in can't itself hold '${...}'", "substitution")
        findings.mark_invalid(value)


class Shots(Shape):
    """A list, not empty; what each shot holds is checked as it is read, since the file may be large."""

    def check(self, node: Node, at: str, findings: Findings) -> bool:
        if not isinstance(node, Sequence):
            return refuse(node, at, findings, "a list of shots ('- id: ...')")
        if not node.items:
            findings.error(node, at, "there are no shots", "no-shots")
        return bool(node.items)


class ReferenceList(Shape):
    """One or a list of: path, URL, mapping of one of the four reference places."""

    def check(self, node: Node, at: str, findings: Findings) -> bool:
        for item, where in elements(node, at):
            before = findings.errors
            if isinstance(item, Mapping):
                self._check_form(item, where, findings)
            elif isinstance(item, Sequence) or not isinstance(item.value, str):
                refuse(item, where, findings, "a path, a URL or a mapping")
            elif not item.text.strip():
                findings.error(item, where, "the reference is blank", "blank")
            if findings.errors != before:
                findings.mark_invalid(item)
        return True

    def _check_form(self, node: Mapping, at: str, findings: Findings) -> None:
        forms = forms_of(node.entries)
        if len(forms) > 1:
            message = f"a reference is one of path, url, storyboard or shot, not {' and '.join(forms)}"
            findings.error(node.key(forms[1]), at, message, "reference")
        elif not forms:
            wrong = next((name for name in node.entries if not is_extension(name)), "")
            hint = did_you_mean(wrong, list(REFERENCE_PLACES)) if wrong else ""
            message = f"a reference needs 'path', 'url', 'shot' or 'storyboard'{hint}"
            findings.error(node, at, message, "reference")

    def inner(self, node: Node, at: str) -> Iterator[tuple[Mapping, KeyPlace, str]]:
        for item, where in elements(node, at):
            forms = forms_of(item.entries) if isinstance(item, Mapping) else []
            if isinstance(item, Mapping) and len(forms) == 1:
                yield item, REFERENCE_PLACES[forms[0]], where
