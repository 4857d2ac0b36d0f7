"""A renamed shot's clips follow it."""

from __future__ import annotations

import anyio

from rivya_run.engine.run_ledger import RunLedger
from rivya_run.journal.attempt import Attempt, owned_paths
from rivya_run.journal.events import Reassigned
from rivya_run.planning.plan import Step
from rivya_run.project.names import name_for_take
from rivya_run.project.outputs import move, unused_name


async def take_over(step: Step, ledger: RunLedger) -> None:
    """Give a take the attempt of another one: durably on record first, then its files are moved.

    No other file is in their way: what lies under a name that is on record for the take keeps it.
    """
    assert step.attempt_key is not None
    folder, attempt = ledger.folder, ledger.attempt(step.attempt_key)
    owned = ledger.names_of(step.shot.id, step.take)
    paths: dict[str, str] = {}
    for path in owned_paths(attempt):
        new = _renamed(path, attempt, step.shot.id, step.take)
        paths[path] = new if new == path else unused_name(folder, new, owned | {*paths.values()})
    with anyio.CancelScope(shield=True):
        ledger.record(
            Reassigned(key=attempt.client_request_id, shot=step.shot.id, take=step.take, paths=paths)
        )
        await ledger.durable()
    for old, new in paths.items():
        move(folder, old, new)


def _renamed(path: str, attempt: Attempt, shot: str, take: int) -> str:
    """The path of an output under the name of the take that it serves from now on."""
    return name_for_take(path, (attempt.shot, attempt.take), (shot, take))
