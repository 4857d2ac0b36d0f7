"""A storyboard with every file that its run reads, to be carried by another machine."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from rivya_run.durable import replacing, write_atomically
from rivya_run.errors import RivyaError
from rivya_run.journal.manifest import Books, manifest_members
from rivya_run.journal.manifest_file import text_of
from rivya_run.planning.matching import serving_of
from rivya_run.postgres.database import Database
from rivya_run.postgres.journal import update_copy
from rivya_run.postgres.submissions import Bundle, PackedFile, commits_of
from rivya_run.project.books import check_books, check_marker, mark
from rivya_run.project.budget_file import BUDGETS
from rivya_run.project.ledger import read_manifest
from rivya_run.project.lock import locked
from rivya_run.project.open import made_of
from rivya_run.project.outputs import sha256_of
from rivya_run.project.places import JOURNAL, MANIFEST, OUTPUTS
from rivya_run.project.plan import RunOptions, planned
from rivya_run.project.source import Source
from rivya_run.times import iso


def leave_manifest(source: Source, database: Database, *, again: bool = False) -> None:
    """Say in ``outputs/<id>/manifest.json``, synced and meant for git, that the books are in the database, with all
    that they know of the storyboard. One that is there and says so stays as it is, unless ``again``.

    Raises OtherBooks where the records are kept elsewhere, OutputFolderError where it can't be written.
    """
    folder, books = source.folder, Books(database.books, commits_of(database, source.folder.name))
    there = read_manifest(folder, lazily=True)
    check_books(source.root, folder, books)
    check_marker(folder, database)
    if there is not None and not again:
        return
    with locked(folder, f"submit {source.relative_path}"):
        check_marker(folder, database)
        mark(folder, database)
        update_copy(database, folder.name, folder / JOURNAL)
        with planned([source], RunOptions()) as [one]:
            history = one.ledger.history
            members = manifest_members(
                source.storyboard,
                source.relative_path,
                serving_of(one.plan, history),
                history,
                base_url=history.base_url or str((there or {}).get("base_url") or ""),
                updated_at=history.updated_at or iso(database.now()),
                books=books,
                unknown=one.ledger.unknown,
                inputs=source.inputs(),
            )
            write_atomically(folder / MANIFEST, text_of(members))


def pack(source: Source) -> Bundle:
    """Everything that a run of a storyboard reads: what it names, what that names, tables, budgets, its manifest, and
    what it is made from of other storyboards. Raises RivyaError for what can't be handed over."""
    root = _plain(source.root)
    packed: dict[str, PackedFile] = {}
    for file in _files(source):
        path = _from_root(file, root)
        if path not in packed:
            packed[path] = PackedFile(path, sha256_of(file), file)
    made_from = [(one.path, one.sha256) for one in packed.values() if not _is_record(one.path)]
    path = _from_root(source.path, root)
    digest = hashlib.sha256(json.dumps([path, sorted(made_from)]).encode()).hexdigest()
    return Bundle(source.storyboard.id, path, digest, tuple(packed.values()))


def bring_results(brought: Path, outputs: Path) -> None:
    """Put what a bundle holds of other storyboards' results where results are looked for, unless it is there.

    Raises OutputFolderError or OSError.
    """
    for file in sorted(brought.rglob("*")):
        target = outputs / file.relative_to(brought)
        if file.is_file() and file.name != MANIFEST and not target.exists():
            with replacing(target) as temporary:
                shutil.copyfile(file, temporary)


def _files(source: Source) -> Iterator[Path]:
    """The files that are there, as they are named; what is missing was judged before, or isn't needed."""
    choices = source.choices
    named = [source.root / BUDGETS, source.folder / MANIFEST]
    for board in (source.path, *(sorted(choices.storyboards()) if choices else ())):
        named += made_of(board)
    if choices is not None:
        named += [Path(one.facts.path) for choice in choices.now.values() for one in choice.files.values()]
        named += sorted(file for file in choices.read() if file.name == MANIFEST)
    for file in named:
        there = file if file.exists() or "\\" not in str(file) else Path(str(file).replace("\\", "/"))
        if there.is_file():
            yield there


def _from_root(file: Path, root: Path) -> str:
    """The path of a file from the project root. Raises RivyaError for one that isn't below it."""
    for path, top in ((_plain(file), root), (file.resolve(), root.resolve())):
        if path.is_relative_to(top) and path.samefile(file):
            return path.relative_to(top).as_posix()
    raise RivyaError(
        f"{file}: this lies outside the project ({root}), and no worker would have it",
        hint="copy it into the project",
    )


def _plain(path: Path) -> Path:
    """A path without ``..``, its links as they are."""
    return Path(os.path.normpath(path.absolute()))


def _is_record(path: str) -> bool:
    """Whether a file is knowledge that a run brings up to date, and nothing that something is made of."""
    return path.startswith(f"{OUTPUTS}/") and path.endswith(f"/{MANIFEST}")
