"""What a run finds damaged, missing, altered or taken: it goes on, or says plainly why not; it never pays again."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fault_cases import Watched, all_whole, board, ended, misbehaving, statuses
from projects import Project
from rivya_run.durable import unwritable, write_atomically
from rivya_run.journal import store as journal_module
from rivya_run.journal.store import read_journal
from rivya_run.progress import Event
from rivya_run.project.lock import locked
from rivya_run.simulator.faults import Rule
from simulation import hosted

pytestmark = pytest.mark.usefixtures("let_go")


@pytest.fixture
def made(project: Project) -> Project:
    """Three takes that are paid for and on disk."""
    project.write(board(3))
    assert project.run().exit_code == 0
    return project


def journal(project: Project) -> Path:
    """Its journal."""
    return project.folder() / "journal.jsonl"


def output(project: Project, label: str = "s01/1") -> Path:
    """The file of a take."""
    return project.folder() / str(project.takes()[label]["outputs"][0]["path"])


def free(project: Project, **options: Any) -> None:
    """A further run ends well and creates nothing."""
    before = project.simulator.traffic.counts["create"]
    assert project.run(**options).exit_code == 0
    assert project.simulator.traffic.counts["create"] == before
    all_whole(project)


@pytest.mark.parametrize("torn", [b'{"n":99,"at":"2026', b"\0" * 300, b'{"n":99,"at":"x","event":"created"}'])
def test_a_torn_last_line_is_cut_off(made: Project, torn: bytes) -> None:
    """The machine went down while it was written; nothing was done on its word."""
    good = journal(made).read_bytes()
    journal(made).write_bytes(good + torn)
    output(made).unlink()
    free(made)
    assert journal(made).read_bytes().startswith(good)
    read_journal(journal(made))


def test_a_last_line_without_its_end_still_counts(made: Project) -> None:
    """Its seal holds, so it is whole; what follows starts a new line."""
    good = journal(made).read_bytes()
    journal(made).write_bytes(good[:-1])
    output(made).unlink()
    free(made)
    assert journal(made).read_bytes().startswith(good)


def test_a_line_damaged_in_the_middle_stops_everything(made: Project) -> None:
    """Exit code 7, naming file and line; nothing is guessed, asked or written."""
    lines = journal(made).read_bytes().splitlines(keepends=True)
    lines[3] = lines[3].replace(b'"at":"2', b'"at":"3', 1)
    journal(made).write_bytes(b"".join(lines))
    asked = len(made.simulator.traffic.requests)
    code, words = ended(made)
    assert code == 7
    assert "journal.jsonl:4" in words
    assert len(made.simulator.traffic.requests) == asked
    assert journal(made).read_bytes() == b"".join(lines)


def test_a_line_that_is_missing_in_the_middle_stops_everything(made: Project) -> None:
    """Lines are numbered."""
    lines = journal(made).read_bytes().splitlines(keepends=True)
    journal(made).write_bytes(b"".join(lines[:3] + lines[4:]))
    code, words = ended(made)
    assert code == 7
    assert "journal.jsonl:4" in words


def test_the_manifest_is_written_again_when_it_is_missing(made: Project) -> None:
    """It is derived; the rerun asks nobody."""
    manifest = made.folder() / "manifest.json"
    before = manifest.read_bytes()
    manifest.unlink()
    asked = len(made.simulator.traffic.requests)
    free(made)
    assert manifest.read_bytes() == before
    assert len(made.simulator.traffic.requests) == asked


def test_a_missing_journal_is_made_up_for_by_the_manifest(made: Project) -> None:
    """What the manifest knows is taken in."""
    spent = made.manifest()["totals"]
    journal(made).unlink()
    free(made)
    assert made.manifest()["totals"] == spent


def test_a_manifest_from_git_that_knows_more_is_taken_in(tmp_path: Path) -> None:
    """A colleague made the third shot: it is fetched here."""
    with hosted() as simulator:
        mine, theirs = Project(tmp_path / "mine", simulator), Project(tmp_path / "theirs", simulator)
        mine.write(board(2))
        assert mine.run().exit_code == 0
        theirs.write(board(3))
        (theirs.root / "outputs/board").mkdir()
        (theirs.folder() / "manifest.json").write_bytes((mine.folder() / "manifest.json").read_bytes())
        assert theirs.run().exit_code == 0
        mine.write(board(3))
        (mine.folder() / "manifest.json").write_bytes((theirs.folder() / "manifest.json").read_bytes())
        free(mine)
        assert len(simulator.state.tasks()) == 3


def test_a_manifest_with_a_merge_conflict_is_not_overwritten(made: Project) -> None:
    """It may know of paid takes: exit code 7 until a person has resolved it."""
    manifest = made.folder() / "manifest.json"
    manifest.write_text("<<<<<<< HEAD\n" + manifest.read_text())
    code, words = ended(made)
    assert code == 7
    assert "merge conflict" in words
    assert manifest.read_text().startswith("<<<<<<<")


def test_missing_and_altered_outputs_are_fetched_again(made: Project) -> None:
    """The altered one is kept beside, under .changed."""
    first, second = output(made, "s01/1"), output(made, "s02/1")
    first.unlink()
    second.write_bytes(second.read_bytes() + b"edited")
    free(made)
    assert (second.with_name(f"{second.stem}.changed{second.suffix}")).read_bytes().endswith(b"edited")
    second.write_bytes(b"edited again")
    free(made)
    assert (second.with_name(f"{second.stem}.changed_2{second.suffix}")).read_bytes() == b"edited again"


def test_what_can_not_be_fetched_any_more_is_never_made_again(tmp_path: Path) -> None:
    """Exit code 1, the take stays paid for, no create."""
    with misbehaving(tmp_path, Rule("download-404", "*.s01.*", turns=tuple(range(2, 200)))) as project:
        project.write(board(2))
        assert project.run().exit_code == 0
        output(project).unlink()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("rivya_run.provider.rivya.retry.BACK_OFF_BASE", 0.001)
            assert project.run(timeout=1).exit_code == 1
        assert project.simulator.traffic.counts["create"] == 2
        assert project.steps()["s01/1"].action.value == "download"


def test_a_file_that_lies_elsewhere_in_the_folder_is_found_again(made: Project) -> None:
    """Killed between the record of a rename and the rename itself, or moved by a person: nothing is fetched."""
    path = output(made)
    path.rename(output(made, "s02/1").with_name("moved.mp4"))
    fetched = made.simulator.traffic.counts["download"]
    free(made)
    assert made.simulator.traffic.counts["download"] == fetched
    assert path.is_file()


def test_a_folder_of_another_origin_is_refused(made: Project) -> None:
    """Exit code 7 without --new-origin, before anything is asked."""
    with hosted() as other:
        made.simulator = other
        code, words = ended(made)
        assert code == 7
        assert "--new-origin" in words
        assert not other.traffic.requests
        assert ended(made, new_origin=True)[0] == 0


def test_a_folder_of_a_newer_version_is_refused(made: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Journal and manifest both say which version wrote them."""
    manifest = made.folder() / "manifest.json"
    document = made.manifest()
    manifest.write_text(json.dumps({**document, "version": 2}))
    code, words = ended(made)
    assert (code, "newer version" in words) == (7, True)
    manifest.write_text(json.dumps(document))
    monkeypatch.setattr(journal_module, "VERSION", 0)
    code, words = ended(made)
    assert (code, "newer version" in words) == (7, True)


