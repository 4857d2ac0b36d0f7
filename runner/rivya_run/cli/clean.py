"""``rivya-run clean``: files that no present take uses."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from rivya_run.cli import options as shared


@click.command("clean", short_help="List files that no present take uses; --yes removes them.")
@shared.writes_books
@shared.storyboards()
@shared.place
@shared.reading
@shared.by_hand("--yes", is_flag=True, help="Remove them. Must be typed; no environment variable sets it.")
def command(storyboards: tuple[Path, ...], yes: bool, **given: Any) -> None:
    """List the files in the output folders that no present take uses; with --yes, remove them.

    Clips of shots that were removed or changed, copies that were edited, downloads that nothing needs any more,
    what exports that were killed left half done.
    The journal still records that they were paid for: a take that is wanted again is downloaded, not made
    again, as long as Rivya keeps it. Reports, cuts and files of your own are never touched.
    """
    from rivya_run.project.books import open_database, written_by_us
    from rivya_run.project.clean import remove, unfinished_products, unused_files
    from rivya_run.project.lock import without_exports
    from rivya_run.project.open import storyboard_files
    from rivya_run.project.outputs import size_of
    from rivya_run.project.plan import open_sources, planned
    from rivya_run.text import visible

    options = shared.run_options(given)
    for source in open_sources(storyboard_files(storyboards), options):
        with ExitStack() as stack:
            ledger = None
            if yes and source.folder.is_dir():
                purpose = f"clean {source.relative_path}"
                database = stack.enter_context(open_database(options.database, simulate=options.simulate))
                ledger = stack.enter_context(written_by_us(source.folder, purpose, database))
            [prepared] = stack.enter_context(planned([source], options, ledger=ledger))
            found = unused_files(prepared)
            if stack.enter_context(without_exports(source.folder)):
                found += unfinished_products(source.folder)
            objects = source.home.objects()
            size = sum(objects.get(one.path) or size_of(source.folder / one.path) for one in found)
            for one in found:
                click.echo(visible(f"{one.path}  {one.why}"))
            if yes:
                remove(prepared, found)
            what = "removed" if yes else "could be removed"
            again = "" if yes or not found else " (--yes removes them)"
            click.echo(visible(f"{source.folder}: {len(found)} files, {size / 1e6:.1f} MB {what}{again}"))
