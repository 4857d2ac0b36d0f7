"""`--outputs s3://bucket/prefix`: results in an object store, of which the output folder is a cache."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result

from command_line import in_project
from object_stores import S3, content, front, put
from projects import Project
from rivya_run.progress import Event
from rivya_run.project.object_store import ObjectStore
from rivya_run.project.plan import RunOptions
from rivya_run.review.shown import ShownPage
from simulation import KEY, hosted

pytestmark = pytest.mark.timeout(240)  # an S3 server, and commands that are processes of their own

BOARD = """
    id: film
    shots:
      - {id: a, prompt: One, takes: 2}
      - {id: b, prompt: Two, references: [{shot: a, frame: last}]}
"""


@pytest.fixture(scope="module")
def server() -> Iterator[S3]:
    """S3 for all tests of the module."""
    found = S3()
    yield found
    found.stop()


@pytest.fixture
def s3(server: S3, monkeypatch: pytest.MonkeyPatch) -> S3:
    """The same, with the environment that leads there."""
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return server


@pytest.fixture
def url(s3: S3, tmp_path: Path) -> str:
    """A prefix of this test's own."""
    return f"s3://{s3.bucket}/{tmp_path.name}"


def objects(url: str, project: Project, name: str = "film") -> dict[str, bytes]:
    """What the store holds of the storyboard, but for the manifest."""
    found = content(url, name, project.root)
    assert found.pop("manifest.json", None) == (project.root / f"outputs/{name}/manifest.json").read_bytes()
    return found


def clips(project: Project, name: str = "film") -> dict[str, bytes]:
    """The clips and stills that are in the output folder."""
    folder = project.root / "outputs" / name
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.glob("[!.]*/[!.]*")
        if path.is_file()
    }


def emptied(project: Project, name: str = "film") -> None:
    """As when somebody deletes all clips, which are in the store anyway."""
    for path in (project.root / "outputs" / name).glob("[!.]*/[!.]*"):
        path.unlink()


def made(project: Project, url: str, board: str = BOARD) -> dict[str, bytes]:
    """A storyboard that was run; its files."""
    project.write(board)
    result = in_project(project, project.path, "--outputs", url)
    assert result.exit_code == 0, result.stderr
    return clips(project)


def test_results_go_into_the_store_and_nothing_is_done_twice(project: Project, url: str) -> None:
    """Each file under the storyboard's id and its path, the manifest beside them; a rerun has nothing to do."""
    there = made(project, url)
    assert len(there) == 4  # three clips, and the still that b is made from
    assert objects(url, project) == there
    again = in_project(project, project.path, "--outputs", url)
    assert "3 takes: 3 up to date" in again.stderr
    assert project.tasks() == 3
    assert objects(url, project) == there


def test_an_emptied_cache_is_no_loss(project: Project, url: str) -> None:
    """Nothing is made, nor fetched from the API; what a command needs comes from the store."""
    there = made(project, url)
    emptied(project)
    plan = json.loads(in_project(project, "plan", project.path, "--outputs", url, "--json").stdout)
    assert {step["action"] for step in plan["steps"]} == {"reuse"}
    assert in_project(project, project.path, "--outputs", url).exit_code == 0
    assert clips(project) == {}
    assert in_project(project, "export", project.path, "--outputs", url, "--format", "edl").exit_code == 0
    assert set(clips(project)) == {path for path in there if "t01" in path and path.endswith(".mp4")}
    assert in_project(project, "report", project.path, "--outputs", url).exit_code == 0
    assert set(clips(project)) == {path for path in there if path.endswith(".mp4")}
    assert clips(project).items() <= there.items()
    assert project.tasks() == 3


def test_a_child_is_made_from_a_parent_that_is_only_in_the_store(project: Project, url: str) -> None:
    """The still that is on record is fetched; the parent stays as it is."""
    there = made(project, url)
    emptied(project)
    project.write(BOARD + "      - {id: c, prompt: Three, references: [{shot: a, frame: last}]}\n")
    assert in_project(project, project.path, "--outputs", url).exit_code == 0
    assert project.tasks() == 4
    assert there.items() <= objects(url, project).items()


