"""Whole runs against a scripted API, on a clock that jumps: hours of waiting take milliseconds."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import anyio
import httpx2
import pytest

import virtual_time
from mock_api import KEY, ORIGIN
from rivya_run.engine.connection import ApiConnection
from rivya_run.engine.executor import Executor
from rivya_run.engine.next_step import Outcome
from rivya_run.engine.run_end import exit_code
from rivya_run.engine.stop import Interrupts
from rivya_run.engine.storyboard_run import StoryboardRun
from rivya_run.errors import RivyaError
from rivya_run.journal.attempt import Attempt
from rivya_run.journal.events import Intended
from rivya_run.planning.forecast import Timing
from rivya_run.project.ledger import Ledger
from rivya_run.project.plan import RunOptions, open_sources, prepare
from rivya_run.project.source import Source
from rivya_run.provider.http import Http
from rivya_run.provider.origin import Secret
from rivya_run.provider.rivya.client import RivyaClient
from rivya_run.provider.throttle import Pace
from rivya_run.times import Clocks, iso

EPOCH = 1_778_500_000.0
LONGEST = 100_000.0
"""Seconds after which a run hangs."""

LOST = httpx2.ReadTimeout("lost")
UNREACHED = httpx2.ConnectError("refused")

Answer: TypeAlias = "httpx2.Response | Exception"
Script: TypeAlias = Callable[["ScriptedRun", str], Answer]
"""What a create is answered with, by its shot (``upload`` for an upload); ``turns`` counts it already."""


def made(shot: str, **fields: object) -> httpx2.Response:
    """A task for a create."""
    return httpx2.Response(200, json=task(f"task_{shot}", "queued", **fields))


def task(task_id: str, status: str, **fields: object) -> dict[str, object]:
    """A task object."""
    error = {"code": "generation_failed", "message": "No."} if status == "failed" else None
    return {"id": task_id, "status": status, "reserved_credits": 10, "error": error, **fields}


@dataclass
class ScriptedRun:
    """Storyboards in one folder, carried by the real executor.

    ``creates`` has shot and seconds since the run began of every POST that reached the API; ``asleep`` is added
    to the wall clock alone, ``slept`` to the clock that nobody can set. Tasks fail, free of charge, ``lasts`` seconds
    after they were made.
    """

    root: Path
    script: Script
    lasts: float = 10.0
    asleep: float = 0.0
    slept: float = 0.0
    creates: list[tuple[str, float]] = field(default_factory=list)
    boards: list[StoryboardRun] = field(default_factory=list)
    error: RivyaError | None = None
    ended_at: float = 0.0
    _made_at: dict[str, float] = field(default_factory=dict)
    _began: float | None = None

    def now(self) -> float:
        """Seconds since the run began."""
        return anyio.current_time() - self._began if self._began is not None else 0.0

    def wall(self) -> float:
        """The wall clock, which also goes on while the machine sleeps."""
        return EPOCH + self.now() + self.asleep

    def steady(self) -> float:
        """The clock that nobody can set."""
        return anyio.current_time() + self.slept

    def turns(self, shot: str) -> int:
        """How many creates of this shot have reached the API."""
        return sum(name == shot for name, _ in self.creates)

    def attempt(self, shot: str) -> Attempt:
        """The last attempt of a shot's first take."""
        return next(found[-1] for board in self.boards if (found := board.ledger.history.of_take(shot, 1)))

    def outcome(self, shot: str) -> Outcome:
        """What came of a shot's first take."""
        return next(board.outcomes[shot, 1] for board in self.boards if (shot, 1) in board.outcomes)

    def run(
        self,
        *texts: str,
        options: RunOptions,
        open_creates: Sequence[tuple[str, float]] = (),
        balance: float | None = None,
    ) -> int:
        """Run some storyboards; the exit code. ``open_creates``: shots whose creates were sent so long ago."""
        (self.root / "outputs").mkdir(exist_ok=True)
        paths = [self.root / f"board{number}.yaml" for number in range(1, len(texts) + 1)]
        for path, text in zip(paths, texts, strict=True):
            path.write_text(text)
        sources = open_sources(paths, options)

        async def at_once(work: Callable[..., object], *args: object, **how: object) -> object:
            return work(*args)  # a clock that jumps doesn't wait for threads

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(anyio.to_thread, "run_sync", at_once)
            return virtual_time.run(lambda: self._run(sources, options, open_creates, balance))

    async def _run(
        self,
        sources: list[Source],
        options: RunOptions,
        open_creates: Sequence[tuple[str, float]],
        balance: float | None,
    ) -> int:
        clocks = Clocks(anyio.current_time, self.wall, self.steady)
        timing = Timing(options.poll_interval)
        executor = Executor(options, clocks, timing, lambda event: None, Interrupts())
        executor.gate.spending.balance = balance
        pace = Pace(random=lambda: 0.5)
        transport = httpx2.MockTransport(self._answer)
        async with Http(
            ORIGIN,
            Secret(KEY),
            pace=pace,
            transport=transport,
            clock=anyio.current_time,
            steady=self.steady,
        ) as http:
            client = RivyaClient(
                http, clock=anyio.current_time, random=lambda: 0.5, listen=executor.stop.record_exchange
            )
            connection = ApiConnection.of(http, client)
            for source in sources:
                ledger = Ledger(source.folder, now=lambda: iso(self.wall()))
                self._intend(source, ledger, options, open_creates)
                prepared = prepare(
                    source, ledger, options, None, base_url=ORIGIN, writing=True, now=self.wall
                )
                executor.add(prepared, ORIGIN, connection)
            self.boards = executor.storyboards
            self._began = anyio.current_time()
            try:
                with anyio.fail_after(LONGEST):
                    self.error = await executor.run()
            finally:
                self.ended_at = self.now()
                for board in self.boards:
                    board.ledger.ledger.close()
        return exit_code(self.boards, self.error)

    def _intend(
        self,
        source: Source,
        ledger: Ledger,
        options: RunOptions,
        open_creates: Sequence[tuple[str, float]],
    ) -> None:
        """Put creates on record that an earlier run sent, and of which it never heard."""
        awake = self.asleep
        plan = prepare(source, ledger, options, None, base_url=ORIGIN, writing=True, now=self.wall).plan
        for shot, age in sorted(open_creates, key=lambda one: -one[1]):  # the clock goes on from line to line
            for step in plan.steps:
                if step.shot.id == shot and step.request_key is not None and step.fingerprint is not None:
                    self.asleep = awake - age
                    body = json.dumps({"client_request_id": step.request_key})
                    ledger.record(
                        Intended(
                            key=step.request_key,
                            shot=shot,
                            take=1,
                            fingerprint=step.fingerprint,
                            number=step.number,
                            model=step.shot.model,
                            body=body,
                            estimate=10,
                            price_key=f"{shot}'s",
                        )
                    )
        self.asleep = awake

    async def _answer(self, request: httpx2.Request) -> httpx2.Response:
        body = await request.aread()
        await anyio.sleep(0.01)
        if request.method == "POST":
            uploads = request.url.path.endswith("/files")
            shot = "upload" if uploads else json.loads(body)["client_request_id"].split(".")[1]
            self.creates.append((shot, self.now()))
            answer = self.script(self, shot)
            if isinstance(answer, Exception):
                raise answer
            if answer.status_code == 200:
                self._made_at.setdefault(answer.json()["id"], self.now())
            return answer
        task_id = request.url.path.rpartition("/")[2]
        over = self.now() >= self._made_at[task_id] + self.lasts
        return httpx2.Response(200, json=task(task_id, "failed" if over else "processing", final_credits=0))
