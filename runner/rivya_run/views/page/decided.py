"""What people have decided, and can decide, of the shots and takes on the page."""

from __future__ import annotations

import re
import shlex
from typing import Any, Final

from rivya_run.project.manifest_reader import Entry, entries, mapping, take_number, text
from rivya_run.project.take_names import LEAST_DIGITS
from rivya_run.storyboard.model import Shot, Storyboard

_SHA256: Final = re.compile(r"[0-9a-f]{64}")


class Decisions:
    """The decisions that a storyboard holds, as fields of the cards; without one there are none."""

    def __init__(self, manifest: Entry, written: Storyboard | None) -> None:
        shots = written.shots if written is not None else ()
        self._shots = {shot.id: shot for shot in shots}
        self._together: dict[tuple[int, int], list[Shot]] = {}
        for shot in shots:
            self._together.setdefault((shot.line, shot.column), []).append(shot)
        board = mapping(manifest.get("storyboard"))
        self._path = text(board.get("path")) if written is not None else None
        self._paid = manifest.get("base_url") != "simulator"

    def of_shot(self, name: str, *, made: bool) -> dict[str, Any]:
        """``approved``, ``waits`` and ``together`` of a ShotCard; ``made``: it has a finished take."""
        shot = self._shots.get(name)
        if shot is None:
            return {"approved": "", "waits": False, "together": None}
        together = self._together[shot.line, shot.column]
        return {
            "approved": str(shot.approved) if shot.approved is not None else "",
            "waits": shot.needs_approval and made,
            "together": {one.id: one.pick for one in together} if len(together) > 1 else None,
        }

    def of_take(self, name: str, take: Entry) -> dict[str, Any]:
        """``digits``, ``approved`` and the commands of a TakeCard."""
        first = next(iter(entries(take.get("outputs"))), {})
        digits = text(first.get("sha256")) or ""
        if take.get("status") != "succeeded" or not _SHA256.fullmatch(digits):
            return {}
        shot = self._shots.get(name)
        approved = shot is not None and shot.approved is not None and digits.startswith(shot.approved.digits)
        return {
            "digits": digits,
            "approved": approved,
            "pick_command": self._command("pick", name, str(take_number(take))),
            "approve_command": self._command("approve", name, digits[:LEAST_DIGITS]) if self._paid else "",
        }

    def _command(self, what: str, shot: str, take: str) -> str:
        """What to type in the project's folder; nothing where there is no such storyboard now."""
        if self._path is None or shot not in self._shots:
            return ""
        return shlex.join(["rivya-run", what, self._path, shot, take])