def test_a_clone_with_the_manifest_alone_has_everything(project: Project, url: str) -> None:
    """verify, export, report, clean and a run, without a journal, without a clip and without a payment."""
    there = made(project, url)
    folder = project.root / "outputs" / "film"
    manifest = (folder / "manifest.json").read_bytes()
    shutil.rmtree(folder)
    folder.mkdir()
    (folder / "manifest.json").write_bytes(manifest)
    verified = in_project(project, "verify", project.path, "--outputs", url)
    assert (verified.exit_code, "4 files as paid for" in verified.stdout) == (0, True)
    assert in_project(project, "verify", project.path, "--outputs", url, "--thorough").exit_code == 0
    for words in (["export"], ["report"], ["export", "--format", "contact-sheet"], ["clean"]):
        done = in_project(project, *words, project.path, "--outputs", url)
        assert done.exit_code == 0, done.stderr
    assert (folder / "cut.mp4").stat().st_size > 0
    assert "up to date" in in_project(project, project.path, "--outputs", url).stderr
    assert project.tasks() == 3
    assert objects(url, project) == there


def test_a_machine_that_is_lost_takes_nothing_with_it(project: Project, url: str) -> None:
    """Without a journal and without a manifest: what the store holds is known, also what is still to be fetched."""
    there = made(project, url)
    shutil.rmtree(project.root / "outputs" / "film")
    plan = json.loads(in_project(project, "plan", project.path, "--outputs", url, "--json").stdout)
    assert {step["action"] for step in plan["steps"]} == {"reuse"}
    for words in (["status"], ["verify"], ["export"], ["report"]):
        looked = in_project(project, *words, project.path, "--outputs", url)
        assert looked.exit_code == 0, looked.stderr
    assert "3 takes: 3 up to date" in in_project(project, project.path, "--outputs", url).stderr
    assert (project.tasks(), objects(url, project)) == (3, there)
    assert project.manifest()["totals"]["spent_credits"] == 30


@pytest.mark.parametrize("by", ["storyboard", "project"])
def test_a_budget_counts_what_a_lost_machine_has_spent(project: Project, url: str, by: str) -> None:
    """By the manifest in the store: nothing more is created than the budget holds."""
    made(project, url)
    shutil.rmtree(project.root / "outputs")
    (project.root / "outputs").mkdir()
    board = BOARD + "      - {id: c, prompt: Three}\n"
    if by == "project":
        (project.root / "budgets.yaml").write_text("- {match: film, max_credits: 35, per: ever}\n")
    else:
        board += "    budget: {max_credits: 35}\n"
    project.write(board)
    result = in_project(project, project.path, "--outputs", url)
    assert result.exit_code == 5, result.stderr
    assert project.tasks() == 3


def test_two_machines_bring_what_they_know_together(project: Project, url: str) -> None:
    """Each in turn, without git: a manifest in the store is read before it is replaced, and nothing is made twice."""
    made(project, url, BOARD.replace(", takes: 2", ""))
    other = Project(project.root / "another", project.simulator)
    other.write(BOARD)
    assert in_project(other, other.path, "--outputs", url).exit_code == 0
    assert project.tasks() == 3
    project.write(BOARD)
    assert "3 up to date" in in_project(project, project.path, "--outputs", url).stderr
    assert project.tasks() == 3


def test_a_manifest_in_the_store_that_is_none_ends_a_run_before_it_pays(project: Project, url: str) -> None:
    """It may know of takes that were paid for."""
    project.write(BOARD)
    put(url, "film/manifest.json", b"[]", project.root)
    result = in_project(project, project.path, "--outputs", url)
    assert result.exit_code == 7
    assert f"{url}/film/manifest.json" in result.stderr
    assert project.tasks() == 0


def test_a_project_that_had_its_clips_in_the_folder_can_begin_to_use_a_store(
    project: Project, url: str
) -> None:
    """The next run puts them there. Keys, fingerprints, spend and what is left of a budget are the same."""
    project.write(BOARD + "    budget: {max_credits: 30}\n")
    assert in_project(project, project.path).exit_code == 0
    before = project.manifest()
    assert in_project(project, project.path, "--outputs", url).exit_code == 0
    assert objects(url, project) == clips(project)
    after = project.manifest()
    for name in ("client_request_id", "outputs", "task_id"):
        assert [take[name] for shot in before["shots"] for take in shot["takes"]] == [
            take[name] for shot in after["shots"] for take in shot["takes"]
        ]
    assert (before["totals"], project.tasks()) == (after["totals"], 3)


