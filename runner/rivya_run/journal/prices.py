"""What a create is thought to cost: what the API reserved for the same before, else the table's base credits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rivya_run.journal.fingerprint import price_key
from rivya_run.json_types import Json
from rivya_run.models.table import ModelTable


@dataclass(frozen=True, slots=True)
class Estimate:
    """``credits`` None: nothing is known. ``basis`` is ``observed`` or ``base``; ``read_on`` dates the table."""

    credits: float | None
    basis: str | None
    read_on: str | None
    price_key: str


def estimate(table: ModelTable, params: Mapping[str, Json], prices: Mapping[str, float]) -> Estimate:
    """The cost of one create of this model with these params as sent."""
    key = price_key(table.id, params)
    if key in prices:
        return Estimate(prices[key], "observed", None, key)
    if table.base_credits is None:
        return Estimate(None, None, table.read_on, key)
    return Estimate(table.base_credits, "base", table.read_on, key)
