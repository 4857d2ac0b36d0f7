"""Files that are on record under one name and lie under another: a run was killed before it moved them.

A clip is put on record first and renamed afterwards, so that a kill in between loses nothing: the record says what to
look for, and the content says which file it is.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rivya_run.durable import make_folder
from rivya_run.journal.attempt import Attempt, Output, owned_paths, stills
from rivya_run.project.names import arriving, within
from rivya_run.project.outputs import is_same, move, place, size_of
from rivya_run.project.places import ARRIVING
from rivya_run.provider.partial_file import CUT, KEPT

_ODD = frozenset("\\:")  # what no name of ours holds, and what leads elsewhere on Windows


@dataclass(frozen=True, slots=True)
class Move:
    """A file that is on record under the name ``target`` and lies elsewhere: a run was killed before it moved it.

    Both are relative to the output folder.
    """

    source: str
    target: str
    sha256: str


def outstanding(folder: Path, attempts: Iterable[Attempt]) -> list[Move]:
    """The moves that are left to do, for everything that was ever stored, wanted or not.

    A download goes under its name after it was put on record, and so do the files of a renamed shot. What isn't
    there is looked for among the downloads, then among the files that no record owns, by its content. Where
    everything is in its place that takes a look at each name.
    """
    attempts = list(attempts)
    arrived = _arrived(folder)
    moves: list[Move] = []
    missing: list[Output] = []
    for attempt in attempts:
        for index, output in enumerate(attempt.outputs):
            source = (
                _among(arrived, arriving(folder, attempt.client_request_id, index), output)
                if arrived
                else None
            )
            if source is not None:
                moves.append(Move(f"{ARRIVING}/{source.name}", output.path, output.sha256))
            elif not output.removed and not _is_there(folder, output):
                missing.append(output)
            missing += [still for still in stills(output) if not _is_there(folder, still)]
    if missing:
        loose = strays(folder, {path for attempt in attempts for path in owned_paths(attempt)})
        # By content: what is paid for is worth hashing a few files of the same size.
        moves += _found(folder, missing, loose)
    return moves


def _is_there(folder: Path, file: Output) -> bool:
    return os.path.lexists(f"{folder}/{file.path}")  # ten thousand of them: a Path each would cost more


def _arrived(folder: Path) -> frozenset[str]:
    try:
        return frozenset(path.name for path in (folder / ARRIVING).iterdir())
    except OSError:
        return frozenset()


def _among(arrived: Collection[str], part: Path, output: Output) -> Path | None:
    """The download that is this output, where there is one."""
    # In doubt a download is set aside under another ending; what was recorded in the end may be any of them.
    for ending in ("", KEPT, CUT):
        path = part.with_name(part.name + ending)
        if path.name in arrived and is_same(path, output):
            return path
    return None


def _found(folder: Path, missing: Iterable[Output], loose: dict[int, list[str]]) -> Iterator[Move]:
    for output in missing:
        candidates = loose.get(output.bytes, [])
        for path in candidates:
            if is_same(within(folder, path), output):
                candidates.remove(path)
                yield Move(path, output.path, output.sha256)
                break


def carry_out(folder: Path, found: Move) -> None:
    """Do a move that was left to do. Raises DiskFull or OutputFolderError."""
    source, target = within(folder, found.source), within(folder, found.target)
    make_folder(target.parent)
    # A download replaces what lies there, which is kept beside it; a file of a renamed shot gives way to it.
    if found.source.startswith(f"{ARRIVING}/"):
        place(source, target, found.sha256)
    else:
        move(folder, found.source, found.target)


def strays(folder: Path, owned: Collection[str]) -> dict[int, list[str]]:
    """Files of shots that no record owns, by their size."""
    found: dict[int, list[str]] = {}
    for path in sorted(folder.glob("[!.]*/[!.]*")):
        name = path.relative_to(folder).as_posix()
        if name not in owned and not _ODD & set(name) and path.is_file():
            found.setdefault(size_of(path), []).append(name)
    return found
