"""What a storyboard has made so far: its manifest and output folder, for the commands that read them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rivya_run.disk.files import project_root
from rivya_run.disk.outputs import sha256_of
from rivya_run.disk.places import output_folder
from rivya_run.errors import RivyaError, UsageError
from rivya_run.records.run import RunOptions
from rivya_run.run.ledger import read_manifest
from rivya_run.run.opening import storyboard_id_of
from rivya_run.run.rebuilding import is_behind, rebuilt
from rivya_run.safetext import visible


@dataclass(frozen=True, slots=True)
class Made:
    """The manifest of a storyboard, its output folder, and the folder that its references start from.

    ``rebuilt``: the manifest is not the one on disk, which is missing or behind its journal.
    """

    manifest: dict[str, Any]
    folder: Path
    storyboard_folder: Path
    rebuilt: bool = False


def made(storyboard: Path, outputs: Path | None, *, simulate: bool) -> Made:
    """Find what was made, by the journal where it knows more than the manifest of the same storyboard.

    Raises RivyaError where there is nothing yet, UsageError without such a storyboard.
    """
    name = storyboard_id_of(storyboard)
    shown = visible(str(storyboard))
    if not name or "/" in name or "\\" in name or name.startswith("."):
        raise UsageError(f"the id of '{shown}' can't be told", hint=f"rivya-run validate {shown}")
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
                return Made(newer, folder, storyboard.parent, rebuilt=True)
    if manifest is None:
        option = " --simulate" if simulate else ""
        raise RivyaError(
            f"'{shown}' has made nothing yet: there is no manifest in {folder}",
            hint=f"run it first: rivya-run {shown}{option}",
        )
    return Made(manifest, folder, storyboard.parent)


def _is_of(manifest: dict[str, Any], storyboard: Path) -> bool:
    """Whether a storyboard is as it was when its last run began."""
    return bool(manifest["storyboard"]["sha256"] == sha256_of(storyboard))
