"""Which params may cost more than a table's base credits."""

from __future__ import annotations

import pytest

from rivya_run.json_types import Json
from rivya_run.models.catalog import load_catalog
from rivya_run.models.prices import dearer_params
from rivya_run.models.table import ModelTable, ParameterType

CATALOG = load_catalog()
TABLES = CATALOG.all()


def dearer(model: str, **params: Json) -> tuple[str, ...]:
    table = CATALOG.get(model)
    assert table is not None
    return dearer_params(table, {**table.defaults(), **params})


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.id)
def test_the_defaults_cost_what_the_table_says(table: ModelTable) -> None:
    """Base credits are those of the defaults, and rows that raise the price can be compared with them."""
    assert dearer_params(table, table.defaults()) == ()
    assert dearer_params(table, {}) == ()
    for row in table.params:
        number = row.type is ParameterType.NUMBER and (row.default is not None or row.minimum is not None)
        assert not row.raises_price or row.type is ParameterType.SELECT or number, row.key


@pytest.mark.parametrize(
    ("model", "params", "expected"),
    [
        ("grok-imagine-video", {"duration": 30, "resolution": "720p"}, ("duration", "resolution")),
        ("grok-imagine-video", {"mode": "fun", "aspect_ratio": "16:9"}, ()),
        ("kling-3-0", {"duration": "3", "mode": "std"}, ()),
        ("kling-3-0", {"duration": "10", "sound": "true"}, ("duration", "sound")),
        ("seedance-2", {"generate_audio": "false", "resolution": "480p"}, ()),
        ("happyhorse-1-0", {"resolution": "720p", "duration": 3}, ()),
        ("ideogram-v3", {"rendering_speed": "TURBO"}, ()),
        ("ideogram-v3", {"rendering_speed": "QUALITY"}, ("rendering_speed",)),
        ("sora-2-pro", {"size": "standard"}, ()),
        ("sora-2-pro", {"size": "high"}, ("size",)),
        ("seedream-4-0", {"max_images": 4}, ("max_images",)),
        ("elevenlabs-sound-effect-v2", {"duration_seconds": 3.5}, ("duration_seconds",)),
    ],
)
def test_more_than_the_default_may_cost_more(
    model: str, params: dict[str, Json], expected: tuple[str, ...]
) -> None:
    """A longer, larger or better result, one with sound, several; less of it or another look doesn't."""
    assert dearer(model, **params) == expected
