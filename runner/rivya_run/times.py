"""The clocks of a run, and times as records write them: ISO 8601 in UTC, to the millisecond."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime


def steady() -> float:
    """Seconds by a clock that nobody can set and that goes on while the machine sleeps, where there is one.

    ``time.monotonic`` stands still meanwhile on Linux and macOS: for patience, not for how old something is.
    """
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    if sys.platform == "darwin":
        return time.clock_gettime(time.CLOCK_MONOTONIC)
    return time.monotonic()


@dataclass(frozen=True, slots=True)
class Clocks:
    """``monotonic`` is for patience, ``wall`` for records; ``steady`` can't be set and never stands still: the
    wall clock can be set, and the monotonic one stops while the machine sleeps.
    """

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    steady: Callable[[], float] = steady


def iso(seconds: float) -> str:
    """Seconds since the epoch as ``2026-05-11T00:00:00.000Z``."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds_of(text: str | None) -> float | None:
    """The other way; None for what is no time, as is one without a zone: it would mean another on each machine."""
    try:
        moment = datetime.fromisoformat(text) if text else None
        return moment.timestamp() if moment is not None and moment.tzinfo is not None else None
    except (ValueError, TypeError, OverflowError):
        return None
