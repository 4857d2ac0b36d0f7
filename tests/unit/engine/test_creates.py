"""What comes before a create is sent: the permit to spend, the slot, the intent on record."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import anyio
import pytest

import virtual_time
from examples import attempt, board, planned, shot
from mock_api import MockApi, error, task
from rivya_run.engine.budget import Budget, SpendGate, Spending, SpendPermit
from rivya_run.engine.connection import ApiConnection
from rivya_run.engine.creates import Creates
from rivya_run.engine.next_step import Ending, Outcome
from rivya_run.engine.records import RunLedger
from rivya_run.engine.references import ResolvedReferences
from rivya_run.engine.stop import Stop
from rivya_run.engine.task_slots import TaskLimiter
from rivya_run.journal.attempt import AttemptState
from rivya_run.journal.events import Intended, MarkedUnknown
from rivya_run.json_types import Json
from rivya_run.models.catalog import load_catalog
from rivya_run.planning.plan import Parent, Step
from rivya_run.project.home import FolderHome
from rivya_run.project.ledger import Ledger
from rivya_run.project.source import Source
from rivya_run.times import Clocks, iso

pytestmark = pytest.mark.usefixtures("no_threads")

T = TypeVar("T")

EPOCH = 1_778_500_000.0
BOARD = board(shot("a"), shot("b"))
STEPS = planned(BOARD)
NOTHING = ResolvedReferences((), ())


def during(
    folder: Path,
    body: Callable[[Creates], Awaitable[T]],
    *,
    api: MockApi | None = None,
    max_credits: float | None = None,
    slots: int = 1,
    before: Callable[[Ledger], None] = lambda ledger: None,
) -> T:
    """What comes of it with the creates of a storyboard, of whose shots nothing is made yet."""
    api = api or MockApi([task()])

    async def carry() -> T:
        def wall() -> float:
            return EPOCH + anyio.current_time()

        ledger = Ledger(folder, now=lambda: iso(wall()))
        before(ledger)
        stop = Stop(600, anyio.current_time)
        gate = SpendGate(Spending())
        gate.spending.watch(ledger.history)
        async with api.http() as http:
            creates = Creates(
                Source(folder / "board.yaml", BOARD, load_catalog(), {}, (), folder, FolderHome(folder)),
                RunLedger(ledger, "board.yaml"),
                ApiConnection.of(http, api.client(http)),
                Budget(max_credits, ledger.history, gate.spending),
                gate,
                TaskLimiter(slots),
                stop,
                Clocks(anyio.current_time, wall, anyio.current_time),
                3600.0,
            )
            try:
                return await body(creates)
            finally:
                ledger.close()

    return virtual_time.run(carry)


def test_the_intent_has_the_exact_body_and_key(tmp_path: Path) -> None:
    """With what it is made from, what it is thought to cost, and the API's own time."""
    step, date = STEPS["a/1"], "Mon, 11 May 2026 12:00:00 GMT"
    picture: dict[str, Json] = {
        "url": "https://media/up/1",
        "kind": "image",
        "name": "a.png",
        "mimeType": "image/png",
    }

    async def body(creates: Creates) -> None:
        await creates.connection.client.credits(deadline=anyio.current_time() + 1)
        slot = creates.slot()
        permit = await creates.permit(step, slot)
        assert isinstance(permit, SpendPermit)
        key = creates.intend(step, ResolvedReferences((picture,), (Parent("v", None, "c" * 64),)), permit)
        found = creates.ledger.attempt(key)
        assert key == step.request_key and found.state is AttemptState.SENT
        sent = json.loads(found.body)
        assert (sent["client_request_id"], sent["model"], sent["prompt"]) == (key, step.shot.model, "a")
        assert sent["params"]["referenceMediaItems"] == [picture]
        assert found.estimate == permit.cost.credits
        assert [(one[0], one[1], one[2]) for one in found.parents] == [("v", 1, "c" * 64)]
        assert (found.api_sent_at or "").startswith("2026-05-11T12:00:0")

    during(tmp_path, body, api=MockApi([error(404, "not_found", date=date)]))


