"""Journal and history together: what is recorded on disk is at once known in memory."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rivya_run.disk.journal import Journal
from rivya_run.disk.manifest_file import load_lazily
from rivya_run.disk.places import JOURNAL, MANIFEST
from rivya_run.errors import ForeignFolder, OutputFolderError
from rivya_run.history.fold import History
from rivya_run.history.manifest import VERSION, known_attempts, knows_more
from rivya_run.records.journal import Entry, JournalEvent, TakenIn, Uploaded


class Ledger:
    """The books of one output folder. Opening reads; nothing is written before the first ``record``."""

    def __init__(self, folder: Path, *, now: Callable[[], str]) -> None:
        self.folder = folder
        self.history = History()
        self._journal = Journal(folder / JOURNAL, now=now, each=self.history.apply)

    def record(self, event: JournalEvent) -> None:
        """Append to the journal, then to history. Raises DiskFull or OutputFolderError, changing neither."""
        self.history.apply(self._journal.append(event))

    def sync(self) -> None:
        """Make what was recorded durable. May be called from another thread."""
        self._journal.sync()

    def close(self) -> None:
        """Sync and close the journal."""
        self._journal.close()

    def imagine(self, event: JournalEvent) -> None:
        """Know an event without putting it on record, for commands that only look."""
        at = self.history.updated_at or ""
        self.history.apply(Entry(0, at, event))


def read_manifest(folder: Path, *, lazily: bool = False) -> dict[str, Any] | None:
    """The manifest of an output folder; None where there is none.

    ``lazily``: its takes aren't read before they are gone through, and what is wrong in them is found then.

    Raises OutputFolderError for one that can't be read (a merge conflict, most likely): it may know of paid
    takes, so it is never ignored. Raises ForeignFolder for one that a newer version wrote.
    """
    path = folder / MANIFEST
    try:
        document = load_lazily(path) if lazily else json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise OutputFolderError(f"{path}: can't be read: {error.strerror}") from error
    except ValueError as error:
        where = f":{error.lineno}:{error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        raise _no_manifest(f"{path}{where}") from error
    version = document.get("version", VERSION) if isinstance(document, dict) else None
    if isinstance(version, int) and version > VERSION:
        raise ForeignFolder(f"{path}: written by a newer version of rivya-run", hint="upgrade rivya-run")
    try:
        if not lazily:
            deque(known_attempts(document), maxlen=0)
        known_uploads(document)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _no_manifest(str(path)) from error
    if not isinstance(version, int):
        raise _no_manifest(str(path))
    return dict(document)


def _no_manifest(where: str) -> OutputFolderError:
    return OutputFolderError(
        f"{where}: this is no manifest that rivya-run can read",
        hint="resolve the merge conflict in it, or restore it from git; it may know of takes that were paid for",
    )


def news_for(ledger: Ledger, document: dict[str, Any]) -> list[JournalEvent]:
    """What the folder's manifest knows and its journal doesn't. Raises OutputFolderError where it is none of ours."""
    try:
        return foreign_knowledge(document, ledger.history)
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise _no_manifest(str(ledger.folder / MANIFEST)) from error


def foreign_knowledge(document: dict[str, Any], history: History) -> list[JournalEvent]:
    """The events that bring a history up to what a manifest knows."""
    news: list[JournalEvent] = [
        TakenIn(told.key, shot, entry)
        for shot, entry, told in known_attempts(document)
        if knows_more(told, history.attempts.get(told.key))
    ]
    uploads = known_uploads(document)
    return news + [one for one in uploads if (one.sha256, one.kind, one.model) not in history.uploads]


def known_uploads(document: dict[str, Any]) -> list[Uploaded]:
    """Every upload that a manifest tells of. Raises KeyError, TypeError or ValueError for what is none of ours."""
    return [
        Uploaded(
            str(upload["sha256"]),
            str(upload["kind"]),
            str(upload["model"]),
            str(upload["path"]),
            upload.get("mime_type"),
            int(upload["bytes"]),
            str(upload["url"]),
            upload.get("file_id"),
            upload.get("duration_token"),
            upload.get("uploaded_at"),
        )
        for upload in document.get("uploads") or ()
    ]
