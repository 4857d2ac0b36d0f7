"""How a run ends: what is saved where its records went away, the error that counts, the exit code."""

from __future__ import annotations

from collections.abc import Sequence

from rivya_run.engine.next_step import Ending
from rivya_run.engine.storyboard_run import StoryboardRun
from rivya_run.errors import BY_ENDING, SEVEREST_FIRST, OutputFolderError, RivyaError, severest
from rivya_run.journal.attempt import Attempt
from rivya_run.planning.plan import Action
from rivya_run.project.ledger import news_for, read_manifest
from rivya_run.project.places import MANIFEST


def save_what_is_known(one: StoryboardRun) -> OutputFolderError:
    """The folder, or the right to write to the books, went away under the run: write the manifest, together with what
    another one there knows. The next run takes it in and pays for nothing again.

    The error that says so, with every task and create that is open.
    """
    path = one.folder / MANIFEST
    try:
        there = read_manifest(one.folder)
        for event in news_for(one.ledger.ledger, there) if there is not None else ():
            one.ledger.ledger.apply_unrecorded(event)
        one.manifest.write(anyway=True)
    except OutputFolderError as error:
        saved = f"what this run knew could not be saved ({error.message})"
        hint = "note these; rivya-run adopt ties a task to its take"
    else:
        saved = f"what this run knew was saved to {path}"
        hint = "run the same command again: it goes on from that manifest and pays for nothing again"
    attempts = one.ledger.history.attempts.values()
    known = [_line(attempt) for attempt in attempts if attempt.open]
    told = "open at the API:" if known else "no task is in progress at the API"
    return OutputFolderError("\n".join([f"{saved}; {told}", *known]), hint=hint)


def _line(attempt: Attempt) -> str:
    task = f"task {attempt.task_id}" if attempt.task_id else "a create without an answer"
    return f"  {attempt.shot}/{attempt.take}: {task}, key {attempt.client_request_id}"


def as_one(errors: Sequence[RivyaError]) -> RivyaError | None:
    """The error that decides the exit code, with what the others say: a task id may stand in any of them."""
    if not errors:
        return None
    ordered = sorted(errors, key=lambda error: SEVEREST_FIRST.index(error.exit_code))
    worst = ordered[0]
    if len(ordered) == 1:
        return worst
    messages = dict.fromkeys(error.message for error in ordered)
    hints = dict.fromkeys(error.hint for error in ordered if error.hint)
    return type(worst)("\n".join(messages), hint="\n".join(hints) or None)


def exit_code(storyboards: Sequence[StoryboardRun], error: RivyaError | None) -> int:
    """The exit code of a run: the most severe of what ended it and of what its wanted takes came to."""
    codes = [error.exit_code] if error is not None else []
    for one in storyboards:
        for step in one.plan.steps:
            outcome = one.outcomes.get((step.shot.id, step.take))
            if not step.wanted:
                continue
            if outcome is not None:
                codes.append(BY_ENDING.get(outcome.ending, 0))
            elif step.action is Action.DECIDE:
                codes.append(BY_ENDING[Ending.UNKNOWN])
    return severest(codes)
