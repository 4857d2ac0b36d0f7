"""A storyboard whose id is its file's name: renamed, its results are looked for under the old one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from examples import NOW, attempt, shot
from rivya_run.journal.events import Intended, RunStarted
from rivya_run.journal.store import Journal
from rivya_run.journal.take_entry import entry_of_attempt
from rivya_run.json_types import Json
from rivya_run.project.orphaned import OrphanedFolder, has_takes_of, is_new, left_behind
from rivya_run.project.places import JOURNAL, MANIFEST

MADE = attempt(shot("a"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project."""
    (tmp_path / "outputs").mkdir()
    return tmp_path


def with_manifest(root: Path, name: str, made_from: str) -> Path:
    """An output folder with a manifest of one take, and without a journal."""
    folder = root / "outputs" / name
    folder.mkdir()
    document: Json = {
        "version": 1,
        "storyboard": {"id": name, "path": made_from},
        "shots": [{"id": "a", "takes": [entry_of_attempt(MADE)]}],
        "uploads": [],
        "history": [],
    }
    (folder / MANIFEST).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return folder


def with_journal(root: Path, name: str, made_from: str) -> Path:
    """An output folder whose run was killed before it wrote a manifest."""
    journal = Journal(root / "outputs" / name / JOURNAL, now=lambda: NOW)
    journal.append(
        RunStarted(
            program="0.1",
            base_url="https://rivya.ai",
            storyboard_id=name,
            storyboard_path=made_from,
            storyboard_sha256="0" * 64,
            pid=1,
        )
    )
    journal.append(
        Intended(
            key=MADE.client_request_id,
            shot="a",
            take=1,
            fingerprint=MADE.fingerprint,
            number=1,
            model=MADE.model,
            body=MADE.body,
        )
    )
    journal.close()
    return root / "outputs" / name


@pytest.mark.parametrize("made", [with_manifest, with_journal])
def test_a_folder_whose_storyboard_is_gone_is_left_behind(root: Path, made: object) -> None:
    """By the manifest's head, or by the journal's first line where there is no manifest."""
    folder = made(root, "old", "old.yaml")  # type: ignore[operator]
    assert list(left_behind(root / "outputs/new", root)) == [OrphanedFolder(folder, "old", "old.yaml")]
    (root / "old.yaml").write_text("shots: []")
    assert list(left_behind(root / "outputs/new", root)) == []


def test_simulated_folders_are_looked_for_among_themselves(root: Path) -> None:
    """They never mix with paid ones."""
    paid, simulated = with_manifest(root, "old", "old.yaml"), with_manifest(root, "old.simulated", "old.yaml")
    assert [left.folder for left in left_behind(root / "outputs/new", root)] == [paid]
    [left] = left_behind(root / "outputs/new.simulated", root)
    assert (left.folder, left.id) == (simulated, "old")


@pytest.mark.parametrize(
    ("shots", "fingerprints", "expected"),
    [({"a"}, set(), True), (set(), {MADE.fingerprint}, True), ({"b"}, {"0" * 64}, False)],
)
@pytest.mark.parametrize("made", [with_manifest, with_journal])
def test_the_same_shots_or_the_same_takes_tell(
    root: Path, made: object, shots: set[str], fingerprints: set[str], expected: bool
) -> None:
    """A shot of that id, or a take that asks for the very same; a folder with neither is none of ours."""
    made(root, "old", "old.yaml")  # type: ignore[operator]
    [left] = left_behind(root / "outputs/new", root)
    assert has_takes_of(left, shots, fingerprints) is expected


def test_only_heads_are_read(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many large folders cost next to nothing: of a manifest only the head is parsed, no journal past a line."""
    folder = with_manifest(root, "old", "old.yaml")
    with_journal(root, "older", "older.yaml")
    manifest = root / "outputs/old" / MANIFEST
    manifest.write_bytes(manifest.read_bytes().replace(b'"takes": [', b'"takes": [1e999, '))
    (root / "outputs/old" / JOURNAL).write_bytes(b"\xff" * 1000)
    lines = (root / "outputs/older" / JOURNAL).read_bytes().splitlines(keepends=True)
    (root / "outputs/older" / JOURNAL).write_bytes(lines[0] + b"\xff\n" * 1000)
    assert [left.id for left in left_behind(folder.with_name("new"), root)] == ["old", "older"]


@pytest.mark.parametrize("text", ["", "[]", "<<<<<<< HEAD", '{"storyboard": 5, "shots": []}'])
def test_what_can_t_be_read_is_passed_over(root: Path, text: str) -> None:
    """A stranger's folder is no reason to stop."""
    (root / "outputs/odd").mkdir()
    (root / "outputs/odd" / MANIFEST).write_text(text)
    assert list(left_behind(root / "outputs/new", root)) == []
    assert list(left_behind(root / "none/new", root)) == []
    assert not has_takes_of(OrphanedFolder(root / "outputs/odd", "odd", "odd.yaml"), {"a"}, set())


def test_a_folder_is_new_until_something_is_on_record(root: Path) -> None:
    """A lock file alone is nothing."""
    folder = root / "outputs/new"
    assert is_new(folder)
    folder.mkdir()
    (folder / ".lock").touch()
    assert is_new(folder)
    (folder / MANIFEST).write_text(json.dumps({}))
    assert not is_new(folder)
    shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / JOURNAL).touch()
    assert not is_new(folder)
