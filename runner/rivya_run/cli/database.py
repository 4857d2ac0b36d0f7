"""``rivya-run database``: books that several machines share, made, filled and mended."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import click

from rivya_run.cli import options as shared
from rivya_run.text import visible


@click.group("database", short_help="Books that several machines share: make, import, repair.")
def command() -> None:
    """Keep the records of storyboards in a Postgres database, where several machines use one account.

    Every command that reads or writes records takes --database URL (or RIVYA_RUN_DATABASE).
    """


@command.command("init", short_help="Make the tables, or bring them up to date.")
@shared.needs_database
def init(database: str) -> None:
    """Make the tables in a database, or bring those of an older version up to date. Twice is fine."""
    from rivya_run.postgres.database import Database
    from rivya_run.postgres.queue import install

    with closing(Database(database)) as found:
        before, after = found.initialise()
        install(found)
        name = found.books
    did = (
        "has the tables already"
        if before == after
        else "has the tables now"
        if not before
        else "was brought up to date"
    )
    click.echo(visible(f"{found.shown} {did} (version {after}); manifests name it {name}"))


@command.command("import", short_help="Bring the records of storyboards into the database.")
@shared.storyboards()
@shared.place
@shared.needs_database
def import_(storyboards: tuple[Path, ...], database: str, **given: Any) -> None:
    """Bring the journal of each STORYBOARD, or its manifest where there is no journal, into the database.

    What both know is there once: it may be done from every clone, and again. The journal in the output folder is
    sealed: from then on nothing is created for the storyboard without --database.
    """
    from rivya_run.project.database_books import import_books

    _each(storyboards, database, given, import_books)


@command.command("repair", short_help="Bring a database up to what manifests know.")
@shared.storyboards()
@shared.place
@shared.needs_database
def repair(storyboards: tuple[Path, ...], database: str, **given: Any) -> None:
    """Take what the manifest of each STORYBOARD knows into a database that was restored from an older backup.

    Nothing that is on record is taken back, and nothing is paid.
    """
    from rivya_run.project.database_books import repair_books

    _each(storyboards, database, given, repair_books)


def _each(storyboards: tuple[Path, ...], url: str, given: dict[str, Any], work: Any) -> None:
    from rivya_run.errors import UsageError
    from rivya_run.project.books import open_database
    from rivya_run.project.open import storyboard_files

    if given.get("simulate"):
        raise UsageError("what is simulated is never in a database")
    with open_database(url) as found:
        for file in storyboard_files(storyboards):
            click.echo(visible(f"{file}: {work(file, found, shared.run_options(given))}"))
