"""Layers: which keys of one are right, and what defaults, presets in the order used and the shot come to.

A key of a later layer replaces that of an earlier one, but ``tags`` add up without doubles (those of the
file's top lie under all others), and ``params`` are laid over each other key by key, unless the layer names
another model than the one in force: then they start afresh, since another model's parameters are other
parameters. Lists of ``cast`` add up as well.

A ``matrix`` then makes one shot of each combination of its values, told apart by the id.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, NamedTuple, TypeAlias

from rivya_run.models.table import is_extension
from rivya_run.storyboard.language import KEYS, keys
from rivya_run.storyboard.problems import Findings, below
from rivya_run.storyboard.shapes import Key, KeyPlace, texts
from rivya_run.storyboard.substitution import Names, holds_names
from rivya_run.suggest import did_you_mean, suggest
from rivya_run.text import shortened
from rivya_run.yaml12.nodes import Mapping as MappingNode
from rivya_run.yaml12.nodes import Node, Scalar, Sequence


def well_shaped(
    mapping: MappingNode,
    place: KeyPlace,
    where: str,
    findings: Findings,
    parameters: Callable[[], Collection[str]] = tuple,
    *,
    complete: bool = False,
) -> dict[str, Node]:
    """The entries of a mapping that are known in its place and well shaped; the rest is said.

    What names are still to be filled into is taken as it is (``filled`` checks it then), unless it is ``complete``.
    ``parameters`` tells which words belong under ``params``: a hint for who writes them a level too high.
    """
    known = keys(place)
    good: dict[str, Node] = {}
    path = below(where, "")
    for name, node in mapping.entries.items():
        key = known.get(name)
        if key is not None:
            open_yet = key.fillable and not complete and holds_names(node)
            if open_yet or _check(key, node, path + name, findings, complete=complete):
                good[name] = node
        elif not is_extension(name):
            findings.error(mapping.key(name), where, _unknown(name, place, parameters()), "unknown-key")
    for name in _required(place):
        if name not in mapping.entries and not misspelt(mapping, place, name):
            findings.error(mapping, where, f"'{name}' is missing", "missing-key")
    return good


def _check(key: Key, node: Node, at: str, findings: Findings, *, complete: bool) -> bool:
    """Check a value, and the keys of the mappings in it; one that is wrong there is marked invalid."""
    good = key.shape.check(node, at, findings)
    for mapping, place, path in key.shape.inner(node, at):
        before = findings.errors
        well_shaped(mapping, place, path, findings, complete=complete)
        if findings.errors != before:
            findings.mark_invalid(mapping)
    return good


def filled(name: str, node: Node, place: KeyPlace, at: str, names: Names) -> Node | None:
    """The value of a key with its names filled in; None where it is of no use, which is said."""
    key = keys(place)[name]
    if not key.fillable or not holds_names(node):
        return node
    before = names.findings.errors
    node = names.node(node, at)
    if names.findings.errors != before:
        return None
    return node if _check(key, node, at, names.findings, complete=True) else None


def values(entries: Mapping[str, Node], place: KeyPlace) -> dict[str, Any]:
    """What well-shaped entries come to, by the name of their key."""
    known = keys(place)
    return {name: known[name].shape.value(node) for name, node in entries.items() if name in known}


def misspelt(mapping: MappingNode, place: KeyPlace, name: str) -> bool:
    """Whether an unknown key of the mapping was most likely meant to be ``name``: one mistake, told once."""
    known = keys(place)
    return any(suggest(key, known) == name for key in mapping.entries if key not in known)


@cache
def _required(place: KeyPlace) -> tuple[str, ...]:
    return tuple(key.name for key in keys(place).values() if key.required)


_MEANT = {"preset": "use", "extends": "use", "template": "use", "text": "prompt", "image": "references"}
"""Words that other programs have for a key."""


def _unknown(name: str, place: KeyPlace, parameters: Collection[str]) -> str:
    shown = f"unknown key '{shortened(name)}'"
    if name in parameters and "params" in keys(place):
        return f"{shown}: it is a parameter and belongs under 'params'"
    homes = dict.fromkeys(home.standing for key in KEYS if key.name == name for home in key.places)
    if name in _MEANT and _MEANT[name] in keys(place):
        return f"{shown}, did you mean '{_MEANT[name]}'?"
    hint = did_you_mean(name, keys(place))
    if homes:
        return f"'{name}' can't stand {place.standing}: it belongs {' or '.join(homes)}{hint}"
    if not hint and "params" in keys(place) and (found := suggest(name, parameters)) is not None:
        hint = f", did you mean '{found}' under 'params'?"
    return shown + hint


class Given(NamedTuple):
    """One parameter as a layer gives it. ``where`` is the path of the layer's ``params``."""

    key: Scalar
    value: Node
    where: str


