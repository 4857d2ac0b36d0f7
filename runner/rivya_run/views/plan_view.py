"""A plan as a table, and as a comment on a pull request."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from rivya_run.planning.plan import Action, Allowance, Plan, Step
from rivya_run.text import figure, markdown, markdown_table

HEADS = ("take", "scene", "action", "credits", "basis", "reason")
CREDITS_COLUMN = 3
MOST_NAMED = 8
"""Takes without room in the budget that are named below a table; each row says it too."""


def plan_rows(plan: Plan) -> list[tuple[str, ...]]:
    """A row for each take, under ``HEADS``."""
    beyond = set(plan.totals.budget.beyond) if plan.totals.budget is not None else set()
    return [
        (
            step.label,
            step.shot.scene or "",
            step.action.value,
            creditsmarkdown(step),
            basismarkdown(step),
            _reason(step, beyond),
        )
        for step in plan.steps
    ]


def creditsmarkdown(step: Step) -> str:
    """What a step costs: a figure, ``?`` where nothing is known, nothing where nothing is spent."""
    if step.credits is None:
        return "?"
    return figure(step.credits) if step.credits else ""


def basismarkdown(step: Step) -> str:
    """``observed``, or ``base 2026-05-11``: the price of default params, read on that day."""
    if step.credits_basis == "base" and step.table_date:
        return f"base {step.table_date}"
    return step.credits_basis or ""


def _reason(step: Step, beyond: Collection[str]) -> str:
    """Why, from what, and what is odd about it."""
    needs = ", ".join(parent.label for parent in step.needs)
    why = f"{step.reason} (from {needs})" if needs and step.action is not Action.REUSE else step.reason
    odd = [f"warning: {warning}" for warning in step.warnings]
    return "; ".join([why, *(["beyond the budget"] if step.label in beyond else []), *odd])


def totals_lines(plan: Plan) -> list[str]:
    """What is to be done in all, and what it costs."""
    counts = ", ".join(f"{action.value} {count}" for action, count in plan.totals.counts if count)
    lines = [f"{plan.storyboard}: {counts or 'no takes'}"]
    totals = plan.totals
    unknown = sum(step.credits is None for step in plan.steps)
    more = f" and {unknown} of unknown cost" if unknown else ""
    lines.append(
        f"credits: {figure(totals.now)} now{more}, {figure(totals.spent)} spent so far, "
        f"{figure(totals.worst)} now at worst, with retries"
    )
    if totals.budget is not None:
        lines.append(_budget_line(totals.budget, plan))
    if plan.orphans:
        lines.append(f"unfinished work that no shot uses any more, finished first: {len(plan.orphans)}")
    return lines


def _budget_line(budget: Allowance, plan: Plan) -> str:
    line = f"budget: {figure(budget.most)} credits, {figure(budget.left)} left"
    if not budget.beyond:
        return line
    named = ", ".join(budget.beyond[:MOST_NAMED])
    more = f" and {len(budget.beyond) - MOST_NAMED} more" if len(budget.beyond) > MOST_NAMED else ""
    beyond = set(budget.beyond)
    fits = sum(step.credits or 0 for step in plan.steps if step.label not in beyond)
    return f"{line}: enough for {figure(fits)} of these {figure(plan.totals.now)}, no room for {named}{more}"


def plan_markdown(plans: Sequence[Plan]) -> str:
    """The plans as Markdown; takes that are up to date are only counted."""
    return "\n".join(line for plan in plans for line in _markdown(plan))


def _markdown(plan: Plan) -> list[str]:
    head, cost, *others = totals_lines(plan)
    lines = [
        f"### {markdown(head)}",
        "",
        f"**{markdown(cost)}**",
        "",
        *(f"{markdown(line)}" for line in others),
    ]
    shown = [
        row
        for row, step in zip(plan_rows(plan), plan.steps, strict=True)
        if step.action is not Action.REUSE or step.warnings
    ]
    if shown:
        rows = [[markdown(cell) for cell in row] for row in shown]
        lines += ["", *markdown_table(HEADS, rows, [CREDITS_COLUMN])]
    return [*lines, ""]