def test_keys_and_bodies_are_the_same_with_and_without_a_store(project: Project, url: str) -> None:
    """What is sent doesn't know where results go: matching, prices and budgets follow from it."""
    made(project, url)
    stored = project.takes()
    shutil.rmtree(project.root / "outputs" / "film")
    with hosted() as another:
        plainly = Project(project.root, another)
        assert in_project(plainly, project.path).exit_code == 0
    plain = plainly.takes()
    for name in ("client_request_id", "final_credits", "estimated_credits"):
        assert {label: take[name] for label, take in stored.items()} == {
            label: take[name] for label, take in plain.items()
        }
    assert stored["a/1"]["request"] == plain["a/1"]["request"]


def test_somebody_elses_object_under_a_name_is_never_overwritten(project: Project, url: str) -> None:
    """The clip gets another name, in the store, in the folder and on record."""
    project.write(BOARD)
    with hosted() as another:  # whose names are the same
        assert in_project(Project(project.root, another), project.path).exit_code == 0
    name = project.takes()["a/1"]["outputs"][0]["path"].removesuffix(".mp4")
    shutil.rmtree(project.root / "outputs" / "film")
    put(url, f"film/{name}.mp4", b"not ours", project.root)
    there = made(project, url)
    assert project.takes()["a/1"]["outputs"][0]["path"] == f"{name}_2.mp4"
    found = objects(url, project)
    assert found.pop(f"{name}.mp4") == b"not ours"
    assert found == there
    assert in_project(project, "verify", project.path, "--outputs", url).exit_code == 0


class Watching(list[Event]):
    """Events of a run, each of which is also told to somebody."""

    def __init__(self, tell: Callable[[Event], None]) -> None:
        super().__init__()
        self._tell = tell

    def append(self, event: Event) -> None:
        super().append(event)
        self._tell(event)


@pytest.fixture
def slower(tmp_path: Path) -> Iterator[Project]:
    """A project whose takes last so long that a store is given up before all are created."""
    with hosted(speed=5.0) as simulator:
        yield Project(tmp_path, simulator)


def test_a_store_that_goes_down_in_a_run_stops_creating_and_loses_nothing(
    slower: Project, s3: S3, url: str
) -> None:
    """As a full disk does: what was paid for stays among the downloads, exit 7; the next run puts it there.

    The store answers no more once the first create was answered, and again when the run has ended.
    """
    slower.write("id: film\nshots:\n" + "".join(f"  - {{id: s{n}, prompt: '{n}'}}\n" for n in range(6)))
    down: list[Event] = []

    def tell(event: Event) -> None:
        if event.name == "take_changed" and event.status == "pending" and not down:
            down.append(event)
            s3.stop()

    slower.events = Watching(tell)
    try:
        result = slower.run(outputs=url, concurrency=1)
    finally:
        if down:
            s3.start()
    assert result.exit_code == 7
    paid = slower.tasks()
    assert 1 <= paid < 6
    waiting = list((slower.root / "outputs/film/.arriving").glob("*.part"))
    assert len(waiting) == paid
    assert clips(slower) == {}
    after = in_project(slower, slower.path, "--outputs", url)
    assert after.exit_code == 0, after.stderr
    assert slower.tasks() == 6
    assert len(objects(url, slower)) == 6


def test_without_the_store_nothing_is_made_from_what_is_only_there(
    project: Project, s3: S3, url: str
) -> None:
    """Nothing is paid, and nothing counts as failed: the next run makes it."""
    made(project, url)
    emptied(project)
    project.write(BOARD + "      - {id: c, prompt: Three, references: [{shot: a, frame: last}]}\n")
    started: list[Event] = []

    def tell(event: Event) -> None:
        if event.name == "run_started":
            started.append(event)
            s3.stop()

    project.events = Watching(tell)
    try:
        result = project.run(outputs=url)
    finally:
        if started:
            s3.start()
    assert (result.exit_code, project.tasks()) == (7, 3)
    again = in_project(project, project.path, "--outputs", url)
    assert (again.exit_code, project.tasks()) == (0, 4), again.stderr


def test_a_store_that_is_down_from_the_beginning_keeps_a_run_from_anything(
    project: Project, s3: S3, url: str
) -> None:
    """Exit 7 and what to do, also where others only look at results. Nothing was created."""
    project.write(BOARD)
    with s3.down():
        assert in_project(project, project.path, "--outputs", url).exit_code == 7
    assert project.tasks() == 0
    made(project, url)
    project.write(BOARD + "      - {id: c, prompt: Three}\n")
    with s3.down():
        for words in (["run"], ["plan"], ["verify"], ["export"], ["clean", "--yes"]):
            result = in_project(project, *words, project.path, "--outputs", url)
            assert result.exit_code == 7, (words, result.stderr)
            assert f"{url}/film: can't be used: " in result.stderr
            assert "check the connection and --outputs; nothing is lost" in result.stderr
    assert project.tasks() == 3


