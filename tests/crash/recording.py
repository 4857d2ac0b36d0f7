"""Everything that a run does to its folder, in order: hooks around ``os`` and ``io``, put in from outside.

The program is not asked to help, and its modules may be anywhere: whatever writes goes through these two.
That nothing is missed is proven by replaying a record and comparing it with the real folder, byte by byte.
"""

from __future__ import annotations

import builtins
import io
import os
import pickle
import signal
import stat
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

_WRITING = set("wxa+")


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing done. Paths are relative to the root that is watched.

    ``kind``: ``create``, ``open``, ``write`` (``content`` at ``position``), ``truncate`` (to ``position``),
    ``sync``, ``rename`` (to ``target``), ``link`` (as ``target``), ``unlink``, ``mkdir``, ``rmdir``; and
    ``books`` (the simulator wrote ``content`` into its books) and ``command`` (``position`` is its number).
    ``handle`` names an open file or folder; ``mtime`` is when its file was last written, in nanoseconds.
    """

    kind: str
    path: str = ""
    target: str = ""
    handle: int = 0
    position: int = 0
    content: bytes = b""
    mtime: int = 0


def read_record(path: Path) -> Iterator[Operation]:
    """The operations of a record, as far as it was written."""
    with path.open("rb") as file:
        while True:
            try:
                yield pickle.load(file)
            except EOFError:
                return


class Recorder:
    """Writes what this process does below ``root``, and what it adds to ``books``, to a record.

    The process dies by SIGKILL once it has written the ``fatal`` text, where one is given. Operations are done one at
    a time, so that their order in the record is the one in which they took effect.
    """

    def __init__(self, root: Path, books: Path, record: Path, *, fatal: str | None = None) -> None:
        self._root = os.path.realpath(root)
        self._books = os.path.realpath(books)
        self._record = os.open(record, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._fatal = None if fatal is None else fatal.encode()
        self._handles: dict[int, int] = {}
        self._of_books: set[int] = set()
        self._next = os.fstat(self._record).st_size + 1  # handles of several recorders of one record differ
        self.lock = threading.RLock()
        self._write = os.write

    def install(self) -> None:
        """Put the hooks in."""
        _hook_descriptors(self)
        _hook_names(self)
        _hook_files(self)

    def relative(self, path: Any, folder_file: int | None = None) -> str | None:
        """A path below the root that is watched; None for any other, and for what is no path.

        ``folder_file`` is the open folder that it is relative to, where that isn't the present one.
        """
        assert folder_file not in self._handles, "names relative to an open folder are not recorded"
        if isinstance(path, int) or folder_file is not None:
            return None
        folder, name = os.path.split(os.path.abspath(os.fsdecode(path)))  # noqa: PTH100 - also what isn't there
        real = os.path.join(os.path.realpath(folder), name)  # noqa: PTH118
        if real == self._root:
            return "."
        return real[len(self._root) + 1 :] if real.startswith(self._root + os.sep) else None

    def note(self, kind: str, **details: Any) -> None:
        """Add an operation to the record."""
        self._write(self._record, pickle.dumps(Operation(kind, **details)))
        if self._fatal is not None and self._fatal in details.get("content", b""):
            os.kill(os.getpid(), signal.SIGKILL)

    def opened(self, path: Any, file: int, *, existed: bool, truncates: bool) -> None:
        """A file or folder was opened."""
        name = self.relative(path)
        if name is None:
            if not isinstance(path, int) and os.path.realpath(os.fsdecode(path)) == self._books:
                self._of_books.add(file)
            return
        if not existed:
            self.note("create", path=name, mtime=os.fstat(file).st_mtime_ns)
        self._next += 1
        self._handles[file] = self._next
        self.note("open", path=name, handle=self._next)
        if truncates and existed:
            self.note("truncate", handle=self._next, mtime=os.fstat(file).st_mtime_ns)

    def closed(self, file: int) -> None:
        """A file was closed: its number may stand for another one."""
        self._handles.pop(file, None)
        self._of_books.discard(file)

    def watches(self, file: int) -> bool:
        """Whether an open file is below the root."""
        return file in self._handles

    def wrote(self, file: int, content: bytes, position: int | None = None) -> None:
        """Bytes were written, at a position or where the file's own one was before."""
        if file in self._of_books:
            self.note("books", content=content)
        elif file in self._handles:
            at = os.lseek(file, 0, os.SEEK_CUR) - len(content) if position is None else position
            self._change("write", file, position=at, content=content)

    def truncated(self, file: int, size: int) -> None:
        """A file was cut off, or filled with zeros, to a size."""
        if file in self._handles:
            self._change("truncate", file, position=size)

    def synced(self, file: int) -> None:
        """A file or folder was synced."""
        if file in self._handles:
            self.note("sync", handle=self._handles[file])

    def _change(self, kind: str, file: int, **details: Any) -> None:
        self.note(kind, handle=self._handles[file], mtime=os.fstat(file).st_mtime_ns, **details)


