"""The page on which money is spent: one create, from its intent on disk to what is known of it.

A create is sent as often as it takes to learn what became of it: always the same bytes with the same key, so that
the API makes one task of all sendings while it knows the key. One fact decides everything else, ``may_exist``: has
any sending perhaps arrived?

- No: nothing was paid. It is sent while creating goes on, and withdrawn when it stops or the time is up.
- Yes: a task may exist and may cost. It is sent again also after creating has stopped, since nothing else tells
  what became of it, but only inside the window in which the API knows its key; past that, a person decides.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import anyio

from rivya_run.engine.resend_window import ResendWindow
from rivya_run.engine.run_ledger import RunLedger
from rivya_run.engine.stop import Stop
from rivya_run.engine.task_slot import STILL_THROTTLED, TaskSlot
from rivya_run.errors import OutputFolderError
from rivya_run.journal.attempt import ApiError, Attempt, AttemptState, Task
from rivya_run.journal.events import Created as CreatedEvent
from rivya_run.journal.events import Intended, MarkedUnknown, Withdrawn
from rivya_run.journal.events import Refused as RefusedEvent
from rivya_run.journal.fingerprint import client_request_id, request_body
from rivya_run.journal.fold import History
from rivya_run.json_types import Json
from rivya_run.planning.plan import Estimate, Parent, Step
from rivya_run.provider.attempts import Attempts
from rivya_run.provider.interface import (
    Created,
    CreateResult,
    KeyInUse,
    MayHaveArrived,
    NotSent,
    Refused,
    Throttled,
)
from rivya_run.provider.rivya.client import RivyaClient, key_refused
from rivya_run.provider.rivya.retry import (
    IDEMPOTENCY_CONFLICT,
    INSUFFICIENT_CREDITS,
    FailureKind,
    RetryAction,
    TransportResult,
)
from rivya_run.times import iso

FOREIGN_TRIES = 3
"""How often a key that was never sent from here, and is in use, is tried: the one who sent it may be at work."""

_PAUSED = TransportResult(FailureKind.PAUSED)


def intent(
    storyboard: str,
    step: Step,
    media: Sequence[Mapping[str, Json]],
    parents: Sequence[Parent],
    cost: Estimate,
    api_now: float | None,
) -> Intended:
    """The exact body and key of a create, to be on disk before anything is sent. ``api_now`` is the API's clock."""
    assert step.fingerprint is not None
    shot = step.shot
    key = client_request_id(storyboard, shot.id, step.take, step.fingerprint, step.number)
    return Intended(
        key=key,
        shot=shot.id,
        take=step.take,
        fingerprint=step.fingerprint,
        number=step.number,
        model=shot.model,
        body=request_body(shot.model, shot.prompt, shot.params, media, key),
        estimate=cost.credits,
        price_key=cost.price_key,
        parents=tuple((p.shot, p.take or 1, p.sha256 or "") for p in parents),
        api_sent_at=iso(api_now) if api_now is not None else None,
    )


async def create(
    key: str,
    ledger: RunLedger,
    client: RivyaClient,
    slot: TaskSlot,
    window: ResendWindow,
    stop: Stop,
    *,
    deadline: float,
    resent: bool,
    known_models: Collection[str],
) -> None:
    """Carry one create until it is answered, refused, or the time is up; the attempt's state says what came of it.

    ``resent``: an earlier run has sent it. ``slot`` is held; waiting for one again doesn't count against
    ``deadline`` (monotonic seconds). Raises KeyRefused, and OutputFolderError where the journal can't be written.
    """
    # ``ours``: a sending of this create may have arrived. A task may also be another machine's, of the same key.
    may_exist = ours = resent
    result: CreateResult = NotSent(_PAUSED, FailureKind.PAUSED.value)
    try:
        # The intent is on disk before anything leaves: who finds it there knows that a task may exist.
        await ledger.durable()
        body = ledger.attempt(key).body.encode()  # as journalled, never composed again
        ends = min(deadline, window.deadline) if resent else deadline
        async for attempt in client.attempts("create", ends):
            async with client.turn(attempt.deadline) as granted:
                # After all waiting, right before the bytes leave: may they?
                why_not = _why_not_now(may_exist, window, stop) if granted else FailureKind.PAUSED.value
                if why_not is not None:
                    result = NotSent(_PAUSED, why_not)
                    break
                # Until its answer is on record nothing may come between, Ctrl-C included: a task whose id nobody
                # wrote down is paid for and lost. The timeouts of HTTP say how long that can take at most.
                with anyio.CancelScope(shield=True):
                    result = await client.create_once(body, key)
                    ours = ours or isinstance(result, MayHaveArrived)
                    may_exist = may_exist or isinstance(result, MayHaveArrived | KeyInUse)
                    _record_answer(result, key, ledger, slot, may_exist, known_models)
            if not _is_sent_again(result, attempt, ours):
                break
            if isinstance(result, Throttled):
                # Perhaps too many tasks are in flight: leave the slot to others, and stand in line again.
                waited = await slot.throttled(result.retry_after)
                if waited is None:
                    result = NotSent(result.happening, STILL_THROTTLED)
                    break
                attempt.at_once(not_counted=waited)
            elif not isinstance(result, KeyInUse):
                slot.trouble()
    except anyio.get_cancelled_exc_class():
        if not may_exist and ledger.attempt(key).state is AttemptState.SENT:
            ledger.record(Withdrawn(key=key, reason="interrupted before it was sent"))
        raise
    _conclude(result, key, ledger, window, stop, may_exist=may_exist, ours=ours)
    await ledger.durable()


