"""Books on their way into a database, and books of a database that has lost some of what it knew."""

from __future__ import annotations

import os
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

from rivya_run import __version__
from rivya_run.durable import make_folder, sync_folder, write_atomically
from rivya_run.errors import OtherBooks, RivyaError
from rivya_run.journal.events import Entry
from rivya_run.journal.fold import History
from rivya_run.journal.manifest import manifest
from rivya_run.journal.manifest_file import strict_json, text_of
from rivya_run.journal.store import fold_journal
from rivya_run.json_types import Json
from rivya_run.postgres.database import Cursor, Database
from rivya_run.postgres.lease import Lease, leased
from rivya_run.project.books import (
    FILE,
    books_of_folder,
    check_marker,
    ledger_of_database,
    manifest_beside,
    mark,
)
from rivya_run.project.debit_table import DebitTable
from rivya_run.project.ledger import foreign_knowledge, learn, read_manifest
from rivya_run.project.lock import locked
from rivya_run.project.places import IMPORTED, IMPORTING, JOURNAL, MANIFEST, STATE
from rivya_run.project.plan import RunOptions, open_sources, run_started
from rivya_run.project.source import Source


def import_books(storyboard: Path, database: Database, options: RunOptions) -> str:
    """Bring the records of a storyboard into the database, and seal what was in its folder; what was done, in words.

    A union by key: each clone may do it, and twice is fine. Raises OutputFolderError and its kinds.
    """
    [source] = open_sources([storyboard], options)
    folder = source.folder
    with ExitStack() as held:
        held.enter_context(locked(folder, f"database import {source.relative_path}"))
        told = books_of_folder(folder)
        if told is not None and told != database.books:
            raise OtherBooks(f"{folder}: its books are in {told}, not in {database.books}")
        if told is not None and not (folder / IMPORTING).exists() and _says_so(source, database):
            return "its books are in this database already"
        lease = held.enter_context(leased(database, folder.name, f"database import {source.relative_path}"))
        _seal(folder, database)
        taken = _union(source, lease, database)
        _count(folder, database, lease)
        _leave_manifest(source, database, lease)
        with suppress(FileNotFoundError):
            (folder / IMPORTING).replace(folder / IMPORTED)
        return f"{taken} records brought in" if taken else "nothing in it was new"


def repair_books(storyboard: Path, database: Database, options: RunOptions) -> str:
    """Take what the manifest of a storyboard knows into a book of the database that is behind it; in words."""
    [source] = open_sources([storyboard], options)
    folder = source.folder
    with ExitStack() as held:
        held.enter_context(locked(folder, f"database repair {source.relative_path}"))
        check_marker(folder, database)
        document = read_manifest(folder)
        if document is None:
            raise RivyaError(
                f"{folder}: there is no manifest to repair from",
                hint="fetch it from git, or from a colleague",
            )
        told = document.get("books") or FILE
        if told not in (FILE, database.books):
            raise OtherBooks(f"{folder / MANIFEST}: it is of books in {told}, not in {database.books}")
        lease = held.enter_context(leased(database, folder.name, f"database repair {source.relative_path}"))
        (folder / JOURNAL).unlink(missing_ok=True)  # a copy
        ledger = ledger_of_database(folder, lease, database)
        held.callback(ledger.close)
        before = len(ledger.history.attempts)
        learn(ledger, document, writing=True)
        lease.raise_commits(int(document.get("book_commit") or 0))
        ledger.record(
            run_started(
                source,
                ledger.history.base_url or str(document.get("base_url") or ""),
                __version__,
                os.getpid(),
            )
        )
        ledger.sync()
        _count(folder, database, lease)
        _leave_manifest(source, database, lease)
        return f"{len(ledger.history.attempts) - before} creates taken in from {folder / MANIFEST}"


def _seal(folder: Path, database: Database) -> None:
    """From here on nobody takes the journal in the folder for the one that counts. A kill leaves what tells that the
    import isn't done."""
    make_folder(folder)
    is_copy = books_of_folder(folder) is not None
    if (folder / JOURNAL).exists() and not is_copy and not (folder / IMPORTING).exists():
        (folder / JOURNAL).replace(folder / IMPORTING)
        sync_folder(folder)
    mark(folder, database)
    (folder / STATE).unlink(missing_ok=True)


def _union(source: Source, lease: Lease, database: Database) -> int:
    """Put into the database what isn't there; how many lines that took. The lines themselves, where it has none."""
    folder, before = source.folder, lease.lines
    (folder / JOURNAL).unlink(missing_ok=True)
    if not before and (folder / IMPORTING).exists():
        _, size = fold_journal(folder / IMPORTING, lambda entry: None)
        # The end of the last line may be missing: others follow it.
        lines = [line + b"\n" for line in (folder / IMPORTING).read_bytes()[:size].splitlines()]
        lease.commit(lambda cursor, _: _put_lines(cursor, folder.name, lines))
    ledger = ledger_of_database(folder, lease, database)
    try:
        for event in foreign_knowledge(_all_that_is_known(source), ledger.history):
            ledger.record(event)
        ledger.sync()
    finally:
        ledger.close()
    return lease.lines - before


def _put_lines(cursor: Cursor, book: str, lines: list[bytes]) -> int:
    rows = [(book, number, line) for number, line in enumerate(lines, start=1)]
    cursor.executemany("insert into journal_line (book, number, line) values (%s, %s, %s)", rows)
    return len(rows)


def _all_that_is_known(source: Source) -> dict[str, Json]:
    """What is known by the folder's sealed journal and the manifests, as a manifest tells it."""
    history = History()
    fold_journal(source.folder / IMPORTING, history.apply)
    document = None
    for place in _manifests(source):
        found = read_manifest(place.parent)
        for event in foreign_knowledge(found, history) if found is not None else ():
            history.apply(Entry(0, history.updated_at or "", event))
        document = document or found
    nothing_asked = replace(source.storyboard, shots=())
    return manifest(
        nothing_asked,
        source.relative_path,
        {},
        history,
        base_url=history.base_url or str((document or {}).get("base_url") or ""),
        updated_at=history.updated_at or "",
    )


def _manifests(source: Source) -> list[Path]:
    """Where manifests of the storyboard are: with the results, and beside the storyboard, for git."""
    beside = manifest_beside(source.root, source.folder)
    return [source.folder / MANIFEST, *([beside] if beside is not None else [])]


def _says_so(source: Source, database: Database) -> bool:
    """Whether no manifest says that the books are elsewhere: one may have been fetched from git."""
    found = [read_manifest(place.parent, lazily=True) for place in _manifests(source)]
    return all(one is None or one.get("books") == database.books for one in found)


def _count(folder: Path, database: Database, lease: Lease) -> None:
    """Let what was brought in count towards what the account may spend."""
    DebitTable(database, lambda before, debit: None, [lease]).open([folder])


def _leave_manifest(source: Source, database: Database, lease: Lease) -> None:
    """Say in the manifests where the books are: also where results go elsewhere, and one forgets to say so."""
    for place in _manifests(source):
        there = strict_json(place.read_bytes()) if place.exists() else _all_that_is_known(source)
        make_folder(place.parent)
        write_atomically(place, text_of(there | {"books": database.books, "book_commit": lease.commits}))
