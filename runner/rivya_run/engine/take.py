"""One take from plan to file."""

from __future__ import annotations

from dataclasses import replace

import anyio

from rivya_run.engine.board import Board
from rivya_run.engine.budget import Admission
from rivya_run.engine.create import Create, Place, intend, mark_window_passed, react
from rivya_run.engine.fetch import Fetcher
from rivya_run.engine.follow import Follower
from rivya_run.engine.outcome import Ending, Outcome
from rivya_run.engine.references import NotResolved, References
from rivya_run.engine.session import Stop
from rivya_run.journal.attempt import Attempt, AttemptState
from rivya_run.journal.events import NotFetched, Reassigned
from rivya_run.journal.prices import Estimate, estimate
from rivya_run.journal.stills import owned_paths
from rivya_run.journal.take_entry import out_of_credits, take_status
from rivya_run.journal.task import TaskStatus
from rivya_run.planning.plan import Action, Step
from rivya_run.planning.planner import counted_failures, not_retried
from rivya_run.project.names import name_for_take
from rivya_run.project.outputs import move, unused_name

_SUCCEEDED = frozenset({AttemptState.FINISHED, AttemptState.STORED})


class Pipeline:
    """Carries takes of one storyboard."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._session = board.session
        self._references = References(board)
        self._said: dict[str, str | None] = {}

    async def carry(self, step: Step, priority: float) -> None:
        """Do what the plan says for one take, and end it on the board. Raises for what ends the whole run."""
        key: str | None = None
        try:
            step = await self._with_parents(step)
            key, outcome = await self._carried(step, priority)
        except BaseException:
            self._board.end(step, Outcome(Ending.UNFINISHED, take_status(None), "interrupted"), None)
            raise
        self._board.end(step, outcome, key)
        self._board.tell(step, key, outcome.message or None)

    async def finish(self, key: str) -> None:
        """Finish an open attempt that no present take asks for, into history."""
        await self._finish(key, None)

    async def _with_parents(self, step: Step) -> Step:
        """Wait until every take that this one needs is there; then the step says what is to be done."""
        if step.action in {Action.SKIP, Action.REUSE, Action.DECIDE}:
            return step
        while (waiting := self._waiting_for(step)) is not None:
            await waiting.wait()
            if step.fingerprint is None:
                step = self._board.planner.replan(step)
                if step.gives_up is not None:
                    self._session.spending.decided(step.gives_up)
        return step

    def _waiting_for(self, step: Step) -> anyio.Event | None:
        for parent in step.needs:
            ended = self._board.end_of(parent.shot, parent.take or 1)
            if ended is not None:
                return ended
        return None

    async def _carried(self, step: Step, priority: float) -> tuple[str | None, Outcome]:
        if step.moves_from is not None and step.attempt_key is not None:
            await self._take_over(step)
        key = step.attempt_key
        if step.action is Action.SKIP:
            return None, _skipped(step)
        if step.action is Action.REUSE:
            return key, Outcome(Ending.DONE, take_status(self._board.attempt(key or "")))
        if step.action in {Action.CREATE, Action.RETRY}:
            return await self._make(step, priority)
        assert key is not None
        self._board.serve(step, key)
        return key, await self._finish(key, step)

    async def _finish(self, key: str, step: Step | None) -> Outcome:
        """What is left to do for an attempt of an earlier run; one worker at a time, whoever asks for it."""
        async with self._board.alone(key):
            deadline = self._session.deadline()
            stale = self._board.attempt(key).state in _SUCCEEDED
            try:
                if self._board.attempt(key).state is AttemptState.SENT:
                    await self._resend(key, step, deadline)
            finally:
                self._session.till.settled(key)
            return await self._follow_and_fetch(key, step, deadline, stale=stale)

    async def _take_over(self, step: Step) -> None:
        """A renamed shot's files follow it: durably on record first, then moved; no other file is in the way."""
        assert step.attempt_key is not None
        folder, attempt = self._board.folder, self._board.attempt(step.attempt_key)
        owned = self._board.names_of(step.shot.id, step.take)
        paths: dict[str, str] = {}
        for path in owned_paths(attempt):
            new = _renamed(path, attempt, step.shot.id, step.take)
            paths[path] = new if new == path else unused_name(folder, new, owned | {*paths.values()})
        with anyio.CancelScope(shield=True):
            self._board.record(Reassigned(attempt.key, step.shot.id, step.take, paths))
            await self._board.durability.reached()
        for old, new in paths.items():
            move(folder, old, new)
        self._board.serve(step, attempt.key)

    async def _make(self, step: Step, priority: float) -> tuple[str | None, Outcome]:
        """Create, follow, fetch; again after a failure as often as --attempts allows."""
        tries = 0
        while True:
            key, outcome = await self._make_once(step, priority)
            tries += 1
            if outcome.ending is not Ending.FAILED or tries >= self._session.options.attempts or key is None:
                return key, outcome
            failed = [
                a for a in self._board.ledger.history.of_take(step.shot.id, step.take) if _failed(a, step)
            ]
            if not_retried(counted_failures(failed)) and not self._session.options.retry_failed:
                return key, outcome
            assert step.fingerprint is not None
            number = self._board.planner.next_number(step.shot.id, step.take, step.fingerprint)
            step = replace(step, number=number)

    async def _make_once(self, step: Step, priority: float) -> tuple[str | None, Outcome]:
        session = self._session
        if session.stop.outcome is not None:
            return None, session.stop.outcome
        resolved = await self._references.resolve(step, session.deadline())
        if isinstance(resolved, NotResolved):
            if resolved.ending is Ending.UNFINISHED and session.stop.outcome is not None:
                return None, session.stop.outcome
            return None, Outcome(resolved.ending, take_status(None), resolved.message, resolved.code)
        place = Place(self._board, priority)
        try:
            admission = await self._admitted(step, place)
            if isinstance(admission, Outcome):
                return None, admission
            deadline = session.deadline()
            try:
                key = intend(self._board, step, resolved.media, resolved.parents, admission)
                await self._create(step, key, place, admission, deadline)
            finally:
                admission.over()
        finally:
            place.give_back()
        return key, await self._follow_and_fetch(key, step, deadline)

    async def _admitted(self, step: Step, place: Place) -> Admission | Outcome:
        """The right to create now, with a place among the tasks in flight; nothing is awaited after it."""
        board, session = self._board, self._session
        table = board.tables[step.shot.model]
        prices = board.ledger.history.prices

        def cost() -> Estimate:
            return estimate(table, step.shot.params, prices)

        while True:
            await session.till.room(board.budget, cost)
            await place.take()
            board.started(step)
            if session.stop.outcome is not None:
                return session.stop.outcome
            admission = session.till.admit(board.budget, cost())
            if isinstance(admission, Admission):
                return admission
            if admission is not None:
                return Outcome(Ending.OUT_OF_CREDITS, take_status(None), admission.message, "budget")
            place.give_back()

    async def _create(
        self, step: Step, key: str, place: Place, admission: Admission, deadline: float
    ) -> None:
        """Through the till to the API, and on until the task has ended or the time is up."""
        board = self._board
        board.tell(step, key)
        await Create(board, key, place, resent=False).send(deadline)
        admission.answered()
        react(board, key)
        if board.attempt(key).state is AttemptState.RUNNING:
            board.tell(step, key)
            self._said[key] = await Follower(board, key, step).until_ended(deadline)
            react(board, key)

    async def _resend(self, key: str, step: Step | None, deadline: float) -> None:
        """Send an open intent again, while the API can be expected to know its key."""
        board = self._board
        if board.window_left(key) <= 0:
            mark_window_passed(board, key)
            return
        place = Place(board, 0)
        await place.take()
        try:
            await Create(board, key, place, resent=True).send(deadline)
            react(board, key)
        finally:
            place.give_back()
        if step is not None:
            board.tell(step, key)

    async def _follow_and_fetch(
        self, key: str, step: Step | None, deadline: float, *, stale: bool = False
    ) -> Outcome:
        """What is left to do for an attempt whose create is behind it; fetching has time of its own."""
        board, session = self._board, self._session
        running = board.attempt(key).state is AttemptState.RUNNING or board.attempt(key).lost
        if running and key not in self._said and session.clock() < deadline:
            await self._follow(key, step, deadline)
        if board.attempt(key).state in _SUCCEEDED:
            trouble = await Fetcher(board, key, stale=stale).fetch_all(session.deadline())
            if trouble is not None:
                return self._not_fetched(key, trouble.message)
        return _outcome(board.attempt(key), session.stop, self._said.get(key))

    def _not_fetched(self, key: str, why: str) -> Outcome:
        """Paid, but not here: on record, unless its files were here before and only this one went missing."""
        attempt = self._board.attempt(key)
        known = attempt.error.message if attempt.error else None
        if attempt.state is AttemptState.FINISHED and known != why:
            self._board.record(NotFetched(key, why))
        return Outcome(Ending.UNFINISHED, take_status(attempt), f"paid, not fetched: {why}")

    async def _follow(self, key: str, step: Step | None, deadline: float) -> None:
        place = Place(self._board, 0)
        place.take_over()
        try:
            self._said[key] = await Follower(self._board, key, step).until_ended(deadline)
            react(self._board, key)
        finally:
            place.give_back()


