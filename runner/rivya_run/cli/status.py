"""``rivya-run status``: what the manifest holds, what it cost, what is unknown."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rivya_run.cli import options as shared

if TYPE_CHECKING:
    from rivya_run.planning.next_commands import NextCommand
    from rivya_run.project.places import Outputs
    from rivya_run.project.plan import RunOptions
    from rivya_run.project.proposals import Proposals
    from rivya_run.project.results import Results


@click.command("status", short_help="What exists, what it cost, what is unknown.")
@shared.reads_books
@shared.storyboards()
@shared.place
@click.option("--json", "as_json", is_flag=True, help="Print the manifest as it is, and 'next'.")
def command(storyboards: tuple[Path, ...], simulate: bool, outputs: Outputs, as_json: bool) -> None:
    """Show what storyboards have made: each take with its file, credits, errors and warnings.

    A * marks the take that stands for its shot. Unknown outcomes come first. Under 'next' are the commands that
    make sense now, by what the storyboard says now.
    """
    from rivya_run.project.proposals import proposals_for

    found = list(shared.results_of_each(storyboards, outputs, simulate=simulate))
    options = shared.run_options({"simulate": simulate, "outputs": outputs})
    proposed = [_with_unknown(file, one, proposals_for(file, options), options) for file, one in found]
    if as_json:
        _print_manifests([(one, some.commands) for (_, one), some in zip(found, proposed, strict=True)])
        return
    for number, ((file, one), some) in enumerate(zip(found, proposed, strict=True)):
        if number:
            click.echo()
        _show(file, one, some)


def _with_unknown(file: Path, one: Results, proposed: Proposals, options: RunOptions) -> Proposals:
    """Of a storyboard that can't be planned, the manifest says what is unknown all the same."""
    if proposed.problem is None:
        return proposed
    from dataclasses import replace

    from rivya_run.planning.next_commands import next_commands
    from rivya_run.project.files import shown_name
    from rivya_run.project.places import project_root
    from rivya_run.project.proposals import typed
    from rivya_run.views.status_view import unknown_standings

    named = typed(shown_name(file), project_root(file), options)
    unknown = next_commands(unknown_standings(one.manifest), named)
    return replace(proposed, commands=[*proposed.commands, *unknown])


def _print_manifests(found: list[tuple[Results, list[NextCommand]]]) -> None:
    """One manifest as its bytes are, with ``next`` behind them; several as a list."""
    contents = [_with_next(_as_written(one), commands) for one, commands in found]
    if len(contents) == 1:
        click.echo(contents[0], nl=False)
    else:
        click.echo(b"[" + b",\n".join(content.strip() for content in contents) + b"]\n", nl=False)


def _with_next(manifest: bytes, commands: list[NextCommand]) -> bytes:
    import json

    following = json.dumps([one.command for one in commands])
    whole = manifest.rstrip().removesuffix(b"}").rstrip()
    comma = b"" if whole.endswith(b"{") else b","
    return whole + comma + f'\n "next": {following}\n}}\n'.encode()


def _as_written(one: Results) -> bytes:
    from rivya_run.errors import OutputFolderError
    from rivya_run.journal.manifest_file import text_of
    from rivya_run.project.places import MANIFEST

    if one.rebuilt:
        return b"".join(text_of(one.manifest))
    try:
        return (one.folder / MANIFEST).read_bytes()
    except OSError as error:
        raise OutputFolderError(f"the manifest can't be read: {error.strerror}") from error


def _show(file: Path, one: Results, proposed: Proposals) -> None:
    from rivya_run.text import visible
    from rivya_run.views.status_view import (
        CHOSEN,
        CREDITS_COLUMN,
        HEADS,
        scenes,
        totals_lines,
        unknown_lines,
        version_lines,
    )
    from rivya_run.views.wording import STATUS_COLOURS, next_lines, show_columns

    manifest = one.manifest
    name = str((manifest.get("storyboard") or {}).get("id") or one.folder.name)
    click.echo(visible(f"{name}, {one.folder}, as of {manifest.get('updated_at')}"))
    for line in unknown_lines(manifest):
        click.echo(line)
    shown = scenes(manifest, proposed.held)
    for scene in shown:
        click.echo()
        if scene.name:
            click.echo(f"scene {scene.name}")
        show_columns(HEADS, scene.rows, [CREDITS_COLUMN], used=True, colours=STATUS_COLOURS)
    click.echo()
    if any(row[0].endswith(CHOSEN) for scene in shown for row in scene.rows):
        click.echo(f"{CHOSEN.strip()} the take that the film shows, and that other shots are made from")
    for line in (*version_lines(manifest), *totals_lines(manifest)):
        click.echo(visible(line))
    if _edited(file, manifest):
        click.echo(
            f"the storyboard has changed since: rivya-run plan {visible(str(file))} shows what a run does"
        )
    for line in next_lines(proposed.commands):
        click.echo(line)


def _edited(file: Path, manifest: dict[str, object]) -> bool:
    from rivya_run.project.outputs import sha256_of

    storyboard = manifest.get("storyboard")
    known = storyboard.get("sha256") if isinstance(storyboard, dict) else None
    return known is not None and known != sha256_of(file)
