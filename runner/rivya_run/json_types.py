"""The vocabulary: every value that crosses a border between rooms, frozen and slotted."""

from __future__ import annotations

from typing import TypeAlias

Json: TypeAlias = "None | bool | int | float | str | list[Json] | dict[str, Json]"
