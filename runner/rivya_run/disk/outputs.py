"""Files in the output folder: names, checks, moves. Nothing that was paid for is overwritten."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path, PurePosixPath

from rivya_run.disk.durable import make_folder, sync_folder, unwritable
from rivya_run.errors import OutputFolderError
from rivya_run.media.stills import still_paths
from rivya_run.records.history import Attempt, AttemptState, Output

LEAST_FREE = 256 * 1024 * 1024
"""Bytes that must be free for creating to go on (contract, section 5)."""

PART = ".part"
"""The ending of a file that is still arriving."""

ARRIVING = ".arriving"
"""The folder, inside the output folder, of files that are still arriving."""

_ODD = frozenset("\\:")  # what no name of ours holds, and what leads elsewhere on Windows
_BLOCK = 1024 * 1024
_SUFFIXES = {
    "video/mp4": ".mp4",
    "video/quicktime": ".mov",
    "video/webm": ".webm",
    "video/x-matroska": ".mkv",
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/webp": ".webp",
    "image/gif": ".gif",
    "audio/wav": ".wav",
    "audio/x-wav": ".wav",
    "audio/mpeg": ".mp3",
    "audio/mp4": ".m4a",
    "audio/aac": ".aac",
    "audio/ogg": ".ogg",
    "audio/flac": ".flac",
}


def output_name(shot: str, take: int, digest: str, index: int, suffix: str) -> str:
    """``sh010/sh010_t02_3fa9c1d2.mp4``; further files of one take end in ``_2``, ``_3``."""
    further = f"_{index + 1}" if index else ""
    return f"{shot}/{shot}_t{take:02d}_{digest[:8]}{further}{suffix}"


def arriving(folder: Path, key: str, index: int) -> Path:
    """Where a file is while it arrives: named by its attempt, since its shot may be renamed meanwhile."""
    return folder / ARRIVING / f"{hashlib.sha256(key.encode()).hexdigest()[:16]}_{index + 1}{PART}"


def suffix_for(mime_type: str | None, url: str) -> str:
    """The file name's ending by type, else by the URL's own (letters and digits only), else ``.bin``."""
    if mime_type in _SUFFIXES:
        return _SUFFIXES[mime_type]
    ending = PurePosixPath(url.partition("?")[0].partition("#")[0]).suffix.lower()
    return ending if ending[1:].isalnum() and ending.isascii() and len(ending) <= 6 else ".bin"


def within(folder: Path, path: str) -> Path:
    """The file of a relative path from a journal or manifest. Raises OutputFolderError if it leaves the folder."""
    parts = PurePosixPath(path).parts
    if not parts or ".." in parts or path.startswith("/") or any(sign in path for sign in "\\:\0"):
        raise OutputFolderError(f"{folder}: a record names a file outside the output folder: {path!r}")
    return folder.joinpath(*parts)


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


def file_trouble(folder: Path, output: Output, *, thorough: bool = False) -> str | None:
    """Why a stored output isn't what was paid for, or None.

    Same size and time as when it was stored is taken as unchanged unless ``thorough``; else it is hashed.
    """
    path = within(folder, output.path)
    try:
        facts = path.stat()
        if facts.st_size != output.bytes:
            return "was changed"
        if not thorough and output.mtime_ns is not None and facts.st_mtime_ns == output.mtime_ns:
            return None
        return None if sha256_of(path) == output.sha256 else "was changed"
    except FileNotFoundError:
        return "is missing"
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
    """When a file was last written, in nanoseconds."""
    return path.stat().st_mtime_ns


def place(part: Path, target: Path, sha256: str) -> None:
    """Rename a finished ``.part``, whose content is durable, to its name.

    What lies there with other content is kept beside it. Raises DiskFull or OutputFolderError.
    """
    try:
        if target.exists() and sha256_of(target) != sha256:
            target.rename(_free_name(target))
            sync_folder(target.parent)
        part.replace(target)
        sync_folder(target.parent)
    except OSError as error:
        raise unwritable(target, error) from error


def drop_part(part: Path) -> None:
    """Remove an unfinished file with its note."""
    for ending in ("", ".json", ".json.new"):
        part.with_name(part.name + ending).unlink(missing_ok=True)


def is_same(path: Path, output: Output) -> bool:
    """Whether a file is there and is what was stored, by its content."""
    return size_of(path) == output.bytes and path.is_file() and sha256_of(path) == output.sha256


def strays(folder: Path, owned: Collection[str]) -> dict[int, list[str]]:
    """Files of shots that no record owns, by their size."""
    found: dict[int, list[str]] = {}
    for path in sorted(folder.glob("[!.]*/[!.]*")):
        name = path.relative_to(folder).as_posix()
        if name not in owned and not _ODD & set(name) and path.is_file():
            found.setdefault(size_of(path), []).append(name)
    return found


def bring_back(folder: Path, output: Output, candidates: Iterable[str]) -> bool:
    """Move a stored file that is missing back under its name, where one of the candidates is it, unchanged.

    Its stills follow it.
    """
    target = within(folder, output.path)
    if target.exists():
        return False
    for path in candidates:
        if is_same(within(folder, path), output):
            old, new = path.rpartition(".")[0], output.path.rpartition(".")[0]
            for still in still_paths(output):
                move(folder, old + still.removeprefix(new), still)
            move(folder, path, output.path)
            return target.exists()
    return False


def _free_name(target: Path) -> Path:
    kept = target.with_name(f"{target.stem}.changed{target.suffix}")
    number = 2
    while kept.exists():
        kept = target.with_name(f"{target.stem}.changed_{number}{target.suffix}")
        number += 1
    return kept


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
