"""Budgets over several storyboards: what is left of them, and the debits of creates before these are sent."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rivya_run.journal.fold import LEAST, History
from rivya_run.project.budget_file import ProjectBudget
from rivya_run.project.debit_file import DebitFile
from rivya_run.project.debit_lines import (
    ROUNDING,
    BudgetRefusal,
    Debit,
    DebitStore,
    GivenBack,
    Line,
    corrected,
    corrections,
    debit_of,
)
from rivya_run.project.via_cap import ViaCap, ViaSpending
from rivya_run.storyboard.model import Shot, Storyboard
from rivya_run.text import figure
from rivya_run.times import iso

OTHERS_ANSWER_WITHIN: Final = 60.0
"""Seconds that a run waits for the answer to another one's create at an unknown price: killed, it gets none."""


@dataclass(frozen=True, slots=True)
class WantedDebit:
    """A create that is to be debited. ``credits`` None: nothing is known of its cost; ``unpriced``: the API never
    told it. ``decided`` are creates for whose answer nobody waits any more."""

    key: str
    credits: float | None
    client: str | None
    tags: tuple[str, ...]
    unpriced: bool
    decided: Collection[str] = ()
    via: str | None = None


class ProjectBudgets:
    """The budgets of one project, with what counts towards each. ``now`` is the wall clock; ``store`` makes the place
    where debits are kept, given what is to hear of each: the project's own file otherwise. ``cap``, which needs
    ``now``, limits what comes by one way in."""

    def __init__(
        self,
        root: Path,
        budgets: Iterable[ProjectBudget],
        places: Iterable[Path] = (),
        now: Callable[[], float] | None = None,
        store: Callable[[Callable[[Debit | None, Debit | None], None]], DebitStore] | None = None,
        *,
        cap: ViaCap | None = None,
    ) -> None:
        self.budgets = tuple(budgets)
        self.by_via = ViaSpending(cap, now) if cap is not None and now is not None else None
        self.store: DebitStore = store(self._count) if store else DebitFile(root, places, self._count)
        self._sums: dict[tuple[ProjectBudget, str], float] = {}
        self._unpriced: dict[tuple[str, str], Debit] = {}
        self._now = now

    def of(self, storyboard: str, client: str | None, tags: Collection[str]) -> list[ProjectBudget]:
        """The budgets that a create counts towards."""
        return [one for one in self.budgets if one.matches(storyboard, client, tags)]

    def concern(self, storyboard: Storyboard) -> bool:
        """Whether any budget limits what may be made of a storyboard."""
        mine = any(self.of(storyboard.id, storyboard.client, shot.tags) for shot in storyboard.made)
        return mine or self.by_via is not None

    def counted(self, budget: ProjectBudget) -> float:
        """Credits that count towards a budget in its present period."""
        always = self._sums.get((budget, ""), 0.0) if budget.per != "ever" else 0.0
        return always + self._sums.get((budget, budget.period(self.time)), 0.0)

    @property
    def time(self) -> str:
        """The time by which days and months are told: a clock that goes back gives nothing back."""
        return max(self.store.highest, iso(self._now()) if self._now is not None else "")

    def open(self, mine: Collection[Path]) -> None:
        """Know all that counts. ``mine`` are the folders that this process alone writes to.

        Raises OutputFolderError and its kinds."""
        self.store.open(mine)

    def refusal(self, asked: WantedDebit, storyboard: str) -> BudgetRefusal | None:
        """Why a create isn't allowed now."""
        least = asked.credits if asked.credits is not None else LEAST
        budgets = self.of(storyboard, asked.client, asked.tags)
        for budget in budgets:
            counted = self.counted(budget)
            if counted + least > budget.max_credits + ROUNDING:
                return BudgetRefusal(
                    f"{budget}: {figure(counted)} spent or at stake, this take would add {figure(least)}; "
                    "raise max_credits there to go on"
                )
        if self.by_via is not None and (message := self.by_via.beyond(asked.via, least)) is not None:
            return BudgetRefusal(message)
        for debit in self._unpriced.values() if asked.unpriced else ():
            if debit.key not in asked.decided:
                for shared in self._shared_with(debit, asked, budgets):
                    return BudgetRefusal(
                        f"{shared}: a create of {debit.storyboard} got no response and its price is not known; "
                        "until it is answered or decided nothing more is created at an unknown price",
                        waits=OTHERS_ANSWER_WITHIN,
                    )
        return None

    def _shared_with(
        self, debit: Debit, asked: WantedDebit, budgets: Iterable[ProjectBudget]
    ) -> Iterator[ProjectBudget | ViaCap]:
        """What limits a create that is debited and one that is asked for together; ``budgets`` are the latter's."""
        yield from (one for one in budgets if one.matches(debit.storyboard, debit.client, debit.tags))
        if self.by_via is not None and debit.via == asked.via == self.by_via.cap.via:
            yield self.by_via.cap

    def _count(self, before: Debit | None, debit: Debit | None) -> None:
        if self.by_via is not None:
            self.by_via.count(before, debit)
        for one, sign in ((before, -1), (debit, 1)):
            if one is None:
                continue
            for budget in self.of(one.storyboard, one.client, one.tags):
                place = (budget, budget.period(one.at))
                self._sums[place] = self._sums.get(place, 0.0) + sign * one.credits
            if sign > 0 and one.unpriced:
                self._unpriced[one.folder, one.key] = one
            else:
                self._unpriced.pop((one.folder, one.key), None)


