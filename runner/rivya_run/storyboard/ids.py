"""Ids: what one may be, and that no two things have the same."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from rivya_run.models.table import ID_PATTERN
from rivya_run.storyboard.layers import Matrix, shown_id, tell_collision
from rivya_run.storyboard.model import WINDOWS_DEVICES
from rivya_run.storyboard.problems import Findings, HasPosition, below
from rivya_run.storyboard.substitution import Names
from rivya_run.yaml12.nodes import Node, Scalar

_ID: Final = re.compile(ID_PATTERN)


def id_trouble(text: str) -> str | None:
    if not _ID.fullmatch(text):
        return (
            f"'{shown_id(text)}' is not a valid id: use letters, digits, - and _, starting with a letter or digit, "
            "at most 64 characters"
        )
    if text.lower() in WINDOWS_DEVICES:
        return f"'{text}' is not a valid id: Windows reserves this name for a device"
    return None


class Ids:
    """The ids that are taken; a second one of the same name is said, and not taken."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._taken: dict[str, tuple[str, int, str]] = {}

    def take(self, shot_id: str, node: HasPosition, where: str) -> bool:
        """Take an id for what stands at ``where``; whether it was free."""
        folded = shot_id.lower()
        taken = self._taken.get(folded)
        if taken is not None:
            other, line, same = taken
            case = "" if shot_id == same else "; ids that differ only in case count as the same"
            message = f"the id '{shot_id}' is taken by {other} in line {line}{case}"
            self._findings.error(node, below(where, "id"), message, "duplicate-id", subject="")
            return False
        self._taken[folded] = (where, node.line, shot_id)
        return True

    def take_plain(self, node: Node, where: str) -> str | None:
        """The id of something else than a shot, which no shot may have."""
        if not isinstance(node, Scalar):
            return None
        trouble = id_trouble(node.text)
        if trouble is not None:
            self._findings.error(node, below(where, "id"), trouble, "id", subject="")
            return None
        return node.text if self.take(node.text, node, where) else None

    def take_filled(
        self,
        node: Node | None,
        where: str,
        names: Names,
        made: dict[str, Mapping[str, Scalar]],
        matrix: Matrix | None,
    ) -> str | None:
        """The id of a shot, with the names of its matrix filled in; ``made`` are those of its other combinations."""
        if not isinstance(node, Scalar):
            return None
        at, before = below(where, "id"), self._findings.errors
        shot_id = names.identifier(node, at)
        if self._findings.errors != before:
            return None
        trouble = id_trouble(shot_id)
        if trouble is not None:
            self._findings.error(node, at, trouble, "id", subject="")
            return None
        folded = shot_id.lower()
        if matrix is not None and folded in made:
            tell_collision(matrix, node, shot_id, made[folded], names.matrix, where, self._findings)
            return None
        made[folded] = names.matrix
        return shot_id if self.take(shot_id, node, where) else None
