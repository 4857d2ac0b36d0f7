"""``rivya-run verify``: are all files what was paid for?"""

from __future__ import annotations

from pathlib import Path

import click

from rivya_run.cli import options as shared


@click.command("verify", short_help="Hash every output against the manifest.")
@shared.storyboards()
@shared.place
@click.option("--checks", is_flag=True, help="Look into every clip again, and record what is wrong with it.")
@click.pass_context
def command(
    ctx: click.Context, storyboards: tuple[Path, ...], simulate: bool, outputs: Path | None, checks: bool
) -> None:
    """Hash every output against the manifest; list what is missing or altered. Exit code 1 if anything is.

    The next run fetches such files again, without paying, as long as Rivya keeps them.

    With --checks, the clips that are there are looked into again (black, frozen, short, ratio, silent, damaged), for
    those that an earlier version stored. What is found is listed where it isn't on record, and recorded; nothing is
    made anew for it, and it doesn't change the exit code.
    """
    troubled = False
    for file, one in shared.results_of_each(storyboards, outputs, simulate=simulate):
        troubled |= _verified(file, one.folder, one.manifest)
        if checks:
            _checked(file, outputs, simulate=simulate)
    if troubled:
        ctx.exit(1)


def _verified(file: Path, folder: Path, manifest: dict[str, object]) -> bool:
    """Say what is wrong with one storyboard's files; whether anything is."""
    from rivya_run.errors import OutputFolderError
    from rivya_run.project.verify import files_kept_here, verify
    from rivya_run.text import visible

    good, bad, size = 0, 0, 0
    try:
        for checked in verify(folder, manifest, files_kept_here(folder)):
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


def _checked(file: Path, outputs: Path | None, *, simulate: bool) -> None:
    """Say what is found in one storyboard's files and wasn't on record."""
    from rivya_run.project.plan import RunOptions
    from rivya_run.project.rechecks import rechecked
    from rivya_run.text import visible

    looked, new, other = 0, 0, 0
    for one in rechecked(file, RunOptions(outputs=outputs, simulate=simulate, allow_outside=True)):
        looked += 1
        new += one.before is None
        other += one.before is not None and one.before != one.now
        if one.now != (one.before or []):
            instead = f" (on record: {'; '.join(one.before)})" if one.before else ""
            click.echo(visible(f"{one.take}  {one.path} {'; '.join(one.now) or 'nothing is wrong'}{instead}"))
    click.echo(
        visible(f"{file}: {looked} files checked, {new} for the first time, {other} with another result")
    )
