"""Where the records of a storyboard are kept: in its output folder, or in the database of an account.

A manifest says where its books are, and the folder does; a command that was told otherwise creates nothing. What is
in the folder beside a database is a copy, for everything that only reads.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rivya_run.durable import write_atomically
from rivya_run.errors import FolderLocked, JournalDamaged, OtherBooks, RivyaError
from rivya_run.journal.manifest import Books
from rivya_run.project.ledger import Ledger, read_manifest
from rivya_run.project.lock import locked
from rivya_run.project.open import ENDINGS, reference_paths, storyboard_id_of
from rivya_run.project.places import (
    IMPORTING,
    JOURNAL,
    MANIFEST,
    MARKER,
    OUTPUTS,
    SIMULATED,
    Outputs,
    output_folder,
    project_root,
)
from rivya_run.times import iso

if TYPE_CHECKING:
    from rivya_run.postgres.database import Database
    from rivya_run.postgres.lease import Lease
    from rivya_run.postgres.uploads import AccountUploads
    from rivya_run.project.debit_lines import Debit, DebitStore
    from rivya_run.provider.throttle import SharedPace

FILE = "file"
"""What a manifest says of books in its output folder; one that says nothing is older, and means the same."""


@contextmanager
def open_database(url: str | None, *, simulate: bool = False) -> Iterator[Database | None]:
    """The database of ``--database``; None without, and for what is simulated.

    Raises UsageError for what is no URL of one, ForeignFolder without tables, DatabaseUnavailable.
    """
    if url is None or simulate:
        yield None
        return
    from rivya_run.postgres.database import Database

    with closing(Database(url)) as database:
        _ = database.id  # whether it is one, and has the tables
        yield database


@contextmanager
def written_by_us(
    folder: Path, purpose: str, database: Database | None, now: Callable[[], float] = time.time
) -> Iterator[Ledger]:
    """The records of an output folder, open for writing: nobody else writes to them in the block.

    Raises FolderLocked, OtherBooks, OutputFolderError and their kinds.
    """
    with ExitStack() as held:
        held.enter_context(locked(folder, purpose))
        check_marker(folder, database)
        if database is None:
            ledger = Ledger(folder, now=lambda: iso(now()))
        else:
            from rivya_run.postgres.lease import leased

            lease = held.enter_context(leased(database, folder.name, purpose))
            ledger = ledger_of_database(folder, lease, database)
        held.callback(ledger.close)
        yield ledger


def ledger_of_database(folder: Path, lease: Lease, database: Database) -> Ledger:
    """The records of a book whose lease is held, with a copy of its journal in the folder."""
    from rivya_run.postgres.journal import DatabaseJournal

    mark(folder, database)

    def opened() -> Ledger:
        return Ledger(
            folder,
            now=lambda: iso(database.now()),
            lease=lease,
            journal=lambda each: DatabaseJournal(
                lease, folder / JOURNAL, now=lambda: iso(database.now()), each=each
            ),
        )

    try:
        return opened()
    except JournalDamaged:
        (folder / JOURNAL).unlink(missing_ok=True)  # a copy: what counts is fetched anew
        return opened()


def debit_table(
    database: Database, ledgers: Collection[Ledger]
) -> Callable[[Callable[[Debit | None, Debit | None], None]], DebitStore]:
    """The debits of the account, for the storyboards of these ledgers, given what is to hear of each."""
    from rivya_run.project.debit_table import DebitTable

    leases = [one.lease for one in ledgers if one.lease is not None]
    return lambda changed: DebitTable(database, changed, leases)


def pace_of(ledger: Ledger) -> SharedPace | None:
    """The pace that all machines of the account keep to; None where the books are in a folder."""
    if ledger.lease is None:
        return None
    from rivya_run.postgres.pace import AccountPace

    return AccountPace(ledger.lease)


def uploads_of(ledger: Ledger) -> AccountUploads | None:
    """The uploads of all storyboards of the account; None where the books are in a folder."""
    if ledger.lease is None:
        return None
    from rivya_run.postgres.uploads import AccountUploads

    return AccountUploads(ledger.lease)


def check_books(root: Path, folder: Path, books: Books, elsewhere: Mapping[str, Any] | None = None) -> None:
    """Raises OtherBooks where a manifest of the storyboard says that its books are in another place, or tells of more
    than these hold. ``elsewhere`` is the manifest in an object store."""
    places = [folder / MANIFEST]
    beside = manifest_beside(root, folder)
    if beside is not None and not folder.name.endswith(SIMULATED):
        places.append(beside)
    _check_manifest(elsewhere, books, folder / MANIFEST)
    for place in places:
        _check_manifest(read_manifest(place.parent, lazily=True), books, place)


def _check_manifest(document: Mapping[str, Any] | None, books: Books, where: Path) -> None:
    if document is None:
        return
    told = document.get("books") or FILE
    if told != books.where:
        raise _other_books(told, books.where, where)
    commits = document.get("book_commit") or 0
    if commits > books.commits:
        raise OtherBooks(
            f"{where}: the database is behind this manifest ({books.commits} commits of {commits}): was it restored "
            "from a backup?",
            hint="rivya-run database repair STORYBOARD takes in what the manifest knows; nothing is paid again",
        )


def books_of_folder(folder: Path) -> str | None:
    """Which database the journal in a folder is a copy of; None where it is the journal itself, or there is none."""
    try:
        told = json.loads((folder / MARKER).read_bytes())["books"]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        return "a database"
    return str(told)


def mark(folder: Path, database: Database) -> None:
    """From now on the journal in a folder is a copy of what the database has."""
    if books_of_folder(folder) != database.books:
        write_atomically(folder / MARKER, json.dumps({"books": database.books}).encode() + b"\n")


def check_marker(folder: Path, database: Database | None) -> None:
    """Raises OtherBooks where the records of a folder aren't those of the database."""
    if (folder / IMPORTING).exists():
        raise OtherBooks(
            f"{folder}: its journal is on the way to a database, and not all of it is there",
            hint="run rivya-run database import STORYBOARD --database URL again",
        )
    told = books_of_folder(folder)
    mine = database.books if database is not None else FILE
    if told is None and database is not None and (folder / JOURNAL).exists():
        told = FILE
    if told is not None and told != mine:
        raise _other_books(told, mine, folder)


