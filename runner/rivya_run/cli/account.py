"""``rivya-run account``: the limits that all machines of an account keep to, and who has what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from rivya_run.cli import options as shared
from rivya_run.errors import RivyaError
from rivya_run.text import visible

if TYPE_CHECKING:
    from rivya_run.postgres.account_state import AccountState
    from rivya_run.postgres.database import Database


class _Limit(click.ParamType[Any]):
    """A number, or ``none`` for no limit."""

    name = "N|none"

    def __init__(self, number: click.ParamType[Any]) -> None:
        self._number = number

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "none":
            return value
        return self._number.convert(value, param, ctx)


@click.command("account", short_help="The limits that all machines of an account keep to.")
@shared.needs_database
@shared.by_hand("--name", metavar="TEXT", help="What people call the account.")
@shared.by_hand(
    "--cap",
    type=_Limit(click.IntRange(1, 1_000_000)),
    help="Tasks in flight at once, over all machines.",
)
@shared.by_hand("--budget", type=_Limit(shared.Amount(min=0)), help="Credits that may ever be spent.")
@shared.by_hand(
    "--rate",
    type=_Limit(shared.Amount(min=0, min_open=True)),
    help="Requests a second, over all machines.",
)
@shared.by_hand(
    "--lease",
    type=shared.Amount(min=1),
    help="Seconds after which another machine carries on what one that died was at (15).",
)
@shared.by_hand("--pause/--resume", "paused", default=None, help="Create nothing, or create again.")
@shared.by_hand("--check", is_flag=True, help="Compare what counts with all journals; exit 1 if it differs.")
def command(database: str, check: bool, **settings: Any) -> None:
    """Show, and set, what all machines that use this database keep to together.

    A change holds from the next create on, on every machine; a pause of creates lets what runs go on.
    """
    from rivya_run.postgres.account import change
    from rivya_run.postgres.account_state import account_state
    from rivya_run.project.books import open_database

    with open_database(database) as found:
        assert found is not None
        for name, value in settings.items():
            if value is not None:
                change(found, name, None if value == "none" else value)
        _show(account_state(found))
        if check:
            _check(found)


def _show(state: AccountState) -> None:
    from rivya_run.text import figure
    from rivya_run.views.wording import show_columns, span

    known = state.limits
    cap = f" of {known.cap}" if known.cap is not None else ""
    budget = f" of {figure(known.budget)}" if known.budget is not None else ""
    rate = f", {known.rate:g} requests a second" if known.rate is not None else ""
    name = f"{known.name}: " if known.name else ""
    click.echo(
        visible(
            f"{name}{state.in_flight}{cap} in flight, {figure(state.counted)}{budget} credits counted{rate}"
        )
    )
    if known.paused:
        click.echo("paused: nothing is created (--resume ends that)")
    if known.resume_in > 0:
        click.echo(f"nothing is sent for {known.resume_in:.1f} s: the API asked for a pause")
    cells = [
        (one.storyboard, str(one.in_flight), one.process or "nobody", one.purpose or "")
        for one in state.holders
    ]
    if cells:
        show_columns(("storyboard", "in flight", "carried by", "as"), cells, (1,))
    queue = [
        (one.storyboard, one.worker or "waits", str(one.priority), one.submitted_by, span(one.waited))
        for one in state.submitted
    ]
    if queue:
        show_columns(("submitted", "worker", "priority", "by", "since"), queue, (2,))


def _check(found: Database) -> None:
    from rivya_run.project.account_check import differences

    told = list(differences(found))
    for one in told:
        click.echo(visible(one))
    if told:
        raise RivyaError(
            f"{len(told)} counts differ from the journals",
            hint="a run of those storyboards puts them right; while one is at work, look again",
        )
    click.echo("what counts is what the journals say")
