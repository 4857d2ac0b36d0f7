"""The journal on disk: JSON lines, append-only, each with a number and a checksum.

A line is durable once ``sync`` returned. A torn last line (the machine went down while it was written) is
cut off, since nothing was done on its word. Any other line that can't be trusted stops the program: a
journal is never guessed at.
"""

from __future__ import annotations

import errno
import json
import os
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from rivya_run.durable import check_missing, make_folder, sync, sync_folder, unwritable
from rivya_run.errors import FolderGone, ForeignFolder, JournalDamaged, OutputFolderError
from rivya_run.journal.events import Entry, JournalEvent, event_of, text_of
from rivya_run.json_types import Json

VERSION = 1
_SEAL = ',"crc":"'
_ENCODING = ("utf-8", "surrogatepass")  # names of files may hold bytes that are no text


def read_journal(path: Path) -> tuple[list[Entry], int]:
    """All entries, and how many bytes of the file they fill (what follows is a torn line).

    Raises as ``fold_journal`` does.
    """
    entries: list[Entry] = []
    _, size = fold_journal(path, entries.append)
    return entries, size


def fold_journal(path: Path, each: Callable[[Entry], object]) -> tuple[int, int]:
    """Hand over entry after entry; how many there are, and how many bytes of the file they fill.

    A missing file is an empty journal. Raises JournalDamaged for a line that can't be trusted, ForeignFolder
    for one that a newer version wrote.
    """
    try:
        with path.open("rb") as file:
            return _read_lines(path, file, each)
    except FileNotFoundError:
        check_missing(path)
        return 0, 0
    except OSError as error:
        raise OutputFolderError(f"{path}: can't be read: {error.strerror}") from error


def entries_of(name: str, lines: Iterable[bytes]) -> Iterator[Entry]:
    """The entries of lines that come from elsewhere than a file; ``name`` stands in what is raised, as by
    ``fold_journal``."""
    for number, line in enumerate(lines, start=1):
        fields = _opened(line)
        if fields is None:
            raise JournalDamaged(f"{name}:{number}: this line is damaged, so the journal can't be trusted")
        yield _entry(Path(name), number, fields)


def first_entry(path: Path) -> Entry | None:
    """The first entry, without reading on; None where there is none. Raises as ``fold_journal`` does."""
    found: list[Entry] = []
    try:
        with path.open("rb") as file:
            _read_lines(path, iter([file.readline()]), found.append)
    except FileNotFoundError:
        check_missing(path)
        return None
    except OSError as error:
        raise OutputFolderError(f"{path}: can't be read: {error.strerror}") from error
    return found[0] if found else None


def _read_lines(path: Path, lines: Iterator[bytes], each: Callable[[Entry], object]) -> tuple[int, int]:
    count = good = 0
    for number, line in enumerate(lines, start=1):
        fields = _opened(line)
        if fields is None:
            if _torn(line, lines):
                break
            raise JournalDamaged(
                f"{path}:{number}: this line is damaged, so the journal can't be trusted",
                hint="restore the file from a backup, or move the whole output folder away and take only "
                "manifest.json along: the next run takes in what it knows and asks for the rest",
            )
        each(_entry(path, number, fields))
        count = number
        good += len(line)
    return count, good


def _torn(line: bytes, rest: Iterator[bytes]) -> bool:
    """Whether a bad line is the end of the file: cut short, or blank where blocks were never written."""
    cut_short = not line.endswith(b"\n") or not line.strip(b"\0\n")
    return cut_short and next(rest, None) is None


def _opened(line: bytes) -> dict[str, Any] | None:
    """The fields of a line whose seal holds, else None. A missing line end alone is no damage."""
    head, found, seal = line.rstrip(b"\n").rpartition(_SEAL.encode())
    if not found or seal != f'{zlib.crc32(head):08x}"}}'.encode():
        return None
    try:
        fields = json.loads(head + b"}")
    except ValueError:
        return None
    return fields if isinstance(fields, dict) else None


def _entry(path: Path, number: int, fields: dict[str, Any]) -> Entry:
    if fields.get("v", VERSION) > VERSION:
        raise ForeignFolder(
            f"{path}:{number}: written by a newer version of rivya-run", hint="upgrade rivya-run"
        )
    hint = "restore the file from a backup"
    if fields.get("n") != number:
        raise JournalDamaged(f"{path}:{number}: lines are missing or out of order before this one", hint=hint)
    try:
        return Entry(number, fields["at"], event_of(fields))
    except (KeyError, ValueError) as error:
        raise JournalDamaged(
            f"{path}:{number}: rivya-run doesn't know this event ({error})", hint=hint
        ) from error