def of_a_process(project: Project, url: str, endpoint: str) -> tuple[list[str], dict[str, str]]:
    """A run as a process of its own: its words and its environment."""
    environment = {
        **os.environ,
        "RIVYA_API_KEY": KEY,
        "RIVYA_BASE_URL": project.simulator.base_url,
        "RIVYA_RUN_POLL_INTERVAL": "0.02",
        "AWS_ENDPOINT_URL": endpoint,
    }
    words = [sys.executable, "-m", "rivya_run", str(project.path), "--outputs", url, "--progress", "none"]
    return words, environment


def killed(project: Project, s3: S3, url: str, at: str) -> None:
    """A run that is killed when its first request of that kind was answered by the store: method and suffix."""
    running: list[subprocess.Popen[bytes]] = []

    def arrived(method: str, path: str) -> None:
        if f"{method} {Path(path.partition('?')[0]).suffix}" == at:
            running[0].send_signal(signal.SIGKILL)
            running[0].wait()

    with front(s3.port, arrived) as port:
        words, environment = of_a_process(project, url, f"http://127.0.0.1:{port}")
        with subprocess.Popen(words, env=environment, stderr=subprocess.PIPE) as process:
            running.append(process)
            _, told = process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL, (at, told)


def test_a_run_that_is_killed_with_a_file_in_the_store_pays_for_nothing_again(
    project: Project, s3: S3, url: str
) -> None:
    """Between a clip that is there and its record, before the manifest, before a still is known to be there."""
    project.write(BOARD)
    for at in ("PUT .mp4", "PUT .json", "PUT .png"):
        killed(project, s3, url, at)
    assert in_project(project, project.path, "--outputs", url).exit_code == 0
    assert objects(url, project) == clips(project)
    assert len(clips(project)) == 4
    assert project.tasks() == 3
    assert project.manifest()["totals"]["spent_credits"] == 30


def test_a_rename_that_is_killed_again_and_again_is_finished(project: Project, s3: S3, url: str) -> None:
    """While a file is fetched, with the rename on record, with the file under both names; the cache stays empty."""
    there = made(project, url, BOARD.replace(", takes: 2", ""))
    renamed = (
        BOARD.replace(", takes: 2", "").replace("id: a,", "id: first,").replace("shot: a,", "shot: first,")
    )
    project.write(renamed)
    for at in ("GET .mp4", "PUT .json", "PUT .mp4", "POST "):
        emptied(project)
        killed(project, s3, url, at)
    assert in_project(project, project.path, "--outputs", url).exit_code == 0
    assert objects(url, project) == {path.replace("a/a_", "first/first_"): there[path] for path in there}
    assert in_project(project, "verify", project.path, "--outputs", url, "--thorough").exit_code == 0
    assert project.tasks() == 2


def test_a_renamed_shot_takes_its_objects_along(project: Project, url: str) -> None:
    """Also where the cache is empty; nothing is under the old name any more."""
    there = made(project, url)
    emptied(project)
    project.write(BOARD.replace("id: a,", "id: first,").replace("shot: a,", "shot: first,"))
    assert in_project(project, project.path, "--outputs", url).exit_code == 0
    found = objects(url, project)
    assert set(found) == {path.replace("a/a_", "first/first_") for path in there}
    assert project.tasks() == 3


def test_clean_removes_from_the_store_what_no_take_uses(project: Project, url: str) -> None:
    """Listed without --yes; objects that no record names are left alone."""
    there = made(project, url)
    put(url, "film/a/notes.txt", b"mine", project.root)
    emptied(project)
    project.write(BOARD.replace(", takes: 2", ""))
    listed = in_project(project, "clean", project.path, "--outputs", url)
    second = next(path for path in there if "a_t02" in path)
    assert f"{second}  made for a/2, not used any more" in listed.stdout
    assert "1 files" in listed.stdout
    assert in_project(project, "clean", project.path, "--outputs", url, "--yes").exit_code == 0
    found = content(url, "film", project.root)
    assert set(found) - {"manifest.json"} == {*there, "a/notes.txt"} - {second}
    assert in_project(project, project.path, "--outputs", url).exit_code == 0
    assert in_project(project, "verify", project.path, "--outputs", url).exit_code == 0
    assert project.tasks() == 3


