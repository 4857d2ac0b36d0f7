"""Attempts at a take that came to nothing: which of them count, and when a person has to say: try again."""

from __future__ import annotations

from collections.abc import Iterable, Set

from rivya_run.journal.attempt import Attempt, AttemptState
from rivya_run.journal.fingerprint import client_request_id
from rivya_run.journal.fold import History
from rivya_run.journal.take_entry import out_of_credits

MOST_ATTEMPTS = 3
"""Attempts in all before a person has to say ``--retry-failed`` (contract, section 3)."""

_CAME_TO_NOTHING = frozenset({AttemptState.FAILED, AttemptState.REFUSED, AttemptState.GIVEN_UP})


def tried(attempts: Iterable[Attempt], asked: Set[str | None], now: str | None) -> list[Attempt]:
    """Attempts at a take that came to nothing, of these fingerprints; those at the one that it has now last."""
    ended = [one for one in attempts if one.fingerprint in asked and one.state in _CAME_TO_NOTHING]
    return sorted(ended, key=lambda one: (one.fingerprint == now, one.number))


def counted_failures(tried: list[Attempt]) -> list[Attempt]:
    """Attempts that count towards ``MOST_ATTEMPTS``: an empty wallet is nobody's failure."""
    return [a for a in tried if a.state is not AttemptState.GIVEN_UP and not out_of_credits(a)]


def not_retried(failures: list[Attempt]) -> str | None:
    """Why a failed take isn't made again on its own, or None."""
    charged = sum(attempt.spent for attempt in failures)
    if charged > 0:
        return f"it was charged {charged:g} credits; --retry-failed pays again"
    if len(failures) >= MOST_ATTEMPTS:
        return f"{len(failures)} attempts failed; --retry-failed tries again"
    return None


def next_number(history: History, storyboard: str, shot: str, take: int, digest: str) -> int:
    """The first attempt number whose key nothing ever used, a withdrawn intent apart: it never arrived."""
    # The key is a pure function of this number: a used one would get the old task, or a conflict.
    number = 1
    while (
        known := history.attempts.get(client_request_id(storyboard, shot, take, digest, number))
    ) is not None and known.state is not AttemptState.WITHDRAWN:
        number += 1
    return number
