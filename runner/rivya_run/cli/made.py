"""What a storyboard has made so far: its manifest and output folder, for the commands that read them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rivya_run.disk.files import project_root
from rivya_run.disk.places import output_folder
from rivya_run.errors import RivyaError, UsageError
from rivya_run.run.ledger import read_manifest
from rivya_run.run.opening import storyboard_id_of
from rivya_run.safetext import visible


@dataclass(frozen=True, slots=True)
class Made:
    """The manifest of a storyboard, its output folder, and the folder that its references start from."""

    manifest: dict[str, Any]
    folder: Path
    storyboard_folder: Path


def made(storyboard: Path, outputs: Path | None, *, simulate: bool) -> Made:
    """Find what was made. Raises RivyaError where there is nothing yet, UsageError without such a storyboard."""
    name = storyboard_id_of(storyboard)
    shown = visible(str(storyboard))
    if not name or "/" in name or "\\" in name or name.startswith("."):
        raise UsageError(f"the id of '{shown}' can't be told", hint=f"rivya-run validate {shown}")
    folder = output_folder(project_root(storyboard), outputs, name, simulate=simulate)
    manifest = read_manifest(folder)
    if manifest is None:
        option = " --simulate" if simulate else ""
        raise RivyaError(
            f"'{shown}' has made nothing yet: there is no manifest in {folder}",
            hint=f"run it first: rivya-run {shown}{option}",
        )
    return Made(manifest, folder, storyboard.parent)