def line_of(number: int, at: str, event: JournalEvent) -> bytes:
    """One sealed line, line end included."""
    first: dict[str, Json] = {"v": VERSION} if number == 1 else {}
    text = text_of(number, at, event, **first)[:-1].encode(*_ENCODING)
    return text + f'{_SEAL}{zlib.crc32(text):08x}"}}\n'.encode()


Beside: TypeAlias = "Callable[[Any], None]"
"""Writes what belongs to lines in their own transaction, given its cursor; only where there are transactions."""


class JournalStore(Protocol):
    """A journal that is open for appending: a file, or lines in a database.

    ``commits``: how many transactions have written to it, 0 for a file. ``fresh``: it has just been shown that nobody
    else writes to it, as the lock of a file always shows.
    """

    @property
    def commits(self) -> int: ...

    @property
    def fresh(self) -> bool: ...

    def append(self, event: JournalEvent) -> Entry:
        """Add one line."""

    def sync(self, beside: Beside | None = None) -> None:
        """Make everything appended so far durable, and what is written ``beside`` it. For any thread."""

    def confirm(self) -> None:
        """Show that nobody else writes to it. For any thread."""

    def close(self) -> None:
        """Sync and close."""


class Journal:
    """The journal of one output folder, open for appending. The folder's lock must be held."""

    commits = 0
    fresh = True

    def __init__(
        self, path: Path, *, now: Callable[[], str], each: Callable[[Entry], object] = lambda entry: None
    ) -> None:
        """Hand what is there to ``each``, cut a torn last line off and open for appending. Creates nothing yet."""
        self.path = path
        self._now = now
        self._count, self._size = fold_journal(path, each)
        self._file: int | None = None
        self._unsynced = False
        self._broken: OutputFolderError | None = None
        self._gone: FolderGone | None = None

    def append(self, event: JournalEvent) -> Entry:
        """Write one line. It survives the death of the process at once, that of the machine after ``sync``.

        Raises DiskFull or OutputFolderError; the journal is then as it was before.
        """
        entry = Entry(self._count + 1, self._now(), event)
        line = line_of(entry.number, entry.at, event)
        self._write(line)
        self._count += 1
        self._size += len(line)
        self._unsynced = True
        return entry

    def confirm(self) -> None:
        """The folder's lock shows it."""

    def sync(self, beside: Beside | None = None) -> None:
        """Make everything appended so far durable, under its name. May be called from another thread.

        Raises DiskFull or OutputFolderError, FolderGone where the file is not the folder's journal any more.
        """
        if self._broken is not None:
            raise self._broken
        if self._file is None:
            return
        if self._unsynced:
            self._unsynced = False
            try:
                sync(self._file)
            except OSError as error:
                # What the disk didn't take once it may drop silently: nothing more is built on it.
                self._broken = unwritable(self.path, error)
                raise self._broken from error
        if not self._in_place(self._file):
            self._gone = FolderGone(
                f"{self.path.parent}: this folder was removed, moved or replaced while it was in use",
                hint="leave an output folder where it is while a command uses it",
            )
            raise self._gone

    def close(self) -> None:
        """Sync and close. What ``sync`` raised already isn't raised again."""
        if self._file is not None:
            try:
                if self._broken is None and self._gone is None:
                    self.sync()
            finally:
                os.close(self._file)
                self._file = None

    def _in_place(self, file: int) -> bool:
        """Whether the path still names the open file: what a removed file holds is lost with the process."""
        try:
            named, held = self.path.stat(), os.fstat(file)
        except OSError:
            return False
        if named.st_ino and held.st_ino:
            return os.path.samestat(named, held)
        return named.st_size == held.st_size  # no file numbers on this file system

    def _write(self, line: bytes) -> None:
        if self._broken is not None:
            raise self._broken
        try:
            if self._file is None:
                self._file = self._opened_file()
            written = os.write(self._file, line)
            if written < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            self._cut_off()
            raise unwritable(self.path, error) from error

    def _cut_off(self) -> None:
        """Take half a line back; where even that fails, nothing may be written behind it."""
        try:
            if self._file is not None:
                os.ftruncate(self._file, self._size)
        except OSError as error:
            self._broken = unwritable(self.path, error)

    def _opened_file(self) -> int:
        make_folder(self.path.parent)
        file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o644)
        os.ftruncate(file, self._size)
        if self._size and not _ends_line(self.path):
            self._size += os.write(file, b"\n")
        # Not only what is new: a run that was killed may have made these, and whatever else is in the folder,
        # and never have synced their names. Above the folder: outputs/<storyboard id>.
        sync_folder(self.path.parent)
        for folder in list(self.path.parents)[1:3]:
            with suppress(OSError):
                sync_folder(folder)
        return file


def _ends_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
