"""A run from storyboard files to results: locks, books, plan, connections, and what came of it."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import anyio

from rivya_run import __version__
from rivya_run.durable import drop_leftovers
from rivya_run.engine.board import Board, Line
from rivya_run.engine.budget import Spending
from rivya_run.engine.executor import Executor, exit_code
from rivya_run.engine.session import Session
from rivya_run.engine.simulation import SIMULATED_KEY, SPEED, simulated
from rivya_run.engine.task_slots import TaskLimiter
from rivya_run.errors import RivyaError
from rivya_run.journal.attempt import AttemptState
from rivya_run.journal.take_entry import whole
from rivya_run.planning.forecast import Timing
from rivya_run.planning.plan import SPENDING, WORKING, Plan
from rivya_run.progress import Event
from rivya_run.project.ledger import Ledger
from rivya_run.project.lock import locked
from rivya_run.project.options import RunOptions
from rivya_run.project.places import MANIFEST, STATE
from rivya_run.project.plan import Prepared, Source, open_sources, prepare, run_started
from rivya_run.provider.http import Http
from rivya_run.provider.network import Network
from rivya_run.provider.origin import Secret, checked_base_url
from rivya_run.provider.rivya.client import RivyaClient
from rivya_run.provider.rivya.settings import SIMULATOR_ORIGIN, api_key, base_url
from rivya_run.provider.throttle import Pace
from rivya_run.storyboard.selection import selected_shots
from rivya_run.times import iso

NOWHERE = "http://127.0.0.1:9"
"""An origin that is never asked."""

BALANCE_WITHIN = 30.0
"""Seconds that a run waits for the balance before it goes on without."""

READ_WITHIN = 60.0
"""Seconds without a byte after which an answer is given up."""

Tell = Callable[[Event], None]
Confirm = Callable[[Sequence[Prepared]], None]


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run came to. ``error`` is what ended it early."""

    boards: tuple[Board, ...]
    exit_code: int
    error: RivyaError | None


Ended = Callable[[Sequence[Prepared], RunResult], None]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where requests go: ``url`` is asked, ``recorded`` stands in the records."""

    url: str
    recorded: str
    key: Secret | None
    network: Network = field(default_factory=Network)


def run(
    paths: list[Path],
    options: RunOptions,
    *,
    environment: Mapping[str, str],
    tell: Tell,
    confirm: Confirm | None = None,
    ended: Ended | None = None,
    now: Callable[[], float] = time.time,
) -> RunResult:
    """Make what is missing of some storyboards. ``confirm`` sees the plans first and may raise, ``ended`` what
    came of them while the folders are still held; ``now`` is the wall clock.

    Raises StoryboardError, UsageError, KeyRefused, OutputFolderError before anything was done.
    """
    sources = open_sources(paths, options)
    recorded = SIMULATOR_ORIGIN if options.simulate else checked_base_url(base_url(environment))
    if not options.simulate and not all(source.folder.exists() for source in sources):
        # Before a folder is made that would stay empty.
        api_key(environment)
        Network.of_environment()
    with ExitStack() as stack:
        prepared = _prepare_all(sources, options, recorded, stack, now)
        origins = _origins(prepared, recorded, environment, stack)
        if confirm is not None:
            confirm(prepared)
        result = anyio.run(_run, prepared, options, origins, tell, now)
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
    key, network = Secret(api_key(environment)), Network.of_environment()
    return [Origin(recorded, recorded, key, network)] * len(prepared)


def _prepare_all(
    sources: list[Source],
    options: RunOptions,
    recorded: str,
    stack: ExitStack,
    now: Callable[[], float],
) -> list[Prepared]:
    selections = selected_shots([source.storyboard for source in sources], options.only, options.exclude)
    prepared = []
    for source, selected in zip(sources, selections, strict=True):
        stack.enter_context(locked(source.folder, f"run {source.relative_path}"))
        for name in (MANIFEST, STATE):
            drop_leftovers(source.folder / name)
        ledger = Ledger(source.folder, now=lambda: iso(now()))
        stack.callback(ledger.close)
        prepared.append(prepare(source, ledger, options, selected, base_url=recorded, writing=True, now=now))
    return prepared


def _has_work(prepared: Prepared) -> bool:
    """Whether anything is to be asked of the API."""
    lost = any(attempt.lost for attempt in prepared.ledger.history.attempts.values())
    return bool(prepared.plan.orphans) or lost or any(s.action in WORKING for s in prepared.plan.steps)


async def _run(
    prepared: list[Prepared],
    options: RunOptions,
    origins: list[Origin],
    tell: Tell,
    now: Callable[[], float],
) -> RunResult:
    limiter = TaskLimiter(options.concurrency, tell=tell)
    spending = Spending(options.max_credits)
    session = Session(options, limiter, spending, Timing(poll_interval(options)), tell, now=now)
    for one in prepared:
        spending.watch(one.ledger.history)
        session.timing.learn_from(one.ledger.history.attempts.values())
    async with AsyncExitStack() as stack:
        stack.enter_context(session.interrupts.listening())
        lines: dict[Origin, Line] = {}
        for origin in origins:
            if origin not in lines:
                lines[origin] = await _connect(origin, session, stack)
        asked = origins[0].recorded != SIMULATOR_ORIGIN and origins[0].url != NOWHERE
        if asked and any(_creates(one) or _sends_again(one) for one in prepared):
            await _ask_balance(lines[origins[0]].client, prepared, session)
        boards = tuple(
            _board(one, origin, lines[origin], session) for one, origin in zip(prepared, origins, strict=True)
        )
        _tell_start(boards, tell)
        error = await Executor(boards, session).run()
    code = exit_code(boards, error)
    tell(Event("run_finished", detail={"exit_code": code}))
    return RunResult(boards, code, error)


def poll_interval(options: RunOptions) -> float:
    """Seconds, as asked for; the stand-in's tasks are asked for as much sooner as they end sooner."""
    return options.poll_interval / SPEED if options.simulate else options.poll_interval


