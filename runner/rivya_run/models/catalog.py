"""The parameter tables in force: the built-in ones and a project's own, each read when it is asked for.

A table file's text becomes a ``ModelTable``, or every problem of it at its place.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from collections.abc import Mapping as ById
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from rivya_run.errors import Problem, Severity, StoryboardError
from rivya_run.json_types import Json
from rivya_run.models.table import (
    AdviceRow,
    KindLimit,
    ModelTable,
    ParameterRow,
    ParameterType,
    ReferencePolicy,
)
from rivya_run.models.values import Rejected, judge_value
from rivya_run.suggest import did_you_mean
from rivya_run.yaml12.nodes import Mapping, Node, Sequence, to_json
from rivya_run.yaml12.reading import YamlDocument, parse

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError


_CODES = {
    "required": "required",
    "additionalProperties": "unknown-key",
    "enum": "option",
    "type": "type",
    "minimum": "range",
    "exclusiveMinimum": "range",
}


def read_checked(content: bytes, file: str) -> ModelTable:
    """A table that has passed its own checks before it was shipped."""
    document = parse(content, file)
    if document.root is None or document.problems:
        raise StoryboardError(f"{file} can't be read", document.problems)
    return _table(cast("dict[str, Any]", to_json(document.root)))


def read_project_table(content: bytes, file: str, stem: str) -> ModelTable:
    """A project's own table; ``stem`` is the file's name without its ending, which is the model's id.

    Raises StoryboardError with all problems.
    """
    document = parse(content, file)
    problems = list(document.problems)
    if document.root is not None and not problems:
        problems = sorted(_shape_problems(document), key=lambda found: (found.line, found.column))
    if document.root is not None and not problems:
        table = _table(cast("dict[str, Any]", to_json(document.root)))
        problems = [_problem(document, path, text, "table") for path, text in _slips(table, stem)]
        if not problems:
            return table
    raise StoryboardError(f"the parameter table {file} has problems", problems)


def _table(read: dict[str, Any]) -> ModelTable:
    """``read`` has the keys that the tables' schema allows, which are the fields of the records."""
    rows = {
        "params": tuple(map(_row, read["params"])),
        "references": _references(read["references"]) if "references" in read else None,
        "advice": tuple(map(_advice, read.get("advice", []))),
    }
    return ModelTable(**read | rows)


def _row(read: dict[str, Any]) -> ParameterRow:
    limits = {"min": "minimum", "max": "maximum"}
    fields = {limits.get(key, key): value for key, value in read.items()}
    fields["type"] = ParameterType(read["type"])
    if "options" in read:
        fields["options"] = tuple(read["options"])
    if "items" in read:
        fields["items"] = tuple(map(_row, read["items"]))
    return ParameterRow(**fields)


def _references(read: dict[str, Any]) -> ReferencePolicy:
    limits = tuple(
        KindLimit(limit["kind"], limit["max_mb"], tuple(limit["mime"])) for limit in read.get("limits", [])
    )
    return ReferencePolicy(read["max_files"], tuple(read["kinds"]), limits, read.get("rule", ""))


def _advice(read: dict[str, Any]) -> AdviceRow:
    when = tuple((key, tuple(values)) for key, values in read.get("when", {}).items())
    return AdviceRow(**read | {"when": when, "written": tuple(read.get("written", []))})


def _shape_problems(document: YamlDocument) -> Iterator[Problem]:
    """What the tables' own schema says against a document."""
    from jsonschema import Draft7Validator

    from rivya_run.models.table_schemas import table_schema

    plain = to_json(document.root) if document.root is not None else None
    for error in Draft7Validator(cast("dict[str, Any]", table_schema())).iter_errors(plain):
        path = list(error.absolute_path)
        code = _CODES.get(str(error.validator), "table")
        if error.validator != "additionalProperties":
            yield _problem(document, path, _wording(error), code)
            continue
        known = cast("dict[str, Json]", error.schema).get("properties", {})
        for key in error.instance:
            if key not in cast("dict[str, Json]", known):
                message = f"unknown key '{key}'{did_you_mean(key, list(cast('dict[str, Json]', known)))}"
                yield _problem(document, [*path, key], message, code, at_key=True)


