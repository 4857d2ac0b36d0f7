"""Every output against the manifest: the files themselves, hashed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rivya_run.journal.events import Reassigned, Removed, Stored
from rivya_run.journal.manifest import known_attempts
from rivya_run.journal.store import read_journal
from rivya_run.project.home import FolderHome
from rivya_run.project.names import within
from rivya_run.project.outputs import CHANGED, MISSING, outstanding, size_of
from rivya_run.project.places import JOURNAL


@dataclass(frozen=True, slots=True)
class Verified:
    """One file of the manifest. ``trouble`` is None for one that is what was paid for. ``past``: no present
    take uses it."""

    take: str
    path: str
    bytes: int
    trouble: str | None
    past: bool


def verify(
    home: FolderHome, manifest: Mapping[str, Any], kept: Collection[str], *, thorough: bool = False
) -> Iterator[Verified]:
    """Hash every file that the manifest names. What no present take uses may be missing unless it is in ``kept``:
    it was removed, or it lies with a colleague who made it. In an object store their sizes are looked at;
    ``thorough``: they are read and hashed as well.

    So may stills: whoever needs one takes it out of its clip again.
    """
    folder, objects = home.folder, home.objects()
    seen: set[str] = set()
    elsewhere = {
        move.target: move.source
        for move in outstanding(folder, (attempt for _, _, attempt in known_attempts(manifest)))
    }
    for take, output, past in _outputs(manifest):
        path = output["path"]
        if path in seen or (past and path not in kept and not _is_anywhere(folder, path, objects)):
            continue
        seen.add(path)
        trouble = home.verify(path, output["bytes"], output["sha256"], thorough=thorough)
        if trouble == CHANGED:
            trouble = f"{CHANGED}: {_how(size_of(within(folder, path)), output)}"
        if trouble == MISSING and "frame" in output and path not in elsewhere:
            continue
        if trouble is not None and path in elsewhere:
            trouble += f"; it is in {elsewhere[path]}, and the next run moves it into place"
        yield Verified(take, path, int(output["bytes"]), trouble, past)


def files_kept_here(folder: Path) -> frozenset[str]:
    """Files that this folder's runs stored or moved, by its journal, and that ``clean`` didn't remove."""
    kept: set[str] = set()
    entries, _ = read_journal(folder / JOURNAL)
    for entry in entries:
        event = entry.event
        if isinstance(event, Stored):
            kept.add(event.path)
        elif isinstance(event, Reassigned):
            kept |= {new for old, new in event.paths.items() if old in kept}
        elif isinstance(event, Removed):
            kept.discard(event.path)
    return frozenset(kept)


def _outputs(manifest: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any], bool]]:
    """Files with the take that they are of, stills that were taken out of them included."""
    found: list[tuple[str, Mapping[str, Any], bool]] = [
        (f"{shot['id']}/{take['take']}", take, False) for shot in manifest["shots"] for take in shot["takes"]
    ]
    found += [(f"{take['shot']}/{take['take']}", take, True) for take in manifest.get("history") or ()]
    for name, take, past in found:
        for one, late in ((take, past), *((earlier, True) for earlier in take.get("attempts") or ())):
            for output in one.get("outputs") or ():
                yield name, output, late
                for still in output.get("frames") or ():
                    yield name, still, late


def _is_anywhere(folder: Path, path: str, objects: Collection[str]) -> bool:
    return path in objects or within(folder, path).exists()


def _how(size: int, output: Mapping[str, Any]) -> str:
    return f"{size} bytes instead of {output['bytes']}" if size != output["bytes"] else "another sha256"
