"""Tasks and files as the simulator keeps them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from rivya_run.records import Json
from rivya_run.simulator.options import Seconds, SimulatorOptions

#: What a fault at the place ``task`` makes of a task: error code, whether its credits are kept.
FATES = {
    "failed": ("generation_failed", False),
    "charged": ("generation_failed", True),
    "moderated": ("content_rejected", False),
    "unfunded": ("insufficient_credits", False),
}
_MESSAGES = {
    "generation_failed": "The generation failed.",
    "content_rejected": "The content was rejected by moderation.",
    "insufficient_credits": "Not enough credits.",
}


@dataclass(frozen=True, slots=True)
class SimulatedTask:
    """A task. It is queued until ``starts`` and processing until ``ends`` (infinite: for ever)."""

    id: str
    account: str
    number: int
    key: str | None
    sha256: str
    model: str
    prompt: str | None
    params: dict[str, Json]
    client_request_id: str | None
    reserved: float
    created: float
    starts: float
    ends: float
    error: str | None
    charged: bool
    files: int
    settled: bool = False

    @property
    def identity(self) -> str:
        """What faults and durations are drawn from."""
        return self.key or self.client_request_id or self.id

    def status(self, now: float) -> str:
        """The published status word."""
        if now >= self.ends:
            return "failed" if self.error else "succeeded"
        return "processing" if now >= self.starts else "queued"

    @property
    def final(self) -> float:
        """Final credits once it has ended."""
        return self.reserved if self.error is None or self.charged else 0

    def updated(self, now: float) -> float:
        """When its status last changed."""
        return max((at for at in (self.created, self.starts, self.ends) if at <= now), default=self.created)

    def error_body(self) -> dict[str, Json] | None:
        """The failure inside a failed task: no ``requestId``."""
        if self.error is None:
            return None
        return {"code": self.error, "message": _MESSAGES.get(self.error, self.error)}


@dataclass(frozen=True, slots=True)
class SimulatedFile:
    """An uploaded file; its content is not kept."""

    id: str
    account: str
    kind: str
    mime_type: str
    bytes: int
    sha256: str
    name: str
    model: str | None
    client_request_id: str | None
    duration_token: str | None
    created: float


def times_of(options: SimulatorOptions, identity: str, number: int, now: float) -> tuple[float, float]:
    """When a task of that identity starts and ends: drawn from the seed, never from timing."""
    digest = hashlib.sha256(f"{options.seed}|time|{identity}".encode("utf-8", "replace")).digest()
    waits = _drawn(options.queue_seconds, digest[:8], identity, number)
    runs = _drawn(options.run_seconds, digest[8:16], identity, number)
    starts = now + waits / options.speed
    return starts, starts + runs / options.speed


def _drawn(seconds: Seconds, chance: bytes, identity: str, number: int) -> float:
    if callable(seconds):
        return seconds(identity, number)
    low, high = seconds
    return low + (high - low) * int.from_bytes(chance, "big") / 2**64
