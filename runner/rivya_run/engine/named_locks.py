"""Locks by name, for what only one worker may do at a time."""

from __future__ import annotations

import anyio


class NamedLocks:
    """One lock for each name that was ever asked for: an attempt's key, the path of a still."""

    def __init__(self) -> None:
        self._locks: dict[str, anyio.Lock] = {}

    def of(self, name: str) -> anyio.Lock:
        """Held by the one worker that finishes an attempt or makes a still."""
        return self._locks.setdefault(name, anyio.Lock())
