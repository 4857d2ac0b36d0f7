"""The three clocks of a run."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from rivya_run.times import steady


@dataclass(frozen=True, slots=True)
class Clocks:
    """``monotonic`` is for patience, ``wall`` for records; ``steady`` can't be set and never stands still: the
    wall clock can be set, and the monotonic one stops while the machine sleeps.
    """

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    steady: Callable[[], float] = steady
