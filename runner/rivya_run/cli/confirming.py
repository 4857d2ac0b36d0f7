"""Between plan and run: advice, notices, the saved plan, and the question whether to spend that much."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from rivya_run.cli.failures import say
from rivya_run.errors import PlanMoved, UsageError
from rivya_run.planning.plan_file import SavedPlan, moved_steps
from rivya_run.planning.plan_view import plan_document, totals_lines
from rivya_run.records.events import Event
from rivya_run.records.plan import SPENDING
from rivya_run.reporting import Progress
from rivya_run.reporting.json_lines import JsonReporter
from rivya_run.run.preparing import Prepared
from rivya_run.safetext import visible


class Gate:
    """Sees the plans before anything is done. ``above`` None: nobody is asked."""

    def __init__(self, told: Progress, saved: SavedPlan | None, above: float | None) -> None:
        self._told = told
        self._saved = saved
        self._above = above

    def check(self, prepared: Sequence[Prepared]) -> None:
        """Let the run go on, or raise PlanMoved or UsageError."""
        for one in prepared:
            self._show_advice(one)
        if self._saved is not None:
            self._hold_to(self._saved, prepared)
        if self._above is not None:
            self._ask(self._above, prepared)
        self._told.plans([one.plan for one in prepared])

    def _show_advice(self, one: Prepared) -> None:
        if isinstance(self._told, JsonReporter):
            self._told.problems(one.source.advice)
            if one.notice:
                self._told.tell(
                    Event("notice", storyboard=one.plan.storyboard, detail={"message": one.notice})
                )
            return
        show_advice(one)

    def _hold_to(self, saved: SavedPlan, prepared: Sequence[Prepared]) -> None:
        changes = [
            change
            for then, one in zip(saved.plans, prepared, strict=True)
            for change in moved_steps(then, plan_document(one.plan))
        ]
        if changes:
            raise plan_moved(changes)

    def _ask(self, above: float, prepared: Sequence[Prepared]) -> None:
        now = sum(one.plan.totals.now for one in prepared)
        unpriced = any(
            step.credits is None and step.action in SPENDING for one in prepared for step in one.plan.steps
        )
        if now <= above and not unpriced:
            return
        cost = f"about {now:g} credits" + (" and takes of unknown cost" if unpriced else "")
        if isinstance(self._told, JsonReporter) or not _is_terminal():
            raise UsageError(
                f"this run would spend {cost}, more than --confirm-above {above:g}; nothing was done",
                hint="there is nobody to ask here: add --yes, or raise the limit",
            )
        for one in prepared:
            for line in totals_lines(one.plan):
                say(visible(line))
        if not click.confirm(f"Spend {cost}?", default=False, err=True):
            raise UsageError("not confirmed; nothing was done")


def show_advice(one: Prepared) -> None:
    """Advice of the storyboard and what is to be known of its folder, on standard error."""
    if one.source.advice:
        from rivya_run.storyboard.problem_text import as_text

        say(as_text(one.source.advice), end="")
    if one.notice:
        say(f"note: {visible(one.notice)}")


def plan_moved(changes: Sequence[str]) -> PlanMoved:
    """The refusal of a saved plan that no longer fits."""
    most = 10
    shown = [f"  {change}" for change in changes[:most]]
    shown += [f"  and {len(changes) - most} more"] if len(changes) > most else []
    return PlanMoved(
        "the saved plan no longer fits; nothing was done\n" + "\n".join(shown),
        hint="look at the new plan and save it: rivya-run plan STORYBOARD --out FILE",
    )


def _is_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr is not None and sys.stderr.isatty()
