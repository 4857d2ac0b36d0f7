"""In which order takes are started: chains first, then as the storyboard has them, the longest at the end first."""

from __future__ import annotations

from rivya_run.journal.fingerprint import price_key
from rivya_run.planning.forecast import Timing
from rivya_run.planning.lineage import parents_of
from rivya_run.planning.plan import SPENDING, Plan, Step

LAST_ROUNDS = 2
"""How many rounds of takes in flight end with the longest first, so that all of them end at nearly the same time."""


def priorities(
    plan: Plan, timing: Timing | None = None, *, at_once: int | None = None
) -> list[tuple[float, Step]]:
    """Steps that create, most urgent first, each with its priority (smaller goes first).

    The longest remaining chain goes first, then what takes longest. With ``at_once`` tasks in flight that only
    holds for chains and for the last rounds of takes; in between the storyboard's order ends as soon, and
    spares everybody the bursts of tasks of one length that start together and end together.

    Without ``timing`` all takes are thought to last as long as each other.
    """
    children: dict[str, set[str]] = {}
    seconds: dict[str, float] = {}
    for step in plan.steps:
        if step.take == 1:
            kind = price_key(step.shot.model, step.shot.params)
            seconds[step.shot.id] = (
                timing.expected(kind, step.shot.model) if timing is not None else None
            ) or 1.0
            for parent in parents_of(step.shot):
                children.setdefault(parent, set()).add(step.shot.id)
    remaining = _remaining(seconds, children)
    spending = [step for step in plan.steps if step.action in SPENDING]
    ordered = sorted(spending, key=lambda step: -remaining[step.shot.id])
    if at_once is not None:
        chained = [step for step in ordered if step.waits or step.shot.id in children]
        alone = [step for step in spending if not step.waits and step.shot.id not in children]
        last = {id(step) for step in alone[max(0, len(alone) - LAST_ROUNDS * at_once) :]}
        mixed = [step for step in alone if id(step) not in last]
        ordered = [*chained, *mixed, *(step for step in ordered if id(step) in last)]
    return [(1.0 + place, step) for place, step in enumerate(ordered)]


def _remaining(seconds: dict[str, float], children: dict[str, set[str]]) -> dict[str, float]:
    """For each shot, how long it and the longest chain after it will take. There are no circles."""
    remaining: dict[str, float] = {}
    for root in seconds:
        stack = [root]
        while stack:
            shot = stack[-1]
            open_children = [child for child in children.get(shot, ()) if child not in remaining]
            if open_children:
                stack.extend(open_children)
                continue
            stack.pop()
            if shot not in remaining:
                after = max((remaining[child] for child in children.get(shot, ())), default=0.0)
                remaining[shot] = seconds[shot] + after
    return remaining
