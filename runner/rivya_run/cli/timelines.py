"""``plan --from-timeline``: which takes an editor really used, and what was paid for in vain."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from rivya_run.cli.columns import show_columns
from rivya_run.export.used_shots import UsedShot, used_shots
from rivya_run.records import Json
from rivya_run.run.preparing import Prepared

HEADS = ("take", "scene", "used", "made", "pick", "credits")


def show_used(timeline: Path, prepared: Sequence[Prepared], form: str) -> None:
    """Print a row for each take of the storyboards, with the seconds that the timeline uses of it."""
    used = used_shots(timeline)
    rows = [row for one in prepared for row in _rows(one, used)]
    names = {(row["shot"], row["take"]) for row in rows}
    strangers = [take for take in used if (take.shot, take.take) not in names]
    if form == "json":
        unknown: list[Json] = [
            {"shot": take.shot, "take": take.take, "used_seconds": take.seconds} for take in strangers
        ]
        click.echo(json.dumps({"takes": rows, "unknown": unknown}, ensure_ascii=False, indent=2))
        return
    show_columns(HEADS, [_cells(row) for row in rows], numbers=(2, 3, 5))
    shots = {row["shot"] for row in rows}
    in_use = {row["shot"] for row in rows if row["used_seconds"]}
    click.echo(f"{len(in_use)} of {len(shots)} shots are in the timeline")
    for take in strangers:
        click.echo(f"not of this storyboard: {take.shot}/{take.take}, {take.seconds:g} s", err=True)


def _rows(one: Prepared, used: Sequence[UsedShot]) -> list[dict[str, Json]]:
    seconds = {(take.shot, take.take): take.seconds for take in used}
    rows: list[dict[str, Json]] = []
    for step in one.plan.steps:
        attempt = one.ledger.history.attempts.get(step.attempt_key or "")
        media = dict(attempt.outputs[0].media or {}) if attempt is not None and attempt.outputs else {}
        rows.append(
            {
                "shot": step.shot.id,
                "take": step.take,
                "scene": step.shot.scene,
                "used_seconds": seconds.get((step.shot.id, step.take), 0),
                "made_seconds": media.get("duration"),
                "picked": step.shot.pick == step.take,
                "credits": attempt.spent if attempt is not None else None,
            }
        )
    return rows


def _cells(row: dict[str, Json]) -> tuple[str, ...]:
    return (
        f"{row['shot']}/{row['take']}",
        str(row["scene"] or ""),
        _seconds(row["used_seconds"]),
        _seconds(row["made_seconds"]),
        "picked" if row["picked"] else "",
        f"{row['credits']:g}" if isinstance(row["credits"], int | float) else "",
    )


def _seconds(value: Json) -> str:
    return f"{value:.2f} s" if isinstance(value, int | float) and value else "-"
