"""What a run keeps of a storyboard: when the manifest is written, and who waits for which sync."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

import virtual_time
from examples import attempt, board, planner, shot, steps
from rivya_run.engine.records import ManifestWriter, RunLedger
from rivya_run.errors import FolderGone
from rivya_run.journal.attempt import AttemptState
from rivya_run.journal.events import Intended
from rivya_run.planning.plan import Step
from rivya_run.project.ledger import Ledger

BOARD = board(shot("a"))
NOW = "2026-05-11T00:00:00.000Z"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[RunLedger]:
    """The ledger of a storyboard with one shot, of which nothing is on record yet."""
    opened = Ledger(tmp_path, now=lambda: NOW)
    yield RunLedger(opened, "specs/board.yaml")
    opened.close()


def writer(ledger: RunLedger) -> tuple[ManifestWriter, Step]:
    """The manifest's writer, and the step of the only take."""
    plan = planner(BOARD, ledger.history).plan()
    return ManifestWriter(BOARD, plan, ledger, "https://api.example", lambda: 0.0, dict), steps(plan)["a/1"]


def intend(ledger: RunLedger, number: int = 1) -> str:
    """Put a create on record; its key."""
    made = attempt(BOARD.shots[0], 1, AttemptState.SENT, number=number)
    ledger.record(
        Intended(
            key=made.client_request_id,
            shot="a",
            take=1,
            fingerprint=made.fingerprint,
            number=number,
            model=made.model,
            body=made.body,
            estimate=10,
        )
    )
    return made.client_request_id


def take(ledger: RunLedger) -> dict[str, Any]:
    """The manifest's entry of the only take."""
    document = json.loads((ledger.folder / "manifest.json").read_bytes())
    entry: dict[str, Any] = document["shots"][0]["takes"][0]
    return entry


def test_the_manifest_is_written_when_something_changed(ledger: RunLedger) -> None:
    """At first, after an event, for another attempt, and where it must be; else the file stays as it is."""
    manifest, step = writer(ledger)
    path = ledger.folder / "manifest.json"

    def is_written(*, anyway: bool = False) -> bool:
        path.write_bytes(b"untouched")
        manifest.write(anyway=anyway)
        return path.read_bytes() != b"untouched"

    assert is_written()
    assert not is_written()
    assert is_written(anyway=True)
    key = intend(ledger)
    assert is_written()
    assert not is_written()
    manifest.serve(step, key)
    assert is_written()
    manifest.serve(step, key)
    assert not is_written()


def test_a_take_shows_the_attempt_that_serves_it_now(ledger: RunLedger) -> None:
    """The one before is history."""
    manifest, step = writer(ledger)
    manifest.write()
    assert take(ledger)["client_request_id"] is None
    for number in (1, 2):
        key = intend(ledger, number)
        manifest.serve(step, key)
        manifest.write()
        assert take(ledger)["client_request_id"] == key


@pytest.mark.usefixtures("no_threads")
def test_everybody_who_waits_shares_the_next_sync(ledger: RunLedger, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sync covers what was recorded before it began, for all who recorded; later records need another one."""
    syncs: list[int] = []
    monkeypatch.setattr(ledger.ledger, "sync", lambda: syncs.append(len(ledger.history.attempts)))

    async def body() -> None:
        async with anyio.create_task_group() as group:
            for number in range(1, 6):
                intend(ledger, number)
                group.start_soon(ledger.durable)
        intend(ledger, 6)
        await ledger.durable()

    virtual_time.run(body)
    assert syncs == [5, 6]


@pytest.mark.usefixtures("no_threads")
def test_the_journal_is_looked_at_also_where_nothing_was_recorded(ledger: RunLedger, tmp_path: Path) -> None:
    """A folder that went away is noticed while tasks only run."""

    async def body() -> None:
        intend(ledger, 1)
        await ledger.durable()
        (ledger.folder / "journal.jsonl").rename(tmp_path / "elsewhere")
        await ledger.durable()  # nothing was recorded: nothing is asked of the disk
        with pytest.raises(FolderGone):
            await ledger.durable(anyway=True)

    virtual_time.run(body)
