"""Renews the generated parts of the pages beside it: ``make schemas`` runs it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from rivya_run.models.catalog import load_catalog
from rivya_run.models.table import ModelTable
from rivya_run.models.view import grid
from rivya_run.simulator.faults import PLACES, FaultPlan
from rivya_run.storyboard.language import KEYS
from rivya_run.storyboard.problems import GROUPS
from rivya_run.storyboard.shapes import Key, KeyPlace

FOLDER = Path(__file__).parent
ENDPOINTS = {place for place in PLACES if place not in ("task", "download")}


_BLOCK: Final = re.compile(
    r"(?P<start><!-- generated: (?P<name>[a-z-]+) -->\n).*?(?P<end><!-- end -->\n)", re.DOTALL
)
_LAYERED: Final = (KeyPlace.TOP, KeyPlace.DEFAULTS, KeyPlace.PRESET, KeyPlace.SHOT)
_REFERENCES: Final = (
    KeyPlace.FILE_REFERENCE,
    KeyPlace.URL_REFERENCE,
    KeyPlace.BOARD_REFERENCE,
    KeyPlace.SHOT_REFERENCE,
)
_NESTED: Final = tuple(place for place in KeyPlace if place not in (*_LAYERED, *_REFERENCES, KeyPlace.FIT))


class NoSuchPart(Exception):
    """A page asks for a part that isn't made, or leaves one out."""


def renewed_page(page: str, parts: Mapping[str, str]) -> str:
    """The page with what stands between ``<!-- generated: NAME -->`` and ``<!-- end -->`` replaced.

    Raises NoSuchPart when the page's names are not exactly those of ``parts``.
    """
    named = [match["name"] for match in _BLOCK.finditer(page)]
    if sorted(named) != sorted(parts):
        raise NoSuchPart(f"the page has {sorted(named)}, made are {sorted(parts)}")
    return _BLOCK.sub(lambda match: f"{match['start']}{parts[match['name']]}{match['end']}", page)


def language_parts(tables: Sequence[ModelTable]) -> dict[str, str]:
    """The generated parts by name, in Markdown."""
    return {
        "keys": _keys(_LAYERED),
        "reference-keys": _keys(_REFERENCES),
        "fit-keys": _keys((KeyPlace.FIT,)),
        "codes": _codes(),
        "advice": _advice(tables),
    }


def _keys(places: Sequence[KeyPlace]) -> str:
    """The keys of some places, and with those of the top the keys of the mappings that stand there."""
    within = [*_LAYERED, *_NESTED] if KeyPlace.TOP in places else places
    rows = [
        (f"`{_name(key)}`", _where(key), key.shape.words + _default(key), key.help)
        for key in KEYS
        if any(place in within for place in key.places)
    ]
    return grid(("key", "stands in", "value", "meaning"), rows)


def _name(key: Key) -> str:
    nested = key.places[0] in _NESTED
    return f"{key.places[0].definition}.{key.name}" if nested else key.name


def _where(key: Key) -> str:
    where = ", ".join(place.column for place in key.places)
    return f"{where}; needed" if key.required else where


def _default(key: Key) -> str:
    return "" if key.default is None else f" (`{str(key.default).lower()}`)"


def _codes() -> str:
    parts = []
    for title, codes in GROUPS.items():
        rows = [(f"`{code}`", meaning) for code, meaning in codes.items()]
        parts.append(f"**{title}**\n\n{grid(('code', 'says'), rows)}")
    return "\n".join(parts)


def _advice(tables: Sequence[ModelTable]) -> str:
    told: dict[tuple[str, str], list[str]] = {}
    for table in tables:
        for row in table.advice:
            told.setdefault((row.code, row.message), []).append(f"`{table.id}`")
    rows = [(f"`{code}`", ", ".join(models), message) for (code, message), models in sorted(told.items())]
    return grid(("code", "models", "says"), rows)


def fault_parts() -> dict[str, str]:
    """The simulator's faults: what, where, and what it does."""
    places: dict[tuple[str, str], list[str]] = {}
    for place, actions in PLACES.items():
        for action, meaning in actions.items():
            places.setdefault((action, meaning), []).append(place)
    rows = []
    for (action, meaning), where in places.items():
        in_group = any(f"{place}-{action}" in FaultPlan.named(place).rates for place in where)
        shown = "any endpoint" if set(where) >= ENDPOINTS else ", ".join(f"`{place}`" for place in where)
        meaning = meaning.replace("`slow_seconds`", "a while").replace(" or `hang_seconds` are over", "")
        rows.append((shown, f"`{action}`", meaning if in_group else f"{meaning} (by name)"))
    return {"faults": grid(("place", "what", "does"), rows)}


def pages() -> Mapping[Path, str]:
    """Each page with generated parts, as it should be."""
    made = {"storyboard.md": language_parts(load_catalog().all()), "simulator.md": fault_parts()}
    return {
        FOLDER / name: renewed_page((FOLDER / name).read_text(encoding="utf-8"), parts)
        for name, parts in made.items()
    }


def main() -> None:
    """Regenerate the pages."""
    for path, page in pages().items():
        path.write_text(page, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
