"""How a simulator behaves: every choice that Rivya's pages leave open, and what a test wants to see."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from rivya_run.json_types import Json
from rivya_run.models.table import ModelTable
from rivya_run.simulator.faults import FaultPlan

#: Reserved credits of a task: one figure for all, or from its table and params; None takes the base credits.
Price: TypeAlias = float | Callable[[ModelTable, Mapping[str, Json]], float] | None

#: Simulated seconds: a range to draw from, or from the request's identity and its position among all tasks.
Seconds: TypeAlias = tuple[float, float] | Callable[[str, int], float]

#: ``before``: nothing done yet. ``decided``: effect taken and in the event log, no reply sent. ``after``: sent.
Phase: TypeAlias = Literal["before", "decided", "after"]
RequestHook: TypeAlias = Callable[[str, str, Phase], None]


@dataclass(frozen=True, slots=True)
class SimulatorOptions:
    """``speed`` divides the durations of tasks only; every other figure in seconds is in those of ``clock``.

    Money: ``wallet`` is what each account starts with (``HostedSimulator.state.top_up`` adds). An empty one
    is reported as an HTTP error of ``insufficient_status`` or, with ``insufficient="task"``, as a failed task.
    ``charge_failures`` keeps the credits of failed tasks.

    Limits: ``concurrency_limit`` tasks in flight and ``rate_limit`` requests a second (bursts of one second)
    for each account; beyond them 429, with ``retry_after`` as its header's text where that is set.

    Keys: any ``rvya_sk_...`` unless ``key`` names one; ``refused_keys`` maps a key to the error code it
    meets. With ``account_per_key`` each key has a wallet, tasks and files of its own.

    Memory: an idempotency key lasts ``key_lifetime``, an uploaded file ``upload_lifetime``, a result URL
    ``url_lifetime`` (None: for ever). A file that was sent to its end ``serves`` times is answered with
    ``served_status`` ever after, whatever URL it is asked for by.

    Results: ``files_per_task``; ``clip_bytes`` serves one tiny playable clip padded to that size instead of
    rendering (load tests); ``labels`` maps a shot's id (or ``<storyboard>.<shot>``) to its scene.

    ``event_log_folder`` keeps the event log on disk, so that another simulator continues where this one was killed;
    ``wallet`` is then what the first one said. ``on_request`` is called in the server's thread.
    """

    seed: int = 0
    speed: float = 10.0
    queue_seconds: Seconds = (1.0, 2.0)
    run_seconds: Seconds = (2.0, 4.0)
    clock: Callable[[], float] = time.time

    wallet: float = 1_000_000
    price: Price = None
    insufficient: Literal["http", "task"] = "http"
    insufficient_status: int = 402
    charge_failures: bool = False

    concurrency_limit: int | None = None
    rate_limit: float | None = None
    retry_after: str | None = None

    key: str | None = None
    refused_keys: Mapping[str, str] = field(default_factory=dict)
    account_per_key: bool = False

    key_lifetime: float | None = None
    upload_lifetime: float | None = None
    url_lifetime: float | None = None
    serves: int | None = None
    served_status: int = 410

    create_status: int = 200
    upload_status: int = 200
    files_per_task: int = 1
    clip_bytes: int | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    listed_changes: Mapping[str, Mapping[str, Json] | None] = field(default_factory=dict)

    faults: FaultPlan = field(default_factory=FaultPlan)
    slow_seconds: float = 0.2
    hang_seconds: float = 3600.0

    host: str = "127.0.0.1"
    port: int = 0
    results_port: int = 0
    event_log_folder: Path | None = None
    event_log_fsync: bool = False
    event_log_requests: bool = False
    keep_headers: bool = True
    on_request: RequestHook | None = None
