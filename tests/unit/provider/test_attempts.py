"""The one loop that tries again until a deadline."""

from __future__ import annotations

import anyio
import pytest

from rivya_run.provider.attempts import Attempts
from rivya_run.provider.rivya.retry import FailureKind, RetryAction, TransportResult
from virtual_time import run

RESET = TransportResult(FailureKind.RESET)


def attempts(deadline: float, pauses: list[tuple[float, str]] | None = None) -> Attempts:
    """A loop whose jitter is always half."""
    on_pause = None if pauses is None else lambda pause, reason: pauses.append((pause, reason))
    return Attempts(
        anyio.current_time() + deadline, clock=anyio.current_time, random=lambda: 0.5, on_pause=on_pause
    )


def test_nothing_is_tried_again_that_nobody_asked_for() -> None:
    """A turn that decides nothing is the last one."""

    async def body() -> int:
        return len([attempt.number async for attempt in attempts(100)])

    assert run(body) == 1


def test_until_the_deadline() -> None:
    """With longer and longer pauses, each reported before it begins, and none after the deadline."""
    pauses: list[tuple[float, str]] = []

    async def body() -> tuple[list[int], float]:
        began, numbers = anyio.current_time(), []
        async for attempt in attempts(10, pauses):
            numbers.append(attempt.number)
            attempt.decide("GET", RESET, None)
        return numbers, anyio.current_time() - began

    numbers, lasted = run(body)
    assert numbers == [1, 2, 3, 4, 5, 6, 7] and lasted == pytest.approx(10)
    assert [pause for pause, _ in pauses][:4] == [0.25, 0.5, 1.0, 2.0]
    assert {reason for _, reason in pauses} == {"no answer"}


def test_an_answer_ends_it() -> None:
    """What the table calls an answer is followed by nothing."""

    async def body() -> list[RetryAction]:
        happening = TransportResult(FailureKind.ANSWERED, 400)
        return [attempt.decide("POST", happening, None).action async for attempt in attempts(100)]

    assert run(body) == [RetryAction.ANSWER]


def test_time_for_something_else_is_not_counted() -> None:
    """The deadline moves, and the next attempt follows without a pause or a report."""
    pauses: list[tuple[float, str]] = []

    async def body() -> list[float]:
        left = []
        async for attempt in attempts(10, pauses):
            left.append(attempt.time_left)
            if attempt.number < 3:
                await anyio.sleep(500)
                attempt.at_once(not_counted=500)
        return left

    assert run(body) == [10, 10, 10] and pauses == []


def test_progress_begins_to_count_anew() -> None:
    """What got further is tried again as soon as after a first attempt."""

    async def body() -> list[int]:
        numbers: list[int] = []
        async for attempt in attempts(1000):
            numbers.append(attempt.number)
            if len(numbers) == 3:
                attempt.progressed()
            if len(numbers) < 5:
                attempt.again(1.0, "cut")
        return numbers

    assert run(body) == [1, 2, 3, 2, 3]
