"""Books that version 0.1 wrote, of every kind of attempt, read as they always did.

The folder was made by version 0.1 in eight runs and an `adopt`: a renamed shot with stills, a changed prompt, shots
and running tasks that nobody asks for any more, failures (one charged), a lost answer, one found again, a create
that never arrived, one that an empty wallet refused, and a colleague's manifest that was taken in.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from command_line import rivya_run

FIXTURE = Path(__file__).resolve().parent.parent / "fixtures/books_of_0_1"


@pytest.fixture(params=["journal and manifest", "journal", "manifest"])
def storyboard(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A copy of the project with both of its books, or one of them."""
    shutil.copytree(FIXTURE, tmp_path / "project")
    books = {"journal": "journal.jsonl", "manifest": "manifest.json"}
    for book, name in books.items():
        if book not in request.param:
            (tmp_path / "project/outputs/old" / name).unlink()
    return tmp_path / "project/storyboard.yaml"


def shown(*words: str | Path) -> Any:
    """What a command prints as JSON."""
    result = rivya_run(*words)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_status_is_the_manifest_that_was_written_then(storyboard: Path) -> None:
    """Whichever of the books are there: every take, attempt, credit and file."""
    then = json.loads((FIXTURE / "outputs/old/manifest.json").read_bytes())
    now = shown("status", "--json", storyboard)
    del now["next"]  # 0.1 knew none
    now.pop("books", None)  # nor where they are, which is told of a manifest that is made again
    assert now == then


def test_the_plan_is_the_one_that_was_made_then(storyboard: Path) -> None:
    """Action, cost, key and parents of every take; its words may become better."""
    then = json.loads((FIXTURE / "plan.json").read_bytes())
    now = shown("plan", "--json", storyboard)
    del now["films"], now["next"]  # 0.1 knew none
    assert now["totals"].pop("wait") == 0  # nor decisions
    for step in (*then["steps"], *now["steps"]):
        del step["reason"]
    assert now == then
