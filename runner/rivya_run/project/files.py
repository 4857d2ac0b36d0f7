"""Files that a storyboard names: where they are, what they are, and why they can't be used. Nothing here hangs."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import posixpath
import stat
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rivya_run.media.types import HEAD_BYTES, recognise
from rivya_run.storyboard.includes import IncludedFile
from rivya_run.storyboard.model import FileFacts, FileTrouble
from rivya_run.suggest import did_you_mean
from rivya_run.text import shortened
from rivya_run.yaml12.source import MAX_BYTES

_BLOCK: Final = 1024 * 1024  # bytes read at once: more is no faster
_SHOWN: Final = 120  # characters of a path in a message
_ESCAPED: Final = frozenset("\0\a\b\t\n\v\f\r\x1b\x85\xa0\u2028\u2029")
"""What YAML makes of a backslash and a letter in double quotes; hardly a part of any file's name."""

_MAX_NEIGHBOURS: Final = 2000  # names that are compared for a suggestion; a folder may hold a million


def look_at(
    path_as_written: str, *, folder: Path, root: Path, allow_outside: bool = False
) -> FileFacts | FileTrouble:
    """What there is at a path relative to ``folder``. Never hangs on pipes or devices, never raises.

    A file outside ``root`` (links resolved) is trouble unless ``allow_outside``. The content is read once, in
    blocks, for its sha256.
    """
    found = OwnFiles(folder, root, allow_outside).found(path_as_written)
    if isinstance(found, FileTrouble):
        return found
    try:
        return _read(found, path_as_written)
    except (OSError, ValueError) as error:
        return _trouble(error, path_as_written, folder)


@dataclass(frozen=True, slots=True)
class OwnFiles:
    """Where people's own files are looked for: paths start from ``folder``, and lead nowhere outside ``root``."""

    folder: Path
    root: Path
    allow_outside: bool = False

    def found(self, written: str) -> Path | FileTrouble:
        """The real place of a file, which isn't read, or why there is none. Never raises."""
        try:
            real = _resolved(written, self.folder)
            if not self.allow_outside and not real.is_relative_to(self.root.resolve()):
                message = f"'{_shown(written)}' leads outside the project root; --allow-outside permits it"
                return FileTrouble(written, "outside", message)
            mode = real.stat().st_mode
            if not stat.S_ISREG(mode):
                message = f"'{_shown(written)}' is {_other_than_file(mode)}, not a file"
                return FileTrouble(written, "not-a-file", message)
            return real
        except (OSError, ValueError, RuntimeError) as error:
            return _trouble(error, written, self.folder)


def _shown(path: str) -> str:
    return shortened(path, _SHOWN)


def _resolved(path: str, folder: Path) -> Path:
    """The real place of a path; ``\\`` separates folders too, unless a file's name holds one."""
    real = (folder / path).resolve()
    if "\\" in path and os.sep == "/" and not real.exists():
        path = path.replace("\\", "/")
        real = (folder / path).resolve()
    if not path.isascii() and not real.exists():
        return _otherwise_composed(path, folder).resolve()
    return real


def _otherwise_composed(path: str, folder: Path) -> Path:
    """The path with each name as it is on disk, where that has the same letters in Unicode's other form.

    macOS and its archives take letters apart (e and accent), people and other systems write them as one.
    """
    found = folder
    for part in Path(path).parts:
        here = found / part
        if not part.isascii() and not here.exists():
            with suppress(OSError), os.scandir(found) as entries:
                alike = (one.name for one in entries if _composed(one.name) == _composed(part))
                here = found / next(alike, part)
        found = here
    return found


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


@contextmanager
def _regular(real: Path) -> Iterator[tuple[io.FileIO, os.stat_result]]:
    """A file to read, with its facts; opening never hangs. Raises OSError for what is no regular file by now."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(real, flags | getattr(os, "O_CLOEXEC", 0))
    with io.FileIO(descriptor) as file:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):  # exchanged since it was looked at
            raise OSError(errno.EINVAL, "it is not a file")
        yield file, facts


def _read(real: Path, written: str) -> FileFacts | FileTrouble:
    with _regular(real) as (file, facts):
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
    if _ESCAPED.intersection(written):
        message = f"there is no file '{shown}': in double quotes a backslash begins an escape; "
        code = "missing-file" if isinstance(error, FileNotFoundError) else "unreadable"
        return FileTrouble(written, code, f"{message}write '/' for it, or no quotes, or single ones")
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        message = f"there is no file '{shown}'{_neighbour(written, folder)}"
        return FileTrouble(written, "missing-file", message)
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


def shown_name(path: Path) -> str:
    """A file in problems: as the person wrote it, on every system with forward slashes where it can be."""
    return path.as_posix() if "\\" not in str(path) else str(path)


class Includer:
    """Reads the files that a storyboard includes. ``facts`` are those of the ones that are there, by their path from
    the storyboard's folder; ``asked`` are all such paths."""

    def __init__(self, storyboard: Path, own: OwnFiles) -> None:
        self._storyboard = storyboard
        self._own = own
        self.facts: dict[str, FileFacts] = {}
        self.asked: list[str] = []

    def __call__(self, path: str) -> IncludedFile | FileTrouble:
        self.asked.append(path)
        found = self._own.found(path)
        if isinstance(found, FileTrouble):
            return found
        try:
            with _regular(found) as (file, facts):
                content = file.read(MAX_BYTES + 1)
        except OSError as error:
            return _trouble(error, path, self._own.folder)
        plain = posixpath.normpath(path)
        path = plain if self._own.found(plain) == found else path  # not so where a link lies on the way
        digest = hashlib.sha256(content).hexdigest()
        self.facts.setdefault(
            path, FileFacts(str(found), digest, len(content), facts.st_mtime_ns, None, None)
        )
        name = Path(os.path.normpath(self._storyboard.parent / path))
        same = name.exists() and name.samefile(found)
        return IncludedFile(
            content, path, shown_name(name if same else self._storyboard.parent / path), str(found)
        )
