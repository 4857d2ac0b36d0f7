"""``rivya-run adopt``: ties a task that exists to a take, then follows and fetches it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from rivya_run.cli import options as shared


@click.command("adopt", short_help="Attach an existing task to a take.")
@shared.decided_shot
@click.argument("task_id")
@shared.writes_books
@shared.shown("--take", type=click.IntRange(1, 99), default=1, metavar="N", help="Which take of the shot.")
@shared.shown("--key", metavar="KEY", help="Which of its creates, by the key that status shows.")
@shared.place
@shared.reading
@shared.following
@click.pass_context
def command(
    ctx: click.Context,
    /,
    storyboard: Path,
    shot: str,
    task_id: str,
    take: int,
    key: str | None,
    progress: str,
    verbose: bool,
    **given: Any,
) -> None:
    """Attach the task TASK_ID to a take whose outcome is unknown, and fetch its result.

    The task is fetched once; a task of another model, or of another take, is refused. Nothing is created.
    Exit codes are those of run, for this take.
    """
    from dataclasses import replace

    from rivya_run.cli.run import carry_out, show_end
    from rivya_run.engine.adopt import adopt
    from rivya_run.errors import BY_ENDING, UsageError, severest
    from rivya_run.journal.attempt import AttemptState

    if storyboard.is_dir():
        raise UsageError("adopt needs one storyboard file, not a folder")
    if not task_id.strip():
        raise UsageError("TASK_ID is empty", hint="the id of the task at Rivya, such as task_123")
    options = shared.run_options(given)
    key = adopt(storyboard, shot, take, task_id, options, environment=os.environ, key=key)
    click.echo(f"{shot}/{take}: task {task_id} is recorded", err=True)
    # Excluding every shot creates nothing new; what exists is followed and fetched all the same.
    options = replace(options, exclude=("*",))
    result = carry_out([storyboard], options, progress=progress, verbose=verbose)
    show_end(result, options, as_json=progress == "json", only={(shot, take)})
    board = result.boards[0]
    outcome = board.outcomes.get((shot, take))
    stored = board.ledger.history.attempts[key].state is AttemptState.STORED
    code = 0 if stored else BY_ENDING.get(outcome.ending, 0) if outcome is not None else 1
    ctx.exit(severest([code, *([result.error.exit_code] if result.error else [])]))
