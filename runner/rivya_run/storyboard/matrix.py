"""``matrix``: one shot for each combination of its values, told apart by the id."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Final

from rivya_run.safetext import shortened
from rivya_run.storyboard.findings import Findings, below
from rivya_run.storyboard.language import is_extension
from rivya_run.yaml12.nodes import Mapping as MappingNode
from rivya_run.yaml12.nodes import Node, Scalar, Sequence

MAX_COMBINATIONS: Final = 100_000


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
        message = f"the id must hold {names}, so that the shots of the matrix can be told apart"
        findings.error(template, below(where, "id"), message, "matrix-id", subject="")
        return
    name = next((name for name in matrix.lists if first[name] is not second[name]), next(iter(matrix.lists)))
    one, other = first[name], second[name]
    message = f"'{shortened(one.text)}' and '{shortened(other.text)}' both make the id '{shown_id(shot_id)}'"
    findings.error(other, below(below(where, "matrix"), name), message, "matrix-id", subject="")


def shown_id(text: str) -> str:
    """An id as messages show it."""
    return shortened(text, 80)
