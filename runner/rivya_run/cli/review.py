"""``rivya-run review``: the page, served on this machine, so that what is decided on it is written."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from rivya_run.cli import options


@click.command("review", short_help="The page, served here: decide on it, and watch a run.")
@options.reads_books
@options.one_storyboard
@options.place
@options.outside
@options.shown(
    "--port", type=click.IntRange(0, 65535), default=0, help="Port on this machine (0: any free one)."
)
@click.option(
    "--open/--no-open", "show", default=None, help="Open the page in a browser; by default, from a terminal."
)
def command(storyboard: Path, port: int, show: bool | None, **given: Any) -> None:
    """Serve the page of 'report' on this machine, until Ctrl-C.

    Pick and Approve on it write into the storyboard. It follows the storyboard and a run that goes on. Only who
    knows its address can open it, and no other web page can read it or decide anything.
    """
    from rivya_run.cli.messages import missing_library, say

    try:
        from rivya_run.review.server import serve
    except ModuleNotFoundError as error:
        raise missing_library(error, "review", extra="review") from error

    def began(address: str) -> None:
        click.echo(address)
        sys.stdout.flush()
        say(f"Decisions are written into {storyboard}. Press Ctrl-C to stop.")
        if show if show is not None else sys.stdout.isatty():
            click.launch(address)

    with suppress(KeyboardInterrupt):
        serve(storyboard, options.run_options(given), port, began=began, tell=say)
