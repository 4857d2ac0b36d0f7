"""Many takes: who goes first, what ends a run, and what is written at its end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

import anyio

from rivya_run.engine.budget import SpendGate, Spending
from rivya_run.engine.connection import ApiConnection
from rivya_run.engine.next_step import Ending
from rivya_run.engine.other_takes import Running
from rivya_run.engine.run_end import as_one, save_what_is_known
from rivya_run.engine.stop import Interrupts, Stop
from rivya_run.engine.storyboard_run import StoryboardRun, storyboard_run
from rivya_run.engine.task_slots import TaskLimiter
from rivya_run.errors import (
    DatabaseUnavailable,
    DiskFull,
    FolderGone,
    Interrupted,
    KeyRefused,
    ObjectStoreError,
    OutputFolderError,
    RivyaError,
    TakenOver,
)
from rivya_run.journal.attempt import AttemptState
from rivya_run.planning.forecast import Timing
from rivya_run.planning.order import priorities
from rivya_run.planning.plan import RESTING, SPENDING, Step
from rivya_run.progress import Event
from rivya_run.project.outputs import LEAST_FREE, free_bytes
from rivya_run.project.places import ARRIVING
from rivya_run.project.plan import Prepared, RunOptions
from rivya_run.provider.interface import NotFound
from rivya_run.times import Clocks

MANIFEST_EVERY = 5.0
"""Seconds between two writings of the manifest while a run goes on; the journal has it all meanwhile."""

MANIFEST_SHARE = 100
"""A large manifest is written less often: so many times as much as that takes goes by in between."""

STARTING_AT_ONCE = 64
"""Takes that are on their way to a slot in flight: enough to never leave one empty, few enough to cost nothing."""

UNFETCHED = 256
"""Takes beyond those in flight that may be on their way to one or to disk before others are begun."""

ACCOUNT_WITHIN = 60.0
"""Seconds that a run waits to learn whether its tasks are this account's, before it goes on without."""


