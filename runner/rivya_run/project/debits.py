"""Budgets over several storyboards: what is left of them, and the debits of creates before these are sent."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rivya_run.errors import OutputFolderError
from rivya_run.journal.fold import LEAST, History
from rivya_run.project.budget_file import ProjectBudget
from rivya_run.project.debit_file import (
    Debit,
    DebitFile,
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

_ROUNDING: Final = 1e-6
"""Credits that a sum of fractions may be off by."""

_BUSY: Final = 0.05
"""Seconds that a correction waits for another process; it is made later otherwise."""


@dataclass(frozen=True, slots=True)
class BudgetRefusal:
    """Why a budget allows no create. ``waits``: another one's answer may change that."""

    message: str
    waits: bool = False


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
    """The budgets of one project, with what counts towards each. ``now`` is the wall clock; ``cap``, which needs it,
    limits what comes by one way in."""

    def __init__(
        self,
        root: Path,
        budgets: Iterable[ProjectBudget],
        places: Iterable[Path] = (),
        now: Callable[[], float] | None = None,
        *,
        cap: ViaCap | None = None,
    ) -> None:
        self.budgets = tuple(budgets)
        self.by_via = ViaSpending(cap, now) if cap is not None and now is not None else None
        self.file = DebitFile(root, places, self._count)
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
        return max(self.file.highest, iso(self._now()) if self._now is not None else "")

    def open(self, mine: Collection[Path]) -> None:
        """Make the file agree with all records, or make it. ``mine`` are the folders that this process alone writes
        to. Raises OutputFolderError and its kinds."""
        with self.file.locked():
            self.file.put_right(mine)

    def refusal(self, asked: WantedDebit, storyboard: str) -> BudgetRefusal | None:
        """Why a create isn't allowed now."""
        least = asked.credits if asked.credits is not None else LEAST
        budgets = self.of(storyboard, asked.client, asked.tags)
        for budget in budgets:
            counted = self.counted(budget)
            if counted + least > budget.max_credits + _ROUNDING:
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
                        waits=True,
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
        self._budgets = budgets
        self._storyboard = storyboard
        self._folder = folder
        self._name = budgets.file.name_of(folder)
        self._history = history
        self._changed: set[str] = set()
        self._holding = False

    def asked(
        self, key: str, shot: Shot, credits: float | None, unpriced: bool, decided: Collection[str]
    ) -> WantedDebit:
        """What a create of a shot is to be debited with."""
        return WantedDebit(key, credits, self._storyboard.client, shot.tags, unpriced, decided, self._via)

    @contextmanager
    def debiting(self, asked: WantedDebit) -> Iterator[BudgetRefusal | str]:
        """Debit a create, on disk before the block begins, whose intent is put on record in it: the time that it
        counts at. Or why it can't be made.

        No other process looks at the file meanwhile: it sees both, debit and intent, or none. What the block can't
        record is given back. Raises OutputFolderError and its kinds.
        """
        file = self._budgets.file
        with file.locked():
            self._correct(self._changed)
            refusal = self._budgets.refusal(asked, self._storyboard.id)
            if refusal is not None:
                yield refusal
                return
            at = self._budgets.time
            debit = Debit(
                folder=self._name,
                key=asked.key,
                credits=asked.credits if asked.credits is not None else LEAST,
                at=at,
                client=asked.client,
                tags=asked.tags,
                unpriced=asked.unpriced,
                via=asked.via,
            )
            file.append([debit], durable=True)
            self._holding = True  # what is on record of this key now is what became of it before
            try:
                yield at
            except BaseException:
                with suppress(OutputFolderError):
                    file.append([GivenBack(self._name, asked.key)])
                raise
            finally:
                self._holding = False

    def changed(self, key: str) -> None:
        """Something was put on record of an attempt: correct what is debited for it, now or soon."""
        self._changed.add(key)
        self.correct()

    def correct(self) -> None:
        """Correct what has to be, unless another process is at it, or it can't be: then later, and at any rate
        before anything more is debited."""
        if self._holding:
            return
        self._changed = {key for key in self._changed if self._lines(key)}
        if self._changed:
            with suppress(OutputFolderError), self._budgets.file.locked(_BUSY):
                self._correct(self._changed)

    def close(self) -> None:
        """Correct what has to be, and say that the file has all that is on record: the next run need not look."""
        file = self._budgets.file
        with suppress(OutputFolderError), file.locked():
            file.append(corrections(self._name, self._history, file.debits.get(self._name, {})))
            file.in_step([self._folder])

    def _lines(self, key: str) -> list[Line]:
        attempt = self._history.attempts.get(key)
        if attempt is None:
            return []
        known = self._budgets.file.debits.get(self._name, {}).get(key)
        return [*corrected(debit_of(self._name, attempt, self._history), known)]

    def _correct(self, keys: Collection[str]) -> None:
        """Under the lock. An answer that told a price may have changed what others count as, too."""
        waiting = {one.key for one in self._budgets.file.debits.get(self._name, {}).values() if not one.told}
        self._budgets.file.append(line for key in sorted({*keys, *waiting}) for line in self._lines(key))
        self._changed.clear()
