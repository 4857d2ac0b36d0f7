"""A plan, what changed since another one, and what an editor used of it: as tables and as Markdown."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from rivya_run.film.timeline import UsedShot
from rivya_run.json_types import Json
from rivya_run.planning.changes import Kind, TakeChange
from rivya_run.planning.plan import Action, Allowance, Plan, Step
from rivya_run.project.plan import Prepared
from rivya_run.text import counted, credits_in_words, figure, markdown, markdown_table

HEADS = ("take", "scene", "action", "credits", "basis", "reason")
CREDITS_COLUMN = 3
MOST_NAMED = 8
"""Takes without room in the budget that are named below a table; each row says it too."""


def plan_rows(plan: Plan) -> list[tuple[str, ...]]:
    """A row for each take, under ``HEADS``."""
    beyond = plan.totals.beyond
    return [
        (
            step.label,
            step.shot.scene or "",
            step.action.value,
            _credits(step),
            _basis(step),
            _reason(step, beyond),
        )
        for step in plan.steps
    ]


def _credits(step: Step) -> str:
    """What a step costs: a figure, ``?`` where nothing is known, nothing where nothing is spent."""
    if step.credits is None:
        return "?"
    return figure(step.credits) if step.credits else ""


def _basis(step: Step) -> str:
    """``observed``, or ``base 2026-05-11``: the price of default params, read on that day."""
    basis = step.credits_basis or ""
    if step.credits_basis == "base" and step.table_date:
        basis = f"base {step.table_date}"
    return f"at least, {basis}" if step.dearer else basis


def _reason(step: Step, beyond: Collection[str]) -> str:
    """Why, from what, and what is odd about it."""
    needs = ", ".join([*(one.label for one in step.needs), *(one.label for one in step.boards)])
    resting = step.action in {Action.REUSE, Action.WAIT}
    why = f"{step.reason} (from {needs})" if needs and not resting else step.reason
    odd = [f"warning: {warning}" for warning in step.warnings]
    return "; ".join([why, *(["beyond the budget"] if step.label in beyond else []), *odd])


def totals_lines(plan: Plan) -> list[str]:
    """What is to be done in all, and what it costs."""
    counts = ", ".join(f"{action.value} {count}" for action, count in plan.totals.counts if count)
    lines = [f"{plan.storyboard}: {counts or 'no takes'}"]
    totals = plan.totals
    unknown = sum(step.credits is None for step in plan.steps)
    more = f" and {unknown} of unknown cost" if unknown else ""
    least = "at least " if plan.at_least else ""
    lines.append(
        f"credits: {least}{figure(totals.now)} now{more}, {figure(totals.spent)} spent so far, "
        f"{least}{figure(totals.worst)} now at worst, with retries"
    )
    budgets = (*([totals.budget] if totals.budget is not None else []), *totals.budgets)
    lines += [_budget_line(one, plan) for one in budgets]
    lines += [f"cast {member} changed: {counted(shots, 'shot')}" for member, shots in plan.cast_changes]
    lines += other_choice_lines(plan)
    if plan.orphans:
        lines.append(f"unfinished work that no shot uses any more, finished first: {len(plan.orphans)}")
    return lines


def other_choice_lines(plan: Plan) -> list[str]:
    """What other storyboards choose now in place of what shots were made from."""
    return [
        f"{file} chooses another {shot} now ({counted(shots, 'shot')})"
        for file, shot, shots in plan.other_choices
    ]


def _budget_line(budget: Allowance, plan: Plan) -> str:
    name = f"budget {budget.match} ({budget.place})" if budget.place else "budget"
    per = f" per {budget.per}" if budget.per != "ever" else ""
    line = f"{name}: {figure(budget.most)} credits{per}, {figure(budget.left)} left"
    if not budget.beyond:
        return line
    named = ", ".join(budget.beyond[:MOST_NAMED])
    more = f" and {len(budget.beyond) - MOST_NAMED} more" if len(budget.beyond) > MOST_NAMED else ""
    beyond = set(budget.beyond)
    fits = sum(step.credits or 0 for step in plan.steps if step.label not in beyond)
    return f"{line}: enough for {figure(fits)} of these {figure(plan.totals.now)}, no room for {named}{more}"


def film_lines(film: Mapping[str, Any], out: Sequence[str]) -> list[str]:
    """How long a film will be, and the shots that it leaves out on purpose. Nothing for a film of nothing."""
    lines = []
    one_of_several = film["version"] is not None
    name = f"film {film['version']}" if one_of_several else "film"
    if film["shots"]:
        about = "about " if film["estimated"] else ""
        sounds = f", {counted(len(film['sounds']), 'sound')}" if film["sounds"] else ""
        lines.append(
            f"{name}: {about}{figure(film['seconds'])} s, {counted(len(film['shots']), 'picture')}{sounds}"
        )
    if out:
        named = ", ".join(out[:MOST_NAMED])
        more = f" and {len(out) - MOST_NAMED} more" if len(out) > MOST_NAMED else ""
        lines.append(f"not in {'' if one_of_several else 'the '}{name}: {named}{more}")
    return lines


def plan_markdown(plans: Sequence[Plan], films: Sequence[Sequence[str]] = ()) -> str:
    """The plans as Markdown, each with the lines of its film; takes that are up to date are only counted."""
    told = [*films, *([()] * (len(plans) - len(films)))]
    return "\n".join(line for plan, film in zip(plans, told, strict=True) for line in _markdown(plan, film))


def _markdown(plan: Plan, film: Sequence[str]) -> list[str]:
    head, cost, *others = (*totals_lines(plan), *film)
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
        lines += ["", *markdown_rows(HEADS, shown)]
    return [*lines, ""]


def markdown_rows(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a Markdown table whose fourth column holds credits."""
    return markdown_table(heads, [[markdown(cell) for cell in row] for row in rows], [CREDITS_COLUMN])


