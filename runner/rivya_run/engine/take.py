"""Takes from plan to file: a driver that asks ``next_step`` what to do, does it, and asks again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import NamedTuple

import anyio

from rivya_run.engine.budget import SpendPermit
from rivya_run.engine.clocks import Clocks
from rivya_run.engine.create import no_answer
from rivya_run.engine.creates import Creates
from rivya_run.engine.fetch import Fetcher
from rivya_run.engine.follow import Follower
from rivya_run.engine.manifest_writer import ManifestWriter
from rivya_run.engine.named_locks import NamedLocks
from rivya_run.engine.next_step import (
    Done,
    Fetch,
    MarkUnknown,
    NextStep,
    Now,
    Poll,
    Send,
    Wait,
    WantedTake,
    next_step,
)
from rivya_run.engine.outcome import Ending, Outcome
from rivya_run.engine.references import NotResolved, References
from rivya_run.engine.run_ledger import RunLedger
from rivya_run.engine.stop import Stop
from rivya_run.engine.take_ends import TakeEnds
from rivya_run.engine.take_over import take_over
from rivya_run.engine.take_reports import TakeReports
from rivya_run.engine.task_slot import TaskSlot
from rivya_run.journal.attempt import FOLLOWED_STATES, Attempt, AttemptState
from rivya_run.journal.events import NotFetched
from rivya_run.journal.take_entry import out_of_credits, take_status
from rivya_run.planning.plan import SPENDING, Action, Step
from rivya_run.planning.planner import Planner, counted_failures, not_retried
from rivya_run.project.options import RunOptions

_FETCHABLE = frozenset({AttemptState.FINISHED, AttemptState.STORED})
_FAILED = frozenset({AttemptState.FAILED, AttemptState.REFUSED})


class Stages(NamedTuple):
    """What the steps of a storyboard's takes are carried out with."""

    references: References
    creates: Creates
    follower: Callable[[str], Follower]
    fetcher: Callable[[str, bool], Fetcher]


@dataclass(slots=True)
class _Take:
    """One take on its way in this run. ``step`` is its plan (None: an attempt that no present take asks for), ``key``
    the attempt that serves it; the rest is what ``Now`` is made of, and what it holds meanwhile.
    """

    step: Step | None
    key: str | None
    deadline: float
    priority: float = 0.0
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


