"""``rivya-run models``: the parameter tables as people read them, and what Rivya lists today."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rivya_run.cli import candidates
from rivya_run.cli.messages import echo_json
from rivya_run.durable import write_atomically
from rivya_run.errors import RivyaError, StoryboardError, UsageError
from rivya_run.models.catalog import ENDING, PROJECT_FOLDER, Catalog, load_catalog, read_project_table
from rivya_run.models.sync import (
    Change,
    ChangeKind,
    ListedModel,
    compare,
    new_table,
    renewed_table,
    table_name_is_safe,
)
from rivya_run.suggest import did_you_mean
from rivya_run.text import visible
from rivya_run.views.wording import show_columns

if TYPE_CHECKING:
    from rivya_run.models.table import ModelTable


class ModelsGroup(click.Group):
    """Says what was meant where a model's id stands in a command's place."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if not ctx.resilient_parsing and args[0] not in self.commands and args[0] in _catalog().ids():
            ctx.fail(f"No such command '{args[0]}'. Did you mean 'rivya-run models show {args[0]}'?")
        return super().resolve_command(ctx, args)


@click.group("models", cls=ModelsGroup, short_help="The models, their parameters and prices.")
def command() -> None:
    """The parameter tables: what each model takes and what it costs at least."""


def project_models() -> Path:
    """The ``models/`` folder of the current project; it need not exist."""
    from rivya_run.project.places import project_root

    return project_root(Path.cwd() / "storyboard.yaml") / PROJECT_FOLDER


def _catalog() -> Catalog:
    return load_catalog(project_models())


@command.command("list")
@click.option("--category", help="Only this category: video, image, audio.")
@click.option("--max-credits", type=float, help="Only models whose base credits are at most this.")
@click.option(
    "--references/--no-references", default=None, help="Only models that take references, or don't."
)
@click.option("--json", "as_json", is_flag=True, help="The whole tables, as JSON.")
@click.option("--markdown", is_flag=True, help="The whole tables, as a page (docs/models.md).")
def list_models(
    category: str | None, max_credits: float | None, references: bool | None, as_json: bool, markdown: bool
) -> None:
    """List the models. Base credits are the price of default parameters; others may cost more."""
    if as_json and markdown:
        raise UsageError("--json and --markdown can't be used together")
    catalog = _catalog()
    categories = sorted({table.category for table in catalog.all()})
    if category is not None and category.lower() not in categories:
        hint = did_you_mean(category, categories) or f"; there are {', '.join(categories)}"
        raise UsageError(f"there is no category '{visible(category)}'{hint}")
    _say_broken(catalog)
    tables = [table for table in catalog.all() if _wanted(table, category, max_credits, references)]
    if as_json:
        from rivya_run.models.view import table_document

        echo_json([table_document(table) for table in tables])
    elif markdown:
        from rivya_run.models.view import models_page

        click.echo(models_page(tables).encode(), nl=False)
    else:
        _list(catalog, tables)


def _say_broken(catalog: Catalog) -> None:
    """Name the project tables that can't be used; the others can."""
    if catalog.problems:
        from rivya_run.storyboard.problems import as_text

        click.echo(as_text(catalog.problems), nl=False, err=True)


def _wanted(
    table: ModelTable, category: str | None, max_credits: float | None, references: bool | None
) -> bool:
    if category is not None and table.category != category.lower():
        return False
    if max_credits is not None and (table.base_credits is None or table.base_credits > max_credits):
        return False
    return references is None or (table.references is not None) == references


def _list(catalog: Catalog, tables: list[ModelTable]) -> None:
    from rivya_run.models.view import credits_in_words, prompt_in_words, references_in_words

    heads = ("model", "category", "credits", "prompt", "references", "parameters", "table")
    rows = [
        (
            table.id,
            table.category,
            credits_in_words(table),
            prompt_in_words(table),
            references_in_words(table),
            ", ".join(row.key for row in table.params),
            _state(catalog, table),
        )
        for table in sorted(tables, key=lambda table: (table.category, table.base_credits or 0, table.id))
    ]
    show_columns(heads, rows, numbers=(2,))


def _state(catalog: Catalog, table: ModelTable) -> str:
    words = [] if table.complete else ["incomplete"]
    if catalog.is_project_table(table.id):
        words.append("project")
    if table.api_status not in {None, "available"}:
        words.append(str(table.api_status))
    return ", ".join(words)


@command.command("show")
@click.argument("model_id", metavar="ID", shell_complete=candidates.models)
@click.option("--json", "as_json", is_flag=True, help="The table, as JSON.")
@click.option(
    "--write", is_flag=True, help="Write it into the project's models/ folder, to be changed there."
)
def show_model(model_id: str, as_json: bool, write: bool) -> None:
    """Show one model's table and an example shot.

    With --write it becomes a table of the project, models/ID.yaml: what is changed in it holds here.
    """
    catalog = _catalog()
    table = catalog.get(model_id)
    if table is None:
        message = f"there is no model '{visible(model_id)}'{did_you_mean(model_id, catalog.ids())}"
        raise UsageError(message, hint="rivya-run models list shows them all")
    from rivya_run.models import view as table_view

    if write:
        _write_table(catalog, table)
        return
    if as_json:
        echo_json(table_view.table_document(table))
        return
    billing = f" ({table.billing_type})" if table.billing_type else ""
    _line(f"{table.id}: {table.display_name}")
    _line(f"{table.category}, {table_view.credits_in_words(table)} base credits{billing}")
    _line(f"prompt: {table_view.prompt_in_words(table)}{' (characters)' if table.max_prompt_length else ''}")
    _line(f"references: {table_view.references_in_words(table)}")
    if table.references is not None:
        for text in (*table_view.limits_in_words(table.references), table.references.rule):
            _line(f"  {text}")
    _line(f"page: {table.source_url or 'none'}, read {table.read_on or 'on an unknown day'}")
    for word in filter(None, _state(catalog, table).split(", ")):
        _line(
            {"incomplete": "incomplete: rows may be missing, unknown keys are sent as written"}.get(
                word, word
            )
        )
    _show_rows(table)
    for advice in table.advice:
        _line(f"advice {advice.code}: {advice.message}")
    if table.note:
        _line(f"note: {table.note}")
    click.echo("\n" + visible(table_view.example_shot(table), keep="\n"), nl=False)


