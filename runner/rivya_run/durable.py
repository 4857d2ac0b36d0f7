"""Writes that survive a power cut: files appear whole or not at all."""

from __future__ import annotations

import errno
import glob
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rivya_run.errors import DiskFull, OutputFolderError

_BUFFER = 1024 * 1024  # a manifest comes in many small pieces


@contextmanager
def replacing(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """A temporary file beside ``path``, to be written in the block, that takes its name at the end.

    Fsync, rename, fsync of the folder: readers see the old file or the new one, never half, even after a power cut.
    Not ``durable``: no fsync, for what can be made again. If the block fails, the old file stays as it was.

    Raises DiskFull or OutputFolderError for an OSError.
    """
    # By chance and not by process: two of them may write the same file, one process even twice.
    temporary = path.with_name(f".{path.name}.{int.from_bytes(os.urandom(8))}.tmp")
    try:
        _make(path.parent)
        yield temporary
        if durable:
            sync_file(temporary)
        rename(temporary, path)
        if durable:
            sync_folder(path.parent)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_atomically(path: Path, content: bytes | Iterable[bytes]) -> None:
    """Replace a file's content; it may come in pieces, so that it is never whole in memory. See ``replacing``."""
    with replacing(path) as temporary, temporary.open("wb", buffering=_BUFFER) as file:
        file.writelines([content] if isinstance(content, bytes) else content)


def drop_leftovers(path: Path, *, unchanged: float = 0.0) -> None:
    """Remove temporary files of writers that were killed, if they are ``unchanged`` for so many seconds.

    All of them only for the one who alone may write the file now.
    """
    latest = time.time() - unchanged
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
        with suppress(OSError):
            if not unchanged or left.stat().st_mtime < latest:
                left.unlink()


def check_missing(path: Path) -> None:
    """Raises OutputFolderError where a file only seems to be missing: it, or a folder above, is a link to nowhere."""
    link = _dangling(path)
    if link is not None:
        raise OutputFolderError(
            f"{link}: this is a link to {_target(link)}, which isn't here; it may know of takes that were paid for",
            hint="fetch what it leads to (git annex get, or the disk that it is on), or remove the link",
        )


def _dangling(path: Path) -> Path | None:
    """The file, or the folder above it, that is a link to what isn't there."""
    return next((one for one in (path, *path.parents) if one.is_symlink() and not one.exists()), None)


def _target(link: Path) -> str:
    try:
        return f"'{link.readlink()}'"
    except OSError:
        return "something"


def make_folder(folder: Path) -> None:
    """Make sure that a folder is there, under a name that is durable, as are those of new folders above it.

    Raises DiskFull or OutputFolderError.
    """
    try:
        _make(folder)
    except OSError as error:
        raise unwritable(folder, error) from error


def _make(folder: Path) -> None:
    new = [folder] if not folder.exists() else []
    while new and not new[-1].parent.exists():
        new.append(new[-1].parent)
    folder.mkdir(parents=True, exist_ok=True)
    for one in new:
        sync_folder(one.parent)


def sync_file(path: Path) -> None:
    """Make the content of a file durable; for one that others wrote."""
    descriptor = os.open(path, os.O_RDWR)  # Windows syncs only what may be written
    try:
        sync(descriptor)
    finally:
        os.close(descriptor)


def sync(descriptor: int) -> None:
    """Make what was written durable. On macOS fsync leaves it in the drive's cache, which a power cut empties."""
    try:
        import fcntl  # not on Windows

        fcntl.fcntl(descriptor, getattr(fcntl, "F_FULLFSYNC"))  # noqa: B009  # only macOS has it
    except (ImportError, AttributeError, OSError):  # or a file system, of a network, that doesn't know it
        os.fsync(descriptor)


SHARING_WITHIN = 2.0
"""Seconds for which a rename is tried again on Windows: a virus scanner or a player has the file open a moment."""


def rename(
    source: Path, target: Path, *, system: str = os.name, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Give a file the name ``target``, also where one of that name is there. Raises OSError.

    Windows refuses while somebody has either of them open, so there it is tried again for a while.
    """
    left = SHARING_WITHIN if system == "nt" else 0.0
    while True:
        try:
            source.replace(target)
            return
        except PermissionError:
            if left <= 0:
                raise
        sleep(0.1)
        left -= 0.1


def sync_folder(folder: Path, *, system: str = os.name) -> None:
    """Make the names in a folder durable, where the system can (Windows can't, and needn't)."""
    if system == "nt":
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except PermissionError:  # one that may be written but not read can't be synced
        return
    try:
        sync(descriptor)
    except OSError:  # some network file systems refuse; the rename itself was atomic
        pass
    finally:
        os.close(descriptor)


def unwritable(path: Path, error: OSError) -> OutputFolderError:
    """The error for a file that can't be written, with what to do."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return DiskFull(f"{path}: the disk is full", hint="free some space and run again: nothing is lost")
    try:
        check_missing(path)
    except OutputFolderError as dangling:
        return dangling
    return OutputFolderError(
        f"{path}: can't be written: {error.strerror or error}",
        hint=_HINTS.get(error.errno or 0, "check the permissions of the output folder"),
    )


_FEWER_FILES = (
    "this process may not have more files open: raise the limit (ulimit -n 4096), or lower --concurrency"
)
_NO_LOCKS = (
    "its file system has no locks, as some network drives: choose a folder on another disk with --outputs"
)
_TOO_LONG = "the path is longer than the system takes: choose a folder nearer to the top with --outputs"
_HINTS = {
    errno.ENAMETOOLONG: _TOO_LONG,
    errno.EMFILE: _FEWER_FILES,
    errno.ENFILE: _FEWER_FILES,
    errno.ENOLCK: _NO_LOCKS,
    errno.ENOSYS: _NO_LOCKS,
    errno.EOPNOTSUPP: _NO_LOCKS,
    errno.EROFS: "it lies on a disk that can only be read: choose another folder with --outputs",
}
