"""Whether what an account counts is what the journals of its storyboards say."""

from __future__ import annotations

from collections.abc import Iterator

from rivya_run.journal.fold import History
from rivya_run.journal.store import entries_of
from rivya_run.postgres.database import Database
from rivya_run.postgres.journal import all_lines, known_books
from rivya_run.project.debit_lines import Debit, corrections
from rivya_run.project.debit_table import DebitTable


def differences(database: Database) -> Iterator[str]:
    """What differs, in words, storyboard by storyboard; those that are carried right now may differ for a moment."""
    table = DebitTable(database, lambda before, debit: None)
    table.look()
    for book in sorted(known_books(database)):
        history = History(entries_of(book, all_lines(database, book)))
        known = table.debits.get(book, {})
        for line in corrections(book, history, known, places=True):
            said = known.get(line.key) if hasattr(line, "key") else None
            yield f"{book} {getattr(line, 'key', '')}: the account has {_words(said)}, the journal {_words(line)}"


def _words(line: object) -> str:
    if not isinstance(line, Debit):
        return "nothing"
    place = " and a place in flight" if line.in_flight else ""
    return f"{line.credits:g} credits{place}"
