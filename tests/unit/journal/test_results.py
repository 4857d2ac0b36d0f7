"""Which URL belongs to which file when the API tells its results again."""

from __future__ import annotations

import pytest

from rivya_run.journal.attempt import Attempt, AttemptState, Output, Task, TaskStatus
from rivya_run.journal.results import results_of


def attempt(*stored: str, urls: tuple[str, ...] = (), places: tuple[int, ...] = ()) -> Attempt:
    """An attempt with files fetched from these URLs."""
    outputs = tuple(Output(f"s/{at}.mp4", url, 1, "0" * 64, None) for at, url in enumerate(stored))
    state = AttemptState.FINISHED
    return Attempt(
        client_request_id="key",
        shot="s",
        take=1,
        fingerprint="0" * 64,
        number=1,
        model="m",
        body="{}",
        state=state,
        sent_at=None,
        urls=urls or stored,
        places=places,
        outputs=outputs,
    )


def task(*urls: str, places: tuple[int, ...]) -> Task:
    """What the API tells now."""
    return Task("t", TaskStatus.SUCCEEDED, "succeeded", urls=urls, places=places)


NOW = task("https://m/c.mp4?2", "https://m/t.jpg?2", places=(1, 0))


@pytest.mark.parametrize(
    ("known", "urls"),
    [
        (attempt(urls=("https://m/t.jpg", "https://m/c.mp4")), ("https://m/c.mp4?2", "https://m/t.jpg?2")),
        (attempt(urls=("https://m/t.jpg?1",), places=(0,)), ("https://m/t.jpg?2", "https://m/c.mp4?2")),
        (attempt("https://m/t.jpg?1"), ("https://m/t.jpg?2", "https://m/c.mp4?2")),
        (attempt("https://m/t.jpg?1", "https://m/c.mp4?1"), ("https://m/t.jpg?2", "https://m/c.mp4?2")),
        (attempt("https://m/c.mp4?1"), ("https://m/c.mp4?2", "https://m/t.jpg?2")),
        (attempt("https://n/9.jpg"), ("https://m/t.jpg?2", "https://m/c.mp4?2")),
        (attempt("https://n/9"), ("https://m/t.jpg?2", "https://m/c.mp4?2")),
        (attempt("https://n/9", places=(1, 0)), ("https://m/c.mp4?2", "https://m/t.jpg?2")),
        (attempt("https://n/9", places=(0, 1)), ("https://m/t.jpg?2", "https://m/c.mp4?2")),
        (
            attempt("https://n/9", urls=("https://n/9", "https://n/8"), places=(1, 5)),
            ("https://m/c.mp4?2", "https://n/8", "https://m/t.jpg?2"),
        ),
    ],
)
def test_a_file_on_record_keeps_its_number(known: Attempt, urls: tuple[str, ...]) -> None:
    """Also where an earlier version recorded it in the API's order, and where all that is known is its URL."""
    found, places = results_of(known, NOW)
    assert found == urls and len(set(places)) == len(places) == len(found)
