"""Where things are: the project root, the output folder of a storyboard, the records in it.

The answer to a rerun with nothing to do asks here before anything else is loaded, so the module imports nothing but
``os``; what works with paths imports pathlib when it is called.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False  # typing's own would make every command load typing
if TYPE_CHECKING:
    from pathlib import Path
    from typing import TypeAlias

Outputs: TypeAlias = "Path | str | None"
"""What ``--outputs`` says: a folder, or (text) the URL of an object store; None: ``outputs/`` of the project."""

MANIFEST = "manifest.json"
JOURNAL = "journal.jsonl"
STATE = ".state"
ARRIVING = ".arriving"
"""The folder, inside the output folder, of downloads that are not complete yet."""

FRAMES = ".frames"
"""The folder of frames that were taken out of people's own clips; derived, may be deleted."""

POSTERS = ".posters"
"""The folder of the page's small pictures; derived, may be deleted."""

MARKER = ".books"
"""The file that says that the journal beside it is a copy, and of which database."""

IMPORTING = "journal.importing.jsonl"
"""The journal of a folder while it is brought into a database."""

IMPORTED = "journal.imported.jsonl"
"""The same afterwards: nothing reads it any more."""

DEFAULT_FILE = "storyboard.yaml"
"""The storyboard that is meant where none is named, if there is one here."""

OUTPUTS = "outputs"
DEBITS = ".budgets"
"""The file, beside the output folders, of what counts towards the project's budgets; can be made again."""

SIMULATED = ".simulated"
_ID_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


def root_of(storyboard: str) -> str:
    """The absolute path of the project root, which paths in journals and manifests are relative to.

    It is the nearest folder from the storyboard's own upwards, not past the home folder, that holds ``.git``
    or ``outputs/``; else the storyboard's folder.
    """
    folder = beside = os.path.dirname(os.path.abspath(storyboard))
    home = os.path.normpath(os.path.expanduser("~"))
    while True:
        if os.path.exists(os.path.join(folder, ".git")) or os.path.isdir(os.path.join(folder, OUTPUTS)):
            return folder
        parent = os.path.dirname(folder)
        if parent == folder or folder == home:
            return beside
        folder = parent


def project_root(storyboard: Path) -> Path:
    """``root_of`` as a path."""
    from pathlib import Path

    return Path(root_of(str(storyboard)))


def folder_name(storyboard_id: str, *, simulate: bool) -> str:
    """The output folder's name. Simulated results never mix with paid ones."""
    return storyboard_id + SIMULATED if simulate else storyboard_id


def is_url(outputs: str) -> bool:
    """Whether what ``--outputs`` says is a URL, and no folder."""
    scheme, sign, _ = outputs.partition("://")
    return bool(sign) and len(scheme) > 1 and scheme.isascii() and scheme.replace("+", "").isalnum()


def outputs_folder(root: Path, outputs: Outputs) -> Path:
    """The folder that holds every storyboard's output folder; beside an object store it is the project's own."""
    return root / OUTPUTS if outputs is None or isinstance(outputs, str) else outputs


def output_folder(root: Path, outputs: Outputs, storyboard_id: str, *, simulate: bool) -> Path:
    return outputs_folder(root, outputs) / folder_name(storyboard_id, simulate=simulate)


def relative_to_root(path: Path, root: Path) -> str:
    """The storyboard's path as records keep it: from the project root, with forward slashes."""
    resolved = path.resolve()
    try:
        return resolved.relative_to(root.resolve()).as_posix()
    except ValueError:
        return resolved.as_posix()


def likely_id(storyboard: str, content: bytes) -> str:
    """The storyboard's id, without parsing YAML: right where ``id:`` is written plainly, or not at all.

    Only for a guess that is verified afterwards; ``open.storyboard_id_of`` knows.
    """
    stem = os.path.splitext(os.path.basename(storyboard))[0]
    at = 0 if content.startswith(b"id:") else content.find(b"\nid:") + 1
    if not content.startswith(b"id:", at):
        return stem
    line = content[at + 3 : at + 200].splitlines()[0].decode("ascii", "replace")
    name = line.partition(" #")[0].strip().strip("\"'")
    return name if name and _ID_LETTERS.issuperset(name) else stem