def test_verify_compares_sizes_and_thoroughly_what_is_in_the_objects(project: Project, url: str) -> None:
    """Exit 1 where something is missing or another; other bytes of the same size are only seen by reading."""
    there = made(project, url)
    path = next(path for path in there if path.startswith("b/"))
    put(url, f"film/{path}", bytes(len(there[path])), project.root)
    assert in_project(project, "verify", project.path, "--outputs", url).exit_code == 0
    thorough = in_project(project, "verify", project.path, "--outputs", url, "--thorough")
    assert thorough.exit_code == 1
    assert f"{path} was changed: another sha256" in thorough.stdout
    put(url, f"film/{path}", b"short", project.root)
    shorter = in_project(project, "verify", project.path, "--outputs", url)
    assert (shorter.exit_code, f"{path} was changed: 5 bytes instead of" in shorter.stdout) == (1, True)


def test_an_object_that_is_another_by_now_is_told_and_not_used(project: Project, url: str) -> None:
    """The report says so, and is made without it."""
    there = made(project, url)
    path = next(path for path in there if path.startswith("b/"))
    put(url, f"film/{path}", bytes(len(there[path])), project.root)
    emptied(project)
    report = in_project(project, "report", project.path, "--outputs", url)
    assert report.exit_code == 0
    assert f"{path} was changed in {url}/film" in report.stderr
    assert path not in clips(project)


def test_an_object_of_another_size_is_fetched_from_the_api_again_under_another_name(
    project: Project, url: str
) -> None:
    """Without a copy here: as a file that was altered is. Nothing is paid, and what lies there stays."""
    there = made(project, url)
    path = next(path for path in there if path.startswith("b/"))
    put(url, f"film/{path}", b"short", project.root)
    emptied(project)
    assert in_project(project, project.path, "--outputs", url).exit_code == 0
    beside = path.replace(".mp4", "_2.mp4")
    assert project.takes()["b/1"]["outputs"][0]["path"] == beside
    assert objects(url, project) == {**there, path: b"short", beside: there[path]}
    assert in_project(project, "verify", project.path, "--outputs", url).exit_code == 0
    assert project.tasks() == 3


def test_objects_that_are_gone_are_put_there_again_from_the_folder(project: Project, url: str) -> None:
    """verify says what the next run does."""
    there = made(project, url)
    path = next(path for path in there if path.startswith("b/"))
    ObjectStore(url).delete(f"film/{path}")
    verified = in_project(project, "verify", project.path, "--outputs", url)
    assert verified.exit_code == 1
    assert f"{path} is here, but not in {url}/film; the next run puts it there" in verified.stdout
    assert in_project(project, project.path, "--outputs", url).exit_code == 0
    assert objects(url, project) == there
    assert project.tasks() == 3


def test_checks_and_the_served_page_fetch_what_they_need(project: Project, url: str) -> None:
    """Each clip once."""
    there = {path: some for path, some in made(project, url).items() if path.endswith(".mp4")}
    emptied(project)
    checked = in_project(project, "verify", project.path, "--outputs", url, "--checks")
    assert (checked.exit_code, "3 files checked" in checked.stdout) == (0, True)
    assert clips(project) == there
    emptied(project)
    ShownPage(project.path, RunOptions(outputs=url)).begin()
    assert clips(project) == there


def test_the_environment_may_name_the_store(project: Project, url: str) -> None:
    """As it may give every option; what is up to date in the folder alone is put there then."""
    project.write(BOARD)
    words, environment = of_a_process(project, url, os.environ["AWS_ENDPOINT_URL"])
    words = [word for word in words if word not in ("--outputs", url)]
    for more in ({}, {}, {"RIVYA_RUN_OUTPUTS": url}):
        subprocess.run(words, env={**environment, **more}, check=True, timeout=120)
    assert objects(url, project) == clips(project)
    assert project.tasks() == 3


def test_another_storyboards_clip_is_fetched_from_the_store(project: Project, url: str) -> None:
    """What a shot is made from may be of a storyboard whose cache is empty."""
    made(project, url, "id: film\nshots:\n  - {id: a, prompt: One}\n")
    emptied(project)
    other = project.root / "other.yaml"
    other.write_text(
        "id: other\nshots:\n"
        "  - {id: x, prompt: Two, references: [{storyboard: storyboard.yaml, shot: a, frame: first}]}\n"
    )
    result = in_project(project, other, "--outputs", url)
    assert result.exit_code == 0, result.stderr
    assert project.tasks() == 2
    assert [path.partition("/")[0] for path in objects(url, project, "other")] == ["x"]


