"""Progress for machines: one JSON object a line on standard error."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence

from rivya_run.errors import RivyaError, StoryboardError
from rivya_run.records import Json
from rivya_run.records.events import Event
from rivya_run.records.plan import Plan
from rivya_run.records.problems import Problem
from rivya_run.reporting.outlet import Lines, Outlet
from rivya_run.storyboard.problem_text import as_json
from rivya_run.times import iso


class JsonReporter:
    """Writes each event with ``event`` and ``time`` and what else is known: ``shot``, ``take``, ``status``, ..."""

    def __init__(self, outlet: Outlet, *, now: Callable[[], float] = time.time) -> None:
        self._lines = Lines(outlet)
        self._now = now

    def plans(self, plans: Sequence[Plan]) -> None:
        """Nothing to do: every event says what it is about."""

    def tell(self, event: Event) -> None:
        """Write an event."""
        self._put(fields_of(event))

    def problems(self, problems: Sequence[Problem]) -> None:
        """Write problems and advice, each an event ``problem``."""
        for problem in as_json(problems):
            assert isinstance(problem, dict)
            self._put({"event": "problem", **problem})

    def failure(self, error: RivyaError) -> None:
        """Write what ended the command as an event ``error``, its problems before it."""
        if isinstance(error, StoryboardError):
            self.problems(error.problems)
        self._put(
            {
                "event": "error",
                "message": error.message,
                "hint": error.hint,
                "exit_code": error.exit_code,
            }
        )

    def close(self) -> None:
        """Write what is left."""
        self._lines.close()

    def _put(self, fields: Mapping[str, Json]) -> None:
        line = {"event": fields["event"], "time": iso(self._now()), **fields}
        self._lines.put(json.dumps(line, ensure_ascii=True, default=str))


def fields_of(event: Event) -> dict[str, Json]:
    """An event as one flat object; what is not known is left out."""
    named: dict[str, Json] = {
        "event": event.name,
        "storyboard": event.storyboard,
        "shot": event.shot,
        "take": event.take,
        "status": event.status,
    }
    known = {name: value for name, value in named.items() if value is not None}
    return {**event.detail, **known}
