"""A stand-in for Rivya on loopback: a server with its own state that knows nothing of the client.

It shares the parameter tables, the table of media types and the letters, none of which says how the API is used.

``host`` gives one that runs in a thread of this process; ``rivya-run simulator`` serves in the foreground.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rivya_run.errors import UsageError

if TYPE_CHECKING:
    from rivya_run.models.catalog import Catalog
    from rivya_run.simulator.hosting import HostedSimulator
    from rivya_run.simulator.options import SimulatorOptions

INSTALL: Final = "pip install 'rivya-run[simulator]'"


def host(options: SimulatorOptions, catalog: Catalog | None = None) -> HostedSimulator:
    """A simulator, to be entered with ``with``. Raises UsageError where the extra is not installed."""
    try:
        from rivya_run.simulator.hosting import HostedSimulator
    except ImportError as error:
        raise UsageError(
            f"the simulator needs the simulator extra (no module {error.name!r})", hint=INSTALL
        ) from error
    return HostedSimulator(options, catalog)
