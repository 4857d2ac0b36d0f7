"""An output folder that went away under a run: what is known in memory is written where it was, and told."""

from __future__ import annotations

from rivya_run.engine.storyboard_run import StoryboardRun
from rivya_run.errors import OutputFolderError
from rivya_run.journal.attempt import Attempt
from rivya_run.project.ledger import news_for, read_manifest
from rivya_run.project.places import MANIFEST


def save_what_is_known(one: StoryboardRun) -> OutputFolderError:
    """Write the manifest where the folder was, together with what another one there knows: the next run takes
    it in and pays for nothing again. The error that says so, with every task and create that is open.
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
