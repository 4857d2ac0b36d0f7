"""The results of a storyboard: its manifest, rebuilt from the journal where a run was killed or is still running."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rivya_run.errors import RivyaError, UsageError
from rivya_run.journal.manifest import manifest as manifest_from
from rivya_run.json_types import Json
from rivya_run.planning.matching import serving_of
from rivya_run.project.ledger import read_manifest
from rivya_run.project.open import storyboard_id_of
from rivya_run.project.outputs import sha256_of
from rivya_run.project.places import JOURNAL, MANIFEST, output_folder, project_root
from rivya_run.project.plan import RunOptions, open_sources, planned
from rivya_run.text import visible


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
    with planned(open_sources([storyboard], options), options) as [prepared]:
        source, history = prepared.source, prepared.ledger.history
    if not history.attempts:
        return None
    # What the storyboard is now may not be what was run: its reader is told by the digest.
    ran = replace(source.storyboard, sha256=history.storyboard_sha256 or source.storyboard.sha256)
    return manifest_from(
        ran,
        source.relative_path,
        serving_of(prepared.plan, history),
        history,
        base_url=prepared.made_with or "",
        updated_at=history.updated_at or "",
        unknown=prepared.ledger.unknown,
    )


@dataclass(frozen=True, slots=True)
class Results:
    """The manifest of a storyboard, its output folder, and the folder that its references start from.

    ``rebuilt``: the manifest is not the one on disk, which is missing or behind its journal.
    """

    manifest: dict[str, Any]
    folder: Path
    storyboard_folder: Path
    rebuilt: bool = False


def results_of(storyboard: Path, outputs: Path | None, *, simulate: bool) -> Results:
    """Find what was made, by the journal where it knows more than the manifest of the same storyboard.

    Raises RivyaError where there is nothing yet, UsageError without such a storyboard.
    """
    name = storyboard_id_of(storyboard)
    shown = visible(str(storyboard))
    if not name or "/" in name or "\\" in name or name.startswith("."):
        raise UsageError(f"the id of '{shown}' can't be determined", hint=f"rivya-run validate {shown}")
    folder = output_folder(project_root(storyboard), outputs, name, simulate=simulate)
    manifest = read_manifest(folder)
    if is_behind(folder):
        try:
            newer = rebuilt(storyboard, RunOptions(outputs=outputs, simulate=simulate, allow_outside=True))
        except RivyaError:
            if manifest is None:
                raise
        else:
            if newer is not None and (manifest is None or _is_of(newer, storyboard)):
                return Results(newer, folder, storyboard.parent, rebuilt=True)
    if manifest is None:
        option = " --simulate" if simulate else ""
        raise RivyaError(
            f"'{shown}' has made nothing yet: there is no manifest in {folder}",
            hint=f"run it first: rivya-run {shown}{option}",
        )
    return Results(manifest, folder, storyboard.parent)


def _is_of(manifest: dict[str, Any], storyboard: Path) -> bool:
    """Whether a storyboard is as it was when its last run began."""
    return bool(manifest["storyboard"]["sha256"] == sha256_of(storyboard))
