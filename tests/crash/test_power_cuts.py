"""The power may be cut at any moment: what was paid for is known and found again, and is not paid for again."""

from __future__ import annotations

import functools
import sys
import tempfile
from pathlib import Path

import pytest

from crash.cuts import choose, cut_everywhere, lived_on, planned
from crash.power import EXTREMES, Disk
from crash.recording import Operation
from crash.scenarios import SCENARIOS, Recording, first_cut, record

pytestmark = [
    pytest.mark.skipif(
        sys.platform == "win32", reason="runs are recorded by what they ask of a POSIX system"
    ),
    pytest.mark.timeout(400),  # seconds of a processor that is shared by many: the work itself is 20
]

SEED = 20260511
LIVES = 8
"""States of each scenario that are lived on from here; ``make power`` takes all."""


@functools.cache
def recorded(name: str) -> Recording:
    """A scenario, run once; that the record misses nothing is checked while it is made."""
    with tempfile.TemporaryDirectory() as base:
        return record(Path(base), name, SCENARIOS[name])


@pytest.mark.parametrize("name", SCENARIOS)
def test_at_every_step_a_run_stands_on_what_is_safe(name: str) -> None:
    """Intents are safe before they are sent, task ids before they are asked for; what is safe once stays so."""
    found = cut_everywhere(recorded(name), seed=SEED, by_chance=3, since=first_cut(name))
    assert found.broken == []
    assert len(found.cuts) > 60


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_plan_after_any_cut_pays_for_nothing_again(name: str) -> None:
    """At every step, in each of the worst ways: the records can be read, and no task is to be made twice."""
    found = cut_everywhere(recorded(name), seed=SEED, by_chance=0, since=first_cut(name))
    assert list(planned(recorded(name), found.cuts)) == []


@pytest.mark.parametrize("name", SCENARIOS)
def test_runs_after_a_cut_finish_what_was_begun(name: str) -> None:
    """From a choice of states: all takes are there in the end, as the API's books have them, and nothing else."""
    found = cut_everywhere(recorded(name), seed=SEED, by_chance=1, since=first_cut(name))
    assert list(lived_on(recorded(name), choose(found.cuts, LIVES, SEED))) == []


def test_what_is_left_is_what_posix_promises() -> None:
    """Content by its own sync, a name by its folder's, a folder's own name by that of the one above it."""
    disk = Disk({"kept": (b"old", 1)})

    def left(how: str) -> dict[str, bytes | None]:
        return {path: found and found[0] for path, found in disk.left(*EXTREMES[how]).items()}

    def do(kind: str, path: str = "", target: str = "", **details: int | bytes) -> None:
        disk.apply(Operation(kind, path, target, **details))  # type: ignore[arg-type]

    do("mkdir", "new")
    do("create", "new/a")
    do("open", "new/a", handle=1)
    do("write", handle=1, content=b"abc")
    assert left("nothing") == {"kept": b"old"}
    assert left("everything") == {"kept": b"old", "new": None, "new/a": b"abc"}
    assert left("names without data") == {"kept": b"old", "new": None, "new/a": b""}
    assert left("names with zeros") == {"kept": b"old", "new": None, "new/a": b"\0\0\0"}
    do("sync", handle=1)
    do("open", "new", handle=2)
    do("sync", handle=2)
    assert left("nothing") == {"kept": b"old"}
    do("open", ".", handle=3)
    do("sync", handle=3)
    assert left("nothing") == {"kept": b"old", "new": None, "new/a": b"abc"}
    do("rename", "new/a", "kept")
    assert left("nothing") == {"kept": b"old", "new": None, "new/a": b"abc"}
    do("rmdir", "new")
    assert left("old names gone") == {"kept": b"old"}
    do("sync", handle=3)
    assert left("nothing") == {"kept": b"abc"}
