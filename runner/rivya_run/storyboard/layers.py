"""Layers: defaults, presets in the order used, then the shot; later ones lie on top.

``takes`` and ``references`` of a later layer replace those of an earlier one, ``tags`` add up without
doubles (those of the file's top lie under all others), ``params`` are laid over each other key by key, unless
the layer names another model than the one in force: then they start afresh, since another model's parameters
are other parameters.

A ``matrix`` then makes one shot of each combination of its values, told apart by the id.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from rivya_run.models.table import is_extension
from rivya_run.storyboard.problems import Findings, below
from rivya_run.text import shortened
from rivya_run.yaml12.nodes import Mapping as MappingNode
from rivya_run.yaml12.nodes import Node, Scalar, Sequence


class Given(NamedTuple):
    """One parameter as a layer gives it. ``where`` is the path of the layer's ``params``."""

    key: Scalar
    value: Node
    where: str


@dataclass(frozen=True, slots=True)
class Stack:
    """What the layers so far come to. ``model_at`` is None for the program's default model."""

    model: str
    model_at: tuple[Scalar, str] | None
    params: Mapping[str, Given]
    references: tuple[Node, str] | None
    takes: int
    takes_at: Scalar | None
    tags: tuple[str, ...]


def base_layer(model: str) -> Stack:
    return Stack(model, None, {}, None, 1, None, ())


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
    references = layer.get("references")
    takes = layer.get("takes")
    tags = layer.get("tags")
    return Stack(
        model,
        model_at,
        params,
        (references, below(where, "references")) if references is not None else stack.references,
        whole(takes) if isinstance(takes, Scalar) else stack.takes,
        takes if isinstance(takes, Scalar) else stack.takes_at,
        stack.tags if tags is None else tuple(dict.fromkeys((*stack.tags, *texts(tags)))),
    )


def _given(params: MappingNode, where: str, findings: Findings) -> dict[str, Given]:
    return {
        key.text: Given(key, value, where)
        for key, value in params.pairs()
        if not is_extension(key.text) and not findings.is_invalid(value)
    }


def texts(node: Node) -> list[str]:
    """The texts of one scalar or a list of them."""
    items = node.items if isinstance(node, Sequence) else [node]
    return [item.text for item in items if isinstance(item, Scalar)]


def whole(node: Scalar) -> int:
    """The value of a scalar that is known to be a whole number."""
    assert isinstance(node.value, int | float)
    return int(node.value)


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


def shown_id(text: str) -> str:
    return shortened(text, 80)
