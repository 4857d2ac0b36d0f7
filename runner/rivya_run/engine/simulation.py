"""The one door to the simulator: ``--simulate`` runs the stand-in inside the process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rivya_run.errors import UsageError
from rivya_run.project.plan import Source

BOOKS = ".simulator"
SIMULATED_KEY = "rvya_sk_simulated"


@contextmanager
def simulated(source: Source) -> Iterator[str]:
    """A stand-in for one storyboard, its books in the output folder; the URL that it listens on."""
    try:
        from rivya_run.simulator.hosting import HostedSimulator
        from rivya_run.simulator.options import SimulatorOptions
    except ImportError as error:
        raise UsageError(
            f"--simulate needs the simulator extra ({error.name} is missing)",
            hint="pip install 'rivya-run[simulator]'",
        ) from error
    labels = {shot.id: shot.scene for shot in source.storyboard.shots if shot.scene}
    options = SimulatorOptions(
        event_log_folder=source.folder / BOOKS, labels=labels, speed=SPEED, keep_headers=False
    )
    with HostedSimulator(options, source.catalog) as simulator:
        yield simulator.base_url


SPEED = 10.0
"""How much faster than a real provider the stand-in is."""
