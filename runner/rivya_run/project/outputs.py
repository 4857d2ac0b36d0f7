"""Files in the output folder: checks and moves. Nothing that was paid for is overwritten."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path, PurePosixPath

from rivya_run.durable import make_folder, sync_folder, unwritable
from rivya_run.journal.attempt import Attempt, AttemptState, Output
from rivya_run.media.types import named
from rivya_run.project.names import name_for_changed, within
from rivya_run.provider.partial_file import CUT, KEPT, keep_better

LEAST_FREE = 256 * 1024 * 1024
"""Bytes that must be free for creating to go on: enough for a few clips that are paid for already."""

MISSING, CHANGED = "is missing", "was changed"

_BLOCK = 1024 * 1024  # bytes read at once: more is no faster


def suffix_for(mime_type: str | None, url: str) -> str:
    """The file name's ending by type, else by the URL's own (letters and digits only), else ``.bin``."""
    known = named(mime_type)
    if known is not None:
        return known.suffixes[0]
    ending = PurePosixPath(url.partition("?")[0].partition("#")[0]).suffix.lower()
    return ending if ending[1:].isalnum() and ending.isascii() and len(ending) <= 6 else ".bin"


def bad_files(folder: Path, attempts: Iterable[Attempt]) -> dict[str, str]:
    """Stored outputs that are not what was paid for: path -> ``is missing`` or ``was changed``."""
    bad: dict[str, str] = {}
    for attempt in attempts:
        if attempt.state is AttemptState.STORED:
            for output in attempt.outputs:
                trouble = file_trouble(folder, output)
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
            target.rename(name_for_changed(target))
            sync_folder(target.parent)
        part.replace(target)
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
        source.rename(target)
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
