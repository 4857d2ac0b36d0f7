"""Step one: does every key stand where it may, and does its value look as it should?

Derived from ``language.py``. What passes is handed on as ``key -> node``; what doesn't is said and left out,
so that step two can trust what it gets.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from functools import cache
from typing import Final

from rivya_run.models.table import is_extension
from rivya_run.storyboard import scalar_shapes as scalars
from rivya_run.storyboard.language import KEYS, NAME_PATTERN, REFERENCE_PLACES, Key, KeyPlace, Shape, keys
from rivya_run.storyboard.problems import Findings, below
from rivya_run.suggest import did_you_mean, suggest
from rivya_run.text import shortened
from rivya_run.yaml12.nodes import Mapping, Node, Scalar, Sequence


def well_shaped(
    mapping: Mapping,
    place: KeyPlace,
    where: str,
    findings: Findings,
    parameters: Callable[[], Collection[str]] = tuple,
) -> dict[str, Node]:
    """The entries of a mapping that are known in its place and well shaped; the rest is said.

    ``parameters`` tells which words belong under ``params``: a hint for who writes them a level too high.
    """
    known = keys(place)
    good: dict[str, Node] = {}
    for name, node in mapping.entries.items():
        key = known.get(name)
        if key is not None:
            if _CHECKS[key.shape](node, key, where, findings):
                good[name] = node
        elif not is_extension(name):
            findings.error(mapping.key(name), where, _unknown(name, place, parameters()), "unknown-key")
    for name in _required(place):
        if name not in mapping.entries and not misspelt(mapping, place, name):
            findings.error(mapping, where, f"'{name}' is missing", "missing-key")
    return good


def misspelt(mapping: Mapping, place: KeyPlace, name: str) -> bool:
    """Whether an unknown key of the mapping was most likely meant to be ``name``: one mistake, told once."""
    known = keys(place)
    return any(suggest(key, known) == name for key in mapping.entries if key not in known)


@cache
def _required(place: KeyPlace) -> tuple[str, ...]:
    return tuple(key.name for key in keys(place).values() if key.required)


def _unknown(name: str, place: KeyPlace, parameters: Collection[str]) -> str:
    shown = f"unknown key '{shortened(name)}'"
    if name in parameters and "params" in keys(place):
        return f"{shown}: it is a parameter and belongs under 'params'"
    homes = [str(home) for key in KEYS if key.name == name for home in key.places]
    hint = did_you_mean(name, keys(place))
    if homes:
        homes = list(dict.fromkeys(_standing(KeyPlace(home)) for home in homes))
        return f"'{name}' can't stand {_standing(place)}: it belongs {' or '.join(homes)}{hint}"
    if not hint and "params" in keys(place) and (found := suggest(name, parameters)) is not None:
        hint = f", did you mean '{found}' under 'params'?"
    return shown + hint


def _standing(place: KeyPlace) -> str:
    if place is KeyPlace.TOP:
        return "at the top level"
    if place in (KeyPlace.DEFAULTS, KeyPlace.BUDGET):
        return f"in '{place}'"
    return "in a URL reference" if place is KeyPlace.URL_REFERENCE else f"in a {place}"


def _mapping(node: Node, key: Key, where: str, findings: Findings) -> bool:
    if isinstance(node, Mapping):
        return True
    return scalars.refuse(node, key, where, findings, "a mapping (key: value)")


def _params(node: Node, key: Key, where: str, findings: Findings) -> bool:
    if not _mapping(node, key, where, findings):
        return False
    assert isinstance(node, Mapping)
    for name, value in node.entries.items():
        if isinstance(value, Scalar) and value.value is None and not is_extension(name):
            message = "the value is empty; leave the key out to get the model's default"
            findings.error(value, below(below(where, key.name), name), message, "type")
            findings.mark_invalid(value)
    return True


def _variables(node: Node, key: Key, where: str, findings: Findings) -> bool:
    if not _mapping(node, key, where, findings):
        return False
    assert isinstance(node, Mapping)
    for name, value in node.pairs():
        if is_extension(name.text):
            continue
        at = below(below(where, key.name), name.text)
        _name(name, at, findings)
        if not isinstance(value, Scalar) or type(value.value) not in (str, int, float):
            findings.error(value, at, f"{scalars.kind_of(value)} where text or a number is needed", "type")
            findings.mark_invalid(value)
        else:
            _literal(value, at, findings)
    return True


def _name(name: Scalar, at: str, findings: Findings) -> None:
    if not re.fullmatch(NAME_PATTERN, name.text):
        shown = shortened(name.text)
        message = f"'{shown}' is not a valid name: use letters, digits and _, not starting with a digit"
        findings.error(name, at, message, "name")


def _literal(value: Scalar, at: str, findings: Findings) -> None:
    if "${" in value.text:
        findings.error(value, at, "a value that is filled in can't itself hold '${...}'", "substitution")
        findings.mark_invalid(value)


def _matrix(node: Node, key: Key, where: str, findings: Findings) -> bool:
    if not _mapping(node, key, where, findings):
        return False
    assert isinstance(node, Mapping)
    before = findings.errors
    for name, values in node.pairs():
        if is_extension(name.text):
            continue
        at = below(below(where, key.name), name.text)
        _name(name, at, findings)
        if not isinstance(values, Sequence) or not values.items:
            shown = "an empty list" if isinstance(values, Sequence) else scalars.kind_of(values)
            findings.error(values, at, f"{shown} where a list of values is needed", "type")
            continue
        for value in values.items:
            if not isinstance(value, Scalar) or value.value is None:
                findings.error(
                    value, at, f"{scalars.kind_of(value)} where text or a number is needed", "type"
                )
            else:
                _literal(value, at, findings)
    if not any(not is_extension(name) for name in node.entries):
        findings.error(node, below(where, key.name), "the matrix is empty", "type")
    return findings.errors == before


def _layers(node: Node, key: Key, where: str, findings: Findings) -> bool:
    if not _mapping(node, key, where, findings):
        return False
    assert isinstance(node, Mapping)
    for name, layer in node.pairs():
        if is_extension(name.text):
            continue
        at = below(below(where, key.name), name.text)
        if not isinstance(layer, Mapping):
            findings.error(
                layer, at, f"{scalars.kind_of(layer)} where a mapping (key: value) is needed", "type"
            )
    return True


def _shots(node: Node, key: Key, where: str, findings: Findings) -> bool:
    if not isinstance(node, Sequence):
        return scalars.refuse(node, key, where, findings, "a list of shots ('- id: ...')")
    if not node.items:
        findings.error(node, below(where, key.name), "there are no shots", "no-shots")
        return False
    return True


def _references(node: Node, key: Key, where: str, findings: Findings) -> bool:
    at = below(where, key.name)
    if not isinstance(node, Sequence):
        _reference(node, at, findings)
        return True
    for index, item in enumerate(node.items):
        _reference(item, f"{at}[{index}]", findings)
    return True


def _reference(node: Node, at: str, findings: Findings) -> None:
    before = findings.errors
    if isinstance(node, Scalar):
        if not isinstance(node.value, str):
            message = f"{scalars.kind_of(node)} where a path, a URL or a mapping is needed"
            findings.error(node, at, message, "type")
        elif not node.text.strip():
            findings.error(node, at, "the reference is blank", "blank")
    elif isinstance(node, Sequence):
        findings.error(node, at, "a list where a path, a URL or a mapping is needed", "type")
    else:
        forms = [name for name in REFERENCE_PLACES if name in node.entries]
        if len(forms) == 1:
            well_shaped(node, REFERENCE_PLACES[forms[0]], at, findings)
        elif forms:
            message = f"a reference is one of path, url or shot, not {' and '.join(forms)}"
            findings.error(node.key(forms[1]), at, message, "reference")
        else:
            wrong = next((name for name in node.entries if not is_extension(name)), "")
            hint = did_you_mean(wrong, list(REFERENCE_PLACES)) if wrong else ""
            findings.error(node, at, f"a reference needs 'path', 'url' or 'shot'{hint}", "reference")
    if findings.errors != before:
        findings.mark_invalid(node)


_CHECKS: Final[dict[Shape, scalars.Check]] = {
    Shape.ID: scalars.label,
    Shape.VERSION: scalars.version,
    Shape.LABEL: scalars.label,
    Shape.LABELS: scalars.labels,
    Shape.PROMPT: scalars.text,
    Shape.MODEL: scalars.text,
    Shape.PARAMS: _params,
    Shape.REFERENCES: _references,
    Shape.COUNT: scalars.count,
    Shape.AMOUNT: scalars.amount,
    Shape.FLAG: scalars.flag,
    Shape.NAMES: scalars.labels,
    Shape.VARIABLES: _variables,
    Shape.MATRIX: _matrix,
    Shape.LAYER: _mapping,
    Shape.LAYERS: _layers,
    Shape.SHOTS: _shots,
    Shape.BUDGET: _mapping,
    Shape.PATH: scalars.text,
    Shape.URL: scalars.text,
    Shape.KIND: scalars.kind,
    Shape.TEXT: scalars.text,
    Shape.FRAME: scalars.frame,
    Shape.SHOT_ID: scalars.label,
}