class BoardDebits:
    """The debits of one storyboard in a run."""

    def __init__(
        self,
        budgets: ProjectBudgets,
        storyboard: Storyboard,
        folder: Path,
        history: History,
        *,
        via: str | None = None,
    ) -> None:
        self.concerned = budgets.concern(storyboard)
        self._via = via
        self.remote = budgets.store.remote
        self._budgets = budgets
        self._store = budgets.store
        self._storyboard = storyboard
        self._folder = folder
        self._name = budgets.store.name_of(folder)
        self._history = history
        self._changed: set[str] = set()
        self._deciding: set[str] = set()
        self._holding = False

    def asked(
        self, key: str, shot: Shot, credits: float | None, unpriced: bool, decided: Collection[str]
    ) -> WantedDebit:
        """What a create of a shot is to be debited with."""
        return WantedDebit(key, credits, self._storyboard.client, shot.tags, unpriced, decided, self._via)

    @contextmanager
    def debiting(self, asked: WantedDebit) -> Iterator[BudgetRefusal | str]:
        """Debit a create, durably before the block begins, whose intent is put on record in it: the time that it
        counts at. Or why it can't be made. Raises OutputFolderError and its kinds.
        """
        due = self._due if not self.remote else list
        with self._store.debiting((self._name, asked.key), due, lambda: self._decided(asked)) as decided:
            if isinstance(decided, BudgetRefusal):
                yield decided
                return
            self._holding = True  # what is on record of this key now is what became of it before
            try:
                yield decided.at
            finally:
                self._holding = False

    def debited(self, asked: WantedDebit) -> BudgetRefusal | str:
        """The same, where the intent is put on record afterwards, and then ``again`` is called. For another thread.

        Until then nothing is on record of the key, and it isn't given back for that.
        """
        self._deciding.add(asked.key)
        with self.debiting(asked) as found:
            return found

    def changed(self, key: str) -> None:
        """Something was put on record of an attempt: correct what is debited for it, now or soon."""
        self._changed.add(key)
        self.correct()

    def correct(self) -> None:
        """Correct what has to be, unless it can't be now: then later, and at any rate before anything more is
        debited."""
        if self._holding or self.remote:
            return
        self._changed = {key for key in self._changed if self._lines(key)}
        if self._changed and self._store.correct(self._due):
            self._changed.clear()

    def taken(self) -> list[Line]:
        """The corrections that are due: they are written with what is put on record next."""
        lines = self._due()
        self._changed.clear()
        return lines

    def write_beside(self, cursor: Any, lines: Collection[Line]) -> None:
        """Write them in the transaction of what they come from."""
        self._store.write_beside(cursor, lines)

    def again(self, key: str) -> None:
        """Look at an attempt once more: a create that was debited was put on record, or wasn't."""
        self._deciding.discard(key)
        self._changed.add(key)

    def give_back(self, key: str) -> None:
        """A create that was debited wasn't put on record: others may have its credits, and its place, at once.

        For another thread.
        """
        self._store.correct(lambda: self._lines(key))

    def close(self) -> None:
        """Correct what has to be at the end of a run."""
        known = self._store.debits
        self._store.close(
            self._folder,
            lambda: corrections(
                self._name, self._history, known.get(self._name, {}), places=self._store.places
            ),
        )

    def _decided(self, asked: WantedDebit) -> BudgetRefusal | Debit:
        refusal = self._budgets.refusal(asked, self._storyboard.id)
        return refusal or Debit(
            folder=self._name,
            key=asked.key,
            credits=asked.credits if asked.credits is not None else LEAST,
            at=self._budgets.time,
            client=asked.client,
            tags=asked.tags,
            unpriced=asked.unpriced,
            via=asked.via,
            in_flight=self._store.places,
        )

    def _lines(self, key: str) -> list[Line]:
        known = self._store.debits.get(self._name, {}).get(key)
        attempt = self._history.attempts.get(key)
        if attempt is None:
            return [GivenBack(self._name, key)] if known is not None else []
        debit = debit_of(self._name, attempt, self._history, places=self._store.places)
        return [*corrected(debit, known)]

    def _due(self) -> list[Line]:
        """An answer that told a price may have changed what others count as, too."""
        known = list(self._store.debits.get(self._name, {}).values())
        waiting = {one.key for one in known if not one.told}
        return [
            line for key in sorted({*self._changed, *waiting} - self._deciding) for line in self._lines(key)
        ]
