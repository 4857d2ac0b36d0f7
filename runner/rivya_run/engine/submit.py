"""Hands storyboards to the workers of a database, and follows them there."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from rivya_run.errors import RivyaError, severest
from rivya_run.postgres.database import Database
from rivya_run.postgres.submissions import Handed, Progress, hand_over, progress_of
from rivya_run.project.budget_file import read_budgets
from rivya_run.project.bundle import leave_manifest, pack
from rivya_run.project.plan import RunOptions, open_sources
from rivya_run.project.source import Source

_LOOKS_EVERY: Final = 1.0
"""Seconds between two looks at what is followed."""


def opened_for_workers(paths: list[Path]) -> list[Source]:
    """Storyboards without problems, in projects whose budgets have none. Raises StoryboardError with all of them."""
    sources = open_sources(paths, RunOptions())
    for root in dict.fromkeys(source.root for source in sources):
        read_budgets(root)
    return sources


def submit(source: Source, database: Database, who: str, priority: int) -> Handed:
    """Hand a storyboard to the workers; before that, its manifest says where its books are.

    Raises OtherBooks, OutputFolderError, RivyaError for files that no worker could have.
    """
    leave_manifest(source, database)
    return hand_over(database, pack(source), who, priority)


def wait_for(database: Database, jobs: Sequence[int], tell: Callable[[str], None]) -> int:
    """Return once all of these have ended: the most severe of their exit codes. ``tell`` gets what changes."""
    told: dict[int, str] = {}
    while True:
        found = progress_of(database, jobs)
        for one in found:
            words = _words(one)
            if told.get(one.job) != words:
                told[one.job] = words
                tell(f"{one.storyboard}: {words}")
        if all(one.ended for one in found):
            return severest([_exit_code(one) for one in found])
        time.sleep(_LOOKS_EVERY)


def _exit_code(one: Progress) -> int:
    return one.exit_code if one.exit_code is not None else RivyaError.exit_code


def _words(one: Progress) -> str:
    if one.ended:
        why = f":\n{one.said}" if one.said and _exit_code(one) else ""
        return (f"ended with {one.exit_code}" if one.exit_code is not None else "isn't carried") + why
    if one.worker is not None:
        return f"carried by {one.worker}"
    return f"waits, {one.ahead} before it" if one.ahead else "waits, the next one"
