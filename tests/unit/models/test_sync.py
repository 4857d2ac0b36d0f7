"""Tables against the API's list: what differs, and the tables that follow from it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rivya_run.models.catalog import load_catalog, read_project_table
from rivya_run.models.sync import (
    Change,
    ChangeKind,
    ListedModel,
    compare,
    new_table,
    renewed_table,
    table_name_is_safe,
)
from rivya_run.models.table import ModelTable

CATALOG = load_catalog()


def table_of(model: str) -> ModelTable:
    table = CATALOG.get(model)
    assert table is not None
    return table


def listed(table: ModelTable, **facts: Any) -> ListedModel:
    """A table as the API would list it."""
    model = ListedModel(
        id=table.id,
        display_name=table.display_name,
        category=table.category,
        base_credits=table.base_credits,
        billing_type=table.billing_type,
        max_prompt_length=table.max_prompt_length,
        api_status="available",
        api_input_status="available_text",
    )
    return replace(model, **facts)


def test_tables_that_agree_make_no_change() -> None:
    """The API listing what the tables say is no news, in any order."""
    assert compare(CATALOG.all(), [listed(table) for table in reversed(CATALOG.all())]) == []


def test_what_the_api_does_not_say_is_no_change() -> None:
    """A field that is missing in the list says nothing about the table."""
    assert compare(CATALOG.all(), [ListedModel(table.id) for table in CATALOG.all()]) == []


@pytest.mark.parametrize(
    ("facts", "kind", "message"),
    [
        ({"base_credits": 12}, ChangeKind.REPRICED, "base_credits 10 -> 12"),
        ({"base_credits": 12.5}, ChangeKind.REPRICED, "base_credits 10 -> 12.5"),
        ({"billing_type": "METERED"}, ChangeKind.REPRICED, "billing_type FIXED -> METERED"),
        ({"max_prompt_length": 4000}, ChangeKind.CHANGED, "max_prompt_length 5000 -> 4000"),
        ({"category": "film"}, ChangeKind.CHANGED, "category video -> film"),
        ({"api_input_status": "requires_files_api"}, ChangeKind.CHANGED, "requires_files false -> true"),
        ({"api_status": "studio_only"}, ChangeKind.UNAVAILABLE, "api_status available -> studio_only"),
    ],
)
def test_each_fact_that_differs_is_a_change_of_its_kind(
    facts: dict[str, Any], kind: ChangeKind, message: str
) -> None:
    """A new price, limit, category or status is told with before and after."""
    table = table_of("grok-imagine-video")
    changes = compare([table], [listed(table, **facts)])
    assert [(change.kind, change.message) for change in changes] == [(kind, message)]


def test_new_and_gone_models_are_told_and_chat_models_are_not() -> None:
    """A model without a table is new, one that is not listed is gone, one to chat with is neither."""
    offer = [
        ListedModel("brand-new", "Brand New", "video", 40, "FIXED", api_status="coming_soon"),
        ListedModel("talker", "Talker", "chat", 0, "TOKEN_BASED"),
    ]
    changes = compare([table_of("z-image")], offer)
    assert [(change.model, change.kind, change.message) for change in changes] == [
        ("brand-new", ChangeKind.NEW, "Brand New: video, 40 base credits, coming_soon"),
        ("z-image", ChangeKind.GONE, "no longer listed"),
    ]


def test_a_model_that_came_back_is_available() -> None:
    """A table that was marked unavailable is renewed when the API offers the model again."""
    table = replace(table_of("z-image"), api_status="coming_soon")
    assert [change.kind for change in compare([table], [listed(table)])] == [ChangeKind.AVAILABLE]


def test_a_new_table_guesses_no_rows() -> None:
    """What is not known of a new model is left out: no rows, incomplete."""
    model = ListedModel("brand-new", 'Brand "New": yes', None, 40.0, None, 900, api_status="available")
    text = new_table(model, source_url="https://rivya.ai/api/v1/models", read_on="2026-06-01")
    table = read_project_table(text.encode(), "brand-new.yaml", "brand-new")
    assert (table.params, table.complete, table.base_credits) == ((), False, 40)
    assert (table.display_name, table.category, table.max_prompt_length) == (
        'Brand "New": yes',
        "unknown",
        900,
    )
    assert table.read_on == "2026-06-01"


def test_a_renewed_table_keeps_its_rows_and_comments() -> None:
    """Only the changed facts and the day of reading are other than before."""
    before = table_of("wan-2-6")
    text = "# ours\n" + CATALOG.source("wan-2-6").decode()
    changes = compare(
        [before], [listed(before, base_credits=71, max_prompt_length=9, api_status="studio_only")]
    )
    renewed = renewed_table(text, changes, read_on="2026-06-01")
    after = read_project_table(renewed.encode(), "wan-2-6.yaml", "wan-2-6")
    assert after == replace(
        before, base_credits=71, max_prompt_length=9, api_status="studio_only", read_on="2026-06-01"
    )
    assert renewed.startswith("# ours\n")


@pytest.mark.parametrize("name", ["../evil", "a/b", "", ".hidden", "x" * 65, "a\n"])
def test_ids_that_are_no_file_names_are_never_written(name: str) -> None:
    """An id from the network becomes a file's name only if it is harmless."""
    assert not table_name_is_safe(name)
    assert table_name_is_safe("veo3.1-lite")


def test_a_change_of_nothing_leaves_the_facts_alone() -> None:
    """A whole-model change holds no field to write."""
    text = renewed_table('id: "a"\n', [Change("a", ChangeKind.NEW, "new")], read_on="2026-06-01")
    assert text == 'id: "a"\nread_on: "2026-06-01"\n'
