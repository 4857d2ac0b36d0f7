"""Who may spend: caps, the wallet, and one careful create at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import virtual_time
from examples import DEFAULTS, MODEL, NOW, table
from rivya_run.engine.budget import UNPRICED_AT_ONCE, Budget, SpendDenied, SpendGate, Spending, SpendPermit
from rivya_run.journal.events import (
    Created,
    Entry,
    Failed,
    Intended,
    JournalEvent,
    MarkedUnknown,
    Refused,
    Withdrawn,
)
from rivya_run.journal.fingerprint import price_key
from rivya_run.journal.fold import History
from rivya_run.planning.plan import Estimate, estimate


@dataclass
class Shop:
    """One storyboard's spending: creates that ask for admission, are answered after a while and end later."""

    max_credits: float | None = None
    cap: float | None = None
    balance: float | None = None
    history: History = field(default_factory=History)
    unanswered: dict[str, bool] = field(default_factory=dict)
    most_unpriced: int = 0
    refused: list[str] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    running: int = 0
    most_running: int = 0

    def __post_init__(self) -> None:
        self.spending = Spending(self.cap, self.balance)
        self.spending.watch(self.history)
        self.budget = Budget(self.max_credits, self.history, self.spending)
        self.till = SpendGate(self.spending)
        self.on_intent: Callable[[], None] = lambda: None

    def record(self, event: JournalEvent) -> None:
        """Put an event on record."""
        self.history.apply(Entry(1, NOW, event))

    def cost(self, params: dict[str, Any]) -> Estimate:
        """What a create is thought to cost now."""
        return estimate(table(), params, self.history.prices)

    async def admission(self, params: dict[str, Any]) -> SpendPermit | SpendDenied:
        """Wait for the right to create."""
        while True:
            await self.till.room(self.budget, lambda: self.cost(params))
            found = self.till.admit(self.budget, self.cost(params))
            if found is not None:
                return found

    async def create(self, key: str, kind: int, price: float, answer: float, end: float) -> None:
        """One take: admitted, on record, answered with the real price, ended."""
        params = {**DEFAULTS, "duration": kind}
        admission = await self.admission(params)
        if isinstance(admission, SpendDenied):
            self.refused.append(key)
            return
        unpriced = admission.cost.basis != "observed"
        self.record(
            Intended(
                key=key,
                shot=key,
                take=1,
                fingerprint="f",
                number=1,
                model=MODEL,
                body="",
                estimate=admission.cost.credits,
                price_key=price_key(MODEL, params),
            )
        )
        self.on_intent()
        self.unanswered[key] = unpriced
        self.most_unpriced = max(self.most_unpriced, sum(self.unanswered.values()))
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        await anyio.sleep(answer)
        self.record(Created(key=key, task_id=f"task_{key}", status="queued", reserved_credits=price))
        del self.unanswered[key]
        self.made.append(key)
        admission.answered()
        await anyio.sleep(end)
        self.running -= 1
        admission.over()


@dataclass(frozen=True)
class Create:
    """What happens to one create: when it begins, when it is answered, when it ends (seconds)."""

    kind: int
    begin: float
    answer: float
    end: float


SECONDS = st.sampled_from([0.0, 0.5, 1.0, 2.0, 5.0])
CREATES = st.lists(st.builds(Create, st.integers(6, 8), SECONDS, SECONDS, SECONDS), max_size=12)
PRICES = st.fixed_dictionaries({kind: st.sampled_from([0, 1, 8, 10, 25]) for kind in (6, 7, 8)})


def carried(shop: Shop, creates: list[Create], prices: dict[int, float]) -> None:
    """Let all creates of a shop go their way, with real tasks on a clock that jumps."""

    async def one(name: str, wish: Create) -> None:
        await anyio.sleep(wish.begin)
        await shop.create(name, wish.kind, prices[wish.kind], wish.answer, wish.end)

    async def all_of_them() -> None:
        async with anyio.create_task_group() as tasks:
            for number, wish in enumerate(creates):
                tasks.start_soon(one, f"k{number}", wish)

    virtual_time.run(all_of_them)
    assert len(shop.made) + len(shop.refused) == len(creates)