class Executor:
    """Runs the plans of some storyboards with one pool of limits.

    ``stop`` hears of every exchange with the API; ``gate.spending`` is what the run may cost, and the balance.
    """

    def __init__(
        self,
        options: RunOptions,
        clocks: Clocks,
        timing: Timing,
        tell: Callable[[Event], None],
        interrupts: Interrupts,
    ) -> None:
        self.storyboards: list[StoryboardRun] = []
        self.stop = Stop(options.timeout, clocks.monotonic)
        self.gate = SpendGate(Spending(options.max_credits))
        self._options = options
        self._clocks = clocks
        self._timing = timing
        self._tell = tell
        self._interrupts = interrupts
        self._tasks = TaskLimiter(options.concurrency, tell=tell)
        self._starting = anyio.Semaphore(STARTING_AT_ONCE, fast_acquire=True)
        self._errors: list[RivyaError] = []
        self._unwritten: set[StoryboardRun] = set()
        self._running: dict[Path, Running] = {}

    def add(self, prepared: Prepared, base_url: str, connection: ApiConnection) -> None:
        """One more storyboard to run; ``base_url`` is the API origin as records name it."""
        history = prepared.ledger.history
        self.gate.spending.watch(history)
        self._timing.learn_from(history.attempts.values())
        self.storyboards.append(
            storyboard_run(
                prepared,
                base_url,
                connection,
                options=self._options,
                clocks=self._clocks,
                stop=self.stop,
                tasks=self._tasks,
                gate=self.gate,
                timing=self._timing,
                running=self._running,
                tell=self._tell,
            )
        )

    async def run(self) -> RivyaError | None:
        """Carry every take. What ended the run early, or None; outcomes are with the storyboards.

        The manifests are written in any case.
        """
        try:
            await self._carry_all()
        finally:
            with anyio.CancelScope(shield=True):
                await self._write_all()
        if self._interrupts.heard:
            hint = "run the same command again: it goes on where it stopped"
            self._errors.append(Interrupted("interrupted", hint=hint))
        return as_one(self._errors)

    async def _carry_all(self) -> None:
        self._look_for_room()
        async with anyio.create_task_group() as beside:
            with anyio.CancelScope() as work, self._interrupts.cancelling():
                beside.start_soon(self._guarded, work, self._keep_books)
                try:
                    await self._check_account()
                except RivyaError as error:
                    self._errors.append(error)
                else:
                    async with anyio.create_task_group() as workers:
                        for one in self.storyboards:
                            self._start(one, workers)
            beside.cancel_scope.cancel()

    async def _write_all(self) -> None:
        for one in self.storyboards:
            try:
                await anyio.to_thread.run_sync(one.ledger.ledger.sync)
                await one.ledger.confirmed()
                one.manifest.write()
                await anyio.to_thread.run_sync(one.catch_up)
            except (FolderGone, TakenOver, DatabaseUnavailable) as error:
                self._errors += [error, save_what_is_known(one)]
            except OutputFolderError as error:
                self._errors.append(error)
            with suppress(OSError):
                (one.folder / ARRIVING).rmdir()  # which fails while anything is in it

    def _start(self, one: StoryboardRun, workers: anyio.abc.TaskGroup) -> None:
        """Open work first, then what is new in the order that ends soonest."""
        for step in one.plan.steps:
            if step.gives_up is not None:
                self.gate.spending.decided(step.gives_up)
        for attempt in self.gate.spending.awaited(one.ledger.history):
            if attempt.state is AttemptState.SENT:
                self.gate.expect(attempt.client_request_id)
        for key in one.plan.orphans:
            workers.start_soon(self._guarded, workers.cancel_scope, one.takes.finish, key)
        # Under a cap the order says what is made, and the plan has told it without knowing how long takes last.
        capped = one.budget.capped
        order = (
            priorities(one.plan)
            if capped
            else priorities(one.plan, self._timing, at_once=self._options.concurrency)
        )
        workers.start_soon(self._settle, one, workers, [s for s in one.plan.steps if s.action in RESTING])
        for step in one.plan.steps:
            if step.action not in SPENDING | RESTING:
                workers.start_soon(
                    self._guarded, workers.cancel_scope, one.takes.carry, step, 0.0, _not_counted
                )
        for priority, step in order:
            if step.waits:
                workers.start_soon(
                    self._guarded, workers.cancel_scope, one.takes.carry, step, priority, _not_counted
                )
        free = [(priority, step) for priority, step in order if not step.waits]
        workers.start_soon(self._start_in_turn, one, free, workers)

    async def _settle(self, one: StoryboardRun, workers: anyio.abc.TaskGroup, steps: Sequence[Step]) -> None:
        """Takes for which nothing is asked of anybody, one after another."""
        for step in steps:
            await self._guarded(workers.cancel_scope, one.takes.carry, step, 0.0, _not_counted)

    async def _start_in_turn(
        self,
        one: StoryboardRun,
        order: Sequence[tuple[float, Step]],
        workers: anyio.abc.TaskGroup,
    ) -> None:
        """Takes that wait for no other, a few ahead of those in flight: ten thousand workers cost memory.

        Nor is more made than can be fetched: the addresses of results don't last.
        """
        alive = anyio.Semaphore(self._options.concurrency + UNFETCHED)

        async def carry(priority: float, step: Step) -> None:
            with ExitStack() as starting:  # until it may spend, or has ended without
                starting.callback(self._starting.release)
                await self._guarded(workers.cancel_scope, one.takes.carry, step, priority, starting.close)
            alive.release()

        for priority, step in order:
            await alive.acquire()
            await self._starting.acquire()
            workers.start_soon(carry, priority, step)

    async def _guarded(self, scope: anyio.CancelScope, work: object, *args: object) -> None:
        """One worker. What ends the run is kept, and the others are asked to leave."""
        try:
            await work(*args)  # type: ignore[operator]
        except RivyaError as error:
            self._errors.append(error)
            self.stop.creating(Ending.UNFINISHED, error.message)
            scope.cancel()

    async def _check_account(self) -> None:
        """Ask for tasks that exist, if there are any, until one is found: are these our tasks at all?

        When every one of them is ``not_found``, the key is most likely another account's (contract, section 3).
        Who says ``--resend-unknown`` has decided otherwise.
        """
        if self._options.resend_unknown:
            return
        asked = False
        for one in self.storyboards:
            for attempt in one.ledger.history.attempts.values():
                if attempt.task_id is None or not attempt.open or attempt.state is AttemptState.FINISHED:
                    continue
                asked = True
                if await self._found(one, attempt.task_id):
                    return
        if asked and not await self._any_ended_task_found():
            raise KeyRefused(
                "none of this storyboard's tasks can be found: is this another account's key?",
                hint="set RIVYA_API_KEY to the key that made them; if they are really gone, adopt or "
                "--resend-unknown settles them",
            )

    async def _any_ended_task_found(self) -> bool:
        for one in self.storyboards:
            for attempt in one.ledger.history.attempts.values():
                if attempt.task_id is not None and attempt.ended:
                    return await self._found(one, attempt.task_id)
        return False

    async def _found(self, one: StoryboardRun, task_id: str) -> bool:
        within = min(ACCOUNT_WITHIN, self._options.timeout)
        answer = await one.connection.client.task(task_id, deadline=self._clocks.monotonic() + within)
        return not isinstance(answer, NotFound)

    async def _keep_books(self) -> None:
        """Write manifests now and then, and see whether folders and disk can still be relied on.

        Raises OutputFolderError where the journal can't be.
        """
        pause = MANIFEST_EVERY
        while True:
            await anyio.sleep(pause)
            self._look_for_room()
            began = self._clocks.monotonic()
            for one in self.storyboards:
                await one.ledger.durable(anyway=True)
                await self._keep_manifest(one)
            pause = max(MANIFEST_EVERY, MANIFEST_SHARE * (self._clocks.monotonic() - began))

    async def _keep_manifest(self, one: StoryboardRun) -> None:
        """A manifest that can't be written now is told once, and tried again: the journal has it all.

        On a full disk, or without the object store, nothing more is created: there is no room for what would come
        of it.
        """
        try:
            if one.manifest.write():
                await anyio.to_thread.run_sync(one.source.home.publish)
        except OutputFolderError as error:
            if isinstance(error, DiskFull | ObjectStoreError):
                self.stop.creating(Ending.NO_ROOM, error.message)
            if one not in self._unwritten:
                self._unwritten.add(one)
                message = f"{error.message}; it will be retried"
                self._tell(Event("notice", storyboard=one.storyboard.id, detail={"message": message}))
        else:
            self._unwritten.discard(one)

    def _look_for_room(self) -> None:
        for one in self.storyboards:
            if free_bytes(one.folder) < LEAST_FREE:
                self.stop.creating(Ending.NO_ROOM, "less than 256 MiB is free on the disk")


def _not_counted() -> None:
    """A take that isn't among those that start in turn may spend."""
