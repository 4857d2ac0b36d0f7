"""Which URL belongs to which file of an attempt when the API tells its results again. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from rivya_run.journal.attempt import Attempt, Task

Order = tuple[int, ...]
"""Places in the API's list, in the order of an attempt's files."""


def results_of(attempt: Attempt, task: Task) -> tuple[tuple[str, ...], Order]:
    """URLs and their places for what the task made now, so that a file keeps its number.

    At first the order is that of the task: its primary URL first. Once places are known they stay, since what
    arrives is kept by its number. A place that the API doesn't name any more keeps the URL that was known; new ones
    follow.
    """
    if not attempt.outputs and not attempt.places:
        return task.urls, task.places
    now = dict(zip(task.places, task.urls, strict=True))
    known = attempt.places or _guessed(attempt, task)
    order = (*known, *(place for place in task.places if place not in known))
    before = attempt.urls
    urls = [now.get(place, before[index] if index < len(before) else "") for index, place in enumerate(order)]
    return tuple(urls), order


def _guessed(attempt: Attempt, task: Task) -> Order:
    """The places of an attempt's files where nothing tells them: an earlier version recorded it, or a manifest.

    Earlier versions had the API's order; now the primary URL leads. What the files were fetched from tells which.
    """
    now = dict(zip(task.places, task.urls, strict=True))
    as_listed, as_now = tuple(sorted(task.places)), task.places
    for like in _LIKENESSES:
        fitting = {
            order for order in (as_listed, as_now) if _fits(attempt, [now[place] for place in order], like)
        }
        if len(fitting) == 1:
            return fitting.pop()
    return as_listed


def _fits(attempt: Attempt, urls: Sequence[str], like: Callable[[str], str]) -> bool:
    known = [output.url or "" for output in attempt.outputs]
    return len(known) <= len(urls) and all(
        like(before) == like(url) for before, url in zip(known, urls, strict=False)
    )


def _without_query(url: str) -> str:
    return url.partition("?")[0]


def _suffix(url: str) -> str:
    return PurePosixPath(urlsplit(url).path).suffix.lower()


_LIKENESSES: tuple[Callable[[str], str], ...] = (str, _without_query, _suffix)
