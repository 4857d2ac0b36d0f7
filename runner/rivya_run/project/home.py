"""Where the files of an output folder live: in the folder, or in an object store that the folder is a cache of.

The records (journal, lock, manifest) and what is still being downloaded are in the folder either way. In an object
store a file has the key ``<storyboard id>/<its path in the folder>``, and the manifest is there as well, so that a
machine that is lost takes no knowledge of what was paid for with it. A file is put there as a whole before its record
says that it is stored, under a name that nothing else has; whoever needs it fetches it, checked by its sha256.
"""

from __future__ import annotations

import os
import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, count
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final, TypeVar

from rivya_run.durable import replacing, unwritable
from rivya_run.errors import ObjectStoreError, OutputFolderError, UsageError
from rivya_run.journal.attempt import Attempt, Output, owned_paths, stills
from rivya_run.project.ledger import manifest_at
from rivya_run.project.names import clip_of_still, name_for_changed, take_of, within, without_take
from rivya_run.project.outputs import CHANGED, MISSING, file_trouble, sha256_of, trouble_of
from rivya_run.project.places import MANIFEST, Outputs
from rivya_run.text import visible

if TYPE_CHECKING:
    from rivya_run.project.object_store import ObjectStore


_AT_ONCE: Final = 8  # files on their way from or to a store: each is in memory as a whole when it is put

T = TypeVar("T")
R = TypeVar("R")


class FolderHome:
    """Files that live in the output folder alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def where(self) -> str:
        """Where the files live, for people."""
        return str(self.folder)

    def trouble(self, output: Output) -> str | None:
        """Why a stored output isn't there as it was paid for, or None. See ``outputs.trouble_of``."""
        return file_trouble(self.folder, output)

    def verify(self, path: str, size: int, sha256: str, *, thorough: bool = False) -> str | None:
        """The same by its content; in an object store only if ``thorough``, else by its size."""
        return trouble_of(within(self.folder, path), size, sha256)

    def fetched(self, output: Output) -> str | None:
        """See that the file of a stored output is in the folder; why it can't be there as it was paid for, or None.

        Raises DiskFull or OutputFolderError.
        """
        return file_trouble(self.folder, output)

    def secure(self, file: Path, output: Output, owned: Collection[str]) -> str:
        """Put a file that came where it can't be lost, before it is on record; the path that it is to have there.

        That is another than the output's where something else has its name. ``owned`` are names that are on record
        for others. Raises ObjectStoreError.
        """
        return output.path

    def objects(self) -> Mapping[str, int]:
        """What lives elsewhere: bytes by path. Raises ObjectStoreError."""
        return {}

    def remove(self, path: str) -> None:
        """Remove a file. Raises OutputFolderError."""
        file = self.folder / path
        try:
            file.unlink(missing_ok=True)
            if file.parent.is_dir() and not any(file.parent.iterdir()):
                file.parent.rmdir()
        except OSError as error:
            raise unwritable(file, error) from error

    def misnamed(self, attempts: Iterable[Attempt]) -> Collection[str]:
        """Paths on record whose files live elsewhere under another name: a run was killed before it renamed them."""
        return ()

    def catch_up(self, attempts: Iterable[Attempt]) -> None:
        """Bring what lives elsewhere up to the records: what is only here, what was renamed.

        Only under the folder's lock. Raises DiskFull, OutputFolderError.
        """

    def manifest(self) -> dict[str, Any] | None:
        """The manifest that another machine has put where the files live; None where there is none, or the one here.

        Raises OutputFolderError.
        """
        return None

    def publish(self) -> None:
        """Put the manifest where the files live. Only under the folder's lock. Raises ObjectStoreError."""


