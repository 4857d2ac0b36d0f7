"""``rivya-run approve``: write into the storyboard that a take is settled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from rivya_run.cli import candidates
from rivya_run.cli import options as shared


@click.command("approve", short_help="Write into the storyboard that a take is settled.")
@shared.reads_books
@shared.decided_shot
@click.argument("take", required=False, metavar="[TAKE|DIGITS]", shell_complete=candidates.takes)
@shared.place
@shared.outside
def command(storyboard: Path, shot: str, take: str | None, **given: Any) -> None:
    """Write 'approved' into the storyboard: exactly this take is kept and used, whatever the shot says later.

    It is named by its number, or by at least 8 digits of its file's sha256, which also finds what was made before;
    without, it is the take that is chosen now. Only the bytes of that key change.
    """
    from rivya_run.api import approve

    click.echo(approve(storyboard, shot, take, shared.run_options(given)).message)
