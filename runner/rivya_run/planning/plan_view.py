"""A plan as JSON, as a table, and as a comment on a pull request."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from rivya_run.history.take_entry import whole
from rivya_run.records import Json
from rivya_run.records.plan import WORKING, Action, Allowance, Plan, Step
from rivya_run.safetext import visible

HEADS = ("take", "scene", "action", "credits", "basis", "reason")
CREDITS_COLUMN = 3
MOST_NAMED = 8
"""Takes without room in the budget that are named below a table; each row says it too."""


def plan_document(plan: Plan) -> dict[str, Json]:
    """What ``plan --json`` prints for one storyboard (contract, section 4)."""
    totals: dict[str, Json] = {action.value: count for action, count in plan.totals.counts}
    credits: dict[str, Json] = {
        "now": whole(plan.totals.now),
        "spent": whole(plan.totals.spent),
        "worst": whole(plan.totals.worst),
    }
    budget = plan.totals.budget
    if budget is not None:
        credits["budget"] = {
            "max_credits": whole(budget.most),
            "left": whole(budget.left),
            "beyond": [*budget.beyond],
        }
    totals["credits"] = credits
    return {
        "storyboard": plan.storyboard,
        "steps": [step_document(step) for step in plan.steps],
        "totals": totals,
    }


def step_document(step: Step) -> dict[str, Json]:
    """One step of it. ``credits`` is null where nothing is known of the cost; ``warnings`` may be left out."""
    document: dict[str, Json] = {
        "shot": step.shot.id,
        "take": step.take,
        "action": step.action.value,
        "reason": step.reason,
        "model": step.shot.model,
        "credits": whole(step.credits),
        "credits_basis": step.credits_basis,
        "needs": [parent.label for parent in step.needs],
        "client_request_id": step.request_key,
    }
    return document | {"warnings": [*step.warnings]} if step.warnings else document


def something_to_do(plan: Plan) -> bool:
    """Whether a run would ask the API for anything, or a person has to decide something."""
    acting = WORKING | {Action.DECIDE}
    return bool(plan.orphans) or any(step.action in acting for step in plan.steps)


def plan_rows(plan: Plan) -> list[tuple[str, ...]]:
    """A row for each take, under ``HEADS``."""
    beyond = set(plan.totals.budget.beyond) if plan.totals.budget is not None else set()
    return [
        (
            step.label,
            step.shot.scene or "",
            step.action.value,
            credits_cell(step),
            basis_cell(step),
            _reason(step, beyond),
        )
        for step in plan.steps
    ]


def credits_cell(step: Step) -> str:
    """What a step costs: a figure, ``?`` where nothing is known, nothing where nothing is spent."""
    if step.credits is None:
        return "?"
    return f"{step.credits:g}" if step.credits else ""


def basis_cell(step: Step) -> str:
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
        f"credits: {totals.now:g} now{more}, {totals.spent:g} spent so far, "
        f"{totals.worst:g} now at worst, with retries"
    )
    if totals.budget is not None:
        lines.append(_budget_line(totals.budget, plan))
    if plan.orphans:
        lines.append(f"open work that no shot asks for any more, finished first: {len(plan.orphans)}")
    return lines


def _budget_line(budget: Allowance, plan: Plan) -> str:
    line = f"budget: {budget.most:g} credits, {budget.left:g} left"
    if not budget.beyond:
        return line
    named = ", ".join(budget.beyond[:MOST_NAMED])
    more = f" and {len(budget.beyond) - MOST_NAMED} more" if len(budget.beyond) > MOST_NAMED else ""
    beyond = set(budget.beyond)
    fits = sum(step.credits or 0 for step in plan.steps if step.label not in beyond)
    return f"{line}: enough for {fits:g} of these {plan.totals.now:g}, no room for {named}{more}"


def plan_markdown(plans: Sequence[Plan]) -> str:
    """The plans as Markdown; takes that are up to date are only counted."""
    return "\n".join(line for plan in plans for line in _markdown(plan))


def _markdown(plan: Plan) -> list[str]:
    head, cost, *others = totals_lines(plan)
    lines = [f"### {_cell(head)}", "", f"**{_cell(cost)}**", "", *(f"{_cell(line)}" for line in others)]
    shown = [
        row
        for row, step in zip(plan_rows(plan), plan.steps, strict=True)
        if step.action is not Action.REUSE or step.warnings
    ]
    if shown:
        lines += ["", f"| {' | '.join(HEADS)} |", "|---|---|---|--:|---|---|"]
        lines += [f"| {' | '.join(_cell(cell) for cell in row)} |" for row in shown]
    return [*lines, ""]


def _cell(text: str) -> str:
    """Text of people that neither ends a cell nor becomes a link, a mention or HTML."""
    shown = visible(text)
    for letter in "\\`*_[]<>|#@!":
        shown = shown.replace(letter, f"\\{letter}" if letter not in "<>@" else f"&#{ord(letter)};")
    return shown
