"""Opens a storyboard for a command: its bytes, its project, its tables, its reference files, all problems."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from rivya_run.errors import Problem, Severity, StoryboardError, UsageError
from rivya_run.media.types import HEAD_BYTES, recognise
from rivya_run.models.catalog import PROJECT_FOLDER, Catalog, load_catalog
from rivya_run.project.places import project_root
from rivya_run.storyboard.fits import files_of_fits, judge_fits
from rivya_run.storyboard.model import FileFacts, FileReference, FileTrouble, Shot, Sound, Storyboard
from rivya_run.storyboard.problems import below, has_errors, made_strict, summary
from rivya_run.storyboard.reader import read_storyboard
from rivya_run.storyboard.references import judge_references
from rivya_run.suggest import did_you_mean
from rivya_run.text import shortened, visible
from rivya_run.yaml12.nodes import Mapping, Scalar
from rivya_run.yaml12.reading import parse
from rivya_run.yaml12.source import MAX_BYTES, decode

ENDINGS: Final = (".yaml", ".yml", ".json")
_SHOTS: Final = re.compile(rb"""(?m)^["']?shots["']?[ \t]*:""")
_BLOCK: Final = 1024 * 1024  # bytes read at once: more is no faster
_SHOWN: Final = 120  # characters of a path in a message
_MOST_MEASURED: Final = (
    1024**3
)  # bytes of a sound that is measured: days of MP3, hours of WAV; more would look hung
_MAX_NEIGHBOURS: Final = 2000  # names that are compared for a suggestion; a folder may hold a million


@dataclass(frozen=True, slots=True)
class Opened:
    """A storyboard file with everything a command needs to know of it.

    ``storyboard`` is None when there is any error (``--strict`` makes advice errors); ``facts`` holds what
    there is at each reference path, by the path as written; ``root`` is the project root.
    """

    path: Path
    storyboard: Storyboard | None
    problems: tuple[Problem, ...]
    facts: dict[str, FileFacts]
    root: Path
    catalog: Catalog

    def needed(self) -> Storyboard:
        """The storyboard; raises StoryboardError with all problems when there is none."""
        if self.storyboard is None:
            message = f"{visible(str(self.path))}: {summary(self.problems)}; nothing was done"
            raise StoryboardError(message, self.problems)
        return self.storyboard


def open_storyboard(
    path: Path,
    *,
    allow_outside: bool = False,
    strict: bool = False,
    catalog: Catalog | None = None,
    root: Path | None = None,
) -> Opened:
    """Read a storyboard file and look at each of its reference files once.

    Problems are values. Raises UsageError where there is no such file or it can't be read, StoryboardError
    where the project's own parameter tables have problems.
    """
    content = read_file(path)
    root = root if root is not None else project_root(path)
    catalog = catalog if catalog is not None else load_catalog(root / PROJECT_FOLDER)
    file = path.as_posix() if "\\" not in str(path) else str(path)
    reading = read_storyboard(content, path=file, catalog=catalog)
    problems = list(reading.problems)
    looked: dict[str, FileFacts | FileTrouble] = {}
    if reading.draft is not None:
        looked = _look_at_references(reading.draft, path, root, allow_outside)
        _measure_sounds(reading.draft, path.parent, root, looked, allow_outside)
        troubles = judge_references(reading.draft, catalog, looked, file)
        troubles += judge_fits(reading.draft, catalog, looked, file)
        own = OwnFiles(path.parent, root, allow_outside)
        troubles += _absent_from_film(reading.draft, own, looked, file)
        if troubles:
            source, _ = decode(content, file)
            problems += [replace(trouble, source=source.line(trouble.line)) for trouble in troubles]
            problems.sort(key=lambda problem: (problem.line, problem.column))
    if strict:
        problems = made_strict(problems)
    return Opened(
        path,
        None if has_errors(problems) else reading.storyboard,
        tuple(problems),
        {name: found for name, found in looked.items() if isinstance(found, FileFacts)},
        root,
        catalog,
    )


def _look_at_references(
    storyboard: Storyboard, path: Path, root: Path, allow_outside: bool
) -> dict[str, FileFacts | FileTrouble]:
    looked: dict[str, FileFacts | FileTrouble] = {}
    for shot in storyboard.shots:
        for reference in shot.references:
            if isinstance(reference, FileReference) and reference.path not in looked:
                looked[reference.path] = look_at(
                    reference.path, folder=path.parent, root=root, allow_outside=allow_outside
                )
    return looked


def _measure_sounds(
    storyboard: Storyboard,
    folder: Path,
    root: Path,
    looked: dict[str, FileFacts | FileTrouble],
    allow_outside: bool,
) -> None:
    """Look at the files whose length a parameter follows, and measure them."""
    for path in dict.fromkeys(path for *_, path in files_of_fits(storyboard)):
        found = looked.get(path) or look_at(path, folder=folder, root=root, allow_outside=allow_outside)
        if isinstance(found, FileFacts) and found.kind != "image" and found.bytes <= _MOST_MEASURED:
            from rivya_run.media.facts import sound_seconds  # loads FFmpeg, which few storyboards need

            found = replace(found, seconds=sound_seconds(Path(found.path)))
        looked[path] = found


def _absent_from_film(
    storyboard: Storyboard, own: OwnFiles, looked: Collection[str], file: str
) -> Iterator[Problem]:
    """Advice for files that only the film needs, and that aren't there or aren't to be used."""
    named: list[tuple[Shot | Sound, str | None]] = [(shot, shot.file) for shot in storyboard.shots]
    named += [(sound, sound.file) for sound in storyboard.film.sounds]
    for one, written in named:
        found = own.found(written) if written is not None and written not in looked else None
        if isinstance(found, FileTrouble):
            message = f"{found.message}; the film is made without it"
            where = below(one.where, "file")
            code = "missing-film-file" if found.code == "missing-file" else found.code
            yield Problem(file, one.line, one.column, Severity.ADVICE, where, message, code)


def reference_paths(path: Path) -> list[Path]:
    """The files that a storyboard file names, there or not, as far as it can be read.

    Raises UsageError where there is no such storyboard, StoryboardError for problems of the project's tables.
    """
    catalog = load_catalog(project_root(path) / PROJECT_FOLDER)
    draft = read_storyboard(read_file(path), path=path.as_posix(), catalog=catalog).draft
    if draft is None:
        return []
    references = [one for shot in draft.shots for one in shot.references if isinstance(one, FileReference)]
    own = [shot.file for shot in draft.shots if shot.file is not None]
    sounds = [sound.file for sound in draft.film.sounds]
    return [path.parent / one for one in (*(reference.path for reference in references), *own, *sounds)]


def read_file(path: Path) -> bytes:
    """The bytes of a storyboard file, at most a little more than may be read of one."""
    try:
        if path.exists() and not path.is_file():
            raise UsageError(f"'{visible(str(path))}' is not a file")
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        hint = did_you_mean(path.name, [found.name for found in storyboards_in(path.parent)])
        raise UsageError(f"there is no storyboard '{visible(str(path))}'{hint}") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"'{visible(str(path))}' can't be read: {visible(reason)}") from None


