"""``rivya-run merge-manifest``: what git calls to merge two manifests (``rivya-run init --git`` sets it up)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from rivya_run.cli import options


@click.command("merge-manifest", short_help="Git's merge driver for manifests.")
@click.argument("base", type=options.FILE)
@click.argument("ours", type=options.FILE)
@click.argument("theirs", type=options.FILE)
@click.option("--path", metavar="PATH", help="What the file is called in the repository, for messages.")
@click.pass_context
def command(ctx: click.Context, /, base: Path, ours: Path, theirs: Path, path: str | None) -> None:
    """Merge two manifests that began from BASE into OURS: the union of what was paid for.

    \b
    Git calls it, once 'rivya-run init --git' has set it up: %O %A %B --path %P. BASE may be empty. Where both
    sides say of one task what can't both be, OURS has ours of it, and the exit code is 1: a conflict for git.
    Two tasks that came of one key are none: both are kept. What is no manifest leaves OURS as it is.
    """
    from rivya_run.cli.messages import say
    from rivya_run.durable import write_atomically
    from rivya_run.errors import RivyaError
    from rivya_run.journal.judging import Nonsense
    from rivya_run.journal.manifest_file import text_of
    from rivya_run.journal.merging import merged
    from rivya_run.text import visible

    name = visible(path or str(ours))
    try:
        common = _read(base, "what both began from", name) if base.stat().st_size else None
    except (RivyaError, OSError) as error:
        say(f"note: merged without what both began from: {visible(str(error))}")
        common = None
    sides = [_read(file, side, name) for file, side in ((ours, "ours"), (theirs, "theirs"))]
    try:
        found = merged(common, *sides)
    except Nonsense as nonsense:
        raise RivyaError(
            f"{name}: the manifests can't be merged: {nonsense}",
            hint="nothing was changed; ours is as it was",
        ) from nonsense
    write_atomically(ours, text_of(found.document))
    for conflict in found.conflicts:
        say(f"conflict: {name}: {visible(conflict)}; ours was kept")
    if found.conflicts:
        say(f"hint: see in Rivya's own task list which is true, then 'git add {name}'")
        ctx.exit(RivyaError.exit_code)


def _read(file: Path, side: str, name: str) -> dict[str, Any]:
    """One of the manifests; what is wrong in it is told under the name that people know it by."""
    from rivya_run.errors import OutputFolderError, RivyaError, UsageError
    from rivya_run.project.ledger import manifest_at

    try:
        return manifest_at(file)
    except FileNotFoundError:
        raise UsageError(f"there is no file '{file}'") from None
    except OutputFolderError as error:
        message = error.message.replace(str(file), f"{name}, {side}", 1)
        raise RivyaError(message, hint=error.hint) from error
