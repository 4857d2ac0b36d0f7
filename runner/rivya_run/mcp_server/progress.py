"""How far a run is, as one number that only grows: each take passes three stages."""

from __future__ import annotations

from typing import Final

from rivya_run.progress import Event
from rivya_run.text import visible

_STAGES: Final = {"planned": 0, "sent": 1, "pending": 2}
_LAST: Final = 3


class RunProgress:
    """``done`` of ``total`` stages, over all takes."""

    def __init__(self) -> None:
        self.done = 0
        self.total = 0
        self._stages: dict[tuple[str | None, str | None, int | None], int] = {}

    def heard(self, event: Event) -> str | None:
        """Take an event in; what is to be told of it, None for what an agent need not hear."""
        if event.name == "run_started":
            takes = event.detail.get("takes")
            self.total += _LAST * takes if isinstance(takes, int) else 0
            return f"{event.storyboard}: begun"
        if event.name == "take_changed":
            key = event.storyboard, event.shot, event.take
            before, now = self._stages.get(key, 0), _STAGES.get(event.status or "", _LAST)
            if now <= before:
                return None
            self._stages[key] = now
            self.done += now - before
            return visible(f"{event.shot}/{event.take}: {event.status}")
        if event.name in ("notice", "paused"):
            return visible(str(event.detail.get("message") or event.detail.get("reason") or event.name))
        return None
