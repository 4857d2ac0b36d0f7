"""What the person who started a server lets agents do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from rivya_run.errors import RivyaError

VIA: Final = "mcp"
"""The way in that is put on record with each create."""


class NotPermitted(RivyaError):
    """The server was started without leave for this."""


@dataclass(frozen=True, slots=True)
class Permissions:
    """``max_credits`` is what all agents of the project may spend in any 24 hours; None: nothing may be spent.

    ``concurrency`` and ``poll_interval`` (seconds) are those of every run.
    """

    max_credits: float | None = None
    write: bool = False
    approve: bool = False
    concurrency: int = 8
    poll_interval: float = 5
