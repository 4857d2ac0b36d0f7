"""Where things are: the project root, the output folder of a storyboard, names inside it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from rivya_run.provider.partial_file import PART

MANIFEST = "manifest.json"
JOURNAL = "journal.jsonl"
STATE = ".state"
SIMULATED = ".simulated"


ARRIVING = ".arriving"
"""The folder, inside the output folder, of files that are still arriving."""


def outputs_folder(root: Path, outputs: Path | None) -> Path:
    """The folder that holds every storyboard's output folder."""
    return outputs if outputs is not None else root / "outputs"


def output_folder(root: Path, outputs: Path | None, storyboard: str, *, simulate: bool) -> Path:
    """``outputs/<storyboard id>``; simulated results never mix with paid ones."""
    return outputs_folder(root, outputs) / (storyboard + SIMULATED if simulate else storyboard)


def relative_to_root(path: Path, root: Path) -> str:
    """The storyboard's path as records keep it: from the project root, with forward slashes."""
    resolved = path.resolve()
    try:
        return resolved.relative_to(root.resolve()).as_posix()
    except ValueError:
        return resolved.as_posix()


def arriving(folder: Path, key: str, index: int) -> Path:
    """Where a file is while it arrives: named by its attempt, since its shot may be renamed meanwhile."""
    return folder / ARRIVING / f"{hashlib.sha256(key.encode()).hexdigest()[:16]}_{index + 1}{PART}"
