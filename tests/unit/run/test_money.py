"""Who may spend: caps, the wallet, and one careful create at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import virtual_time
from examples import DEFAULTS, MODEL, NOW, table
from rivya_run.history.fingerprint import price_key
from rivya_run.history.fold import History
from rivya_run.history.prices import Estimate, estimate
from rivya_run.records.journal import Created, Entry, Failed, Intended, JournalEvent
from rivya_run.run.money import UNPRICED_AT_ONCE, Admission, Budget, NotAdmitted, Spending, Till


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
        self.till = Till(self.spending)
        self.on_intent: Callable[[], None] = lambda: None

    def record(self, event: JournalEvent) -> None:
        """Put an event on record."""
        self.history.apply(Entry(1, NOW, event))

    def cost(self, params: dict[str, Any]) -> Estimate:
        """What a create is thought to cost now."""
        return estimate(table(), params, self.history.prices)

    async def admission(self, params: dict[str, Any]) -> Admission | NotAdmitted:
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
        if isinstance(admission, NotAdmitted):
            self.refused.append(key)
            return
        unpriced = admission.cost.basis != "observed"
        self.record(
            Intended(
                key, key, 1, "f", 1, MODEL, "", admission.cost.credits, price_key=price_key(MODEL, params)
            )
        )
        self.on_intent()
        self.unanswered[key] = unpriced
        self.most_unpriced = max(self.most_unpriced, sum(self.unanswered.values()))
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        await anyio.sleep(answer)
        self.record(Created(key, f"task_{key}", "queued", reserved=price))
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
    shop.record(Intended("k", "a", 1, "f", 1, MODEL, "", 10))
    assert isinstance(shop.budget.refusal(10), NotAdmitted)
    shop.record(Created("k", "task_k", "queued", reserved=10))
    assert isinstance(shop.budget.refusal(10), NotAdmitted)
    shop.record(Failed("k", "generation_failed", "", reserved=10, final=0))
    assert shop.budget.refusal(10) is None


def test_a_budget_counts_the_whole_life_and_a_cap_this_run() -> None:
    """What was spent before counts for ``budget.max_credits`` only."""
    history = History()
    for event in (Intended("k", "a", 1, "f", 1, MODEL, "", 10), Created("k", "t", "queued", reserved=10)):
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


def test_a_cap_is_over_all_storyboards_of_a_run() -> None:
    """Two histories, one ``--max-credits``."""
    shop, other = Shop(cap=15), History()
    shop.spending.watch(other)
    other.apply(Entry(1, NOW, Intended("k", "a", 1, "f", 1, MODEL, "", 10)))
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
        assert isinstance(first, Admission)
        first.answered()
        first.over()
        first.over()
        second = shop.till.admit(shop.budget, shop.cost(DEFAULTS))
        assert isinstance(second, Admission)
        assert shop.till.admit(shop.budget, shop.cost(DEFAULTS)) is None

    virtual_time.run(body)
