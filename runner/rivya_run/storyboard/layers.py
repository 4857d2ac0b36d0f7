"""Layers: defaults, presets in the order used, then the shot; later ones lie on top.

``takes`` and ``references`` of a later layer replace those of an earlier one, ``tags`` add up without
doubles (those of the file's top lie under all others), ``params`` are laid over each other key by key, unless
the layer names another model than the one in force: then they start afresh, since another model's parameters
are other parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from rivya_run.storyboard.findings import Findings, below
from rivya_run.storyboard.language import is_extension
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


def bottom(model: str) -> Stack:
    """Before any layer."""
    return Stack(model, None, {}, None, 1, None, ())


def over(stack: Stack, layer: Mapping[str, Node], where: str, findings: Findings) -> Stack:
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
        if not is_extension(key.text) and not findings.is_spoilt(value)
    }


def texts(node: Node) -> list[str]:
    """The texts of one scalar or a list of them."""
    items = node.items if isinstance(node, Sequence) else [node]
    return [item.text for item in items if isinstance(item, Scalar)]


def whole(node: Scalar) -> int:
    """The value of a scalar that is known to be a whole number."""
    assert isinstance(node.value, int | float)
    return int(node.value)
