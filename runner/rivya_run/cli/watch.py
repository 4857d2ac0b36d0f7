"""``rivya-run watch``: on save, what a person would type next: validate, plan, and with --simulate run and report."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rivya_run.cli import options

if TYPE_CHECKING:
    from rivya_run.project.places import Outputs


@click.command("watch", short_help="On save: validate, plan, with --simulate render.")
@options.one_storyboard
@options.place
def command(storyboard: Path, simulate: bool, outputs: Outputs) -> None:
    """Each time the storyboard, a file that it names or includes, or a project table is saved: validate and plan.

    With --simulate also render the animatic and update the report. Never spends anything. Ends with Ctrl-C.
    """
    from rivya_run.project.open import read_file

    read_file(storyboard)  # what isn't there now was misspelt; what goes away later may come back
    render(storyboard, simulate, outputs)
    for _ in saves(storyboard):
        click.echo(f"\n{time.strftime('%H:%M:%S')} saved", err=True)
        render(storyboard, simulate, outputs)


def render(storyboard: Path, simulate: bool, outputs: Outputs) -> bool:
    """One round; False when a step failed, which ends the round and not the watch."""
    place = [*(["--outputs", str(outputs)] if outputs is not None else []), *(["--simulate"] * simulate)]
    steps = [["validate", str(storyboard)], ["plan", str(storyboard), *place]]
    if simulate:
        steps += [["run", str(storyboard), *place], ["report", str(storyboard), *place]]
    return all(_step(*step) == 0 for step in steps)


def _step(name: str, *words: str) -> int:
    """One command, its errors shown as always; its exit code."""
    from rivya_run.cli.app import load
    from rivya_run.cli.messages import show_failure
    from rivya_run.errors import Interrupted

    try:
        code = load(name).main(list(words), prog_name=f"rivya-run {name}", standalone_mode=False)
    except Exception as error:
        code = show_failure(error)
    if code == Interrupted.exit_code:
        raise KeyboardInterrupt  # Ctrl-C in a simulated run ends the watch as well
    return code if isinstance(code, int) else 0


def saves(storyboard: Path) -> Iterator[None]:
    """One item each time something the storyboard is made of was saved; the list is renewed every time."""
    from watchfiles import watch

    from rivya_run.project.open import made_of

    while True:
        wanted = frozenset(made_of(storyboard))
        folders = sorted({path.parent for path in wanted if path.parent.is_dir()})
        for saved in watch(*folders, recursive=False):
            if any(Path(path) in wanted for _, path in saved):
                break
        yield
