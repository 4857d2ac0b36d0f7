"""How a run is to be done, and what came of each take."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from rivya_run.records.history import TakeStatus


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


class Ending(StrEnum):
    """How a take ended in this run, as far as the exit code is concerned."""

    DONE = "done"
    FAILED = "failed"
    UNFINISHED = "unfinished"
    UNKNOWN = "unknown"
    OUT_OF_CREDITS = "out_of_credits"
    NO_ROOM = "no_room"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one take. ``message`` says why, where it isn't done."""

    ending: Ending
    status: TakeStatus
    message: str = ""
    code: str | None = None
