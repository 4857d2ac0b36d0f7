"""Variables that speak for options. A slip in the name of one must not lift a cap that somebody meant to set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import click

PREFIX: Final = "RIVYA_RUN_"
"""``--max-credits`` can also be set as ``RIVYA_RUN_MAX_CREDITS``, whatever the command."""

DEBUG: Final = f"{PREFIX}DEBUG"
"""The variable that is no option: tracebacks of mistakes of our own."""


def speak_for_options(command: click.Command) -> None:
    """Let the environment speak for each option of a command that doesn't say otherwise."""
    for option in command.params:
        longest = max(option.opts, key=len)
        if isinstance(option, click.Option) and option.envvar is None and longest.startswith("--"):
            option.envvar = PREFIX + longest[2:].replace("-", "_").upper()
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            speak_for_options(inner)


def variables(command: click.Command) -> Iterator[str]:
    """The variables that speak for the options of a command."""
    for option in command.params:
        if isinstance(option.envvar, str):
            yield option.envvar
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            yield from variables(inner)


def misspelt(environment: Mapping[str, str], commands: Iterable[click.Command]) -> tuple[str, str] | None:
    """A variable that is set and nearly one of ours, and which; None where there is none.

    ``commands`` are asked one after another, as long as there is a name that none has claimed.
    """
    strange = {name for name in environment if name.startswith(PREFIX)} - {DEBUG}
    known: set[str] = set()
    for command in commands if strange else ():
        known.update(variables(command))
        strange -= known
        if not strange:
            return None
    from rivya_run.suggest import suggest

    words = {name.removeprefix(PREFIX): name for name in sorted(known)}
    for name in sorted(strange):
        near = suggest(name.removeprefix(PREFIX), words)
        if near is not None:
            return name, words[near]
    return None
