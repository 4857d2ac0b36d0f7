"""``rivya-run simulator``: the stand-in as a server, for curl and for anyone's integration tests."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from rivya_run.cli import options

if TYPE_CHECKING:
    from rivya_run.simulator.options import SimulatorOptions

_EXAMPLE = """\
curl -s {url}/api/v1/generations \\
  -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' \\
  -H 'Idempotency-Key: my-first-clip' \\
  -d '{{"model":"{model}","prompt":"A cinematic product reveal","params":{{}}}}'"""


@click.command("simulator", short_help="A local stand-in for Rivya, as a server.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port of the API (0: any free one).")
@click.option("--results-port", type=click.IntRange(0, 65535), default=0, help="Port of the results.")
@click.option(
    "--speed",
    type=click.FloatRange(min=0, min_open=True),
    default=1.0,
    show_default=True,
    help="How much faster tasks run than real ones (3 to 6 s at 1).",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of durations, ids and faults.")
@click.option("--wallet", type=click.FloatRange(min=0), default=1_000_000, help="Credits at the start.")
@click.option(
    "--faults",
    metavar="NAME[,NAME]",
    default="",
    help="What goes wrong: faults (create-lost), places (download) or all, each with =RATE where wanted.",
)
@click.option("--list-faults", is_flag=True, help="List the names of faults and exit.")
@click.option(
    "--concurrency-limit",
    type=click.IntRange(min=1),
    help="Tasks in flight at most; further creates get a 429.",
)
@click.option("--rate-limit", type=click.FloatRange(min=0, min_open=True), help="Requests a second.")
@click.option("--retry-after", metavar="TEXT", help="The Retry-After header of every 429.")
@click.option(
    "--url-lifetime", type=click.FloatRange(min=0, min_open=True), help="Lifetime of result URLs, in seconds."
)
@click.option("--key", metavar="KEY", help="The only API key that is accepted (default: any rvya_sk_...).")
@click.option(
    "--books",
    type=options.FOLDER,
    help="Folder for the server's records: tasks, files and credits survive a restart.",
)
def command(list_faults: bool, faults: str, books: Path | None, seed: int, **settings: Any) -> None:
    """Serve a local stand-in for Rivya, until Ctrl-C.

    It speaks the public API with simulated tasks and real media files, takes no money and needs no account.
    """
    from rivya_run.simulator.faults import PLACES, FaultPlan
    from rivya_run.simulator.options import SimulatorOptions

    if list_faults:
        for place, actions in PLACES.items():
            for action, meaning in actions.items():
                click.echo(f"{f'{place}-{action}':26}{meaning}")
        return
    plan = FaultPlan.named(faults, seed=seed)
    _serve(SimulatorOptions(seed=seed, faults=plan, event_log_folder=books, **settings))


def _serve(options: SimulatorOptions) -> None:
    """Serve until a signal comes; by then everything that was accepted is on disk."""
    from rivya_run.cli.models import project_models
    from rivya_run.models.catalog import DEFAULT_MODEL, load_catalog
    from rivya_run.simulator.hosting import HostedSimulator

    leave = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        leave.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with HostedSimulator(options, load_catalog(project_models()).whole()) as simulator:
            key = options.key or "rvya_sk_anything"
            click.echo(f"Rivya simulator at {simulator.base_url}, results at {simulator.results_url}\n")
            click.echo(_EXAMPLE.format(url=simulator.base_url, key=key, model=DEFAULT_MODEL))
            click.echo(f"\nRIVYA_BASE_URL={simulator.base_url} RIVYA_API_KEY={key} rivya-run STORYBOARD")
            click.echo("Press Ctrl-C to stop.", err=True)
            sys.stdout.flush()
            # Waking up now and then lets Windows deliver Ctrl-C.
            while not leave.wait(0.5):
                pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
