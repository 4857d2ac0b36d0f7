"""One writer for an output folder: an OS lock, released by death, whose holder can be named."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rivya_run.durable import make_folder, unwritable
from rivya_run.errors import FolderLocked

LOCK_NAME = ".lock"
HOLDER_NAME = ".lock-holder"


@contextmanager
def locked(folder: Path, purpose: str) -> Iterator[None]:
    """Hold the folder's lock. Raises FolderLocked, naming the holder, or OutputFolderError.

    The holder is written beside the lock, since a locked file can't be read on every system.
    """
    import filelock

    make_folder(folder)
    try:
        lock = filelock.FileLock(folder / LOCK_NAME, timeout=0)
        lock.acquire()
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


def _holder(folder: Path) -> str:
    try:
        holder = json.loads((folder / HOLDER_NAME).read_text(encoding="utf-8"))
        return f"rivya-run {holder['purpose']} (process {holder['pid']} on {holder['host']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
