"""One storyboard in a run: its plan, its books, and the driver of its takes, put together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rivya_run.engine.api_connection import ApiConnection
from rivya_run.engine.budget import Budget, SpendGate, Spending
from rivya_run.engine.clocks import Clocks
from rivya_run.engine.creates import Creates
from rivya_run.engine.fetch import Fetcher
from rivya_run.engine.follow import Follower
from rivya_run.engine.manifest_writer import ManifestWriter
from rivya_run.engine.named_locks import NamedLocks
from rivya_run.engine.outcome import Outcome
from rivya_run.engine.references import References
from rivya_run.engine.run_ledger import RunLedger
from rivya_run.engine.run_limits import RunLimits, StartingTakes
from rivya_run.engine.stop import Outage, Stop
from rivya_run.engine.take import Stages, Takes
from rivya_run.engine.take_ends import TakeEnds
from rivya_run.engine.take_reports import TakeReports
from rivya_run.engine.task_slots import TaskLimiter
from rivya_run.engine.uploads import Uploader
from rivya_run.planning.forecast import Timing
from rivya_run.planning.plan import Plan
from rivya_run.progress import Event
from rivya_run.project.plan import Prepared, RunOptions
from rivya_run.storyboard.model import FileFacts, Storyboard


@dataclass(frozen=True, slots=True)
class Shared:
    """What all storyboards of a run share: what limits it, what it has learnt, and whom it tells.

    Only whoever puts a run together has it whole; each stage is handed what it needs of it. ``doubts`` counts files
    that were kept in spite of the same doubt.
    """

    options: RunOptions
    clocks: Clocks
    stop: Stop
    outage: Outage
    limits: RunLimits
    spending: Spending
    gate: SpendGate
    timing: Timing
    tell: Callable[[Event], None]
    doubts: Counter[str]


def share(options: RunOptions, clocks: Clocks, timing: Timing, tell: Callable[[Event], None]) -> Shared:
    """What the storyboards of a run share, as it is when the run begins."""
    stop, spending = Stop(), Spending(options.max_credits)
    return Shared(
        options,
        clocks,
        stop,
        Outage(options.timeout, stop, clocks.monotonic),
        RunLimits(TaskLimiter(options.concurrency, tell=tell)),
        spending,
        SpendGate(spending),
        timing,
        tell,
        Counter(),
    )


@dataclass(frozen=True, slots=True, eq=False)
class StoryboardRun:
    """One storyboard while it runs, and when it has ended. ``base_url`` is the API origin as records name it."""

    storyboard: Storyboard
    facts: Mapping[str, FileFacts]
    plan: Plan
    base_url: str
    ledger: RunLedger
    connection: ApiConnection
    budget: Budget
    starting: StartingTakes
    ends: TakeEnds
    manifest: ManifestWriter
    takes: Takes

    @property
    def folder(self) -> Path:
        """The output folder."""
        return self.ledger.folder

    @property
    def outcomes(self) -> Mapping[tuple[str, int], Outcome]:
        """What came of the takes that this run is done with, by shot and take."""
        return self.ends.outcomes


def storyboard_run(
    prepared: Prepared, base_url: str, connection: ApiConnection, shared: Shared
) -> StoryboardRun:
    """Put one storyboard's run together: each stage gets what it needs."""
    source, planner = prepared.source, prepared.planner
    ledger = RunLedger(prepared.ledger, source.relative_path)
    clocks, limits = shared.clocks, shared.limits
    budget = Budget(source.storyboard.max_credits, ledger.history, shared.spending)
    starting = StartingTakes(limits)
    ends = TakeEnds(planner)
    manifest = ManifestWriter(source.storyboard, prepared.plan, ledger, base_url, clocks.wall)
    locks = NamedLocks()
    stages = _stages(prepared, ledger, connection, budget, starting, locks, shared)
    takes = Takes(
        ledger,
        planner,
        stages,
        ends,
        manifest,
        TakeReports(source.storyboard.id, ledger.history, shared.tell),
        locks,
        shared.stop,
        clocks,
        shared.options,
    )
    return StoryboardRun(
        source.storyboard,
        source.facts,
        prepared.plan,
        base_url,
        ledger,
        connection,
        budget,
        starting,
        ends,
        manifest,
        takes,
    )


def _stages(
    prepared: Prepared,
    ledger: RunLedger,
    connection: ApiConnection,
    budget: Budget,
    starting: StartingTakes,
    locks: NamedLocks,
    shared: Shared,
) -> Stages:
    source, clocks, limits = prepared.source, shared.clocks, shared.limits
    storyboard, client = source.storyboard.id, connection.client
    uploader = Uploader(storyboard, ledger, client, limits.uploads, shared.stop, clocks.wall, shared.tell)
    creates = Creates(
        storyboard,
        source.tables(),
        frozenset(source.catalog.ids()),
        ledger,
        connection,
        budget,
        shared.gate,
        limits.tasks,
        starting,
        shared.stop,
        shared.outage,
        clocks,
        shared.options.idempotency_window,
    )

    def follower(key: str) -> Follower:
        others, poll_interval = limits.tasks.held, shared.options.poll_interval
        return Follower(
            key, ledger, client, shared.timing, clocks, others=others, poll_interval=poll_interval
        )

    def fetcher(key: str, stale: bool) -> Fetcher:
        return Fetcher(key, ledger, connection, limits.downloads, shared.doubts, clocks, stale=stale)

    references = References(source.facts, ledger, prepared.planner, uploader, locks)
    return Stages(references, creates, follower, fetcher)
