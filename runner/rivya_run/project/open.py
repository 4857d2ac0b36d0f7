"""Opens a storyboard for a command: its bytes, its project, its tables, its reference files, all problems."""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from rivya_run.errors import Problem, RivyaError, Severity, StoryboardError, UsageError
from rivya_run.models.catalog import PROJECT_FOLDER, Catalog, load_catalog
from rivya_run.project.files import Includer, OwnFiles, look_at, shown_name
from rivya_run.project.places import project_root
from rivya_run.storyboard.fits import files_of_fits, judge_fits
from rivya_run.storyboard.model import (
    BoardReference,
    FileFacts,
    FileReference,
    FileTrouble,
    Shot,
    Sound,
    Storyboard,
)
from rivya_run.storyboard.problems import below, has_errors, made_strict, summary
from rivya_run.storyboard.quiet import heard
from rivya_run.storyboard.ratios import ratio_matters
from rivya_run.storyboard.reader import read_storyboard
from rivya_run.storyboard.references import judge_references
from rivya_run.storyboard.sources import Sources
from rivya_run.suggest import suggest
from rivya_run.text import visible
from rivya_run.yaml12.nodes import Mapping as MappingNode
from rivya_run.yaml12.nodes import Scalar
from rivya_run.yaml12.reading import parse
from rivya_run.yaml12.source import MAX_BYTES

ENDINGS: Final = (".yaml", ".yml", ".json")
_SHOTS: Final = re.compile(rb"""(?m)^["']?shots["']?[ \t]*:""")
_MOST_MEASURED: Final = (
    1024**3
)  # bytes of a sound that is measured: days of MP3, hours of WAV; more would look hung


