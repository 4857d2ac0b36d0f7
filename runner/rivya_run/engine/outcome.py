"""How a take ended in a run."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from rivya_run.journal.attempt import TakeStatus


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
