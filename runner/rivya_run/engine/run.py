"""A run from storyboard files to results: locks, books, plan, connections, and what came of it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from rivya_run import __version__
from rivya_run.durable import drop_leftovers
from rivya_run.engine.connection import (
    NOWHERE,
    SIMULATED_KEY,
    SPEED,
    ApiConnection,
    Origin,
    connected,
    simulated,
)
from rivya_run.engine.executor import Executor
from rivya_run.engine.run_end import exit_code
from rivya_run.engine.stop import Interrupts
from rivya_run.engine.storyboard_run import StoryboardRun
from rivya_run.errors import RivyaError
from rivya_run.journal.attempt import AttemptState
from rivya_run.journal.take_entry import whole
from rivya_run.planning.forecast import Timing
from rivya_run.planning.plan import SPENDING, WORKING, Plan
from rivya_run.progress import Event
from rivya_run.project.books import FILE, debit_table, open_database, pace_of, written_by_us
from rivya_run.project.budget_file import ProjectBudget, read_budgets
from rivya_run.project.debits import ProjectBudgets
from rivya_run.project.places import MANIFEST, STATE
from rivya_run.project.plan import Prepared, RunOptions, open_sources, prepare, run_started
from rivya_run.project.source import Source
from rivya_run.project.via_cap import via_cap
from rivya_run.provider.network import Network
from rivya_run.provider.origin import SIMULATOR_ORIGIN, Secret, api_key, base_url, checked_base_url
from rivya_run.provider.rivya.client import RivyaClient
from rivya_run.storyboard.selection import selected_shots
from rivya_run.times import Clocks

if TYPE_CHECKING:
    from rivya_run.postgres.database import Database

BALANCE_WITHIN = 30.0
"""Seconds that a run waits for the balance before it goes on without."""

Tell = Callable[[Event], None]
Confirm = Callable[[Sequence[Prepared]], None]


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run came to. ``error`` is what ended it early."""

    boards: tuple[StoryboardRun, ...]
    exit_code: int
    error: RivyaError | None


Ended = Callable[[Sequence[Prepared], RunResult], None]


def run(
    paths: list[Path],
    options: RunOptions,
    *,
    environment: Mapping[str, str],
    tell: Tell,
    confirm: Confirm | None = None,
    ended: Ended | None = None,
    now: Callable[[], float] = time.time,
    interrupts: Interrupts | None = None,
) -> RunResult:
    """Make what is missing of some storyboards. ``confirm`` sees the plans first and may raise, ``ended`` what
    came of them while the folders are still held; ``now`` is the wall clock. Signals ask to stop, and so does whoever
    has ``interrupts``.

    Raises StoryboardError, UsageError, KeyRefused, OutputFolderError before anything was done.
    """
    sources = open_sources(paths, options)
    found = {} if options.simulate else {one.root: read_budgets(one.root) for one in sources}
    recorded = SIMULATOR_ORIGIN if options.simulate else checked_base_url(base_url(environment))
    if not options.simulate and not all(source.folder.exists() for source in sources):
        # Before a folder is made that would stay empty.
        api_key(environment)
        Network.of_environment()
    stopping = interrupts or Interrupts()
    with ExitStack() as stack:
        database = stack.enter_context(open_database(options.database, simulate=options.simulate))
        if database is not None:
            now = database.now  # the one clock of all machines
            database.hurried = lambda: stopping.heard
        prepared = _prepare_all(sources, options, recorded, stack, now, database)
        origins = _origins(prepared, recorded, environment, stack)
        budgets = _budgets(prepared, options, found, now, database)
        if confirm is not None:
            confirm(prepared)
        results: list[RunResult] = []

        async def carry_out() -> None:
            # Not returned: asyncio writes out what its task gave, all ten thousand takes of it, only to look whether
            # the handler of Ctrl-C is still its own.
            results.append(await _run(prepared, options, origins, tell, now, budgets, stopping))

        anyio.run(carry_out)
        [result] = results
        if ended is not None:
            ended(prepared, result)
        return result


def _origins(
    prepared: list[Prepared], recorded: str, environment: Mapping[str, str], stack: ExitStack
) -> list[Origin]:
    """Where each storyboard's requests go. With nothing to ask for, no key is needed and nothing is started."""
    if not any(_has_work(one) for one in prepared):
        return [Origin(NOWHERE, recorded, None) for _ in prepared]
    if recorded == SIMULATOR_ORIGIN:
        simulations = [stack.enter_context(simulated(one.source)) for one in prepared]
        return [Origin(url, recorded, Secret(SIMULATED_KEY)) for url in simulations]
    # One for all: the key, and with it the pace of requests, is the account's.
    key, network = api_key(environment), Network.of_environment()
    return [Origin(recorded, recorded, key, network)] * len(prepared)


def _budgets(
    prepared: list[Prepared],
    options: RunOptions,
    found: Mapping[Path, tuple[ProjectBudget, ...]],
    now: Callable[[], float],
    database: Database | None,
) -> dict[Path, ProjectBudgets]:
    """The budgets of each project in which something is to be made, with all that counts towards them."""
    places = [one.source.folder.parent for one in prepared]
    cap = via_cap(options)
    budgets = {}
    # In a database also where nothing is to be made: what a process that died left there keeps others waiting.
    counting = [one for one in prepared if database is not None or _has_work(one)]
    for root in dict.fromkeys(one.source.root for one in counting):
        if found.get(root) or cap is not None or database is not None:
            store = debit_table(database, [one.ledger for one in prepared]) if database is not None else None
            budgets[root] = ProjectBudgets(root, found.get(root, ()), places, now, store, cap=cap)
            budgets[root].open([one.source.folder for one in prepared if one.source.root == root])
    return budgets


