"""What people have decided, and can decide, of the shots and takes on the page."""

from __future__ import annotations

import re
import shlex
from typing import Any, Final

from rivya_run.project.manifest_reader import Entry, entries, take_number, text
from rivya_run.project.results import Present
from rivya_run.storyboard.model import LEAST_DIGITS, Shot
from rivya_run.views.page.figures import shown

_SHA256: Final = re.compile(r"[0-9a-f]{64}")


class Decisions:
    """What is decided of a storyboard as it is ``now``, as fields of the cards.

    Without one, or where the storyboard has problems, only what the manifest says of it is known.
    """

    def __init__(self, now: Present | None = None) -> None:
        board = now.source.storyboard if now is not None and now.source is not None else None
        shots = board.shots if board is not None else ()
        self._shots = {shot.id: shot for shot in shots}
        self._together: dict[tuple[int, int], list[Shot]] = {}
        for shot in shots:
            self._together.setdefault((shot.line, shot.column), []).append(shot)
        self._path = now.source.relative_path if now is not None and now.source is not None else ""
        self._simulated = now is not None and now.manifest.get("base_url") == "simulator"
        self._waits = now.waits if now is not None else {}

    def of_shot(self, entry: Entry, *, made: bool) -> dict[str, Any]:
        """``approved``, ``waits`` and ``together`` of a ShotCard; ``made``: it has a finished take."""
        name = text(entry.get("id")) or ""
        shot = self._shots.get(name)
        together = self._together[shot.line, shot.column] if shot is not None else []
        return {
            "approved": shown(entry.get("approved")),
            "waits": shot is not None and shot.needs_approval and made,
            "together": {one.id: one.pick for one in together} if len(together) > 1 else None,
        }

    def of_take(self, entry: Entry, take: Entry) -> dict[str, Any]:
        """``digits``, ``approved``, ``waits`` and the commands of a TakeCard."""
        name, number = text(entry.get("id")) or "", take_number(take)
        first = next(iter(entries(take.get("outputs"))), {})
        digits = text(first.get("sha256")) or ""
        if take.get("status") != "succeeded" or not _SHA256.fullmatch(digits):
            return {"waits": self._waits.get((name, number), "")}
        stopped = take.get("stopped")
        codes = ", ".join(map(shown, stopped)) if isinstance(stopped, list | tuple) else ""
        return {
            "waits": f"Not used before it is approved: {codes}" if codes else "",
            "digits": digits,
            "approved": bool(entry.get("approved")) and take.get("take") == entry.get("pick"),
            "pick_command": self._command("pick", name, str(number)),
            "approve_command": ""
            if self._simulated
            else self._command("approve", name, digits[:LEAST_DIGITS]),
        }

    def _command(self, what: str, shot: str, take: str) -> str:
        """What to type in the project's folder; nothing where there is no such storyboard now."""
        if not self._path or shot not in self._shots:
            return ""
        return shlex.join(["rivya-run", what, self._path, shot, take])
