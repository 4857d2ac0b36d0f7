"""``plan --since`` and ``plan --from-timeline``: what changed since a git revision, what an editor really used."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from subprocess import DEVNULL, PIPE, run
from typing import TYPE_CHECKING

import click

from rivya_run.errors import RivyaError, UsageError
from rivya_run.planning.changes import Kind, TakeChange, changes, contents
from rivya_run.project.plan import Prepared
from rivya_run.storyboard.model import FileReference, Storyboard
from rivya_run.storyboard.reader import read_storyboard
from rivya_run.text import credits_in_words, figure, markdown, markdown_table, visible
from rivya_run.views.tables import show_columns

if TYPE_CHECKING:
    from rivya_run.film.timeline import UsedShot
from rivya_run.json_types import Json

GIT_WITHIN = 60.0  # seconds; far more than git needs for one file, so that a hung one ends
CHANGE_HEADS = ("take", "change", "model", "credits", "basis")
CREDITS_COLUMN = 3


def show_since(revision: str, prepared: Sequence[Prepared], form: str) -> None:
    """Print what is new, changed, renamed and removed; credits are those of making it."""
    found = [(one.plan.storyboard, _changes(revision, one)) for one in prepared]
    if form == "json":
        documents = [
            {"storyboard": name, "since": revision, "changes": [asdict(one) for one in some]}
            for name, some in found
        ]
        click.echo(json.dumps(documents if len(found) > 1 else documents[0], ensure_ascii=False, indent=2))
        return
    for name, some in found:
        rows = [_row(one) for one in some]
        if form == "markdown":
            cells = [[markdown(cell) for cell in row] for row in rows]
            click.echo("\n".join([*markdown_table(CHANGE_HEADS, cells, [CREDITS_COLUMN]), ""]))
        elif rows:
            show_columns(CHANGE_HEADS, rows, [CREDITS_COLUMN])
        click.echo(visible(_total(name, revision, some)))


def _row(one: TakeChange) -> tuple[str, ...]:
    kind = f"renamed from {one.was}" if one.kind is Kind.RENAMED else one.kind.value
    costs = one.kind in {Kind.NEW, Kind.CHANGED}
    credits = figure(one.credits) if one.credits is not None else "?" if costs else ""
    return f"{one.shot}/{one.take}", kind, one.model, credits, one.basis or ""


def _total(name: str, revision: str, some: Sequence[TakeChange]) -> str:
    if not some:
        return f"{name}: nothing changed since {revision}"
    counts = [f"{sum(one.kind is kind for one in some)} {kind.value}" for kind in Kind]
    told = ", ".join(count for count in counts if not count.startswith("0 "))
    cost = credits_in_words(sum(one.credits or 0 for one in some))
    return f"{name}: {told} since {revision}; {cost} to make it"


def _changes(revision: str, one: Prepared) -> list[TakeChange]:
    source = one.source
    content = _file_at(revision, source.path)
    if content is None:
        raise UsageError(f"'{visible(str(source.path))}' is not in git revision {visible(revision)}")
    reading = read_storyboard(content, path=str(source.path), catalog=source.catalog)
    if reading.storyboard is None:
        raise RivyaError(
            f"'{visible(str(source.path))}' has problems in revision {visible(revision)}: "
            f"{reading.problems[0].message}"
        )
    before, after = reading.storyboard, source.storyboard
    tables = {table.id: table for table in source.catalog.all()}
    now = contents(after, tables, {path: facts.sha256 for path, facts in source.facts.items()})
    was = contents(before, tables, _files_at(revision, before, source.path))
    return changes(before, was, after, now, tables, one.ledger.history.prices)


def _files_at(revision: str, storyboard: Storyboard, path: Path) -> dict[str, str]:
    """sha256 of the reference files as they were; one that git didn't have counts as it is now."""
    found: dict[str, str] = {}
    for shot in storyboard.shots:
        for reference in shot.references:
            if isinstance(reference, FileReference) and reference.path not in found:
                file = path.parent / reference.path
                content = _file_at(revision, file)
                if content is None and file.is_file():
                    content = file.read_bytes()
                if content is not None:
                    found[reference.path] = hashlib.sha256(content).hexdigest()
    return found


def _file_at(revision: str, path: Path) -> bytes | None:
    """A file as it was in a git revision, or None where it wasn't there. Raises UsageError without git."""
    if revision.startswith("-"):
        raise UsageError(f"{visible(revision)!r} is not a git revision")
    folder = path.absolute().parent
    if not folder.is_dir():
        return None
    try:
        _git(folder, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}", failure=revision)
        return _git(folder, "show", f"{revision}:./{path.name}")
    except OSError as error:
        raise UsageError("--since needs git, which can't be started", hint=str(error.strerror)) from error


def _git(folder: Path, *arguments: str, failure: str | None = None) -> bytes | None:
    done = run(
        ["git", "-C", str(folder), *arguments],
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=DEVNULL,
        timeout=GIT_WITHIN,
        check=False,
    )
    if done.returncode != 0 and failure is not None:
        raise UsageError(f"git knows no revision {visible(failure)} in {visible(str(folder))}")
    return done.stdout if done.returncode == 0 else None


USE_HEADS = ("take", "scene", "used", "made", "pick", "credits")


def show_used(timeline: Path, prepared: Sequence[Prepared], form: str) -> None:
    """Print a row for each take of the storyboards, with the seconds that the timeline uses of it."""
    from rivya_run.film.timeline import used_shots

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
    show_columns(USE_HEADS, [_cells(row) for row in rows], numbers=(2, 3, 5))
    shots = {row["shot"] for row in rows}
    in_use = {row["shot"] for row in rows if row["used_seconds"]}
    click.echo(f"{len(in_use)} of {len(shots)} shots are in the timeline")
    for take in strangers:
        click.echo(f"not of this storyboard: {take.shot}/{take.take}, {figure(take.seconds)} s", err=True)


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
        figure(row["credits"]) if isinstance(row["credits"], int | float) else "",
    )


def _seconds(value: Json) -> str:
    return f"{value:.2f} s" if isinstance(value, int | float) and value else "-"
