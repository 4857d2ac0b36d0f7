"""One storyboard in a run: its plan, its records, and the driver of its takes, put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path

from rivya_run.engine.budget import Budget, SpendGate
from rivya_run.engine.connection import ApiConnection
from rivya_run.engine.creates import Creates
from rivya_run.engine.fetch import Fetcher
from rivya_run.engine.follow import Follower
from rivya_run.engine.next_step import Outcome
from rivya_run.engine.other_takes import OtherTakes, Running
from rivya_run.engine.records import ManifestWriter, RunLedger
from rivya_run.engine.references import References
from rivya_run.engine.stop import Stop
from rivya_run.engine.take import TakeDriver
from rivya_run.engine.takes import Takes
from rivya_run.engine.task_slots import TaskLimiter
from rivya_run.engine.uploads import Uploader
from rivya_run.planning.forecast import Timing
from rivya_run.planning.plan import Plan
from rivya_run.progress import Event
from rivya_run.project.books import FILE, manifest_beside, uploads_of
from rivya_run.project.debits import BoardDebits
from rivya_run.project.other_choices import BoardResults
from rivya_run.project.plan import Prepared, RunOptions
from rivya_run.project.source import Source
from rivya_run.storyboard.model import Storyboard
from rivya_run.times import Clocks


@dataclass(frozen=True, slots=True, eq=False)
class StoryboardRun:
    """One storyboard while it runs, and when it has ended. ``base_url`` is the API origin as records name it."""

    source: Source
    plan: Plan
    base_url: str
    ledger: RunLedger
    connection: ApiConnection
    budget: Budget
    manifest: ManifestWriter
    takes: Takes

    @property
    def storyboard(self) -> Storyboard:
        """What is made."""
        return self.source.storyboard

    @property
    def folder(self) -> Path:
        """The output folder."""
        return self.ledger.folder

    @property
    def outcomes(self) -> Mapping[tuple[str, int], Outcome]:
        """What came of the takes that this run is done with, by shot and take."""
        return self.takes.ends.outcomes

    def catch_up(self) -> None:
        """Bring what lives elsewhere than in the output folder up to the records, what is known of all of it first.

        Raises OutputFolderError.
        """
        self.source.home.publish()
        self.source.home.catch_up(self.ledger.history.attempts.values())


def storyboard_run(
    prepared: Prepared,
    base_url: str,
    connection: ApiConnection,
    *,
    options: RunOptions,
    clocks: Clocks,
    stop: Stop,
    tasks: TaskLimiter,
    gate: SpendGate,
    timing: Timing,
    running: MutableMapping[Path, Running],
    tell: Callable[[Event], None],
) -> StoryboardRun:
    """Put one storyboard's run together: each stage gets what it needs. What comes by name is the whole run's."""
    source, planner, plan = prepared.source, prepared.planner, prepared.plan
    storyboard = source.storyboard.id
    budgets, debits = gate.spending.budgets.get(source.root), None
    if budgets is not None:
        history = prepared.ledger.history
        debits = BoardDebits(budgets, source.storyboard, source.folder, history, via=options.via)
    ledger = RunLedger(prepared.ledger, source.relative_path, debits, source.home)
    shared = debits is not None and debits.concerned
    budget = Budget(source.storyboard.max_credits, ledger.history, gate.spending, shared=shared)
    beside = manifest_beside(source.root, source.folder) if prepared.ledger.books != FILE else None
    manifest = ManifestWriter(source.storyboard, plan, ledger, base_url, clocks.wall, source.inputs, beside)
    uploader = Uploader(storyboard, ledger, connection, stop, clocks.wall, tell, uploads_of(prepared.ledger))
    references = References(source.facts, source.catalog, ledger, planner, uploader)
    window = options.idempotency_window
    creates = Creates(
        source, ledger, connection, budget, gate, tasks, stop, clocks, window, debits, via=options.via
    )

    def follower(key: str) -> Follower:
        others, interval = tasks.held, options.poll_interval
        return Follower(key, ledger, connection.client, timing, clocks, others=others, poll_interval=interval)

    def fetcher(key: str, stale: bool) -> Fetcher:
        return Fetcher(key, ledger, connection, clocks, stop, stale=stale)

    driver = TakeDriver(ledger, planner, references, creates, follower, fetcher, options)
    other_takes = OtherTakes(running, source.root, planner.lineage.other_storyboards.choices)
    takes = Takes(storyboard, ledger, planner, manifest, driver, other_takes, timing, tell)
    made = BoardResults(planner, ledger.history, source.home)
    running[source.path.resolve()] = Running(source.storyboard, made, takes.ends)
    return StoryboardRun(source, plan, base_url, ledger, connection, budget, manifest, takes)
