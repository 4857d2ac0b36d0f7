"""A parameter table as people and programs read it: words, JSON, an example shot."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from rivya_run.json_types import Json
from rivya_run.models.table import ModelTable, ParameterRow, ParameterType, ReferencePolicy
from rivya_run.models.values import number_text
from rivya_run.text import markdown_table

_EXAMPLE_PROMPT = "A cinematic product reveal with smooth camera movement"
_EXAMPLE_PARAMS = 4  # an example shows the form, not everything


def credits_in_words(table: ModelTable) -> str:
    """The base credits, ``?`` where they are not known."""
    return "?" if table.base_credits is None else number_text(table.base_credits)


def prompt_in_words(table: ModelTable) -> str:
    """How long a prompt may be, in characters."""
    limit = "no limit" if table.max_prompt_length is None else str(table.max_prompt_length)
    return limit if table.prompt_required else f"{limit}, not required"


def values_in_words(row: ParameterRow) -> str:
    """What a parameter may be: ``6 to 30 in steps of 1``, ``fun, normal, spicy``."""
    if row.type is ParameterType.SELECT:
        return ", ".join(row.options or ())
    if row.type is ParameterType.NUMBER:
        return _number_in_words(row)
    if row.type is ParameterType.ARRAY:
        if row.items is None:
            return "list"
        fields = (field.key if field.required else f"{field.key}?" for field in row.items)
        return f"list of {{{', '.join(fields)}}}"
    return "text"


def default_in_words(row: ParameterRow) -> str:
    """The default, ``required`` where there must be a value and is none, else nothing."""
    if row.default is None:
        return "required" if row.required else ""
    return row.default if isinstance(row.default, str) else number_text(row.default)


def about_in_words(row: ParameterRow) -> str:
    """What a parameter is, and whether more of it may cost more."""
    return f"{row.description.rstrip('.')}. More may cost more." if row.raises_price else row.description


def references_in_words(table: ModelTable) -> str:
    """``up to 2 image, video``; whether the page says nothing or could not be read is told apart."""
    if table.references is None:
        return "none" if table.complete else "not known"
    policy = table.references
    kinds = ", ".join(policy.kinds)
    return f"up to {policy.max_files} {kinds}" if policy.max_files > 1 else f"1 {' or '.join(policy.kinds)}"


def limits_in_words(policy: ReferencePolicy) -> list[str]:
    """One line for each kind: ``image: 10 MB, image/jpeg, image/png``."""
    return [
        f"{limit.kind}: {number_text(limit.max_mb)} MB, {', '.join(limit.mime)}" for limit in policy.limits
    ]


_FACTS = (
    *(
        "id",
        "display_name",
        "category",
        "base_credits",
        "billing_type",
        "max_prompt_length",
        "prompt_required",
    ),
    *("requires_files", "files_api", "source_url", "read_on", "complete", "note", "api_status", "track"),
)


def table_document(table: ModelTable) -> dict[str, Any]:
    """The table in the form of its file; what is not known is left out."""
    facts = {name: getattr(table, name) for name in _FACTS}
    document = {name: value for name, value in facts.items() if value is not None and value != ""}
    document["params"] = [_row_document(row) for row in table.params]
    if table.references is not None:
        document["references"] = asdict(table.references)
    if table.advice:
        document["advice"] = [asdict(row) | {"when": dict(row.when)} for row in table.advice]
    return document


def example_shot(table: ModelTable) -> str:
    """A storyboard of one valid shot for the model, as YAML."""
    lines = ["shots:", "  - id: sh010", f"    model: {table.id}"]
    if table.prompt_required:
        limit = table.max_prompt_length
        lines.append(f"    prompt: {_EXAMPLE_PROMPT if limit is None else _EXAMPLE_PROMPT[:limit].rstrip()}")
    needed = [row for row in table.params if row.required]
    shown = needed + [row for row in table.params if row.default is not None and not row.required]
    if shown:
        lines.append("    params:")
    for row in shown[: max(_EXAMPLE_PARAMS, len(needed))]:
        lines.append(f"      {row.key}: {_example_value(row)}")
    if table.references is not None:
        lines.append(f"    # references: refs/example  ({references_in_words(table)})")
    return "\n".join(lines) + "\n"


def _number_in_words(row: ParameterRow) -> str:
    if row.minimum is not None and row.maximum is not None:
        words = f"{number_text(row.minimum)} to {number_text(row.maximum)}"
    elif row.minimum is not None:
        words = f"{number_text(row.minimum)} or more"
    elif row.maximum is not None:
        words = f"{number_text(row.maximum)} or less"
    else:
        words = "number"
    return words if row.step is None else f"{words} in steps of {number_text(row.step)}"


def _row_document(row: ParameterRow) -> dict[str, Any]:
    names = {"minimum": "min", "maximum": "max"}
    fields = {name: value for name, value in asdict(row).items() if value is not None}
    if not row.raises_price:
        del fields["raises_price"]
    document = {names.get(name, name): value for name, value in fields.items()}
    return (
        document if row.items is None else document | {"items": [_row_document(field) for field in row.items]}
    )


def _example_value(row: ParameterRow) -> str:
    """A value as YAML that needs no knowledge of quoting: JSON where letters alone would not do."""
    value: Json = row.default
    if value is None and row.type is ParameterType.SELECT and row.options:
        value = row.options[0]
    elif value is None and row.type is ParameterType.NUMBER:
        value = row.minimum if row.minimum is not None else row.maximum if row.maximum is not None else 0
    elif value is None and row.type is ParameterType.ARRAY:
        fields = [field for field in row.items or () if field.required]
        element: Json = {field.key: field.description or field.key for field in fields}
        value = [element]
    elif value is None:
        value = row.description or row.key
    if isinstance(value, str) and value.replace("_", "").replace("-", "").replace(":", "").isalnum():
        return value
    return json.dumps(value, ensure_ascii=False)


_INTRO = """# Models

