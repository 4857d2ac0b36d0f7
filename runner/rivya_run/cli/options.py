"""Options that several commands share, and what they come to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import wraps
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import click

from rivya_run.cli import candidates
from rivya_run.project.places import DEFAULT_FILE

if TYPE_CHECKING:
    from rivya_run.project.places import Outputs
    from rivya_run.project.plan import RunOptions
    from rivya_run.project.results import Results


F = TypeVar("F", bound=Callable[..., Any])


class Amount(click.FloatRange):
    """A number that is one: neither nan nor infinity."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if not isfinite(number):
            self.fail(f"{value!r} is not a finite number", param, ctx)
        return number


class Named(click.Path):
    """A path that has a name: an empty one, as an unset shell variable leaves it, would mean the folder one is in."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(path_type=Path, **settings)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not str(value).strip():
            self.fail(f"{str(value)!r} is empty; is a shell variable not set?", param, ctx)
        return super().convert(value, param, ctx)


class ResultsPlace(Named):
    """A folder, or (as text) the URL of an object store."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from rivya_run.project.places import is_url

        if not is_url(str(value)):
            return super().convert(value, param, ctx)
        from rivya_run.project.object_store import checked_url

        try:
            return checked_url(str(value))
        except ValueError as error:
            self.fail(f"{str(value)!r} {error}", param, ctx)


SECONDS = Amount(min=0, min_open=True)
CREDITS = Amount(min=0)
PROGRESS = ("auto", "live", "plain", "json", "none")
STORYBOARD = Named()
FOLDER = Named(file_okay=False)
RESULTS = ResultsPlace(file_okay=False)
FILE = Named(dir_okay=False)