def test_an_attempt_that_a_person_pays_again_for_is_given_up_first(tmp_path: Path) -> None:
    """Before the new intent is on record, and nobody waits for its answer any more."""
    unknown = attempt(BOARD.shots[0], 1, AttemptState.UNKNOWN)

    def before(ledger: Ledger) -> None:
        ledger.record(
            Intended(
                key=unknown.client_request_id,
                shot="a",
                take=1,
                fingerprint=unknown.fingerprint,
                number=1,
                model=unknown.model,
                body=unknown.body,
                estimate=10,
                price_key="a price",
            )
        )
        ledger.record(
            MarkedUnknown(key=unknown.client_request_id, code="no_answer", message="no answer ever came")
        )

    again = planned(BOARD, unknown, resend_unknown=True)["a/1"]
    assert again.gives_up == unknown.client_request_id

    async def body(creates: Creates) -> None:
        permit = await creates.permit(again, creates.slot())
        assert isinstance(permit, SpendPermit)  # under a cap: its own unanswered create keeps it from nothing
        creates.intend(again, NOTHING, permit)
        assert creates.ledger.attempt(unknown.client_request_id).state is AttemptState.GIVEN_UP

    during(tmp_path, body, max_credits=1000, before=before)
    events = [json.loads(line)["event"] for line in (tmp_path / "journal.jsonl").read_bytes().splitlines()]
    assert events[-2:] == ["given_up", "intended"]


def test_a_create_past_its_cap_gets_no_permit(tmp_path: Path) -> None:
    """And says why; the slot is given back by whoever holds it."""

    async def body(creates: Creates) -> None:
        found = await creates.permit(STEPS["a/1"], creates.slot())
        assert isinstance(found, Outcome) and found.ending is Ending.OUT_OF_CREDITS
        assert found.code == "budget" and "budget.max_credits is 1" in found.message

    during(tmp_path, body, max_credits=1)


def test_once_creating_has_stopped_nobody_gets_a_permit(tmp_path: Path) -> None:
    """Also who stood in line for a slot meanwhile."""

    async def body(creates: Creates) -> Outcome | SpendPermit | None:
        first, second = creates.slot(), creates.slot()
        await first.take()
        found: list[Outcome | SpendPermit] = []

        async def wait(step: Step) -> None:
            found.append(await creates.permit(step, second))

        async with anyio.create_task_group() as group:
            group.start_soon(wait, STEPS["b/1"])
            await anyio.sleep(1)
            assert found == []
            creates.stop.creating(Ending.NO_ROOM, "disk")
            first.give_back()
        return found[0]

    found = during(tmp_path, body)
    assert isinstance(found, Outcome) and found.ending is Ending.NO_ROOM


def test_who_waits_for_the_permit_holds_no_slot(tmp_path: Path) -> None:
    """Those that are waited for may need it: under a cap, one create at an unknown price is unanswered at a time."""

    async def body(creates: Creates) -> list[str]:
        order: list[str] = []

        async def second() -> None:
            slot = creates.slot()
            assert isinstance(await creates.permit(STEPS["b/1"], slot), SpendPermit)
            order.append("second")

        slot = creates.slot()
        permit = await creates.permit(STEPS["a/1"], slot)
        assert isinstance(permit, SpendPermit)
        async with anyio.create_task_group() as group:
            group.start_soon(second)
            await anyio.sleep(1)
            assert creates.tasks.held == 1
            order.append("answered")
            permit.answered()
        assert creates.tasks.held == 2
        return order

    assert during(tmp_path, body, max_credits=1000, slots=2) == ["answered", "second"]


def test_what_was_intended_is_what_is_sent(tmp_path: Path) -> None:
    """The journalled bytes with the journalled key, and the task's id goes on record."""
    api = MockApi([task(model=None)])

    async def body(creates: Creates) -> None:
        slot = creates.slot()
        permit = await creates.permit(STEPS["a/1"], slot)
        assert isinstance(permit, SpendPermit)
        key = creates.intend(STEPS["a/1"], NOTHING, permit)
        await creates.send(key, slot, anyio.current_time() + 60, resent=False)
        found = creates.ledger.attempt(key)
        assert found.state is AttemptState.RUNNING
        assert api.bodies == [found.body.encode()]
        assert api.requests[0].headers["idempotency-key"] == key

    during(tmp_path, body, api=api)
