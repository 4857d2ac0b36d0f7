"""One create from its intent to what is known of it, against a scripted API, on a clock that jumps."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest

import virtual_time
from mock_api import Answer, MockApi, error, task
from rivya_run.engine.create import ResendWindow, create
from rivya_run.engine.next_step import Ending
from rivya_run.engine.records import RunLedger
from rivya_run.engine.stop import Stop
from rivya_run.engine.task_slots import STILL_THROTTLED, TaskLimiter, TaskSlot
from rivya_run.errors import DiskFull, KeyRefused, UsageError
from rivya_run.journal.attempt import ApiError, Attempt, AttemptState
from rivya_run.journal.events import Intended, JournalEvent
from rivya_run.journal.store import Journal
from rivya_run.project.ledger import Ledger
from rivya_run.provider.throttle import Pace
from rivya_run.times import Clocks, iso

BODY = '{"model":"m","prompt":"p"}'
KEY = "board.a.t1.0"
LOST = httpx2.ReadTimeout("lost")
EPOCH = 1_778_500_000.0


@dataclass
class Creation:
    """One create of model ``m``, whose intent is on record. ``seconds``: its deadline; ``window``: how long the API
    knows its key; ``leave_after``: seconds after which it is cancelled; ``pause``: how long a new slot is waited for.
    """

    answers: Sequence[Answer]
    folder: Path
    resent: bool = False
    seconds: float = 100.0
    window: float = 3600.0
    leave_after: float | None = None
    slot_after: float = 0.0
    paced: bool = False
    stop: Stop = field(default_factory=Stop)
    before: Callable[[RunLedger], None] = lambda ledger: None

    def __post_init__(self) -> None:
        self.api = MockApi(self.answers)
        self.limiter_troubles = 0
        self.slots_accepted = 0
        self.slot_waits: list[float | None] = []
        virtual_time.run(self._carry)

    @property
    def sendings(self) -> list[float]:
        """When the create was sent, in seconds since it was sent first."""
        return [at - self.api.times[0] for at in self.api.times]

    def _wall(self) -> float:
        return EPOCH + anyio.current_time()

    async def _carry(self) -> None:
        ledger = Ledger(self.folder, now=lambda: iso(self._wall()))
        run_ledger = RunLedger(ledger, "board.yaml")
        run_ledger.record(
            Intended(
                key=KEY, shot="a", take=1, fingerprint="f" * 64, number=1, model="m", body=BODY, estimate=10
            )
        )
        self.before(run_ledger)
        clocks = Clocks(anyio.current_time, self._wall, anyio.current_time)
        slot = self._slot()
        await slot.take()
        pace = Pace(random=lambda: 0.5) if self.paced else None
        try:
            async with self.api.http(pace=pace) as http:
                window = ResendWindow(KEY, ledger.history, clocks, http.server_time, self.window)
                with anyio.move_on_after(self.leave_after):
                    await create(
                        KEY,
                        run_ledger,
                        self.api.client(http),
                        slot,
                        window,
                        self.stop,
                        deadline=anyio.current_time() + self.seconds,
                        resent=self.resent,
                        known_models={"m", "other"},
                    )
        finally:
            self.attempt: Attempt = ledger.history.attempts[KEY]
            ledger.close()

    def _slot(self) -> TaskSlot:
        creation, limiter = self, TaskLimiter(1)

        class Watched(TaskSlot):
            async def throttled(self, retry_after: float | None) -> float | None:
                creation.slot_waits.append(retry_after)
                await anyio.sleep(creation.slot_after)
                waited = await super().throttled(0.0)
                return None if waited is None else waited + creation.slot_after

            def trouble(self) -> None:
                creation.limiter_troubles += 1

            def accepted(self) -> None:
                creation.slots_accepted += 1

        return Watched(limiter, self.stop, anyio.current_time)


pytestmark = pytest.mark.usefixtures("no_threads")


def test_the_task_is_on_record(tmp_path: Path) -> None:
    """A create that is answered has all that the API told of the task in the journal, and its slot is a task's."""
    told = task(reserved_credits=30, final_credits=0, created_at="2026-05-11", updated_at="2026-05-12")
    found = Creation([told], tmp_path)
    assert (found.attempt.state, found.attempt.task_id) == (AttemptState.RUNNING, "task_1")
    line = json.loads((tmp_path / "journal.jsonl").read_bytes().splitlines()[-1])
    assert (line["status"], line["reserved"], line["final"]) == ("queued", 30, 0)
    assert (line["created_at"], line["updated_at"]) == ("2026-05-11", "2026-05-12")
    assert found.slots_accepted == 1