def _together(*options: Callable[[F], F]) -> Callable[[F], F]:
    def decorate(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def _or_default(ctx: click.Context, argument: click.Parameter, value: Any) -> Any:
    if value or ctx.resilient_parsing:
        return value
    if not Path(DEFAULT_FILE).is_file():
        raise click.MissingParameter(f"There is no {DEFAULT_FILE} here.", ctx, param=argument)
    return (Path(DEFAULT_FILE),) if argument.nargs == -1 else Path(DEFAULT_FILE)


def storyboards(*, default: bool = True) -> Callable[[F], F]:
    """STORYBOARD...: files, or folders for every storyboard in them; without any, ``DEFAULT_FILE``."""
    callback = _or_default if default else None
    return click.argument(
        "storyboards",
        metavar="[STORYBOARD]...",
        nargs=-1,
        type=STORYBOARD,
        callback=callback,
        shell_complete=candidates.storyboards,
    )


one_storyboard = click.argument(
    "storyboard",
    metavar="[STORYBOARD]",
    required=False,
    type=FILE,
    callback=_or_default,
    shell_complete=candidates.storyboards,
)
"""STORYBOARD: one file; without it, ``DEFAULT_FILE``."""

decided_shot = _together(
    click.argument("storyboard", type=STORYBOARD, shell_complete=candidates.storyboards),
    click.argument("shot", shell_complete=candidates.shots),
)
"""STORYBOARD SHOT: what a decision is about."""


def shown(*names: str, **settings: Any) -> Callable[[F], F]:
    """An option whose default help shows."""
    return click.option(*names, show_default=True, **settings)


def by_hand(*names: str, **settings: Any) -> Callable[[F], F]:
    """An option that no environment variable sets: it has to be typed."""
    return click.option(*names, envvar=[], **settings)


place = _together(
    click.option(
        "--outputs",
        type=RESULTS,
        help="Results go to DIR/<storyboard id>, or into an object store: s3://BUCKET/PREFIX (gs, az, file).",
        metavar="DIR|URL",
    ),
    click.option(
        "--simulate", is_flag=True, help="Use the built-in stand-in and its results: no key, no money."
    ),
)
"""Where results live."""

books = _together(
    click.argument("paths", metavar="[PATH]...", nargs=-1, type=STORYBOARD),
    click.option("--outputs", type=RESULTS, help="Results are in DIR/<storyboard id>.", metavar="DIR|URL"),
)
"""Whose records are read."""

_DATABASE: Final = click.option(
    "--database", metavar="URL", help="The books are in this Postgres database, shared by several machines."
)

needs_database = click.option(
    "--database", metavar="URL", required=True, help="The Postgres database: postgresql://user@host/name."
)
"""For commands that are about the database itself."""


def writes_books(command: F) -> F:
    """``--database`` for a command that puts something on record."""
    return _DATABASE(_up_to_date(command, passed_on=True))


def reads_books(command: F) -> F:
    """``--database`` for a command that only reads: the copy of the records that is here is what it goes by."""
    return _DATABASE(_up_to_date(command, passed_on=False))


def _up_to_date(command: F, *, passed_on: bool) -> F:
    """Before the command, the copies of the records that it may read are brought up to date."""

    @wraps(command)
    def with_books(*args: Any, database: str | None = None, **given: Any) -> Any:
        if database is not None and not given.get("simulate"):
            from rivya_run.project.books import update_copies

            update_copies(database, _paths_of(given), given.get("outputs"))
        return command(*args, **given, **({"database": database} if passed_on else {}))

    return cast(F, with_books)


def _paths_of(given: Mapping[str, Any]) -> list[Path]:
    """The storyboards and folders that a command was given."""
    one = given.get("storyboard")
    return [*given.get("storyboards", ()), *given.get("paths", ()), *([one] if one is not None else [])]


outside = click.option(
    "--allow-outside", is_flag=True, help="References and own files may lie outside the project."
)
reading = _together(
    outside,
    click.option("--strict", is_flag=True, help="Advice counts as an error."),
)
"""How storyboards are judged."""

choosing = _together(
    click.option(
        "--only",
        multiple=True,
        metavar="PATTERN",
        shell_complete=candidates.patterns,
        help="Only these shots, and what they are made from: ids (globs), tag:NAME or scene:NAME.",
    ),
    click.option(
        "--exclude",
        multiple=True,
        metavar="PATTERN",
        shell_complete=candidates.patterns,
        help="Leave these shots out.",
    ),
    click.option(
        "--retry-failed", is_flag=True, help="Also retry what failed three times, or failed and was charged."
    ),
    click.option("--resend-unknown", is_flag=True, help="Pay again for takes whose outcome is unknown."),
    shown("--attempts", type=click.IntRange(min=1), default=1, help="Attempts at each take in this run."),
)
"""Which takes are made, and how often one is tried."""

concurrency = shown(
    "--concurrency", type=click.IntRange(1, 1000), default=8, metavar="N", help="Tasks in flight at once."
)
poll_interval = shown(
    "--poll-interval", type=SECONDS, default=5, metavar="S", help="How often a task is polled, at first."
)

following = _together(
    shown(
        "--timeout",
        type=SECONDS,
        default=1800,
        metavar="S",
        help="Time limit of one take; the next run continues it.",
    ),
    poll_interval,
    click.option(
        "--new-origin", is_flag=True, help="Use an output folder that was made with another origin."
    ),
    shown(
        "--progress",
        type=click.Choice(PROGRESS),
        default="auto",
        help="How to show progress, on standard error.",
    ),
    click.option("-v", "--verbose", is_flag=True, help="Show retries, uploads and pauses too."),
)
"""How tasks are followed, and how that is shown."""


def run_options(given: dict[str, Any]) -> RunOptions:
    """The options of a run among what click gives a command; the others keep their defaults."""
    from dataclasses import fields

    from rivya_run.project.plan import RunOptions

    known = {field.name for field in fields(RunOptions)}
    return RunOptions(**{name: value for name, value in given.items() if name in known})


def results_of_each(
    storyboards: tuple[Path, ...], outputs: Outputs, *, simulate: bool
) -> Iterator[tuple[Path, Results]]:
    """The storyboards that a command names, each with what it has made."""
    from rivya_run.project.open import storyboard_files
    from rivya_run.project.results import results_of

    for file in storyboard_files(storyboards):
        yield file, results_of(file, outputs, simulate=simulate)


def folders_of_books(paths: tuple[Path, ...], outputs: Outputs) -> list[Path]:
    """The output folders that hold what ``books`` names, simulated ones left out."""
    from rivya_run.errors import UsageError
    from rivya_run.project.open import storyboard_id_of
    from rivya_run.project.paid_books import paid_folders
    from rivya_run.project.places import output_folder, outputs_folder, project_root
    from rivya_run.text import visible

    found: list[Path] = []
    for path in paths or (Path(),):
        if path.is_dir():
            found += paid_folders([outputs_folder(project_root(path / "any"), outputs)])
            continue
        name = storyboard_id_of(path)
        if name is None:
            raise UsageError(f"'{visible(str(path))}' is no storyboard")
        folder = output_folder(project_root(path), outputs, name, simulate=False).resolve()
        found += (one for one in paid_folders([folder.parent]) if one == folder)
    return list(dict.fromkeys(found))


PREFIX: Final = "RIVYA_RUN_"
"""``--max-credits`` can also be set as ``RIVYA_RUN_MAX_CREDITS``, whatever the command."""

DEBUG: Final = f"{PREFIX}DEBUG"
"""The variable that is no option: tracebacks of mistakes of our own."""


def speak_for_options(command: click.Command) -> None:
    """Let the environment speak for each option of a command that doesn't say otherwise."""
    for option in command.params:
        longest = max(option.opts, key=len)
        if isinstance(option, click.Option) and option.envvar is None and longest.startswith("--"):
            option.envvar = _variable(longest)
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            speak_for_options(inner)


def _variable(option: str) -> str:
    return PREFIX + option.removeprefix("--").replace("-", "_").upper()


def variables(command: click.Command) -> Iterator[str]:
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
    typed: dict[str, str] = {}
    for command in commands if strange else ():
        known.update(variables(command))
        typed |= {_variable(name): name for one in command.params if one.envvar == [] for name in one.opts}
        strange -= known
        if not strange:
            return None
    from rivya_run.suggest import suggest

    words = {name.removeprefix(PREFIX): name for name in sorted(known)}
    for name in sorted(strange):
        if name in typed:
            return name, typed[name]
        near = suggest(name.removeprefix(PREFIX), words)
        if near is not None:
            return name, words[near]
    return None
