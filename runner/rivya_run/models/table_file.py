"""A table file's text to a ``ModelTable``, with every problem of it at its place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

from rivya_run.errors import StoryboardError
from rivya_run.models.values import Rejected, judge_value
from rivya_run.records import Json
from rivya_run.records.problems import Problem
from rivya_run.records.tables import (
    AdviceRow,
    KindLimit,
    ModelTable,
    ParameterRow,
    ParameterType,
    ReferencePolicy,
)
from rivya_run.suggest import did_you_mean
from rivya_run.yaml12.nodes import Mapping, Node, Sequence, to_json
from rivya_run.yaml12.reading import Document, parse

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
    return ModelTable(
        id=read["id"],
        display_name=read["display_name"],
        category=read["category"],
        base_credits=read.get("base_credits"),
        billing_type=read.get("billing_type", ""),
        max_prompt_length=read.get("max_prompt_length"),
        prompt_required=read.get("prompt_required", True),
        params=tuple(_row(row) for row in read["params"]),
        references=_references(read["references"]) if "references" in read else None,
        requires_files=read.get("requires_files", False),
        files_api=read.get("files_api", ""),
        source_url=read.get("source_url", ""),
        read_on=read.get("read_on", ""),
        complete=read["complete"],
        note=read.get("note"),
        advice=tuple(_advice(row) for row in read.get("advice", [])),
        api_status=read.get("api_status"),
    )


def _row(read: dict[str, Any]) -> ParameterRow:
    return ParameterRow(
        key=read["key"],
        type=ParameterType(read["type"]),
        required=read.get("required", False),
        default=read.get("default"),
        minimum=read.get("min"),
        maximum=read.get("max"),
        step=read.get("step"),
        options=tuple(read["options"]) if "options" in read else None,
        description=read.get("description", ""),
        items=tuple(_row(field) for field in read["items"]) if "items" in read else None,
    )


def _references(read: dict[str, Any]) -> ReferencePolicy:
    limits = (
        KindLimit(limit["kind"], limit["max_mb"], tuple(limit["mime"])) for limit in read.get("limits", [])
    )
    return ReferencePolicy(read["max_files"], tuple(read["kinds"]), tuple(limits), read.get("rule", ""))


def _advice(read: dict[str, Any]) -> AdviceRow:
    return AdviceRow(
        code=read["code"],
        message=read["message"],
        when=tuple((key, tuple(values)) for key, values in read.get("when", {}).items()),
        written=tuple(read.get("written", [])),
        references=read.get("references"),
    )


def _shape_problems(document: Document) -> Iterator[Problem]:
    """What the tables' own schema says against a document."""
    from jsonschema import Draft7Validator

    from rivya_run.generated.table_schema import table_schema

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
        if row.minimum is not None and row.maximum is not None and row.minimum > row.maximum:
            yield [*here, "min"], "min is more than max"
        if row.default is not None:
            judged = judge_value(row, row.default)
            if isinstance(judged, Rejected):
                yield [*here, "default"], f"the default is no value of its own row: {judged.message}"
            elif judged.value != row.default:
                yield [*here, "default"], "the default must be written as it is sent, in quotes"
    for index, advice in enumerate(table.advice):
        for part, keys in (("when", [key for key, _ in advice.when]), ("written", list(advice.written))):
            for key in keys:
                if key not in seen and table.complete:
                    yield ["advice", index, part], f"no row is called '{key}'{did_you_mean(key, seen)}"


def _problem(
    document: Document, path: list[str | int], message: str, code: str, *, at_key: bool = False
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
