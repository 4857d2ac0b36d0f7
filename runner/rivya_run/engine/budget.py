"""Who may spend: budgets, the wallet, and one careful create at a time where price or balance is uncertain."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import anyio

from rivya_run.journal.attempt import Attempt
from rivya_run.journal.fold import LEAST, History
from rivya_run.planning.plan import Estimate
from rivya_run.project.debits import ProjectBudgets

UNPRICED_AT_ONCE = 3
"""Unanswered creates at prices that the API never told, while no cap is set (one, while a cap is)."""


@dataclass(frozen=True, slots=True)
class SpendDenied:
    """Why nothing may be spent on a take: a person's words."""

    message: str


class Spending:
    """What a run may cost so far, over all its storyboards, and what limits it.

    ``budgets`` are those of the projects, by their root. ``cap`` is ``--max-credits``. ``balance`` is what the wallet
    held when the run began, None if not known.
    A journalled intent counts by its estimate from the moment it is on disk, so nothing is promised twice.
    """

    def __init__(self, cap: float | None = None, balance: float | None = None) -> None:
        self.cap = cap
        self.balance = balance
        self.budgets: Mapping[Path, ProjectBudgets] = {}
        self._before: list[tuple[History, float, dict[str, float]]] = []
        self._decided: set[str] = set()

    def watch(self, history: History) -> None:
        """Count what this storyboard spends from now on."""
        unsettled = {
            one.client_request_id: history.stake_of(one) for one in history.attempts.values() if not one.ended
        }
        self._before.append((history, history.at_stake(), unsettled))

    def so_far(self) -> float:
        """Credits at stake since the run began; what earlier creates turn out not to have cost buys nothing."""
        return sum(
            history.at_stake() - before + _given_back(history, unsettled)
            for history, before, unsettled in self._before
        )

    def covered(self, credits: float) -> bool:
        """Whether the wallet holds that much, as far as is known."""
        return self.balance is None or self.so_far() + credits <= self.balance

    def decided(self, key: str) -> None:
        """A person chose to pay again for a create without an answer: nobody waits for that answer any more."""
        self._decided.add(key)

    @property
    def decided_keys(self) -> Collection[str]:
        """The creates for whose answer nobody waits any more."""
        return self._decided

    def awaited(self, history: History) -> list[Attempt]:
        """Creates of a storyboard without an answer, at prices never told, that nobody has decided about."""
        return [one for one in history.unanswered_unpriced() if one.client_request_id not in self._decided]

    def any_awaited(self) -> bool:
        """Whether any storyboard has such a create."""
        return any(self.awaited(history) for history, _, _ in self._before)


def _given_back(history: History, unsettled: dict[str, float]) -> float:
    """How much less creates of earlier runs cost than was counted for them when this run began."""
    return sum(max(0, was - history.stake_of(history.attempts[key])) for key, was in unsettled.items())


class Budget:
    """The caps that hold for one storyboard: ``budget.max_credits`` over its whole life, and the run's.

    ``shared``: the project's budgets limit it, too (see ``project.debits``).
    """

    def __init__(
        self, max_credits: float | None, history: History, spending: Spending, *, shared: bool = False
    ) -> None:
        self._max_credits = max_credits
        self._history = history
        self._spending = spending
        self._shared = shared

    @property
    def capped(self) -> bool:
        """Whether any cap is set."""
        return self._shared or self._max_credits is not None or self._spending.cap is not None

    def unanswered_unpriced(self) -> bool:
        """Whether a create at a price that was never told has no answer: while a cap is set, one is enough.

        Under the run's cap one of any storyboard is, under ``budget.max_credits`` one of this one.
        """
        if self._spending.cap is not None:
            return self._spending.any_awaited()
        return self._max_credits is not None and bool(self._spending.awaited(self._history))

    def refusal(self, credits: float | None) -> SpendDenied | None:
        """Why a create of this estimate would pass a cap."""
        least = credits if credits is not None else LEAST
        most, cap = self._max_credits, self._spending.cap
        if most is not None and (life := self._history.at_stake()) + least > most:
            return SpendDenied(_words("budget.max_credits", most, life, least))
        if cap is not None and (run := self._spending.so_far()) + least > cap:
            return SpendDenied(_words("--max-credits", cap, run, least))
        return None