def _other_books(told: str, mine: str, where: Path) -> OtherBooks:
    if told == FILE:
        return OtherBooks(
            f"{where}: the books of this storyboard are in its folder, not in the database; nothing was created",
            hint="rivya-run database import STORYBOARD --database URL moves them there; or leave --database away",
        )
    if mine == FILE:
        return OtherBooks(
            f"{where}: the books of this storyboard are in a database ({told}); nothing was created",
            hint="say --database URL, or set RIVYA_RUN_DATABASE",
        )
    return OtherBooks(
        f"{where}: the books of this storyboard are in {told}, and --database is {mine}; nothing was created"
    )


def update_copies(url: str, paths: Collection[Path], outputs: Outputs) -> None:
    """Bring the copies of the records up to date that a command on these storyboards or folders may read.

    One that a run on this machine is writing to is up to date. Raises OtherBooks for a folder with books of its own.
    """
    from rivya_run.postgres.journal import known_books, update_copy

    with open_database(url) as database:
        assert database is not None
        for folder in _folders(paths, outputs, known_books(database)):
            with suppress(FolderLocked), locked(folder, "read the books"):
                check_marker(folder, database)
                mark(folder, database)
                update_copy(database, folder.name, folder / JOURNAL)


def _folders(paths: Collection[Path], outputs: Outputs, known: Collection[str]) -> list[Path]:
    """The output folders of the books that are known of: of storyboards those that they refer to as well, of a folder
    all of its project."""
    found: dict[Path, None] = {}
    for path in paths or (Path(),):
        boards: list[Path] = [] if path.is_dir() else [path]
        with suppress(RivyaError):
            boards += [one for one in reference_paths(path) if one.suffix in ENDINGS] if boards else []
        names: Collection[str] = known
        if boards:
            told = [storyboard_id_of(one) for one in boards if one.is_file()]
            names = {one for one in told if one is not None} & {*known}
        root = project_root(path / "any" if path.is_dir() else path)
        found.update(
            dict.fromkeys(output_folder(root, outputs, name, simulate=False) for name in sorted(names))
        )
    return [*found]


def manifest_beside(root: Path, folder: Path) -> Path | None:
    """Where a manifest is left, for git, when results go elsewhere; None where they don't."""
    beside = root / OUTPUTS / folder.name
    return None if beside.resolve() == folder.resolve() else beside / MANIFEST
