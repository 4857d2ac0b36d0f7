"""``rivya-run clean``: files that no present take uses."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rivya_run.cli import options as shared

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rivya_run.journal.attempt import Attempt
    from rivya_run.project.clean import Unused
    from rivya_run.project.plan import Prepared, RunOptions, Source


@click.command("clean", short_help="List files that no present take uses; --yes removes them.")
@shared.storyboards()
@shared.place
@shared.reading
@click.option(
    "--yes", is_flag=True, envvar=(), help="Remove them. Must be typed; no environment variable sets it."
)
def command(storyboards: tuple[Path, ...], yes: bool, **given: Any) -> None:
    """List the files in the output folders that no present take uses; with --yes, remove them.

    Clips of shots that were removed or changed, copies that were edited, downloads that nothing needs any more.
    The journal still records that they were paid for: a take that is wanted again is downloaded, not made
    again, as long as Rivya keeps it. Reports, cuts and files of your own are never touched.
    """
    from rivya_run.project.open import storyboard_files
    from rivya_run.project.plan import open_sources

    options = shared.run_options(given)
    for source in open_sources(storyboard_files(storyboards), options):
        with ExitStack() as stack:
            if yes and source.folder.is_dir():
                from rivya_run.project.lock import locked

                stack.enter_context(locked(source.folder, f"clean {source.relative_path}"))
            _clean(source, options, stack, remove=yes)


def _clean(source: Source, options: RunOptions, stack: ExitStack, *, remove: bool) -> None:
    from rivya_run.planning.matching import serving_of
    from rivya_run.project.clean import files_in, unused
    from rivya_run.project.ledger import Ledger
    from rivya_run.project.plan import prepare
    from rivya_run.text import visible
    from rivya_run.times import iso

    ledger = Ledger(source.folder, now=lambda: iso(time.time()))
    stack.callback(ledger.close)
    prepared = prepare(source, ledger, options, None, base_url=None, writing=False)
    history = ledger.history
    present = set(serving_of(prepared.plan, history).values())
    there = files_in(source.folder)
    there = sorted({*there} - _only_copies(source.folder, there, history.attempts))
    found = unused(history.attempts, present, there, prepared.bad_files)
    size = 0
    for one in found:
        file = source.folder / one.path
        size += file.stat().st_size
        click.echo(visible(f"{one.path}  {one.why}"))
    if remove:
        _remove(source, prepared, found)
    what = "removed" if remove else "could be removed"
    again = "" if remove or not found else " (--yes removes them)"
    click.echo(visible(f"{source.folder}: {len(found)} files, {size / 1e6:.1f} MB {what}{again}"))


def _only_copies(folder: Path, there: list[str], attempts: Mapping[str, Attempt]) -> set[str]:
    """Files that hold something paid which isn't under its name, whatever they are called themselves.

    They are what a run that was killed left to move, copies that were set aside, and whole downloads of which the
    records have lost track.
    """
    from rivya_run.media.measuring import look_into
    from rivya_run.project.names import download_key
    from rivya_run.project.outputs import file_trouble, outstanding, sha256_of, size_of
    from rivya_run.project.places import ARRIVING

    kept = {move.source for move in outstanding(folder, attempts.values())}
    known = {download_key(key) for key in attempts}
    away = [
        output
        for attempt in attempts.values()
        for output in attempt.outputs
        if not output.removed and file_trouble(folder, output) is not None
    ]
    sizes, sums = {output.bytes for output in away}, {output.sha256 for output in away}
    for path in there:
        file = folder / path
        lost = path.startswith(f"{ARRIVING}/") and file.name.partition("_")[0] not in known
        whole = lost and not file.suffix.startswith(".json") and look_into(file).doubt is None
        if whole or (size_of(file) in sizes and sha256_of(file) in sums):
            kept.add(path)
    return kept


def _remove(source: Source, prepared: Prepared, found: list[Unused]) -> None:
    """On record first, then gone."""
    from rivya_run import __version__
    from rivya_run.durable import unwritable
    from rivya_run.journal.events import Removed
    from rivya_run.project.plan import run_started

    ledger = prepared.ledger
    recorded = [one for one in found if one.key is not None]
    if recorded:
        origin = prepared.made_with or ledger.history.base_url or ""
        ledger.record(run_started(source, origin, __version__, os.getpid()))
        for one in recorded:
            ledger.record(Removed(key=one.key or "", path=one.path))
        ledger.sync()
    for one in found:
        file = source.folder / one.path
        try:
            file.unlink(missing_ok=True)
            if not any(file.parent.iterdir()):
                file.parent.rmdir()
        except OSError as error:
            raise unwritable(file, error) from error
