"""``rivya-run init``: a project folder to start from."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path

import click

from rivya_run.cli import options
from rivya_run.cli.schema import schema_files
from rivya_run.project.places import DEFAULT_FILE


@click.command("init", short_help="A new project folder with a storyboard to start from.")
@click.argument("folder", default=".", type=options.FOLDER)
@click.option("--git", "for_git", is_flag=True, help="Set up the git repository that FOLDER is in, instead.")
def command(folder: Path, for_git: bool) -> None:
    """Write a storyboard to start from into FOLDER (default: here), with its JSON Schema, editor settings and
    a .gitignore. Asks nothing and overwrites nothing.

    With --git: nothing of that, but what several people need who share a project: manifests are kept and clips aren't
    (.gitignore), and git merges the manifests of two branches into one that knows what both paid for (.gitattributes,
    and the repository's configuration, which every clone needs: each person types it once). Done again, it changes
    nothing.
    """
    if for_git:
        _set_up_git(folder)
        return
    from rivya_run.errors import UsageError
    from rivya_run.models.catalog import PROJECT_FOLDER
    from rivya_run.text import visible

    content = scaffold(folder / PROJECT_FOLDER, folder.resolve().name)
    there = [name for name in content if (folder / name).exists() or (folder / name).is_symlink()]
    if there:
        raise UsageError(
            f"'{visible(str(folder))}' has {', '.join(there)} already; nothing was written",
            hint="name a new folder: rivya-run init FOLDER",
        )
    for name, text in content.items():
        file = folder / name
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("xb") as out:
                out.write(text)
        except OSError as error:
            raise UsageError(f"{visible(str(file))} can't be written: {error.strerror or error}") from error
        click.echo(visible(str(file)))
    _say_next(folder)


def _set_up_git(folder: Path) -> None:
    from rivya_run.project.git_setup import set_up

    ignore = (files("rivya_run.cli") / "starter" / "gitignore").read_text("utf-8").splitlines()
    done = set_up(folder, ignore)
    for line in done:
        click.echo(line)
    if any(": added " in line for line in done):
        click.echo(
            "\nNext: commit .gitattributes and .gitignore. In every clone: rivya-run init --git", err=True
        )


def _say_next(folder: Path) -> None:
    import shlex

    steps = [
        ("rivya-run storyboard.yaml --simulate", "an animatic, free of charge"),
        ("rivya-run export storyboard.yaml --simulate", "its film, with sound"),
        ("rivya-run plan storyboard.yaml", "what it would cost"),
        ("export RIVYA_API_KEY=rvya_sk_...", "a key from Rivya's settings"),
        ("rivya-run storyboard.yaml", "make the clips"),
    ]
    here = folder.resolve() == Path.cwd().resolve()
    lines = [] if here else [(f"cd {shlex.quote(str(folder))}", "")]
    click.echo("\nNext:", err=True)
    for command_line, why in [*lines, *steps]:
        click.echo(f"  {command_line:<45}{why}".rstrip(), err=True)


def scaffold(models: Path, name: str) -> dict[str, bytes]:
    """Content by path (relative, forward slashes); ``models`` is the project's folder of tables, if it has one.

    The storyboard is called by the folder's ``name``, as far as an id can hold it.
    """
    from rivya_run.storyboard.ids import id_trouble

    starter = files("rivya_run.cli") / "starter"
    storyboard = (starter / "storyboard.yaml").read_text("utf-8")
    named = re.sub(r"[^A-Za-z0-9_]+", "-", name).strip("-_")
    if id_trouble(named) is None:
        title = re.sub("[-_]+", " ", named).strip()
        for key, value in (("id", named), ("title", title[:1].upper() + title[1:])):
            # Names such as 2026 or true are text here, and for every other YAML reader too.
            written = value if re.fullmatch(r"[A-Za-z][A-Za-z -]{4,}[a-z]", value) else json.dumps(value)
            storyboard = re.sub(rf"(?m)^{key}: .*$", f"{key}: {written}", storyboard)
    content = {
        DEFAULT_FILE: storyboard.encode(),
        ".gitignore": (starter / "gitignore").read_bytes(),
        ".vscode/settings.json": (starter / "settings.json").read_bytes(),
        "outputs/.gitkeep": b"",
    }
    return content | {f"schemas/{name}": text.encode() for name, text in schema_files(models).items()}
