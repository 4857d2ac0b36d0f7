"""Progress events of a run, for a terminal, JSON lines or another program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from rivya_run.json_types import Json

EventName: TypeAlias = Literal[
    "run_started",
    "take_changed",
    "uploaded",
    "retrying",
    "limit_changed",
    "paused",
    "unreachable",
    "reachable",
    "notice",
    "run_finished",
]


@dataclass(frozen=True, slots=True)
class Event:
    """``name`` is one of the names below; ``detail`` holds what else is known, JSON values only.

    run_started      takes, create, resume, credits (estimate, or None), scenes
    take_changed     shot, take, status; model, task_id, credits, spent, error, reason where they apply,
                     usual_seconds (how long such tasks take), downloading (true: made, and on its way here)
    uploaded         path, bytes
    retrying         what, wait (seconds), reason
    unreachable      host, since, until (when it is given up), reason
    reachable        host, seconds
    limit_changed    limit, before, reason
    paused           seconds, reason
    notice           message (for the person)
    run_finished     totals, exit_code
    """

    name: EventName
    storyboard: str | None = None
    shot: str | None = None
    take: int | None = None
    status: str | None = None
    detail: Mapping[str, Json] = field(default_factory=dict)
