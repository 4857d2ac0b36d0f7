"""Advice for shots of whose takes only the base price is known, though what they ask for may cost more."""

from __future__ import annotations

from collections.abc import Iterator

from rivya_run.errors import Problem, Severity
from rivya_run.planning.plan import Plan
from rivya_run.storyboard.model import Storyboard
from rivya_run.storyboard.problems import below

CODE = "base-price"


def base_prices(storyboard: Storyboard, plan: Plan) -> Iterator[Problem]:
    """A piece of advice for each of them. It is no fault of the storyboard, so ``--strict`` makes no error of it, and
    the first price that the API tells ends it."""
    shots = {step.shot.id: step for step in plan.steps if step.dearer and CODE not in storyboard.quiet}
    for step in shots.values():
        shot, keys = step.shot, " and ".join(step.dearer)
        message = (
            f"the credits are the base price of {shot.model}, and {keys} may cost more; the first take tells"
        )
        where = below(shot.where, "params")
        yield Problem(storyboard.path, shot.line, shot.column, Severity.ADVICE, where, message, CODE, None)
