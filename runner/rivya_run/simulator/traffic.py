"""Every request that reached either origin, for tests that ask what a client really sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

Origin: TypeAlias = Literal["api", "results"]


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """One request. ``status`` is None where no reply was sent; ``fault``: what was done to it on purpose."""

    origin: Origin
    method: str
    path: str
    status: int | None
    fault: str | None
    at: float
    raw_headers: tuple[tuple[bytes, bytes], ...] = ()

    @property
    def headers(self) -> Mapping[str, str]:
        """Its headers, names in lower case (empty when the simulator was told not to keep them)."""
        return {name.decode("latin-1"): value.decode("latin-1") for name, value in self.raw_headers}


class Traffic:
    """The requests in the order of their arrival at an end, and counts by origin and kind of path."""

    def __init__(self) -> None:
        self.requests: list[SeenRequest] = []
        self.counts: Counter[str] = Counter()
        self.refused = 0
        self.connections: Counter[str] = Counter()
        self.open_connections: Counter[str] = Counter()
        self.most_open: Counter[str] = Counter()

    def note(self, request: SeenRequest, place: str) -> None:
        """Take note of a request and of its place (``create``, ``status``, ``download``, ..)."""
        self.requests.append(request)
        self.counts[place] += 1
        if request.status == 429:
            self.refused += 1

    def of(self, origin: Origin) -> list[SeenRequest]:
        """The requests that reached an origin."""
        return [request for request in list(self.requests) if request.origin == origin]

    def opened(self, origin: Origin) -> None:
        """A connection was opened."""
        self.connections[origin] += 1
        self.open_connections[origin] += 1
        self.most_open[origin] = max(self.most_open[origin], self.open_connections[origin])

    def closed(self, origin: Origin) -> None:
        """A connection was closed."""
        self.open_connections[origin] -= 1
