"""``rivya-run ledger``: what the storyboards of a project have cost. No network, nothing written."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rivya_run.cli import options as shared

if TYPE_CHECKING:
    from rivya_run.project.accounts import LedgerRow
    from rivya_run.project.places import Outputs

BY = ("client", "tag", "model", "month", "storyboard", "scene")
UNATTRIBUTED = "(none)"


@click.command("ledger", short_help="What the storyboards of a project have cost, by whom or what.")
@shared.reads_books
@shared.books
@shared.shown("--by", type=click.Choice(BY), default="storyboard", help="What a row is.")
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="Only what was paid on that day (UTC) or later: 2026-11-01.",
)
@shared.shown(
    "--format", "form", type=click.Choice(("table", "json", "csv")), default="table", help="How to print it."
)
def command(paths: tuple[Path, ...], outputs: Outputs, by: str, since: datetime | None, form: str) -> None:
    """Show what was spent, from the records: of all storyboards of the project, those whose file is gone too.

    PATH is a storyboard, or a folder for the whole project that it is in (default: the one you are in). Clients,
    tags and scenes are those of the moment when a take was paid for. What is simulated costs nothing.
    """
    from rivya_run.project.accounts import ledger_rows
    from rivya_run.project.paid_books import paid_books

    start = since.strftime("%Y-%m-%d") if since is not None else None
    rows = ledger_rows(paid_books(shared.folders_of_books(paths, outputs)), by, start)
    if form == "json":
        from rivya_run.cli.messages import echo_json
        from rivya_run.project.accounts import ledger_document

        echo_json(ledger_document(rows))
    elif form == "csv":
        _print_csv(rows)
    else:
        _show(rows, by)


def _print_csv(rows: list[LedgerRow]) -> None:
    import csv
    import io

    from rivya_run.journal.take_entry import whole

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("by", "credits", "takes"))
    writer.writerows((row.by or "", whole(row.credits), row.takes) for row in rows)
    click.echo(out.getvalue(), nl=False)


def _show(rows: list[LedgerRow], by: str) -> None:
    from math import fsum

    from rivya_run.text import credits_in_words, figure
    from rivya_run.views.wording import show_columns

    cells = [
        (row.by if row.by is not None else UNATTRIBUTED, figure(row.credits), str(row.takes)) for row in rows
    ]
    if cells:
        show_columns((by, "credits", "takes"), cells, (1, 2))
    click.echo(f"{credits_in_words(fsum(row.credits for row in rows))} in all")
