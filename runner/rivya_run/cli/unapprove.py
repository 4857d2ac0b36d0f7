"""``rivya-run unapprove``: take out of the storyboard that a take is settled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from rivya_run.cli import options as shared


@click.command("unapprove", short_help="Take out of the storyboard that a take is settled.")
@shared.decided_shot
@shared.place
@shared.outside
def command(storyboard: Path, shot: str, **given: Any) -> None:
    """Take 'approved' of SHOT out of the storyboard. Only the bytes of that key change."""
    from rivya_run.project.decisions import unapprove

    click.echo(unapprove(storyboard, shot, shared.run_options(given)).message)
