"""``rivya-run pick``: write into the storyboard which take stands for a shot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from rivya_run.cli import candidates
from rivya_run.cli import options as shared


@click.command("pick", short_help="Write into the storyboard which take stands for a shot.")
@shared.reads_books
@shared.decided_shot
@click.argument("take", shell_complete=candidates.takes)
@shared.place
@shared.outside
def command(storyboard: Path, shot: str, take: str, **given: Any) -> None:
    """Write 'pick' into the storyboard: the take TAKE stands for SHOT, in the film and for other shots.

    SHOT is the id of what is made: hero-black of a matrix, sh010-tall of a version. Only the bytes of that
    key change; a run that goes on keeps what it planned.
    """
    from rivya_run.api import pick

    click.echo(pick(storyboard, shot, take, shared.run_options(given)).message)
