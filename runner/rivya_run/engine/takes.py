"""The takes of one storyboard: who waits for whom, which attempt serves which, how each ended, who is told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import anyio

from rivya_run.engine.next_step import Ending, Now, Outcome, Wait, WantedTake, next_step
from rivya_run.engine.other_takes import OtherTakes
from rivya_run.engine.records import ManifestWriter, RunLedger, take_over
from rivya_run.engine.take import ActiveTake, TakeDriver
from rivya_run.engine.take_ends import TakeEnds
from rivya_run.journal.attempt import Attempt, AttemptState
from rivya_run.journal.take_entry import take_status, whole
from rivya_run.planning.forecast import Timing
from rivya_run.planning.plan import SPENDING, Action, Step
from rivya_run.planning.planner import Planner
from rivya_run.progress import Event


class Takes:
    """Carries the takes of one storyboard."""

    def __init__(
        self,
        storyboard: str,
        ledger: RunLedger,
        planner: Planner,
        manifest: ManifestWriter,
        driver: TakeDriver,
        other_takes: OtherTakes,
        timing: Timing,
        tell: Callable[[Event], None],
    ) -> None:
        """``storyboard`` is its id; ``timing`` knows how long tasks take."""
        self._other_takes = other_takes
        self.ends = TakeEnds(planner)
        self._storyboard = storyboard
        self._ledger = ledger
        self._planner = planner
        self._manifest = manifest
        self._driver = driver
        self._timing = timing
        self._tell = tell
        self._workers: defaultdict[str, anyio.Lock] = defaultdict(anyio.Lock)

    async def carry(self, step: Step, priority: float, arrived: Callable[[], None]) -> None:
        """Do what the plan says for one take, and end it. ``arrived`` is called once it may spend, if it is to.

        Raises for what ends the whole run.
        """
        take = ActiveTake(step, None, priority, self._changed, arrived)
        try:
            take.step = step = await self._planned(step)
            if step.moves_from is not None and step.attempt_key is not None:
                await take_over(step, self._ledger)
                self._manifest.serve(step, step.attempt_key)
            served = step.action not in SPENDING | {Action.SKIP, Action.WAIT}
            outcome = await self._drive_alone(take, step.attempt_key if served else None)
        except BaseException:
            self.ends.end(step, Outcome(Ending.UNFINISHED, take_status(None), "interrupted"), None)
            raise
        self.ends.end(step, outcome, take.key)
        self._report(step, take.key, outcome.message or None)

    async def finish(self, key: str) -> None:
        """Finish an open attempt that no present take asks for, into history."""
        await self._drive_alone(ActiveTake(None), key)

    async def _planned(self, step: Step) -> Step:
        """The step when every take that this one is made from has ended: only then it may be known what to make."""
        # Whom it waits for depends on nothing that ``Now`` tells.
        while isinstance(waiting := next_step(None, self._wanted(step), Now(0.0, 0.0)), Wait):
            await self.ends.wait_for(waiting.takes[0])
            if step.fingerprint is None:
                step = self._planner.replan(step)
        if step.action in SPENDING and step.fingerprint is None:
            await self._other_takes.settle(step)
            step = self._planner.replan(step)
        return step

    async def _drive_alone(self, take: ActiveTake, key: str | None) -> Outcome:
        """Drive a take; an attempt of an earlier run has one worker at a time, whoever asks for it."""
        wanted = self._wanted(take.step)
        if key is None or (take.step is not None and take.step.action is Action.REUSE):
            take.key, take.fetched = key, key is not None
            return await self._driver.drive(take, wanted)
        if take.step is not None:
            self._manifest.serve(take.step, key)
        async with self._workers[key]:
            take.key = key
            return await self._driver.drive(take, wanted)

    def _wanted(self, step: Step | None) -> WantedTake:
        if step is None:
            return WantedTake()
        if step.action is Action.SKIP:
            ending = Ending.FAILED if step.wanted else Ending.SKIPPED
            return WantedTake(settled=Outcome(ending, take_status(None), step.reason))
        if step.action is Action.WAIT:
            return WantedTake(
                settled=Outcome(Ending.WAITING, take_status(None), step.reason, None, step.awaits)
            )
        # What was paid for already waits for nobody: its window and its URLs don't last.
        waits_for = self.ends.missing(step.needs) if step.action in SPENDING else ()
        return WantedTake(step.action in SPENDING, waits_for)

    def _changed(self, take: ActiveTake) -> None:
        if take.step is not None and take.key is not None:
            self._manifest.serve(take.step, take.key)
            self._report(take.step, take.key)

    def _report(self, step: Step, key: str | None, reason: str | None = None) -> None:
        attempt = self._ledger.history.attempts.get(key) if key is not None else None
        usual = None
        if attempt is not None and attempt.open:
            usual = self._timing.expected(attempt.price_key or attempt.model, attempt.model)
        self._tell(take_changed(self._storyboard, step, attempt, reason, usual))


def take_changed(
    storyboard: str, step: Step, attempt: Attempt | None, reason: str | None, usual: float | None = None
) -> Event:
    """Where a take is, for whoever watches the run; ``reason`` says why, in words.

    ``usual`` is how many seconds such a task takes, where that was learned.
    """
    detail = {
        "model": step.shot.model,
        "scene": step.shot.scene,
        "task_id": attempt.task_id if attempt else None,
        "credits": whole(attempt.reserved_credits) if attempt else None,
        "spent": whole(attempt.spent) if attempt and attempt.ended else None,
        "usual_seconds": round(usual, 3) if usual is not None else None,
        "downloading": True if attempt and attempt.state is AttemptState.FINISHED else None,
        "error": attempt.error.code if attempt and attempt.error else None,
        "reason": reason or (attempt.error.message if attempt and attempt.error else None),
    }
    return Event(
        "take_changed",
        storyboard=storyboard,
        shot=step.shot.id,
        take=step.take,
        status=take_status(attempt).value,
        detail={name: value for name, value in detail.items() if value is not None},
    )
