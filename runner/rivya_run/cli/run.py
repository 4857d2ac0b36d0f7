"""``rivya-run run``: plan, then make what is missing."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from rivya_run.cli import options as shared


@click.command("run", short_help="Plan, then make what is missing.")
@shared.storyboards(required=False)
@shared.place
@shared.choosing
@shared.shown(
    "--concurrency", type=click.IntRange(1, 1000), default=8, metavar="N", help="Tasks in flight at once."
)
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

    A STORYBOARD that is a folder means every storyboard in it. Interrupted runs go on where they stopped:
    run the same command again. Results are in outputs/<storyboard id>/ of the project.

    \b
    Exit codes: 0 every wanted take is there, 1 some failed or are not finished, 2 usage, 3 problems in the
    storyboard, 4 the key is missing or refused, 5 out of credits, 6 unknown outcomes await a decision,
    7 the output folder can't be used, 130 interrupted.
    """
    from rivya_run.cli.plan import chosen
    from rivya_run.cli.rerun_cache import RerunCache
    from rivya_run.cli.run_messages import PlanConfirmation, show_end, show_end_error
    from rivya_run.engine.run import run
    from rivya_run.errors import RivyaError, UsageError
    from rivya_run.project.open import storyboard_files
    from rivya_run.views import progress_for

    options = shared.run_options(given)
    progress_view = progress_for(
        progress, sys.stderr, os.environ, concurrency=options.concurrency, verbose=verbose
    )
    try:
        saved = None
        if plan_file is not None:
            storyboards, options, saved = chosen(ctx, plan_file, storyboards, options)
        if not storyboards:
            raise UsageError("there is no STORYBOARD to run", hint="rivya-run STORYBOARD, or --help")
        files = storyboard_files(storyboards)
        confirmation = PlanConfirmation(progress_view, saved, None if yes else confirm_above)
        rerun_cache = RerunCache(files, options)
        try:
            result = run(
                files,
                options,
                environment=os.environ,
                tell=progress_view.report,
                confirm=confirmation.check,
                ended=rerun_cache.keep if saved is None else None,
            )
        finally:
            progress_view.close()
    except RivyaError as error:
        show_end_error(error, as_json=progress == "json")
        ctx.exit(error.exit_code)
    show_end(result, options, as_json=progress == "json")
    ctx.exit(result.exit_code)
