"""Where a take is, for whoever watches the run."""

from __future__ import annotations

from collections.abc import Callable

from rivya_run.journal.fold import History
from rivya_run.journal.take_entry import take_status, whole
from rivya_run.planning.plan import Step
from rivya_run.progress import Event


class TakeReports:
    """Reports of the takes of one storyboard."""

    def __init__(self, storyboard: str, history: History, tell: Callable[[Event], None]) -> None:
        self._storyboard = storyboard
        self._history = history
        self._tell = tell

    def report(self, step: Step, key: str | None, reason: str | None = None) -> None:
        """Report a take's state, as the attempt of that key shows it; ``reason`` says why, in words."""
        attempt = self._history.attempts.get(key) if key is not None else None
        detail = {
            "model": step.shot.model,
            "scene": step.shot.scene,
            "task_id": attempt.task_id if attempt else None,
            "credits": whole(attempt.reserved_credits) if attempt else None,
            "error": attempt.error.code if attempt and attempt.error else None,
            "reason": reason or (attempt.error.message if attempt and attempt.error else None),
        }
        self._tell(
            Event(
                "take_changed",
                storyboard=self._storyboard,
                shot=step.shot.id,
                take=step.take,
                status=take_status(attempt).value,
                detail={name: value for name, value in detail.items() if value is not None},
            )
        )
