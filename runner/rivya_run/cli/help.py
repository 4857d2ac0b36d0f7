"""``rivya-run help``: the help of a command, for who looks for it there."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem


def _commands(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    root = ctx.find_root()
    names = root.command.list_commands(root) if isinstance(root.command, click.Group) else []
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


@click.command("help", short_help="The help of a command.")
@click.argument("names", metavar="[COMMAND]...", nargs=-1, shell_complete=_commands)
@click.pass_context
def command(ctx: click.Context, names: tuple[str, ...]) -> None:
    """Show the help of a command, as COMMAND --help does: rivya-run help run, rivya-run help models show."""
    from rivya_run.errors import UsageError
    from rivya_run.suggest import did_you_mean
    from rivya_run.text import visible

    shown = ctx.find_root()
    for name in names:
        group = shown.command
        known = group.list_commands(shown) if isinstance(group, click.Group) else []
        found = group.get_command(shown, name) if isinstance(group, click.Group) and name in known else None
        if found is None:
            typed = f"{shown.info_name} {name}"
            raise UsageError(f"there is no command '{visible(typed)}'{did_you_mean(name, known)}")
        shown = click.Context(found, info_name=name, parent=shown)
    click.echo(shown.get_help())