def _prepare_all(
    sources: list[Source],
    options: RunOptions,
    recorded: str,
    stack: ExitStack,
    now: Callable[[], float],
    database: Database | None,
) -> list[Prepared]:
    selections = selected_shots([source.storyboard for source in sources], options.only, options.exclude)
    prepared = []
    for source, selected in zip(sources, selections, strict=True):
        purpose = f"run {source.relative_path}"
        ledger = stack.enter_context(written_by_us(source.folder, purpose, database, now))
        for name in (MANIFEST, STATE):
            drop_leftovers(source.folder / name)
        prepared.append(prepare(source, ledger, options, selected, base_url=recorded, writing=True, now=now))
    return prepared


def _has_work(prepared: Prepared) -> bool:
    """Whether anything is to be asked of the API."""
    lost = any(
        attempt.state is AttemptState.TASK_MISSING for attempt in prepared.ledger.history.attempts.values()
    )
    return bool(prepared.plan.orphans) or lost or any(s.action in WORKING for s in prepared.plan.steps)


async def _run(
    prepared: list[Prepared],
    options: RunOptions,
    origins: list[Origin],
    tell: Tell,
    now: Callable[[], float],
    budgets: Mapping[Path, ProjectBudgets],
    interrupts: Interrupts,
) -> RunResult:
    executor = Executor(options, Clocks(wall=now), Timing(poll_interval(options)), tell, interrupts)
    executor.gate.spending.budgets = budgets
    async with AsyncExitStack() as stack:
        stack.enter_context(interrupts.listening())
        connections: dict[Origin, ApiConnection] = {}
        shared = pace_of(prepared[0].ledger)
        for origin in origins:
            if origin not in connections:
                connection = connected(origin, options.timeout, tell, executor.stop.record_exchange, shared)
                connections[origin] = await stack.enter_async_context(connection)
        asked = origins[0].recorded != SIMULATOR_ORIGIN and origins[0].url != NOWHERE
        if asked and any(_creates(one) or _sends_again(one) for one in prepared):
            with interrupts.cancelling():
                client = connections[origins[0]].client
                until = anyio.current_time() + min(BALANCE_WITHIN, options.timeout)
                executor.gate.spending.balance = await _ask_balance(client, prepared, until, tell)
        for one, origin in zip(prepared, origins, strict=True):
            _begin(one, origin)
            executor.add(one, origin.recorded, connections[origin])
            if one.ledger.books != FILE:
                # Who has only the manifest learns where the books are, before anything is paid.
                executor.storyboards[-1].manifest.write(anyway=True)
        for storyboard in executor.storyboards:
            tell(started(storyboard.storyboard.id, storyboard.plan))
        error = await executor.run()
    for storyboard in executor.storyboards:
        if storyboard.ledger.debits is not None:
            storyboard.ledger.debits.close()
    code = exit_code(executor.storyboards, error)
    tell(Event("run_finished", detail={"exit_code": code}))
    return RunResult(tuple(executor.storyboards), code, error)


def poll_interval(options: RunOptions) -> float:
    """Seconds, as asked for; the stand-in's tasks are asked for as much sooner as they end sooner."""
    return options.poll_interval / SPEED if options.simulate else options.poll_interval


def _creates(prepared: Prepared) -> bool:
    return any(step.action in SPENDING for step in prepared.plan.steps)


def _sends_again(prepared: Prepared) -> bool:
    return any(one.state is AttemptState.SENT for one in prepared.ledger.history.attempts.values())


async def _ask_balance(
    client: RivyaClient, prepared: list[Prepared], deadline: float, tell: Tell
) -> float | None:
    """What the wallet holds, where that can be learnt; whether it isn't enough is told.

    Any answer also tells the API's own clock, by which the age of a sending is judged.
    """
    balance = await client.credits(deadline=deadline)
    needed = sum(one.plan.totals.now for one in prepared)
    least = "at least " if any(one.plan.at_least for one in prepared) else ""
    if balance is not None and balance < needed and any(_creates(one) for one in prepared):
        message = f"the wallet holds {balance:g} credits, this run is estimated to need {least}{needed:g}"
        tell(Event("notice", detail={"message": message, "balance": balance, "needed": needed}))
    return balance


def _begin(one: Prepared, origin: Origin) -> None:
    """Put a run on record if it has anything to do."""
    if _has_work(one) or one.made_with is None:
        one.ledger.record(run_started(one.source, origin.recorded, __version__, os.getpid()))
        one.ledger.sync()  # with what a run that was killed wrote, and nobody synced


def started(storyboard: str, plan: Plan) -> Event:
    """The event that a storyboard's run begins with."""
    counts = {action.value: count for action, count in plan.totals.counts if count}
    scenes = list(dict.fromkeys(step.shot.scene or "" for step in plan.steps))
    return Event(
        "run_started",
        storyboard=storyboard,
        detail={
            "takes": len(plan.steps),
            "actions": dict(counts),
            "credits": whole(plan.totals.now),
            "scenes": [*scenes],
            **({"at_least": True} if plan.at_least else {}),
        },
    )
