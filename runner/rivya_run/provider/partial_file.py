"""The unfinished file of a download: appended to, hashed on the way, resumable by the next run.

Beside ``x.part`` stands ``x.part.json`` as long as more is to come: with what the server needs to go on (ETag or
date, length), where it has a name for it, and how many bytes came with which checksum: after a power cut a part may
hold anything. Where it doesn't fit, the download starts over. What was there is set aside until the new one
is complete: a URL may have worked for the last time. All of it blocks: call it in a worker thread.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from io import FileIO
from pathlib import Path

from rivya_run.durable import sync, unwritable
from rivya_run.media.types import HEAD_BYTES, recognise

PART = ".part"
"""The ending of a file that is still arriving."""


KEPT = ".kept"
"""What is added to the name of a part that came as a whole and yet may be none, until a better one has come."""


CUT = ".cut"
"""Added to the name of a broken-off download that the server could not resume: it is set aside."""


_BLOCK = 1024 * 1024  # bytes hashed at once: more is no faster
_NOTE_EVERY = 4 * 1024 * 1024  # bytes that may come before the note tells of them: a kill has them sent again


@dataclass(frozen=True, slots=True)
class Version:
    """What a server calls the bytes it sends: ``validator`` for If-Range, ``length`` of the whole."""

    validator: str
    length: int


@dataclass(frozen=True, slots=True)
class _Note:
    """What is known of a part on disk: its version, and the checksum of its first ``size`` bytes."""

    version: Version
    size: int
    sha256: str


class PartialFile:
    """A ``.part`` file of which ``size`` bytes are there and hashed: empty and new, unless it is reopened.

    Raises DiskFull or OutputFolderError.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self.finished = False
        self.version: Version | None = None
        self.sha256 = hashlib.sha256()
        self._length: int | None = None
        self._ends = False
        self._noted = 0
        self._file: FileIO | None = None

    @property
    def _note_path(self) -> Path:
        return _note_path(self.path)

    @property
    def _new_note_path(self) -> Path:
        return self.path.with_name(self.path.name + ".json.new")

    @property
    def _cut_path(self) -> Path:
        return self.path.with_name(self.path.name + CUT)

    @property
    def _kept_path(self) -> Path:
        return self.path.with_name(self.path.name + KEPT)

    @property
    def left_over(self) -> bool:
        return self.path.exists()

    def reopen(self) -> None:
        """Take up what an earlier run left, if it can be gone on with; else nothing of it counts.

        Nothing is cut off: the last bytes that came may be the last that ever come.
        """
        note = _read_note(self._note_path)
        self.version = note.version if note is not None else None
        try:
            self._file = self.path.open("r+b" if self.path.exists() else "w+b", buffering=0)
            if note is not None and not self._holds(self._file, note):
                self.forget()
            self._noted = self.size
            self._file.seek(self.size)
        except OSError as error:
            raise unwritable(self.path, error) from error

    def _holds(self, file: FileIO, note: _Note) -> bool:
        """Hash what the note tells of; whether it is what came."""
        # Of a complete one the last byte is asked for again: the server must still mean these bytes.
        kept = min(note.size, note.version.length - 1)
        self._hash(file, kept)
        seal = self.sha256.copy()
        seal.update(file.read(note.size - kept))
        return seal.hexdigest() == note.sha256

    def _hash(self, file: FileIO, size: int) -> None:
        self.sha256, self.size = hashlib.sha256(), 0
        block = bytearray(min(size, _BLOCK))
        view = memoryview(block)
        while self.size < size:
            count = file.readinto(view[: size - self.size])
            if not count:
                break
            self.sha256.update(view[:count])
            self.size += count

    def forget(self) -> None:
        """Go on with nothing: what is there stays until something else comes."""
        self.version = None
        self.sha256, self.size = hashlib.sha256(), 0

    def restart(self, version: Version | None, *, length: int | None = None, ends: bool = False) -> None:
        """Set aside what is there; ``version`` names what comes next, where the server has a name for it.

        ``length``: how long that is as a whole, where it is known. ``ends``: the next piece is all of it.
        """
        self.forget()
        self.version, self._length, self._ends = version, length, ends
        try:
            if self._file is not None:
                self._file.close()
                self._file = None
                aside = self._cut_path if broke_off(self.path) else self._kept_path
                keep_better(self.path, aside)
                self._drop_note()
            if not ends:  # before the first byte: many a sound can be played as far as it came
                self._write_note(version)
        except OSError as error:
            raise unwritable(self.path, error) from error

    def append(self, content: bytes) -> None:
        try:
            self._write(self._opened(), memoryview(content))
            if not self._ends and self.size - self._noted >= _NOTE_EVERY:
                self._write_note(self.version)
        except OSError as error:
            raise unwritable(self.path, error) from error

    def _write(self, file: FileIO, view: memoryview) -> None:
        while view:
            count = file.write(view)
            self.sha256.update(view[:count])
            self.size += count
            view = view[count:]

    def _write_note(self, version: Version | None) -> None:
        """Whole or not at all for a process that is killed; what a power cut makes of it, its checksum tells."""
        named = asdict(version) if version is not None else {"length": self._length}
        note = {**named, "size": self.size, "sha256": self.sha256.hexdigest()}
        self._new_note_path.write_text(json.dumps(note), "utf-8")
        self._new_note_path.replace(self._note_path)
        self._noted = self.size

    def _drop_note(self) -> None:
        self._note_path.unlink(missing_ok=True)
        self._new_note_path.unlink(missing_ok=True)

    def finish(self) -> None:
        """All of it is there: make it durable and drop the note."""
        try:
            file = self._opened()
            file.truncate(self.size)
            sync(file.fileno())
            self._shut()
            self._drop_note()
            drop_worse(self._cut_path, self.path)
        except OSError as error:
            raise unwritable(self.path, error) from error
        self.finished = True

    def close(self) -> None:
        """Close the file; what is there stays for the next run, unless it is empty."""
        if self._file is None:
            return
        with suppress(OSError):
            if not self._ends and self.size > self._noted:
                self._write_note(self.version)
        self._shut()
        with suppress(OSError):
            if not self.path.stat().st_size:
                self.drop()

    def _shut(self) -> None:
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
        self._file = None

    def drop(self) -> None:
        self._shut()
        with suppress(OSError):
            self._drop_note()  # first: a note alone would be taken for one of the next part
            self.path.unlink(missing_ok=True)

    def _opened(self) -> FileIO:
        if self.finished:
            raise ValueError("the part is finished")
        if self._file is None:
            self._file = self.path.open("w+b", buffering=0)
        return self._file


