"""Step two: one mapping of ``shots`` becomes one shot, or one for each combination of its matrix."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from typing import Any, Final

from rivya_run.json_types import Json
from rivya_run.models.catalog import Catalog
from rivya_run.models.table import ModelTable
from rivya_run.models.values import advice_for
from rivya_run.storyboard.cast import Cast, check_crowd
from rivya_run.storyboard.chosen import CHOOSING, check_choices, chosen_of, decided
from rivya_run.storyboard.film_reading import MADE, FilmReader, kind_by_name, kind_of_model
from rivya_run.storyboard.ids import Ids, id_trouble
from rivya_run.storyboard.layers import (
    Matrix,
    Stack,
    apply_layer,
    filled,
    misspelt,
    read_matrix,
    shown_id,
    well_shaped,
    where_of,
)
from rivya_run.storyboard.model import Fit, Reference, Shot
from rivya_run.storyboard.parameters import MatrixFaults, ParameterJudge
from rivya_run.storyboard.problems import Findings, HasPosition, below
from rivya_run.storyboard.references import Linked, check_policy
from rivya_run.storyboard.shapes import KeyPlace, kind_of, texts
from rivya_run.storyboard.substitution import Names
from rivya_run.storyboard.versions import (
    Drafts,
    Made,
    VersionNames,
    check_listed_versions,
)
from rivya_run.storyboard.written import CARRIED, Entries, WrittenShot
from rivya_run.suggest import did_you_mean
from rivya_run.yaml12.nodes import Mapping as MappingNode
from rivya_run.yaml12.nodes import Node, Scalar, Sequence

SEEDS: Final = ("seed", "seeds")
"""Parameters that make results alike."""


def check_model(node: Node, where: str, catalog: Catalog, findings: Findings) -> None:
    """Tell of a layer's model that no table knows."""
    assert isinstance(node, Scalar)
    if catalog.get(node.text) is None:
        hint = did_you_mean(node.text, catalog.ids()) or ": 'rivya-run models list' shows them all"
        message = f"unknown model '{shown_id(node.text)}'{hint}"
        findings.error(node, below(where, "model"), message, "unknown-model")