def _hook_descriptors(recorder: Recorder) -> None:
    """os.open and what is done with what it gives."""
    real_open, real_close = os.open, os.close
    real_write, real_pwrite, real_cut = os.write, os.pwrite, os.ftruncate

    def hooked_open(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        writes = bool(flags & (os.O_WRONLY | os.O_RDWR))
        with recorder.lock:
            existed = os.path.lexists(path)
            file = real_open(path, flags, mode, dir_fd=dir_fd)
            if dir_fd is not None:
                recorder.relative(path, dir_fd)
            elif writes or stat.S_ISDIR(os.fstat(file).st_mode):
                recorder.opened(path, file, existed=existed, truncates=bool(flags & os.O_TRUNC))
            return file

    def hooked_close(fd: int) -> None:
        with recorder.lock:
            recorder.closed(fd)
            real_close(fd)

    def hooked_write(file: int, content: Any) -> int:
        with recorder.lock:
            count = real_write(file, content)
            recorder.wrote(file, bytes(content[:count]))
            return count

    def hooked_pwrite(file: int, content: Any, offset: int) -> int:
        with recorder.lock:
            count = real_pwrite(file, content, offset)
            recorder.wrote(file, bytes(content[:count]), offset)
            return count

    def hooked_cut(file: int, size: int) -> None:
        with recorder.lock:
            real_cut(file, size)
            recorder.truncated(file, size)

    def syncing(real: Callable[[Any], None]) -> Callable[[Any], None]:
        def hooked(fd: Any) -> None:
            with recorder.lock:
                real(fd)
                recorder.synced(fd if isinstance(fd, int) else fd.fileno())

        return hooked

    os.open, os.close, os.write = hooked_open, hooked_close, hooked_write
    os.pwrite, os.ftruncate = hooked_pwrite, hooked_cut
    for name in ("fsync", "fdatasync"):
        setattr(os, name, syncing(getattr(os, name)))
    for name in ("writev", "pwritev", "sendfile", "copy_file_range", "posix_fallocate"):
        setattr(os, name, _not_followed(recorder, getattr(os, name), name))


def _not_followed(recorder: Recorder, real: Callable[..., Any], name: str) -> Callable[..., Any]:
    """Another way to write: to be hooked as well by whoever begins to use it."""

    def refused(*args: Any, **kwargs: Any) -> Any:
        files = [one for one in args[:2] if isinstance(one, int)]
        assert not any(recorder.watches(file) for file in files), f"os.{name} is not recorded"
        return real(*args, **kwargs)

    return refused


def _hook_names(recorder: Recorder) -> None:
    """What changes the names in folders."""

    def one(kind: str, real: Callable[..., None]) -> Callable[..., None]:
        def hooked(path: Any, *args: Any, dir_fd: int | None = None) -> None:
            with recorder.lock:
                name = recorder.relative(path, dir_fd)
                real(path, *args, dir_fd=dir_fd)
                if name is not None:
                    recorder.note(kind, path=name)

        return hooked

    def two(kind: str, real: Callable[..., None]) -> Callable[..., None]:
        def hooked(source: Any, target: Any, **kwargs: Any) -> None:
            with recorder.lock:
                old, new = recorder.relative(source), recorder.relative(target)
                assert (old is None) == (new is None), "a move over the border of what is watched"
                real(source, target, **kwargs)
                if old is not None and new is not None:
                    recorder.note(kind, path=old, target=new)

        return hooked

    os.mkdir, os.rmdir = one("mkdir", os.mkdir), one("rmdir", os.rmdir)
    os.unlink, os.remove = one("unlink", os.unlink), one("unlink", os.remove)
    os.rename, os.replace, os.link = two("rename", os.rename), two("rename", os.replace), two("link", os.link)


def _hook_files(recorder: Recorder) -> None:
    """io.open for writing: the same objects as ever, on a raw file that tells what it does."""
    real_open = io.open

    class RecordedFile(io.FileIO):
        """A raw file whose writes are recorded."""

        def __init__(self, file: Any, mode: str, closefd: bool, opener: Any) -> None:
            with recorder.lock:
                existed = isinstance(file, int) or os.path.lexists(file)
                super().__init__(file, mode, closefd, opener)
                if not isinstance(file, int) and opener is None:
                    recorder.opened(file, self.fileno(), existed=existed, truncates="w" in mode)

        def write(self, content: Any) -> int:
            with recorder.lock:
                count = super().write(content)
                recorder.wrote(self.fileno(), bytes(memoryview(content).cast("B")[:count]))
                return count

        def truncate(self, size: int | None = None) -> int:
            with recorder.lock:
                size = super().truncate(size)
                recorder.truncated(self.fileno(), size)
                return size

        def close(self) -> None:
            with recorder.lock:
                if not self.closed and self.closefd:
                    recorder.closed(self.fileno())
                super().close()

    def hooked(
        file: Any,
        mode: str = "r",
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
        closefd: bool = True,
        opener: Any = None,
    ) -> IO[Any]:
        if not _WRITING & set(mode):
            return real_open(file, mode, buffering, encoding, errors, newline, closefd, opener)
        raw = RecordedFile(file, mode.replace("b", "").replace("t", ""), closefd, opener)
        if buffering == 0:
            return raw
        size = buffering if buffering > 1 else io.DEFAULT_BUFFER_SIZE
        buffered: Any = io.BufferedRandom(raw, size) if "+" in mode else io.BufferedWriter(raw, size)
        if "b" in mode:
            return buffered  # type: ignore[no-any-return]
        return io.TextIOWrapper(buffered, encoding, errors, newline, line_buffering=buffering == 1)

    io.open = builtins.open = hooked  # type: ignore[assignment]
