"""Whether a run goes on creating, and for how long the API has answered nothing."""

from __future__ import annotations

import math
from collections.abc import Callable

from rivya_run.engine.outcome import Ending, Outcome
from rivya_run.journal.attempt import TakeStatus


class Stop:
    """Whether creating goes on. The first reason stays."""

    def __init__(self) -> None:
        self.outcome: Outcome | None = None

    def creating(self, ending: Ending, message: str) -> None:
        """Create nothing more, for this reason; what runs is finished and fetched."""
        if self.outcome is None:
            self.outcome = Outcome(ending, TakeStatus.PLANNED, message)

    def for_empty_wallet(self) -> None:
        """Create nothing more: the API says that there are no credits left."""
        self.creating(Ending.OUT_OF_CREDITS, "the wallet is empty: add credits and run again")


class Outage:
    """For how long exchanges with the API have met nothing but trouble; time in which nothing is asked is none.

    ``seconds`` goes from the beginning of the first such exchange to the end of the latest one. ``patience`` is
    how long one take may last, in seconds; ``clock`` is monotonic.
    """

    def __init__(self, patience: float, stop: Stop, clock: Callable[[], float]) -> None:
        self.seconds = 0.0
        self._patience = patience
        self._stop = stop
        self._clock = clock
        self._of_one = True
        self._first: tuple[str, float] | None = None
        self._ended_at = -math.inf

    @property
    def lasting(self) -> bool:
        """Whether the API, though it was asked, has answered nothing for as long as one take may last."""
        return self.seconds >= self._patience

    def record_exchange(self, who: str, sent_at: float, trouble: str | None) -> None:
        """One exchange with the API: whose, begun when, and the trouble it met, in words.

        When all that was asked has met trouble for as long as one take may last, and it was not one take's alone
        (which may be the trouble itself), the takes that wait would only meet it too, one after another: creating
        stops for all.
        """
        now = self._clock()
        if trouble is None:
            self.seconds, self._of_one, self._first, self._ended_at = 0.0, True, None, now
            return
        if self._first is None:
            self._first = (who, max(sent_at, self._ended_at))
        first, since = self._first
        self._of_one = self._of_one and who == first
        self.seconds = now - since
        if self.lasting and not self._of_one:
            message = f"the API answered nothing for {self._patience:g} s: {trouble}"
            self._stop.creating(Ending.UNFINISHED, message)
