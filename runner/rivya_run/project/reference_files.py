"""Facts about reference files: there, readable, regular, inside the project, what they are."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from pathlib import Path
from typing import Final

from rivya_run.media.types import HEAD_BYTES, recognise
from rivya_run.storyboard.model import FileFacts, FileTrouble
from rivya_run.suggest import did_you_mean
from rivya_run.text import shortened

_BLOCK: Final = 1024 * 1024  # bytes read at once: more is no faster
_SHOWN: Final = 120  # characters of a path in a message
_MAX_NEIGHBOURS: Final = 2000  # names that are compared for a suggestion; a folder may hold a million


def look_at(
    path_as_written: str, *, folder: Path, root: Path, allow_outside: bool = False
) -> FileFacts | FileTrouble:
    """What there is at a path relative to ``folder``. Never hangs on pipes or devices, never raises.

    A file outside ``root`` (links resolved) is trouble unless ``allow_outside``. The content is read once, in
    blocks, for its sha256.
    """
    try:
        real = _resolved(path_as_written, folder)
        if not allow_outside and not real.is_relative_to(root.resolve()):
            message = (
                f"'{_shown(path_as_written)}' leads outside the project root; --allow-outside permits it"
            )
            return FileTrouble(path_as_written, "outside", message)
        mode = real.stat().st_mode
        if not stat.S_ISREG(mode):
            message = f"'{_shown(path_as_written)}' is {_other_than_file(mode)}, not a file"
            return FileTrouble(path_as_written, "not-a-file", message)
        return _read(real, path_as_written)
    except (OSError, ValueError, RuntimeError) as error:
        return _trouble(error, path_as_written, folder)


def own_file(path_as_written: str, folder: Path) -> Path | None:
    """A file that only the film needs, if it is there. It isn't read."""
    try:
        real = _resolved(path_as_written, folder)
        return real if real.is_file() else None
    except (OSError, ValueError, RuntimeError):
        return None


def missing(path_as_written: str, folder: Path) -> str:
    return f"there is no file '{_shown(path_as_written)}'{_neighbour(path_as_written, folder)}"


def _shown(path: str) -> str:
    return shortened(path, _SHOWN)


def _resolved(path: str, folder: Path) -> Path:
    """The real place of a path; ``\\`` separates folders too, unless a file's name holds one."""
    real = (folder / path).resolve()
    if "\\" in path and os.sep == "/" and not real.exists():
        return (folder / path.replace("\\", "/")).resolve()
    return real


def _read(real: Path, written: str) -> FileFacts | FileTrouble:
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(real, flags | getattr(os, "O_CLOEXEC", 0))
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):  # exchanged between the two looks
            return FileTrouble(written, "not-a-file", f"'{_shown(written)}' is not a file")
        digest = hashlib.sha256()
        head = b""
        size = 0
        while block := file.read(_BLOCK):
            if not head:
                head = block[:HEAD_BYTES]
            digest.update(block)
            size += len(block)
    if size == 0:
        return FileTrouble(written, "empty-file", f"'{_shown(written)}' is empty")
    media = recognise(head)
    return FileFacts(
        str(real),
        digest.hexdigest(),
        size,
        facts.st_mtime_ns,
        media.kind if media else None,
        media.mime_type if media else None,
    )


def _other_than_file(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "a folder"
    if stat.S_ISFIFO(mode):
        return "a pipe"
    if stat.S_ISSOCK(mode):
        return "a socket"
    return "a device"


def _trouble(error: Exception, written: str, folder: Path) -> FileTrouble:
    shown = _shown(written)
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return FileTrouble(written, "missing-file", missing(written, folder))
    if isinstance(error, PermissionError):
        return FileTrouble(written, "unreadable", f"'{shown}' can't be read: permission denied")
    if isinstance(error, RuntimeError) or getattr(error, "errno", None) == errno.ELOOP:
        return FileTrouble(written, "unreadable", f"'{shown}' is a link that leads back to itself")
    reason = getattr(error, "strerror", None) or str(error)
    return FileTrouble(written, "unreadable", f"'{shown}' can't be read: {shortened(str(reason), _SHOWN)}")


def _neighbour(written: str, folder: Path) -> str:
    """``, did you mean 'refs/pack.png'?`` from the files beside the one that is not there."""
    path = Path(written.replace("\\", "/"))
    try:
        with os.scandir(folder / path.parent) as entries:
            names = [entry.name for entry, _ in zip(entries, range(_MAX_NEIGHBOURS), strict=False)]
    except (OSError, ValueError):
        return ""
    parent = path.parent.as_posix()
    prefix = "" if parent == "." else f"{parent.rstrip('/')}/"
    return did_you_mean(f"{prefix}{path.name}", [f"{prefix}{name}" for name in sorted(names)])
