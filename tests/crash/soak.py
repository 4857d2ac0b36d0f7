"""``python -m crash.soak``: thousands of kills under faults from a seed; prints seed, kills, tasks, losses.

Each project is one storyboard with its own simulator, fault plan and sequence of deaths, all drawn from the
seed. Its runs are killed at random moments (journal lines, syncs, requests, downloads, renames), some in the
middle of a request; in between shots are renamed, prompts changed, sounds spoken anew, shots deleted and put
back, versions added, exchanged and removed, takes approved and picked, approvals asked for and taken back, and
manifests come from git that say what can't be, and are put right. Some simulators serve a result once. In some
projects hours pass between two runs, the machine's clock is wrong in some of them or jumps, and the API forgets
keys after an hour. Then the project is finished, by a person who decides about what is unknown, and held against
the simulator's books.
"""

from __future__ import annotations

import argparse
import atexit
import multiprocessing
import os
import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from command_line import rivya_run
from crash.crash_runs import KILLED, RIGHT, Clock, ForkServer, Project, open_project
from postgres_server import PostgresServer, postgres_server
from rivya_run.simulator.faults import FaultPlan

RATES = {
    "create-lost": 0.08,
    "create-refused": 0.05,
    "create-half": 0.04,
    "create-cut": 0.04,
    "create-html": 0.03,
    "create-lost-html": 0.03,
    "create-429": 0.05,
    "create-lost-500": 0.03,
    "create-503": 0.04,
    "create-disabled": 0.02,
    "create-conflict": 0.02,
    "create-slow": 0.05,
    "upload-lost": 0.1,
    "upload-503": 0.1,
    "status-lost": 0.04,
    "status-half": 0.04,
    "status-html": 0.04,
    "status-429": 0.04,
    "status-500": 0.04,
    "status-unknown": 0.06,
    "status-slow": 0.03,
    "task-failed": 0.06,
    "task-charged": 0.03,
    "task-moderated": 0.03,
    "download-lost": 0.06,
    "download-cut": 0.1,
    "download-short": 0.02,
    "download-no-range": 0.05,
    "download-etag": 0.05,
    "download-html": 0.05,
    "download-403": 0.05,
    "download-410": 0.03,
    "download-503": 0.06,
    "download-slow": 0.03,
}
"""Share of requests that meet each fault."""

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
WRONG_BY = [sign * much for much in (20.0, 50.0, 10 * MINUTE, HOUR, DAY, 400 * DAY) for sign in (1, -1)]
"""How wrong a clock may be, in seconds: behind and ahead."""

PASSES = [0.0, 0.0, 5.0, 10 * MINUTE, HOUR + 5, 2 * HOUR, DAY + HOUR]
"""How much time goes by between two runs of a project with a clock that is wrong, in seconds."""

FIRST_STEPS = 12
"""KillPoints of a run that are over before it may do anything: dying there again and again proves little."""


@dataclass
class Tally:
    """What a soak has seen."""

    projects: int = 0
    kills: int = 0
    runs: int = 0
    tasks: int = 0
    requests: int = 0
    nonsense: int = 0
    deaths: Counter[str] = field(default_factory=Counter)
    wrong_clocks: int = 0
    decisions: int = 0
    approvals: int = 0
    machines: int = 0
    losses: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Count in what another tally has seen."""
        for name in vars(self):
            setattr(self, name, getattr(self, name) + getattr(other, name))


def simulator_options(draw: random.Random) -> dict[str, Any]:
    """A stand-in with its own mixture of troubles."""
    options: dict[str, Any] = {
        "seed": draw.randrange(1 << 30),
        "faults": FaultPlan(draw.randrange(1 << 30), RATES, most=4),
        "slow_seconds": 0.05,
        "clip_bytes": draw.choice([4096, 40_000, 300_000]),
        "files_per_task": draw.choice([1, 1, 2]),
        "speed": draw.choice([1000.0, 40.0]),
    }
    if draw.random() < 0.3:
        options["url_lifetime"] = 0.2
    if draw.random() < 0.3:
        options["wallet"] = draw.choice([15, 25, 45])
        options["insufficient"] = draw.choice(["http", "task"])
        options["insufficient_status"] = draw.choice([402, 400, 403])
    if draw.random() < 0.3:
        options["concurrency_limit"] = draw.choice([1, 2, 3])
    if draw.random() < 0.2:
        options["rate_limit"] = 60.0
    if draw.random() < 0.25:
        options["serves"] = 1
        options["served_status"] = draw.choice([403, 404, 410])
    return options


def drawn_clock(draw: random.Random) -> Clock:
    """A machine's clock for one run: right, wrong all along, or set in the middle of it."""
    kind = draw.random()
    if kind < 0.4:
        return RIGHT
    wrong_by = draw.choice(WRONG_BY)
    if kind < 0.8:
        return Clock(wrong_by)
    other = draw.choice([0.0, *WRONG_BY])
    return Clock(wrong_by, (FIRST_STEPS + draw.randrange(40), other))


