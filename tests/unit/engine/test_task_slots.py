"""The number of tasks in flight, on a clock that jumps."""

from __future__ import annotations

import anyio
import pytest

from rivya_run.engine.task_slots import MOST_UNANSWERED, Slot, TaskLimiter
from rivya_run.progress import Event
from virtual_time import run


class Account:
    """A provider that takes ``capacity`` tasks at once, each lasting ``seconds``; a create takes 50 ms."""

    def __init__(self, capacity: int, seconds: float = 10.0, retry_after: float | None = 1.0) -> None:
        self.capacity = capacity
        self.seconds = seconds
        self.retry_after = retry_after
        self.running = 0
        self.refused = 0
        self.most = 0

    async def create(self) -> bool:
        await anyio.sleep(0.025)
        taken = self.running < self.capacity
        if taken:
            self.running += 1
            self.most = max(self.most, self.running)
        else:
            self.refused += 1
        await anyio.sleep(0.025)
        return taken

    async def end(self) -> None:
        await anyio.sleep(self.seconds)
        self.running -= 1


async def take(limiter: TaskLimiter, account: Account) -> None:
    while True:
        slot = await limiter.acquire()
        if await account.create():
            break
        slot.throttled(account.retry_after)
    slot.accepted()
    await account.end()
    slot.release()


def makespan(limiter: TaskLimiter, account: Account, takes: int) -> float:
    async def body() -> float:
        began = anyio.current_time()
        async with anyio.create_task_group() as group:
            for _ in range(takes):
                group.start_soon(take, limiter, account)
        return anyio.current_time() - began

    return run(body)


@pytest.mark.parametrize(
    ("seconds", "retry_after"),
    [(2.0, None), (2.0, 0.0), (2.0, 1.0), (10.0, None), (10.0, 0.0), (10.0, 5.0), (60.0, 5.0), (60.0, None)],
)
def test_account_of_five(seconds: float, retry_after: float | None) -> None:
    """Forty takes asked with limit 30 of an account of five come near the ideal time with few refusals."""
    account = Account(5, seconds, retry_after)
    spent = makespan(TaskLimiter(30), account, 40)
    assert spent < 8 * seconds * 1.5
    assert account.refused <= 12
    assert account.running == 0


def test_account_without_limit() -> None:
    """Nothing is held back where nothing is refused."""
    account = Account(1000, 10.0)
    assert makespan(TaskLimiter(30), account, 90) < 30 * 1.1
    assert account.refused == 0 and account.most == 30


def test_limit_of_one() -> None:
    """An account of one task at a time still gets all takes done."""
    account = Account(1, 2.0)
    assert makespan(TaskLimiter(8), account, 10) < 20 * 1.6
    assert account.refused < 15


def test_grows_back() -> None:
    """When the account takes more again, the limit climbs back to what was asked for."""
    account = Account(5, 2.0)
    told: list[Event] = []
    limiter = TaskLimiter(20, tell=told.append)

    async def body() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(400):
                group.start_soon(take, limiter, account)
            await anyio.sleep(6)
            assert limiter.limit == 5
            account.capacity = 100
            await anyio.sleep(40)
            assert limiter.limit == 20

    run(body)
    assert account.most == 20
    assert told[0].detail["limit"] == 5 and told[-1].detail["limit"] == 20
    reasons = {event.detail["limit"] > event.detail["before"]: event.detail["reason"] for event in told}  # type: ignore[operator]
    assert reasons == {False: "too many requests", True: "creates are accepted again"}


def test_one_shrink_an_episode() -> None:
    """Eight creates refused together shrink the limit once, to what really runs, with one event."""
    told: list[Event] = []

    async def body() -> None:
        limiter = TaskLimiter(30, tell=told.append)
        for _ in range(3):
            limiter.acquire_nowait_over()
        slots = [await limiter.acquire() for _ in range(MOST_UNANSWERED)]
        for slot in slots[:2]:
            slot.accepted()
        for slot in slots[2:]:
            slot.throttled(0.0)
        assert limiter.limit == limiter.held == 5

    run(body)
    assert [(event.name, event.detail["before"], event.detail["limit"]) for event in told] == [
        ("limit_changed", 30, 5)
    ]


def test_trouble_pauses_growth() -> None:
    """Timeouts and 5xx keep the limit where it is: no growth, no shrinking."""

    async def body() -> None:
        limiter = TaskLimiter(10)
        first = [await limiter.acquire() for _ in range(4)]
        for slot in first[:3]:
            slot.accepted()
        first[3].throttled(0.0)
        assert limiter.limit == 3
        for slot in first[:3]:
            slot.release()
        for _ in range(5):
            slot = await limiter.acquire()
            slot.accepted()
            slot.release()
            limiter.trouble()
        assert limiter.limit == 3
        for _ in range(6):
            slot = await limiter.acquire()
            slot.accepted()
            slot.release()
        assert limiter.limit == 4

    run(body)


def test_order() -> None:
    """Lower numbers go first, equals in the order of their coming, and giving back twice changes nothing."""
    order: list[str] = []

    async def wait(limiter: TaskLimiter, name: str, priority: float) -> None:
        slot = await limiter.acquire(priority)
        order.append(name)
        slot.release()
        slot.release()

    async def body() -> None:
        limiter = TaskLimiter(1)
        held = await limiter.acquire()
        async with anyio.create_task_group() as group:
            for name, priority in (("b", 0.0), ("c", 0.0), ("d", 5.0), ("a", -1.0)):
                group.start_soon(wait, limiter, name, priority)
                await anyio.sleep(0.01)
            held.release()
        assert limiter.held == 0

    run(body)
    assert order == ["a", "b", "c", "d"]


def test_existing_tasks_never_wait() -> None:
    """Tasks that exist already are counted past the limit, and creates wait for them."""

    async def body() -> None:
        limiter = TaskLimiter(2)
        slots: list[Slot] = [limiter.acquire_nowait_over() for _ in range(5)]
        with anyio.move_on_after(1) as scope:
            await limiter.acquire()
        assert scope.cancelled_caught and limiter.held == 5
        for slot in slots[:4]:
            slot.release()
        (await limiter.acquire()).release()

    run(body)


def test_cancelled_waiter_loses_nothing() -> None:
    """A waiter that is cancelled, also while a pause runs, leaves its place to the next."""

    async def body() -> None:
        limiter = TaskLimiter(3)
        slot = await limiter.acquire()
        slot.throttled(10.0)
        done: list[float] = []

        async def wait() -> None:
            (await limiter.acquire()).release()
            done.append(anyio.current_time())

        began = anyio.current_time()
        async with anyio.create_task_group() as group:
            with anyio.move_on_after(1):
                async with anyio.create_task_group() as inner:
                    inner.start_soon(wait)
                    await anyio.sleep(0.5)
                    group.start_soon(wait)
        assert len(done) == 1 and 10 <= done[0] - began < 10.1
        assert limiter.held == 0

    run(body)
