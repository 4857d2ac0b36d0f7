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
    from rivya_run.cli.messages import cut_progress, say, show_notices
    from rivya_run.film.edit import edited
    from rivya_run.film.from_storyboard import script_now
    from rivya_run.project.lock import exporting
    from rivya_run.project.open import storyboard_files
    from rivya_run.project.results import present
    from rivya_run.views.page import write_report
    from rivya_run.views.page.decided import Decisions

    for storyboard in storyboard_files(storyboards):
        found = present(storyboard, outputs, simulate=simulate, allow_outside=allow_outside)
        lacking = found.fetch()
        versions = found.source.storyboard.films if found.source is not None else (None,)
        scripts = {version: script_now(found, version).script for version in versions}
        notices = [notice for script in scripts.values() for notice in edited(script).notices]
        show_notices([*filter(None, [found.notice]), *lacking, *notices])
        with exporting(found.folder), cut_progress() as progress:
            page = write_report(
                found.manifest,
                found.folder,
                storyboard_folder=found.own.folder,
                embed=embed,
                scripts=scripts,
                decided=Decisions(found),
                progress=progress,
                tell=say,
            )
        click.echo(page)
        if show:
            click.launch(str(page))