def test_the_intent_is_synced_before_anything_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever finds nothing in the journal may rely on nothing having been sent."""
    order: list[str] = []
    sync = Journal.sync

    def noted(journal: Journal) -> None:
        order.append("sync")
        sync(journal)

    monkeypatch.setattr(Journal, "sync", noted)

    def answer(request: httpx2.Request) -> httpx2.Response:
        order.append("create")
        return task()

    Creation([answer], tmp_path)
    assert order.index("sync") < order.index("create")


def test_what_came_of_it_is_synced_before_anybody_acts_on_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A task id is on disk before the task is polled for the first time."""
    on_disk: list[int] = []
    sync = Journal.sync

    def noted(journal: Journal) -> None:
        on_disk.append(len(journal.path.read_bytes().splitlines()))
        sync(journal)

    monkeypatch.setattr(Journal, "sync", noted)
    Creation([task()], tmp_path)
    assert on_disk == [1, 2, 2]  # the intent, the task, and once more when the journal is closed


@pytest.mark.parametrize("lost", [LOST, error(500), httpx2.RemoteProtocolError("cut")])
def test_a_lost_reply_is_followed_by_the_same_bytes(tmp_path: Path, lost: Answer) -> None:
    """With the same key, until there is an answer; no more tasks at once are tried meanwhile."""
    found = Creation([lost, lost, task()], tmp_path)
    assert found.attempt.state is AttemptState.RUNNING
    assert found.api.bodies == [BODY.encode()] * 3
    assert {request.headers["idempotency-key"] for request in found.api.requests} == {KEY}
    assert found.limiter_troubles == 2
    assert [(event.name, event.detail["what"]) for event in found.api.told] == [("retrying", "create")] * 2


def test_without_an_answer_it_stays_open(tmp_path: Path) -> None:
    """It ends at its deadline, not much sooner or later: a task may exist, and the next run asks again."""
    found = Creation([LOST], tmp_path)
    assert found.attempt.state is AttemptState.SENT
    assert 95 < found.sendings[-1] < 101


def test_without_an_answer_past_the_window_a_person_decides(tmp_path: Path) -> None:
    """Nothing is sent after the window."""
    found = Creation([LOST], tmp_path, window=30, seconds=1000)
    assert found.attempt.state is AttemptState.UNKNOWN
    assert found.attempt.error is not None and found.attempt.error.code == "no_answer"
    assert found.sendings[-1] < 30


@pytest.mark.parametrize(
    "early", [httpx2.ConnectError("refused"), error(429), error(503, "public_api_disabled")]
)
def test_what_surely_never_took_effect_is_withdrawn(tmp_path: Path, early: Answer) -> None:
    """At the deadline nothing was paid, and the next run may pay."""
    found = Creation([early], tmp_path, slot_after=1.0, seconds=2.0)
    assert found.attempt.state is AttemptState.WITHDRAWN


@pytest.mark.parametrize(
    "answer",
    [
        error(400, "validation_failed"),
        error(404, "not_found"),
        error(403),
        error(409, "chat_session_conflict"),
    ],
)
def test_a_refusal_is_on_record(tmp_path: Path, answer: Answer) -> None:
    """It is an answer, and nothing is sent again."""
    found = Creation([answer], tmp_path)
    assert found.attempt.state is AttemptState.REFUSED and len(found.api.requests) == 1


def test_a_refusal_keeps_the_words_of_the_api(tmp_path: Path) -> None:
    """Code, message, request and status: a person may have to ask about it."""
    found = Creation([error(400, "validation_failed")], tmp_path)
    assert found.attempt.error == ApiError("validation_failed", "Words.", "req_1", 400)


def test_a_refusal_after_a_lost_reply_leaves_it_open(tmp_path: Path) -> None:
    """The lost sending may have made a task all the same."""
    lost = Creation([LOST, error(400, "odd")], tmp_path / "1").attempt
    for found in (lost, Creation([error(400, "odd")], tmp_path / "2", resent=True).attempt):
        assert (found.state, found.error) == (AttemptState.SENT, ApiError("odd", "Words.", "req_1"))


def test_what_a_redirect_said_is_kept(tmp_path: Path) -> None:
    """A login page leaves open what became of a create, and a person can read that it was one."""
    answer = httpx2.Response(302, headers={"location": "https://login.example/?next=/"})
    found = Creation([answer], tmp_path).attempt
    assert found.state is AttemptState.SENT and found.error is not None
    assert "a redirect to https://login.example;" in found.error.message