def _wording(error: ValidationError) -> str:
    """The message for people; the library's own where nothing better is known."""
    rule: Any = error.validator_value
    if error.validator == "type":
        wanted = rule if isinstance(rule, str) else " or ".join(rule)
        in_quotes = "string" in wanted and not isinstance(error.instance, list | dict)
        return f"not a {wanted}{': write it in quotes' if in_quotes else ''}"
    if error.validator == "enum":
        options = [str(option) for option in rule]
        hint = did_you_mean(str(error.instance), options) or f": it is one of {', '.join(options)}"
        return f"'{error.instance}' is not possible here{hint}"
    return error.message


def _slips(table: ModelTable, stem: str) -> Iterator[tuple[list[str | int], str]]:
    """What a schema can't say: (path, message)."""
    if table.id != stem:
        yield ["id"], f"the file of '{table.id}' must be called {table.id}.yaml"
    seen: set[str] = set()
    for index, row in enumerate(table.params):
        here: list[str | int] = ["params", index]
        if row.key in seen:
            yield [*here, "key"], f"a second row for '{row.key}'"
        seen.add(row.key)
        for member, message in _slips_of_row(row):
            yield [*here, member], message
    for index, advice in enumerate(table.advice):
        for part, keys in (("when", [key for key, _ in advice.when]), ("written", list(advice.written))):
            for key in keys:
                if key not in seen and table.complete:
                    yield ["advice", index, part], f"no row is called '{key}'{did_you_mean(key, seen)}"


def _slips_of_row(row: ParameterRow) -> Iterator[tuple[str, str]]:
    if row.minimum is not None and row.maximum is not None and row.minimum > row.maximum:
        yield "min", "min is more than max"
    judged = judge_value(row, row.default) if row.default is not None else None
    if isinstance(judged, Rejected):
        yield "default", f"the default is not a valid value of its own row: {judged.message}"
    elif judged is not None and judged.value != row.default:
        yield "default", "the default must be written as it is sent, in quotes"


def _problem(
    document: YamlDocument, path: list[str | int], message: str, code: str, *, at_key: bool = False
) -> Problem:
    node: Node | None = document.root
    line, column = (node.line, node.column) if node is not None else (1, 1)
    where = ""
    for step in path:
        where += f"[{step}]" if isinstance(step, int) else f"{'.' if where else ''}{step}"
        key = None
        if isinstance(node, Mapping) and isinstance(step, str) and step in node.entries:
            key, node = node.key(step), node.entries[step]
        elif isinstance(node, Sequence) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
        else:
            break
        place = key if key is not None and at_key and step == path[-1] else node
        line, column = place.line, place.column
    return document.source.problem(line, column, message, code, where=where or "table")


DEFAULT_MODEL = "grok-imagine-video"
PROJECT_FOLDER = "models"
ENDING = ".yaml"
_HINT = f"every YAML file in the project's {PROJECT_FOLDER}/ is read as the table of a model"
_BUILT_IN = Path(__file__).parents[1] / "tables"


