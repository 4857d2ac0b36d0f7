"""``rivya-run validate``: what is wrong with storyboards, without asking anybody."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rivya_run.cli import options

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rivya_run.errors import Problem
    from rivya_run.models.catalog import Catalog
    from rivya_run.storyboard.model import Storyboard


@click.command("validate", short_help="Check storyboards: problems and advice, no network.")
@options.storyboards()
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github", "sarif"]),
    default="text",
    show_default=True,
    help="Output format; all but text go to standard output.",
)
@click.option("--strict", is_flag=True, help="Advice counts as an error.")
@options.outside
@click.pass_context
def command(
    context: click.Context, storyboards: tuple[Path, ...], form: str, strict: bool, allow_outside: bool
) -> None:
    """Check storyboards (or every storyboard of a folder) and their reference files; '-' is standard input.

    Exit code 3 when there is any error, 0 when there is at most advice.
    """
    from rivya_run.cli.messages import show_problems
    from rivya_run.project.open import storyboard_files
    from rivya_run.storyboard.problems import has_errors, summary
    from rivya_run.text import visible

    everything: list[Problem] = []
    catalogs: dict[Path, Catalog] = {}
    folders: dict[Path, Path] = {}
    files = storyboard_files(storyboards)
    for path in files:
        storyboard, problems = _checked(path, strict, allow_outside, catalogs)
        if len(files) > 1 and storyboard is not None:
            problems = [*problems, *_in_one_folder(path, storyboard.id, folders)]
        everything += [problem for problem in problems if problem not in everything]
        if form != "text":
            continue
        show_problems(problems)
        counts = f"{_counted(storyboard)}, " if storyboard is not None else ""
        about = ", ".join(dict.fromkeys(problem.file for problem in problems)) or str(path)
        click.echo(f"{visible(about)}: {counts}{summary(problems)}", err=storyboard is None)
    _say(everything, form)
    if has_errors(everything):
        context.exit(3)


def _checked(
    path: Path, strict: bool, allow_outside: bool, catalogs: dict[Path, Catalog]
) -> tuple[Storyboard | None, Sequence[Problem]]:
    """One storyboard and its problems, with those of the project's own tables: advice, where it doesn't use them."""
    from dataclasses import replace

    from rivya_run.errors import Severity, StoryboardError
    from rivya_run.models.catalog import PROJECT_FOLDER, load_catalog
    from rivya_run.project.open import STANDARD_INPUT, open_storyboard, piped
    from rivya_run.project.other_storyboards import judged
    from rivya_run.project.places import project_root
    from rivya_run.storyboard.problems import made_strict

    content = piped(path)
    path = path if content is None else STANDARD_INPUT
    root = project_root(path)
    try:
        if root not in catalogs:
            catalogs[root] = load_catalog(root / PROJECT_FOLDER)
        opened = open_storyboard(
            path,
            allow_outside=allow_outside,
            strict=strict,
            catalog=catalogs[root],
            root=root,
            content=content,
        )
        opened = judged(opened, allow_outside=allow_outside, strict=strict)
    except StoryboardError as error:
        if not error.problems:
            raise
        return None, error.problems
    broken = [replace(one, severity=Severity.ADVICE) for one in catalogs[root].problems]
    return opened.storyboard, [*opened.problems, *(made_strict(broken) if strict else broken)]


def _in_one_folder(path: Path, name: str, folders: dict[Path, Path]) -> Iterator[Problem]:
    """The problem of a storyboard with the id of another one; ``folders`` are those so far, and whose they are."""
    from rivya_run.project.claims import folder_claimed
    from rivya_run.project.places import output_folder, project_root, relative_to_root

    root = project_root(path)
    folder = output_folder(root, None, name, simulate=False)
    other = folders.setdefault(folder.resolve(), path)
    if other.resolve() != path.resolve():
        yield folder_claimed(path, folder, relative_to_root(other, root))


def _say(problems: Sequence[Problem], form: str) -> None:
    from rivya_run.cli.messages import echo_json
    from rivya_run.storyboard.problems import as_github, as_json, as_sarif

    if form == "json":
        echo_json(as_json(problems))
    elif form == "github":
        click.echo(as_github(problems), nl=False)
    elif form == "sarif":
        click.echo(as_sarif(problems), nl=False)


def _counted(storyboard: Storyboard) -> str:
    from rivya_run.text import counted

    takes = sum(shot.takes for shot in storyboard.shots)
    return f"{counted(len(storyboard.shots), 'shot')}, {counted(takes, 'take')}"
