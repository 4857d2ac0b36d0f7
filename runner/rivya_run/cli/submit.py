"""``rivya-run submit``: hand storyboards to the workers."""

from __future__ import annotations

import getpass
import platform
from contextlib import suppress
from pathlib import Path

import click

from rivya_run.cli import options as shared
from rivya_run.cli.messages import say
from rivya_run.text import visible


@click.command("submit", short_help="Hand storyboards to the workers.")
@shared.storyboards()
@shared.needs_database
@shared.shown(
    "--priority",
    type=click.IntRange(-1000, 1000),
    default=0,
    metavar="N",
    help="Higher ones are taken first.",
)
@click.option(
    "--wait", is_flag=True, help="Follow them to their end; the exit code is the most severe of theirs."
)
@click.pass_context
def command(
    ctx: click.Context, /, storyboards: tuple[Path, ...], database: str, priority: int, wait: bool
) -> None:
    """Hand storyboards, with every file that they read, to the workers of a database.

    A STORYBOARD that is a folder means every storyboard in it. What waits or runs already is handed over once; one
    that has changed takes the place of an older one that waits. outputs/<storyboard id>/manifest.json, which is left
    here, says that the records are in the database, and belongs into git.
    """
    from rivya_run.engine.submit import opened_for_workers, submit, wait_for
    from rivya_run.errors import FolderLocked
    from rivya_run.project.books import open_database
    from rivya_run.project.bundle import leave_manifest
    from rivya_run.project.open import storyboard_files
    from rivya_run.storyboard.problems import as_text

    sources = opened_for_workers(storyboard_files(storyboards))
    with open_database(database) as found:
        assert found is not None
        jobs = []
        for source in sources:
            if source.advice:
                say(as_text(source.advice), end="")
            handed = submit(source, found, _who(), priority)
            jobs.append(handed.job)
            words = "submitted" if handed.new else "is in the queue already"
            instead = ", instead of an older version that waited" if handed.instead_of else ""
            say(visible(f"{source.storyboard.id}: {words}{instead}"))
        if not wait:
            return
        try:
            code = wait_for(found, jobs, lambda words: say(visible(words, keep="\n")))
        except KeyboardInterrupt:
            say("not followed any more; the workers go on (submit --wait follows again)")
            raise
        for source in sources:
            with suppress(FolderLocked):  # somebody is at work here, and writes it too
                leave_manifest(source, found, again=True)
        ctx.exit(code)


def _who() -> str:
    """Who submits, for others to see."""
    try:
        return f"{getpass.getuser()}@{platform.node()}"
    except (OSError, KeyError):  # an id without a name, as containers have it
        return platform.node()
