"""How a run shows where it is: on a terminal, in lines, as JSON, or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, TextIO

from rivya_run.records.events import Event
from rivya_run.records.plan import Plan
from rivya_run.reporting.outlet import Outlet


class Progress(Protocol):
    """Who is told of a run. Nothing of it raises or blocks; ``tell`` may be called before ``plans``."""

    def plans(self, plans: list[Plan]) -> None:
        """The plans that are about to be carried out."""

    def tell(self, event: Event) -> None:
        """Something happened."""

    def close(self) -> None:
        """The run is over."""


class Silence:
    """Tells nobody anything."""

    def plans(self, plans: list[Plan]) -> None:
        """Nothing."""

    def tell(self, event: Event) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


def progress_for(
    kind: str, stream: TextIO | None, environment: Mapping[str, str], *, concurrency: int, verbose: bool
) -> Progress:
    """The way of reporting that was asked for; ``auto`` and ``live`` draw only on a terminal that can be drawn on."""
    outlet = Outlet(stream)
    drawable = outlet.isatty() and environment.get("TERM") != "dumb"
    if kind == "none":
        return Silence()
    if kind == "json":
        from rivya_run.reporting.json_lines import JsonReporter

        return JsonReporter(outlet)
    if kind in {"auto", "live"} and drawable:
        from rivya_run.reporting.live import LiveReporter

        return LiveReporter(outlet, concurrency=concurrency, verbose=verbose)
    from rivya_run.reporting.plain import PlainReporter

    return PlainReporter(outlet, verbose=verbose)
