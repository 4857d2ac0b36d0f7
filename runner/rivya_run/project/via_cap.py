"""What all creates of one way in may come to in any 24 hours, over all storyboards of a project."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from rivya_run.project.debit_lines import Debit
from rivya_run.project.plan import RunOptions
from rivya_run.text import figure
from rivya_run.times import iso

DAY: Final = 86_400.0

_ROUNDING: Final = 1e-6
"""Credits that a sum of fractions may be off by."""


@dataclass(frozen=True, slots=True)
class ViaCap:
    """The way in (``mcp``: agents), and what it may spend."""

    via: str
    max_credits: float

    def __str__(self) -> str:
        return f"max_credits of {self.via} ({figure(self.max_credits)} in 24 hours)"


def via_cap(options: RunOptions) -> ViaCap | None:
    """What a run's options limit its way in to. What is simulated counts nowhere."""
    if options.simulate or options.via is None or options.via_max_credits is None:
        return None
    return ViaCap(options.via, options.via_max_credits)


class ViaSpending:
    """The debits of one way in, and what of its cap they leave. ``now`` is the wall clock."""

    def __init__(self, cap: ViaCap, now: Callable[[], float]) -> None:
        self.cap = cap
        self._now = now
        self._debits: dict[tuple[str, str], Debit] = {}

    def count(self, before: Debit | None, debit: Debit | None) -> None:
        """A debit is new (second) or gone (first)."""
        if before is not None:
            self._debits.pop((before.folder, before.key), None)
        if debit is not None and debit.via == self.cap.via:
            self._debits[debit.folder, debit.key] = debit

    def counted(self) -> float:
        """Credits of the last 24 hours, and those of which nobody knows the time.

        Only the wall clock says when these hours began, not the highest time on record: a time that somebody wrote
        into a record would free what was spent. What lies in the future counts.
        """
        since = iso(self._now() - DAY)
        return sum(one.credits for one in self._debits.values() if not one.at or one.at >= since)

    def beyond(self, via: str | None, credits: float) -> str | None:
        """Why a create of so many credits isn't allowed; None for one that is, or that came by another way."""
        if via != self.cap.via or self.counted() + credits <= self.cap.max_credits + _ROUNDING:
            return None
        return (
            f"{self.cap}: {figure(self.counted())} spent or at stake, this take would add {figure(credits)}"
        )
