"""``rivya-run`` itself: finds the command, and loads no other. ``--help`` loads none."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Final

import click
from click_default_group import DefaultGroup

from rivya_run import __version__
from rivya_run.cli.streams import settled
from rivya_run.errors import READER_GONE, Interrupted

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

COMMANDS: Final = {
    "run": "Plan, then make what is missing. Also without its name: rivya-run STORYBOARD",
    "validate": "Problems of storyboards, all at once; no network.",
    "plan": "What a run would do, why, and what it costs; no network.",
    "status": "What exists, what it cost, what is unknown.",
    "verify": "Hash every output against the manifest.",
    "adopt": "Attach an existing task to a take.",
    "clean": "List files that no present take uses; --yes removes them.",
    "ledger": "What the storyboards of a project have cost, by whom or what.",
    "prices": "What the API was seen to charge, per model and params.",
    "report": "A page to review, compare and pick takes.",
    "database": "Books that several machines share: make, import, repair.",
    "account": "The limits that all machines of an account keep to.",
    "submit": "Hand storyboards to the workers of a database.",
    "worker": "Carry storyboards that were submitted.",
    "review": "The page, served here: decide on it, and watch a run.",
    "pick": "Write into the storyboard which take stands for a shot.",
    "approve": "Write into the storyboard that a take is settled.",
    "unapprove": "Take out of the storyboard that a take is settled.",
    "export": "Cut, contact sheet, timelines for editors.",
    "diff": "What changed between two git revisions, and what it cost.",
    "merge-manifest": "Git's merge driver for manifests.",
    "watch": "On save: validate, plan, with --simulate render.",
    "init": "A new project folder with a storyboard to start from.",
    "models": "The models, their parameters and prices.",
    "completion": "The script that lets a shell complete words: bash, zsh, fish.",
    "help": "The help of a command.",
    "schema": "Print, check or update the JSON Schemas.",
    "mcp": "A server for agents, on standard input and output.",
    "simulator": "A local stand-in for Rivya, as a server.",
}
"""The commands, each the module of its name in this package, in the order in which help shows them."""


class CommandLine(DefaultGroup):  # type: ignore[misc]
    """The group of all commands; a first argument that is no command is a storyboard to run."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(default="run", **settings)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            _refuse_misspelt_command(ctx, cmd_name)
            ctx.arg0 = cmd_name  # type: ignore[attr-defined]  # DefaultGroup puts it back before the others
            cmd_name = "run"
        command = load(cmd_name)
        if not ctx.resilient_parsing:
            _refuse_misspelt_variable(command)
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[str]]:
        """Commands, and what the short form of ``run`` begins with."""
        from click.shell_completion import CompletionItem

        from rivya_run.cli.candidates import storyboards

        if incomplete.startswith("-"):
            return [*super().shell_complete(ctx, incomplete), *load("run").shell_complete(ctx, incomplete)]
        found = [
            CompletionItem(name, help=COMMANDS[name]) for name in COMMANDS if name.startswith(incomplete)
        ]
        files = storyboards(ctx, None, incomplete)
        return [*found, *(one for one in files if not found or one.type == "plain")]

    def _main_shell_completion(self, *args: Any, **settings: Any) -> None:
        if "_RIVYA_RUN_COMPLETE" in os.environ:
            import rivya_run.cli.completion  # noqa: F401 - what it says of bash
        super()._main_shell_completion(*args, **settings)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def main(self, *args: Any, standalone_mode: bool = True, **settings: Any) -> Any:
        """As click's own, with every error rendered in one place."""
        if not standalone_mode:
            return super().main(*args, standalone_mode=False, **settings)
        settings["prog_name"] = "rivya-run"
        _never_fail_on_letters()
        try:
            code = super().main(*args, standalone_mode=False, **settings)
        except SystemExit as left:  # click's answer to a reader that left; 0 once words are completed
            code = READER_GONE if left.code else 0
        except Exception as error:
            from rivya_run.cli.messages import show_failure

            code = show_failure(error)
        except KeyboardInterrupt:
            code = Interrupted.exit_code
        sys.exit(settled(code if isinstance(code, int) else 0))


def load(name: str) -> click.Command:
    """Import a command and let the environment speak for each of its options."""
    from importlib import import_module

    try:
        module = import_module(f"rivya_run.cli.{name.replace('-', '_')}")
    except ModuleNotFoundError as error:
        from rivya_run.cli.messages import missing_library

        raise missing_library(error, name) from error
    from rivya_run.cli.options import speak_for_options

    command: click.Command = module.command
    speak_for_options(command)
    return command


def _refuse_misspelt_variable(asked: click.Command) -> None:
    """A variable that is nearly one of ours is a slip; one of another command, or of nobody, is not."""
    import os
    from itertools import chain

    from rivya_run.cli.options import misspelt

    found = misspelt(os.environ, chain([asked], map(load, COMMANDS)))
    if found is not None:
        raise click.UsageError(f"there is no variable {found[0]} here. Did you mean {found[1]}?")


def _refuse_misspelt_command(ctx: click.Context, name: str) -> None:
    """A word that is nearly a command and names no file is a slip, not a storyboard."""
    if name.startswith("-") or not name.replace("-", "").isalpha() or ctx.resilient_parsing:
        return
    from pathlib import Path

    from rivya_run.suggest import suggest

    near = suggest(name, COMMANDS)
    if near is not None and not Path(name).exists():
        ctx.fail(f"there is no command and no storyboard {name!r}. Did you mean {near!r}?")


def _never_fail_on_letters() -> None:
    """A terminal that can't show a letter gets an escape instead of an error."""
    for stream in (sys.stdout, sys.stderr):
        if getattr(stream, "errors", None) == "strict" and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


@click.command(
    cls=CommandLine,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Every option can also be set as RIVYA_RUN_<OPTION>, such as RIVYA_RUN_CONCURRENCY=4. "
    "The API key is read from RIVYA_API_KEY.",
)
@click.version_option(__version__, "-V", "--version", prog_name="rivya-run", message="%(prog)s %(version)s")
def app() -> None:
    """Turn a version-controlled YAML shot list into finished clips, never paying twice for the same take.

    \b
      rivya-run storyboard.yaml             make what is missing
      rivya-run storyboard.yaml --simulate  the same for no money: an animatic
      rivya-run plan storyboard.yaml        what it would do, why, and what it costs
      rivya-run FOLDER                      every storyboard in it

    Commands without a STORYBOARD take the storyboard.yaml that is here.
    """
