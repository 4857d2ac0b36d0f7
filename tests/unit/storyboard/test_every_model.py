"""Every complete table, held against the reader."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rivya_run.models.catalog import load_catalog
from rivya_run.models.table import ModelTable, ParameterRow, ParameterType
from rivya_run.storyboard.reader import Reading, read_storyboard

CATALOG = load_catalog()
COMPLETE = [table for table in CATALOG.all() if table.complete]


def read(model: str, params: dict[str, Any], prompt: str = "x") -> Reading:
    shot = {"id": "a", "model": model, "prompt": prompt, "params": params}
    return read_storyboard(json.dumps({"shots": [shot]}).encode(), path="board.json", catalog=CATALOG)


def needed(table: ModelTable) -> dict[str, Any]:
    """The least that a model's params must hold."""
    params: dict[str, Any] = {}
    for row in table.params:
        if row.required and row.default is None:
            params[row.key] = (
                [{"voice": "Adam", "text": "Hi"}] if row.type is ParameterType.ARRAY else "Rachel"
            )
            if row.options:
                params[row.key] = row.options[0]
    return params


def outside(row: ParameterRow) -> list[Any]:
    """Values one step outside a row."""
    step = row.step or 1
    values: list[Any] = ["no such option"] if row.type is ParameterType.SELECT else []
    if row.type is ParameterType.NUMBER:
        values += [row.minimum - step] if row.minimum is not None else []
        values += [row.maximum + step] if row.maximum is not None else []
        values += ["many", True]
    return values


@pytest.mark.parametrize("table", COMPLETE, ids=lambda table: table.id)
def test_model(table: ModelTable) -> None:
    """A prompt is enough, every edge of a row is taken, everything one step outside is refused."""
    least = needed(table)
    reading = read(table.id, least)
    assert reading.storyboard is not None, reading.problems
    assert reading.storyboard.shots[0].params == table.defaults() | least
    for row in table.params:
        edges = [edge for edge in (row.minimum, row.maximum) if edge is not None]
        for value in [*(row.options or ()), *edges]:
            assert read(table.id, least | {row.key: value}).storyboard is not None, (row.key, value)
        for value in outside(row):
            assert read(table.id, least | {row.key: value}).storyboard is None, (row.key, value)
    assert read(table.id, least | {"no_such_key": 1}).storyboard is None
    if table.max_prompt_length is not None:
        assert read(table.id, least, "x" * (table.max_prompt_length + 1)).storyboard is None
