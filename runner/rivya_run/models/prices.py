"""Which parameters make a task dearer than the base credits of a model's table: rows say so with ``raises_price``.

The pages tell one price, that of their defaults, and that quality, length and resolution change it, but not by how
much.
"""

from __future__ import annotations

from collections.abc import Mapping

from rivya_run.json_types import Json
from rivya_run.models.table import ModelTable, ParameterRow, ParameterType


def dearer_params(table: ModelTable, params: Mapping[str, Json]) -> tuple[str, ...]:
    """The parameters, of those that are sent, with which a task may cost more than the base credits."""
    return tuple(row.key for row in table.params if row.raises_price and _is_more(row, params.get(row.key)))


def _is_more(row: ParameterRow, value: Json) -> bool:
    """Whether a value is more than the default: a greater number, or an option that stands after it. Without a
    default the first option, or the minimum, is the least that can be asked for."""
    if row.type is ParameterType.SELECT:
        options = row.options or ()
        first = options.index(str(row.default)) if row.default in options else 0
        return value in options[first + 1 :]
    usual = row.default if row.default is not None else row.minimum
    if isinstance(value, bool) or not isinstance(value, int | float) or not isinstance(usual, int | float):
        return False
    return value > usual
