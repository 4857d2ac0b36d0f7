"""``rivya-run plan``: what a run would do, why, and what it costs. No network, nothing written."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rivya_run.cli import options as shared
from rivya_run.errors import SOMETHING_TO_DO, UsageError
from rivya_run.json_types import Json
from rivya_run.text import visible

if TYPE_CHECKING:
    from rivya_run.project.plan import Prepared, RunOptions
    from rivya_run.project.saved_plan import SavedPlan


@click.command("plan", short_help="What a run would do, why, and what it costs.")
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
    unknown), skip. Credits are 'observed' (what the API took for the same before) or 'base' (the table's
    price of default params, with the day it was read). 'worst' counts every retry.
    """
    from rivya_run.project.open import storyboard_files
    from rivya_run.project.plan import open_sources

    form = "json" if as_json else form
    options = shared.run_options(given)
    _only_one(expand=expand, since=since, from_timeline=from_timeline, out=out)
    if out is not None:
        from rivya_run.cli.targets import PRODUCTS, free_to_write

        out = free_to_write(out, PRODUCTS["plan"])
    sources = open_sources(storyboard_files(storyboards), options)
    if expand:
        from rivya_run.storyboard.expand import expanded

        for source in sources:
            click.echo(expanded(source.storyboard, source.catalog).encode(), nl=False)
        return
    with ExitStack() as stack:
        prepared = planned(sources, options, stack)
        _advise(prepared)
        if since is not None:
            from rivya_run.cli.comparisons import show_since

            show_since(since, prepared, form)
        elif from_timeline is not None:
            from rivya_run.cli.comparisons import show_used

            show_used(from_timeline, prepared, form)
        else:
            _show(prepared, form)
            if out is not None:
                _save(out, prepared, options)
        if detailed_exitcode and _something(prepared):
            ctx.exit(SOMETHING_TO_DO)


def _only_one(**ways: object) -> None:
    """--expand, --since and --from-timeline print something else than a plan, --out saves one."""
    from rivya_run.errors import UsageError

    chosen = [f"--{name.replace('_', '-')}" for name, value in ways.items() if value]
    if len(chosen) > 1:
        raise UsageError(f"{' and '.join(chosen)} can't be used together")


def planned(sources: Sequence[Any], options: RunOptions, stack: ExitStack) -> list[Prepared]:
    """The plans, their journals open for reading until the stack closes; nothing is locked or written."""
    import time

    from rivya_run.project.ledger import Ledger
    from rivya_run.project.plan import prepare
    from rivya_run.storyboard.model import selected_shots
    from rivya_run.times import iso

    selections = selected_shots([source.storyboard for source in sources], options.only, options.exclude)
    prepared = []
    for source, selected in zip(sources, selections, strict=True):
        ledger = Ledger(source.folder, now=lambda: iso(time.time()))
        stack.callback(ledger.close)
        prepared.append(prepare(source, ledger, options, selected, base_url=None, writing=False))
    return prepared


def _advise(prepared: Sequence[Prepared]) -> None:
    from rivya_run.cli.run_messages import show_advice

    for one in prepared:
        show_advice(one)


def _something(prepared: Sequence[Prepared]) -> bool:
    from rivya_run.project.saved_plan import something_to_do

    return any(something_to_do(one.plan) for one in prepared)


def _show(prepared: Sequence[Prepared], form: str) -> None:
    from rivya_run.project.saved_plan import plan_document
    from rivya_run.views.plan_view import plan_markdown

    plans = [one.plan for one in prepared]
    if form == "json":
        documents = [plan_document(plan) for plan in plans]
        click.echo(json.dumps(documents if len(plans) > 1 else documents[0], ensure_ascii=False, indent=2))
    elif form == "markdown":
        click.echo(plan_markdown(plans))
    else:
        _show_tables(prepared)


def _show_tables(prepared: Sequence[Prepared]) -> None:
    from rivya_run.text import visible
    from rivya_run.views.plan_view import CREDITS_COLUMN, HEADS, plan_rows, totals_lines
    from rivya_run.views.tables import show_columns

    for number, one in enumerate(prepared):
        if number:
            click.echo()
        show_columns(HEADS, plan_rows(one.plan), [CREDITS_COLUMN], used=True)
        for line in totals_lines(one.plan):
            click.echo(visible(line))


def _save(out: Path, prepared: Sequence[Prepared], options: RunOptions) -> None:
    from rivya_run.durable import write_atomically
    from rivya_run.errors import RivyaError, UsageError
    from rivya_run.project.saved_plan import basis_of, saved
    from rivya_run.text import visible

    bases = [basis_of(one.source) for one in prepared]
    content = saved([one.plan for one in prepared], bases, choices_of(options))
    try:
        write_atomically(out, content)
    except RivyaError as error:
        raise UsageError(error.message) from error
    click.echo(f"saved: rivya-run run --plan {visible(str(out))}", err=True)


def chosen(
    ctx: click.Context, file: Path, named: tuple[Path, ...], options: RunOptions
) -> tuple[tuple[Path, ...], RunOptions, SavedPlan]:
    """What a saved plan runs: its storyboards, its options over those given, and the plan.

    Raises StoryboardError (PlanMoved) where it no longer fits, UsageError where the command line says otherwise.
    """
    from rivya_run.cli.run_messages import plan_moved
    from rivya_run.project.open import storyboard_files
    from rivya_run.project.plan import open_sources
    from rivya_run.project.saved_plan import basis_of, moved, read_saved

    try:
        saved = read_saved(file.read_bytes(), str(file))
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"'{visible(str(file))}' can't be read: {reason}") from error
    _check_given(ctx, saved.choices, options)
    options = replace(options, **options_of(saved.choices))
    paths = tuple(Path(basis.path) for basis in saved.bases)
    if named and [path.resolve() for path in storyboard_files(named)] != [path.resolve() for path in paths]:
        raise UsageError(
            f"the plan was made for {', '.join(visible(str(path)) for path in paths)}",
            hint="leave the storyboards out: the plan names them",
        )
    changes = []
    for then, source in zip(saved.bases, open_sources(list(paths), options), strict=True):
        changes += moved(then, basis_of(source))
    if changes:
        raise plan_moved(changes)
    return paths, options, saved


def choices_of(options: RunOptions) -> dict[str, Json]:
    """The options that a plan is made with, as its file keeps them."""
    from rivya_run.project.saved_plan import CHOICES

    found = {name: getattr(options, name) for name in CHOICES}
    return {
        name: list(value) if isinstance(value, tuple) else str(value) if isinstance(value, Path) else value
        for name, value in found.items()
    }


def options_of(choices: Mapping[str, Any]) -> dict[str, Any]:
    """The same as fields of RunOptions."""
    found = dict(choices)
    found["only"], found["exclude"] = tuple(found["only"]), tuple(found["exclude"])
    found["outputs"] = Path(found["outputs"]) if found["outputs"] is not None else None
    return found


def _check_given(ctx: click.Context, choices: Mapping[str, Any], options: RunOptions) -> None:
    """An option that was typed may not say otherwise than the plan."""
    given = choices_of(options)
    for name in given:
        typed = ctx.get_parameter_source(name) in {
            click.core.ParameterSource.COMMANDLINE,
            click.core.ParameterSource.ENVIRONMENT,
        }
        if typed and given[name] != choices[name]:
            raise UsageError(
                f"--{name.replace('_', '-')} contradicts the saved plan",
                hint="give it to 'rivya-run plan --out', or leave --plan out",
            )