Generated from the parameter tables by `rivya-run models list --markdown`; don't edit it by hand.

The tables say what each model's page said on the day it was read. Base credits are those of the default
parameters: longer, larger or better results may cost more, by the rows that say so, and the credits that the
API reserves are the truth. `rivya-run models show ID` prints one table with an example shot; `rivya-run models
sync` compares them all with what Rivya lists today.
"""


def models_page(tables: Sequence[ModelTable]) -> str:
    """The page, in Markdown: all models in one table, then each with its parameters."""
    rows = [
        (
            f"[`{table.id}`](#{_anchor(table.id)})",
            table.category,
            credits_in_words(table),
            table.billing_type,
            prompt_in_words(table),
            references_in_words(table),
            "yes" if table.complete else "no",
        )
        for table in tables
    ]
    heads = ("model", "category", "base credits", "billing", "prompt, characters", "references", "complete")
    parts = [_INTRO, f"{len(tables)} models.\n", grid(heads, rows)]
    parts += [_section(table) for table in tables]
    return "\n".join(parts)


def _section(table: ModelTable) -> str:
    page = f"[Page]({table.source_url}), read {table.read_on}." if table.source_url else "No page was read."
    billing = f" ({table.billing_type})" if table.billing_type else ""
    price = f"{credits_in_words(table)} base credits{billing}"
    lines = [f"## {table.id}", "", f"{table.display_name}: {table.category}, {price}. {page}", ""]
    if not table.complete:
        lines += ["The table is incomplete: an unknown parameter is sent as written, with advice.", ""]
    if table.params:
        rows = [
            (f"`{row.key}`", row.type.value, values_in_words(row), default_in_words(row), about_in_words(row))
            for row in table.params
        ]
        lines.append(grid(("parameter", "type", "values", "default", "about"), rows))
    if table.references is not None:
        about = [table.references.rule, *(f"{limit}." for limit in limits_in_words(table.references))]
        lines += [f"References: {references_in_words(table)}. {' '.join(part for part in about if part)}", ""]
    lines += [f"- Advice `{row.code}`: {row.message}." for row in table.advice]
    if table.advice:
        lines.append("")
    if table.note:
        lines += [f"Note: {table.note}", ""]
    return "\n".join(lines)


def _anchor(model: str) -> str:
    return model.lower().replace(".", "")


def grid(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    cells = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    return "\n".join(markdown_table(heads, cells)) + "\n"