class Catalog:
    """The tables by model id. Immutable; a built-in table is read from disk once, when first asked for.

    ``broken`` are the problems of project tables, by the model that each file is called by: they stop who asks for
    that one.
    """

    def __init__(
        self,
        built_in: Path,
        project: ById[str, tuple[bytes, ModelTable]],
        broken: ById[str, list[Problem]] = MappingProxyType({}),
    ) -> None:
        self._built_in = built_in
        self._broken = dict(broken)
        self._project = dict(project)
        self._read: dict[str, ModelTable] = {model: table for model, (_, table) in self._project.items()}
        self._ids: list[str] | None = None

    @property
    def problems(self) -> list[Problem]:
        """What is wrong with project tables."""
        return [problem for problems in self._broken.values() for problem in problems]

    def whole(self) -> Catalog:
        """The same for who needs all tables. Raises StoryboardError if any is broken."""
        if self._broken:
            raise StoryboardError("the project's parameter tables have problems", self.problems, hint=_HINT)
        return self

    def get(self, model_id: str) -> ModelTable | None:
        """The table; None where there is none. Raises StoryboardError if it is broken."""
        if model_id in self._broken:
            message = f"the parameter table of '{model_id}' has problems"
            raise StoryboardError(message, self._broken[model_id], hint=_HINT)
        if model_id not in self._read:
            if model_id not in self.ids():
                return None
            file = self._built_in / f"{model_id}{ENDING}"
            self._read[model_id] = read_checked(file.read_bytes(), file.name)
        return self._read[model_id]

    def of(self, models: Iterable[str]) -> dict[str, ModelTable]:
        """The tables of some models, as far as there are any."""
        return {model: table for model in models if (table := self.get(model)) is not None}

    def ids(self) -> list[str]:
        if self._ids is None:
            shipped = (file.stem for file in self._built_in.iterdir() if file.suffix == ENDING)
            self._ids = sorted({*shipped, *self._project, *self._broken})
        return list(self._ids)

    def all(self) -> list[ModelTable]:
        tables = (self.get(model_id) for model_id in self.ids() if model_id not in self._broken)
        return [table for table in tables if table is not None]

    def is_project_table(self, model_id: str) -> bool:
        return model_id in self._project

    def source(self, model_id: str) -> bytes:
        """The table's file as it is; KeyError where there is no such model."""
        if model_id in self._project:
            return self._project[model_id][0]
        if model_id not in self.ids() or model_id in self._broken:
            raise KeyError(model_id)
        return (self._built_in / f"{model_id}{ENDING}").read_bytes()

    def digest(self) -> str:
        """sha256 (hex) over all table files in force; line endings don't matter."""
        total = hashlib.sha256()
        for model_id in self.ids():
            if model_id in self._broken:
                continue
            text = self.source(model_id).replace(b"\r\n", b"\n")
            total.update(f"{model_id} {len(text)}\n".encode())
            total.update(text)
        return total.hexdigest()


@cache
def _shipped() -> Catalog:
    return Catalog(_BUILT_IN, {})


def load_catalog(project_models: Path | None = None) -> Catalog:
    """The built-in tables, with those of ``project_models`` (a ``models/`` folder, need not exist) over them.

    A project table with problems stops only who asks for it.
    """
    if project_models is None or not project_models.is_dir():
        return _shipped()
    broken: dict[str, list[Problem]] = {}
    tables: dict[str, tuple[bytes, ModelTable]] = {}
    for file in sorted(project_models.iterdir()):
        if file.suffix not in {ENDING, ".yml"} or file.name.startswith("."):
            continue
        try:
            content = file.read_bytes()
            table = read_project_table(content, str(file), file.stem)
        except OSError as error:
            text = f"can't be read: {error.strerror or error}"
            broken.setdefault(file.stem, []).append(_of_file(file, "table", text, "unreadable"))
        except StoryboardError as error:
            broken.setdefault(file.stem, []).extend(error.problems)
        else:
            if table.id in tables:
                text = f"a second table for '{table.id}'"
                broken.setdefault(table.id, []).append(_of_file(file, "id", text, "duplicate-id"))
            tables[table.id] = (content, table)
    good = {model: table for model, table in tables.items() if model not in broken}
    return Catalog(_BUILT_IN, good, broken) if good or broken else _shipped()


def _of_file(file: Path, where: str, message: str, code: str) -> Problem:
    return Problem(str(file), 1, 1, Severity.ERROR, where, message, code)
