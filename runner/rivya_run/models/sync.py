"""The tables against what Rivya lists today: what changed, and the project tables that follow from it.

Only facts that ``GET /api/v1/models`` is known to state are compared; parameter rows are never guessed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rivya_run.json_types import Json
from rivya_run.models.table import ModelTable
from rivya_run.models.table_schemas import MODEL_ID_PATTERN
from rivya_run.models.values import scalar_text

AVAILABLE = "available"
NEEDS_FILES = "requires_files_api"
_CHAT_CATEGORY = "chat"
_CHAT_BILLING = "TOKEN_BASED"


class ChangeKind(StrEnum):
    """What happened to a model since its table was written."""

    NEW = "new"
    GONE = "gone"
    REPRICED = "repriced"
    CHANGED = "changed"
    UNAVAILABLE = "unavailable"
    AVAILABLE = "available"


@dataclass(frozen=True, slots=True)
class Change:
    """One fact that differs. ``field`` is its name in the table's file; None for a whole model."""

    model: str
    kind: ChangeKind
    message: str
    field: str | None = None
    before: Json = None
    after: Json = None


def compare(tables: Iterable[ModelTable], listed: Sequence[ListedModel]) -> list[Change]:
    """What differs, by model id. Chat models are left out: they can't be generated with."""
    known = {table.id: table for table in tables}
    offered = {model.id: model for model in listed if not _is_chat(model)}
    changes: list[Change] = []
    for model_id in sorted(known.keys() | offered.keys()):
        table, model = known.get(model_id), offered.get(model_id)
        if model is None:
            changes.append(Change(model_id, ChangeKind.GONE, "no longer listed"))
        elif table is None:
            changes.append(Change(model_id, ChangeKind.NEW, _new_in_words(model)))
        else:
            changes.extend(_differences(table, model))
    return changes


def table_name_is_safe(model_id: str) -> bool:
    """Whether an id that a server sent may become a file's name."""
    return re.fullmatch(MODEL_ID_PATTERN.strip("^$"), model_id) is not None


def new_table(model: ListedModel, *, source_url: str, read_on: str) -> str:
    """The text of a table for a new model: what is known, no rows, incomplete."""
    facts: dict[str, Json] = {
        "id": model.id,
        "display_name": model.display_name or model.id,
        "category": model.category or "unknown",
        "base_credits": model.base_credits,
        "billing_type": model.billing_type,
        "max_prompt_length": model.max_prompt_length,
        "requires_files": True if model.api_input_status == NEEDS_FILES else None,
        "api_status": model.api_status,
        "source_url": source_url,
        "read_on": read_on,
    }
    lines = [f"{key}: {_yaml(value)}" for key, value in facts.items() if value is not None]
    return "\n".join([*lines, "complete: false", "params: []"]) + "\n"


def renewed_table(text: str, changes: Iterable[Change], *, read_on: str) -> str:
    """A table's text with its changed facts; rows, comments and everything else stay.

    The table's keys must start their lines, as in every table that comes with the program.
    """
    facts = {change.field: change.after for change in changes if change.field is not None}
    for key, value in (facts | {"read_on": read_on}).items():
        line = f"{key}: {_yaml(value)}"
        found = re.compile(rf"^{re.escape(key)}[ \t]*:.*$", re.MULTILINE)
        if found.search(text):
            text = found.sub(lambda _, line=line: line, text, count=1)  # type: ignore[misc]
        else:
            text = text.rstrip("\n") + f"\n{line}\n"
    return text


def _is_chat(model: ListedModel) -> bool:
    return model.category == _CHAT_CATEGORY or model.billing_type == _CHAT_BILLING


def _new_in_words(model: ListedModel) -> str:
    price = "" if model.base_credits is None else f", {_in_words(model.base_credits)} base credits"
    status = "" if model.api_status in {None, AVAILABLE} else f", {model.api_status}"
    return f"{model.display_name or model.id}: {model.category or 'unknown category'}{price}{status}"


def _differences(table: ModelTable, model: ListedModel) -> Iterable[Change]:
    facts: list[tuple[str, ChangeKind, Json, Json]] = [
        ("base_credits", ChangeKind.REPRICED, table.base_credits, model.base_credits),
        ("billing_type", ChangeKind.REPRICED, table.billing_type, model.billing_type),
        ("max_prompt_length", ChangeKind.CHANGED, table.max_prompt_length, model.max_prompt_length),
        ("category", ChangeKind.CHANGED, table.category, model.category),
    ]
    if model.api_input_status is not None:
        needs = model.api_input_status == NEEDS_FILES
        facts.append(("requires_files", ChangeKind.CHANGED, table.requires_files, needs))
    for field, kind, before, after in facts:
        if after is not None and after != before:
            message = f"{field} {_in_words(before)} -> {_in_words(after)}"
            yield Change(table.id, kind, message, field, before, after)
    before_status = table.api_status or AVAILABLE
    if model.api_status is not None and model.api_status != before_status:
        gained = model.api_status == AVAILABLE
        kind = ChangeKind.AVAILABLE if gained else ChangeKind.UNAVAILABLE
        message = f"api_status {before_status} -> {model.api_status}"
        yield Change(table.id, kind, message, "api_status", table.api_status, model.api_status)


def _in_words(value: Json) -> str:
    return "none" if value is None else scalar_text(value) or ""


def _yaml(value: Json) -> str:
    """A scalar as YAML that every reader takes the same way: text always in quotes."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value, ensure_ascii=True)


@dataclass(frozen=True, slots=True)
class ListedModel:
    """One entry of ``GET /api/v1/models``, as far as its shape is published."""

    id: str
    display_name: str | None = None
    category: str | None = None
    base_credits: float | None = None
    billing_type: str | None = None
    max_prompt_length: int | None = None
    api_status: str | None = None
    api_input_status: str | None = None
