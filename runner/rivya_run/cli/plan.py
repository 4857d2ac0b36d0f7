"""``rivya-run plan``: what a run would do, why, and what it costs. No network, nothing written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rivya_run.cli import options as shared
from rivya_run.errors import SOMETHING_TO_DO, RivyaError, UsageError
from rivya_run.json_types import Json
from rivya_run.text import visible

if TYPE_CHECKING:
    from rivya_run.project.plan import Prepared, RunOptions


@click.command("plan", short_help="What a run would do, why, and what it costs.")
@shared.reads_books
@shared.storyboards()
@shared.place
@shared.choosing
@shared.reading
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "markdown"]),
    default="table",
    show_default=True,
    help="markdown: for a comment on a pull request.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--detailed-exitcode", is_flag=True, help="0: nothing to do, 10: something.")
@click.option("--out", type=shared.FILE, metavar="FILE", help="Save the plan for run --plan FILE.")
@click.option("--expand", is_flag=True, help="Print the storyboard as it is after all layers instead.")
@click.option(
    "--since", metavar="REV", help="What changed since a git revision, in takes and credits, instead."
)
@click.option(
    "--from-timeline", type=shared.FILE, metavar="FILE", help="Which takes an edited timeline uses, instead."
)
@click.pass_context
def command(
    ctx: click.Context,
    /,
    storyboards: tuple[Path, ...],
    form: str,
    as_json: bool,
    detailed_exitcode: bool,
    out: Path | None,
    expand: bool,
    since: str | None,
    from_timeline: Path | None,
    **given: Any,
) -> None:
    """Show for each take what a run would do, why, and what it costs. No network, no writing.

    \b
    Actions: create (a new task is paid for), retry (the last attempt failed), resume (a task exists, or a
    create is sent again), download (paid, a file is missing), reuse (all is there), decide (the outcome is
    unknown), wait (for the approval of another shot, or for a file), skip. Credits are 'observed' (what the
    API took for the same before) or 'base' (the table's price of default params, with the day it was read).
    'worst' counts every retry.
    """
    from rivya_run.cli.messages import show_advice
    from rivya_run.project.open import storyboard_files
    from rivya_run.project.plan import open_sources, planned
    from rivya_run.project.plan_budgets import with_budgets
    from rivya_run.project.saved_plan import something_to_do

    form = "json" if as_json else form
    options = shared.run_options(given)
    _only_one(expand=expand, since=since, from_timeline=from_timeline, out=out)
    if out is not None:
        from rivya_run.project.names import PRODUCTS, free_to_write

        out = free_to_write(out, PRODUCTS["plan"])
    sources = open_sources(storyboard_files(storyboards), options, pipes=out is None and since is None)
    if expand:
        from rivya_run.storyboard.expand import expanded

        for source in sources:
            click.echo(expanded(source.storyboard, source.catalog).encode(), nl=False)
        return
    with planned(sources, options) as prepared:
        for one in prepared:
            show_advice(one)
        if not options.simulate:
            with_budgets(prepared)
        if since is not None:
            _show_since(since, prepared, form)
        elif from_timeline is not None:
            _show_used(from_timeline, prepared, form)
        else:
            _show(prepared, form, options)
            if out is not None:
                _save(out, prepared, options)
        if detailed_exitcode and any(something_to_do(one.plan) for one in prepared):
            ctx.exit(SOMETHING_TO_DO)


def _only_one(**ways: object) -> None:
    """--expand, --since and --from-timeline print something else than a plan, --out saves one."""
    chosen = [f"--{name.replace('_', '-')}" for name, value in ways.items() if value]
    if len(chosen) > 1:
        raise UsageError(f"{' and '.join(chosen)} can't be used together")


def _show(prepared: Sequence[Prepared], form: str, options: RunOptions) -> None:
    from rivya_run.project.proposals import proposals
    from rivya_run.project.saved_plan import plan_document
    from rivya_run.views.plan_view import (
        CREDITS_COLUMN,
        HEADS,
        film_lines,
        plan_markdown,
        plan_rows,
        totals_lines,
    )
    from rivya_run.views.wording import ACTION_COLOURS, next_lines, show_columns

    plans = [one.plan for one in prepared]
    films = [_films(one) for one in prepared]
    commands = [proposals(one, options, planning=True).commands for one in prepared]
    if form == "json":
        _echo_documents(
            [
                plan_document(plan)
                | {"films": [film for film, _ in some], "next": [one.command for one in following]}
                for plan, some, following in zip(plans, films, commands, strict=True)
            ]
        )
    elif form == "markdown":
        told = [[line for film in some for line in film_lines(*film)] for some in films]
        click.echo(plan_markdown(plans, told))
    shown = zip(plans, films, commands, strict=True) if form == "table" else ()
    for number, (plan, some, following) in enumerate(shown):
        if number:
            click.echo()
        show_columns(HEADS, plan_rows(plan), [CREDITS_COLUMN], used=True, colours=ACTION_COLOURS)
        for line in (*totals_lines(plan), *(line for film in some for line in film_lines(*film))):
            click.echo(visible(line))
        for line in next_lines(following):
            click.echo(line)


def _films(one: Prepared) -> list[tuple[dict[str, Json], tuple[str, ...]]]:
    """The films that a run comes to, and the shots that each leaves out on purpose; notices are told here."""
    from rivya_run.cli.messages import show_notices
    from rivya_run.film.from_storyboard import film_document, planned_films

    films = planned_films(one)
    show_notices(notice for _, edit, _ in films for notice in edit.notices)
    return [(film_document(version, edit), out) for version, edit, out in films]


def _show_since(revision: str, prepared: Sequence[Prepared], form: str) -> None:
    from rivya_run.project.since import changes_since
    from rivya_run.views.plan_view import (
        CHANGE_HEADS,
        CREDITS_COLUMN,
        change_row,
        changes_line,
        markdown_rows,
    )
    from rivya_run.views.wording import show_columns

    found = [(one.plan.storyboard, changes_since(revision, one)) for one in prepared]
    if form == "json":
        _echo_documents(
            [
                {"storyboard": name, "since": revision, "changes": [asdict(one) for one in some]}
                for name, some in found
            ]
        )
        return
    for name, some in found:
        rows = [change_row(one) for one in some]
        if form == "markdown":
            click.echo("\n".join([*markdown_rows(CHANGE_HEADS, rows), ""]))
        elif rows:
            show_columns(CHANGE_HEADS, rows, [CREDITS_COLUMN])
        click.echo(visible(changes_line(name, revision, some)))


def _show_used(timeline: Path, prepared: Sequence[Prepared], form: str) -> None:
    from rivya_run.film.timeline import used_shots
    from rivya_run.text import figure
    from rivya_run.views.plan_view import USE_HEADS, USE_NUMBERS, use_documents, use_row
    from rivya_run.views.wording import show_columns

    used = used_shots(timeline)
    takes = [document for one in prepared for document in use_documents(one, used)]
    names = {(take["shot"], take["take"]) for take in takes}
    strangers = [take for take in used if (take.shot, take.take) not in names]
    if form == "json":
        unknown = [{"shot": take.shot, "take": take.take, "used_seconds": take.seconds} for take in strangers]
        _echo_documents([{"takes": takes, "unknown": unknown}])
        return
    show_columns(USE_HEADS, [use_row(take) for take in takes], USE_NUMBERS)
    shots = {take["shot"] for take in takes}
    in_use = {take["shot"] for take in takes if take["used_seconds"]}
    click.echo(f"{len(in_use)} of {len(shots)} shots are in the timeline")
    for stranger in strangers:
        name = visible(f"{stranger.shot}/{stranger.take}")
        click.echo(f"not of this storyboard: {name}, {figure(stranger.seconds)} s", err=True)


def _echo_documents(documents: Sequence[object]) -> None:
    """One document for one storyboard, a list for several."""
    from rivya_run.cli.messages import echo_json

    echo_json(documents if len(documents) > 1 else documents[0])


def _save(out: Path, prepared: Sequence[Prepared], options: RunOptions) -> None:
    from rivya_run.durable import write_atomically
    from rivya_run.project.saved_plan import basis_of, choices_of, saved

    bases = [basis_of(one.source) for one in prepared]
    content = saved([one.plan for one in prepared], bases, choices_of(options))
    try:
        write_atomically(out, content)
    except RivyaError as error:
        raise UsageError(error.message) from error
    click.echo(f"saved: rivya-run run --plan {visible(str(out))}", err=True)
