"""``run --plan FILE``: the storyboards and options that a saved plan brings, and whether it still fits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from rivya_run.cli.confirming import plan_moved
from rivya_run.errors import UsageError
from rivya_run.planning.plan_file import CHOICES, SavedPlan, moved, read_saved
from rivya_run.records import Json
from rivya_run.records.run import RunOptions
from rivya_run.run.opening import storyboard_files
from rivya_run.run.plan_basis import basis_of
from rivya_run.run.preparing import open_sources
from rivya_run.safetext import visible


def chosen(
    ctx: click.Context, file: Path, named: tuple[Path, ...], options: RunOptions
) -> tuple[tuple[Path, ...], RunOptions, SavedPlan]:
    """What a saved plan runs: its storyboards, its options over those given, and the plan.

    Raises StoryboardError (PlanMoved) where it no longer fits, UsageError where the command line says otherwise.
    """
    try:
        saved = read_saved(file.read_bytes(), str(file))
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"'{visible(str(file))}' can't be read: {reason}") from error
    _check_given(ctx, saved.choices, options)
    options = replace(options, **options_of(saved.choices))
    paths = tuple(Path(basis.path) for basis in saved.bases)
    if named and [path.resolve() for path in storyboard_files(named)] != [path.resolve() for path in paths]:
        raise UsageError(
            f"the plan was made for {', '.join(visible(str(path)) for path in paths)}",
            hint="leave the storyboards out: the plan names them",
        )
    changes = []
    for then, source in zip(saved.bases, open_sources(list(paths), options), strict=True):
        changes += moved(then, basis_of(source))
    if changes:
        raise plan_moved(changes)
    return paths, options, saved


def choices_of(options: RunOptions) -> dict[str, Json]:
    """The options that a plan is made with, as its file keeps them."""
    found = {name: getattr(options, name) for name in CHOICES}
    return {
        name: list(value) if isinstance(value, tuple) else str(value) if isinstance(value, Path) else value
        for name, value in found.items()
    }


def options_of(choices: Mapping[str, Any]) -> dict[str, Any]:
    """The same as fields of RunOptions."""
    found = dict(choices)
    found["only"], found["exclude"] = tuple(found["only"]), tuple(found["exclude"])
    found["outputs"] = Path(found["outputs"]) if found["outputs"] is not None else None
    return found


def _check_given(ctx: click.Context, choices: Mapping[str, Any], options: RunOptions) -> None:
    """An option that was typed may not say otherwise than the plan."""
    given = choices_of(options)
    for name in CHOICES:
        typed = ctx.get_parameter_source(name) in {
            click.core.ParameterSource.COMMANDLINE,
            click.core.ParameterSource.ENVIRONMENT,
        }
        if typed and given[name] != choices[name]:
            raise UsageError(
                f"--{name.replace('_', '-')} says otherwise than the saved plan",
                hint="give it to 'rivya-run plan --out', or leave --plan out",
            )
