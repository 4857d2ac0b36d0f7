"""A shot as it was written, before anything is filled in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from rivya_run.models.table import ModelTable
from rivya_run.storyboard.language import keys
from rivya_run.storyboard.layers import Matrix, Stack
from rivya_run.storyboard.shapes import KeyPlace
from rivya_run.storyboard.substitution import holds_names
from rivya_run.yaml12.nodes import Mapping as MappingNode
from rivya_run.yaml12.nodes import Node

Entries: TypeAlias = Mapping[str, Node]
"""Well-shaped values by their keys."""

CARRIED: Final = {
    name: key.shape.value
    for name, key in keys(KeyPlace.SHOT).items()
    if name not in ("id", "use", "model", "prompt", "params", "references", "cast", "tags", "matrix")
}
"""The keys that no step but the reader's checks has to do with, and what gives the value of each.

Each becomes the field of ``Shot`` that is called so.
"""


class WrittenShot:
    """A shot as written: its node, what of it is well shaped, the layers it comes to, its model's table.

    Of the keys that are carried as they are, ``open`` has those that names are still to be filled into.
    """

    __slots__ = ("carried", "entries", "node", "open", "stack", "table", "where")

    def __init__(
        self, node: MappingNode, entries: Entries, where: str, stack: Stack, table: ModelTable | None
    ) -> None:
        self.node = node
        self.entries = entries
        self.where = where
        self.stack = stack
        self.table = table
        mine = {name: placed for name, placed in stack.values.items() if name in CARRIED}
        fillable = keys(KeyPlace.SHOT)
        self.open = {name: it for name, it in mine.items() if fillable[name].fillable and holds_names(it[0])}
        self.carried: dict[str, Any] = {
            name: CARRIED[name](node) for name, (node, _) in mine.items() if name not in self.open
        }

    def has(self, key: str) -> bool:
        """Whether the person wrote the key, rightly or not."""
        return key in self.node.entries

    def place(self, shot_id: str, matrix: Matrix | None) -> dict[str, Any]:
        """Where a shot that was made of it stands."""
        named = self.where if matrix is None else f"{self.where[: self.where.index(' ')]} ({shot_id})"
        return {"where": named, "line": self.node.line, "column": self.node.column}

    def params_position(self) -> Node:
        """Where to say that a parameter is missing."""
        return self.entries.get("params") or self.node
