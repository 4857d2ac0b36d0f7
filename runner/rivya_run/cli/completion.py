"""``rivya-run completion``: the script with which a shell completes the words of a command line."""

from __future__ import annotations

import os
from typing import Any

import click
from click.shell_completion import BashComplete, CompletionItem, add_completion_class, get_completion_class
from click.shell_completion import split_arg_string as words_of

VARIABLE = "_RIVYA_RUN_COMPLETE"


class BashLine(BashComplete):
    """As click's, by the whole line: bash makes several words of ``tag:x``, and completes the last of them alone."""

    source_template = BashComplete.source_template.replace(
        "COMP_CWORD=$COMP_CWORD", 'COMP_CWORD=$COMP_CWORD COMP_LINE="${COMP_LINE:0:$COMP_POINT}"'
    )
    _incomplete = ""

    def get_completion_args(self) -> tuple[list[str], str]:
        line = os.environ["COMP_LINE"]
        words = words_of(line)
        self._incomplete = "" if line[-1:].isspace() else words.pop()
        return words[1:], self._incomplete

    def format_completion(self, item: CompletionItem[Any]) -> str:
        begun = max(self._incomplete.rfind(sign) for sign in ":=") + 1
        known = (
            self._incomplete[:begun].partition("=")[2]
            if "=" in self._incomplete
            else self._incomplete[:begun]
        )
        return f"{item.type},{str(item.value).removeprefix(known)}"


add_completion_class(BashLine)


@click.command("completion", short_help="The script that lets a shell complete words: bash, zsh, fish.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the script that completes commands, options, storyboards, shots, tags, scenes, versions and models.

    \b
      bash: eval "$(rivya-run completion bash)"    in ~/.bashrc
      zsh:  eval "$(rivya-run completion zsh)"     in ~/.zshrc, after compinit
      fish: rivya-run completion fish | source     in ~/.config/fish/config.fish
    """
    completes = get_completion_class(shell)
    assert completes is not None
    click.echo(completes(ctx.find_root().command, {}, "rivya-run", VARIABLE).source().encode(), nl=False)