def test_the_second_of_two_runs_is_turned_away(made: Project) -> None:
    """Exit code 7, naming the process that has the folder."""
    with locked(made.folder(), "run storyboard.yaml"):
        code, words = ended(made)
    assert code == 7
    assert f"process {os.getpid()}" in words
    free(made)


@pytest.mark.parametrize("blocked", ["board", "board/journal.jsonl", "board/s01"])
def test_a_folder_that_can_not_be_written(tmp_path: Path, blocked: str) -> None:
    """Exit code 7 and what can't be written; once it can, everything is made and paid for once."""
    with hosted() as simulator:
        project = Project(tmp_path, simulator)
        project.write(board(2))
        obstacle = tmp_path / "outputs" / blocked
        obstacle.parent.mkdir(exist_ok=True)
        if blocked.endswith("jsonl"):
            obstacle.mkdir()
        else:
            obstacle.write_text("in the way")
        code, words = ended(project)
        assert code == 7
        assert obstacle.name in words
        obstacle.rmdir() if obstacle.is_dir() else obstacle.unlink()
        assert project.run().exit_code == 0
        all_whole(project)
        assert len(simulator.state.tasks()) == 2


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """Names of what can't be written any more: ``part`` (a clip) or ``line`` (of the journal)."""
    full: set[str] = set()
    write = os.write
    from rivya_run.provider.partial_file import PartialFile

    append = PartialFile.append

    def no_space(descriptor: int, content: bytes) -> int:
        if any(name in content for name in (word.encode() for word in full)):
            raise OSError(28, "No space left on device")
        return write(descriptor, content)

    def no_room(self: PartialFile, content: bytes) -> None:
        if "part" in full:
            from rivya_run.durable import unwritable

            raise unwritable(self.path, OSError(28, "No space left on device"))
        append(self, content)

    monkeypatch.setattr("rivya_run.journal.store.os.write", no_space)
    monkeypatch.setattr(PartialFile, "append", no_room)
    yield full


