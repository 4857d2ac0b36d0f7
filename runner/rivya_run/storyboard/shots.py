"""Step two: one mapping of ``shots`` becomes one shot, or one for each combination of its matrix."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, Final

from rivya_run.json_types import Json
from rivya_run.models.catalog import Catalog
from rivya_run.models.table import ID_PATTERN, ModelTable
from rivya_run.models.values import advice_for
from rivya_run.storyboard.cast import Cast, check_crowd
from rivya_run.storyboard.film_reading import MADE, FilmReader, kind_by_name, kind_of_model
from rivya_run.storyboard.language import keys
from rivya_run.storyboard.layers import (
    Matrix,
    Stack,
    apply_layer,
    misspelt,
    read_matrix,
    shown_id,
    tell_collision,
    well_shaped,
)
from rivya_run.storyboard.model import WINDOWS_DEVICES, Reference, Shot
from rivya_run.storyboard.parameters import MatrixFaults, ParameterJudge
from rivya_run.storyboard.problems import Findings, below
from rivya_run.storyboard.references import Linked, check_policy
from rivya_run.storyboard.shapes import KeyPlace, kind_of, texts
from rivya_run.storyboard.substitution import Names
from rivya_run.suggest import did_you_mean
from rivya_run.yaml12.nodes import Mapping as MappingNode
from rivya_run.yaml12.nodes import Node, Scalar, Sequence

_ID: Final = re.compile(ID_PATTERN)
Entries = Mapping[str, Node]


def id_trouble(text: str) -> str | None:
    if not _ID.fullmatch(text):
        return (
            f"'{shown_id(text)}' is not a valid id: use letters, digits, - and _, starting with a letter or digit, "
            "at most 64 characters"
        )
    if text.lower() in WINDOWS_DEVICES:
        return f"'{text}' is not a valid id: Windows reserves this name for a device"
    return None


class ShotReader:
    """Reads shots one after another. ``shots`` holds all that have an id, right or wrong, in file order."""

    def __init__(
        self,
        catalog: Catalog,
        findings: Findings,
        variables: Mapping[str, Scalar],
        presets: Mapping[str, tuple[Entries, str]],
        base: Stack,
        judge: ParameterJudge,
        cast: Cast,
    ) -> None:
        self.catalog = catalog
        self.findings = findings
        self.variables = variables
        self.presets = presets
        self.base = base
        self.judge = judge
        self.cast = cast
        self.shots: dict[str, Linked] = {}
        self.base_is_used = False
        self._stacks: dict[tuple[str, ...], Stack] = {}
        self._taken: dict[str, tuple[str, int]] = {}
        self.film = FilmReader(findings)

    def read(self, index: int, node: Node) -> None:
        where = f"shots[{index}]"
        if not isinstance(node, MappingNode):
            self.findings.error(node, where, f"{kind_of(node)} where a shot (id: ...) is needed", "type")
            return
        named = node.entries.get("id")
        if isinstance(named, Scalar) and named.text:
            where = f"{where} ({shown_id(named.text)})"
        entries = well_shaped(node, KeyPlace.SHOT, where, self.findings, self._parameters)
        scene = entries.get("scene")
        if isinstance(scene, Scalar) and not scene.text:
            del entries["scene"]  # names none, so that the one of the top is in force
        stack = self._stack(entries.get("use"), where)
        stack = apply_layer(stack, entries, where, self.findings)
        if "file" in node.entries:
            written = _Written(node, entries, where, stack, None)
            self._check_own(written)
        else:
            self.base_is_used = self.base_is_used or stack.model == self.base.model
            written = _Written(node, entries, where, stack, self._table(stack))
            self._check_pick(written)
        if "matrix" not in node.entries:
            self._one(written, Names(self.variables, self.findings), None, {})
            return
        matrix = read_matrix(entries.get("matrix"), where, self.findings)
        if matrix is None:
            return
        faults = MatrixFaults(matrix.lists)
        made: dict[str, Mapping[str, Scalar]] = {}
        for combination in matrix.combinations():
            names = Names(self.variables, self.findings, combination)
            self._one(written, names, faults, made, matrix)
        faults.report(self.findings)

    def _parameters(self) -> Collection[str]:
        table = self.catalog.get(self.base.model)
        return [row.key for row in table.params] if table is not None else ()

    def _stack(self, use: Node | None, where: str) -> Stack:
        if use is None:
            return self.base
        wanted = tuple(texts(use))
        known = self._stacks.get(wanted)
        if known is not None:
            return known
        stack, complete = self.base, True
        for item in use.items if isinstance(use, Sequence) else [use]:
            assert isinstance(item, Scalar)
            preset = self.presets.get(item.text)
            if preset is None:
                complete = False
                message = f"unknown preset '{shown_id(item.text)}'{did_you_mean(item.text, self.presets)}"
                self.findings.error(item, below(where, "use"), message, "unknown-preset")
                continue
            stack = apply_layer(stack, *preset, self.findings)
        if complete:
            self._stacks[wanted] = stack
        return stack

    def _table(self, stack: Stack) -> ModelTable | None:
        table = self.catalog.get(stack.model)
        if table is None and stack.model_at is not None:
            node, where = stack.model_at
            hint = did_you_mean(stack.model, self.catalog.ids()) or ": 'rivya-run models list' shows them all"
            message = f"unknown model '{shown_id(stack.model)}'{hint}"
            self.findings.error(node, below(where, "model"), message, "unknown-model")
        return table

    def _check_pick(self, written: _Written) -> None:
        pick, takes = written.carried.get("pick"), written.carried.get("takes", 1)
        if written.has("takes") and "takes" not in written.entries:
            return
        if isinstance(pick, int) and isinstance(takes, int) and pick > takes:
            has = "1 take" if takes == 1 else f"{takes} takes"
            message = f"take {pick} is picked from a shot with {has}"
            self.findings.error(written.entries["pick"], below(written.where, "pick"), message, "range")

    def _check_own(self, written: _Written) -> None:
        """What is made by nobody has nothing that only tells how to make it."""
        for key in MADE:
            if written.has(key):
                at, where = written.node.key(key), below(written.where, key)
                self.findings.error(
                    at, where, f"'{key}' can't stand beside 'file': nothing is made of it", "own-file"
                )

    def _one(
        self,
        written: _Written,
        names: Names,
        faults: MatrixFaults | None,
        made: dict[str, Mapping[str, Scalar]],
        matrix: Matrix | None = None,
    ) -> None:
        """One shot, of one combination; it is taken up when nothing was found wrong with it."""
        entries, stack, table, where = written.entries, written.stack, written.table, written.where
        shot_id = self._id(written, names, made, matrix)
        if written.has("file"):
            self._own(written, names, shot_id, matrix)
            return
        said = self.cast.said(entries.get("prompt"), stack, names, table, shot=shot_id, where=where)
        params: dict[str, Json] = {}
        if table is not None:
            there = written.has("prompt") or misspelt(written.node, KeyPlace.SHOT, "prompt")
            if table.prompt_required and not there:
                message = f"'prompt' is missing; {table.id} needs one"
                self.findings.error(written.node, where, message, "missing-prompt")
            at = written.params_position()
            params = self.judge.judge(table, stack.params, names, where=where, at=at, faults=faults)
            if check_crowd(len(said.references), said.added, table, self.findings):
                check_policy(said.references, table, where, written.node, self.findings)
            if table.advice:
                self._advise(written, table, params, said.references)
        carried = self.film.of_shot(written.node, where, written.carried, kind_of_model(table), names)
        if shot_id is None:
            return
        shot = Shot(
            id=shot_id,
            model=stack.model,
            prompt=said.prompt,
            mentions=said.mentions,
            params=params,
            references=said.references,
            tags=stack.tags,
            **written.place(shot_id, matrix),
            **carried,
        )
        self.shots[shot_id] = Linked(shot, kind_of_model(table), table)

    def _own(self, written: _Written, names: Names, shot_id: str | None, matrix: Matrix | None) -> None:
        """One shot that is a file of one's own."""
        node = written.entries.get("file")
        path = self.film.path(node, written.where, names) if node is not None else ""
        kind = kind_by_name(path)
        carried = self.film.of_shot(written.node, written.where, written.carried, kind, names)
        if shot_id is None:
            return
        carried |= {"file": path, "takes": 0, "pick": None}
        shot = Shot(
            id=shot_id,
            model="",
            prompt=None,
            params={},
            references=(),
            tags=written.stack.tags,
            **written.place(shot_id, matrix),
            **carried,
        )
        self.shots[shot_id] = Linked(shot, kind, None)

    def take_id(self, node: Node, where: str) -> str | None:
        """The id of something else than a shot, which no shot may have."""
        if not isinstance(node, Scalar):
            return None
        at = below(where, "id")
        trouble = id_trouble(node.text)
        if trouble is not None:
            self.findings.error(node, at, trouble, "id", subject="")
            return None
        return node.text if self._take(node.text, node, where) else None

    def _take(self, shot_id: str, node: Scalar, where: str) -> bool:
        folded = shot_id.lower()
        taken = self._taken.get(folded)
        if taken is not None:
            other, line = taken
            case = "" if shot_id in self.shots else "; ids that differ only in case count as the same"
            message = f"the id '{shot_id}' is taken by {other} in line {line}{case}"
            self.findings.error(node, below(where, "id"), message, "duplicate-id", subject="")
            return False
        self._taken[folded] = (where, node.line)
        return True

    def _id(
        self,
        written: _Written,
        names: Names,
        made: dict[str, Mapping[str, Scalar]],
        matrix: Matrix | None,
    ) -> str | None:
        node = written.entries.get("id")
        if not isinstance(node, Scalar):
            return None
        at = below(written.where, "id")
        before = self.findings.errors
        shot_id = names.identifier(node, at)
        if self.findings.errors != before:
            return None
        trouble = id_trouble(shot_id)
        if trouble is not None:
            self.findings.error(node, at, trouble, "id", subject="")
            return None
        folded = shot_id.lower()
        if matrix is not None and folded in made:
            tell_collision(matrix, node, shot_id, made[folded], names.matrix, written.where, self.findings)
            return None
        made[folded] = names.matrix
        return shot_id if self._take(shot_id, node, written.where) else None

    def _advise(
        self,
        written: _Written,
        table: ModelTable,
        params: Mapping[str, Json],
        references: tuple[Reference, ...],
    ) -> None:
        given = written.stack.params
        for row in advice_for(table, given, params, references=bool(references)):
            named = [*row.written, *(key for key, _ in row.when)]
            source = next((given[key] for key in named if key in given), None)
            if source is not None:
                at = below(source.where, source.key.text)
                self.findings.advice(source.value, at, row.message, row.code)
            elif references:
                self.findings.advice(references[0], references[0].where, row.message, row.code)
            else:
                self.findings.advice(written.node, written.where, row.message, row.code)


CARRIED: Final = {
    name: key.shape.value
    for name, key in keys(KeyPlace.SHOT).items()
    if name not in ("id", "use", "model", "prompt", "params", "references", "cast", "tags", "matrix")
}
"""The keys that no step but the reader's checks has to do with, and what gives the value of each.

Each becomes the field of ``Shot`` that is called so.
"""


class _Written:
    """A shot as written: its node, what of it is well shaped, the layers it comes to, its model's table."""

    __slots__ = ("carried", "entries", "node", "stack", "table", "where")

    def __init__(
        self, node: MappingNode, entries: Entries, where: str, stack: Stack, table: ModelTable | None
    ) -> None:
        self.node = node
        self.entries = entries
        self.where = where
        self.stack = stack
        self.table = table
        self.carried: dict[str, Any] = {
            name: CARRIED[name](node) for name, (node, _) in stack.values.items() if name in CARRIED
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
