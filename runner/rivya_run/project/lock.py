"""One writer for an output folder: an OS lock, released by death, whose holder can be named.

Exports have a lock of their own, which many may hold at once, beside a run too. Storyboards have theirs, so that a
decision can be written while a run holds the output folder.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Final

from rivya_run.durable import make_folder, unwritable
from rivya_run.errors import FolderLocked, RivyaError

TYPE_CHECKING = False  # typing's own would make every command load typing
if TYPE_CHECKING:
    from filelock import FileLock

LOCK_NAME = ".lock"
HOLDER_NAME = ".lock-holder"
EXPORT_LOCK = ".lock-export"
_PATIENCE: Final = 10.0  # seconds: who writes a decision needs one or two


@contextmanager
def locked(folder: Path, purpose: str) -> Iterator[None]:
    """Hold the folder's lock. Raises FolderLocked, naming the holder, or OutputFolderError.

    The holder is written beside the lock, since a locked file can't be read on every system.
    """
    import filelock

    make_folder(folder)
    try:
        lock = acquired(folder / LOCK_NAME, patience=0)
    except filelock.Timeout:
        raise FolderLocked(
            f"{folder}: in use by {_holder(folder)}",
            hint="wait for it to end, or stop it; its work is kept",
        ) from None
    except OSError as error:
        raise unwritable(folder, error) from error
    try:
        holder = {"pid": os.getpid(), "host": platform.node(), "purpose": purpose}
        with suppress(OSError):
            (folder / HOLDER_NAME).write_text(json.dumps(holder), encoding="utf-8")
        yield
    finally:
        with suppress(OSError):
            (folder / HOLDER_NAME).unlink(missing_ok=True)
        lock.release()


def acquired(path: Path, *, patience: float) -> FileLock:
    """A lock on a file that its holder's death releases; where the file system has none, that is an error.

    Raises ``filelock.Timeout`` after so many seconds, OSError where it can't be had.
    """
    import filelock

    lock = filelock.FileLock(path, fallback_to_soft=False)
    lock.acquire(timeout=patience, poll_interval=0.005)
    return lock


@contextmanager
def exporting(folder: Path) -> Iterator[None]:
    """Say that products are being written to a folder: ``clean`` leaves alone what isn't finished meanwhile.

    Where it can't be said (a folder that can't be written to, Windows) nothing is, and the export goes on.
    """
    with ExitStack() as held:
        with suppress(OSError, ImportError):
            _flock(held.enter_context((folder / EXPORT_LOCK).open("ab")), exclusive=False)
        yield


@contextmanager
def without_exports(folder: Path) -> Iterator[bool]:
    """Whether no export is at work in a folder, and none begins in the block; false where that can't be told."""
    with ExitStack() as held:
        try:
            _flock(held.enter_context((folder / EXPORT_LOCK).open("ab")), exclusive=True)
        except (OSError, ImportError):
            yield False
        else:
            yield True


@contextmanager
def storyboard_locked(file: Path) -> Iterator[None]:
    """Keep others from writing decisions into a storyboard file. Raises RivyaError if they don't come to an end.

    The file itself is locked, since nothing is to lie beside it. Where that can't be done (Windows), the writer's
    look at what the file holds must do.
    """
    with ExitStack() as held:
        try:
            _hold(file, held)
        except BlockingIOError:
            raise RivyaError(
                f"{file}: another process is writing to it; nothing was written", hint="try again"
            ) from None
        except (OSError, ImportError):
            pass
        yield


def _hold(file: Path, held: ExitStack) -> None:
    """Lock what stands under the name: a writer before us may have put a new file there."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        with ExitStack() as attempt:
            there = attempt.enter_context(file.open("rb"))
            try:
                _flock(there, exclusive=True)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
                continue
            if os.path.samestat(os.fstat(there.fileno()), file.stat()):
                held.push(attempt.pop_all())
                return


def _flock(file: IO[bytes], *, exclusive: bool) -> None:
    """Lock an open file: alone, and at once or not at all, or shared, once nobody has it alone.

    Raises BlockingIOError, other OSErrors for a file system without locks, ImportError on Windows.
    """
    import fcntl

    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB if exclusive else fcntl.LOCK_SH)


def _holder(folder: Path) -> str:
    try:
        holder = json.loads((folder / HOLDER_NAME).read_text(encoding="utf-8"))
        return f"rivya-run {holder['purpose']} (process {holder['pid']} on {holder['host']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
