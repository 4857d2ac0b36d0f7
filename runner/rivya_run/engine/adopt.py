"""A person ties a task that exists to a take: what is checked, and what goes on record."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import anyio

from rivya_run import __version__
from rivya_run.engine.connection import SIMULATED_KEY, simulated
from rivya_run.errors import RivyaError, UsageError
from rivya_run.journal.attempt import UNDECIDED_STATES, Attempt, AttemptState, Task
from rivya_run.journal.events import Adopted
from rivya_run.journal.fingerprint import client_request_id, request_body
from rivya_run.planning.plan import Step
from rivya_run.project.books import open_database, written_by_us
from rivya_run.project.plan import Prepared, RunOptions, open_sources, prepare, run_started
from rivya_run.project.source import Source
from rivya_run.provider.http import Http
from rivya_run.provider.interface import NotFound, Refused, Unanswered
from rivya_run.provider.network import Network
from rivya_run.provider.origin import SIMULATOR_ORIGIN, Secret, api_key, base_url, checked_base_url
from rivya_run.provider.rivya.client import RivyaClient
from rivya_run.provider.throttle import Pace
from rivya_run.suggest import did_you_mean

ASK_WITHIN = 60.0
"""Seconds that the question for the task may take, retries included."""

_UNDECIDED = UNDECIDED_STATES | {AttemptState.SENT}


def adopt(
    path: Path,
    shot: str,
    take: int,
    task_id: str,
    options: RunOptions,
    *,
    environment: Mapping[str, str],
    key: str | None = None,
) -> str:
    """Ask for a task and put on record that it is this take's; the key of the attempt that it serves now.

    Where the take has an attempt whose outcome is unknown, that is the one, also where no shot asks for it any
    more; else the task stands for the take as it is asked for now. ``key`` names the attempt, where a take has
    several whose outcome is unknown. Nothing is followed or fetched yet.

    Raises UsageError for a take that there isn't or that has a task already, RivyaError for a task that can't be
    this take's.
    """
    source = open_sources([path], options)[0]
    recorded = SIMULATOR_ORIGIN if options.simulate else checked_base_url(base_url(environment))
    network = Network() if options.simulate else Network.of_environment()
    with ExitStack() as stack:
        database = stack.enter_context(open_database(options.database, simulate=options.simulate))
        purpose = f"adopt {source.relative_path}"
        ledger = stack.enter_context(written_by_us(source.folder, purpose, database))
        prepared = prepare(source, ledger, options, None, base_url=recorded, writing=True)
        step, attempt = _wanted(prepared, shot, take, key)
        _check_free(prepared, task_id, attempt)
        if options.simulate:
            url, secret = stack.enter_context(simulated(source)), Secret(SIMULATED_KEY)
        else:
            url, secret = recorded, api_key(environment)
        task = _answered(anyio.run(_ask, url, secret, network, task_id), task_id)
        event = _adopted(source, prepared, step, attempt, task)
        ledger.record(run_started(source, recorded, __version__, os.getpid()))
        ledger.record(event)
        ledger.sync()
        return event.key


def _wanted(prepared: Prepared, shot: str, take: int, key: str | None) -> tuple[Step | None, Attempt | None]:
    """What the task is for: a take of the storyboard, an attempt whose outcome is unknown, or both.

    Raises UsageError where there is neither, or where the take has a task already.
    """
    history = prepared.ledger.history
    undecided = {one.client_request_id: one for one in history.of_take(shot, take) if one.state in _UNDECIDED}
    if key is not None:
        if key not in undecided:
            raise UsageError(
                f"{shot}/{take} has no create of key {key} whose outcome is unknown"
                f"{did_you_mean(key, list(undecided))}"
            )
        return None, undecided[key]
    last = list(undecided.values())[-1] if undecided else None
    step = next((s for s in prepared.plan.steps if (s.shot.id, s.take) == (shot, take)), None)
    serving = history.attempts.get(step.attempt_key or "") if step is not None else None
    if serving is not None and serving.state not in _UNDECIDED:
        raise UsageError(
            f"{shot}/{take} has task {serving.task_id} already",
            hint="another take can be named with --take N",
        )
    if step is None and last is None:
        shots = {one.id: one for one in prepared.source.storyboard.shots}
        if shot in shots:
            raise UsageError(f"shot {shot!r} has {shots[shot].takes} takes, not {take}")
        raise UsageError(f"there is no shot {shot!r}{did_you_mean(shot, list(shots))}")
    return step, serving or last


def _check_free(prepared: Prepared, task_id: str, attempt: Attempt | None) -> None:
    """A task serves one take."""
    others = prepared.ledger.history.keys_of_task(task_id) - (
        {attempt.client_request_id} if attempt else set()
    )
    for key in others:
        other = prepared.ledger.history.attempts[key]
        raise UsageError(f"task {task_id} serves {other.shot}/{other.take} already (key {key})")


async def _ask(
    url: str, key: Secret, network: Network, task_id: str
) -> Task | NotFound | Refused | Unanswered:
    async with Http(url, key, pace=Pace(random=random.random), network=network) as http:
        client = RivyaClient(http, clock=time.monotonic, random=random.random)
        return await client.task(task_id, deadline=time.monotonic() + ASK_WITHIN)


def _answered(answer: Task | NotFound | Refused | Unanswered, task_id: str) -> Task:
    if isinstance(answer, Task):
        return answer
    if isinstance(answer, Unanswered):
        raise RivyaError(
            f"the API could not be asked for task {task_id}: {answer.last}", hint="try again later"
        )
    hint = "look the task id up at Rivya; RIVYA_API_KEY has to be the key of the account that made it"
    raise RivyaError(f"the API knows no task {task_id}: {answer.error.message}", hint=hint)


def _adopted(
    source: Source, prepared: Prepared, step: Step | None, attempt: Attempt | None, task: Task
) -> Adopted:
    """The event, after a look at the model: a task of another one was made for something else."""
    if attempt is None:
        assert step is not None
        attempt = _new(source, prepared, step)
    if task.model is not None and task.model != attempt.model:
        raise UsageError(
            f"task {task.id} is of model {task.model}, {attempt.shot}/{attempt.take} of {attempt.model}"
        )
    shot, take, family = attempt.shot, attempt.take, attempt.family
    if step is not None:
        shot, take, family = step.shot.id, step.take, step.shot.recorded_family
    return Adopted(
        key=attempt.client_request_id,
        shot=shot,
        take=take,
        fingerprint=attempt.fingerprint,
        number=attempt.number,
        model=attempt.model,
        body=attempt.body,
        task_id=task.id,
        status=task.raw_status,
        reserved_credits=task.reserved_credits,
        final_credits=task.final_credits,
        created_at=task.created_at,
        updated_at=task.updated_at,
        family=family,
        from_storyboards=attempt.from_storyboards,
        client=attempt.client,
        tags=attempt.tags,
        scene=attempt.scene,
    )


def _new(source: Source, prepared: Prepared, step: Step) -> Attempt:
    """An attempt at a take as it is asked for now, of which nothing is on record."""
    digest, shot = step.fingerprint, step.shot
    if digest is None:
        raise UsageError(
            f"{step.label} is made from a take that isn't there yet, so it can't have a task",
            hint="finish the storyboard's other takes first",
        )
    number = prepared.planner.next_number(shot.id, step.take, digest)
    key = client_request_id(source.storyboard.id, shot.id, step.take, digest, number)
    body = request_body(shot.model, shot.prompt, shot.params, (), key)
    return Attempt(
        client_request_id=key,
        shot=shot.id,
        take=step.take,
        fingerprint=digest,
        number=number,
        model=shot.model,
        body=body,
        state=AttemptState.SENT,
        sent_at=None,
        from_storyboards=step.from_storyboards,
        client=source.storyboard.client,
        tags=shot.tags,
        scene=shot.scene,
    )
