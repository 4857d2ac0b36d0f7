"""What of a storyboard changed since a git revision, in takes."""

from __future__ import annotations

import hashlib
import posixpath
from pathlib import Path

from rivya_run.errors import RivyaError, UsageError
from rivya_run.planning.changes import TakeChange, changes, contents
from rivya_run.project.git import commit_of, git
from rivya_run.project.plan import Prepared
from rivya_run.storyboard.fits import files_of_fits
from rivya_run.storyboard.includes import IncludedFile, Loader, nothing_included
from rivya_run.storyboard.model import FileReference, FileTrouble, Storyboard
from rivya_run.storyboard.reader import read_storyboard
from rivya_run.text import visible


def changes_since(revision: str, one: Prepared) -> list[TakeChange]:
    """What is new, changed, renamed and removed; credits are those of making it.

    Raises UsageError without git, such a revision or the file in it, RivyaError where it had problems then.
    """
    source = one.source
    shown = f"'{visible(str(source.path))}'"
    content = _file_at(revision, source.path)
    if content is None:
        raise UsageError(f"{shown} is not in git revision {visible(revision)}")
    included = _included_at(revision, source.path)
    reading = read_storyboard(content, path=str(source.path), catalog=source.catalog, include=included)
    if reading.storyboard is None:
        problem = reading.problems[0].message
        raise RivyaError(f"{shown} has problems in revision {visible(revision)}: {problem}")
    before, after = reading.storyboard, source.storyboard
    tables = {table.id: table for table in source.catalog.all()}
    now = contents(after, tables, {path: facts.sha256 for path, facts in source.facts.items()})
    was = contents(before, tables, _files_at(revision, before, source.path))
    return changes(before, was, after, now, tables, one.ledger.history.prices)


def _included_at(revision: str, storyboard: Path) -> Loader:
    """Reads included files as they were; one that git didn't have counts as it is now."""

    def read(path: str) -> IncludedFile | FileTrouble:
        content = _then_or_now(revision, storyboard.parent / path)
        if content is None:
            return nothing_included(path)
        plain = posixpath.normpath(path)
        return IncludedFile(content, plain, plain, plain)

    return read


def _then_or_now(revision: str, file: Path) -> bytes | None:
    """A file as it was, or as it is where git didn't have it; None where it is neither then nor now."""
    content = _file_at(revision, file)
    return file.read_bytes() if content is None and file.is_file() else content


def _files_at(revision: str, storyboard: Storyboard, path: Path) -> dict[str, str]:
    """sha256 of the reference files as they were; one that git didn't have counts as it is now."""
    found: dict[str, str] = {}
    references = (one for shot in storyboard.shots for one in shot.references)
    named = [one.path for one in references if isinstance(one, FileReference)]
    for written in dict.fromkeys([*named, *(sound for *_, sound in files_of_fits(storyboard))]):
        content = _then_or_now(revision, path.parent / written)
        if content is not None:
            found[written] = hashlib.sha256(content).hexdigest()
    return found


def _file_at(revision: str, path: Path) -> bytes | None:
    """A file as it was in a git revision, or None where it wasn't there. Raises UsageError without git."""
    folder = path.absolute().parent
    while not folder.is_dir() and folder != folder.parent:  # it may be gone since
        folder = folder.parent
    inside = path.absolute().relative_to(folder).as_posix()
    commit_of(folder, revision)
    return git(folder, "show", f"{revision}:./{inside}")
