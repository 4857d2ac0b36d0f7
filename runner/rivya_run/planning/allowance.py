"""Which creates of a plan ``budget.max_credits`` leaves room for, as far as estimates go."""

from __future__ import annotations

from collections.abc import Iterable

from rivya_run.planning.plan import Allowance, Step

LEAST = 1.0
"""Credits that a take is thought to cost of which nothing is known."""


def allowance(most: float, at_stake: float, creating: Iterable[Step]) -> Allowance:
    """``at_stake`` is what everything so far may have cost; ``creating`` are the creates, in the order of a run."""
    left = room = max(0.0, most - at_stake)
    beyond: dict[str, None] = {}
    for step in creating:
        cost = step.credits if step.credits is not None else LEAST
        if cost > room or any(parent.label in beyond for parent in step.needs):
            beyond[step.label] = None
        else:
            room -= cost
    return Allowance(most, left, tuple(beyond))