def _why_not_now(may_exist: bool, window: ResendWindow, stop: Stop) -> str | None:
    """Why a create may not be sent (again) at this moment, in words."""
    if (
        may_exist
    ):  # also once creating has stopped: at worst it makes what it was permitted and is counted for
        return "the API may have forgotten its key by now" if window.passed else None
    return stop.outcome.message if stop.outcome is not None else None


def _is_sent_again(result: CreateResult, attempt: Attempts, ours: bool) -> bool:
    """Whether an answer, or none, is followed by the same bytes with the same key; ``attempt`` waits as decided."""
    if isinstance(result, Created | Refused):
        return False
    if isinstance(result, KeyInUse) and not ours and attempt.number >= FOREIGN_TRIES:
        return False
    return attempt.decide("POST", result.happening, result.retry_after).action is RetryAction.RETRY


def _record_answer(
    result: CreateResult,
    key: str,
    ledger: RunLedger,
    slot: TaskSlot,
    may_exist: bool,
    known_models: Collection[str],
) -> None:
    """Put an answer on record, called inside the shield. Others than these two leave the create open."""
    if isinstance(result, Created):
        attempt = ledger.attempt(key)
        foreign = _why_foreign(attempt, result.task, ledger.history, known_models)
        if foreign is not None:
            ledger.record(MarkedUnknown(key=key, code="foreign_task", message=foreign))
            return
        slot.accepted()
        _record_task(attempt, result.task, ledger)
    # A refusal says nothing of earlier sendings: where one may have arrived, the create stays open.
    elif isinstance(result, Refused) and not may_exist:
        error = result.error
        if _refuses_key(error):  # with another key this intent is as good as new
            ledger.record(Withdrawn(key=key, reason="the key was refused"))
        else:
            ledger.record(
                RefusedEvent(
                    key=key,
                    code=error.code,
                    message=error.message,
                    request_id=error.request_id,
                    http_status=error.http_status,
                )
            )


def _record_task(attempt: Attempt, task: Task, ledger: RunLedger) -> None:
    """The task id, which is all that ties what was paid for to its take: a person gets it if the disk doesn't."""
    try:
        ledger.record(
            CreatedEvent(
                key=attempt.client_request_id,
                task_id=task.id,
                status=task.raw_status,
                reserved_credits=task.reserved_credits,
                final_credits=task.final_credits,
                created_at=task.created_at,
                updated_at=task.updated_at,
            )
        )
    except OutputFolderError as error:
        raise type(error)(
            f"{error.message}; task {task.id} was created with key {attempt.client_request_id} and is not on record",
            hint=f"note the task id; when the folder can be written again: rivya-run adopt "
            f"{ledger.storyboard} {attempt.shot} {task.id} --take {attempt.take}",
        ) from error


def _why_foreign(attempt: Attempt, task: Task, history: History, known_models: Collection[str]) -> str | None:
    """Why the task that came back can't be this attempt's: one task never serves two takes."""
    if task.model in known_models and task.model != attempt.model:
        return f"the API answered with task {task.id} of model {task.model}"
    others = history.keys_of_task(task.id) - {attempt.client_request_id}
    return f"the API answered with task {task.id}, which serves {others.pop()}" if others else None


def _conclude(
    result: CreateResult,
    key: str,
    ledger: RunLedger,
    window: ResendWindow,
    stop: Stop,
    *,
    may_exist: bool,
    ours: bool,
) -> None:
    """What is known when nothing more is sent. Raises KeyRefused."""
    match result:
        case Created():
            pass
        case Refused(error) if error.code == INSUFFICIENT_CREDITS:
            stop.for_empty_wallet()
        case Refused(error) if _refuses_key(error):
            raise key_refused(error)
        case Refused():
            pass
        case KeyInUse(request_id=request_id) if not ours:
            # Never sent from here, and known there: somebody else made this take, and only a person can tell.
            message = "the API knows this key already, with another body: the take was made elsewhere"
            ledger.record(
                MarkedUnknown(key=key, code=IDEMPOTENCY_CONFLICT, message=message, request_id=request_id)
            )
        case _ if not may_exist:
            ledger.record(
                Withdrawn(key=key, reason=result.words)
            )  # surely nothing was paid: the next run may pay
        case _ if window.passed:
            ledger.record(no_answer(key, window))
        case _:
            pass  # stays open: the next run sends the same again, while the window lasts


def no_answer(key: str, window: ResendWindow) -> MarkedUnknown:
    """A create whose answer is lost, and whose key the API may have forgotten by now: a person decides."""
    clock = (
        ", and this machine's clock can't tell how long ago (is it right now, was it then?)"
        if window.age is None
        else ""
    )
    message = f"a create was sent and no answer ever came{clock}: it may have been paid for"
    return MarkedUnknown(key=key, code="no_answer", message=message)


def _refuses_key(error: ApiError) -> bool:
    return error.http_status in {401, 403} and error.code != INSUFFICIENT_CREDITS