def test_what_is_simulated_never_touches_the_store(project: Project, url: str, s3: S3) -> None:
    """It isn't even asked."""
    project.write(BOARD)
    with s3.down():
        for words in (["run"], ["verify"], ["export", "--format", "edl"], ["report"]):
            result = in_project(project, *words, project.path, "--outputs", url, "--simulate")
            assert result.exit_code == 0, result.stderr
    assert content(url, "film", project.root) == {}
    assert (project.root / "outputs" / "film.simulated" / "manifest.json").exists()


def test_credentials_are_on_no_record_and_in_no_object(project: Project, url: str) -> None:
    """Nor is anything else of the environment."""
    made(project, url)
    secret = os.environ["AWS_SECRET_ACCESS_KEY"].encode()
    files = [path for path in project.root.rglob("*") if path.is_file()]
    assert len(files) > 5
    assert not [path for path in files if secret in path.read_bytes()]
    assert not [path for path, some in content(url, "film", project.root).items() if secret in some]


def test_a_saved_plan_brings_its_store(project: Project, url: str) -> None:
    """As it brings a folder."""
    project.write(BOARD)
    plan = project.root / "saved.json"
    assert in_project(project, "plan", project.path, "--outputs", url, "--out", plan).exit_code == 0
    assert in_project(project, "run", "--plan", plan).exit_code == 0
    assert objects(url, project) == clips(project)


def refused(project: Project, url: str) -> Result:
    """A run that can't be; nothing was created, and no output folder was made."""
    project.write(BOARD)
    result = in_project(project, project.path, "--outputs", url)
    assert project.tasks() == 0
    return result


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://host/clips", "is no object store that is known: s3://, gs://, az://, file://"),
        ("s3://", "names no bucket: s3://BUCKET/PREFIX"),
        ("s3://me:secret@bucket/clips", "credentials and options come from the environment"),
        ("az://container/clips?sig=abc", "credentials and options come from the environment"),
        ("file://clips", "has to name a whole path: file:///srv/clips"),
    ],
)
def test_a_url_that_is_none_is_a_usage_error(project: Project, url: str, reason: str) -> None:
    """Before anything is done."""
    result = refused(project, url)
    assert (result.exit_code, reason in result.stderr) == (2, True), result.stderr


@pytest.mark.parametrize(
    ("url", "reason", "hint"),
    [
        ("s3://no-such-bucket/clips", "there is no such bucket", "make the bucket, or correct --outputs"),
        ("file:///no/such/folder", "there is no such folder", "make the folder, or correct --outputs"),
        ("az://container/clips", "there are no credentials", "set AZURE_STORAGE_ACCOUNT_NAME"),
        ("s3://bucket/clips", "there are no credentials", "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
    ],
)
def test_what_is_wrong_with_a_store_is_told_with_what_to_do(
    project: Project, s3: S3, url: str, reason: str, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 7, as for a folder that can't be written."""
    if hint.startswith("set AWS"):
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    result = refused(project, url)
    assert result.exit_code == 7, result.stderr
    assert f"{url}" in result.stderr
    assert reason in result.stderr
    assert hint in result.stderr


def test_without_obstore_the_extra_is_named(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 2, as for every option that needs an extra."""
    monkeypatch.setitem(sys.modules, "obstore", None)
    result = refused(project, "s3://bucket/clips")
    assert result.exit_code == 2
    assert "pip install 'rivya-run[cluster]'" in result.stderr


def test_nothing_of_it_is_imported_without_the_option(project: Project) -> None:
    """Neither by a run nor by what looks at results."""
    project.write(BOARD)
    words, environment = of_a_process(project, "", "")
    program = (
        "import sys; from rivya_run.cli.app import app\n"
        f"app(['run', {str(project.path)!r}, '--simulate'], standalone_mode=False)\n"
        f"app(['verify', {str(project.path)!r}, '--simulate'], standalone_mode=False)\n"
        "print(sorted(name for name in sys.modules if name.split('.')[0] in ('obstore', 'psycopg', 'pgqueuer')"
        " or name == 'rivya_run.project.object_store'))"
    )
    done = subprocess.run(
        [words[0], "-c", program], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.splitlines()[-1:] == ["[]"], done.stderr
