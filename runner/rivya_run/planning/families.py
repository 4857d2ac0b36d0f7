"""Families of shots: an id in the file, and the ids that its versions give, or gave, to what is made of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rivya_run.journal.attempt import Attempt
from rivya_run.journal.fold import History
from rivya_run.storyboard.model import Shot


class Families:
    """Which ids of the history belong to which present shots: ``s1``, ``s1-wide`` and ``s1-tall`` are one family.

    An id belongs to the present shot that has it, else to the family that was recorded with its attempts: names alone
    don't tell, since ``hero-close`` may have been a shot of its own.
    """

    def __init__(self, shots: Iterable[Shot], history: History) -> None:
        self._history = history
        self._present = {shot.id: shot.family for shot in shots}
        recorded = {one.shot: one.family for one in history.attempts.values() if one.family is not None}
        self._family = {**recorded, **self._present}
        self._ids: dict[str, list[str]] = {}
        for shot_id in history.shots:
            self._ids.setdefault(self.of(shot_id), []).append(shot_id)

    def of(self, shot_id: str) -> str:
        """The family of an id, present or not."""
        return self._family.get(shot_id, shot_id)

    def attempts(self, shot: Shot) -> list[Attempt]:
        """Attempts for takes of this shot; then those of its family, whatever their ids were."""
        own = self._history.of_shot(shot.id)
        return own + [one for name in self._others(shot) for one in self._history.of_shot(name)]

    def of_take(self, shot: Shot, take: int) -> list[Attempt]:
        """The same for one take."""
        own = self._history.of_take(shot.id, take)
        return own + [one for name in self._others(shot) for one in self._history.of_take(name, take)]

    def before(self, shot: Shot) -> list[Attempt]:
        """Attempts for the shot; where there are none, those of its family under ids that no shot has any more."""
        own = self._history.of_shot(shot.id)
        gone = (name for name in self._others(shot) if name not in self._present)
        return own or [one for name in gone for one in self._history.of_shot(name)]

    def _others(self, shot: Shot) -> Sequence[str]:
        return [name for name in self._ids.get(shot.family, ()) if name != shot.id]
