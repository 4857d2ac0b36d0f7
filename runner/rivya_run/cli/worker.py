"""``rivya-run worker``: carry storyboards that were submitted."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rivya_run.cli import options as shared
from rivya_run.cli.messages import say
from rivya_run.text import visible

if TYPE_CHECKING:
    from rivya_run.project.places import Outputs


@click.command("worker", short_help="Carry storyboards that were submitted.")
@shared.needs_database
@shared.shown("--boards", type=click.IntRange(1, 100), default=1, metavar="N", help="Storyboards at a time.")
@click.option("--name", metavar="TEXT", help="What people call this worker.  [default: host and process]")
@click.option(
    "--outputs",
    type=shared.RESULTS,
    help="Results go to DIR/<storyboard id>, or into an object store.  "
    "[default: outputs, in the folder where it is started]",
    metavar="DIR|URL",
)
def command(database: str, boards: int, name: str | None, outputs: Outputs) -> None:
    """Take storyboards that were submitted, and run each in a process of its own, until it is stopped.

    The API key is read from RIVYA_API_KEY; options of the runs are set as RIVYA_RUN_<OPTION>. SIGTERM or Ctrl-C is
    the first Ctrl-C of each run: nothing more is created, and another worker goes on. A second one ends at once.
    """
    from rivya_run.engine.worker import Worker, WorkerOptions
    from rivya_run.project.books import open_database
    from rivya_run.project.places import OUTPUTS
    from rivya_run.provider.network import Network
    from rivya_run.provider.origin import api_key, base_url, checked_base_url

    api_key(os.environ)
    checked_base_url(base_url(os.environ))
    Network.of_environment()
    with open_database(database):
        pass
    place = outputs if isinstance(outputs, str) else (outputs or Path(OUTPUTS)).absolute()
    called = name or f"{platform.node()}:{os.getpid()}"
    say(visible(f"{called} takes storyboards, {boards} at a time; results go to {place}"))
    Worker(
        database, WorkerOptions(called, boards, str(place), os.environ), lambda words: say(visible(words))
    ).run()
