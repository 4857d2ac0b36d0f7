"""Which attempt the manifest shows for each take of a plan."""

from __future__ import annotations

from rivya_run.journal.fold import History
from rivya_run.planning.plan import Plan, Step


def shown_attempt(step: Step, history: History) -> str | None:
    """The key of the attempt that the manifest shows for a planned take: what serves it, else its last try."""
    if step.attempt_key is not None:
        return step.attempt_key
    if step.fingerprint is None:
        return None
    mine = [a for a in history.of_take(step.shot.id, step.take) if a.fingerprint == step.fingerprint]
    return max(mine, key=lambda attempt: attempt.number).key if mine else None


def serving_of(plan: Plan, history: History) -> dict[tuple[str, int], str]:
    """The key of the attempt that the manifest shows, for each (shot, take) of a plan that has one."""
    return {
        (step.shot.id, step.take): key
        for step in plan.steps
        if (key := shown_attempt(step, history)) is not None
    }
