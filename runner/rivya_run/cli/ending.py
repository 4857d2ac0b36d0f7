"""The end of a run as a person reads it: what came of it, and what to do next."""

from __future__ import annotations

import sys
from collections.abc import Collection
from dataclasses import replace

from rivya_run.cli.failures import say, show_error
from rivya_run.errors import RivyaError
from rivya_run.records.run import RunOptions
from rivya_run.reporting.json_lines import JsonReporter
from rivya_run.reporting.outlet import Outlet
from rivya_run.reporting.summary import Ended, summary
from rivya_run.run.running import RunResult


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
                replace(step, wanted=True) for step in plan.steps if (step.shot.id, step.take) in only
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