@pytest.mark.parametrize("resent", [False, True])
@pytest.mark.parametrize("answer", [error(404), error(405)])
def test_an_address_without_an_api_ends_the_run(tmp_path: Path, answer: Answer, resent: bool) -> None:
    """It burns no attempt: what never arrived is withdrawn, what may have arrived before stays open."""
    with pytest.raises(UsageError) as raised:
        Creation([answer], tmp_path, resent=resent)
    assert "https://api.example is not the address of the API" in raised.value.message
    ledger = Ledger(tmp_path, now=lambda: iso(EPOCH))
    state = AttemptState.SENT if resent else AttemptState.WITHDRAWN
    assert ledger.history.attempts[KEY].state is state


@pytest.mark.parametrize("answer", [error(402), error(403, "insufficient_credits")])
def test_an_empty_wallet_ends_creating(tmp_path: Path, answer: Answer) -> None:
    """For every other take as well; whatever its status, it is no refused key."""
    found = Creation([answer], tmp_path)
    assert found.stop.outcome is not None and found.stop.outcome.ending is Ending.OUT_OF_CREDITS
    assert found.attempt.state is AttemptState.REFUSED


@pytest.mark.parametrize("answer", [error(401, "api_key_revoked"), error(403, "forbidden")])
@pytest.mark.parametrize(("resent", "state"), [(False, AttemptState.WITHDRAWN), (True, AttemptState.SENT)])
def test_a_refused_key_ends_the_run(
    tmp_path: Path, answer: Answer, resent: bool, state: AttemptState
) -> None:
    """A create that never arrived is withdrawn, one that may have arrived is kept."""
    with pytest.raises(KeyRefused):
        Creation([answer], tmp_path, resent=resent)
    ledger = Ledger(tmp_path, now=lambda: iso(EPOCH))
    assert ledger.history.attempts[KEY].state is state


def test_a_conflict_on_a_resend_is_waited_out(tmp_path: Path) -> None:
    """An earlier sending may still be running: it is asked again until the deadline."""
    conflict = error(409, "idempotency_conflict")
    found = Creation([LOST, *[conflict] * 4, task()], tmp_path / "1")
    assert found.attempt.state is AttemptState.RUNNING
    found = Creation([conflict], tmp_path / "2", resent=True)
    assert found.attempt.state is AttemptState.SENT and len(found.api.requests) > 5


def test_a_conflict_on_a_first_sending_belongs_to_somebody_else(tmp_path: Path) -> None:
    """It is tried three times, then a person decides."""
    found = Creation([error(409, "idempotency_conflict")], tmp_path)
    assert found.attempt.state is AttemptState.UNKNOWN and len(found.api.requests) == 3
    assert found.attempt.error is not None
    assert (found.attempt.error.code, found.attempt.error.request_id) == ("idempotency_conflict", "req_1")
    assert found.limiter_troubles == 0


def test_a_conflict_is_asked_after_even_when_creating_has_stopped(tmp_path: Path) -> None:
    """A task of this key may exist, whoever sent it: it costs nothing to hear of it."""
    stop, conflict = Stop(), error(409, "idempotency_conflict")

    def stopping(request: httpx2.Request) -> httpx2.Response:
        stop.creating(Ending.UNFINISHED, "somebody said so")
        return httpx2.Response(conflict.status_code, content=conflict.content)

    found = Creation([stopping, conflict], tmp_path, stop=stop)
    assert found.attempt.state is AttemptState.UNKNOWN and len(found.api.requests) == 3


@pytest.mark.parametrize(
    "then", [httpx2.ConnectError("refused"), error(402), error(400, "validation_failed")]
)
def test_what_a_conflict_said_is_not_forgotten(tmp_path: Path, then: Answer) -> None:
    """Somebody sends this key too: a later failure or refusal makes it neither as good as new nor refused."""
    found = Creation([error(409, "idempotency_conflict"), *[then] * 30], tmp_path)
    assert found.attempt.state is AttemptState.SENT


def test_a_server_that_asks_to_wait_past_the_deadline_is_not_waited_for(tmp_path: Path) -> None:
    """Nor is anything sent where the pace allows nothing before it."""
    assert len(Creation([error(503, retry_after="999999")], tmp_path / "1").api.requests) == 1
    found = Creation([error(429, retry_after="1000")], tmp_path / "2", paced=True)
    assert len(found.api.requests) == 1 and found.attempt.state is AttemptState.WITHDRAWN


def test_a_date_is_read_by_the_servers_clock(tmp_path: Path) -> None:
    """A wrong clock here does no harm."""
    dates = {"retry_after": "Mon, 11 May 2026 12:00:20 GMT", "date": "Mon, 11 May 2026 12:00:00 GMT"}
    found = Creation([error(503, "public_api_disabled", **dates), task()], tmp_path)
    assert found.sendings[1] == pytest.approx(20, abs=0.1)