def _failed(attempt: Attempt, step: Step) -> bool:
    return attempt.fingerprint == step.fingerprint and attempt.state in {
        AttemptState.FAILED,
        AttemptState.REFUSED,
    }


def _renamed(path: str, attempt: Attempt, shot: str, take: int) -> str:
    """The path of an output under the name of the take that it serves from now on."""
    return name_for_take(path, (attempt.shot, attempt.take), (shot, take))


def _skipped(step: Step) -> Outcome:
    if not step.wanted:
        return Outcome(Ending.SKIPPED, take_status(None), step.reason)
    return Outcome(Ending.FAILED, take_status(None), step.reason)


def _outcome(attempt: Attempt, stop: Stop, said: str | None) -> Outcome:
    """How a take stands, by the state of what serves it."""
    status = take_status(attempt)
    message = attempt.error.message if attempt.error else ""
    code = attempt.error.code if attempt.error else None
    if attempt.state is AttemptState.STORED:
        return Outcome(Ending.DONE, status)
    if out_of_credits(attempt):
        return Outcome(Ending.OUT_OF_CREDITS, status, message, code)
    if attempt.state in {AttemptState.FAILED, AttemptState.REFUSED}:
        return Outcome(Ending.FAILED, status, message, code)
    if attempt.state is AttemptState.UNKNOWN:
        return Outcome(Ending.UNKNOWN, status, message, code)
    if attempt.state is AttemptState.WITHDRAWN and stop.outcome is not None:
        return stop.outcome
    ending = Ending.UNFINISHED
    if attempt.state is AttemptState.SENT and stop.outcome is not None:
        ending = stop.outcome.ending
    waiting = {
        AttemptState.SENT: "no answer to its create yet: sent again by the next run",
        AttemptState.RUNNING: _still(attempt, said),
        AttemptState.WITHDRAWN: "its create never arrived"
        + (f": {attempt.withdrawn}" if attempt.withdrawn else ""),
    }
    return Outcome(ending, status, waiting.get(attempt.state, "not finished"))


def _still(attempt: Attempt, said: str | None) -> str:
    """What is known of a task that hasn't come to an end here; ``said`` is what the API answered instead."""
    if said is not None:
        return f"how its task is could not be learnt, the next run goes on: {said}"
    last = attempt.timeline[-1][0].strip().lower() if attempt.timeline else ""
    if last == TaskStatus.SUCCEEDED:
        return "paid, not fetched: the API says that it has succeeded, and names no file; the next run asks again"
    return "its task is still running: the next run goes on"