CHANGE_HEADS = ("take", "change", "model", "credits", "basis")


def change_row(one: TakeChange) -> tuple[str, ...]:
    """What changed of a take, under ``CHANGE_HEADS``."""
    kind = f"renamed from {one.was}" if one.kind is Kind.RENAMED else one.kind.value
    costs = one.kind in {Kind.NEW, Kind.CHANGED}
    credits = figure(one.credits) if one.credits is not None else "?" if costs else ""
    return f"{one.shot}/{one.take}", kind, one.model, credits, one.basis or ""


def changes_line(storyboard: str, revision: str, found: Sequence[TakeChange]) -> str:
    """How many takes of a storyboard changed since a git revision, and what making them costs."""
    if not found:
        return f"{storyboard}: nothing changed since {revision}"
    counts = [(sum(one.kind is kind for one in found), kind.value) for kind in Kind]
    kinds = ", ".join(f"{count} {kind}" for count, kind in counts if count)
    cost = credits_in_words(sum(one.credits or 0 for one in found))
    return f"{storyboard}: {kinds} since {revision}; {cost} to make it"


USE_HEADS = ("take", "scene", "used", "made", "pick", "credits")
USE_NUMBERS = (2, 3, 5)


def use_documents(one: Prepared, used: Sequence[UsedShot]) -> list[dict[str, Json]]:
    """For each take of a plan the seconds that a timeline uses of it, as ``plan --from-timeline --json`` has it."""
    seconds = {(take.shot, take.take): take.seconds for take in used}
    documents: list[dict[str, Json]] = []
    for step in one.plan.steps:
        attempt = one.ledger.history.attempts.get(step.attempt_key or "")
        media = dict(attempt.outputs[0].media or {}) if attempt is not None and attempt.outputs else {}
        documents.append(
            {
                "shot": step.shot.id,
                "take": step.take,
                "scene": step.shot.scene,
                "used_seconds": seconds.get((step.shot.id, step.take), 0),
                "made_seconds": media.get("duration"),
                "picked": step.shot.pick == step.take,
                "credits": attempt.spent if attempt is not None else None,
            }
        )
    return documents


def use_row(document: dict[str, Json]) -> tuple[str, ...]:
    """The same under ``USE_HEADS``."""
    credits = document["credits"]
    return (
        f"{document['shot']}/{document['take']}",
        str(document["scene"] or ""),
        _seconds(document["used_seconds"]),
        _seconds(document["made_seconds"]),
        "picked" if document["picked"] else "",
        figure(credits) if isinstance(credits, int | float) else "",
    )


def _seconds(value: Json) -> str:
    return f"{value:.2f} s" if isinstance(value, int | float) and value else "-"