def _words(cap: str, limit: float, spent: float, credits: float) -> str:
    return f"{cap} is {limit:g}: {spent:g} spent or at stake, this take would add {credits:g}"


class SpendGate:
    """Admits creates: never past a cap, and few at a time where the price or the balance is uncertain.

    Waiting (``room``) and the right itself (``admit``) are apart, so that nobody holds a slot among the tasks in
    flight while waiting here: a throttled create would wait for that slot, and both for ever.
    """

    def __init__(self, spending: Spending) -> None:
        self.spending = spending
        self._changed = anyio.Event()
        self._unpriced = 0
        self._doubtful = 0
        self._resent: set[str] = set()

    def expect(self, key: str) -> None:
        """An open create of an earlier run, at an unknown price, will be sent again: its answer is waited for."""
        self._resent.add(key)

    def settled(self, key: str) -> None:
        """That create was answered, or won't be in this run."""
        if key in self._resent:
            self._resent.discard(key)
            self.give_back()

    async def room(self, budget: Budget, estimate_now: Callable[[], Estimate]) -> None:
        """Wait until a create could be admitted, or would be refused.

        ``estimate_now`` is asked again after each wait, since an answer may have told the price.
        """
        while self._crowded(budget, estimate_now()):
            await self._changed.wait()

    def admit(self, budget: Budget, cost: Estimate) -> SpendPermit | SpendDenied | None:
        """The right to send one create at once, why there is none, or None: wait (again) for room.

        A create that the wallet can't cover, as far as is known, is let through alone and held until its task
        has ended: only the API knows its own balance, and one refusal is enough.
        """
        refusal = budget.refusal(cost.credits)
        if refusal is None and self._crowded(budget, cost):
            return None
        denied = self.denial(budget, cost)
        if denied is not None:
            return denied
        admission = SpendPermit(self, cost, _unpriced(cost), self._doubts(cost))
        self._unpriced += admission.unpriced
        self._doubtful += admission.doubtful
        return admission

    def denial(self, budget: Budget, cost: Estimate) -> SpendDenied | None:
        """Why a create may not be sent as things are; for one with a permit, where others went on since."""
        refusal = budget.refusal(cost.credits)
        if refusal is None and _unpriced(cost) and budget.unanswered_unpriced():
            return SpendDenied(
                "a create got no response and its price is not known: while a cap is set, nothing more is created"
            )
        return refusal

    def _crowded(self, budget: Budget, cost: Estimate) -> bool:
        if budget.refusal(cost.credits) is not None:
            return False
        if _unpriced(cost) and budget.capped and (self._unpriced or self._resent):
            return True
        if _unpriced(cost) and self._unpriced >= UNPRICED_AT_ONCE:
            return True
        return self._doubtful > 0 and self._doubts(cost)

    def _doubts(self, cost: Estimate) -> bool:
        return not self.spending.covered(cost.credits or 0)

    def give_back(self, *, unpriced: bool = False, doubtful: bool = False) -> None:
        """A create was answered (``unpriced``) or its task has ended (``doubtful``): others may look again."""
        self._unpriced -= unpriced
        self._doubtful -= doubtful
        self._changed.set()
        self._changed = anyio.Event()


def _unpriced(cost: Estimate) -> bool:
    return cost.basis != "observed"


class SpendPermit:
    """The right to send one create; ``cost`` is what it is thought to cost."""

    def __init__(self, gate: SpendGate, cost: Estimate, unpriced: bool, doubtful: bool) -> None:
        self.cost = cost
        self.unpriced = unpriced
        self.doubtful = doubtful
        self._gate = gate

    def answered(self) -> None:
        """The create was answered, or won't be: the price, if told, is in the history by now."""
        unpriced, self.unpriced = self.unpriced, False
        if unpriced:
            self._gate.give_back(unpriced=True)

    def over(self) -> None:
        """Its task has ended, or nobody waits for it any more."""
        self.answered()
        doubtful, self.doubtful = self.doubtful, False
        self._gate.give_back(doubtful=doubtful)
