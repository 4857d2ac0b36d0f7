"""Where a storyboard's requests go: to the API, or with ``--simulate`` to a stand-in inside the process."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

import anyio

from rivya_run.errors import UsageError
from rivya_run.progress import Event
from rivya_run.project.source import Source
from rivya_run.provider.http import Http
from rivya_run.provider.network import Network
from rivya_run.provider.origin import Secret
from rivya_run.provider.reach import Reach
from rivya_run.provider.rivya.client import RivyaClient
from rivya_run.provider.throttle import Pace, SharedPace
from rivya_run.times import Clocks

NOWHERE = "http://127.0.0.1:9"
"""An origin that is never asked."""

READ_WITHIN = 60.0
"""Seconds without a byte after which an answer is given up."""

DOWNLOADS_AT_ONCE = 6
UPLOADS_AT_ONCE = 4

EVENT_LOGS = ".simulator"
SIMULATED_KEY = "rvya_sk_simulated"

SPEED = 10.0
"""How much faster than a real provider the stand-in is."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where requests go: ``url`` is asked, ``recorded`` stands in the records."""

    url: str
    recorded: str
    key: Secret | None
    network: Network = field(default_factory=Network)


@dataclass(frozen=True, slots=True)
class ApiConnection:
    """``http`` fetches results and knows the API's clock, ``client`` knows the API's endpoints.

    ``uploads`` and ``downloads`` limit how many files are on their way at a time. ``doubts`` counts files from there
    that were kept in spite of the same doubt.
    """

    http: Http
    client: RivyaClient
    uploads: anyio.CapacityLimiter
    downloads: anyio.CapacityLimiter
    doubts: Counter[str]

    @classmethod
    def of(cls, http: Http, client: RivyaClient) -> ApiConnection:
        """A connection that nothing has come over yet; inside the event loop."""
        uploads, downloads = (anyio.CapacityLimiter(most) for most in (UPLOADS_AT_ONCE, DOWNLOADS_AT_ONCE))
        return cls(http, client, uploads, downloads, Counter())


@asynccontextmanager
async def connected(
    origin: Origin,
    patience: float,
    tell: Callable[[Event], None],
    listen: Callable[[str, float, str | None], None],
    shared: SharedPace | None = None,
) -> AsyncIterator[ApiConnection]:
    """The connection to an origin while the block runs. ``patience``: seconds that a whole take may last;
    ``shared``: the pace of all machines of the account."""
    for words in origin.network.notices:
        tell(Event("notice", detail={"message": words}))
    pace = Pace(random=random.random, notify=tell, shared=shared)
    # A request that hangs may not outlast the patience that a person has with a whole take.
    read_timeout = min(READ_WITHIN, max(1.0, patience))
    async with Http(
        origin.url, origin.key, pace=pace, read_timeout=read_timeout, network=origin.network
    ) as http:
        client = RivyaClient(
            http,
            clock=time.monotonic,
            random=random.random,
            tell=tell,
            listen=listen,
            reach=Reach(origin.url, patience, Clocks(), tell),
        )
        yield ApiConnection.of(http, client)


@contextmanager
def simulated(source: Source) -> Iterator[str]:
    """A stand-in for one storyboard, its event log in the output folder; the URL that it listens on."""
    try:
        from rivya_run.simulator.hosting import HostedSimulator
        from rivya_run.simulator.options import SimulatorOptions
    except ImportError as error:
        from rivya_run.extras import install_hint

        raise UsageError(
            f"--simulate needs the simulator extra ({error.name} is missing)",
            hint=install_hint("simulator"),
        ) from error
    labels = {shot.id: shot.scene for shot in source.storyboard.shots if shot.scene}
    options = SimulatorOptions(
        event_log_folder=source.folder / EVENT_LOGS, labels=labels, speed=SPEED, keep_headers=False
    )
    with HostedSimulator(options, source.catalog) as simulator:
        yield simulator.base_url