def _write_table(catalog: Catalog, table: ModelTable) -> None:
    file = _file_of(project_models(), table.id)
    if file.exists() or file.is_symlink():
        raise UsageError(f"{visible(str(file))} is there already; nothing was written")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("xb") as out:
            out.write(catalog.source(table.id))
    except OSError as error:
        raise UsageError(f"{visible(str(file))} can't be written: {error.strerror or error}") from error
    _line(str(file))


def _show_rows(table: ModelTable) -> None:
    from rivya_run.models.view import about_in_words, default_in_words, values_in_words

    click.echo()
    if table.params:
        rows = [
            (row.key, row.type.value, values_in_words(row), default_in_words(row), about_in_words(row))
            for row in table.params
        ]
        show_columns(("parameter", "type", "values", "default", "about"), rows)
    else:
        click.echo("no parameters" if table.complete else "no parameters are known")
    click.echo()


@command.command("sync")
@click.option("--write", is_flag=True, help="Write what is known into the project's models/ folder.")
@click.option("--json", "as_json", is_flag=True, help="The differences, as JSON.")
def sync_models(write: bool, as_json: bool) -> None:
    """Compare the tables with what Rivya lists today (GET /api/v1/models; needs no key).

    --write keeps prices, prompt limits and availability as project tables. Parameter rows are never guessed:
    a new model gets an incomplete table without rows.
    """
    import anyio

    from rivya_run.provider.origin import base_url, checked_base_url

    catalog = _catalog()
    _say_broken(catalog)
    origin = checked_base_url(base_url(os.environ))
    listed = anyio.run(_ask, origin)
    changes = compare(catalog.all(), listed)
    if as_json:
        echo_json([asdict(change) for change in changes])
    elif changes:
        show_columns(("model", "what", "how"), [(one.model, one.kind.value, one.message) for one in changes])
    else:
        click.echo(f"the tables agree with the {len(listed)} models that {origin} lists")
    if write:
        today = datetime.now(UTC).date().isoformat()
        _keep(catalog, changes, {model.id: model for model in listed}, origin, today)


def _note(text: str) -> None:
    click.echo(visible(text), err=True)


def _line(text: str) -> None:
    click.echo(visible(text))


_PATIENCE = 20.0  # seconds for the whole question, retries included


async def _ask(origin: str) -> list[ListedModel]:
    from rivya_run.provider.http import Http
    from rivya_run.provider.interface import Refused, Unanswered
    from rivya_run.provider.network import Network
    from rivya_run.provider.rivya.client import RivyaClient

    network = Network.of_environment()
    for notice in network.notices:
        _note(notice)
    async with Http(origin, None, network=network) as http:
        client = RivyaClient(http, clock=time.monotonic, random=random.random)
        answer = await client.models(deadline=time.monotonic() + _PATIENCE)
    if isinstance(answer, Refused):
        raise RivyaError(f"{origin} refused to list its models: {answer.error.code}: {answer.error.message}")
    if isinstance(answer, Unanswered):
        raise RivyaError(f"{origin} did not list its models: {answer.last}", hint="try again later")
    return answer


def _keep(
    catalog: Catalog,
    changes: Sequence[Change],
    listed: dict[str, ListedModel],
    origin: str,
    today: str,
) -> None:
    folder = project_models()
    for model_id, group in groupby(changes, key=lambda change: change.model):
        found = list(group)
        if any(change.kind is ChangeKind.GONE for change in found):
            continue
        if not table_name_is_safe(model_id):
            _note(f"left out '{model_id}': its id can't be a file name")
            continue
        file = _file_of(folder, model_id)
        if any(change.kind is ChangeKind.NEW for change in found):
            text = new_table(listed[model_id], source_url=f"{origin}/api/v1/models", read_on=today)
        else:
            text = renewed_table(catalog.source(model_id).decode("utf-8"), found, read_on=today)
        try:
            table = read_project_table(text.encode(), str(file), model_id)
        except StoryboardError as error:
            _note(f"left out '{model_id}': {'; '.join(problem.message for problem in error.problems)}")
            continue
        if any(change.field == "base_credits" and change.after != table.base_credits for change in found):
            _note(f"left out '{model_id}': {file} could not be updated; edit it by hand")
            continue
        write_atomically(file, text.encode())
        _note(f"wrote {file}")


def _file_of(folder: Path, model_id: str) -> Path:
    other = folder / f"{model_id}.yml"
    return other if other.exists() else folder / f"{model_id}{ENDING}"
