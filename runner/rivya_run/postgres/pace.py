"""The pace of requests that all machines of an account keep to: a refusal that one sees stops every one of them."""

from __future__ import annotations

import time
from math import inf
from typing import Final

from rivya_run.postgres.account import Share, pause_requests, share_of
from rivya_run.postgres.database import Cursor
from rivya_run.postgres.lease import Lease

_AT_LEAST: Final = 0.05
"""Seconds: a shorter pause isn't worth telling others of, who learn of it half a second later."""


class AccountPace:
    """What one process may send, as the thread of its lease learns it twice a second. Times are monotonic seconds."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self._share = Share(None, 0.0, False)
        self._resume_at = -inf
        self._told_until = -inf
        lease.watch(self._beat)

    @property
    def rate(self) -> float | None:
        """Requests a second that are this process's share; None where the account sets no rate."""
        return self._share.rate

    @property
    def resume_at(self) -> float:
        """Before that time nothing is sent."""
        return self._resume_at

    def refused(self, seconds: float) -> None:
        """The API refused a request, and wants that much of a pause: the others are told at once."""
        until = time.monotonic() + seconds
        if seconds > _AT_LEAST and until > self._told_until:
            self._told_until = until
            self._lease.wake()

    def _beat(self, cursor: Cursor) -> None:
        now = time.monotonic()
        if self._told_until > now:
            pause_requests(cursor, self._told_until - now)
        self._share = share_of(cursor, self._lease.book)
        if self._share.resume_in > 0:
            self._resume_at = max(self._resume_at, now + self._share.resume_in)
