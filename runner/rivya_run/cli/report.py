"""``rivya-run report``: a page to look at all takes, pick and compare."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rivya_run.cli import options

if TYPE_CHECKING:
    from rivya_run.project.places import Outputs


@click.command("report", short_help="A page to review, compare and pick takes.")
@options.reads_books
@options.storyboards()
@options.place
@click.option(
    "--embed",
    is_flag=True,
    help="Put small copies of clips and sounds into the page, so that it can be sent as a single file.",
)
@options.outside
@click.option("--open", "show", is_flag=True, help="Open the page when it is written.")
def command(
    storyboards: tuple[Path, ...],
    simulate: bool,
    outputs: Outputs,
    embed: bool,
    allow_outside: bool,
    show: bool,
) -> None:
    """Write report.html into the output folder: the film, all takes with players, spend, a timeline of the run.

    One file that opens from disk; nothing in it is loaded from the network.
    """
    from rivya_run.api import report
    from rivya_run.cli.messages import cut_progress, say, show_notices
    from rivya_run.project.open import storyboard_files

    for storyboard in storyboard_files(storyboards):
        with cut_progress() as progress:
            page = report(
                storyboard,
                embed=embed,
                simulate=simulate,
                outputs=outputs,
                allow_outside=allow_outside,
                progress=progress,
                notice=lambda words: show_notices([words]),
                tell=say,
            )
        click.echo(page)
        if show:
            click.launch(str(page))