@dataclass(frozen=True, slots=True)
class Opened:
    """A storyboard file with everything a command needs to know of it.

    ``storyboard`` is None when there is any error (``--strict`` makes advice errors); ``facts`` holds what
    there is at each reference path, by the path as written; ``root`` is the project root; ``included`` are the files
    that it includes, by their path from its folder. ``draft`` is what could be read of it, ``sources`` its texts.
    """

    path: Path
    storyboard: Storyboard | None
    problems: tuple[Problem, ...]
    facts: dict[str, FileFacts]
    root: Path
    catalog: Catalog
    included: Mapping[str, FileFacts]
    draft: Storyboard | None
    sources: Sources

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
    content: bytes | None = None,
) -> Opened:
    """Read a storyboard file and look at each of its reference files once. With ``content`` it is read as if the
    file held that.

    Problems are values. Raises UsageError where there is no such file or it can't be read, StoryboardError
    where the project's own parameter tables have problems.
    """
    content = content if content is not None else read_file(path)
    root = root if root is not None else project_root(path)
    catalog = catalog if catalog is not None else load_catalog(root / PROJECT_FOLDER)
    own = OwnFiles(path.parent, root, allow_outside)
    include = Includer(path, own)
    reading = read_storyboard(content, path=shown_name(path), catalog=catalog, include=include)
    problems = list(reading.problems)
    looked: dict[str, FileFacts | FileTrouble] = {}
    if reading.draft is not None:
        looked = _look_at_references(reading.draft, path, root, allow_outside)
        _measure_sounds(reading.draft, path.parent, root, looked, allow_outside)
        _measure_pictures(reading.draft, catalog, looked)
        problems += judge_references(reading.draft, catalog, looked, reading.sources)
        problems += judge_fits(reading.draft, catalog, looked, reading.sources)
        problems += dict.fromkeys(_absent_from_film(reading.draft, own, looked, reading.sources))
        problems = heard(problems, reading.draft.quiet)
    if strict:
        problems = made_strict(problems)
    return Opened(
        path,
        None if has_errors(problems) else reading.storyboard,
        reading.sources.in_order(problems),
        {name: found for name, found in looked.items() if isinstance(found, FileFacts)},
        root,
        catalog,
        include.facts,
        reading.draft,
        reading.sources,
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


def _measure_pictures(
    storyboard: Storyboard, catalog: Catalog, looked: dict[str, FileFacts | FileTrouble]
) -> None:
    """Measure the pictures beside which a ratio is asked for that their shape may win over."""
    beside = [
        shot for shot in storyboard.made if (table := catalog.get(shot.model)) and ratio_matters(shot, table)
    ]
    named = [one for shot in beside for one in shot.references if isinstance(one, FileReference)]
    for path in dict.fromkeys(one.path for one in named if one.frame is None):
        found = looked.get(path)
        if isinstance(found, FileFacts) and found.kind == "image":
            from rivya_run.media.stills import picture_size  # loads Pillow

            looked[path] = replace(found, size=picture_size(Path(found.path)))


def _absent_from_film(
    storyboard: Storyboard, own: OwnFiles, looked: Collection[str], sources: Sources
) -> Iterator[Problem]:
    """Advice for files that only the film needs, and that aren't there or aren't to be used."""
    named: list[tuple[Shot | Sound, str | None]] = [(shot, shot.file) for shot in storyboard.shots]
    named += [(sound, sound.file) for sound in storyboard.sounds]
    for one, written in named:
        found = own.found(written) if written is not None and written not in looked else None
        if isinstance(found, FileTrouble):
            message = f"{found.message}; the film is made without it"
            where = below(one.where, "file")
            code = "missing-film-file" if found.code == "missing-file" else found.code
            yield sources.problem(one.line, one.column, message, code, where=where, severity=Severity.ADVICE)


def draft_of(path: Path, include: Includer | None = None) -> Storyboard | None:
    """A storyboard file as far as it can be read, whatever its problems. No other file is looked at.

    Raises UsageError where there is no such storyboard, StoryboardError for problems of the project's tables.
    """
    root = project_root(path)
    include = include or Includer(path, OwnFiles(path.parent, root, allow_outside=True))
    catalog = load_catalog(root / PROJECT_FOLDER)
    return read_storyboard(read_file(path), path=shown_name(path), catalog=catalog, include=include).draft


def reference_paths(path: Path) -> list[Path]:
    """The files that a storyboard file names, those it includes too, there or not, as far as it can be read.

    Raises UsageError where there is no such storyboard, StoryboardError for problems of the project's tables.
    """
    include = Includer(path, OwnFiles(path.parent, project_root(path), allow_outside=True))
    draft = draft_of(path, include)
    included = [path.parent / one for one in include.asked]
    if draft is None:
        return included
    references = [one for shot in draft.shots for one in shot.references if isinstance(one, FileReference)]
    own = [shot.file for shot in draft.shots if shot.file is not None]
    sounds = [sound.file for sound in draft.sounds]
    others = [
        one.storyboard for shot in draft.shots for one in shot.references if isinstance(one, BoardReference)
    ]
    named = (*(reference.path for reference in references), *others, *own, *sounds)
    return [*included, *(path.parent / one for one in named)]


def made_of(storyboard: Path) -> list[Path]:
    """The storyboard, the files that it names, there or not, and its project's tables, as absolute paths."""
    found = [storyboard.absolute()]
    tables = project_root(storyboard) / PROJECT_FOLDER
    found += sorted(tables.absolute().glob("*.yaml")) if tables.is_dir() else []
    with suppress(RivyaError):
        found += [path.absolute() for path in reference_paths(storyboard)]
    return found


STANDARD_INPUT: Final = Path("-")
"""Stands for a storyboard that comes through a pipe: it lies in the current folder, and has no name."""

_PIPES: Final = re.compile(r"-|/dev/stdin|(/dev|/proc/self)/fd/[0-9]+")
"""Standard input, and what shells make of ``<(command)``; a pipe that has a name may have nobody at its other end."""


def piped(path: Path) -> bytes | None:
    """What comes through a pipe, read once; None where the path is a file's."""
    if _PIPES.fullmatch(str(path)) is None or (path != STANDARD_INPUT and path.is_file()):
        return None
    try:
        if path != STANDARD_INPUT:
            with path.open("rb") as pipe:
                return pipe.read(MAX_BYTES + 1)
        return sys.stdin.buffer.read(MAX_BYTES + 1) if sys.stdin is not None else b""
    except (OSError, ValueError) as error:
        raise UsageError(f"'{path}' can't be read: {visible(str(error))}") from None


def read_file(path: Path) -> bytes:
    """The bytes of a storyboard file, at most a little more than may be read of one."""
    if _PIPES.fullmatch(str(path)) is not None and not path.is_file():
        raise UsageError(
            f"'{path}' is a pipe: only 'validate' and 'plan' read one",
            hint="save it as a file: its folder is where references and results are looked for",
        )
    try:
        if path.exists() and not path.is_file():
            raise UsageError(f"'{visible(str(path))}' is not a file")
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        # Names are compared without their endings, which make any two of them alike.
        names = {found.stem: found.name for found in storyboards_in(path.parent)}
        near = names.get(path.stem) or names.get(suggest(path.stem, names) or "")
        hint = f", did you mean '{near}'?" if near else ""
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
    return root is None or (isinstance(root, MappingNode) and "shots" in root.entries)


def storyboard_id_of(path: Path) -> str | None:
    """The id that a storyboard file claims, its other problems aside; None where it can't be told.

    Raises UsageError where there is no such file or it can't be read.
    """
    root = parse(read_file(path), path.as_posix()).root
    if not isinstance(root, MappingNode):
        return None
    named = root.get("id")
    return named.text if isinstance(named, Scalar) else path.stem