def storyboards_in(folder: Path) -> list[Path]:
    """The files of a folder that may be storyboards, sorted by name; empty where there is no folder."""
    try:
        return sorted(
            found
            for found in folder.iterdir()
            if found.suffix.lower() in ENDINGS and not found.name.startswith(".") and found.is_file()
        )
    except (OSError, ValueError):
        return []


def storyboard_files(named: Sequence[Path]) -> list[Path]:
    """The files that STORYBOARD... means: a folder is every storyboard in it, not those further down.

    In a folder a file counts when it has ``shots`` at the top. Raises UsageError where there is none.
    """
    files: list[Path] = []
    for path in named:
        if not path.is_dir():
            files.append(path)
            continue
        found = [file for file in storyboards_in(path) if has_shots(file)]
        if not found:
            raise UsageError(
                f"there is no storyboard in the folder '{visible(str(path))}'",
                hint="rivya-run init makes one to start from",
            )
        files += found
    return list(dict.fromkeys(files))


def has_shots(file: Path) -> bool:
    """Whether a file has ``shots`` at the top, or is broken and may have. Raises UsageError: it can't be read."""
    content = read_file(file)
    if b"shots" not in content:
        return False
    if _SHOTS.search(content) is not None:
        return True
    root = parse(content, file.as_posix()).root
    return root is None or (isinstance(root, Mapping) and "shots" in root.entries)


def storyboard_id_of(path: Path) -> str | None:
    """The id that a storyboard file claims, its other problems aside; None where it can't be told.

    Raises UsageError where there is no such file or it can't be read.
    """
    root = parse(read_file(path), path.as_posix()).root
    if not isinstance(root, Mapping):
        return None
    named = root.get("id")
    return named.text if isinstance(named, Scalar) else path.stem


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
