"""The page on which money is spent: one create, from its intent on disk to what is known of it.

A create is sent as often as it takes to learn what became of it: always the same bytes with the same key, so that
the API makes one task of all sendings while it knows the key. One fact decides everything else, ``may_exist``: has
any sending perhaps made a task?

- No: nothing was paid. It is sent while creating goes on, and withdrawn when it stops or the time is up.
- Yes: a task may exist and may cost. It is sent again also after creating has stopped, since nothing else tells
  what became of it, but only inside the window in which the API knows its key; past that, a person decides.

What this page leans on, in a sentence each: ``ledger.record`` appends to the journal and raises where it can't,
``ledger.durable`` returns once all of it is on disk, ``ledger.confirmed`` once it was just shown that no other
machine has taken the storyboard over. ``client.turn`` waits for the pace that the API allows, ``client.create_once``
sends once and makes a value of whatever comes; ``attempt.decide`` is the retry table, and plans the next attempt.
``slot`` is this take's place among the tasks in flight.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TypeAlias

import anyio

from rivya_run.engine.records import RunLedger
from rivya_run.engine.stop import Stop
from rivya_run.engine.task_slots import STILL_THROTTLED, TaskSlot
from rivya_run.errors import OutputFolderError
from rivya_run.journal.attempt import ApiError, Attempt, AttemptState, Task
from rivya_run.journal.events import Created as CreatedEvent
from rivya_run.journal.events import LeftOpen, MarkedUnknown, Withdrawn
from rivya_run.journal.events import Refused as RefusedEvent
from rivya_run.journal.fold import History
from rivya_run.journal.sending_age import Moment
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
    PAGE_TRIES,
    FailureKind,
    Reason,
    RetryAction,
    TransportResult,
    judge,
)
from rivya_run.times import Clocks

FOREIGN_TRIES = 3
"""How often a key that was never sent from here, and is in use, is tried: the one who sent it may be at work."""

FIRST_WITHIN = 60.0
"""Seconds in which the first sending of an intent may be made at any rate, however short the window is."""

_PAUSED = TransportResult(FailureKind.PAUSED)

_NoAnswer: TypeAlias = NotSent | MayHaveArrived | Throttled | KeyInUse


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
    ``deadline`` (monotonic seconds). Raises KeyRefused, UsageError where there is no API at its address, and
    OutputFolderError where the journal can't be written.
    """
    # ``ours``: a sending of this create may have arrived. A task may also be another machine's, of the same key.
    may_exist = ours = resent
    said: ApiError | None = None
    result: CreateResult = NotSent(_PAUSED, FailureKind.PAUSED.value)
    try:
        # The intent is on disk before anything leaves: who finds it there knows that a task may exist.
        await ledger.durable()
        body = ledger.attempt(key).body.encode()  # as journalled, never composed again
        ends = min(deadline, window.deadline) if resent else deadline
        async for attempt in client.attempts("create", ends):
            async with client.turn(attempt.deadline) as granted:
                # After all waiting, right before the bytes leave: may they? A process that stood still may not.
                await ledger.confirmed()
                why_not = _why_not_now(granted, may_exist, window, stop, ledger)
                if why_not is not None:
                    result = NotSent(_PAUSED, why_not)
                    break
                # Until its answer is on record nothing may come between, Ctrl-C included: a task whose id nobody
                # wrote down is paid for and lost. The timeouts of HTTP say how long that can take at most.
                with anyio.CancelScope(shield=True):
                    result = await client.create_once(body, key)
                    ours = ours or isinstance(result, MayHaveArrived)
                    may_exist = may_exist or isinstance(result, MayHaveArrived | KeyInUse)
                    if isinstance(result, Created):
                        await _record_task(key, result.task, ledger, slot, known_models)
                    elif isinstance(result, Refused):
                        _record_refusal(key, result, ledger, stop, may_exist=may_exist)
                    else:
                        said = result.error or said
            if isinstance(result, Created | Refused) or not _is_sent_again(result, attempt, ours):
                break
            if not await _has_slot_again(result, attempt, slot):
                result = NotSent(result.happening, STILL_THROTTLED)
                break
    except anyio.get_cancelled_exc_class():
        if not may_exist and ledger.attempt(key).state is AttemptState.SENT:
            ledger.record(Withdrawn(key=key, reason="interrupted before it was sent"))
        raise
    if not isinstance(result, Created | Refused):
        _record_no_answer(key, result, said, ledger, window, may_exist=may_exist, ours=ours)
        _check_somebody_is_there(result, client)
    await ledger.durable()