Placed: TypeAlias = tuple[Node, str]
"""A value, and the path of the layer that gives it."""


@dataclass(frozen=True, slots=True)
class Stack:
    """What the layers so far come to. ``model_at`` is None for the program's default model.

    ``values`` are those of all keys that have no rule of their own here, ``cast`` the lists of all layers.
    """

    model: str
    model_at: Placed | None = None
    params: Mapping[str, Given] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    values: Mapping[str, Placed] = field(default_factory=dict)
    cast: tuple[Placed, ...] = ()


_COMPOSED: Final = frozenset({"model", "params", "tags", "cast"})


def apply_layer(stack: Stack, layer: Mapping[str, Node], where: str, findings: Findings) -> Stack:
    """The stack with one more layer (well-shaped entries) on top."""
    model, model_at, params = stack.model, stack.model_at, stack.params
    named = layer.get("model")
    if isinstance(named, Scalar):
        if named.text != model:
            params = {}
        model, model_at = named.text, (named, where)
    own = layer.get("params")
    if isinstance(own, MappingNode) and own.entries:
        params = {**params, **_given(own, below(where, "params"), findings)}
    tags = stack.tags
    if "tags" in layer:
        tags = tuple(dict.fromkeys((*tags, *texts(layer["tags"]))))
    values = dict(stack.values)
    for key, node in layer.items():
        if key not in _COMPOSED:
            values[key] = node, where
    cast = (*stack.cast, (layer["cast"], where)) if "cast" in layer else stack.cast
    return Stack(model, model_at, params, tags, values, cast)


def _given(params: MappingNode, where: str, findings: Findings) -> dict[str, Given]:
    return {
        key.text: Given(key, value, where)
        for key, value in params.pairs()
        if not is_extension(key.text) and not findings.is_invalid(value)
    }


MAX_COMBINATIONS: Final = 100_000  # of one matrix; a typing error must not fill the memory


class Matrix:
    """The lists of a matrix, by name, in the order of the file."""

    def __init__(self, lists: Mapping[str, Sequence]) -> None:
        self.lists = lists

    def combinations(self) -> Iterator[dict[str, Scalar]]:
        """Each combination; the last name varies fastest."""
        columns = [
            [item for item in values.items if isinstance(item, Scalar)] for values in self.lists.values()
        ]
        for row in itertools.product(*columns):
            yield dict(zip(self.lists, row, strict=True))


def read_matrix(node: Node | None, where: str, findings: Findings) -> Matrix | None:
    """The matrix of a well-shaped node, None where there is none or it is too large."""
    if not isinstance(node, MappingNode):
        return None
    lists = {
        name: values
        for name, values in node.entries.items()
        if isinstance(values, Sequence) and not is_extension(name)
    }
    count = 1
    for values in lists.values():
        count *= len(values.items)
    if count > MAX_COMBINATIONS:
        message = f"{count} combinations; at most {MAX_COMBINATIONS} are made"
        findings.error(node, below(where, "matrix"), message, "matrix-size")
        return None
    return Matrix(lists)


def tell_collision(
    matrix: Matrix,
    template: Scalar,
    shot_id: str,
    first: Mapping[str, Scalar],
    second: Mapping[str, Scalar],
    where: str,
    findings: Findings,
) -> None:
    """Two combinations came to the same id: say what the person must change, and where."""
    silent = [
        name
        for name, values in matrix.lists.items()
        if len(values.items) > 1 and f"${{{name}}}" not in template.text
    ]
    if silent:
        names = " and ".join(f"${{{name}}}" for name in silent)
        message = f"the id must hold {names}, so that each shot of the matrix has an id of its own"
        findings.error(template, below(where, "id"), message, "matrix-id", subject="")
        return
    name = next((name for name in matrix.lists if first[name] is not second[name]), next(iter(matrix.lists)))
    one, other = first[name], second[name]
    message = f"'{shortened(one.text)}' and '{shortened(other.text)}' both make the id '{shown_id(shot_id)}'"
    findings.error(other, below(below(where, "matrix"), name), message, "matrix-id", subject="")


def where_of(index: int, shot: Node) -> str:
    """An entry of ``shots`` in words: ``shots[2] (sh020)``."""
    named = shot.entries.get("id") if isinstance(shot, MappingNode) else None
    told = f" ({shown_id(named.text)})" if isinstance(named, Scalar) and named.text else ""
    return f"shots[{index}]{told}"


def shown_id(text: str) -> str:
    return shortened(text, 80)
