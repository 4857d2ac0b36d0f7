"""Reads a storyboard: bytes in, shots and every problem out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath, PureWindowsPath
from typing import Final

from rivya_run.errors import Problem
from rivya_run.models.catalog import DEFAULT_MODEL, Catalog
from rivya_run.models.table import is_extension
from rivya_run.storyboard.cast import Cast
from rivya_run.storyboard.cut_texts import advise_on_commas, advise_on_comments
from rivya_run.storyboard.fits import files_of, with_sounds
from rivya_run.storyboard.ids import id_trouble
from rivya_run.storyboard.includes import Includes, Loader, nothing_included
from rivya_run.storyboard.layers import Stack, apply_layer, values, well_shaped, where_of
from rivya_run.storyboard.model import Film, Shot, Storyboard
from rivya_run.storyboard.parameters import ParameterJudge, ReferenceReader
from rivya_run.storyboard.problems import Findings, below
from rivya_run.storyboard.quiet import heard, quiet_codes
from rivya_run.storyboard.references import check_links, with_own_files
from rivya_run.storyboard.shapes import KeyPlace, kind_of
from rivya_run.storyboard.shots import ShotReader, check_model
from rivya_run.storyboard.sources import Sources
from rivya_run.storyboard.substitution import Names, holds_names
from rivya_run.storyboard.versions import read_versions, variables_of
from rivya_run.storyboard.written import Entries
from rivya_run.yaml12.nodes import Mapping as MappingNode
from rivya_run.yaml12.nodes import Node, Scalar, Sequence
from rivya_run.yaml12.reading import YamlDocument, parse, quiet_collector


@dataclass(frozen=True, slots=True)
class Reading:
    """``storyboard`` is None when there is any error; ``problems`` holds errors and advice in file order.

    ``draft`` is the storyboard as far as it could be read, errors or not, for further checks only.
    """

    storyboard: Storyboard | None
    problems: tuple[Problem, ...]
    draft: Storyboard | None
    sources: Sources


_OF_OTHERS: Final = frozenset({"unknown-name", "unknown-preset", "unknown-member"})
"""What is said of names that an included file defines, if it could only be read."""


def read_storyboard(
    content: bytes, *, path: str, catalog: Catalog, include: Loader = nothing_included
) -> Reading:
    """Read the bytes of a storyboard file (YAML 1.2 or JSON); ``path`` is its name in problems.

    Pure: files that it includes come from ``include``, reference files are not looked at (``judge_references`` does
    that). Never raises for any content.
    """
    with quiet_collector():
        document = parse(content, path)
        sources = Sources(document.source)
        findings = Findings(sources)
        includes = Includes(sources, findings, include)
        board = _Board(catalog, findings, path).read(document, content, includes)
        wrong = (*document.problems, *includes.problems)
        # A node that could not be read is not said to be of the wrong shape as well.
        unread = {(problem.file, problem.line, problem.column) for problem in wrong}
        found = (p for p in findings.in_file_order() if (p.file, p.line, p.column) not in unread)
        if includes.incomplete:
            found = (problem for problem in found if problem.code not in _OF_OTHERS)
        ordered = sources.in_order([*wrong, *heard(found, board.quiet if board is not None else ())])
    return Reading(None if findings.errors or wrong else board, ordered, board, sources)


class _Board:
    """The top level of a storyboard."""

    def __init__(self, catalog: Catalog, findings: Findings, path: str) -> None:
        self.catalog = catalog
        self.findings = findings
        self.judge = ParameterJudge(findings)
        self.path = path

    def read(self, document: YamlDocument, content: bytes, includes: Includes) -> Storyboard | None:
        root = document.root
        if root is None:
            return None
        if not isinstance(root, MappingNode):
            message = f"{kind_of(root)} where a mapping with the key 'shots' is needed"
            self.findings.error(root, "", message, "type")
            return None
        includes.lay_under(root)
        advise_on_comments(root, self.findings.source, self.findings)
        entries = well_shaped(root, KeyPlace.TOP, "", self.findings)
        cast = Cast(entries.get("cast"), self.findings)
        board_id = self._id(root, entries)
        base = self._defaults(entries)
        presets = self._presets(entries)
        versions = read_versions(entries.get("versions"), dict(variables_of(root)), self.findings)
        reader = ShotReader(self.catalog, self.findings, versions, presets, base, self.judge, cast)
        shots = entries.get("shots")
        if isinstance(shots, Sequence):
            # Nodes of shots are let go of as they are read: peak memory is the file's, not the file's twice.
            items, shots.items = shots.items, []
            items.reverse()
            for index in range(len(items)):
                errors, node = self.findings.errors, items.pop()
                reader.read(index, node)
                if self.findings.errors > errors:
                    advise_on_commas(node, where_of(index, node), self.findings.source, self.findings)
            self._check_defaults_are_used(entries, reader)
        if self.findings.errors:
            advise_on_commas(root, "", self.findings.source, self.findings)
        films = self._films(entries, reader)
        reader.drafts.sounds = {name: files_of(film.sounds) for name, film in films.items()}
        made = reader.made()
        check_links(made.shots, self.findings)
        heard = {name for one in made.shots.values() if one.kind == "audio" for name in _ids_of(one.shot)}
        pictures = {name for one in made.shots.values() for name in _ids_of(one.shot)} - heard
        sounds = [one.id for film in films.values() for one in film.sounds if one.id is not None]
        reader.film.check_anchors(pictures, [*heard, *sounds])
        return Storyboard(
            board_id,
            self.path,
            hashlib.sha256(content).hexdigest(),
            _label(entries, "title"),
            _label(entries, "notes"),
            self._max_credits(entries),
            with_sounds(with_own_files(made.shots), made.shots, reader.drafts.sounds, self.findings),
            base.model,
            named="id" in entries,
            film=next(iter(films.values())),
            versions=made.versions(films),
            cast_shots=cast.shots(versions),
            quiet=quiet_codes(entries.get("quiet"), self.catalog, self.findings),
            client=_label(entries, "client"),
        )

    def _films(self, entries: Entries, reader: ShotReader) -> dict[str | None, Film]:
        """What the top of the file says of the film of each version."""
        films: dict[str | None, Film] = {}
        for version in reader.drafts.versions:
            names = Names(version.variables, self.findings)
            take_id = reader.ids.take_plain if not films else _id_again
            sounds = tuple(reader.film.sounds(entries.get("sound"), names, take_id))
            films[version.name] = reader.film.film(entries, sounds, names)
        return films

    def _id(self, root: MappingNode, entries: Entries) -> str:
        node = entries.get("id")
        if isinstance(node, Scalar):
            trouble = id_trouble(node.text)
            if trouble is not None:
                self.findings.error(node, "id", trouble, "id")
            return node.text
        windows = "\\" in self.path
        stem = (PureWindowsPath if windows else PurePath)(self.path).stem
        if "id" not in root.entries and id_trouble(stem) is not None:
            message = f"the file's name '{stem}' can't be an id: add one, 'id: my-storyboard'"
            self.findings.error(root, "id", message, "id")
        return stem

    def _defaults(self, entries: Entries) -> Stack:
        node = entries.get("defaults")
        under = {key: entries[key] for key in ("tags", "scene") if key in entries}
        stack = apply_layer(Stack(DEFAULT_MODEL), under, "", self.findings)
        if not isinstance(node, MappingNode):
            return stack
        layer = well_shaped(node, KeyPlace.DEFAULTS, "defaults", self.findings, lambda: self._rows(node))
        stack = apply_layer(stack, layer, "defaults", self.findings)
        self._judge_layer(stack, layer, "defaults")
        return stack

    def _judge_layer(self, stack: Stack, layer: Entries, where: str) -> None:
        """Judge what a layer itself says by the model that it is for, whether a shot lies on it or not."""
        if "model" in layer:
            check_model(layer["model"], where, self.catalog, self.findings)
        if "references" in layer:
            ReferenceReader(self.findings).check_urls(layer["references"], where)
        table = self.catalog.get(stack.model)
        node = layer.get("params")
        if table is None or not isinstance(node, MappingNode):
            return
        written = {key: given for key, given in stack.params.items() if not holds_names(given.value)}
        about = f" (for {table.id}, the default model)" if stack.model_at is None else ""
        self.judge.judge_layer(table, written, where, about)

    def _rows(self, layer: MappingNode) -> list[str]:
        named = layer.get("model")
        table = self.catalog.get(named.text if isinstance(named, Scalar) else DEFAULT_MODEL)
        return [row.key for row in table.params] if table is not None else []

    def _check_defaults_are_used(self, entries: Entries, reader: ShotReader) -> None:
        """Parameters that no shot gets are easily taken for granted, and clips made without them cost as much."""
        defaults = entries.get("defaults")
        params = defaults.get("params") if isinstance(defaults, MappingNode) else None
        if isinstance(params, MappingNode) and params.entries and not reader.base_is_used:
            message = "no shot uses these: each names another model, which resets 'params'"
            self.findings.advice(params, "defaults.params", message, "unused-params")

    def _presets(self, entries: Entries) -> Mapping[str, tuple[Entries, str]]:
        node = entries.get("presets")
        presets: dict[str, tuple[Entries, str]] = {}
        if isinstance(node, MappingNode):
            for name, layer in node.entries.items():
                if is_extension(name):
                    continue
                where = below("presets", name)
                good: Entries = {}
                if isinstance(layer, MappingNode):
                    good = well_shaped(layer, KeyPlace.PRESET, where, self.findings)
                stack = apply_layer(Stack(""), good, where, self.findings) if "model" in good else Stack("")
                self._judge_layer(stack, good, where)
                presets[name] = (good, where)
        return presets

    def _max_credits(self, entries: Entries) -> float | None:
        node = entries.get("budget")
        if not isinstance(node, MappingNode) or self.findings.is_invalid(node):
            return None
        most: float | None = values(node.entries, KeyPlace.BUDGET).get("max_credits")
        return most


def _ids_of(shot: Shot) -> tuple[str, str]:
    """The ids by which a shot may be named: of what is made, and in the file."""
    return shot.id, shot.family


def _id_again(node: Node, _: str) -> str | None:
    """The id of a sound that was checked in the first version."""
    return node.text if isinstance(node, Scalar) else None


def _label(entries: Mapping[str, Node], key: str) -> str | None:
    node = entries.get(key)
    return node.text if isinstance(node, Scalar) else None