@settings(max_examples=60)
@given(CREATES, PRICES, st.integers(0, 60), st.booleans())
def test_no_cap_is_passed_under_any_interleaving(
    creates: list[Create], prices: dict[int, float], limit: int, whole_life: bool
) -> None:
    """No intent passes a cap by what is known then; only the one unpriced create may cost more than thought."""
    shop = Shop(max_credits=limit) if whole_life else Shop(cap=limit)

    def check() -> None:
        assert shop.history.at_stake() <= limit

    shop.on_intent = check
    carried(shop, creates, prices)
    assert shop.most_unpriced <= 1
    surprise = max((price - 10 for price in prices.values()), default=0)
    assert shop.history.at_stake() <= limit + max(0, surprise)


@settings(max_examples=40)
@given(CREATES, st.integers(0, 100))
def test_as_much_is_made_as_fits(creates: list[Create], limit: int) -> None:
    """At a price that is right, exactly as many takes are made as the cap pays for."""
    shop = Shop(max_credits=limit)
    carried(shop, creates, dict.fromkeys((6, 7, 8), 10))
    assert len(shop.made) == min(len(creates), limit // 10)


@settings(max_examples=40)
@given(CREATES, PRICES)
def test_without_a_cap_all_is_made(creates: list[Create], prices: dict[int, float]) -> None:
    """Nobody waits for ever, and only few at a time go out at prices that nobody told."""
    shop = Shop()
    carried(shop, creates, prices)
    assert len(shop.made) == len(creates)
    assert shop.most_unpriced <= UNPRICED_AT_ONCE


@settings(max_examples=40)
@given(CREATES, st.integers(0, 30))
def test_what_the_wallet_may_not_cover_goes_alone(creates: list[Create], balance: int) -> None:
    """Beyond the balance one create at a time is let through, held until its task has ended."""
    shop = Shop(balance=balance)
    carried(shop, creates, dict.fromkeys((6, 7, 8), 10))
    assert len(shop.made) == len(creates)
    assert shop.most_running <= balance // 10 + 1


def test_a_failure_that_cost_nothing_gives_its_credits_back() -> None:
    """What was reserved counts until the task has ended; then its final credits do."""
    shop = Shop(max_credits=10)
    shop.record(
        Intended(key="k", shot="a", take=1, fingerprint="f", number=1, model=MODEL, body="", estimate=10)
    )
    assert isinstance(shop.budget.refusal(10), SpendDenied)
    shop.record(Created(key="k", task_id="task_k", status="queued", reserved_credits=10))
    assert isinstance(shop.budget.refusal(10), SpendDenied)
    shop.record(Failed(key="k", code="generation_failed", message="", reserved_credits=10, final_credits=0))
    assert shop.budget.refusal(10) is None


def test_a_budget_counts_the_whole_life_and_a_cap_this_run() -> None:
    """What was spent before counts for ``budget.max_credits`` only."""
    history = History()
    for event in (
        Intended(key="k", shot="a", take=1, fingerprint="f", number=1, model=MODEL, body="", estimate=10),
        Created(key="k", task_id="t", status="queued", reserved_credits=10),
    ):
        history.apply(Entry(1, NOW, event))
    life, run = Shop(max_credits=15, history=history), Shop(cap=15, history=history)
    refusal = life.budget.refusal(10)
    assert refusal is not None
    assert refusal.message == "budget.max_credits is 15: 10 spent or at stake, this take would add 10"
    assert run.budget.refusal(10) is None
    assert run.budget.refusal(16) is not None


def test_a_cost_that_nobody_knows_fits_no_empty_budget() -> None:
    """At least one credit is assumed, and a cap of 0 pays for nothing."""
    assert Shop(max_credits=0).budget.refusal(None) is not None
    assert Shop(max_credits=1).budget.refusal(None) is None


def test_a_cap_ends_also_where_nothing_ever_tells_a_price() -> None:
    """Each create of unknown cost counts as one credit, whatever came of it; one that was never made doesn't."""
    history = History()
    for number, name in enumerate("abc", 1):
        sent = Intended(key=name, shot=name, take=1, fingerprint=name, number=1, model=MODEL, body="")
        made = Created(key=name, task_id=f"t{number}", status="queued")
        for event in (sent, Withdrawn(key=name, reason="offline") if name == "c" else made):
            history.apply(Entry(number, NOW, event))
    assert Shop(max_credits=3, history=history).budget.refusal(None) is None
    assert Shop(max_credits=2, history=history).budget.refusal(None) is not None
    assert history.spent() == 0


def test_a_cap_is_over_all_storyboards_of_a_run() -> None:
    """Two histories, one ``--max-credits``."""
    shop, other = Shop(cap=15), History()
    shop.spending.watch(other)
    other.apply(
        Entry(
            1,
            NOW,
            Intended(key="k", shot="a", take=1, fingerprint="f", number=1, model=MODEL, body="", estimate=10),
        )
    )
    assert shop.spending.so_far() == 10
    assert shop.budget.refusal(10) is not None


def test_an_answer_that_tells_a_higher_price_stops_who_waits() -> None:
    """Whoever waited for the price is refused when it turns out too high."""
    shop = Shop(cap=20)
    carried(shop, [Create(6, 0, 5, 5), Create(6, 1, 1, 1)], {6: 15})
    assert (shop.made, shop.refused) == (["k0"], ["k1"])


@pytest.mark.parametrize(
    ("balance", "credits", "covered"), [(None, 99, True), (10, 10, True), (10, 11, False)]
)
def test_the_wallet_covers_what_is_known_to_be_in_it(
    balance: float | None, credits: float, covered: bool
) -> None:
    """An unknown balance is no reason to doubt."""
    assert Shop(balance=balance).spending.covered(credits) is covered


def test_a_right_given_back_twice_counts_once() -> None:
    """Leaving after an answer doesn't let two others in."""

    async def body() -> None:
        shop = Shop(cap=100)
        first = await shop.admission(DEFAULTS)
        assert isinstance(first, SpendPermit)
        first.answered()
        first.over()
        first.over()
        second = shop.till.admit(shop.budget, shop.cost(DEFAULTS))
        assert isinstance(second, SpendPermit)
        assert shop.till.admit(shop.budget, shop.cost(DEFAULTS)) is None

    virtual_time.run(body)


def test_what_earlier_creates_turn_out_not_to_have_cost_buys_nothing() -> None:
    """--max-credits is about what this run spends, not about what comes back meanwhile."""
    history = History()
    for event in (
        Intended(key="k", shot="a", take=1, fingerprint="f", number=1, model=MODEL, body="", estimate=30),
        Created(key="k", task_id="t", status="queued", reserved_credits=30),
    ):
        history.apply(Entry(1, NOW, event))
    shop = Shop(cap=20, history=history)
    shop.record(Failed(key="k", code="generation_failed", message="", reserved_credits=30, final_credits=0))
    assert shop.spending.so_far() == 0
    assert shop.budget.refusal(20) is None
    assert shop.budget.refusal(21) is not None


def test_earlier_creates_that_cost_more_than_thought_count_for_the_run() -> None:
    """What they cost beyond their estimate is spent in this run; what others gave back pays for none of it."""
    history = History()
    for key in ("dearer", "cheaper", "as thought"):
        history.apply(
            Entry(
                1,
                NOW,
                Intended(
                    key=key, shot=key, take=1, fingerprint="f", number=1, model=MODEL, body="", estimate=10
                ),
            )
        )
    shop = Shop(cap=20, history=history)
    assert shop.spending.so_far() == 0
    shop.record(Created(key="as thought", task_id="t1", status="queued", reserved_credits=10))
    assert shop.spending.so_far() == 0
    shop.record(Created(key="dearer", task_id="t2", status="queued", reserved_credits=15))
    assert shop.spending.so_far() == 5
    shop.record(Created(key="cheaper", task_id="t3", status="queued", reserved_credits=3))
    assert shop.spending.so_far() == 5


def test_a_refusal_under_the_runs_cap_names_it() -> None:
    """A person reads which cap it was, and how far it is used."""
    shop = Shop(cap=15)
    shop.record(
        Intended(key="k", shot="a", take=1, fingerprint="f", number=1, model=MODEL, body="", estimate=10)
    )
    refusal = shop.budget.refusal(10)
    assert refusal is not None
    assert refusal.message == "--max-credits is 15: 10 spent or at stake, this take would add 10"


def test_the_wallet_is_held_against_what_the_run_has_spent_as_well() -> None:
    """What is at stake is no longer there for the next take."""
    shop = Shop(balance=25)
    shop.record(
        Intended(key="k", shot="a", take=1, fingerprint="f", number=1, model=MODEL, body="", estimate=10)
    )
    assert shop.spending.covered(15)
    assert not shop.spending.covered(16)


def priced(credits: float | None, basis: str | None) -> Estimate:
    return Estimate(credits, basis, None, "price")


def test_three_creates_at_unknown_prices_are_out_at_once_without_a_cap() -> None:
    """The fourth waits until one of them is answered; a create at a known price waits for none of them."""
    shop = Shop()
    out = [shop.till.admit(shop.budget, priced(10, "base")) for _ in range(4)]
    assert [isinstance(one, SpendPermit) for one in out] == [True, True, True, False]
    assert out[3] is None
    assert isinstance(shop.till.admit(shop.budget, priced(10, "observed")), SpendPermit)
    assert isinstance(out[0], SpendPermit)
    out[0].answered()
    assert isinstance(shop.till.admit(shop.budget, priced(10, "base")), SpendPermit)
    assert shop.till.admit(shop.budget, priced(10, "base")) is None


@pytest.mark.parametrize(
    "shop", [Shop(cap=100), Shop(max_credits=100)], ids=["of the run", "of the storyboard"]
)
def test_one_create_at_an_unknown_price_is_out_at_once_under_a_cap(shop: Shop) -> None:
    """Whichever cap it is; a create at a known price waits for no price."""
    first = shop.till.admit(shop.budget, priced(10, "base"))
    assert isinstance(first, SpendPermit)
    assert shop.till.admit(shop.budget, priced(10, None)) is None
    assert isinstance(shop.till.admit(shop.budget, priced(10, "observed")), SpendPermit)
    first.answered()
    assert isinstance(shop.till.admit(shop.budget, priced(10, None)), SpendPermit)


def test_a_create_that_is_sent_again_counts_as_one_at_an_unknown_price() -> None:
    """Under a cap others wait for its answer, without one they don't; a second word about it changes nothing."""
    for shop, waits in ((Shop(cap=100), True), (Shop(), False)):
        shop.till.expect("k")
        shop.till.settled("another")
        assert (shop.till.admit(shop.budget, priced(10, "base")) is None) is waits
        assert isinstance(shop.till.admit(shop.budget, priced(10, "observed")), SpendPermit)
        shop.till.settled("k")
        shop.till.settled("k")
        assert isinstance(shop.till.admit(shop.budget, priced(10, "base")), SpendPermit)


def test_an_unanswered_create_at_an_unknown_price_holds_no_create_at_a_known_one() -> None:
    """The cap can be kept where the price is known."""
    shop = Shop(cap=100)
    lost_unpriced(shop.history, "k")
    assert isinstance(shop.till.admit(shop.budget, priced(10, "observed")), SpendPermit)
    assert isinstance(shop.till.admit(shop.budget, priced(10, "base")), SpendDenied)


def test_one_create_that_the_wallet_may_not_cover_is_out_at_once() -> None:
    """The next such one waits until its task has ended, however often that is said; what is covered goes."""
    shop = Shop(balance=20)
    first = shop.till.admit(shop.budget, priced(21, "observed"))
    assert isinstance(first, SpendPermit)
    assert first.doubtful
    assert shop.till.admit(shop.budget, priced(21, "observed")) is None
    covered = shop.till.admit(shop.budget, priced(20, "observed"))
    assert isinstance(covered, SpendPermit)
    assert not covered.doubtful
    covered.over()
    first.answered()
    assert shop.till.admit(shop.budget, priced(21, "observed")) is None
    first.over()
    first.over()
    assert isinstance(shop.till.admit(shop.budget, priced(21, "observed")), SpendPermit)
    assert shop.till.admit(shop.budget, priced(21, "observed")) is None


def test_a_cost_that_nobody_knows_is_no_reason_to_doubt_the_wallet() -> None:
    """Unless the wallet is overdrawn already."""
    shop = Shop(balance=0)
    admission = shop.till.admit(shop.budget, priced(None, None))
    assert isinstance(admission, SpendPermit)
    assert not admission.doubtful
    shop.record(
        Intended(key="k", shot="a", take=1, fingerprint="f", number=1, model=MODEL, body="", estimate=1)
    )
    admission = shop.till.admit(shop.budget, priced(None, None))
    assert isinstance(admission, SpendPermit)
    assert admission.doubtful


def test_who_will_be_refused_waits_for_nobody() -> None:
    """Also where others would have to wait: a create out at an unknown price can't make room for it."""

    async def body() -> None:
        shop = Shop(cap=10)
        assert isinstance(shop.till.admit(shop.budget, priced(10, "base")), SpendPermit)
        with anyio.fail_after(1):
            await shop.till.room(shop.budget, lambda: priced(11, "base"))
        assert isinstance(shop.till.admit(shop.budget, priced(11, "base")), SpendDenied)

    virtual_time.run(body)


def test_the_price_is_asked_for_again_after_each_wait() -> None:
    """Whoever waits for a price goes as soon as an answer told it, and no sooner."""

    async def body() -> None:
        shop, price, gone = Shop(cap=100), priced(10, "base"), []
        shop.till.expect("k")
        first = shop.till.admit(shop.budget, priced(10, "observed"))
        assert isinstance(first, SpendPermit)

        async def other() -> None:
            await shop.till.room(shop.budget, lambda: price)
            gone.append(anyio.current_time())

        async with anyio.create_task_group() as tasks:
            begun = anyio.current_time()
            tasks.start_soon(other)
            await anyio.sleep(5)
            first.over()
            await anyio.sleep(5)
            assert gone == []
            price = priced(10, "observed")
            shop.till.give_back()
        assert gone == [begun + 10]

    virtual_time.run(body)


def test_without_a_cap_nothing_is_added_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody asks what is at stake where nothing limits it."""
    shop = Shop()
    monkeypatch.setattr(shop.history, "at_stake", lambda: pytest.fail("added up"))
    assert shop.budget.refusal(10) is None
    assert isinstance(shop.till.admit(shop.budget, shop.cost(DEFAULTS)), SpendPermit)


def lost_unpriced(history: History, key: str) -> None:
    """A create whose answer is lost for good, at a price that nobody told."""
    for event in (
        Intended(
            key=key,
            shot=key,
            take=1,
            fingerprint="f",
            number=1,
            model=MODEL,
            body="",
            estimate=10,
            price_key=f"price of {key}",
        ),
        MarkedUnknown(key=key, code="no_answer", message=""),
    ):
        history.apply(Entry(1, NOW, event))


def test_one_unanswered_create_at_an_unknown_price_is_enough_for_all_storyboards_under_the_runs_cap() -> None:
    """It holds whoever else would be next, and only under a cap that is theirs too."""
    shop, other = Shop(cap=100), History()
    shop.spending.watch(other)
    lost_unpriced(other, "k")
    assert isinstance(shop.till.admit(shop.budget, shop.cost(DEFAULTS)), SpendDenied)
    own = Shop(max_credits=100)
    own.spending.watch(other)
    assert isinstance(own.till.admit(own.budget, own.cost(DEFAULTS)), SpendPermit)


def test_creates_that_a_person_decided_about_hold_nobody() -> None:
    """Also before the first of them is given up on record."""
    shop = Shop(cap=100)
    for key in ("k", "l"):
        lost_unpriced(shop.history, key)
    shop.spending.decided("k")
    assert isinstance(shop.till.admit(shop.budget, shop.cost(DEFAULTS)), SpendDenied)
    shop.spending.decided("l")
    assert isinstance(shop.till.admit(shop.budget, shop.cost(DEFAULTS)), SpendPermit)


class Fate(StrEnum):
    """What becomes of a create, or of its worker."""

    ANSWERED = "answered"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    LOST = "lost"
    CRASHED = "crashed"


@dataclass(frozen=True)
class Visit:
    """One create of one of two storyboards; ``patience``: when its worker is cancelled, wherever it is then."""

    board: int
    kind: int
    begin: float
    answer: float
    end: float
    fate: Fate
    patience: float


VISITS = st.lists(
    st.builds(
        Visit,
        st.integers(0, 1),
        st.integers(6, 7),
        SECONDS,
        SECONDS,
        SECONDS,
        st.sampled_from(Fate),
        st.sampled_from([0.0, 1.5, 4.0, 1e6]),
    ),
    max_size=12,
)


@dataclass
class Street:
    """Two storyboards that spend from one wallet, under one run's cap and budgets of their own."""

    cap: float | None
    balance: float | None
    budgets: tuple[float | None, float | None]
    spending: Spending = field(init=False)
    histories: tuple[History, History] = field(default_factory=lambda: (History(), History()))

    def __post_init__(self) -> None:
        self.spending = Spending(self.cap, self.balance)
        self.till = SpendGate(self.spending)

    def open(self, resends: list[tuple[int, float]]) -> None:
        """Begin the run; ``resends`` are creates of earlier runs, by storyboard, and when they are settled."""
        for number, (at, _) in enumerate(resends):
            key = f"r{number}"
            self.record(
                at,
                Intended(
                    key=key,
                    shot=key,
                    take=1,
                    fingerprint="f",
                    number=1,
                    model=MODEL,
                    body="",
                    estimate=10,
                    price_key=f"old {key}",
                ),
            )
            self.till.expect(key)
        for history in self.histories:
            self.spending.watch(history)
        self.shops = [
            Budget(most, history, self.spending)
            for most, history in zip(self.budgets, self.histories, strict=True)
        ]

    def record(self, at: int, event: JournalEvent) -> None:
        """Put an event on record."""
        self.histories[at].apply(Entry(1, NOW, event))

    async def resend(self, key: str, at: int, seconds: float) -> None:
        """An earlier create that is sent again: answered, or left as it is."""
        await anyio.sleep(seconds)
        try:
            if seconds > 1:
                self.record(at, Created(key=key, task_id=f"task {key}", status="queued", reserved_credits=10))
        finally:
            self.till.settled(key)

    async def visit(self, name: str, wish: Visit) -> None:
        """One worker, from its wait for admission to the end of its task."""
        await anyio.sleep(wish.begin)
        params = {**DEFAULTS, "duration": wish.kind}
        budget, history = self.shops[wish.board], self.histories[wish.board]

        def cost() -> Estimate:
            return estimate(table(), params, history.prices)

        with anyio.move_on_after(wish.patience):
            while True:
                await self.till.room(budget, cost)
                admission = self.till.admit(budget, cost())
                if admission is not None:
                    break
            if isinstance(admission, SpendDenied):
                return
            try:
                await self.create(name, wish, admission, price_key(MODEL, params))
            except ZeroDivisionError:
                return
            finally:
                admission.over()

    async def create(self, name: str, wish: Visit, admission: SpendPermit, kind: str) -> None:
        """An admitted create and what becomes of it."""
        intent = Intended(
            key=name,
            shot=name,
            take=1,
            fingerprint="f",
            number=1,
            model=MODEL,
            body="",
            estimate=admission.cost.credits,
            price_key=kind,
        )
        self.record(wish.board, intent)
        self.check(wish.board, blind=admission.unpriced)
        await anyio.sleep(wish.answer)
        if wish.fate is Fate.CRASHED:
            raise ZeroDivisionError
        if wish.fate is Fate.ANSWERED:
            self.record(
                wish.board, Created(key=name, task_id=f"task {name}", status="queued", reserved_credits=10)
            )
        elif wish.fate is Fate.REFUSED:
            self.record(wish.board, Refused(key=name, code="validation_failed", message=""))
        elif wish.fate is Fate.WITHDRAWN:
            self.record(wish.board, Withdrawn(key=name, reason="never sent"))
        else:
            self.record(wish.board, MarkedUnknown(key=name, code="no_answer", message=""))
        admission.answered()
        await anyio.sleep(wish.end)

    def check(self, at: int, *, blind: bool) -> None:
        """What holds whenever an intent was put on record: no cap is passed, and a blind one is out alone."""
        most = self.budgets[at]
        assert self.cap is None or self.spending.so_far() <= self.cap
        assert most is None or self.histories[at].at_stake() <= most
        if blind and self.cap is not None:
            assert sum(len(history.unanswered_unpriced()) for history in self.histories) == 1
        elif blind and most is not None:
            assert len(self.histories[at].unanswered_unpriced()) == 1


@settings(max_examples=150, deadline=None)
@given(
    VISITS,
    st.sampled_from([None, 0.0, 35.0, 500.0]),
    st.sampled_from([None, 0.0, 15.0]),
    st.tuples(st.sampled_from([None, 25.0, 500.0]), st.sampled_from([None, 25.0, 500.0])),
    st.lists(st.tuples(st.integers(0, 1), SECONDS), max_size=2),
)
def test_nobody_waits_at_a_till_where_everything_is_answered(
    visits: list[Visit],
    cap: float | None,
    balance: float | None,
    budgets: tuple[float | None, float | None],
    resends: list[tuple[int, float]],
) -> None:
    """Answers, losses, crashes and leavers in any order, over two storyboards: all ends, and no cap is passed."""
    street = Street(cap, balance, budgets)

    async def body() -> None:
        street.open(resends)
        with anyio.fail_after(3600):
            async with anyio.create_task_group() as workers:
                for number, (at, seconds) in enumerate(resends):
                    workers.start_soon(street.resend, f"r{number}", at, seconds)
                for number, wish in enumerate(visits):
                    workers.start_soon(street.visit, f"k{number}", wish)

    virtual_time.run(body)
    assert (street.till._unpriced, street.till._doubtful, street.till._resent) == (0, 0, set())
