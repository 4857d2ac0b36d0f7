"""Over any histories the ledger closes, whatever its rows are by."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attempts_strategy import attempts
from rivya_run.journal.attempt import Attempt
from rivya_run.journal.events import Entry, TakenIn
from rivya_run.journal.fold import History
from rivya_run.journal.take_entry import entry_of_attempt
from rivya_run.project.accounts import BY, ledger_document, ledger_rows
from rivya_run.project.paid_books import PaidBook, paid_at

NAMES = ("teaser", "other", "gone")
DAYS = st.sampled_from(["2026-05-10", "2026-05-11", "2027-01-01"])


def book(name: str, found: list[Attempt]) -> PaidBook:
    """The history that a manifest with these attempts leads to."""
    entries = [
        Entry(1, "2026-05-11T00:00:00.000Z", TakenIn(key=one.client_request_id, shot=one.shot, entry=entry))
        for one in found
        for entry in [entry_of_attempt(one) | {"take": one.take}]
    ]
    return PaidBook(name, History(entries))


books = st.lists(st.builds(book, st.sampled_from(NAMES), st.lists(attempts(), max_size=6)), max_size=3)


@pytest.mark.parametrize("by", BY)
@given(found=books, day=DAYS)
def test_the_rows_add_up_to_what_was_spent(by: str, found: list[PaidBook], day: str) -> None:
    """All rows together are what the histories say was spent, and a day splits that in two."""
    rows = ledger_rows(found, by)
    total = sum(one.history.spent() for one in found)
    assert sum(row.credits for row in rows) == pytest.approx(total)
    assert ledger_document(rows)["total"] == pytest.approx(total)
    assert len({row.by for row in rows}) == len(rows)
    after = sum(row.credits for row in ledger_rows(found, by, day))
    before = sum(
        attempt.spent
        for one in found
        for attempt in one.history.attempts.values()
        if (paid_at(attempt) or "") < day
    )
    assert after + before == pytest.approx(total)


@given(found=attempts())
def test_a_manifest_that_knows_more_leaves_an_attempt_whose_it_was(found: Attempt) -> None:
    """Who is on record for an attempt first stays that."""
    mine, theirs = (replace(found, client=name, tags=(), scene=None) for name in ("Acme", "Thief"))
    history = book("teaser", [mine, replace(theirs, tags=("stolen",))]).history
    assert history.attempts[found.client_request_id].client == "Acme"
    assert history.attempts[found.client_request_id].tags == ()
