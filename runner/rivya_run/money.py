"""Who may spend: budgets, the wallet, and one careful create at a time where price or balance is uncertain."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio

from rivya_run.history import History
from rivya_run.prices import Estimate

UNPRICED_AT_ONCE = 3
"""Unanswered creates at prices that the API never told, while no cap is set (one, while a cap is)."""


@dataclass(frozen=True, slots=True)
class NotAdmitted:
    """Why nothing may be spent on a take: a person's words."""

    message: str


class Spending:
    """What a run may cost so far, over all its storyboards, and what limits it.

    ``cap`` is ``--max-credits``. ``balance`` is what the wallet held when the run began, None if not known.
    A journalled intent counts by its estimate from the moment it is on disk, so nothing is promised twice.
    """

    def __init__(self, cap: float | None = None, balance: float | None = None) -> None:
        self.cap = cap
        self.balance = balance
        self._before: list[tuple[History, float]] = []

    def watch(self, history: History) -> None:
        """Count what this storyboard spends from now on."""
        self._before.append((history, history.at_stake()))

    def so_far(self) -> float:
        """Credits at stake since the run began."""
        return sum(history.at_stake() - before for history, before in self._before)

    def covered(self, credits: float) -> bool:
        """Whether the wallet holds that much, as far as is known."""
        return self.balance is None or self.so_far() + credits <= self.balance


class Budget:
    """The caps that hold for one storyboard: ``budget.max_credits`` over its whole life, and the run's."""

    def __init__(self, max_credits: float | None, history: History, spending: Spending) -> None:
        self._max_credits = max_credits
        self._history = history
        self._spending = spending

    @property
    def capped(self) -> bool:
        """Whether any cap is set."""
        return self._max_credits is not None or self._spending.cap is not None

    def refusal(self, credits: float | None) -> NotAdmitted | None:
        """Why a create of this estimate would pass a cap. Where nothing is known of the cost, 1 is assumed."""
        least = credits if credits is not None else 1
        life, run = self._history.at_stake(), self._spending.so_far()
        if self._max_credits is not None and life + least > self._max_credits:
            return NotAdmitted(_words("budget.max_credits", self._max_credits, life, least))
        if self._spending.cap is not None and run + least > self._spending.cap:
            return NotAdmitted(_words("--max-credits", self._spending.cap, run, least))
        return None


def _words(cap: str, limit: float, spent: float, credits: float) -> str:
    return f"{cap} is {limit:g}: {spent:g} spent or at stake, this take would add {credits:g}"


class Till:
    """Admits creates: never past a cap, and few at a time where the price or the balance is uncertain."""

    def __init__(self, spending: Spending) -> None:
        self._spending = spending
        self._changed = anyio.Event()
        self._unpriced = 0
        self._doubtful = 0

    @asynccontextmanager
    async def admitted(
        self, budget: Budget, estimate_now: Callable[[], Estimate]
    ) -> AsyncIterator[Admission | NotAdmitted]:
        """Wait for the right to create, or be told why there is none; leaving gives the right back.

        ``estimate_now`` is asked again after each wait, since an answer may have told the price. A create that
        the wallet can't cover, as far as is known, is let through alone and held until its task has ended: only
        the API knows its own balance, and one refusal is enough.
        """
        while True:
            cost = estimate_now()
            refusal = budget.refusal(cost.credits)
            if refusal is not None:
                yield refusal
                return
            unpriced = cost.basis != "observed"
            doubtful = not self._spending.covered(cost.credits or 0)
            crowded = unpriced and self._unpriced >= (1 if budget.capped else UNPRICED_AT_ONCE)
            if not crowded and not (doubtful and self._doubtful):
                break
            await self._changed.wait()
        admission = Admission(self, cost, unpriced)
        self._unpriced += unpriced
        self._doubtful += doubtful
        try:
            yield admission
        finally:
            admission.answered()
            self._doubtful -= doubtful
            self.announce()

    def release_unpriced(self) -> None:
        """An unpriced create was answered."""
        self._unpriced -= 1
        self.announce()

    def announce(self) -> None:
        """Let everyone who waits look again."""
        self._changed.set()
        self._changed = anyio.Event()


class Admission:
    """The right to send one create; ``cost`` is what it is thought to cost."""

    def __init__(self, till: Till, cost: Estimate, unpriced: bool) -> None:
        self.cost = cost
        self._till = till
        self._unpriced = unpriced

    def answered(self) -> None:
        """The create was answered, or won't be: the price, if told, is in the history by now."""
        if self._unpriced:
            self._unpriced = False
            self._till.release_unpriced()
