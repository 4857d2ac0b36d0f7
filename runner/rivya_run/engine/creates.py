"""The creates of one storyboard: the permit to spend, the slot in flight, the intent on record, the sending."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf

import anyio

from rivya_run.engine.budget import Budget, SpendGate, SpendPermit
from rivya_run.engine.connection import ApiConnection
from rivya_run.engine.create import ResendWindow, create
from rivya_run.engine.next_step import Ending, Outcome
from rivya_run.engine.records import RunLedger
from rivya_run.engine.references import ResolvedReferences
from rivya_run.engine.stop import Stop
from rivya_run.engine.task_slots import TaskLimiter, TaskSlot
from rivya_run.journal.events import GivenUp, Intended
from rivya_run.journal.fingerprint import client_request_id, request_body
from rivya_run.journal.take_entry import take_status
from rivya_run.planning.plan import Estimate, Step, estimate
from rivya_run.project.debit_lines import BudgetRefusal
from rivya_run.project.debits import OTHERS_ANSWER_WITHIN, BoardDebits
from rivya_run.project.source import Source
from rivya_run.times import Clocks, iso

LOOK_AGAIN = 0.25
"""Seconds between two looks whether it has come."""


@dataclass(frozen=True, slots=True)
class Creates:
    """``window`` is for how many seconds the API can be expected to know a key; ``debits`` are those of the project's
    budgets, where there are any; of one storyboard one take at a time is ``asking`` whether it may be made."""

    source: Source
    ledger: RunLedger
    connection: ApiConnection
    budget: Budget
    gate: SpendGate
    tasks: TaskLimiter
    stop: Stop
    clocks: Clocks
    window: float
    debits: BoardDebits | None = None
    asking: anyio.Lock = field(default_factory=anyio.Lock)
    via: str | None = None

    def slot(self, priority: float = 0.0) -> TaskSlot:
        """A slot among the tasks in flight, not taken yet."""
        return TaskSlot(self.tasks, self.stop, self.clocks.monotonic, priority=priority)

    def window_of(self, key: str) -> ResendWindow:
        """For how long a create that is on record may be sent again."""
        server_time = self.connection.http.server_time
        return ResendWindow(key, self.ledger.history, self.clocks, server_time, self.window)

    async def permit(self, step: Step, slot: TaskSlot) -> SpendPermit | Outcome:
        """Wait for the permit to spend, with a slot; nothing may be awaited between it and the intent.

        Waiting for the permit comes first: who holds a slot while waiting keeps out those that are waited for.
        """
        if step.gives_up is not None:
            self.gate.spending.decided(step.gives_up)
        while True:
            await self.gate.room(self.budget, lambda: self._cost(step))
            await slot.take()
            if self.stop.outcome is not None:
                return self.stop.outcome
            permit = self.gate.admit(self.budget, self._cost(step))
            if isinstance(permit, SpendPermit):
                return permit
            if permit is not None:
                return Outcome(Ending.OUT_OF_CREDITS, take_status(None), permit.message, "budget")
            slot.give_back()

    async def commit(
        self, step: Step, resolved: ResolvedReferences, slot: TaskSlot
    ) -> tuple[SpendPermit, str] | Outcome:
        """Wait for the permit to spend, put the intent on record, and debit the project's budgets before: the key.

        The debit is durable before the intent is: a kill leaves it, at worst, to be given back by the next run.
        """
        patience: float | None = None
        while True:
            permit = await self.permit(step, slot)
            if isinstance(permit, Outcome):
                return permit
            if self.debits is None:
                return permit, self.intend(step, resolved, permit)
            async with self.asking:
                found = await self._debited(step, resolved, permit, self.debits)
                if isinstance(found, tuple):
                    return found
                permit.over()
                now = anyio.current_time()
                if found.waits < inf:
                    patience = patience if patience is not None else now + found.waits
                    if not found.waits or now >= patience:
                        return Outcome(Ending.OUT_OF_CREDITS, take_status(None), found.message, "budget")
                slot.give_back()
                await anyio.sleep(LOOK_AGAIN)

    async def _debited(
        self, step: Step, resolved: ResolvedReferences, permit: SpendPermit, debits: BoardDebits
    ) -> tuple[SpendPermit, str] | BudgetRefusal:
        """Debit a create and put its intent on record; or why it isn't allowed now."""
        cost, decided = permit.cost, self.gate.spending.decided_keys
        asked = debits.asked(self._key(step), step.shot, cost.credits, cost.basis != "observed", decided)
        if not debits.remote:
            with debits.debiting(asked) as found:
                if isinstance(found, str):
                    return permit, self.intend(step, resolved, permit, counted_at=found)
            return found
        with anyio.CancelScope(shield=True):
            try:
                found = await anyio.to_thread.run_sync(debits.debited, asked)
                if isinstance(found, BudgetRefusal):
                    return found
                # Others went on meanwhile: what they put on record may have used up what this permit was for.
                denied = self.gate.denial(self.budget, self._cost(step))
                if denied is None and self.stop.outcome is None:
                    return permit, self.intend(step, resolved, permit, counted_at=found)
            finally:
                debits.again(asked.key)
            await anyio.to_thread.run_sync(debits.give_back, asked.key)
        return BudgetRefusal(denied.message if denied is not None else "", waits=OTHERS_ANSWER_WITHIN)

    def _key(self, step: Step) -> str:
        assert step.fingerprint is not None
        board = self.source.storyboard.id
        return client_request_id(board, step.shot.id, step.take, step.fingerprint, step.number)

    def _cost(self, step: Step) -> Estimate:
        table = self.source.catalog.get(step.shot.model)
        assert table is not None
        return estimate(table, step.shot.params, self.ledger.history.prices)

    def intend(
        self, step: Step, resolved: ResolvedReferences, permit: SpendPermit, *, counted_at: str | None = None
    ) -> str:
        """Put the exact body and key of the next create on record, before anything is sent; the key.

        ``counted_at`` is the time that budgets count it at: told where it is ahead of this machine's clock.
        """
        assert step.fingerprint is not None
        if step.gives_up is not None:
            self.ledger.record(GivenUp(key=step.gives_up))
        shot, key = step.shot, self._key(step)
        ahead = counted_at is not None and counted_at > iso(self.clocks.wall())
        api_now = self.connection.http.server_time()
        self.ledger.record(
            Intended(
                key=key,
                shot=shot.id,
                take=step.take,
                fingerprint=step.fingerprint,
                number=step.number,
                model=shot.model,
                body=request_body(shot.model, shot.prompt, shot.params, resolved.media, key),
                estimate=permit.cost.credits,
                price_key=permit.cost.price_key,
                parents=tuple((p.shot, p.take or 1, p.sha256 or "") for p in resolved.parents),
                api_sent_at=iso(api_now) if api_now is not None else None,
                family=shot.recorded_family,
                from_storyboards=step.from_storyboards,
                client=self.source.storyboard.client,
                tags=shot.tags,
                scene=shot.scene,
                counted_at=counted_at if ahead else None,
                via=self.via,
            )
        )
        return key

    async def send(self, key: str, slot: TaskSlot, deadline: float, *, resent: bool) -> None:
        """Send it until it is answered; see ``create``."""
        await create(
            key,
            self.ledger,
            self.connection.client,
            slot,
            self.window_of(key),
            self.stop,
            deadline=deadline,
            resent=resent,
            known_models=self.source.catalog.ids(),
        )
