"""Whose output folder it is: made from which storyboard file, and with which API origin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rivya_run.errors import ForeignFolder, Problem, Severity, StoryboardError
from rivya_run.journal.fold import History
from rivya_run.project.open import storyboard_id_of
from rivya_run.project.source import Source


def check_claim(source: Source, claimed_by: str | None) -> str | None:
    """Whether the output folder is this storyboard's. A notice when the file was moved or renamed.

    Raises StoryboardError when another file that still exists, and still has this id, made the folder.
    """
    mine = source.relative_path
    if claimed_by is None or claimed_by == mine:
        return None
    other = source.root / claimed_by
    if other.exists() and not _same_file(other, source.path):
        if storyboard_id_of(other) == source.storyboard.id:
            raise claimed(source, claimed_by)
        return (
            f"{source.folder} was made from {claimed_by}, which has another id now; it continues with {mine}"
        )
    return f"the storyboard was moved: {claimed_by} -> {mine}"


def _same_file(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def claimed(source: Source, other: str) -> StoryboardError:
    """The error for an output folder that another storyboard made."""
    problem = folder_claimed(source.path, source.folder, other)
    return StoryboardError(problem.message, [problem])


def folder_claimed(storyboard: Path, folder: Path, other: str) -> Problem:
    """The problem of a storyboard whose output folder is that of another one."""
    message = f"the output folder {folder.name} belongs to {other}; give this storyboard an id of its own"
    return Problem(str(storyboard), 1, 1, Severity.ERROR, "id", message, "folder-claimed")


def check_origin(folder: Path, made_with: str | None, base_url: str, *, new_origin: bool) -> None:
    """Raises ForeignFolder when the folder was made with another origin, unless that is wanted."""
    if made_with is not None and made_with != base_url and not new_origin:
        raise ForeignFolder(
            f"{folder}: made with {made_with}, this run would use {base_url}",
            hint="its tasks don't exist there; choose --outputs DIR, or --new-origin if the same account moved",
        )


def provenance(history: History, document: dict[str, Any] | None) -> tuple[str | None, str | None]:
    """Origin and storyboard file that made a folder, by its journal, else by its manifest."""
    told = document or {}
    return (
        history.base_url or told.get("base_url") or None,
        history.storyboard_path or (told.get("storyboard") or {}).get("path"),
    )
