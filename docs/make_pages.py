"""Renews the generated parts of the pages beside it: ``make schemas`` runs it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rivya_run.generated.pages import grid, language_parts, renewed_page
from rivya_run.models.catalog import load_catalog
from rivya_run.simulator.faults import PLACES, FaultPlan

FOLDER = Path(__file__).parent
ENDPOINTS = {place for place in PLACES if place not in ("task", "download")}


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
    """Write the pages anew."""
    for path, page in pages().items():
        path.write_text(page, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
