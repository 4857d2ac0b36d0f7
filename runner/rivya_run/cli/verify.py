"""``rivya-run verify``: are all files what was paid for?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rivya_run.cli import options as shared

if TYPE_CHECKING:
    from rivya_run.project.home import FolderHome
    from rivya_run.project.places import Outputs
    from rivya_run.project.plan import RunOptions


@click.command("verify", short_help="Hash every output against the manifest.")
@shared.writes_books
@shared.storyboards()
@shared.place
@click.option("--checks", is_flag=True, help="Look into every clip again, and record what is wrong with it.")
@click.option(
    "--thorough", is_flag=True, help="Read and hash what is in an object store, not only its sizes."
)
@click.pass_context
def command(
    ctx: click.Context,
    storyboards: tuple[Path, ...],
    simulate: bool,
    outputs: Outputs,
    checks: bool,
    thorough: bool,
    database: str | None,
) -> None:
    """Hash every output against the manifest; list what is missing or altered. Exit code 1 if anything is.

    The next run fetches such files again, without paying, as long as Rivya keeps them. Of files in an object store
    (--outputs s3://...) the sizes are compared, with --thorough also what is in them.

    With --checks, the clips that are there are looked into again (black, frozen, short, ratio, silent, damaged), for
    those that an earlier version stored. What is found is listed where it isn't on record, and recorded; nothing is
    made anew for it, and it doesn't change the exit code.
    """
    from rivya_run.project.home import home_of
    from rivya_run.project.plan import RunOptions

    troubled = False
    for file, one in shared.results_of_each(storyboards, outputs, simulate=simulate):
        home = home_of(one.folder, outputs, simulate=simulate)
        troubled |= _verified(file, home, one.manifest, thorough=thorough)
        if checks:
            _checked(
                file, RunOptions(outputs=outputs, database=database, simulate=simulate, allow_outside=True)
            )
    if troubled:
        ctx.exit(1)


def _verified(file: Path, home: FolderHome, manifest: dict[str, object], *, thorough: bool) -> bool:
    """Say what is wrong with one storyboard's files; whether anything is."""
    from rivya_run.errors import OutputFolderError
    from rivya_run.project.verify import files_kept_here, verify
    from rivya_run.text import visible

    good, bad, size = 0, 0, 0
    folder = home.folder
    try:
        for checked in verify(home, manifest, files_kept_here(folder), thorough=thorough):
            if checked.trouble is None:
                good, size = good + 1, size + checked.bytes
            else:
                bad += 1
                past = ", of a take that no shot uses any more" if checked.past else ""
                click.echo(visible(f"{checked.take}  {checked.path} {checked.trouble}{past}"))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise OutputFolderError(f"{folder}: the manifest holds an output that can't be understood") from error
    click.echo(visible(f"{file}: {good} files as paid for ({size / 1e6:.1f} MB), {bad} missing or altered"))
    return bad > 0


def _checked(file: Path, options: RunOptions) -> None:
    """Say what is found in one storyboard's files and wasn't on record."""
    from rivya_run.project.rechecks import rechecked
    from rivya_run.text import visible

    looked, new, other = 0, 0, 0
    for one in rechecked(file, options):
        looked += 1
        new += one.before is None
        other += one.before is not None and one.before != one.now
        if one.now != (one.before or []):
            instead = f" (on record: {'; '.join(one.before)})" if one.before else ""
            click.echo(visible(f"{one.take}  {one.path} {'; '.join(one.now) or 'nothing is wrong'}{instead}"))
    click.echo(
        visible(f"{file}: {looked} files checked, {new} for the first time, {other} with another result")
    )
