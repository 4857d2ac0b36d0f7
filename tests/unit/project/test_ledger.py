"""The ledger of one output folder: journal, history, and what a committed manifest knows besides."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from examples import NOW, attempt, history_of, shot, taken_in
from rivya_run.errors import ForeignFolder, OutputFolderError
from rivya_run.journal.attempt import AttemptState
from rivya_run.journal.events import Uploaded
from rivya_run.journal.fold import History
from rivya_run.journal.manifest import VERSION
from rivya_run.journal.take_entry import entry_of_attempt
from rivya_run.project.ledger import Ledger, foreign_knowledge, read_manifest
from rivya_run.project.places import JOURNAL, MANIFEST

UPLOADED = Uploaded(
    sha256="0" * 64,
    kind="image",
    model="m",
    path="refs/a.png",
    mime_type="image/png",
    bytes=5,
    url="https://u/1",
    file_id="f",
    duration_token="t",
    uploaded_at=NOW,
)


def opened(folder: Path) -> Ledger:
    """The folder's ledger, its clock standing still."""
    return Ledger(folder, now=lambda: NOW)


def written(folder: Path, document: Any) -> Path:
    """A manifest on disk."""
    path = folder / MANIFEST
    path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return path


def document_of(*states: AttemptState) -> dict[str, Any]:
    """A manifest of one shot with takes in these states."""
    takes = [entry_of_attempt(attempt(shot("a"), n, state)) for n, state in enumerate(states, start=1)]
    return {"version": VERSION, "shots": [{"id": "a", "takes": takes}], "history": [], "uploads": []}


def test_looking_writes_nothing(tmp_path: Path) -> None:
    """A folder that doesn't exist has an empty ledger, and still doesn't exist."""
    ledger = opened(tmp_path / "none")
    ledger.sync()
    ledger.close()
    assert ledger.history.attempts == {}
    assert not (tmp_path / "none").exists()


def test_what_is_recorded_is_known_at_once_and_by_the_next(tmp_path: Path) -> None:
    """Journal and history never differ."""
    ledger = opened(tmp_path)
    for event in taken_in([attempt(shot("a")), attempt(shot("b"), 1, AttemptState.RUNNING)]):
        ledger.record(event)
    ledger.record(UPLOADED)
    ledger.close()
    again = opened(tmp_path)
    assert again.history.attempts == ledger.history.attempts
    assert again.history.uploads == ledger.history.uploads
    assert again.history.spent() == ledger.history.spent() == 20


def test_imagining_leaves_no_trace(tmp_path: Path) -> None:
    """Commands that only look know what a manifest says without putting it on record."""
    ledger = opened(tmp_path)
    [event] = taken_in([attempt(shot("a"))])
    ledger.apply_unrecorded(event)
    assert len(ledger.history.attempts) == 1
    assert not (tmp_path / JOURNAL).exists()


def test_what_can_t_be_written_is_not_known_either(tmp_path: Path) -> None:
    """A failed append changes neither journal nor history."""
    ledger = opened(tmp_path / "file")
    (tmp_path / "file").write_text("")
    [event] = taken_in([attempt(shot("a"))])
    with pytest.raises(OutputFolderError):
        ledger.record(event)
    assert ledger.history.attempts == {}


def test_there_need_be_no_manifest(tmp_path: Path) -> None:
    """None, in a folder without and without a folder."""
    assert read_manifest(tmp_path) is None
    assert read_manifest(tmp_path / "none") is None


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "5", '{"shots": {', "<<<<<<< HEAD\n{}", '{"shots": [{"id": "a"}]}', "\ud800"]
)
def test_a_manifest_that_can_t_be_read_is_never_ignored(text: str, tmp_path: Path) -> None:
    """It may know of takes that were paid for: exit 7, with what to do."""
    (tmp_path / MANIFEST).write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(OutputFolderError) as caught:
        read_manifest(tmp_path)
    assert MANIFEST in caught.value.message
    assert "git" in (caught.value.hint or "")


def test_a_manifest_of_a_newer_version_asks_for_an_upgrade(tmp_path: Path) -> None:
    """Its meaning isn't guessed at."""
    written(tmp_path, document_of() | {"version": VERSION + 1})
    with pytest.raises(ForeignFolder) as caught:
        read_manifest(tmp_path)
    assert "upgrade" in (caught.value.hint or "")


def test_a_colleagues_run_is_taken_in(tmp_path: Path) -> None:
    """What the manifest knows and the journal doesn't; afterwards there are no more news."""
    document = document_of(AttemptState.STORED, AttemptState.RUNNING)
    document["uploads"] = [
        {
            "sha256": UPLOADED.sha256,
            "path": UPLOADED.path,
            "kind": "image",
            "model": "m",
            "mime_type": "image/png",
            "bytes": 5,
            "url": UPLOADED.url,
            "file_id": "f",
            "uploaded_at": NOW,
            "duration_token": "t",
        }
    ]
    written(tmp_path, document)
    found = read_manifest(tmp_path)
    assert found is not None
    ledger = opened(tmp_path)
    news = foreign_knowledge(found, ledger.history)
    assert UPLOADED in news
    for event in news:
        ledger.record(event)
    assert [one.state for one in ledger.history.attempts.values()] == [
        AttemptState.STORED,
        AttemptState.RUNNING,
    ]
    assert foreign_knowledge(found, ledger.history) == []


def test_an_old_manifest_takes_nothing_back() -> None:
    """The journal knows that the task has ended; a manifest of before is no news."""
    history = History()
    ended = attempt(shot("a"))
    history.attempts[ended.client_request_id] = ended
    assert foreign_knowledge(document_of(AttemptState.RUNNING), history) == []


@pytest.mark.parametrize(
    "broken",
    [
        {"version": "2", "shots": []},
        {"version": VERSION, "shots": [], "uploads": [{}]},
        {"version": VERSION, "shots": [], "uploads": 5},
        {"version": VERSION, "shots": 5},
        [],
        "<<<<<<< HEAD",
    ],
)
def test_a_document_that_is_no_manifest_is_refused_with_what_to_do(tmp_path: Path, broken: Any) -> None:
    """Whatever stands in manifest.json, there is a message and never a traceback."""
    written(tmp_path, broken)
    with pytest.raises(OutputFolderError, match="not a manifest") as caught:
        read_manifest(tmp_path)
    assert "restore it from git" in (caught.value.hint or "")


def test_a_newer_manifest_of_another_shape_asks_for_an_upgrade(tmp_path: Path) -> None:
    """The version is looked at before the shape."""
    written(tmp_path, {"version": VERSION + 1, "scenes": {}})
    with pytest.raises(ForeignFolder) as caught:
        read_manifest(tmp_path)
    assert caught.value.hint == "upgrade rivya-run"


def test_a_task_serves_one_attempt_also_after_a_pull() -> None:
    """A colleague adopted the same task for another take: refused as a whole, or it would count twice for ever."""
    mine = attempt(shot("a"), 1, AttemptState.RUNNING, task_id="task_1")
    theirs = attempt(shot("a"), 2, AttemptState.RUNNING, task_id="task_1")
    document = {
        "version": VERSION,
        "shots": [{"id": "a", "takes": [entry_of_attempt(theirs)]}],
        "history": [],
        "uploads": [],
    }
    with pytest.raises(ValueError, match="task task_1 serves a/1 already"):
        foreign_knowledge(document, history_of(mine))