def one_project(
    root: Path, fork_server: ForkServer, seed: str, deaths: int, tally: Tally, database: str | None = None
) -> None:
    """Kill a project's runs ``deaths`` times, finish it, and hold it against the books.

    ``database``: the books are there, results in an object store, and each run may be another machine's, which has
    nothing of its own.
    """
    draw = random.Random(seed)
    timeless = draw.random() < 0.5 or database is not None
    # What an hour takes away from the API, beside keys, has moments of its own.
    memory = {} if timeless else {"key_lifetime": HOUR}
    with (
        open_project(root, fork_server, **simulator_options(draw), **memory) as project,
        _noted_if_it_fails(project),
    ):
        if database is not None:
            project.environment["RIVYA_RUN_DATABASE"] = database
            project.use_store(root / "store")
        done = 0
        while done < deaths:
            if not timeless:
                project.time.passed += draw.choice(PASSES)
                project.clock = drawn_clock(draw)
                tally.wrong_clocks += project.clock != RIGHT
            if draw.random() < 0.25:
                project.edit(draw)
            if draw.random() < 0.25:
                project.settle(draw)
                tally.approvals += 1
            if database is not None and not project.serves_once and draw.random() < 0.3:
                project.move_to_another_machine()
                tally.machines += 1
            if draw.random() < 0.15 and database is None:  # which puts a copy of the journal right at once
                said = project.say_nonsense(draw)
                tally.runs += said
                tally.nonsense += said
            if draw.random() < 0.2:
                ended = project.live(fatal_request=draw.randint(1, 12))
            else:
                ended = project.live(fatal=FIRST_STEPS + int(draw.expovariate(1 / 25)))
            tally.runs += 1
            if ended.status == KILLED:
                done += 1
                tally.kills += 1
                tally.deaths[ended.last] += 1
            elif ended.status == 5:
                project.simulator.state.top_up(20)
            elif ended.status == 6:
                project.decide()
                tally.decisions += 1
            elif ended.status == 8:
                project.approve(draw, most=2)
                project.write(f"still{project.names}")
                tally.approvals += 1
            elif ended.status == 0:
                break
        project.clock = RIGHT
        tally.runs += project.finish() + 1
        project.check()
        if database is not None:
            checked = rivya_run("account", "--check", "--database", database)
            assert checked.exit_code == 0, f"{checked.output}{checked.stderr}"
        tally.projects += 1
        tally.tasks += len(project.simulator.state.tasks())
        tally.requests += len(project.simulator.traffic.requests)


@contextmanager
def _noted_if_it_fails(project: Project) -> Iterator[None]:
    """The simulator's tasks beside the project's own records, for whoever looks why."""
    try:
        yield
    except AssertionError:
        tasks = [str(task) for task in project.simulator.state.tasks()]
        requests = [str(request) for request in project.simulator.traffic.requests]
        (project.root / "simulator.txt").write_text("\n".join([*tasks, *requests]), encoding="utf-8")
        raise


_fork_server: ForkServer
_postgres: PostgresServer | None = None


def _begin_worker(with_database: bool) -> None:
    """One warm process for each worker of a soak, and a database server, for as long as the worker lives."""
    global _fork_server, _postgres
    kept = ExitStack()
    atexit.register(kept.close)
    _fork_server = kept.enter_context(ForkServer())
    if with_database:
        _postgres = kept.enter_context(postgres_server())


def _tallied(name: str, deaths: int) -> Tally:
    """One project in a worker. A loss is noted with the seed that shows it again, and its folder is kept."""
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="rivya-soak-") as root:
        try:
            database = _postgres.new_books() if _postgres is not None else None
            one_project(Path(root), _fork_server, name, deaths, tally, database)
        except AssertionError as error:
            kept = Path(tempfile.mkdtemp(prefix=f"rivya-soak-{name}-"))
            shutil.copytree(root, kept, dirs_exist_ok=True)
            tally.losses.append(f"{name} (kept in {kept}): {error}")
    return tally


def soak(
    seed: int, kills: int, *, jobs: int, deaths: int = 25, show: bool = False, database: bool = False
) -> Tally:
    """Projects, ``jobs`` at once, until so many kills are done or five are lost; ``database``: with books there."""
    tally, number = Tally(), 0
    running: dict[Future[Tally], int] = {}
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), _begin_worker, (database,)) as pool:
        while True:
            open_kills = kills - tally.kills - sum(running.values())
            while open_kills > 0 and len(running) < jobs and len(tally.losses) < 5:
                number += 1
                asked = min(deaths, open_kills)
                running[pool.submit(_tallied, f"{seed}.{number}", asked)] = asked
                open_kills -= asked
            if not running:
                return tally
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                del running[future]
                tally.add(future.result())
                if show and tally.projects % 10 == 0:
                    print(f"{tally.kills} kills in {tally.projects} projects", flush=True)  # noqa: T201


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--kills", type=int, default=3000)
    parser.add_argument("--again", metavar="SEED.NUMBER", help="show one project again")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="projects at once")
    parser.add_argument("--database", action="store_true", help="books in a database, runs on other machines")
    given = parser.parse_args()
    began = time.monotonic()
    seed = given.seed if given.seed is not None else random.SystemRandom().randrange(1 << 20)
    if given.again:
        _begin_worker(given.database)
        tally = _tallied(given.again, 25)
    else:
        tally = soak(seed, given.kills, jobs=given.jobs, show=True, database=given.database)
    for loss in tally.losses:
        print(loss)  # noqa: T201
    print(  # noqa: T201
        f"seed {seed}: {tally.kills} kills at {len(tally.deaths)} kinds of moments, {tally.projects} projects, "
        f"{tally.runs} runs ({tally.wrong_clocks} with a wrong clock, {tally.nonsense} over nonsense), "
        f"{tally.requests} requests, {tally.tasks} tasks, {tally.decisions} decisions by hand, "
        f"{tally.approvals} approvals and picks, {tally.machines} moves to another machine, "
        f"{len(tally.losses)} losses, "
        f"{time.monotonic() - began:.0f} s"
    )
    return 1 if tally.losses else 0


if __name__ == "__main__":
    raise SystemExit(main())