class ShotReader:
    """Reads shots one after another; ``drafts`` holds all that have an id, right or wrong."""

    def __init__(
        self,
        catalog: Catalog,
        findings: Findings,
        versions: tuple[VersionNames, ...],
        presets: Mapping[str, tuple[Entries, str]],
        base: Stack,
        judge: ParameterJudge,
        cast: Cast,
    ) -> None:
        self.catalog = catalog
        self.findings = findings
        self.presets = presets
        self.base = base
        self.judge = judge
        self.cast = cast
        self.drafts = Drafts(versions)
        self.base_is_used = False
        self._stacks: dict[tuple[str, ...], Stack] = {}
        self.ids = Ids(findings)
        self._chosen: list[tuple[Entries, str, list[str]]] = []
        self.film = FilmReader(findings)

    def read(self, index: int, node: Node) -> None:
        where = where_of(index, node)
        if not isinstance(node, MappingNode):
            self.findings.error(node, where, f"{kind_of(node)} where a shot (id: ...) is needed", "type")
            return
        entries = well_shaped(node, KeyPlace.SHOT, where, self.findings, self._parameters)
        scene = entries.get("scene")
        if isinstance(scene, Scalar) and not scene.text:
            del entries["scene"]  # names none, so that the one of the top is in force
        stack = self._stack(entries.get("use"), where)
        stack = apply_layer(stack, entries, where, self.findings)
        before = len(self.drafts.order)
        if "file" in node.entries:
            written = WrittenShot(node, entries, where, stack, None)
            self._check_own(written)
        else:
            self.base_is_used = self.base_is_used or stack.model == self.base.model
            written = WrittenShot(node, entries, where, stack, self._table(stack))
            self._check_pick(written)
        check_listed_versions(written.stack.values.get("film"), self.drafts.versions, self.findings)
        matrix = faults = None
        if "matrix" in node.entries:
            matrix = read_matrix(entries.get("matrix"), where, self.findings)
            if matrix is None:
                return
            faults = MatrixFaults(matrix.lists)
        made: dict[str, Mapping[str, Scalar]] = {}
        for combination in matrix.combinations() if matrix is not None else ({},):
            self._combination(written, combination, faults, made, matrix)
        if any(key in entries for key in CHOOSING):
            self._chosen.append((entries, where, list(self.drafts.order)[before:]))
        if faults is not None:
            faults.report(self.findings)

    def _combination(
        self,
        written: WrittenShot,
        combination: Mapping[str, Scalar],
        faults: MatrixFaults | None,
        made: dict[str, Mapping[str, Scalar]],
        matrix: Matrix | None,
    ) -> None:
        """Read a shot of one combination for each version: at once, or when another shot needs it there."""
        first, *_ = self.drafts.versions
        names = Names(first.variables, self.findings, combination)
        shot_id = self.ids.take_filled(written.entries.get("id"), written.where, names, made, matrix)
        if shot_id is not None:
            self.drafts.order[shot_id] = None
        listed = written.carried.get("film")
        for version in self.drafts.versions:
            names = Names(version.variables, self.findings, combination)
            read = partial(self._one, written, names, shot_id, version.name, faults, matrix)
            if isinstance(listed, list) and version.name not in listed and shot_id is not None:
                self.drafts.late[version.name, shot_id] = read
            else:
                read()

    def made(self) -> Made:
        """What is made of all that was read, with its ids."""
        self.drafts.complete()
        found = Made(self.drafts, self.findings)
        for shot in found.given:
            trouble = id_trouble(shot.id)
            if trouble is not None:
                message = f"{trouble}; it is the id in version '{shot.versions[0]}'"
                self.findings.error(shot, below(shot.where, "id"), message, "id", subject="")
            else:
                self.ids.take(shot.id, shot, shot.where)
        for entries, where, written in self._chosen:
            ids = [one.shot.id for one in found.shots.values() if one.shot.family in written]
            check_choices(entries, where, ids, self.findings)
        return found

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
            check_model(*stack.model_at, self.catalog, self.findings)
        return table

    def _check_pick(self, written: WrittenShot) -> None:
        node, takes = written.entries.get("pick"), written.carried.get("takes", 1)
        if node is None or (written.has("takes") and "takes" not in written.entries):
            return
        for one in node.entries.values() if isinstance(node, MappingNode) else (node,):
            assert isinstance(one, Scalar)
            pick = one.value
            if isinstance(pick, int | float) and isinstance(takes, int) and pick > takes:
                has = "1 take" if takes == 1 else f"{takes} takes"
                message = f"take {pick:g} is picked from a shot with {has}"
                self.findings.error(one, below(written.where, "pick"), message, "range")

    def _check_own(self, written: WrittenShot) -> None:
        """What is made by nobody has nothing that only tells how to make it."""
        for key in MADE:
            if written.has(key):
                at, where = written.node.key(key), below(written.where, key)
                self.findings.error(
                    at, where, f"'{key}' can't stand beside 'file': nothing is made of it", "own-file"
                )

    def _one(
        self,
        written: WrittenShot,
        names: Names,
        shot_id: str | None,
        version: str | None,
        faults: MatrixFaults | None,
        matrix: Matrix | None,
    ) -> None:
        """One shot, of one combination, in one version; it is taken up if it has an id."""
        entries, stack, table, where = written.entries, written.stack, written.table, written.where
        if written.has("file"):
            self._own(written, names, shot_id, version, matrix)
            return
        said = self.cast.said(entries.get("prompt"), stack, names, table, shot=shot_id, where=where)
        params: dict[str, Json] = {}
        fits: dict[str, Fit] = {}
        if table is not None:
            there = written.has("prompt") or misspelt(written.node, KeyPlace.SHOT, "prompt")
            if table.prompt_required and not there:
                message = f"'prompt' is missing; {table.id} needs one"
                self.findings.error(written.node, where, message, "missing-prompt")
            at = written.params_position()
            params, fits = self.judge.judge(table, stack.params, names, where=where, at=at, faults=faults)
            if check_crowd(len(said.references), said.added, table, self.findings):
                check_policy(said.references, table, where, written.node, self.findings)
            self._advise(written, table, params, said.references)
        kept = self._carried(written, names, version)
        carried = self.film.of_shot(written.node, where, kept, kind_of_model(table))
        if shot_id is None:
            return
        chosen = {key: carried.pop(key, None) for key in CHOOSING}
        shot = Shot(
            id=shot_id,
            model=stack.model,
            prompt=said.prompt,
            mentions=said.mentions,
            params=params,
            references=said.references,
            tags=stack.tags,
            fits=fits,
            **chosen_of(chosen, shot_id),
            **decided(carried),
            **written.place(shot_id, matrix),
            **carried,
        )
        self.drafts.of[version][shot_id] = Linked(shot, kind_of_model(table), table, chosen)

    def _carried(self, written: WrittenShot, names: Names, version: str | None) -> dict[str, Any]:
        """The keys that are carried as they are, with names filled in; what is of no use then is left out."""
        carried = dict(written.carried)
        for name, (node, where) in written.open.items():
            found = filled(name, node, KeyPlace.SHOT, below(where, name), names)
            if found is not None:
                carried[name] = CARRIED[name](found)
        if isinstance(carried.get("film"), list):
            carried["film"] = version in carried["film"]
        return carried

    def _own(
        self,
        written: WrittenShot,
        names: Names,
        shot_id: str | None,
        version: str | None,
        matrix: Matrix | None,
    ) -> None:
        """One shot that is a file of one's own."""
        node = written.entries.get("file")
        path = self.film.path(node, written.where, names) if node is not None else ""
        kind = kind_by_name(path)
        kept = self._carried(written, names, version)
        carried = self.film.of_shot(written.node, written.where, kept, kind)
        if shot_id is None:
            return
        carried |= {"file": path, "takes": 0, "pick": None, **decided(carried)}
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
        self.drafts.of[version][shot_id] = Linked(shot, kind, None)

    def _advise(
        self,
        written: WrittenShot,
        table: ModelTable,
        params: Mapping[str, Json],
        references: tuple[Reference, ...],
    ) -> None:
        given = written.stack.params
        for row in advice_for(table, given, params, references=bool(references)):
            named = [*row.written, *(key for key, _ in row.when)]
            source = next((given[key] for key in named if key in given), None)
            at: HasPosition = references[0] if references else written.node
            where = references[0].where if references else written.where
            if source is not None:
                at, where = source.value, below(source.where, source.key.text)
            self.findings.advice(at, where, row.message, row.code)
        seed = next((given[key] for key in SEEDS if key in given and params.get(key) not in (None, "")), None)
        takes = written.carried.get("takes", 1)
        if seed is not None and isinstance(takes, int) and takes > 1:
            key, row_of_seed = seed.key.text, table.row(seed.key.text)
            if row_of_seed is None or params[key] != row_of_seed.default:  # where it has one, that is random
                message = f"{takes} takes with the same {key}: they may come out alike, and each is paid for"
                self.findings.advice(seed.value, below(seed.where, key), message, "fixed-seed")
