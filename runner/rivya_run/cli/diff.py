"""``rivya-run diff``: what changed of storyboards between two git revisions, in words, and what it cost."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from rivya_run.cli import options


@click.command("diff", short_help="What changed between two git revisions, and what it cost.")
@click.argument("revisions", metavar="BASE[..HEAD]")
@click.argument("storyboards", metavar="[STORYBOARD]...", nargs=-1, type=options.STORYBOARD)
@click.option(
    "--format",
    "form",
    type=click.Choice(["markdown", "json"]),
    default="markdown",
    show_default=True,
    help="markdown: for a comment on a pull request.",
)
@click.pass_context
def command(ctx: click.Context, /, revisions: str, storyboards: tuple[Path, ...], form: str) -> None:
    """Tell per shot what changed between two git revisions: prompts, params, picks, approvals in words, takes that
    were made, the credits they cost, and what the plan at HEAD would still cost. No network, nothing is checked out.

    \b
    BASE..HEAD    from one revision to the other
    BASE...HEAD   from where HEAD left BASE, as a pull request shows it
    BASE          from there to the working tree

    Without STORYBOARD it is every storyboard of the repository that changed. One that has problems at HEAD gives
    exit code 3.
    """
    from rivya_run.cli.messages import echo_json
    from rivya_run.errors import StoryboardError
    from rivya_run.project.difference import difference
    from rivya_run.views.diff_view import diff_markdown

    found = difference(revisions, Path.cwd(), list(storyboards))
    if form == "json":
        echo_json(asdict(found))
    else:
        click.echo(diff_markdown(found))
    if any("head" in one.problems for one in found.storyboards):
        ctx.exit(StoryboardError.exit_code)