class StoreHome(FolderHome):
    """Files that live in an object store; the folder holds those that were made or needed here.

    What is in the store is listed once and followed from there: nobody else writes below a storyboard's id meanwhile,
    and who does so anyway is never overwritten.
    """

    def __init__(self, folder: Path, store: ObjectStore, name: str) -> None:
        """``name`` is the storyboard's id."""
        super().__init__(folder)
        self._store = store
        self._name = name
        self._lock = threading.Lock()
        self._listed: dict[str, int] | None = None

    @property
    def where(self) -> str:
        return f"{self._store.url}/{self._name}"

    def objects(self) -> Mapping[str, int]:
        found = dict(self._sizes)
        found.pop(MANIFEST, None)
        return found

    def trouble(self, output: Output) -> str | None:
        size = self._sizes.get(output.path)
        here = None if size == output.bytes else super().trouble(output)
        return here if here is None or size is None else self._other(output.path)

    def verify(self, path: str, size: int, sha256: str, *, thorough: bool = False) -> str | None:
        found = self._sizes.get(path)
        if found is None:
            here = super().verify(path, size, sha256)
            return here or f"is here, but not in {self.where}; the next run puts it there"
        if found != size:
            return f"{CHANGED}: {found} bytes instead of {size}"
        if thorough and self._store.sha256(self._key(path), read=True) != sha256:
            return f"{CHANGED}: another sha256"
        return None

    def fetched(self, output: Output) -> str | None:
        trouble = super().fetched(output)
        if trouble is None or self._sizes.get(output.path) != output.bytes:
            return trouble
        return self._fetch(output.path, output)

    def secure(self, file: Path, output: Output, owned: Collection[str]) -> str:
        stem, dot, suffix = output.path.rpartition(".")
        further = (f"{stem}_{number}{dot}{suffix}" for number in count(2))
        for path in chain([output.path], (one for one in further if one not in owned)):
            if self._put(file, path, output):
                return path
        raise AssertionError("names don't end")

    def remove(self, path: str) -> None:
        super().remove(path)
        if path in self._sizes:
            self._delete(path)

    def misnamed(self, attempts: Iterable[Attempt]) -> Collection[str]:
        return [file.path for file, _ in self._misnamed([*attempts])]

    def catch_up(self, attempts: Iterable[Attempt]) -> None:
        attempts = [*attempts]
        awaited = (one for one in _files(attempts) if self._sizes.get(one.path) != one.bytes)
        only_here = [one for one in awaited if FolderHome.trouble(self, one) is None]
        at_once(self._put_by_record, only_here)
        for one, path in self._misnamed(attempts):
            if self._fetch(path, one) is None:
                self._put_by_record(one)
        self._drop_old_names(attempts)

    def manifest(self) -> dict[str, Any] | None:
        if MANIFEST not in self._sizes:
            return None
        here = self.folder / MANIFEST
        with TemporaryDirectory(prefix="rivya-run-") as place:
            there = Path(place) / MANIFEST
            digest = self._store.read(self._key(MANIFEST), there)
            if digest is None or (here.is_file() and sha256_of(here) == digest):
                return None
            try:
                return manifest_at(there)
            except OutputFolderError as error:
                message = error.message.replace(str(there), f"{self.where}/{MANIFEST}")
                raise type(error)(message, hint=error.hint) from error

    def publish(self) -> None:
        if (self.folder / MANIFEST).is_file():
            self._store.replace(self._key(MANIFEST), self.folder / MANIFEST)

    @property
    def _sizes(self) -> dict[str, int]:
        with self._lock:
            if self._listed is None:
                start = len(self._name) + 1
                self._listed = {key[start:]: size for key, size in self._store.sizes(self._name).items()}
            return self._listed

    def _key(self, path: str) -> str:
        return f"{self._name}/{path}"

    def _other(self, path: str) -> str:
        return f"{CHANGED} in {self.where}"

    def _put_by_record(self, file: Output) -> None:
        put = self._put(within(self.folder, file.path), file.path, file)
        if not put and clip_of_still(file.path) is None:  # a still can be taken out again
            raise ObjectStoreError(
                f"{self.where}/{file.path}: something else is under this name, and stays there",
                hint="move it away and run again: what was paid for is put there then",
            )

    def _put(self, file: Path, path: str, output: Output) -> bool:
        """Whether the object of that path is the file of an output, put there now or before."""
        size = self._sizes.get(path)
        if size is None and self._store.create(self._key(path), file, output.sha256, output.mime_type):
            self._sizes[path] = output.bytes
            return True
        if size not in (None, output.bytes):
            return False
        # The answer to an earlier try may have been lost, or a run was killed before it put the file on record.
        sha256 = self._store.sha256(self._key(path))
        if sha256 is None:
            raise ObjectStoreError(f"{self.where}/{path}: can't be put there, though nothing has this name")
        if sha256 == output.sha256:
            self._sizes[path] = output.bytes
        return sha256 == output.sha256

    def _fetch(self, path: str, file: Output) -> str | None:
        """Bring an object under the name of a file; why that isn't what was paid for, or None."""
        target = within(self.folder, file.path)
        try:
            with replacing(target, durable=False) as temporary:
                digest = self._store.read(self._key(path), temporary)
                if digest != file.sha256:
                    raise _NotTheSame(MISSING if digest is None else self._other(path))
                if file.mtime_ns is not None:  # by which it is known again without being read
                    os.utime(temporary, ns=(file.mtime_ns, file.mtime_ns))
                if os.path.lexists(target) and FolderHome.trouble(self, file) is not None:
                    target.rename(name_for_changed(target))
        except _NotTheSame as error:
            return str(error)
        return None

    def _delete(self, path: str) -> None:
        self._store.delete(self._key(path))
        del self._sizes[path]

    def _strays(self, attempts: Iterable[Attempt]) -> dict[int, list[str]]:
        """Objects that no record names, by their size."""
        owned = {path for attempt in attempts for path in owned_paths(attempt)}
        found = defaultdict(list)
        for path, size in self.objects().items():
            if path not in owned:
                found[size].append(path)
        return found

    def _misnamed(self, attempts: Iterable[Attempt]) -> Iterator[tuple[Output, str]]:
        """Files of a renamed shot that are in the store under the name of before, which no record has any more."""
        lost = [one for one in _files(attempts) if one.path not in self._sizes]
        strays = self._strays(attempts) if lost else {}
        for one in lost:
            for path in strays.get(one.bytes, ()):
                if self._store.sha256(self._key(path)) == one.sha256:
                    yield one, path
                    break

    def _drop_old_names(self, attempts: Iterable[Attempt]) -> None:
        """Remove what is under the name that a file had before its shot was renamed, and under its new one too."""
        files: dict[str, set[str]] = defaultdict(set)
        for attempt in attempts:
            for one in _files([attempt]):
                if self._sizes.get(one.path) == one.bytes:
                    files[without_take(one.path, (attempt.shot, attempt.take))].add(one.sha256)
        for path in [one for paths in self._strays(attempts).values() for one in paths]:
            called = take_of(PurePosixPath(clip_of_still(path) or path.rpartition(".")[0]).name)
            sums = files.get(without_take(path, called)) if called is not None else None
            if sums and self._store.sha256(self._key(path)) in sums:
                self._delete(path)


def at_once(work: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """What came of each item, in their order, a few at a time. The first error is raised, and ends the rest."""
    pool = ThreadPoolExecutor(_AT_ONCE)
    try:
        return list(pool.map(work, items))
    finally:
        pool.shutdown(cancel_futures=True)


class _NotTheSame(Exception):
    pass


def _files(attempts: Iterable[Attempt]) -> Iterator[Output]:
    """All that is to be kept: outputs that nobody removed, and stills."""
    for attempt in attempts:
        for output in attempt.outputs:
            if not output.removed:
                yield output
            yield from stills(output)


def home_of(folder: Path, outputs: Outputs, *, simulate: bool) -> FolderHome:
    """Where the files of an output folder live, by what ``--outputs`` says. What is simulated stays in the folder.

    Raises UsageError or ObjectStoreError; the store isn't asked yet.
    """
    if simulate or not isinstance(outputs, str):
        return FolderHome(folder)
    from rivya_run.project.object_store import ObjectStore, checked_url

    try:
        store = ObjectStore(checked_url(outputs))
    except ValueError as error:
        raise UsageError(f"outputs: '{visible(outputs)}' {error}") from error
    return StoreHome(folder, store, folder.name)
