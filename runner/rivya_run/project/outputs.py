"""Files in the output folder: checks and moves. Nothing that was paid for is overwritten.

A clip is put on record first and renamed afterwards, so that a kill in between loses nothing: the record says what to
look for, and the content says which file it is.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rivya_run.durable import make_folder, rename, sync_folder, unwritable
from rivya_run.journal.attempt import Attempt, AttemptState, Output, owned_paths, stills
from rivya_run.media.types import named
from rivya_run.project.names import arriving, name_for_changed, within
from rivya_run.project.places import ARRIVING
from rivya_run.provider.partial_file import CUT, KEPT, keep_better

LEAST_FREE = 256 * 1024 * 1024
"""Bytes that must be free for creating to go on: enough for a few clips that are paid for already."""

MISSING, CHANGED = "is missing", "was changed"

_BLOCK = 1024 * 1024  # bytes read at once: more is no faster
_ODD = frozenset("\\:")  # what no name of ours holds, and what leads elsewhere on Windows


def suffix_for(mime_type: str | None, url: str) -> str:
    """The file name's ending by type, else by the URL's own (letters and digits only), else ``.bin``."""
    known = named(mime_type)
    if known is not None:
        return known.suffixes[0]
    ending = PurePosixPath(url.partition("?")[0].partition("#")[0]).suffix.lower()
    return ending if ending[1:].isalnum() and ending.isascii() and len(ending) <= 6 else ".bin"


def bad_files(told: Callable[[Output], str | None], attempts: Iterable[Attempt]) -> dict[str, str]:
    """Stored outputs that are not what was paid for: path -> ``is missing`` or ``was changed``, as is ``told``."""
    bad: dict[str, str] = {}
    for attempt in attempts:
        if attempt.state is AttemptState.STORED:
            for output in attempt.outputs:
                trouble = told(output)
                if trouble is not None:
                    bad[output.path] = trouble
    return bad


def file_trouble(folder: Path, output: Output) -> str | None:
    """Why a stored output isn't what was paid for, or None. See ``trouble_of``."""
    return trouble_of(within(folder, output.path), output.bytes, output.sha256, output.mtime_ns)


def trouble_of(path: Path, size: int, sha256: str, mtime_ns: int | None = None) -> str | None:
    """Why a file is not what was paid for: ``MISSING``, ``CHANGED`` or a reason why it can't be read; else None.

    The same size and, where it is given, the same time count as unchanged; otherwise the file is hashed.
    """
    try:
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):
            return MISSING
        if facts.st_size != size:
            return CHANGED
        if mtime_ns is not None and facts.st_mtime_ns == mtime_ns:
            return None
        return None if sha256_of(path) == sha256 else CHANGED
    except FileNotFoundError:
        return MISSING
    except OSError as error:
        return f"can't be read: {error.strerror}"


def sha256_of(path: Path) -> str:
    """sha256 (hex) of a file, read in blocks."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def size_of(path: Path) -> int:
    """Bytes of a file; 0 where there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def mtime_of(path: Path) -> int:
    return path.stat().st_mtime_ns


def place(part: Path, target: Path, sha256: str) -> None:
    """Rename a finished ``.part``, whose content is durable, to its name.

    What lies there with other content, be it a folder or a link, is kept beside it.

    Raises DiskFull or OutputFolderError.
    """
    try:
        if os.path.lexists(target) and not (target.is_file() and sha256_of(target) == sha256):
            rename(target, name_for_changed(target))
            sync_folder(target.parent)
        rename(part, target)
        sync_folder(target.parent)
    except OSError as error:
        raise unwritable(target, error) from error


def drop_part(part: Path) -> None:
    """Remove everything that came of a file which is under its name, or is known to be worth less than another."""
    for ending in (".json", ".json.new", "", CUT, KEPT):
        part.with_name(part.name + ending).unlink(missing_ok=True)


def set_aside(part: Path) -> Path:
    """Keep what came as a whole and may be none; the best that came so far is there afterwards.

    Raises DiskFull or OutputFolderError.
    """
    kept = part.with_name(part.name + KEPT)
    try:
        for one in (part, part.with_name(part.name + CUT)):
            if one.exists():
                keep_better(one, kept)
    except OSError as error:
        raise unwritable(kept, error) from error
    return kept


def is_same(path: Path, output: Output) -> bool:
    """Whether a file is there and is what was stored, by its content."""
    return trouble_of(path, output.bytes, output.sha256) is None


def unused_name(folder: Path, path: str, owned: Collection[str]) -> str:
    """The path, or one beside it where that is on record for something else or a file lies there."""
    stem, dot, suffix = path.rpartition(".")
    number, name = 1, path
    while name in owned or within(folder, name).exists():
        number += 1
        name = f"{stem}_{number}{dot}{suffix}"
    return name


def move(folder: Path, old: str, new: str) -> None:
    """Move one output after a rename of its shot. Done already, or nothing there: nothing to do.

    Raises OutputFolderError.
    """
    source, target = within(folder, old), within(folder, new)
    if not source.exists() or target.exists():
        return
    make_folder(target.parent)
    try:
        rename(source, target)
        sync_folder(target.parent)
        with suppress(OSError):
            source.parent.rmdir()  # which fails while anything is in it, and where another move was the last
    except OSError as error:
        raise unwritable(target, error) from error


def free_bytes(folder: Path) -> int:
    """Free space on the disk of the folder (or of its nearest parent that exists)."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


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
