"""``rivya-run report``: a page to look at all takes, pick and compare."""

from __future__ import annotations

from pathlib import Path

import click

from rivya_run.cli import options


@click.command("report", short_help="A page to review, compare and pick takes.")
@options.storyboards()
@options.place
@click.option(
    "--embed", is_flag=True, help="Embed small clips, so that the page can be sent as a single file."
)
@options.outside
@click.option("--open", "show", is_flag=True, help="Open the page when it is written.")
def command(
    storyboards: tuple[Path, ...],
    simulate: bool,
    outputs: Path | None,
    embed: bool,
    allow_outside: bool,
    show: bool,
) -> None:
    """Write report.html into the output folder: all takes with players, spend and a timeline of the run.

    One file that opens from disk; nothing in it is loaded from the network.
    """
    from rivya_run.cli.messages import show_notices
    from rivya_run.film.edit import edited
    from rivya_run.film.from_storyboard import script_now
    from rivya_run.project.lock import exporting
    from rivya_run.project.open import storyboard_files
    from rivya_run.project.results import present
    from rivya_run.views.page import write_report

    for storyboard in storyboard_files(storyboards):
        found = present(storyboard, outputs, simulate=simulate, allow_outside=allow_outside)
        first = found.source.storyboard.films[0] if found.source is not None else None
        edit = edited(script_now(found, first).script)
        show_notices([*filter(None, [found.notice]), *edit.notices])
        with exporting(found.folder):
            page = write_report(
                found.manifest,
                found.folder,
                storyboard_folder=found.own.folder,
                embed=embed,
                film=float(edit.seconds),
            )
        click.echo(page)
        if show:
            click.launch(str(page))
