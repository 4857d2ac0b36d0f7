"""``outputs/.budgets``: what counts towards the budgets of a project, for all of its processes.

JSON lines, appended under a lock of their own. The records of the storyboards are the truth: a file that is missing
or can't be read is made anew from them, and what of it is behind them is put right by the next run.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import msgspec

from rivya_run.durable import make_folder, sync, unwritable, write_atomically
from rivya_run.errors import FolderLocked, OutputFolderError
from rivya_run.project.debit_lines import (
    BudgetRefusal,
    Debit,
    GivenBack,
    HighestTime,
    InStep,
    Line,
    corrections,
    highest_time,
)
from rivya_run.project.lock import acquired
from rivya_run.project.other_choices import history_of
from rivya_run.project.paid_books import paid_folders
from rivya_run.project.places import DEBITS, JOURNAL, MANIFEST, OUTPUTS, relative_to_root

DEBITS_LOCK = f"{DEBITS}.lock"
PATIENCE: Final = 60.0
"""Seconds to wait for another process, which needs milliseconds, or some seconds to read all records."""

_BUSY: Final = 0.05
"""Seconds that a correction waits for another process; it is made later otherwise."""

_STALE_LINES: Final = 1000
"""Lines that say nothing any more, beyond as many as say something, at which the file is written anew."""

_DECODER: Final = msgspec.json.Decoder(Line)
_ENCODER: Final = msgspec.json.Encoder()


class _Spoilt(Exception):
    """The file isn't there, or can't be read: it is made anew."""


class DebitFile:
    """The file of one project, and what it says. ``places`` hold output folders; ``changed`` hears of each debit that
    is new (second) or gone (first)."""

    places = False
    remote = False

    def __init__(
        self,
        root: Path,
        places: Iterable[Path] = (),
        changed: Callable[[Debit | None, Debit | None], None] = lambda before, now: None,
    ) -> None:
        self.path = root / OUTPUTS / DEBITS
        self.debits: dict[str, dict[str, Debit]] = {}
        self.highest = ""
        self._root = root
        self._places = [root / OUTPUTS, *places]
        self._changed = changed
        self._stamps: dict[str, str] = {}
        self._head = b""  # the first line of the file that was read
        self._size = 0
        self._lines = 0

    def name_of(self, folder: Path) -> str:
        """An output folder as the file names it."""
        return relative_to_root(folder, self._root)

    @contextmanager
    def locked(self, patience: float = PATIENCE) -> Iterator[None]:
        """Hold the lock, with the file as it is now. Raises FolderLocked or OutputFolderError."""
        import filelock

        make_folder(self.path.parent)
        try:
            lock = acquired(self.path.with_name(DEBITS_LOCK), patience=patience)
        except filelock.Timeout:
            raise FolderLocked(
                f"{self.path}: in use by another process for more than {patience:g} s",
                hint="wait for it to end, or stop it",
            ) from None
        except OSError as error:
            raise unwritable(self.path, error) from error
        try:
            self._catch_up()
            yield
        finally:
            lock.release()

    def open(self, mine: Collection[Path]) -> None:
        """Make the file agree with all records, or make it. ``mine`` are the folders that this process alone writes
        to. Raises OutputFolderError and its kinds."""
        with self.locked():
            self.put_right(mine)

    @contextmanager
    def debiting(
        self,
        key: tuple[str, str],
        due: Callable[[], Iterable[Line]],
        decide: Callable[[], BudgetRefusal | Debit],
    ) -> Iterator[BudgetRefusal | Debit]:
        """Debit a create, on disk before the block begins, whose intent is put on record in it.

        No other process looks at the file meanwhile: it sees both, debit and intent, or none. What the block can't
        record is given back. Raises OutputFolderError and its kinds.
        """
        with self.locked():
            self.append(due())
            debit = decide()
            if isinstance(debit, BudgetRefusal):
                yield debit
                return
            self.append([debit], durable=True)
            try:
                yield debit
            except BaseException:
                with suppress(OutputFolderError):
                    self.append([GivenBack(debit.folder, debit.key)])
                raise

    def correct(self, lines: Callable[[], Iterable[Line]]) -> bool:
        """Write corrections unless another process is at it, or it can't be; whether they were written."""
        with suppress(OutputFolderError), self.locked(_BUSY):
            self.append(lines())
            return True
        return False

    def write_beside(self, cursor: Any, lines: Collection[Line]) -> None:
        """There are no transactions."""

    def close(self, folder: Path, lines: Callable[[], Iterable[Line]]) -> None:
        """Correct what has to be, and say that the file has all that is on record: the next run need not look."""
        with suppress(OutputFolderError), self.locked():
            self.append(lines())
            self.in_step([folder])

    def look(self) -> None:
        """What the file says, and what the records say beyond it, without a lock and without writing anything."""
        try:
            self._read_on(cut=False)
        except _Spoilt:
            self._forget()
        for line in self._behind():
            self._apply(line)

    def put_right(self, mine: Collection[Path] = ()) -> None:
        """Take in what the records say beyond the file, or otherwise. Under the lock.

        ``mine`` are folders that nobody else writes to now: what is debited there and not on record was never sent.
        """
        self.append(self._behind(mine))
        live = sum(map(len, self.debits.values())) + len(self._stamps)
        if self._lines > 2 * live + _STALE_LINES:
            self._write_anew()

    def append(self, lines: Iterable[Line], *, durable: bool = False) -> None:
        """Write lines; ``durable``: they are on disk afterwards. Under the lock.

        Raises DiskFull or OutputFolderError, and then nothing was written.
        """
        found = list(lines)
        content = b"".join(_ENCODER.encode(line) + b"\n" for line in found)
        if not content:
            return
        try:
            with self.path.open("r+b", buffering=0) as file:
                file.seek(self._size)
                try:
                    if file.write(content) != len(content):
                        raise OSError(28, "No space left on device")
                    if durable:
                        sync(file.fileno())
                except OSError:
                    file.truncate(self._size)
                    raise
        except OSError as error:
            raise unwritable(self.path, error) from error
        self._size += len(content)
        for line in found:
            self._apply(line)

    def in_step(self, folders: Iterable[Path]) -> None:
        """Say that the file has all that these folders' records say now. Under the lock."""
        stamps = (InStep(self.name_of(folder), stamp_of(folder)) for folder in folders)
        self.append(one for one in stamps if self._stamps.get(one.folder) != one.stamp)

    def _catch_up(self) -> None:
        try:
            if self._read_on(cut=True):  # a file that others made anew, or an old one
                self.append(self._behind())
        except _Spoilt:
            self._forget()
            for line in self._behind():
                self._apply(line)
            self._write_anew()

    def _read_on(self, *, cut: bool) -> bool:
        """Read what others have written since; whether it is another file than before.

        ``cut``: half a line at the end, of one who was killed, is cut off.
        """
        before = self._head
        try:
            with self.path.open("r+b" if cut else "rb") as file:
                head = file.readline()
                if not head.endswith(b"\n") or b'"made":' not in head:
                    raise _Spoilt
                another = head != before or os.fstat(file.fileno()).st_size < self._size
                if another:
                    self._forget()
                    self._head = head
                file.seek(self._size)
                content = file.read()
                whole = content[: content.rfind(b"\n") + 1]
                if cut and len(whole) < len(content):
                    file.truncate(self._size + len(whole))
        except OSError:
            raise _Spoilt from None
        try:
            for line in whole.splitlines():
                self._apply(_DECODER.decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise _Spoilt from None
        self._size += len(whole)
        return another and bool(before)

    def _forget(self) -> None:
        for debits in list(self.debits.values()):
            for debit in debits.values():
                self._changed(debit, None)
        self.debits, self._stamps = {}, {}
        self._head, self._size, self._lines = b"", 0, 0

    def _write_anew(self) -> None:
        """The whole file, with nothing but what counts."""
        lines: list[Line] = [HighestTime(self.highest, os.urandom(8).hex())]
        lines += (debit for debits in self.debits.values() for debit in debits.values())
        lines += (InStep(*stamp) for stamp in self._stamps.items())
        content = [_ENCODER.encode(line) + b"\n" for line in lines]
        write_atomically(self.path, content)
        self._head, self._size = content[0], sum(map(len, content))
        self._lines = len(lines)

    def _apply(self, line: Line) -> None:
        self._lines += 1
        match line:
            case Debit(folder=folder, key=key):
                debits = self.debits.setdefault(folder, {})
                before, debits[key] = debits.get(key), line
                self._changed(before, line)
                self.highest = max(self.highest, line.at)
            case GivenBack(folder=folder, key=key):
                before = self.debits.get(folder, {}).pop(key, None)
                self._changed(before, None)
            case InStep(folder=folder, stamp=stamp):
                self._stamps[folder] = stamp
            case HighestTime(at=at):
                self.highest = max(self.highest, at)

    def _behind(self, mine: Collection[Path] = ()) -> list[Line]:
        """What has to be said so that the file agrees with all records. Raises as ``history_of`` does."""
        found: list[Line] = []
        mine = [one.resolve() for one in mine]
        for folder in dict.fromkeys([*paid_folders(self._places), *mine]):
            name, stamp = self.name_of(folder), stamp_of(folder)
            known = self.debits.get(name, {})
            waiting = folder in mine and not all(debit.told for debit in known.values())
            if self._stamps.get(name) == stamp and not waiting:
                continue
            history = history_of(folder)
            found += corrections(name, history, known)
            if (seen := highest_time(history)) > self.highest:
                found.append(HighestTime(seen))
            found.append(InStep(name, stamp))
        return found


def stamp_of(folder: Path) -> str:
    """Says whether the records of a folder are still those that they were."""
    found = []
    for name in (JOURNAL, MANIFEST):
        try:
            stat = (folder / name).stat()
            found.append(f"{stat.st_size}.{stat.st_mtime_ns}")
        except OSError:
            found.append("")
    return " ".join(found)
