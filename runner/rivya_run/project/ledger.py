"""Journal and history together: what is recorded on disk is at once known in memory."""

from __future__ import annotations

import json
import shlex
from collections import deque
from collections.abc import Callable, Set
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import asdict

from rivya_run.durable import check_missing
from rivya_run.errors import ForeignFolder, OutputFolderError
from rivya_run.journal.attempt import Attempt, owned_paths
from rivya_run.journal.events import Entry, JournalEvent, TakenIn, Uploaded
from rivya_run.journal.fold import History
from rivya_run.journal.judging import Judge, Nonsense
from rivya_run.journal.manifest import FILE_BOOKS, VERSION, Books, Unknown, known_attempts, knows_more
from rivya_run.journal.manifest_file import load_lazily, position, strict_json
from rivya_run.journal.manifest_form import Upload
from rivya_run.journal.second_keys import same_create, second_key, with_key
from rivya_run.journal.store import Beside, Journal, JournalStore
from rivya_run.journal.take_entry import entry_of_attempt
from rivya_run.json_types import Json
from rivya_run.project.places import JOURNAL, MANIFEST
from rivya_run.text import visible

if TYPE_CHECKING:
    from rivya_run.postgres.lease import Lease

_ROUNDING = 1e-6
"""Credits that a sum of fractions may be off by."""


class Ledger:
    """Journal and history of one output folder. Opening reads; nothing is written before the first ``record``.

    ``unknown`` is what the folder's manifest says in words of a newer program: it is written again; ``shown`` are
    the keys of what it shows for takes.
    """

    def __init__(
        self,
        folder: Path,
        *,
        now: Callable[[], str],
        lease: Lease | None = None,
        journal: Callable[[Callable[[Entry], object]], JournalStore] | None = None,
    ) -> None:
        """``lease`` is that of a book in a database, whose journal ``journal`` opens, given what is to hear of
        each entry: the file of the folder otherwise."""
        self.folder = folder
        self.lease = lease
        self.books = lease.database.books if lease is not None else FILE_BOOKS.where
        self.history = History()
        self.unknown: Unknown = {}
        self.shown: Set[str] = frozenset()
        if journal is not None:
            self._journal = journal(self.history.apply)
        else:
            self._journal = Journal(folder / JOURNAL, now=now, each=self.history.apply)

    def record(self, event: JournalEvent) -> None:
        """Append to the journal, then to history. Raises DiskFull or OutputFolderError, changing neither."""
        self.history.apply(self._journal.append(event))

    def where(self) -> Books:
        """Where the journal is, as manifests say it."""
        return Books(self.books, self.commits)

    @property
    def commits(self) -> int:
        """How many commits the journal in the database has; 0 for a file."""
        return self._journal.commits

    @property
    def fresh(self) -> bool:
        """Whether it has just been shown that nobody else writes to the journal: then a create may be sent."""
        return self._journal.fresh

    def confirm(self) -> None:
        """Show it again. May be called from another thread. Raises TakenOver and its kinds."""
        self._journal.confirm()

    def sync(self, beside: Beside | None = None) -> None:
        """Make what was recorded durable, and ``beside`` with it. May be called from another thread."""
        self._journal.sync(*([beside] if beside is not None else []))

    def close(self) -> None:
        self._journal.close()

    def apply_unrecorded(self, event: JournalEvent) -> None:
        """Apply an event to history only, for commands that must not write."""
        at = self.history.updated_at or ""
        self.history.apply(Entry(0, at, event))


def read_manifest(folder: Path, *, lazily: bool = False) -> dict[str, Any] | None:
    """The manifest of an output folder; None where there is none.

    ``lazily``: its takes aren't read before they are gone through, and what is wrong in them is found then.

    Raises OutputFolderError for one that can't be read (a merge conflict, most likely) or that makes no sense: it may
    know of paid takes, so it is never ignored. Raises ForeignFolder for one that a newer version wrote.
    """
    path = folder / MANIFEST
    try:
        return manifest_at(path, lazily=lazily)
    except FileNotFoundError:
        check_missing(path)
        return None


def manifest_at(path: Path, *, lazily: bool = False) -> dict[str, Any]:
    """The same of a file, wherever it lies. Raises FileNotFoundError too."""
    try:
        document = load_lazily(path) if lazily else strict_json(path.read_bytes())
    except FileNotFoundError:
        raise
    except OSError as error:
        raise OutputFolderError(f"{path}: can't be read: {error.strerror}") from error
    except ValueError as error:
        raise _no_manifest(path, error) from error
    version = document.get("version", VERSION) if isinstance(document, dict) else None
    if isinstance(version, int) and version > VERSION:
        raise ForeignFolder(f"{path}: written by a newer version of rivya-run", hint="upgrade rivya-run")
    try:
        if lazily:
            Judge().head(document)
        else:
            deque(known_attempts(document), maxlen=0)
    except ValueError as error:
        raise _no_manifest(path, error) from error
    return dict(document)


def _no_manifest(path: Path, error: ValueError) -> OutputFolderError:
    """Where it is no manifest, and why."""
    where, why = str(path), str(error)
    if (pointer := _pointer(path)) is not None:
        message = f"{path}: this isn't the manifest, but what {pointer[0]} keeps in its place"
        return OutputFolderError(message, hint=f"fetch it: {pointer[1]}")
    place = _place_of(path, error)
    if place is not None:
        where += f":{place[0]}:{place[1]}"
    if isinstance(error, UnicodeDecodeError):
        why = "it is not UTF-8 text"
    return OutputFolderError(
        f"{where}: this is not a manifest that rivya-run can read: {visible(why)}",
        hint="restore it from git: it may know of takes that were paid for. A merge conflict in it is resolved by "
        "'rivya-run init --git', then 'git checkout -m' with its name",
    )


