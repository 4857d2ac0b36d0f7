"""What plans leave of the project's budgets, as ``plan`` shows it. Only read."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rivya_run.journal.fold import LEAST
from rivya_run.planning.order import priorities
from rivya_run.planning.plan import Allowance, allowance
from rivya_run.project.budget_file import BUDGETS, ProjectBudget, read_budgets
from rivya_run.project.debits import ProjectBudgets
from rivya_run.project.plan import Prepared


def with_budgets(prepared: Sequence[Prepared]) -> None:
    """Tell the plans which of their takes go beyond the budgets of their project, one storyboard after the other.

    Raises StoryboardError for a ``budgets.yaml`` with problems, OutputFolderError where records can't be read.
    """
    for root in dict.fromkeys(one.source.root for one in prepared):
        found = read_budgets(root)
        if found:
            mine = [one for one in prepared if one.source.root == root]
            _tell(mine, root, found)


def _tell(prepared: Sequence[Prepared], root: Path, found: Sequence[ProjectBudget]) -> None:
    budgets = ProjectBudgets(root, found, [one.source.folder.parent for one in prepared], time.time)
    budgets.store.look()
    counted = {budget: budgets.counted(budget) for budget in found}
    for one in prepared:
        board, told = one.source.storyboard, []
        beyond: set[str] = set()
        for budget in found:
            if not any(budget.matches(board.id, board.client, shot.tags) for shot in board.made):
                continue
            steps = [
                step
                for _, step in priorities(one.plan)
                if step.label not in beyond and budget.matches(board.id, board.client, step.shot.tags)
            ]
            allowed = _named(budget, allowance(budget.max_credits, counted[budget], steps))
            beyond |= {*allowed.beyond}
            told.append(allowed)
            made = [step for step in steps if step.label not in beyond]
            counted[budget] += sum(LEAST if step.credits is None else step.credits for step in made)
        one.plan = replace(one.plan, totals=replace(one.plan.totals, budgets=tuple(told)))


def _named(budget: ProjectBudget, allowed: Allowance) -> Allowance:
    place = f"{BUDGETS}:{budget.line}"
    return replace(allowed, match=budget.match, per=budget.per, place=place)
