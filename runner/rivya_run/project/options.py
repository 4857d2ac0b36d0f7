"""How a run is to be done: the options of ``run``, apart from what only the command line needs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The options of ``run``; times are in seconds, see the contract's table of commands."""

    concurrency: int = 8
    only: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    max_credits: float | None = None
    attempts: int = 1
    retry_failed: bool = False
    resend_unknown: bool = False
    timeout: float = 1800
    poll_interval: float = 5
    fail_fast: bool = False
    idempotency_window: float = 3600
    new_origin: bool = False
    strict: bool = False
    allow_outside: bool = False
    outputs: Path | None = None
    simulate: bool = False