def broke_off(part: Path) -> bool:
    """Whether more of a download was to come, as far as is known of it. Raises OSError.

    A run may be killed after the last byte and before the note tells of it: then the part is as long as it was to be.
    """
    try:
        note = json.loads(_note_path(part).read_bytes()[:10_000])
        length, size, sha256 = note["length"], note["size"], note["sha256"]
    except FileNotFoundError:
        return False
    except (ValueError, KeyError, TypeError, RecursionError):
        return True
    if not isinstance(size, int) or not length or part.stat().st_size != length:
        return True
    with part.open("rb") as file:  # what a power cut left of the bytes that the note tells of is none of them
        return bool(hashlib.sha256(file.read(size)).hexdigest() != sha256)


def _note_path(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _read_note(path: Path) -> _Note | None:
    try:
        found = json.loads(path.read_bytes()[:10_000])
        validator, length = found["validator"], found["length"]
        size, sha256 = found["size"], found["sha256"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    if not isinstance(validator, str) or not isinstance(length, int) or not 0 < length < 1 << 53:
        return None
    if not isinstance(sha256, str) or not isinstance(size, int) or not 0 < size <= length:
        return None
    named = validator.isascii() and validator.isprintable()
    return _Note(Version(validator, length), size, sha256) if named else None


def keep_better(new: Path, kept: Path) -> None:
    """Put ``new`` in the place of ``kept``, unless that is worth more: then ``new`` goes. Raises OSError."""
    if _worth(new) >= _worth(kept):
        new.replace(kept)
    else:
        new.unlink()


def drop_worse(old: Path, than: Path) -> None:
    """Remove ``old`` unless it is worth more than what has come since. Raises OSError."""
    if old.exists() and _worth(than) >= _worth(old):
        old.unlink()


def _worth(path: Path) -> tuple[bool, int]:
    """What a file is worth that may not be whole: media before anything else, then the more of it."""
    try:
        with path.open("rb") as file:
            return recognise(file.read(HEAD_BYTES)) is not None, os.fstat(file.fileno()).st_size
    except FileNotFoundError:
        return False, -1
