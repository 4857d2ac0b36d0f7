"""``rivya-run mcp``: the program for agents, as a server on standard input and output."""

from __future__ import annotations

from pathlib import Path

import click

from rivya_run.cli import options as shared
from rivya_run.errors import UsageError


@click.command("mcp", short_help="A server for agents, on standard input and output.")
@click.option(
    "--root",
    type=shared.FOLDER,
    metavar="DIR",
    help="Serve this project and nothing outside of it; without, that of the current folder.",
)
@shared.by_hand("--allow-spend", is_flag=True, help="Agents may spend credits; needs --max-credits.")
@shared.by_hand(
    "--max-credits",
    type=shared.CREDITS,
    metavar="N",
    help="What all agents of the project may spend in any 24 hours, over all servers.",
)
@shared.by_hand("--allow-write", is_flag=True, help="Agents may write picks into storyboards.")
@shared.by_hand("--allow-approve", is_flag=True, help="Agents may write approvals into storyboards.")
@shared.concurrency
@shared.poll_interval
def command(
    root: Path | None,
    allow_spend: bool,
    max_credits: float | None,
    allow_write: bool,
    allow_approve: bool,
    concurrency: int,
    poll_interval: float,
) -> None:
    """Serve the Model Context Protocol: an agent's host starts this and speaks to it.

    Without more, agents can look, plan, simulate and export. What they may do beyond is said here alone, never by the
    environment. The API key is read from RIVYA_API_KEY, and no tool takes or shows it.
    """
    if allow_spend and max_credits is None:
        raise UsageError("--allow-spend needs --max-credits N", hint="what agents may spend in any 24 hours")
    if max_credits is not None and not allow_spend:
        raise UsageError("--max-credits is for --allow-spend: without it nothing is spent")
    from rivya_run.mcp_server.confined import ConfinedRoot
    from rivya_run.mcp_server.permissions import Permissions
    from rivya_run.mcp_server.server import serve
    from rivya_run.project.places import project_root

    folder = root if root is not None else project_root(Path.cwd() / "storyboard.yaml")
    may = Permissions(max_credits, allow_write, allow_approve, concurrency, poll_interval)
    serve(ConfinedRoot(folder), may)
