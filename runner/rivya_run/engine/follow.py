"""A task at the API until it has ended: asked for at the right times, every change on record."""

from __future__ import annotations

from random import random

import anyio

from rivya_run.engine.board import Board
from rivya_run.journal.attempt import AttemptState
from rivya_run.journal.events import Failed, Observed, Succeeded, TaskMissing
from rivya_run.journal.results import results_of
from rivya_run.journal.task import Task, TaskStatus
from rivya_run.planning.plan import Step
from rivya_run.provider.rivya.client import Missing, Refused, Retry, Unanswered
from rivya_run.times import seconds_of

SPREAD = 0.01
"""Seconds over which the first questions of tasks that run already are spread, for each of them."""

SURE_AFTER = 3
"""How often ``not_found`` is asked again before it is believed: a store may lag behind its own answer."""


class Follower:
    """Follows one attempt's task."""

    def __init__(self, board: Board, key: str, step: Step | None) -> None:
        self._board = board
        self._key = key
        self._step = step
        self._missing = 0
        self._open_at = 0.0
        self._queued_for: float | None = None
        self._queued = False

    async def until_ended(self, deadline: float) -> str | None:
        """Return when the task has ended, is missing, or the time is up; the attempt's state says which.

        In words why it wasn't followed to its end, where the API answered something else.
        """
        session = self._board.session
        attempt = self._board.attempt(self._key)
        kind = attempt.price_key or attempt.model
        started = self._age()
        asked = 0
        tries = 1
        while True:
            if asked == 0 and started >= 1:  # an earlier run's: asked for at once, but not all in one moment
                wait = random() * min(session.limiter.held * SPREAD, session.options.poll_interval)
            else:
                age = self._age()
                running = age - self._queued_for if self._queued_for is not None else None
                wait = session.timing.wait(
                    kind, age, asked, model=attempt.model, running=running, queued=self._queued
                )
            if session.clock() + wait > deadline:
                wait = max(0.0, deadline - session.clock())
            await anyio.sleep(wait)
            answer = await self._board.client.ask(
                self._board.attempt(self._key).task_id or "", deadline=deadline, attempts=tries
            )
            asked += 1
            tries = tries + 1 if isinstance(answer, Retry) else 1
            if isinstance(answer, Task):
                if self._note(answer, self._lasted(answer, watched=asked > 1 or started < 1)):
                    known = self._board.attempt(self._key)
                    if known.lasted is not None:
                        session.timing.learn(kind, known.lasted, model=attempt.model, running=known.ran)
                    return None
                self._look(answer)
            elif isinstance(answer, Missing) and self._is_missing(answer):
                return None
            elif isinstance(answer, Retry):
                await anyio.sleep(min(answer.wait, max(0.0, deadline - session.clock())))
            if session.clock() >= deadline or isinstance(answer, Refused | Unanswered):
                return _words(answer)

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
        attempt = self._board.attempt(self._key)
        since = attempt.timeline[0][1] if attempt.timeline else attempt.sent_at
        begun = seconds_of(since)
        return max(0.0, self._board.session.now() - begun) if begun is not None else 0.0

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

    def _note(self, task: Task, lasted: float | None) -> bool:
        """Put a change on record; whether the task has ended."""
        self._missing = 0
        attempt = self._board.attempt(self._key)
        if task.status is TaskStatus.SUCCEEDED and task.urls:
            urls, places = results_of(attempt, task)
            self._board.record(
                Succeeded(
                    self._key,
                    urls,
                    task.reserved_credits,
                    task.final_credits,
                    task.updated_at,
                    round(lasted, 3) if lasted is not None else None,
                    self._ran(lasted),
                    places,
                )
            )
        elif task.status is TaskStatus.FAILED:
            error = task.error
            self._board.record(
                Failed(
                    self._key,
                    error.code if error else "failed",
                    error.message if error else "The task failed; the API said no more.",
                    task.reserved_credits,
                    task.final_credits,
                    task.updated_at,
                )
            )
        else:
            known = attempt.timeline[-1][0] if attempt.timeline else None
            if known != task.raw_status or attempt.lost or attempt.state is AttemptState.UNKNOWN:
                self._board.record(
                    Observed(
                        self._key,
                        task.raw_status,
                        task.reserved_credits,
                        task.final_credits,
                        task.updated_at,
                    )
                )
                self._tell()
            return False
        self._tell()
        return True

    def _is_missing(self, answer: Missing) -> bool:
        self._missing += 1
        if self._missing < SURE_AFTER:
            return False
        if not self._board.attempt(self._key).lost:
            self._board.record(TaskMissing(self._key, answer.error.message, answer.error.request_id))
            self._tell()
        return True

    def _tell(self) -> None:
        if self._step is not None:
            self._board.tell(self._step, self._key)


def _words(answer: Task | Missing | Refused | Retry | Unanswered) -> str | None:
    """What the API said instead of how the task is."""
    if isinstance(answer, Refused):
        return f"{answer.error.message} [{answer.error.code}]"
    if isinstance(answer, Unanswered):
        return answer.last
    return answer.reason if isinstance(answer, Retry) else None
