"""What a run does for a take that something serves: all of it that was paid for, before anything else."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from rivya_run.journal.attempt import Attempt, AttemptState
from rivya_run.planning.plan import Action


def next_action(
    attempt: Attempt, bad_files: Mapping[str, str], expired: Collection[str]
) -> tuple[Action, str]:
    """What is done for a take that an attempt serves, and why.

    ``bad_files`` are outputs that are missing or altered on disk, ``expired`` keys of creates that were sent so long
    ago that the API may have forgotten them.
    """
    if attempt.state is AttemptState.STORED:
        return _stored(attempt, bad_files)
    if attempt.state is AttemptState.FINISHED:
        why = attempt.error.message if attempt.error else None
        return (
            Action.DOWNLOAD,
            f"paid, not fetched: {why}" if why else "paid, its files are still to be fetched",
        )
    if attempt.state is AttemptState.RUNNING:
        return Action.RESUME, f"task {attempt.task_id} exists"
    if attempt.state is AttemptState.SENT and attempt.client_request_id not in expired:
        return Action.RESUME, "a create was sent and got no answer: the same request is sent again"
    if attempt.state is AttemptState.TASK_MISSING:
        return Action.DECIDE, f"task {attempt.task_id} can no longer be found"
    return Action.DECIDE, "outcome unknown: adopt the task or pay again with --resend-unknown"


def _stored(attempt: Attempt, bad_files: Mapping[str, str]) -> tuple[Action, str]:
    for output in attempt.outputs:
        trouble = bad_files.get(output.path)
        if trouble:
            return Action.DOWNLOAD, f"paid, {output.path} {trouble}"
    return Action.REUSE, "up to date"
