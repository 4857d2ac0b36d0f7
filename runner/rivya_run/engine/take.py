"""One take from plan to file: a driver that asks ``next_step`` what to do, does it, and asks again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

import anyio

from rivya_run.engine.budget import SpendPermit
from rivya_run.engine.create import no_answer
from rivya_run.engine.creates import Creates
from rivya_run.engine.fetch import Fetcher
from rivya_run.engine.follow import Follower
from rivya_run.engine.next_step import (
    Done,
    Ending,
    Fetch,
    MarkUnknown,
    NextStep,
    Now,
    Outcome,
    Poll,
    Send,
    WantedTake,
    next_step,
)
from rivya_run.engine.records import RunLedger
from rivya_run.engine.references import NotResolved, References
from rivya_run.engine.task_slots import TaskSlot
from rivya_run.journal.attempt import FOLLOWED_STATES, Attempt, AttemptState
from rivya_run.journal.events import NotFetched
from rivya_run.journal.take_entry import out_of_credits, take_status
from rivya_run.planning.plan import SPENDING, Step
from rivya_run.planning.planner import Planner
from rivya_run.planning.tries import counted_failures, not_retried
from rivya_run.project.plan import RunOptions

_FETCHABLE = frozenset({AttemptState.FINISHED, AttemptState.STORED})
_FAILED = frozenset({AttemptState.FAILED, AttemptState.REFUSED})


def _nothing(*_: object) -> None:
    """Nobody is told."""


@dataclass(slots=True)
class ActiveTake:
    """One take on its way in this run. ``step`` is its plan (None: an attempt that no present take asks for), ``key``
    the attempt that serves it. ``changed`` hears when that or its state changes, ``arrived`` when it may spend.

    The rest is what ``Now`` is made of, and what it holds meanwhile.
    """

    step: Step | None
    key: str | None = None
    priority: float = 0.0
    changed: Callable[[ActiveTake], None] = _nothing
    arrived: Callable[[], None] = _nothing
    deadline: float = 0.0
    tries: int = 0
    turned_away: Outcome | None = None
    sent: bool = False
    looked: bool = False
    unlearnt: str | None = None
    fetched: bool = False
    not_fetched: str | None = None
    stale: bool = False
    slot: TaskSlot | None = None
    permit: SpendPermit | None = None
    follower: Follower | None = None

    def leave(self) -> None:
        """Give back what it holds: its task has ended, or nobody waits for it any more."""
        permit, self.permit = self.permit, None
        if permit is not None:
            permit.over()
        slot, self.slot = self.slot, None
        if slot is not None:
            slot.give_back()


class TakeDriver:
    """Carries out the steps of a storyboard's takes."""

    def __init__(
        self,
        ledger: RunLedger,
        planner: Planner,
        references: References,
        creates: Creates,
        follower: Callable[[str], Follower],
        fetcher: Callable[[str, bool], Fetcher],
        options: RunOptions,
    ) -> None:
        """``follower`` and ``fetcher`` are made for an attempt's key; the latter by whether its URLs are old."""
        self._ledger = ledger
        self._planner = planner
        self._references = references
        self._creates = creates
        self._follower = follower
        self._fetcher = fetcher
        self._options = options

    async def drive(self, take: ActiveTake, wanted: WantedTake) -> Outcome:
        """Ask what to do next, do it, ask again, until the take is done. Raises for what ends the whole run."""
        key, take.deadline = take.key, self._deadline()
        take.stale = key is not None and self._ledger.attempt(key).state in _FETCHABLE
        async with AsyncExitStack() as stack:
            if key is not None:
                stack.callback(self._creates.gate.settled, key)
            stack.callback(take.leave)
            while True:
                attempt = self._ledger.attempt(take.key) if take.key is not None else None
                step = next_step(attempt, wanted, self._now(take))
                if isinstance(step, Done):
                    return step.outcome
                await self._carry_out(take, step)

    def _deadline(self) -> float:
        """When a take that starts now is left as it is (monotonic seconds)."""
        return anyio.current_time() + self._options.timeout

    async def _carry_out(self, take: ActiveTake, step: NextStep) -> None:
        match step:
            case Send(again=False):
                take.leave()
                await self._send_new(take)
            case Send():
                await self._send_again(take)
            case MarkUnknown():
                assert take.key is not None
                window = self._creates.window_of(take.key)
                self._ledger.record(no_answer(self._ledger.attempt(take.key), window))
            case Poll(at):
                await self._ask(take, at)
            case Fetch():
                take.leave()
                await self._fetch(take)
            case _:
                raise AssertionError(f"{step} is not carried out here")

    def _now(self, take: ActiveTake) -> Now:
        """How things are for a take at this moment."""
        window_left = 0.0
        creates_left = 0
        if take.key is not None:
            attempt = self._ledger.attempt(take.key)
            if attempt.state is AttemptState.SENT and not take.sent:
                window_left = self._creates.window_of(take.key).left
            if attempt.state in _FAILED:
                creates_left = self._creates_left(take)
            following = attempt.state in FOLLOWED_STATES
            if following and take.follower is None and not take.looked:
                take.follower = self._follower(take.key)
        return Now(
            anyio.current_time(),
            take.deadline,
            window_left,
            self._creates.stop.outcome,
            take.turned_away,
            creates_left,
            take.follower.at if take.follower is not None else 0.0,
            take.sent,
            take.looked,
            take.unlearnt,
            take.fetched,
            take.not_fetched,
        )

    def _creates_left(self, take: ActiveTake) -> int:
        """How many more creates may follow a failure: as --attempts allows, unless only --retry-failed would."""
        step = take.step
        if step is None or step.action not in SPENDING:
            return 0
        of_take = self._ledger.history.of_take(step.shot.id, step.take)
        failed = [one for one in of_take if step.asks_for(one.fingerprint) and one.state in _FAILED]
        if not_retried(counted_failures(failed)) and not self._options.retry_failed:
            return 0
        return max(0, self._options.attempts - take.tries)

    async def _send_new(self, take: ActiveTake) -> None:
        """A new create: what it is made from, a permit and a slot, the intent, the sending."""
        step, creates = take.step, self._creates
        assert step is not None and step.fingerprint is not None
        if take.tries:  # after a failure in this run
            number = self._planner.next_number(step.shot.id, step.take, step.fingerprint)
            take.step = step = replace(step, number=number)
            take.sent, take.looked, take.unlearnt, take.follower = False, False, None, None
        resolved = await self._references.resolve(step, self._deadline())
        if isinstance(resolved, NotResolved):
            take.turned_away = self._not_resolved(resolved)
            return
        take.slot = creates.slot(take.priority)
        committed = await creates.commit(step, resolved, take.slot)
        take.arrived()
        if isinstance(committed, Outcome):
            take.turned_away = committed
            return
        permit, take.key = committed
        take.permit, take.deadline = permit, self._deadline()
        take.tries += 1
        take.changed(take)
        await creates.send(take.key, take.slot, take.deadline, resent=False)
        take.sent = True
        permit.answered()
        self._after_answer(take)
        if take.slot is not None:
            take.changed(take)

    def _not_resolved(self, resolved: NotResolved) -> Outcome:
        if resolved.ending is Ending.UNFINISHED and self._creates.stop.outcome is not None:
            return self._creates.stop.outcome
        return Outcome(resolved.ending, take_status(None), resolved.message, resolved.code)

    async def _send_again(self, take: ActiveTake) -> None:
        """An open create of an earlier run, while the API can be expected to know its key."""
        assert take.key is not None
        creates = self._creates
        take.slot = creates.slot()
        await take.slot.take()
        try:
            await creates.send(take.key, take.slot, take.deadline, resent=True)
            take.sent = True
            self._after_answer(take)
            take.changed(take)
        finally:
            creates.gate.settled(take.key)

    def _after_answer(self, take: ActiveTake) -> None:
        """The create was answered, or there was no time for it any more."""
        assert take.key is not None
        self._react(take.key)
        if self._ledger.attempt(take.key).state is not AttemptState.RUNNING:
            take.leave()

    async def _ask(self, take: ActiveTake, at: float) -> None:
        """Ask for its task at that time; it counts as one in flight until it is seen to have ended."""
        assert take.follower is not None and take.key is not None
        if take.slot is None:
            take.slot = self._creates.slot()
            take.slot.take_over()
        await anyio.sleep(max(0.0, at - anyio.current_time()))
        asked = await take.follower.ask(take.deadline)
        if asked.changed:
            take.changed(take)
        if asked.ended:
            await self._ledger.ended()
            take.looked, take.unlearnt, take.follower = True, asked.unlearnt, None
            self._react(take.key)
            take.leave()

    async def _fetch(self, take: ActiveTake) -> None:
        """Fetch what isn't here; fetching has time of its own."""
        assert take.key is not None
        trouble = await self._fetcher(take.key, take.stale).fetch_all(self._deadline())
        take.fetched = True
        if trouble is not None:
            take.not_fetched = trouble.message
            self._record_not_fetched(self._ledger.attempt(take.key), trouble.message)

    def _record_not_fetched(self, attempt: Attempt, why: str) -> None:
        """Paid, but not here: on record, unless its files were here before and only this one went missing."""
        known = attempt.error.message if attempt.error else None
        if attempt.state is AttemptState.FINISHED and known != why:
            self._ledger.record(NotFetched(key=attempt.client_request_id, message=why))

    def _react(self, key: str) -> None:
        """Stop creating where an answer says that it is useless: an empty wallet, a failure under --fail-fast."""
        attempt = self._ledger.attempt(key)
        if attempt.state not in _FAILED:
            return
        if out_of_credits(attempt):
            self._creates.stop.for_empty_wallet()
        elif self._options.fail_fast:
            self._creates.stop.creating(
                Ending.UNFINISHED, f"--fail-fast: {attempt.shot}/{attempt.take} failed"
            )
