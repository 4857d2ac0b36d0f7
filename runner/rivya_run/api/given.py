"""What callers may give: paths as text, one storyboard or several, options with lists in them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from rivya_run.errors import UsageError
from rivya_run.project.open import storyboard_files
from rivya_run.project.places import Outputs, is_url
from rivya_run.project.plan import RunOptions

PathLike: TypeAlias = str | os.PathLike[str]


def path_of(given: PathLike) -> Path:
    """A path. Raises UsageError for an empty one, which would mean the folder one is in."""
    if not str(given).strip():
        raise UsageError("the path is empty")
    return Path(given)


def optional_path(given: PathLike | None) -> Path | None:
    return path_of(given) if given is not None else None


def outputs_of(given: PathLike | None) -> Outputs:
    """Where results are: a folder, or the address of an object store as it is."""
    return given if isinstance(given, str) and is_url(given) else optional_path(given)


def files_of(storyboards: PathLike | Iterable[PathLike]) -> list[Path]:
    """The storyboards that are meant: one, or several; a folder is every storyboard in it. Raises UsageError."""
    several = (storyboards,) if isinstance(storyboards, str | os.PathLike) else storyboards
    named = [path_of(one) for one in several]
    if not named:
        raise UsageError("there is no storyboard to run")
    return storyboard_files(named)


def options_of(given: RunOptions | None) -> RunOptions:
    """The options, with ``only``, ``exclude`` and ``outputs`` as the program has them."""
    options = given if given is not None else RunOptions()
    return replace(
        options,
        only=_patterns(options.only),
        exclude=_patterns(options.exclude),
        outputs=outputs_of(options.outputs),
    )


def _patterns(given: Iterable[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)
