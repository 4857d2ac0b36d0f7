"""Trying again until a deadline: the one loop for all that is sent more than once."""

from __future__ import annotations

from collections.abc import Callable

import anyio

from rivya_run.provider.rivya.retry import Decision, RetryAction, TransportResult, decide


class Attempts:
    """``async for attempt in Attempts(deadline, ...)``: the first at once, others as they are asked for.

    Each turn of the loop gives this object again. A turn that asks for no other, by ``decide`` or ``again``, was
    the last one: nothing is ever sent again that nobody decided to send again. Times are monotonic seconds of
    ``clock``, ``random`` gives numbers in [0, 1), ``on_pause`` hears of each pause and its reason before it begins.
    """

    def __init__(
        self,
        deadline: float,
        *,
        clock: Callable[[], float],
        random: Callable[[], float],
        on_pause: Callable[[float, str], None] | None = None,
    ) -> None:
        self.number = 0
        self.deadline = deadline
        self._clock = clock
        self._random = random
        self._on_pause = on_pause
        self._next: tuple[float, str | None] | None = (0.0, None)

    def __aiter__(self) -> Attempts:
        return self

    async def __anext__(self) -> Attempts:
        if self._next is None:
            raise StopAsyncIteration
        (pause, reason), self._next = self._next, None
        if reason is not None:
            if self._on_pause is not None:
                self._on_pause(pause, reason)
            await anyio.sleep(pause)
        self.number += 1
        return self

    @property
    def time_left(self) -> float:
        """Seconds until the deadline."""
        return self.deadline - self._clock()

    def decide(self, method: str, result: TransportResult, retry_after: float | None) -> Decision:
        """What ``retry`` makes of this attempt; where that is RETRY, another one follows after its pause."""
        decision = decide(
            method,
            result,
            hint=retry_after,
            attempts=self.number,
            time_left=self.time_left,
            random=self._random(),
        )
        if decision.action is RetryAction.RETRY:
            self.again(decision.wait, decision.reason.value)
        return decision

    def again(self, pause: float, reason: str) -> None:
        """Another attempt, after so many seconds, or until the deadline if that is sooner."""
        self._next = (max(0.0, min(pause, self.time_left)), reason)

    def at_once(self, *, not_counted: float = 0.0) -> None:
        """Another attempt without a pause; the deadline moves by the seconds that were spent on something else."""
        self.deadline += not_counted
        self._next = (0.0, None)

    def progressed(self) -> None:
        """This attempt got further than those before: count as if it were the first."""
        self.number = 1