def _check_somebody_is_there(result: _NoAnswer, client: RivyaClient) -> None:
    """Raises UsageError if what came, again and again, is no word of an API."""
    if judge("POST", result.happening, PAGE_TRIES).reason is Reason.WRONG_ADDRESS:
        raise client.wrong_address(result.words)


async def _has_slot_again(result: _NoAnswer, attempt: Attempts, slot: TaskSlot) -> bool:
    """Whether the create has a slot to be sent again with, in time; the limit hears why it wasn't answered."""
    if isinstance(result, Throttled):
        # Perhaps too many tasks are in flight: leave the slot to others, and stand in line again.
        waited = await slot.throttled(result.retry_after)
        if waited is None:
            return False
        attempt.at_once(not_counted=waited)
    elif not isinstance(result, KeyInUse):
        slot.trouble()
    return True


def _why_not_now(
    granted: bool, may_exist: bool, window: ResendWindow, stop: Stop, ledger: RunLedger
) -> str | None:
    """Why a create may not be sent (again) at this moment, in words. ``granted``: the pace allows it."""
    if not granted:
        return FailureKind.PAUSED.value
    if may_exist:
        # Also once creating has stopped: at worst it makes what it was permitted and is counted for.
        return "the API may have forgotten its key by now" if window.passed else None
    if ledger.shared and window.first_is_late:
        return "this process stood still for too long before it could be sent"
    return stop.outcome.message if stop.outcome is not None else None


def _is_sent_again(result: _NoAnswer, attempt: Attempts, ours: bool) -> bool:
    """Whether no answer is followed by the same bytes with the same key; ``attempt`` waits as decided."""
    if isinstance(result, KeyInUse) and not ours and attempt.number >= FOREIGN_TRIES:
        return False
    return attempt.decide("POST", result.happening, result.retry_after).action is RetryAction.RETRY


async def _record_task(
    key: str, task: Task, ledger: RunLedger, slot: TaskSlot, known_models: Collection[str]
) -> None:
    """The task id, which is all that ties what was paid for to its take: a person gets it if the disk doesn't.

    A task that can't be this attempt's is left to a person as well: one task never serves two takes.
    """
    attempt = ledger.attempt(key)
    others = ledger.history.keys_of_task(task.id) - {key}
    foreign = None
    if task.model in known_models and task.model != attempt.model:
        foreign = f"the API answered with task {task.id} of model {task.model}"
    elif others:
        foreign = f"the API answered with task {task.id}, which serves {others.pop()}"
    if foreign is not None:
        ledger.record(MarkedUnknown(key=key, code="foreign_task", message=foreign))
        return
    slot.accepted()
    try:
        ledger.record(
            CreatedEvent(
                key=key,
                task_id=task.id,
                status=task.raw_status,
                reserved_credits=task.reserved_credits,
                final_credits=task.final_credits,
                created_at=task.created_at,
                updated_at=task.updated_at,
            )
        )
        await ledger.durable()
    except OutputFolderError as error:
        raise type(error)(
            f"{error.message}; task {task.id} was created with key {key} and is not on record",
            hint=f"note the task id; when the folder can be written again: rivya-run adopt "
            f"{ledger.storyboard} {attempt.shot} {task.id} --take {attempt.take}",
        ) from error


def _record_refusal(key: str, result: Refused, ledger: RunLedger, stop: Stop, *, may_exist: bool) -> None:
    """The API said no. That says nothing of earlier sendings: where one may have arrived, the create stays open.

    Raises KeyRefused: with another key this intent is as good as new.
    """
    error = result.error
    if not may_exist:
        withdrawn = Withdrawn(key=key, reason="the key was refused")
        refused = RefusedEvent(
            key=key,
            code=error.code,
            message=error.message,
            request_id=error.request_id,
            http_status=error.http_status,
        )
        ledger.record(withdrawn if result.of_key else refused)
    else:
        _record_words(key, error, ledger)
    if result.of_key:
        raise key_refused(error)
    if error.code == INSUFFICIENT_CREDITS:
        stop.for_empty_wallet()


