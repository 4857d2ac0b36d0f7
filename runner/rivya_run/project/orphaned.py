"""A storyboard that takes its id from its file's name: renamed, it would be another one and be paid for again."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rivya_run.errors import OutputFolderError
from rivya_run.journal.events import RunStarted
from rivya_run.journal.fold import History
from rivya_run.journal.manifest import known_attempts
from rivya_run.journal.manifest_file import load_head
from rivya_run.journal.store import first_entry, fold_journal
from rivya_run.project.ledger import read_manifest
from rivya_run.project.places import JOURNAL, MANIFEST, SIMULATED


@dataclass(frozen=True, slots=True)
class OrphanedFolder:
    """An output folder whose storyboard file is gone: ``made_from``, as recorded. ``id`` names the folder."""

    folder: Path
    id: str
    made_from: str


def is_new(folder: Path) -> bool:
    """Whether nothing is on record in an output folder, if it is there at all."""
    return not (folder / JOURNAL).exists() and not (folder / MANIFEST).exists()


def left_behind(folder: Path, root: Path) -> Iterator[OrphanedFolder]:
    """The folders beside an output folder whose storyboards are gone, by name; only their heads are read."""
    try:
        siblings = sorted(path for path in folder.parent.iterdir() if path.is_dir())
    except OSError:
        return
    simulated = folder.name.endswith(SIMULATED)
    for sibling in siblings:
        if sibling != folder and sibling.name.endswith(SIMULATED) is simulated:
            made_from = _made_from(sibling)
            if made_from is not None and not (root / made_from).exists():
                yield OrphanedFolder(sibling, sibling.name.removesuffix(SIMULATED), made_from)


def has_takes_of(left: OrphanedFolder, shots: Collection[str], fingerprints: Collection[str]) -> bool:
    """Whether anything there was asked for by one of these shots, or as the same take."""
    asked: set[tuple[str, str]] = set()
    history = History()
    with suppress(OutputFolderError):
        fold_journal(left.folder / JOURNAL, history.apply)
    asked |= {(attempt.shot, attempt.fingerprint) for attempt in history.attempts.values()}
    with suppress(OutputFolderError, ValueError, KeyError, TypeError, AttributeError):
        document = read_manifest(left.folder, lazily=True) or {"shots": ()}
        asked |= {(attempt.shot, attempt.fingerprint) for _, _, attempt in known_attempts(document)}
    return any(shot in shots or digest in fingerprints for shot, digest in asked)


def _made_from(folder: Path) -> str | None:
    """The storyboard file that a folder was made from: by its manifest, else by its journal's first line."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        return str(load_head(folder / MANIFEST)["storyboard"]["path"])
    with suppress(OutputFolderError):
        first = first_entry(folder / JOURNAL)
        if first is not None and isinstance(first.event, RunStarted):
            return first.event.storyboard_path
    return None
