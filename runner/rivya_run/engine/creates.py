"""The creates of one storyboard: the permit to spend, the slot in flight, the intent on record, the sending."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from rivya_run.engine.api_connection import ApiConnection
from rivya_run.engine.budget import Budget, SpendGate, SpendPermit
from rivya_run.engine.clocks import Clocks
from rivya_run.engine.create import create, intent
from rivya_run.engine.outcome import Ending, Outcome
from rivya_run.engine.references import ResolvedReferences
from rivya_run.engine.resend_window import ResendWindow
from rivya_run.engine.run_ledger import RunLedger
from rivya_run.engine.run_limits import StartingTakes
from rivya_run.engine.stop import Outage, Stop
from rivya_run.engine.task_slot import TaskSlot
from rivya_run.engine.task_slots import TaskLimiter
from rivya_run.journal.events import GivenUp
from rivya_run.journal.take_entry import take_status
from rivya_run.models.table import ModelTable
from rivya_run.planning.plan import Estimate, Step, estimate


@dataclass(frozen=True, slots=True)
class Creates:
    """``window`` is for how many seconds the API can be expected to know a key, ``known_models`` are the models of
    which there are tables.
    """

    storyboard: str
    tables: Mapping[str, ModelTable]
    known_models: Collection[str]
    ledger: RunLedger
    connection: ApiConnection
    budget: Budget
    gate: SpendGate
    tasks: TaskLimiter
    starting: StartingTakes
    stop: Stop
    outage: Outage
    clocks: Clocks
    window: float

    def slot(self, priority: float = 0.0) -> TaskSlot:
        """A slot among the tasks in flight, not taken yet."""
        return TaskSlot(self.tasks, self.outage, self.clocks.monotonic, priority=priority)

    def window_of(self, key: str) -> ResendWindow:
        """For how long a create that is on record may be sent again."""
        server_time = self.connection.http.server_time
        return ResendWindow(key, self.ledger.history, self.clocks, server_time, self.window)

    async def permit(self, step: Step, slot: TaskSlot) -> SpendPermit | Outcome:
        """Wait for the permit to spend, with a slot; nothing may be awaited between it and the intent.

        Waiting for the permit comes first: who holds a slot while waiting keeps out those that are waited for.
        """
        table, prices = self.tables[step.shot.model], self.ledger.history.prices

        def cost() -> Estimate:
            return estimate(table, step.shot.params, prices)

        while True:
            await self.gate.room(self.budget, cost)
            await slot.take()
            self.starting.arrived(step)
            if self.stop.outcome is not None:
                return self.stop.outcome
            permit = self.gate.admit(self.budget, cost())
            if isinstance(permit, SpendPermit):
                return permit
            if permit is not None:
                return Outcome(Ending.OUT_OF_CREDITS, take_status(None), permit.message, "budget")
            slot.give_back()

    def intend(self, step: Step, resolved: ResolvedReferences, permit: SpendPermit) -> str:
        """Put the next create on record; its key."""
        if step.gives_up is not None:
            self.ledger.record(GivenUp(key=step.gives_up))
        api_now = self.connection.http.server_time()
        event = intent(self.storyboard, step, resolved.media, resolved.parents, permit.cost, api_now)
        self.ledger.record(event)
        return event.key

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
            known_models=self.known_models,
        )