def _record_words(key: str, error: ApiError, ledger: RunLedger) -> None:
    """What the API said to a create that stays open, for a person who has to find out what became of it."""
    told = LeftOpen(key=key, code=error.code, message=error.message, request_id=error.request_id)
    if ledger.attempt(key).error != ApiError(told.code, told.message, told.request_id):
        ledger.record(told)


def _record_no_answer(
    key: str,
    last: _NoAnswer,
    said: ApiError | None,
    ledger: RunLedger,
    window: ResendWindow,
    *,
    may_exist: bool,
    ours: bool,
) -> None:
    """What is known when nothing more is sent and no answer came; ``last`` is what came last, ``said`` the last
    words of the API.
    """
    if may_exist and said is not None:
        _record_words(key, said, ledger)
    if isinstance(last, KeyInUse) and not ours:
        # Never sent from here, and known there: somebody else made this take, and only a person can tell.
        request_id = last.error.request_id if last.error is not None else None
        message = "the API knows this key already, with another body: the take was made elsewhere"
        ledger.record(
            MarkedUnknown(key=key, code=IDEMPOTENCY_CONFLICT, message=message, request_id=request_id)
        )
    elif not may_exist:
        ledger.record(Withdrawn(key=key, reason=last.words))  # surely nothing was paid: the next run may pay
    elif window.passed:
        ledger.record(no_answer(ledger.attempt(key), window))
    # Else it stays open: the next run sends the same again, while the window lasts.


def no_answer(attempt: Attempt, window: ResendWindow) -> MarkedUnknown:
    """A create whose answer is lost, and whose key the API may have forgotten by now: a person decides."""
    key, said = attempt.client_request_id, attempt.error
    clock = ", and this machine's clock can't tell how long ago (is it right now, was it then?)"
    came = "no answer ever came" if said is None else "no answer says what became of it"
    message = f"a create was sent and {came}{clock if window.age is None else ''}: it may have been paid for"
    if said is not None:
        message = f"{message}; the last answer: {said.message[:200]} [{said.code}]"
    request_id = said.request_id if said is not None else None
    return MarkedUnknown(key=key, code="no_answer", message=message, request_id=request_id)


class ResendWindow:
    """The time in which the API can be expected to know the key of one create: past it, a second sending could be
    paid twice. ``seconds`` is how long that is from the first sending on, ``server_time`` the API's own clock
    (seconds since the epoch; None where it wasn't told).
    """

    def __init__(
        self,
        key: str,
        history: History,
        clocks: Clocks,
        server_time: Callable[[], float | None],
        seconds: float,
    ) -> None:
        self._key = key
        self._history = history
        self._clocks = clocks
        self._server_time = server_time
        self._seconds = seconds
        # Judged by the clock that can't be set as well, since the wall clock may be while the create waits.
        self._made = clocks.steady()
        self._closes = self._made + self.left

    @property
    def age(self) -> float | None:
        """Seconds since the create was sent first; None: nobody can tell (see ``sending_age``)."""
        wall, api = self._clocks.wall(), self._server_time()
        # An API whose clock wasn't heard in this run is taken to have this machine's.
        now = Moment(wall, wall if api is None else api)
        return self._history.seconds_since_sent(self._history.attempts[self._key], now)

    @property
    def left(self) -> float:
        """Seconds for which it may still be sent; none where nobody can tell how old the first sending is."""
        age = self.age
        return self._seconds - age if age is not None else 0.0

    @property
    def passed(self) -> bool:
        """Whether it may not be sent again any more."""
        return self.left <= 0 or self._clocks.steady() >= self._closes

    @property
    def first_is_late(self) -> bool:
        """Whether the intent is too old even for its first sending: somebody else may have sent it meanwhile."""
        return self._clocks.steady() >= self._made + max(self._seconds, FIRST_WITHIN)

    @property
    def deadline(self) -> float:
        """When it closes (monotonic seconds)."""
        return self._clocks.monotonic() + self._closes - self._clocks.steady()
