"""The records of all storyboards of a project in which credits may stand: what ledger, prices and budgets go by.

Simulated results count nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rivya_run.errors import OutputFolderError
from rivya_run.journal.attempt import Attempt
from rivya_run.journal.fold import History
from rivya_run.project.orphaned import is_new
from rivya_run.project.other_choices import history_of
from rivya_run.project.places import SIMULATED
from rivya_run.times import iso, seconds_of


@dataclass(frozen=True, slots=True)
class PaidBook:
    """What one output folder knows, whether its storyboard's file is still there or not. ``storyboard`` is its id."""

    storyboard: str
    history: History


def paid_folders(places: Iterable[Path]) -> Iterator[Path]:
    """The output folders in these places that hold records of what may have been paid for, by name."""
    for place in dict.fromkeys(one.resolve() for one in places):
        try:
            folders = sorted(one for one in place.iterdir() if one.is_dir())
        except FileNotFoundError:
            continue
        except OSError as error:
            raise OutputFolderError(f"{place}: can't be read: {error.strerror}") from error
        for folder in folders:
            if not folder.name.startswith(".") and not folder.name.endswith(SIMULATED) and not is_new(folder):
                yield folder


def paid_books(folders: Iterable[Path]) -> Iterator[PaidBook]:
    """The books of these folders, one at a time.

    Raises OutputFolderError, JournalDamaged or ForeignFolder: a sum without one of them would be wrong.
    """
    for folder in folders:
        yield PaidBook(folder.name, history_of(folder))


def paid_at(attempt: Attempt) -> str | None:
    """When an attempt counts as paid, in UTC: when it was sent, else when its task was made; None: nobody knows."""
    found = (seconds_of(told) for told in (attempt.counted_at, attempt.sent_at, attempt.created_at))
    seconds = next((one for one in found if one is not None), None)
    return iso(seconds) if seconds is not None else None
