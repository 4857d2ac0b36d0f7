"""One take from plan to file."""

from __future__ import annotations

from dataclasses import replace

import anyio

from rivya_run.board import Board
from rivya_run.creating import Create, Place, intend, mark_window_passed, react
from rivya_run.fetching import Fetcher
from rivya_run.following import Follower
from rivya_run.money import NotAdmitted
from rivya_run.outputs import move
from rivya_run.planner import counted_failures, not_retried
from rivya_run.prices import estimate
from rivya_run.records.history import Attempt, AttemptState
from rivya_run.records.journal import Reassigned
from rivya_run.records.plan import Action, Step
from rivya_run.records.run import Ending, Outcome
from rivya_run.references import NotResolved, References, Resolved
from rivya_run.take_entry import out_of_credits, take_status


class Pipeline:
    """Carries takes of one storyboard."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._session = board.session
        self._references = References(board)

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
        if self._board.attempt(key).state is AttemptState.SENT:
            await self._resend(key, None)
        await self._follow_and_fetch(key, None, None)

    async def _with_parents(self, step: Step) -> Step:
        """Wait until every take that this one needs is there; then the step says what is to be done."""
        if step.action in {Action.SKIP, Action.REUSE, Action.DECIDE}:
            return step
        while (waiting := self._waiting_for(step)) is not None:
            await waiting.wait()
            if step.fingerprint is None:
                step = self._board.planner.replan(step)
        return step

    def _waiting_for(self, step: Step) -> anyio.Event | None:
        for parent in step.needs:
            ended = self._board.ended(parent.shot, parent.take or 1)
            if not ended.is_set():
                return ended
        return None

    async def _carried(self, step: Step, priority: float) -> tuple[str | None, Outcome]:
        if step.moves_from is not None and step.attempt_key is not None:
            self._take_over(step)
        key = step.attempt_key
        if step.action is Action.SKIP:
            return None, _skipped(step)
        if step.action is Action.REUSE:
            return key, Outcome(Ending.DONE, take_status(self._board.attempt(key or "")))
        if step.action in {Action.CREATE, Action.RETRY}:
            return await self._make(step, priority)
        assert key is not None
        self._board.serve(step, key)
        if self._board.attempt(key).state is AttemptState.SENT:
            await self._resend(key, step)
        return key, await self._follow_and_fetch(key, step, None)

    def _take_over(self, step: Step) -> None:
        """A renamed shot's files follow it: on record first, then moved."""
        assert step.attempt_key is not None
        attempt = self._board.attempt(step.attempt_key)
        paths = {
            output.path: _renamed(output.path, attempt, step.shot.id, step.take) for output in attempt.outputs
        }
        self._board.record(Reassigned(attempt.key, step.shot.id, step.take, paths))
        for old, new in paths.items():
            move(self._board.folder, old, new)
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
        if self._session.stop.outcome is not None:
            return None, self._session.stop.outcome
        resolved = await self._references.resolve(step, self._session.deadline())
        if isinstance(resolved, NotResolved):
            return None, Outcome(resolved.ending, take_status(None), resolved.message, resolved.code)
        place = Place(self._board, priority)
        await place.take()
        try:
            key, outcome = await self._create(step, resolved, place)
        finally:
            place.give_back()
        if key is None:
            assert outcome is not None
            return None, outcome
        return key, await self._follow_and_fetch(key, step, outcome)

    async def _create(
        self, step: Step, resolved: Resolved, place: Place
    ) -> tuple[str | None, Outcome | None]:
        """Through the till to the API, and on until the task has ended or the time is up."""
        board, session = self._board, self._session
        table = board.tables[step.shot.model]
        prices = board.ledger.history.prices
        async with session.till.admitted(
            board.budget, lambda: estimate(table, step.shot.params, prices)
        ) as admission:
            if session.stop.outcome is not None:
                return None, session.stop.outcome
            if isinstance(admission, NotAdmitted):
                return None, Outcome(Ending.OUT_OF_CREDITS, take_status(None), admission.message, "budget")
            deadline = session.deadline()
            key = intend(board, step, resolved.media, resolved.parents, admission)
            board.tell(step, key)
            await Create(board, key, place, resent=False).send(deadline)
            admission.answered()
            react(board, key)
            if board.attempt(key).state is AttemptState.RUNNING:
                board.tell(step, key)
                await Follower(board, key, step).until_ended(deadline)
                react(board, key)
        return key, None

    async def _resend(self, key: str, step: Step | None) -> None:
        """Send an open intent again, while the API can be expected to know its key."""
        board, session = self._board, self._session
        if session.window_left(board.attempt(key).sent_at) <= 0:
            mark_window_passed(board, key)
            return
        place = Place(board, 0)
        await place.take()
        try:
            await Create(board, key, place, resent=True).send(session.deadline())
            react(board, key)
        finally:
            place.give_back()
        if step is not None:
            board.tell(step, key)

    async def _follow_and_fetch(self, key: str, step: Step | None, done: Outcome | None) -> Outcome:
        """What is left to do for an attempt whose create is behind it."""
        if done is not None:
            return done
        board, session = self._board, self._session
        deadline = session.deadline()
        if board.attempt(key).state is AttemptState.RUNNING or board.attempt(key).lost:
            await self._follow(key, step, deadline)
        attempt = board.attempt(key)
        if attempt.state in {AttemptState.FINISHED, AttemptState.STORED}:
            trouble = await Fetcher(board, key).fetch_all(deadline)
            await board.durability.reached()
            if trouble is not None:
                return Outcome(Ending.UNFINISHED, take_status(attempt), trouble.message, "download")
        return _outcome(board.attempt(key))

    async def _follow(self, key: str, step: Step | None, deadline: float) -> None:
        place = Place(self._board, 0)
        place.take_over()
        try:
            await Follower(self._board, key, step).until_ended(deadline)
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
    old = f"{attempt.shot}/{attempt.shot}_t{attempt.take:02d}_"
    return f"{shot}/{shot}_t{take:02d}_" + path.removeprefix(old) if path.startswith(old) else path


def _skipped(step: Step) -> Outcome:
    if not step.wanted:
        return Outcome(Ending.SKIPPED, take_status(None), step.reason)
    return Outcome(Ending.FAILED, take_status(None), step.reason)


def _outcome(attempt: Attempt) -> Outcome:
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
    waiting = {
        AttemptState.SENT: "no answer to its create yet: sent again by the next run",
        AttemptState.RUNNING: "its task is still running: the next run goes on",
        AttemptState.WITHDRAWN: "its create never arrived",
    }
    return Outcome(Ending.UNFINISHED, status, waiting.get(attempt.state, "not finished"))
