"""``rivya-run prices``: what the API was seen to charge. No network, nothing written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rivya_run.cli import options as shared

if TYPE_CHECKING:
    from rivya_run.project.places import Outputs


@click.command("prices", short_help="What the API was seen to charge, per model and params.")
@shared.reads_books
@shared.books
@shared.shown(
    "--format", "form", type=click.Choice(("table", "json")), default="table", help="How to print it."
)
def command(paths: tuple[Path, ...], outputs: Outputs, form: str) -> None:
    """Show what was learned of prices, from the records: what the API reserved last for a model and params, how
    often it has told a price for them, and when last.

    PATH is a storyboard, or a folder for the whole project that it is in (default: the one you are in).
    """
    from rivya_run.project.accounts import learned_prices, price_document
    from rivya_run.project.paid_books import paid_books

    found = learned_prices(paid_books(shared.folders_of_books(paths, outputs)))
    if form == "json":
        from rivya_run.cli.messages import echo_json

        echo_json([price_document(one) for one in found])
        return
    from rivya_run.text import figure
    from rivya_run.views.wording import show_columns

    rows = [
        (
            one.model,
            ", ".join(f"{name}={_value(value)}" for name, value in one.params.items()),
            figure(one.credits),
            str(one.times),
            one.last or "",
        )
        for one in found
    ]
    if rows:
        show_columns(("model", "params", "credits", "times", "last"), rows, (2, 3))
    else:
        click.echo("the API has told no price yet")


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