def _pointer(path: Path) -> tuple[str, str] | None:
    """Who keeps large files elsewhere, and left a few words in place of one; and how to get it."""
    try:
        with path.open("rb") as file:
            head = file.read(200)
    except OSError:
        return None
    if head.startswith(b"version https://git-lfs.github.com/"):
        return "Git LFS", "git lfs pull"
    if head.startswith(b"/annex/objects/"):
        return "git-annex", f"git annex get {shlex.quote(path.name)}"
    return None


def _place_of(path: Path, error: ValueError) -> tuple[int, int] | None:
    """Line and column of what is wrong, found in a second reading."""
    try:
        content = path.read_bytes()
        if isinstance(error, Nonsense):
            return position(content, error.path)
        strict_json(content)
    except json.JSONDecodeError as found:
        return found.lineno, found.colno
    except (OSError, ValueError):
        pass
    return None


def news_for(ledger: Ledger, document: dict[str, Any]) -> list[JournalEvent]:
    """What the folder's manifest knows and its journal doesn't, judged as a whole before any of it counts.

    Raises OutputFolderError where it makes no sense.
    """
    judge = Judge()
    try:
        news = foreign_knowledge(document, ledger.history, judge)
    except ValueError as error:
        raise _no_manifest(ledger.folder / MANIFEST, error) from error
    except OSError as error:
        raise OutputFolderError(f"{ledger.folder / MANIFEST}: can't be read: {error.strerror}") from error
    ledger.unknown = judge.unknown
    ledger.shown = judge.shown
    return news


def foreign_knowledge(
    document: dict[str, Any], history: History, judge: Judge | None = None
) -> list[JournalEvent]:
    """The events that bring a history up to what a manifest knows. Raises Nonsense."""
    news: list[JournalEvent] = []
    judge = judge or Judge()
    spent, owners = 0.0, None
    for shot, entry, told in known_attempts(document, judge):
        spent += max(told.spent, told.final_credits or 0)
        key = _key_on_record(told, history)
        if key != told.client_request_id:
            judge.call(told.client_request_id, key)
        if knows_more(told, history.attempts.get(key)):
            owners = owners if owners is not None else _owners_of_files(history)
            if key != told.client_request_id:
                told, entry = _under_second_key(told, key, owners)
            news.append(TakenIn(key=key, shot=shot, entry=entry))
            _check_files(told, owners)
    totals = document.get("totals") or {}
    if max(spent, history.spent()) < (claimed := totals.get("spent_credits") or 0) - _ROUNDING:
        raise Nonsense(
            f"{claimed:g} credits were spent, but the takes here came to {spent:g}: some are missing",
            "totals",
            "spent_credits",
        )
    return news + [
        one for one in known_uploads(document) if (one.sha256, one.kind, one.model) not in history.uploads
    ]


def _owners_of_files(history: History) -> dict[str, Attempt]:
    """The attempt that has a file, by its name in small letters: some file systems don't tell them apart."""
    attempts = history.attempts.values()
    return {output.path.lower(): attempt for attempt in attempts for output in attempt.outputs}


def _check_files(told: Attempt, owners: dict[str, Attempt]) -> None:
    """A file that the journal knows to be another take's isn't given to this one. Raises Nonsense."""
    for output in told.outputs:
        other = owners.get(output.path.lower())
        if other is not None and other.fingerprint != told.fingerprint:
            raise Nonsense(f"{told.shot}/{told.take}: {output.path} is a file of {other.shot}/{other.take}")


def _key_on_record(told: Attempt, history: History) -> str:
    """The key under which the journal has what a manifest tells of, or is to have it: a task is known by its id.

    Raises Nonsense where it has the task for other work.
    """
    key, task = told.client_request_id, told.task_id
    keys = history.keys_of_task(task) if task is not None else set()
    known = history.attempts.get(key)
    if task is None or key in keys or (known is not None and known.task_id == task):
        return key
    if not keys:
        return second_key(key, task) if known is not None and known.task_id is not None else key
    other = history.attempts[min(keys)]
    if not same_create(other.client_request_id, key, task):
        raise Nonsense(
            f"{told.shot}/{told.take}: task {task} serves {other.shot}/{other.take} already, by the journal"
        )
    return other.client_request_id


def _under_second_key(told: Attempt, key: str, owners: dict[str, Attempt]) -> tuple[Attempt, dict[str, Json]]:
    """What was made beside what the journal has under the same key, with files of its own; and as an entry."""
    taken = {path for path, one in owners.items() if one.client_request_id != key}
    told = with_key(told, key, taken)
    owners.update({path.lower(): told for path in owned_paths(told)})
    return told, entry_of_attempt(told)


def known_uploads(document: dict[str, Any]) -> list[Uploaded]:
    """Every upload that a manifest tells of, which was judged before."""
    return [upload_event(upload) for upload in Judge().head(document).uploads]


def upload_event(upload: Upload) -> Uploaded:
    """The event that puts an upload on record which others made."""
    return Uploaded(**asdict(upload))


def learn(ledger: Ledger, document: dict[str, Any], *, writing: bool) -> None:
    """Take in what a manifest knows and the journal doesn't."""
    for event in news_for(ledger, document):
        if writing:
            ledger.record(event)
        else:
            ledger.apply_unrecorded(event)


def passed_over(ledger: Ledger) -> str | None:
    """What is to be said of entries that an earlier version took in from a manifest without judging them."""
    found = ledger.history.passed_over
    if not found:
        return None
    number, reason = next(iter(found.values()))
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    return (
        f"{ledger.folder / JOURNAL}:{number}: an entry that was taken over from a manifest makes no sense "
        f"({reason}){more}; only the key and the task of such an entry are used, the rest is ignored"
    )
