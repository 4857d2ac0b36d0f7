"""What can be typed next for a storyboard: its plan and its place, in the words of ``planning.next_commands``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rivya_run.errors import RivyaError, StoryboardError
from rivya_run.planning.next_commands import NextCommand, Typed, next_commands, standings
from rivya_run.planning.plan import Action, SkipReason
from rivya_run.project.files import shown_name
from rivya_run.project.other_storyboards import shown
from rivya_run.project.places import project_root
from rivya_run.project.plan import Prepared, RunOptions, open_sources, planned


@dataclass(frozen=True, slots=True)
class Proposals:
    """The commands that make sense now, and why takes (shot, take) are not made. ``problem`` is what kept the
    storyboard from being planned: then nothing more is known."""

    commands: list[NextCommand]
    held: Mapping[tuple[str, int], str] = field(default_factory=dict)
    problem: RivyaError | None = None


def typed(file: str, root: Path, options: RunOptions) -> Typed:
    """How a person types a storyboard again so that it means the same place and the same takes."""
    place = ["--simulate"] if options.simulate else []
    place += ["--outputs", str(options.outputs)] if options.outputs is not None else []
    place += ["--allow-outside"] if options.allow_outside else []
    selection = [word for pattern in options.only for word in ("--only", pattern)]
    selection += [word for pattern in options.exclude for word in ("--exclude", pattern)]
    selection += ["--retry-failed"] if options.retry_failed else []
    selection += ["--resend-unknown"] if options.resend_unknown else []
    return Typed(file, tuple(place), tuple(selection), lambda other: shown((root / other).resolve()))


def proposals(prepared: Prepared, options: RunOptions, *, planning: bool = False) -> Proposals:
    """By a plan that is made; ``planning``: the person is looking at it."""
    plan, source = prepared.plan, prepared.source
    found = standings(plan, prepared.ledger.history)
    named = typed(shown_name(source.path), source.root, options)
    held = {
        (step.shot.id, step.take): step.reason
        for step in plan.steps
        if step.action is Action.WAIT or step.skip_reason is SkipReason.BLOCKED
    }
    return Proposals(next_commands(found, named, planned=planning), held)


def proposals_for(storyboard: Path, options: RunOptions) -> Proposals:
    """By what a run would do now, without any network; of a storyboard with problems: what shows them."""
    try:
        with planned(open_sources([storyboard], options), options) as [prepared]:
            return proposals(prepared, options)
    except RivyaError as problem:
        commands = []
        if isinstance(problem, StoryboardError):
            line = typed(shown_name(storyboard), project_root(storyboard), options).line("validate")
            commands = [NextCommand("the storyboard has problems, which a run would refuse", line)]
        return Proposals(commands, problem=problem)