def test_a_throttled_create_stands_in_line_again(tmp_path: Path) -> None:
    """Its slot is given back, and the time in which it waits for another one isn't the create's."""
    found = Creation(
        [error(429, retry_after="3"), error(429), task()], tmp_path, seconds=10.0, slot_after=500.0
    )
    assert found.attempt.state is AttemptState.RUNNING
    assert found.slot_waits == [3.0, None] and found.limiter_troubles == 0


def test_a_throttled_create_does_not_stand_in_line_in_an_outage(tmp_path: Path) -> None:
    """After nothing else for as long as one take may last it is withdrawn: nothing was paid, the next run may pay."""
    found = Creation([error(429)], tmp_path, stop=Stop(patience=0.0))
    assert found.attempt.state is AttemptState.WITHDRAWN and found.attempt.withdrawn == STILL_THROTTLED
    assert len(found.api.requests) == 1


@pytest.mark.parametrize(
    ("first", "state", "sent"), [(LOST, AttemptState.RUNNING, 2), (error(429), AttemptState.WITHDRAWN, 1)]
)
def test_once_creating_has_stopped(tmp_path: Path, first: Answer, state: AttemptState, sent: int) -> None:
    """What never arrived is withdrawn; what may have arrived is still asked after."""
    stop = Stop()

    def stopping(request: httpx2.Request) -> httpx2.Response:
        stop.creating(Ending.UNFINISHED, "somebody said so")
        if isinstance(first, Exception):
            raise first
        assert isinstance(first, httpx2.Response)
        return httpx2.Response(first.status_code, headers=first.headers.raw)

    found = Creation([stopping, task()], tmp_path, stop=stop)
    assert found.attempt.state is state and len(found.api.requests) == sent
    if state is AttemptState.WITHDRAWN:
        assert found.attempt.withdrawn == "somebody said so"


def test_cancelled_while_its_answer_is_under_way(tmp_path: Path) -> None:
    """The answer is waited for, and on record."""
    found = Creation([task()], tmp_path, leave_after=0.005)
    assert found.attempt.task_id == "task_1"


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (error(503, "public_api_disabled", retry_after="60"), AttemptState.WITHDRAWN),
        (error(503, retry_after="60"), AttemptState.SENT),
        (error(409, "idempotency_conflict", retry_after="60"), AttemptState.SENT),
    ],
)
def test_cancelled_while_it_waits(tmp_path: Path, answer: Answer, state: AttemptState) -> None:
    """The wait ends at once; what never arrived is withdrawn, what may have arrived stays open."""
    found = Creation([answer, task()], tmp_path, leave_after=1.0)
    assert found.attempt.state is state and len(found.api.requests) == 1
    lines = (tmp_path / "journal.jsonl").read_bytes().splitlines()
    assert len(lines) == (2 if state is AttemptState.WITHDRAWN else 1)


def test_a_journal_that_takes_no_task_id_hands_it_to_a_person(tmp_path: Path) -> None:
    """Task and key are in the error, with the command that ties them to the take."""

    def fill(ledger: RunLedger) -> None:
        def full(event: JournalEvent) -> Any:
            raise DiskFull("no space left")

        ledger.ledger.record = full  # type: ignore[method-assign]

    with pytest.raises(DiskFull) as caught:
        Creation([task()], tmp_path, before=fill)
    assert "task_1" in caught.value.message and KEY in caught.value.message
    assert "rivya-run adopt board.yaml a task_1 --take 1" in (caught.value.hint or "")


def test_a_task_of_another_model_is_not_taken_for_its_own(tmp_path: Path) -> None:
    """A person decides whose it is; a model that nobody knows may be the same by another name."""
    foreign = Creation([task(model="other")], tmp_path / "1")
    assert foreign.attempt.state is AttemptState.UNKNOWN and foreign.attempt.task_id is None
    assert foreign.attempt.error is not None and foreign.attempt.error.code == "foreign_task"
    assert foreign.slots_accepted == 0
    assert Creation([task(model="m-2026")], tmp_path / "2").attempt.state is AttemptState.RUNNING


def test_a_task_that_serves_another_take_is_not_taken(tmp_path: Path) -> None:
    """One task never serves two takes."""

    def other(ledger: RunLedger) -> None:
        from rivya_run.journal.events import Created

        ledger.record(
            Intended(
                key="board.b.t1.0",
                shot="b",
                take=1,
                fingerprint="e" * 64,
                number=1,
                model="m",
                body=BODY,
                estimate=10,
            )
        )
        ledger.record(Created(key="board.b.t1.0", task_id="task_1", status="queued", reserved_credits=10))

    found = Creation([task()], tmp_path, before=other)
    assert found.attempt.state is AttemptState.UNKNOWN
    assert found.attempt.error is not None and "board.b.t1.0" in found.attempt.error.message
