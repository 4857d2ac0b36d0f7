"""Whether the API can be reached at all: told once when it can't, and once when it answers again."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from rivya_run.progress import Event
from rivya_run.provider.rivya.retry import FailureKind, TransportResult
from rivya_run.times import Clocks, iso

_AWAY = frozenset({FailureKind.NOT_CONNECTED, FailureKind.CONNECT_TIMEOUT})


class Reach:
    """``patience`` is for how many seconds a request is tried again; ``base_url`` is asked."""

    def __init__(self, base_url: str, patience: float, clocks: Clocks, tell: Callable[[Event], None]) -> None:
        self._host = urlsplit(base_url).netloc
        self._patience = patience
        self._clocks = clocks
        self._tell = tell
        self._since: float | None = None

    def heard(self, result: TransportResult, words: str, sent_at: float) -> None:
        """What came of a request that was begun at ``sent_at`` (monotonic seconds)."""
        now = self._clocks.monotonic()
        if result.kind in _AWAY and self._since is None:
            self._since = sent_at
            since = self._clocks.wall() - (now - sent_at)
            detail = {"since": iso(since), "until": iso(since + self._patience), "reason": words}
            self._tell(Event("unreachable", detail={"host": self._host, **detail}))
        elif result.kind not in _AWAY and self._since is not None and sent_at >= self._since:
            detail = {"host": self._host}
            self._tell(Event("reachable", detail={**detail, "seconds": round(now - self._since, 3)}))
            self._since = None
