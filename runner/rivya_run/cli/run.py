"""``rivya-run run``: plan, then make what is missing."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from rivya_run.cli import options as shared
from rivya_run.cli.messages import say, show_advice, show_error, show_notices
from rivya_run.errors import RivyaError, UsageError
from rivya_run.project.places import DEFAULT_FILE
from rivya_run.text import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from rivya_run.engine.run import RunResult
    from rivya_run.project.plan import Prepared, RunOptions
    from rivya_run.project.saved_plan import SavedPlan
    from rivya_run.views.progress import ProgressReporter
    from rivya_run.views.summary import Ended


@click.command("run", short_help="Plan, then make what is missing.")
@shared.writes_books
@shared.storyboards(default=False)
@shared.place
@shared.choosing
@shared.concurrency
@click.option("--max-credits", type=shared.CREDITS, metavar="N", help="Spend at most this in this run.")
@click.option(
    "--confirm-above", type=shared.CREDITS, metavar="N", help="Ask before a run that would spend more."
)
@click.option("--yes", is_flag=True, help="Don't ask.")
@shared.shown(
    "--idempotency-window",
    type=shared.CREDITS,
    default=3600,
    metavar="S",
    help="How long a create without a response is resent.",
)
@click.option("--fail-fast", is_flag=True, help="Create nothing more after the first failure.")
@click.option(
    "--plan", "plan_file", type=shared.FILE, metavar="FILE", help="Carry out exactly this saved plan."
)
@shared.reading
@shared.following
@click.pass_context
def command(
    ctx: click.Context,
    /,
    storyboards: tuple[Path, ...],
    plan_file: Path | None,
    progress: str,
    verbose: bool,
    confirm_above: float | None,
    yes: bool,
    **given: Any,
) -> None:
    """Make what is missing of storyboards: create, follow, fetch. What was paid for is never paid again.

    A STORYBOARD that is a folder means every storyboard in it; without any, storyboard.yaml is meant.
    Interrupted runs go on where they stopped: run the same command again. Results are in
    outputs/<storyboard id>/ of the project.

    \b
    Exit codes: 0 every wanted take is there, 1 some failed or are not finished, 2 usage, 3 problems in the
    storyboard, 4 the key is missing or refused, 5 out of credits, 6 unknown outcomes await a decision,
    7 the output folder can't be used, 8 all else is done and takes wait for an approval, 130 interrupted.
    """
    from rivya_run.cli.rerun_cache import RerunCache
    from rivya_run.project.open import storyboard_files

    options, as_json = shared.run_options(given), progress == "json"
    try:
        saved = None
        if plan_file is not None:
            storyboards, options, saved = _of_saved_plan(ctx, plan_file, storyboards, options)
        if not storyboards and not Path(DEFAULT_FILE).is_file():
            raise UsageError("there is no STORYBOARD to run", hint="rivya-run STORYBOARD, or --help")
        files = storyboard_files(storyboards or [Path(DEFAULT_FILE)])
        rerun_cache = RerunCache(files, options)
        result = carry_out(
            files,
            options,
            progress=progress,
            verbose=verbose,
            saved=saved,
            confirm_above=None if yes else confirm_above,
            ended=rerun_cache.keep if saved is None else None,
        )
    except RivyaError as error:
        show_end_error(error, as_json=as_json)
        ctx.exit(error.exit_code)
    show_end(result, options, as_json=as_json)
    ctx.exit(result.exit_code)


def _of_film(one: Prepared) -> Sequence[str]:
    """What is to be known of the film that it will be; nothing where nothing is written of it."""
    if not one.source.storyboard.says_of_film:
        return ()
    from rivya_run.film.from_storyboard import planned_films

    return [notice for _, edit, _ in planned_films(one) for notice in edit.notices]


def carry_out(
    files: list[Path],
    options: RunOptions,
    *,
    progress: str,
    verbose: bool,
    saved: SavedPlan | None = None,
    confirm_above: float | None = None,
    ended: Callable[[Sequence[Prepared], RunResult], None] | None = None,
) -> RunResult:
    """Run storyboards with their progress shown. Before anything is done, advice is shown, the plans are held to
    the ``saved`` one, and the person is asked about spending more than ``confirm_above`` (None: isn't asked).

    Raises PlanMoved, UsageError without consent, and what a run raises.
    """
    from rivya_run.engine.run import run
    from rivya_run.project.saved_plan import check_steps
    from rivya_run.views.plan_view import other_choice_lines
    from rivya_run.views.progress import JsonReporter

    view = _reporter(progress, concurrency=options.concurrency, verbose=verbose)

    def confirm(prepared: Sequence[Prepared]) -> None:
        for one in prepared:
            if isinstance(view, JsonReporter):
                notices = [*filter(None, [one.notice]), *other_choice_lines(one.plan), *_of_film(one)]
                view.advise(one.plan.storyboard, one.advice, notices)
            else:
                show_advice(one)
                show_notices([*other_choice_lines(one.plan), *_of_film(one)])
        if saved is not None:
            check_steps(saved, prepared)
        if confirm_above is not None:
            _ask(confirm_above, prepared, can_ask=progress != "json" and _is_terminal())
        view.plans([one.plan for one in prepared])

    try:
        return run(files, options, environment=os.environ, tell=view.report, confirm=confirm, ended=ended)
    finally:
        view.close()


def _reporter(kind: str, *, concurrency: int, verbose: bool) -> ProgressReporter:
    """The way of reporting that was asked for; ``auto`` and ``live`` draw only on a terminal that can be drawn on."""
    from rivya_run.views.progress import JsonReporter, Outlet, PlainReporter

    outlet = Outlet(sys.stderr if kind != "none" else None)
    if kind == "json":
        return JsonReporter(outlet)
    if kind in {"auto", "live"} and outlet.isatty() and os.environ.get("TERM") != "dumb":
        from rivya_run.views.live import PICTURES_KEPT, LiveReporter

        return LiveReporter(Outlet(sys.stderr, most=PICTURES_KEPT), concurrency=concurrency, verbose=verbose)
    return PlainReporter(outlet, verbose=verbose)


def _ask(above: float, prepared: Sequence[Prepared], *, can_ask: bool) -> None:
    from rivya_run.planning.plan import SPENDING
    from rivya_run.views.plan_view import totals_lines

    now = sum(one.plan.totals.now for one in prepared)
    unpriced = any(
        step.credits is None and step.action in SPENDING for one in prepared for step in one.plan.steps
    )
    if now <= above and not unpriced:
        return
    how = "at least" if any(one.plan.at_least for one in prepared) else "about"
    cost = f"{how} {now:g} credits" + (" and takes of unknown cost" if unpriced else "")
    if not can_ask:
        raise UsageError(
            f"this run would spend {cost}, more than --confirm-above {above:g}; nothing was done",
            hint="there is no terminal to ask on: add --yes, or raise the limit",
        )
    for one in prepared:
        for line in totals_lines(one.plan):
            say(visible(line))
    if not click.confirm(f"Spend {cost}?", default=False, err=True):
        raise UsageError("not confirmed; nothing was done")


def _is_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr is not None and sys.stderr.isatty()


def _of_saved_plan(
    ctx: click.Context, file: Path, named: tuple[Path, ...], options: RunOptions
) -> tuple[tuple[Path, ...], RunOptions, SavedPlan]:
    """What a saved plan runs: its storyboards, its options over those given, and the plan.

    Raises PlanMoved where it no longer fits, UsageError where the command line contradicts it.
    """
    from rivya_run.project.open import storyboard_files
    from rivya_run.project.plan import open_sources
    from rivya_run.project.saved_plan import check_sources, choices_of, options_of, read_saved

    try:
        saved = read_saved(file.read_bytes(), str(file))
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"'{visible(str(file))}' can't be read: {reason}") from error
    for name, value in choices_of(options).items():
        typed = ctx.get_parameter_source(name) in (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT)
        if typed and value != saved.choices[name]:
            raise UsageError(
                f"--{name.replace('_', '-')} contradicts the saved plan",
                hint="give it to 'rivya-run plan --out', or leave --plan out",
            )
    options = replace(options, **options_of(saved.choices))
    paths = tuple(Path(basis.path) for basis in saved.bases)
    if named and [path.resolve() for path in storyboard_files(named)] != [path.resolve() for path in paths]:
        raise UsageError(
            f"the plan was made for {', '.join(visible(str(path)) for path in paths)}",
            hint="leave the storyboards out: the plan names them",
        )
    check_sources(saved, open_sources(list(paths), options))
    return paths, options, saved


def show_end(
    result: RunResult,
    options: RunOptions,
    *,
    as_json: bool,
    only: Collection[tuple[str, int]] | None = None,
) -> None:
    """The summary, and what ended the run early. ``only``: of these takes (shot, take) alone."""
    from rivya_run.views.summary import summary

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
    from rivya_run.views.progress import JsonReporter, Outlet

    reporter = JsonReporter(Outlet(sys.stderr))
    reporter.failure(error)
    reporter.close()


def _ended(result: RunResult, options: RunOptions, only: Collection[tuple[str, int]] | None) -> list[Ended]:
    from rivya_run.project.proposals import typed as typed_as
    from rivya_run.views.summary import Ended

    once = replace(options, retry_failed=False, resend_unknown=False)  # to be said again each time
    ended = []
    for board in result.boards:
        plan = board.plan
        typed = typed_as(board.storyboard.path, board.source.root, once)
        if only is not None:
            typed = replace(typed, selection=())
            steps = tuple(
                step if step.wanted else replace(step, skip_reason=None)
                for step in plan.steps
                if (step.shot.id, step.take) in only
            )
            plan = replace(plan, steps=steps)
        ended.append(
            Ended(
                board.storyboard.id,
                typed,
                board.source.home.where,
                plan,
                board.outcomes,
                board.ledger.history,
            )
        )
    return ended