class Takes:
    """Carries the takes of one storyboard."""

    def __init__(
        self,
        ledger: RunLedger,
        planner: Planner,
        stages: Stages,
        ends: TakeEnds,
        manifest: ManifestWriter,
        reports: TakeReports,
        locks: NamedLocks,
        stop: Stop,
        clocks: Clocks,
        options: RunOptions,
    ) -> None:
        self._ledger = ledger
        self._planner = planner
        self._stages = stages
        self._ends = ends
        self._manifest = manifest
        self._reports = reports
        self._locks = locks
        self._stop = stop
        self._clocks = clocks
        self._options = options

    async def carry(self, step: Step, priority: float) -> None:
        """Do what the plan says for one take, and end it. Raises for what ends the whole run."""
        take = _Take(step, None, self._deadline(), priority)
        try:
            take.step = step = await self._planned(take, step)
            if step.moves_from is not None and step.attempt_key is not None:
                await take_over(step, self._ledger)
                self._manifest.serve(step, step.attempt_key)
            served = step.action not in SPENDING | {Action.SKIP}
            outcome = await self._drive_alone(take, step.attempt_key if served else None)
        except BaseException:
            self._end(step, Outcome(Ending.UNFINISHED, take_status(None), "interrupted"), None)
            raise
        self._end(step, outcome, take.key)
        self._reports.report(step, take.key, outcome.message or None)

    async def finish(self, key: str) -> None:
        """Finish an open attempt that no present take asks for, into history."""
        await self._drive_alone(_Take(None, None, self._deadline()), key)

    def _deadline(self) -> float:
        """When a take that starts now is left as it is (monotonic seconds)."""
        return self._clocks.monotonic() + self._options.timeout

    def _end(self, step: Step, outcome: Outcome, key: str | None) -> None:
        self._ends.end(step, outcome, key)
        self._stages.creates.starting.arrived(step)

    async def _planned(self, take: _Take, step: Step) -> Step:
        """The step when every take that this one is made from has ended: only then it may be known what to make."""
        while isinstance(waiting := next_step(None, self._wanted(step), self._now(take)), Wait):
            await self._ends.wait_for(waiting.takes[0])
            if step.fingerprint is None:
                step = self._planner.replan(step)
                if step.gives_up is not None:
                    self._stages.creates.gate.decided(step.gives_up)
        return step

    async def _drive_alone(self, take: _Take, key: str | None) -> Outcome:
        """Drive a take; an attempt of an earlier run has one worker at a time, whoever asks for it."""
        if key is None or (take.step is not None and take.step.action is Action.REUSE):
            take.key, take.fetched = key, key is not None
            return await self._drive(take)
        if take.step is not None:
            self._manifest.serve(take.step, key)
        async with self._locks.of(key):
            take.key, take.deadline = key, self._deadline()
            take.stale = self._ledger.attempt(key).state in _FETCHABLE
            try:
                return await self._drive(take)
            finally:
                self._stages.creates.gate.settled(key)

    async def _drive(self, take: _Take) -> Outcome:
        """Ask what to do next, do it, ask again."""
        async with AsyncExitStack() as stack:
            stack.callback(take.leave)
            while True:
                attempt = self._ledger.attempt(take.key) if take.key is not None else None
                step = next_step(attempt, self._wanted(take.step), self._now(take))
                if isinstance(step, Done):
                    return step.outcome
                await self._carry_out(take, step)

    async def _carry_out(self, take: _Take, step: NextStep) -> None:
        match step:
            case Send(again=False):
                take.leave()
                await self._send_new(take)
            case Send():
                await self._send_again(take)
            case MarkUnknown():
                assert take.key is not None
                window = self._stages.creates.window_of(take.key)
                self._ledger.record(no_answer(take.key, window))
            case Poll(at):
                await self._ask(take, at)
            case Fetch():
                take.leave()
                await self._fetch(take)
            case _:
                raise AssertionError(f"{step} is not carried out here")

    def _wanted(self, step: Step | None) -> WantedTake:
        if step is None:
            return WantedTake()
        if step.action is Action.SKIP:
            ending = Ending.FAILED if step.wanted else Ending.SKIPPED
            return WantedTake(settled=Outcome(ending, take_status(None), step.reason))
        # What was paid for already waits for nobody: its window and its URLs don't last.
        waits_for = self._ends.missing(step.needs) if step.action in SPENDING else ()
        return WantedTake(step.action in SPENDING, waits_for)

    def _now(self, take: _Take) -> Now:
        """How things are for a take at this moment."""
        window_left = 0.0
        creates_left = 0
        if take.key is not None:
            attempt = self._ledger.attempt(take.key)
            if attempt.state is AttemptState.SENT and not take.sent:
                window_left = self._stages.creates.window_of(take.key).left
            if attempt.state in _FAILED:
                creates_left = self._creates_left(take)
            following = attempt.state in FOLLOWED_STATES
            if following and take.follower is None and not take.looked:
                take.follower = self._stages.follower(take.key)
        return Now(
            self._clocks.monotonic(),
            take.deadline,
            window_left,
            self._stop.outcome,
            take.turned_away,
            creates_left,
            take.follower.at if take.follower is not None else 0.0,
            take.sent,
            take.looked,
            take.unlearnt,
            take.fetched,
            take.not_fetched,
        )

    def _creates_left(self, take: _Take) -> int:
        """How many more creates may follow a failure: as --attempts allows, unless only --retry-failed would."""
        step = take.step
        if step is None or step.action not in SPENDING:
            return 0
        of_take = self._ledger.history.of_take(step.shot.id, step.take)
        failed = [one for one in of_take if one.fingerprint == step.fingerprint and one.state in _FAILED]
        if not_retried(counted_failures(failed)) and not self._options.retry_failed:
            return 0
        return max(0, self._options.attempts - take.tries)

    async def _send_new(self, take: _Take) -> None:
        """A new create: what it is made from, a permit and a slot, the intent, the sending."""
        step, creates = take.step, self._stages.creates
        assert step is not None and step.fingerprint is not None
        if take.tries:  # after a failure in this run
            number = self._planner.next_number(step.shot.id, step.take, step.fingerprint)
            take.step = step = replace(step, number=number)
            take.sent, take.looked, take.unlearnt, take.follower = False, False, None, None
        resolved = await self._stages.references.resolve(step, self._deadline())
        if isinstance(resolved, NotResolved):
            take.turned_away = self._not_resolved(resolved)
            return
        take.slot = creates.slot(take.priority)
        permit = await creates.permit(step, take.slot)
        if isinstance(permit, Outcome):
            take.turned_away = permit
            return
        take.permit, take.deadline = permit, self._deadline()
        take.key = creates.intend(step, resolved, permit)
        take.tries += 1
        self._manifest.serve(step, take.key)
        self._report(take)
        await creates.send(take.key, take.slot, take.deadline, resent=False)
        take.sent = True
        permit.answered()
        self._after_answer(take)
        if take.slot is not None:
            self._report(take)

    def _not_resolved(self, resolved: NotResolved) -> Outcome:
        if resolved.ending is Ending.UNFINISHED and self._stop.outcome is not None:
            return self._stop.outcome
        return Outcome(resolved.ending, take_status(None), resolved.message, resolved.code)

    async def _send_again(self, take: _Take) -> None:
        """An open create of an earlier run, while the API can be expected to know its key."""
        assert take.key is not None
        creates = self._stages.creates
        take.slot = creates.slot()
        await take.slot.take()
        try:
            await creates.send(take.key, take.slot, take.deadline, resent=True)
            take.sent = True
            self._after_answer(take)
            self._report(take)
        finally:
            creates.gate.settled(take.key)

    def _after_answer(self, take: _Take) -> None:
        """The create was answered, or there was no time for it any more."""
        assert take.key is not None
        self._react(take.key)
        if self._ledger.attempt(take.key).state is not AttemptState.RUNNING:
            take.leave()

    async def _ask(self, take: _Take, at: float) -> None:
        """Ask for its task at that time; it counts as one in flight until it is seen to have ended."""
        assert take.follower is not None and take.key is not None
        if take.slot is None:
            take.slot = self._stages.creates.slot()
            take.slot.take_over()
        await anyio.sleep(max(0.0, at - self._clocks.monotonic()))
        asked = await take.follower.ask(take.deadline)
        if asked.changed:
            self._report(take)
        if asked.ended:
            take.looked, take.unlearnt, take.follower = True, asked.unlearnt, None
            self._react(take.key)
            take.leave()

    async def _fetch(self, take: _Take) -> None:
        """Fetch what isn't here; fetching has time of its own."""
        assert take.key is not None
        trouble = await self._stages.fetcher(take.key, take.stale).fetch_all(self._deadline())
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
            self._stop.for_empty_wallet()
        elif self._options.fail_fast:
            self._stop.creating(Ending.UNFINISHED, f"--fail-fast: {attempt.shot}/{attempt.take} failed")

    def _report(self, take: _Take) -> None:
        if take.step is not None:
            self._reports.report(take.step, take.key)
