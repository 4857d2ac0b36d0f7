"""How a run shows where it is: on a terminal, in lines, as JSON, or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, TextIO

from rivya_run.planning.plan import Plan
from rivya_run.progress import Event


class ProgressReporter(Protocol):
    """Shows the progress of a run. No method raises or blocks; ``report`` may be called before ``plans``."""

    def plans(self, plans: list[Plan]) -> None:
        """The plans that are about to be carried out."""

    def report(self, event: Event) -> None:
        """Something happened."""

    def close(self) -> None:
        """The run is over."""


class NoReporter:
    """Shows nothing."""

    def plans(self, plans: list[Plan]) -> None: ...

    def report(self, event: Event) -> None: ...

    def close(self) -> None: ...


def progress_for(
    kind: str, stream: TextIO | None, environment: Mapping[str, str], *, concurrency: int, verbose: bool
) -> ProgressReporter:
    """The way of reporting that was asked for; ``auto`` and ``live`` draw only on a terminal that can be drawn on."""
    from rivya_run.views.progress import JsonReporter, Outlet, PlainReporter

    outlet = Outlet(stream)
    if kind == "none":
        return NoReporter()
    if kind == "json":
        return JsonReporter(outlet)
    if kind in {"auto", "live"} and outlet.isatty() and environment.get("TERM") != "dumb":
        from rivya_run.views.live import PICTURES_KEPT, LiveReporter

        return LiveReporter(Outlet(stream, most=PICTURES_KEPT), concurrency=concurrency, verbose=verbose)
    return PlainReporter(outlet, verbose=verbose)
