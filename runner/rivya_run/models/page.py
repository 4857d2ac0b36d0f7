"""``docs/models.md``: every parameter table on one page, generated."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rivya_run.models.table import ModelTable
from rivya_run.models.view import (
    credits_in_words,
    default_in_words,
    limits_in_words,
    prompt_in_words,
    references_in_words,
    values_in_words,
)
from rivya_run.text import markdown_table

_INTRO = """# Models

Generated from the parameter tables by `rivya-run models list --markdown`; don't edit it by hand.

The tables say what each model's page said on the day it was read. Base credits are those of the default
parameters: longer, larger or better results may cost more, and the credits that the API reserves are the
truth. `rivya-run models show ID` prints one table with an example shot; `rivya-run models sync` compares them
all with what Rivya lists today.
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
            (f"`{row.key}`", row.type.value, values_in_words(row), default_in_words(row), row.description)
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
