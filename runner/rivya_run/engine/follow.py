"""A task at the API until it has ended: asked for at the right times, every change on record."""

from __future__ import annotations

from dataclasses import dataclass
from random import random

from rivya_run.engine.records import RunLedger
from rivya_run.journal.attempt import UNDECIDED_STATES, Attempt, AttemptState, Task, TaskStatus
from rivya_run.journal.events import Failed, Observed, Succeeded, TaskMissing
from rivya_run.journal.results import results_of
from rivya_run.planning.forecast import Timing
from rivya_run.provider.interface import NotFound, Refused, Unanswered
from rivya_run.provider.rivya.client import RivyaClient
from rivya_run.times import Clocks, seconds_of

SPREAD = 0.01
"""Seconds over which the first questions of tasks that run already are spread, for each of them."""

SURE_AFTER = 3
"""How often ``not_found`` is asked again before it is believed: a store may lag behind its own answer."""


@dataclass(frozen=True, slots=True)
class Polled:
    """What one question for a task came to.

    ``changed``: something new is on record. ``ended``: there is nothing more to ask for now; ``unlearnt`` is why not,
    where the API answered something else than how the task is.
    """

    changed: bool
    ended: bool
    unlearnt: str | None = None


class Follower:
    """Asks for one attempt's task at the right times. ``at`` is when to ask next (monotonic seconds)."""

    def __init__(
        self,
        key: str,
        ledger: RunLedger,
        client: RivyaClient,
        timing: Timing,
        clocks: Clocks,
        *,
        others: int,
        poll_interval: float,
    ) -> None:
        """``others`` is how many tasks are followed: those of an earlier run are not all asked for in one moment."""
        self._key = key
        self._ledger = ledger
        self._client = client
        self._timing = timing
        self._clocks = clocks
        self._missing = 0
        self._asked = 0
        self._open_at = 0.0
        self._queued_for: float | None = None
        self._queued = False
        self._from_earlier = self._age() >= 1
        pause = self._pause()
        if self._from_earlier:
            pause = random() * min(others * SPREAD, poll_interval)
        self.at = clocks.monotonic() + pause

    @property
    def _attempt(self) -> Attempt:
        return self._ledger.attempt(self._key)

    async def ask(self, deadline: float) -> Polled:
        """Ask until there is an answer, put what is new on record, and say when to ask next. Raises KeyRefused."""
        answer = await self._client.task(self._attempt.task_id or "", deadline=deadline)
        self._asked += 1
        changed, ended = False, False
        if isinstance(answer, Task):
            lasted = self._lasted(answer, watched=self._asked > 1 or not self._from_earlier)
            changed, ended = self._note(answer, lasted)
            if ended:
                self._learn()
            else:
                self._look(answer)
        elif isinstance(answer, NotFound):
            changed, ended = self._is_missing(answer)
        if ended:
            return Polled(changed, True)
        if isinstance(answer, Refused | Unanswered) or self._clocks.monotonic() >= deadline:
            return Polled(changed, True, _words(answer))
        self.at = self._clocks.monotonic() + self._pause()
        return Polled(changed, False)

    def _pause(self) -> float:
        """Seconds until the next question."""
        attempt, age = self._attempt, self._age()
        running = age - self._queued_for if self._queued_for is not None else None
        kind = attempt.price_key or attempt.model
        return self._timing.wait(
            kind, age, self._asked, model=attempt.model, running=running, queued=self._queued
        )

    def _learn(self) -> None:
        """How long this task took says when to ask for the next one of its kind."""
        attempt = self._attempt
        if attempt.task_seconds is not None:
            kind = attempt.price_key or attempt.model
            self._timing.learn(
                kind, attempt.task_seconds, model=attempt.model, running=attempt.running_seconds
            )

    def _look(self, task: Task) -> None:
        """A task that is still open: since when it has been out of the queue."""
        age = self._age()
        if task.status is TaskStatus.PROCESSING and self._queued_for is None:
            begun, left = seconds_of(task.created_at), seconds_of(task.updated_at)
            told = begun is not None and left is not None and 0 <= left - begun <= age + 1
            self._queued_for = left - begun if told and left and begun else (self._open_at + age) / 2
        self._queued = task.status is TaskStatus.QUEUED
        self._open_at = age

    def _age(self) -> float:
        """Seconds since the create was answered; what a resumed task did meanwhile isn't known."""
        attempt = self._attempt
        since = attempt.timeline[0][1] if attempt.timeline else attempt.sent_at
        begun = seconds_of(since)
        return max(0.0, self._clocks.wall() - begun) if begun is not None else 0.0

    def _lasted(self, task: Task, *, watched: bool) -> float | None:
        """How long the task took: by the API's clock, else between the last look that saw it open and now.

        When it was seen to have ended says too little: whoever looks late, learns to look late.
        """
        begun, ended = seconds_of(task.created_at), seconds_of(task.updated_at)
        if begun is not None and ended is not None and 0 < ended - begun <= self._age() + 1:
            return ended - begun
        return (self._open_at + self._age()) / 2 if watched else None

    def _ran(self, lasted: float | None) -> float | None:
        """What of that it ran, where it was seen running."""
        if lasted is None or self._queued_for is None or lasted <= self._queued_for:
            return None
        return round(lasted - self._queued_for, 3)

    def _note(self, task: Task, lasted: float | None) -> tuple[bool, bool]:
        """Put a change on record; whether there was one, and whether the task has ended."""
        self._missing = 0
        attempt = self._attempt
        if task.status is TaskStatus.SUCCEEDED and task.urls:
            urls, places = results_of(attempt, task)
            self._ledger.record(
                Succeeded(
                    key=self._key,
                    urls=urls,
                    reserved_credits=task.reserved_credits,
                    final_credits=task.final_credits,
                    updated_at=task.updated_at,
                    task_seconds=round(lasted, 3) if lasted is not None else None,
                    running_seconds=self._ran(lasted),
                    places=places,
                )
            )
        elif task.status is TaskStatus.FAILED:
            error = task.error
            self._ledger.record(
                Failed(
                    key=self._key,
                    code=error.code if error else "failed",
                    message=error.message if error else "The task failed; the API gave no reason.",
                    reserved_credits=task.reserved_credits,
                    final_credits=task.final_credits,
                    updated_at=task.updated_at,
                )
            )
        else:
            known = attempt.timeline[-1][0] if attempt.timeline else None
            if known != task.raw_status or attempt.state in UNDECIDED_STATES:
                self._ledger.record(
                    Observed(
                        key=self._key,
                        status=task.raw_status,
                        reserved_credits=task.reserved_credits,
                        final_credits=task.final_credits,
                        updated_at=task.updated_at,
                    )
                )
                return True, False
            return False, False
        return True, True

    def _is_missing(self, answer: NotFound) -> tuple[bool, bool]:
        """Count that the task isn't found; whether that is news, and whether it is believed by now."""
        self._missing += 1
        if self._missing < SURE_AFTER:
            return False, False
        if self._attempt.state is AttemptState.TASK_MISSING:
            return False, True
        self._ledger.record(
            TaskMissing(key=self._key, message=answer.error.message, request_id=answer.error.request_id)
        )
        return True, True


def _words(answer: Task | NotFound | Refused | Unanswered) -> str | None:
    """What the API said instead of how the task is."""
    if isinstance(answer, Refused):
        return f"{answer.error.message} [{answer.error.code}]"
    return answer.last if isinstance(answer, Unanswered) else None
