"""Many takes: who goes first, what ends a run, and what is written at its end."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from contextlib import suppress

import anyio

from rivya_run.board import Board
from rivya_run.client import Missing
from rivya_run.errors import Interrupted, KeyRefused, OutputFolderError, RivyaError
from rivya_run.order import priorities
from rivya_run.outputs import LEAST_FREE, free_bytes
from rivya_run.pipeline import Pipeline
from rivya_run.records.history import AttemptState
from rivya_run.records.plan import SPENDING, Action, Step
from rivya_run.records.run import EXIT_CODES, Ending, severest
from rivya_run.records.wire import Task
from rivya_run.session import Session

MANIFEST_EVERY = 5.0
"""Seconds between two writings of the manifest while a run goes on; the journal has it all meanwhile."""


class Executor:
    """Runs the plans of some storyboards with one pool of limits."""

    def __init__(self, boards: Sequence[Board], session: Session) -> None:
        self._boards = boards
        self._session = session
        self._error: RivyaError | None = None

    async def run(self) -> RivyaError | None:
        """Carry every take. What ended the run early, or None; outcomes are on the boards.

        The manifests are written in any case.
        """
        try:
            await self._carry_all()
        except RivyaError as error:
            self._error = self._error or error
        for board in self._boards:
            try:
                await anyio.to_thread.run_sync(board.ledger.sync)
                board.write_manifest()
            except OutputFolderError as error:
                self._error = self._error or error
        return self._error

    async def _carry_all(self) -> None:
        work = anyio.CancelScope()
        async with anyio.create_task_group() as beside:
            beside.start_soon(self._listen, work)
            beside.start_soon(self._keep_manifests)
            with work:
                await self._check_account()
                async with anyio.create_task_group() as workers:
                    for board in self._boards:
                        self._start(board, workers)
            beside.cancel_scope.cancel()

    def _start(self, board: Board, workers: anyio.abc.TaskGroup) -> None:
        """Open work first, then what is new in the order that ends soonest."""
        pipeline = Pipeline(board)
        for key in board.plan.orphans:
            workers.start_soon(self._guarded, workers.cancel_scope, pipeline.finish, key)
        order = priorities(board.plan, self._session.timing)
        for step in board.plan.steps:
            if step.action in SPENDING:
                continue
            workers.start_soon(self._guarded, workers.cancel_scope, pipeline.carry, step, 0.0)
        for priority, step in order:
            workers.start_soon(self._guarded, workers.cancel_scope, pipeline.carry, step, priority)

    async def _guarded(self, scope: anyio.CancelScope, work: object, *args: object) -> None:
        """One worker. What ends the run is kept, and the others are asked to leave."""
        try:
            await work(*args)  # type: ignore[operator]
        except RivyaError as error:
            self._error = self._error or error
            self._session.stop.creating(Ending.UNFINISHED, error.message)
            scope.cancel()

    async def _check_account(self) -> None:
        """Ask for one task that exists, if there is any: are these our tasks at all?

        When every one of them is ``not_found``, the key is most likely another account's (contract, section 3).
        """
        asked = False
        for board in self._boards:
            for attempt in board.ledger.history.attempts.values():
                if attempt.task_id is None or not attempt.open or attempt.state is AttemptState.FINISHED:
                    continue
                asked = True
                if await self._found(board, attempt.task_id):
                    return
        if asked and not await self._any_ended_task_found():
            raise KeyRefused(
                "none of the tasks of this storyboard is found: is this another account's key?",
                hint="set RIVYA_API_KEY to the key that made them; adopt or --resend-unknown settles lost ones",
            )

    async def _any_ended_task_found(self) -> bool:
        for board in self._boards:
            for attempt in board.ledger.history.attempts.values():
                if attempt.task_id is not None and attempt.ended:
                    return await self._found(board, attempt.task_id)
        return False

    async def _found(self, board: Board, task_id: str) -> bool:
        answer = await board.client.task(task_id, deadline=self._session.deadline())
        return isinstance(answer, Task) or not isinstance(answer, Missing)

    async def _keep_manifests(self) -> None:
        """Write manifests now and then, and stop creating when the disk runs full."""
        while True:
            await anyio.sleep(MANIFEST_EVERY)
            for board in self._boards:
                if free_bytes(board.folder) < LEAST_FREE:
                    self._session.stop.creating(Ending.NO_ROOM, "less than 256 MiB are free on the disk")
                with suppress(OutputFolderError):
                    board.write_manifest()

    async def _listen(self, scope: anyio.CancelScope) -> None:
        """The first Ctrl-C (SIGTERM, a closed terminal) stops creating and leaves in order, a second at once."""
        wanted = [signal.SIGINT, signal.SIGTERM]
        if hasattr(signal, "SIGHUP"):
            wanted.append(signal.SIGHUP)
        try:
            with anyio.open_signal_receiver(*wanted) as signals:
                async for _ in signals:
                    if self._error is not None and isinstance(self._error, Interrupted):
                        os._exit(Interrupted.exit_code)
                    self._interrupt(scope)
        except (NotImplementedError, ValueError, RuntimeError):  # not the main thread, or Windows
            await anyio.sleep_forever()

    def _interrupt(self, scope: anyio.CancelScope) -> None:
        self._error = Interrupted(
            "interrupted", hint="run the same command again: it goes on where it stopped"
        )
        self._session.stop.creating(Ending.UNFINISHED, "interrupted")
        scope.cancel()


def exit_code(boards: Sequence[Board], error: RivyaError | None) -> int:
    """The exit code of a run: the most severe of what ended it and of what its wanted takes came to."""
    codes = [error.exit_code] if error is not None else []
    for board in boards:
        for outcome in board.outcomes.values():
            codes.append(EXIT_CODES.get(outcome.ending, 0))
        for step in board.plan.steps:
            if step.action is Action.DECIDE and (step.shot.id, step.take) not in board.outcomes:
                codes.append(EXIT_CODES[Ending.UNKNOWN])
    return severest(codes)


def unfinished(board: Board) -> list[Step]:
    """Steps that this run didn't come to."""
    return [step for step in board.plan.steps if (step.shot.id, step.take) not in board.outcomes]
