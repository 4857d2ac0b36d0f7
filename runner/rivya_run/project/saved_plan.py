"""A plan as JSON; saved by ``plan --out``, and carried out by ``run --plan``, exactly that or nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rivya_run import __version__
from rivya_run.errors import OutputFolderError, PlanMoved, StoryboardError
from rivya_run.journal.take_entry import whole
from rivya_run.json_types import Json
from rivya_run.planning.plan import WORKING, Action, Plan, Step
from rivya_run.project.outputs import sha256_of
from rivya_run.project.places import JOURNAL, is_url
from rivya_run.project.plan import Prepared, RunOptions
from rivya_run.project.source import Source
from rivya_run.text import visible

VERSION = 1
MOST_SHOWN = 10
"""Changes that a refusal lists."""

CHOICES = ("only", "exclude", "retry_failed", "resend_unknown", "simulate", "allow_outside", "outputs")
"""Options of ``run`` that decide what is done, by the names of RunOptions: a saved plan brings its own."""


@dataclass(frozen=True, slots=True)
class Basis:
    """What a plan was made from. ``path`` is the storyboard as it was named, ``references`` maps paths as
    written to sha256, ``inputs`` does so for what else was read, with paths from the project root, and for what other
    storyboards choose; ``tables`` and
    ``journal`` are digests (no journal: None)."""

    path: str
    sha256: str
    references: Mapping[str, str]
    tables: str
    journal: str | None
    inputs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """``plans`` are documents as ``plan --json`` prints them, one for each basis, in order."""

    choices: Mapping[str, Any]
    bases: tuple[Basis, ...]
    plans: tuple[Mapping[str, Any], ...]


def plan_document(plan: Plan) -> dict[str, Json]:
    """What ``plan --json`` prints for one storyboard (contract, section 4)."""
    totals: dict[str, Json] = {action.value: count for action, count in plan.totals.counts}
    credits: dict[str, Json] = {
        "now": whole(plan.totals.now),
        "spent": whole(plan.totals.spent),
        "worst": whole(plan.totals.worst),
    }
    if plan.at_least:
        credits["at_least"] = True
    budget = plan.totals.budget
    if budget is not None:
        credits["budget"] = {
            "max_credits": whole(budget.most),
            "left": whole(budget.left),
            "beyond": [*budget.beyond],
        }
    if plan.totals.budgets:
        credits["budgets"] = [
            {
                "match": one.match,
                "per": one.per,
                "max_credits": whole(one.most),
                "left": whole(one.left),
                "beyond": [*one.beyond],
            }
            for one in plan.totals.budgets
        ]
    totals["credits"] = credits
    return {
        "storyboard": plan.storyboard,
        "steps": [step_document(step) for step in plan.steps],
        "totals": totals,
    }


def step_document(step: Step) -> dict[str, Json]:
    """One step of it. ``credits`` is null where nothing is known of the cost; ``warnings``, ``versions``,
    ``from_storyboards`` and ``dearer`` (params with which it may cost more than the base credits) may be left out."""
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
    if step.dearer:
        document["dearer"] = [*step.dearer]
    if step.boards:
        document["from_storyboards"] = [
            {"storyboard": one.storyboard, "shot": one.shot, "take": one.take, "sha256": one.sha256}
            for one in step.boards
        ]
    if step.shot.versions:
        document["versions"] = [*step.shot.versions]
    return document | {"warnings": [*step.warnings]} if step.warnings else document


def something_to_do(plan: Plan) -> bool:
    """Whether a run would ask the API for anything, or a person has to decide something."""
    acting = WORKING | {Action.DECIDE}
    return bool(plan.orphans) or any(step.action in acting for step in plan.steps)


def saved(plans: Sequence[Plan], bases: Sequence[Basis], choices: Mapping[str, Json]) -> bytes:
    boards: list[Json] = []
    for plan, basis in zip(plans, bases, strict=True):
        made_from: dict[str, Json] = {
            "path": basis.path,
            "sha256": basis.sha256,
            "references": dict(basis.references),
            "inputs": dict(basis.inputs),
            "tables": basis.tables,
            "journal": basis.journal,
        }
        boards.append({"from": made_from, "plan": plan_document(plan)})
    document: dict[str, Json] = {
        "rivya_run_plan": VERSION,
        "program": __version__,
        "choices": dict(choices),
        "storyboards": boards,
    }
    return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode("utf-8", "surrogatepass")


def read_saved(content: bytes, file: str) -> SavedPlan:
    """The plan of a file. Raises StoryboardError for one that ``plan --out`` of this version didn't write."""
    try:
        document = json.loads(content)
        if document["rivya_run_plan"] != VERSION:
            raise StoryboardError(
                f"{visible(file)}: saved by another version of rivya-run", hint="make the plan again"
            )
        choices = {name: document["choices"][name] for name in CHOICES}
        bases = tuple(_basis(board["from"]) for board in document["storyboards"])
        plans = tuple(dict(board["plan"]) for board in document["storyboards"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise StoryboardError(
            f"{visible(file)}: this is not a plan saved by 'rivya-run plan --out'",
            hint="rivya-run plan STORYBOARD --out FILE",
        ) from error
    return SavedPlan(choices, bases, plans)


def _basis(fields: Mapping[str, Any]) -> Basis:
    return Basis(
        str(fields["path"]),
        str(fields["sha256"]),
        {str(path): str(digest) for path, digest in fields["references"].items()},
        str(fields["tables"]),
        fields["journal"],
        {str(path): str(digest) for path, digest in fields.get("inputs", {}).items()},
    )


def choices_of(options: RunOptions) -> dict[str, Json]:
    """The options that a plan is made with, as its file keeps them."""
    found = {name: getattr(options, name) for name in CHOICES}
    return {
        name: list(value) if isinstance(value, tuple) else str(value) if isinstance(value, Path) else value
        for name, value in found.items()
    }


def options_of(choices: Mapping[str, Any]) -> dict[str, Any]:
    """The same as fields of RunOptions."""
    outputs = choices["outputs"]
    if outputs is not None and not is_url(outputs):
        outputs = Path(outputs)
    lists = {name: tuple(choices[name]) for name in ("only", "exclude")}
    return {**choices, **lists, "outputs": outputs}


def plan_digest(prepared: Sequence[Prepared], options: RunOptions) -> str:
    """sha256 over all that decides what a run does: what the plans were made from, their steps, the options.

    The journal itself is no part of it, since a run first takes in what the manifest knows; what of it matters is in
    the steps.
    """
    bases = [replace(basis_of(one.source), journal=None) for one in prepared]
    content = saved([one.plan for one in prepared], bases, choices_of(options))
    unused = json.dumps([[*one.plan.orphans] for one in prepared])
    return hashlib.sha256(content + unused.encode()).hexdigest()


def check_sources(saved: SavedPlan, sources: Sequence[Source]) -> None:
    """Raises PlanMoved where storyboards, references, tables or journals have changed since."""
    _check_unmoved(
        change
        for then, source in zip(saved.bases, sources, strict=True)
        for change in moved(then, basis_of(source))
    )


def check_steps(saved: SavedPlan, prepared: Sequence[Prepared]) -> None:
    """Raises PlanMoved where a run would do anything else than was planned; the last guard, whatever the cause."""
    _check_unmoved(
        change
        for then, one in zip(saved.plans, prepared, strict=True)
        for change in moved_steps(then, plan_document(one.plan))
    )


def _check_unmoved(found: Iterable[str]) -> None:
    changes = list(found)
    if not changes:
        return
    shown = [f"  {change}" for change in changes[:MOST_SHOWN]]
    shown += [f"  and {len(changes) - MOST_SHOWN} more"] if len(changes) > MOST_SHOWN else []
    raise PlanMoved(
        "the saved plan no longer fits; nothing was done\n" + "\n".join(shown),
        hint="look at the new plan and save it: rivya-run plan STORYBOARD --out FILE",
    )


def moved(then: Basis, now: Basis) -> list[str]:
    """What has changed since a plan was made, in words; empty when nothing has."""
    changes = []
    if then.sha256 != now.sha256:
        changes.append("the storyboard was edited")
    for path, digest in now.references.items():
        if path in then.references and then.references[path] != digest:
            changes.append(f"reference {path} has new content")
    for path in dict.fromkeys([*then.inputs, *now.inputs]):
        if then.inputs.get(path) != now.inputs.get(path):
            how = "has new content" if path in then.inputs and path in now.inputs else "came or went"
            changes.append(f"{path} {how}")
    if then.sha256 == now.sha256 and set(then.references) != set(now.references):
        changes.append("other references are used")
    if then.tables != now.tables:
        changes.append("the parameter tables changed")
    if then.journal != now.journal:
        changes.append("the journal changed: something was run, adopted or removed since")
    return changes


def moved_steps(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Takes whose step is another one now."""
    before = {(step["shot"], step["take"]): step for step in then["steps"]}
    changes = []
    for step in now["steps"]:
        old = before.pop((step["shot"], step["take"]), None)
        if old != step:
            was = "nothing" if old is None else f"{old['action']} ({old['reason']})"
            changes.append(f"{step['shot']}/{step['take']}: {was} -> {step['action']} ({step['reason']})")
    changes += [f"{shot}/{take} is gone" for shot, take in before]
    return changes


def basis_of(source: Source) -> Basis:
    """The digests of a storyboard, of all that it reads, the tables in force and the journal, as they are now."""
    journal = source.folder / JOURNAL
    try:
        digest = sha256_of(journal) if journal.exists() else None
    except OSError as error:
        raise OutputFolderError(f"{journal}: can't be read: {error.strerror}") from error
    return Basis(
        source.path.as_posix(),
        source.storyboard.sha256,
        {path: facts.sha256 for path, facts in source.facts.items()},
        source.catalog.digest(),
        digest,
        {**source.inputs(), **(source.choices.digests() if source.choices else {})},
    )
