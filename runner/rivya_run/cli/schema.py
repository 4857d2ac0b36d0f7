"""``rivya-run schema``: the generated JSON Schemas."""

from __future__ import annotations

from pathlib import Path

import click

from rivya_run.errors import RivyaError, UsageError

_FOLDER = "schemas"
STORYBOARD_FILE = "storyboard.schema.json"
MANIFEST_FILE = "manifest.schema.json"
INCLUDE_FILE = "include.schema.json"
_FILES = {"storyboard": STORYBOARD_FILE, "include": INCLUDE_FILE, "manifest": MANIFEST_FILE}


class StaleSchemasError(RivyaError):
    """``schemas/`` is not what the tables say."""


@click.command("schema", short_help="Print, check or update the JSON Schemas.")
@click.argument("which", type=click.Choice([*_FILES, "table"]), default="storyboard")
@click.option("--check", is_flag=True, help="Fail when schemas/ of the current project is stale.")
@click.option("--write", is_flag=True, help="Update schemas/ of the current project.")
def command(which: str, check: bool, write: bool) -> None:
    """Print the JSON Schema of storyboards (or of WHICH: include, manifest, table).

    The project's own tables in models/ are part of it. --check and --write are about the files in schemas/.
    """
    if check and write:
        raise UsageError("--check and --write can't be used together")
    from rivya_run.models.catalog import PROJECT_FOLDER
    from rivya_run.project.places import project_root

    root = project_root(Path.cwd() / "storyboard.yaml")
    if which == "table" and not (check or write):
        from rivya_run.models.table_schemas import table_schema
        from rivya_run.storyboard.schema import as_text

        _print(as_text(table_schema()))
        return
    files = schema_files(root / PROJECT_FOLDER)
    folder = root / _FOLDER
    if check:
        _check(folder, files)
    elif write:
        _write(folder, files)
    else:
        _print(files[_FILES[which]])


def schema_files(project_models: Path | None = None) -> dict[str, str]:
    """File name -> text of every generated schema; ``project_models`` is a project's folder of tables."""
    from rivya_run.journal.manifest_schema import manifest_schema
    from rivya_run.models.catalog import load_catalog
    from rivya_run.storyboard.schema import as_text, include_schema, storyboard_schema

    catalog = load_catalog(project_models).whole()
    documents = {
        INCLUDE_FILE: include_schema(catalog),
        MANIFEST_FILE: manifest_schema(),
        STORYBOARD_FILE: storyboard_schema(catalog),
    }
    return {name: as_text(document) for name, document in documents.items()}


def _print(text: str) -> None:
    """As UTF-8 and with plain line ends on every system, so that ``> file`` gives the file itself."""
    click.echo(text.encode(), nl=False)


def stale_files(folder: Path, files: dict[str, str]) -> list[str]:
    """The names of the files that are missing or say something else; line endings don't matter."""
    stale = []
    for name, text in files.items():
        try:
            there = (folder / name).read_bytes().replace(b"\r\n", b"\n")
        except OSError:
            there = b""
        if there != text.encode():
            stale.append(name)
    return stale


def _check(folder: Path, files: dict[str, str]) -> None:
    stale = stale_files(folder, files)
    if stale:
        message = f"{folder} is stale: {', '.join(stale)}"
        raise StaleSchemasError(message, hint="rivya-run schema --write updates it")
    click.echo(f"{folder} is up to date", err=True)


def _write(folder: Path, files: dict[str, str]) -> None:
    for name in stale_files(folder, files):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(files[name].encode())
        except OSError as error:
            raise RivyaError(f"{folder / name} can't be written: {error.strerror or error}") from error
        click.echo(f"updated {folder / name}", err=True)