def test_a_disk_that_is_full_leaves_takes_pending(project: Project, full_disk: set[str]) -> None:
    """Exit code 7; the rerun only downloads."""
    project.write(board(3))
    full_disk.add("part")
    code, words = ended(project)
    assert (code, "disk is full" in words) == (7, True)
    tasks = project.tasks()
    assert set(statuses(project)) <= {"pending", "planned"}
    full_disk.clear()
    creates = project.simulator.traffic.counts["create"]
    assert project.run().exit_code == 0
    all_whole(project)
    assert project.tasks() == 3
    assert project.simulator.traffic.counts["create"] == creates + 3 - tasks


def test_an_answer_that_can_not_be_put_on_record_is_told(project: Project, full_disk: set[str]) -> None:
    """Task id and key of every one of them are in the message, nothing more is created, exit code 7."""
    project.write(board(12))
    full_disk.add('"event":"created"')
    code, words = ended(project, concurrency=3)
    assert code == 7
    tasks = project.simulator.state.tasks()
    assert 1 <= len(tasks) <= 3
    for task in tasks:
        assert task.id in words
        assert str(task.key) in words
    full_disk.clear()
    assert project.run().exit_code == 0
    assert project.tasks() == 12


def test_a_journal_that_fails_once_is_not_written_behind_a_half_line(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a line that can't even be taken back is the last thing in the file."""
    project.write(board(4))
    write, truncate = os.write, os.ftruncate
    calls = 0

    def half(descriptor: int, content: bytes) -> int:
        nonlocal calls
        calls += content.startswith(b'{"n":')
        return write(descriptor, content[: len(content) // 2]) if calls >= 6 else write(descriptor, content)

    def stuck(descriptor: int, size: int) -> None:
        if calls >= 6:
            raise OSError(5, "Input/output error")
        truncate(descriptor, size)

    with monkeypatch.context() as patch:
        patch.setattr("rivya_run.journal.store.os.write", half)
        patch.setattr("rivya_run.journal.store.os.ftruncate", stuck)
        assert ended(project)[0] == 7
    assert calls == 6
    assert project.run().exit_code == 0
    assert project.tasks() == 4


def test_nothing_is_created_on_a_disk_that_is_nearly_full(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Less than 256 MiB free: exit code 7, nothing paid."""
    monkeypatch.setattr("rivya_run.engine.executor.free_bytes", lambda folder: 1000)
    project.write(board(2))
    assert project.run().exit_code == 7
    assert project.tasks() == 0


def removed_when_pending(project: Project, **options: Any) -> str:
    """What a run says whose output folder is removed as soon as a task is known."""
    removed: list[Event] = []

    def remove(event: Event) -> None:
        if event.name == "take_changed" and event.status == "pending" and not removed:
            removed.append(event)
            shutil.rmtree(project.root / "outputs/board")

    project.events = Watched(remove)
    code, words = ended(project, **options)
    project.events = []
    assert removed
    assert (code, "was removed" in words) == (7, True)
    return words


@pytest.mark.skipif(os.name == "nt", reason="Windows lets nobody remove a file that is open")
def test_a_folder_that_is_removed_under_a_run_ends_it(project: Project) -> None:
    """Exit code 7 with every open task and key, nothing more is created; the next run pays for nothing again."""
    project.write(board(12))
    words = removed_when_pending(project, concurrency=2)
    made = project.simulator.state.tasks()
    assert len(made) < 12
    open_ones = [take for take in project.takes().values() if take["status"] in {"sent", "pending"}]
    assert open_ones
    for take in open_ones:
        assert take["client_request_id"] in words
        assert (take["task_id"] or "") in words
    known = {take["client_request_id"] for take in project.takes().values()} - {None}
    assert {task.key for task in made} <= known
    creates = project.simulator.traffic.counts["create"]
    assert project.run().exit_code == 0
    all_whole(project)
    assert project.tasks() == 12
    assert project.simulator.traffic.counts["create"] == creates + 12 - len(made)


@pytest.mark.skipif(os.name == "nt", reason="Windows lets nobody remove a file that is open")
def test_a_removed_folder_is_noticed_while_tasks_only_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal is checked now and then, also when nothing is to be created."""
    monkeypatch.setattr("rivya_run.engine.executor.MANIFEST_EVERY", 0.05)
    with hosted(speed=1.0) as simulator:
        project = Project(tmp_path, simulator)
        project.write(board(1))
        [task_id] = [word for word in removed_when_pending(project).split() if word.startswith("task_")]
        assert f"{project.takes()['s01/1']['task_id']}," == task_id
        assert simulator.traffic.counts["download"] == 0
        assert project.run().exit_code == 0
        assert simulator.traffic.counts["create"] == 1


@pytest.mark.skipif(os.name == "nt", reason="Windows lets nobody replace a file that is open")
def test_what_lies_in_place_of_a_removed_folder_is_kept(project: Project) -> None:
    """Another manifest there is taken in before what this run knew is written."""
    project.write(board(1))
    assert project.run().exit_code == 0
    other = (project.folder() / "manifest.json").read_bytes()
    shutil.rmtree(project.folder())
    project.write(board(1).replace("s01", "s02"))

    def replaced(event: Event) -> None:
        if event.name == "take_changed" and event.status == "pending":
            shutil.rmtree(project.folder())
            (project.root / "outputs/board").mkdir()
            (project.folder() / "manifest.json").write_bytes(other)

    project.events = Watched(replaced)
    assert ended(project)[0] == 7
    assert project.takes()["s02/1"]["task_id"] == project.simulator.state.tasks()[-1].id
    assert [one["shot"] for one in project.manifest()["history"]] == ["s01"]


class FailingOnce:
    """A writer of manifests that fails as often as it is told."""

    def __init__(self, times: int, number: int = 5) -> None:
        self.times = times
        self.number = number
        self.calls = 0

    def __call__(self, path: Path, content: Any) -> None:
        self.calls += 1
        if self.calls <= self.times:
            raise unwritable(path, OSError(self.number, os.strerror(self.number)))
        write_atomically(path, content)


@pytest.fixture
def slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A project whose tasks take a while, so that manifests are written meanwhile, however long writing takes."""
    monkeypatch.setattr("rivya_run.engine.executor.MANIFEST_EVERY", 0.05)
    monkeypatch.setattr("rivya_run.engine.executor.MANIFEST_SHARE", 0)
    with hosted(speed=6.0) as simulator:
        yield Project(tmp_path, simulator)


def notices(project: Project) -> list[str]:
    """What the run noticed."""
    return [str(event.detail["message"]) for event in project.events if event.name == "notice"]


def test_a_manifest_that_fails_on_the_way_is_told_and_tried_again(
    slow: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal has it all: the run goes on, and its last manifest is whole."""
    failing = FailingOnce(3)
    monkeypatch.setattr("rivya_run.engine.records.write_atomically", failing)
    slow.write(board(1))
    assert slow.run().exit_code == 0
    assert failing.calls > 3
    [notice] = notices(slow)
    assert "manifest.json" in notice
    assert statuses(slow) == ["succeeded"]


def test_a_manifest_that_can_not_be_written_at_the_end_is_exit_7(
    slow: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failure on the way is no reason to think that it was written."""
    slow.write(board(1))
    with monkeypatch.context() as patch:
        patch.setattr("rivya_run.engine.records.write_atomically", FailingOnce(1000))
        code, words = ended(slow)
    assert (code, "manifest.json" in words) == (7, True)
    assert slow.run().exit_code == 0
    assert statuses(slow) == ["succeeded"]
    assert slow.simulator.traffic.counts["create"] == 1


def test_a_disk_that_is_too_full_for_the_manifest_ends_creating(
    slow: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A quota that free space doesn't show: there would be no room for more clips either."""
    monkeypatch.setattr("rivya_run.engine.records.write_atomically", FailingOnce(1, errno.EDQUOT))
    slow.write(board(4))
    code, _ = ended(slow, concurrency=1)
    assert code == 7
    assert slow.tasks() < 4


def test_a_run_that_was_stopped_leaves_a_manifest_that_is_true(project: Project) -> None:
    """Even a mistake of the program's own ends with what is known written down."""
    project.write(board(3))

    def fail(event: Event) -> None:
        if event.name == "take_changed" and event.status == "pending":
            raise ZeroDivisionError("a mistake")

    project.events = Watched(fail)
    with pytest.raises(ExceptionGroup):
        project.run()
    assert "pending" in statuses(project)
    project.events = []
    assert project.run().exit_code == 0
    assert project.tasks() == 3
