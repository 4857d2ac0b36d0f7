"""For how long a create without an answer may be sent again."""

from __future__ import annotations

from collections.abc import Callable

from rivya_run.engine.clocks import Clocks
from rivya_run.journal.fold import History
from rivya_run.journal.sending_age import Moment


class ResendWindow:
    """The time in which the API can be expected to know the key of one create: past it, a second sending could be
    paid twice. ``seconds`` is how long that is from the first sending on, ``server_time`` the API's own clock
    (seconds since the epoch; None where it wasn't told).
    """

    def __init__(
        self,
        key: str,
        history: History,
        clocks: Clocks,
        server_time: Callable[[], float | None],
        seconds: float,
    ) -> None:
        self._key = key
        self._history = history
        self._clocks = clocks
        self._server_time = server_time
        self._seconds = seconds
        # Judged by the clock that can't be set as well, since the wall clock may be while the create waits.
        self._closes = clocks.steady() + self.left

    @property
    def age(self) -> float | None:
        """Seconds since the create was sent first; None: nobody can tell (see ``sending_age``)."""
        wall, api = self._clocks.wall(), self._server_time()
        # An API whose clock wasn't heard in this run is taken to have this machine's.
        now = Moment(wall, wall if api is None else api)
        return self._history.seconds_since_sent(self._history.attempts[self._key], now)

    @property
    def left(self) -> float:
        """Seconds for which it may still be sent; none where nobody can tell how old the first sending is."""
        age = self.age
        return self._seconds - age if age is not None else 0.0

    @property
    def passed(self) -> bool:
        """Whether it may not be sent again any more."""
        return self.left <= 0 or self._clocks.steady() >= self._closes

    @property
    def deadline(self) -> float:
        """When it closes (monotonic seconds)."""
        return self._clocks.monotonic() + self._closes - self._clocks.steady()
