"""Between plan and run: advice, notices, the saved plan, and the question whether to spend that much."""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from dataclasses import replace

import click

from rivya_run.cli.failures import say, show_error
from rivya_run.engine.run import RunResult
from rivya_run.errors import PlanMoved, RivyaError, UsageError
from rivya_run.planning.plan import SPENDING
from rivya_run.progress import Event
from rivya_run.project.plan import Prepared, RunOptions
from rivya_run.project.saved_plan import SavedPlan, moved_steps, plan_document
from rivya_run.text import visible
from rivya_run.views import ProgressReporter
from rivya_run.views.plan_view import totals_lines
from rivya_run.views.progress import JsonReporter, Outlet
from rivya_run.views.summary import Ended, summary


class PlanConfirmation:
    """Sees the plans before anything is done. ``above`` None: nobody is asked."""

    def __init__(self, progress_view: ProgressReporter, saved: SavedPlan | None, above: float | None) -> None:
        self._progress = progress_view
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
        self._progress.plans([one.plan for one in prepared])

    def _show_advice(self, one: Prepared) -> None:
        if isinstance(self._progress, JsonReporter):
            self._progress.problems(one.source.advice)
            if one.notice:
                self._progress.report(
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
        if isinstance(self._progress, JsonReporter) or not _is_terminal():
            raise UsageError(
                f"this run would spend {cost}, more than --confirm-above {above:g}; nothing was done",
                hint="there is no terminal to ask on: add --yes, or raise the limit",
            )
        for one in prepared:
            for line in totals_lines(one.plan):
                say(visible(line))
        if not click.confirm(f"Spend {cost}?", default=False, err=True):
            raise UsageError("not confirmed; nothing was done")


def show_advice(one: Prepared) -> None:
    """Advice of the storyboard and what is to be known of its folder, on standard error."""
    if one.source.advice:
        from rivya_run.storyboard.problems import as_text

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


def show_end(
    result: RunResult,
    options: RunOptions,
    *,
    as_json: bool,
    only: Collection[tuple[str, int]] | None = None,
) -> None:
    """The summary, and what ended the run early. ``only``: of these takes (shot, take) alone."""
    if not as_json:
        for line in summary(_ended(result, options, only)):
            say(line)
    if result.error is not None:
        show_end_error(result.error, as_json=as_json)


def show_end_error(error: RivyaError, *, as_json: bool) -> None:
    """An error; as an event where standard error holds JSON lines and nothing else."""
    if not as_json:
        show_error(error)
        return
    reporter = JsonReporter(Outlet(sys.stderr))
    reporter.failure(error)
    reporter.close()


def _ended(result: RunResult, options: RunOptions, only: Collection[tuple[str, int]] | None) -> list[Ended]:
    again = ["--simulate"] if options.simulate else []
    again += ["--outputs", str(options.outputs)] if options.outputs is not None else []
    again += ["--allow-outside"] if options.allow_outside else []
    selection = [word for pattern in options.only for word in ("--only", pattern)]
    selection += [word for pattern in options.exclude for word in ("--exclude", pattern)]
    ended = []
    for board in result.boards:
        plan = board.plan
        if only is not None:
            steps = tuple(
                step if step.wanted else replace(step, skip_reason=None)
                for step in plan.steps
                if (step.shot.id, step.take) in only
            )
            plan = replace(plan, steps=steps)
        ended.append(
            Ended(
                board.storyboard.id,
                board.storyboard.path,
                tuple(again),
                str(board.folder),
                plan,
                board.outcomes,
                board.ledger.history,
                () if only is not None else tuple(selection),
            )
        )
    return ended
