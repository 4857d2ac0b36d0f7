"""A manifest from the journal, where the one on disk is missing or behind: its run was killed, or still goes on."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from rivya_run.journal.manifest import manifest
from rivya_run.json_types import Json
from rivya_run.planning.matching import serving_of
from rivya_run.project.ledger import Ledger
from rivya_run.project.options import RunOptions
from rivya_run.project.places import JOURNAL, MANIFEST
from rivya_run.project.plan import open_sources, prepare
from rivya_run.times import iso


def is_behind(folder: Path) -> bool:
    """Whether the journal of an output folder was written after its manifest, which a run writes last."""
    try:
        written = (folder / JOURNAL).stat().st_mtime_ns
        return not (folder / MANIFEST).exists() or (folder / MANIFEST).stat().st_mtime_ns < written
    except OSError:
        return False


def rebuilt(storyboard: Path, options: RunOptions) -> dict[str, Json] | None:
    """The manifest of a folder by its journal; None where that tells of no create. Nothing is written.

    Its shots are those that the storyboard has now, its ``sha256`` is the storyboard's of the last run.

    Raises StoryboardError, OutputFolderError or JournalDamaged.
    """
    (source,) = open_sources([storyboard], options)
    ledger = Ledger(source.folder, now=lambda: iso(time.time()))
    try:
        prepared = prepare(source, ledger, options, None, base_url=None, writing=False)
    finally:
        ledger.close()
    history = ledger.history
    if not history.attempts:
        return None
    # What the storyboard is now may not be what was run: its reader is told by the digest.
    ran = replace(source.storyboard, sha256=history.storyboard_sha256 or source.storyboard.sha256)
    return manifest(
        ran,
        source.relative_path,
        serving_of(prepared.plan, history),
        history,
        base_url=prepared.made_with or "",
        updated_at=history.updated_at or "",
        unknown=ledger.unknown,
    )