async def _connect(origin: Origin, session: Session, stack: AsyncExitStack) -> Line:
    tell, limiter = session.tell, session.limiter
    pace = Pace(random=random.random, notify=tell)
    # A request that hangs may not outlast the patience that a person has with a whole take.
    patience = min(READ_WITHIN, max(1.0, session.options.timeout))
    for words in origin.network.notices:
        tell(Event("notice", detail={"message": words}))
    http = Http(origin.url, origin.key, pace=pace, read_timeout=patience, network=origin.network)
    await stack.enter_async_context(http)
    client = RivyaClient(
        http,
        clock=time.monotonic,
        random=random.random,
        tell=tell,
        trouble=limiter.trouble,
        listen=session.heard,
    )
    return Line(http, client)


def _creates(prepared: Prepared) -> bool:
    return any(step.action in SPENDING for step in prepared.plan.steps)


def _sends_again(prepared: Prepared) -> bool:
    return any(one.state is AttemptState.SENT for one in prepared.ledger.history.attempts.values())


async def _ask_balance(client: RivyaClient, prepared: list[Prepared], session: Session) -> None:
    """Learn what the wallet holds, and say so where that isn't enough.

    Any answer also tells the API's own clock, by which the age of a sending is judged.
    """
    with session.interrupts.cancelling():
        balance = await client.credits(
            deadline=session.clock() + min(BALANCE_WITHIN, session.options.timeout)
        )
        session.spending.balance = balance
        needed = sum(one.plan.totals.now for one in prepared)
        if balance is not None and balance < needed and any(_creates(one) for one in prepared):
            message = f"the wallet holds {balance:g} credits, this run is estimated to need {needed:g}"
            session.tell(Event("notice", detail={"message": message, "balance": balance, "needed": needed}))


def _board(one: Prepared, origin: Origin, line: Line, session: Session) -> Board:
    source = one.source
    if _has_work(one) or one.made_with is None:
        one.ledger.record(run_started(source, origin.recorded, __version__, os.getpid()))
        one.ledger.sync()  # with what a run that was killed wrote, and nobody synced
    return Board(
        source.storyboard,
        source.tables(),
        source.facts,
        one.ledger,
        one.planner,
        one.plan,
        session,
        line,
        relative_path=source.relative_path,
        base_url=origin.recorded,
        known_models=frozenset(source.catalog.ids()),
    )


def _tell_start(boards: Sequence[Board], tell: Tell) -> None:
    for board in boards:
        tell(started(board.storyboard.id, board.plan))


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
        },
    )
