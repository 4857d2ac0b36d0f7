"""The program as functions: what the commands `validate`, `plan` and `run` do, for other Python code.

Nothing is printed. Raises the errors of ``rivya_run.errors``; a storyboard's problems are in
``StoryboardError.problems``, except from ``validate``, which returns them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rivya_run.errors import Problem
from rivya_run.planning.plan import Plan
from rivya_run.progress import Event
from rivya_run.project.plan import RunOptions

if TYPE_CHECKING:
    from rivya_run.engine.run import RunResult


def validate(storyboard: Path, *, strict: bool = False, allow_outside: bool = False) -> tuple[Problem, ...]:
    """Every problem and advice of a storyboard, in file order; no network."""
    from rivya_run.project.open import open_storyboard
    from rivya_run.project.other_storyboards import judged

    opened = open_storyboard(storyboard, strict=strict, allow_outside=allow_outside)
    return judged(opened, strict=strict, allow_outside=allow_outside).problems


def plan(storyboard: Path, options: RunOptions | None = None) -> Plan:
    """What a run would do, why, and what it costs; no network, nothing is written."""
    from rivya_run.project.plan import open_sources, planned
    from rivya_run.project.plan_budgets import with_budgets

    chosen = options or RunOptions()
    with planned(open_sources([storyboard], chosen), chosen) as [prepared]:
        if not chosen.simulate:
            with_budgets([prepared])
        return prepared.plan


def run(
    storyboards: Sequence[Path],
    options: RunOptions | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    on_event: Callable[[Event], None] | None = None,
) -> RunResult:
    """Make what is missing. ``environment`` holds key and origin (default: the process's own).

    ``on_event`` is called with every event as it happens.
    """
    from rivya_run.engine import run as running

    return running.run(
        list(storyboards),
        options or RunOptions(),
        environment=os.environ if environment is None else environment,
        tell=on_event or (lambda event: None),
    )
