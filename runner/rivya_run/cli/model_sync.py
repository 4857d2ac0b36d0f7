"""``rivya-run models sync``: ask, compare, and keep what is known as project tables."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

import click

from rivya_run.cli.columns import show_columns
from rivya_run.disk.durable import write_atomically
from rivya_run.errors import RivyaError, StoryboardError
from rivya_run.models.catalog import ENDING, Catalog
from rivya_run.models.sync import (
    Change,
    ChangeKind,
    compare,
    new_table,
    renewed_table,
    table_name_is_safe,
)
from rivya_run.records.wire import ListedModel
from rivya_run.safetext import visible

_PATIENCE = 20.0  # seconds for the whole question, retries included


def sync(catalog: Catalog, folder: Path, *, write: bool, as_json: bool) -> None:
    """Show how the tables differ from the API's list; with ``write``, keep it in ``folder``."""
    import anyio

    from rivya_run.run.config import base_url
    from rivya_run.wire.origin import checked_base_url

    origin = checked_base_url(base_url(os.environ))
    listed = anyio.run(_ask, origin)
    changes = compare(catalog.all(), listed)
    if as_json:
        import json

        click.echo(json.dumps([asdict(change) for change in changes], ensure_ascii=False, indent=2))
    elif changes:
        show_columns(("model", "what", "how"), [(one.model, one.kind.value, one.message) for one in changes])
    else:
        click.echo(f"the tables agree with the {len(listed)} models that {origin} lists")
    if write:
        today = datetime.now(UTC).date().isoformat()
        _keep(catalog, folder, changes, {model.id: model for model in listed}, origin, today)


async def _ask(origin: str) -> list[ListedModel]:
    from rivya_run.wire.client import Refused, RivyaClient, Unanswered
    from rivya_run.wire.http import Http
    from rivya_run.wire.network import Network

    network = Network.of_environment()
    for notice in network.notices:
        _say(notice)
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
    folder: Path,
    changes: Sequence[Change],
    listed: dict[str, ListedModel],
    origin: str,
    today: str,
) -> None:
    from rivya_run.models.table_file import read_project_table

    for model_id, group in groupby(changes, key=lambda change: change.model):
        found = list(group)
        if any(change.kind is ChangeKind.GONE for change in found):
            continue
        if not table_name_is_safe(model_id):
            _say(f"left out '{model_id}': its id is no file name")
            continue
        file = _file_of(folder, model_id)
        if any(change.kind is ChangeKind.NEW for change in found):
            text = new_table(listed[model_id], source_url=f"{origin}/api/v1/models", read_on=today)
        else:
            text = renewed_table(catalog.source(model_id).decode("utf-8"), found, read_on=today)
        try:
            table = read_project_table(text.encode(), str(file), model_id)
        except StoryboardError as error:
            _say(f"left out '{model_id}': {'; '.join(problem.message for problem in error.problems)}")
            continue
        if any(change.field == "base_credits" and change.after != table.base_credits for change in found):
            _say(f"left out '{model_id}': {file} could not be renewed, edit it by hand")
            continue
        write_atomically(file, text.encode())
        _say(f"wrote {file}")


def _file_of(folder: Path, model_id: str) -> Path:
    other = folder / f"{model_id}.yml"
    return other if other.exists() else folder / f"{model_id}{ENDING}"


def _say(text: str) -> None:
    click.echo(visible(text), err=True)
