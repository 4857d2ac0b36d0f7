"""Storyboards that are submitted, and workers that carry them: what dies or comes twice is paid once."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from command_line import in_project
from postgres_server import PostgresServer
from projects import Project, png
from rivya_run.postgres.database import Database
from rivya_run.postgres.lease import leased
from simulation import KEY, hosted
from workers import ended, environment, rows, until, working


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[Project]:
    """The same where a clip takes some seconds."""
    with hosted(speed=15) as simulator:
        yield Project(tmp_path / "here", simulator)


def board(project: Project, takes: int = 2, name: str = "one", prompt: str = "x") -> Path:
    """A storyboard of so many clips."""
    path = project.root / f"{name}.yaml"
    path.write_text(
        f"id: {name}\nshots:\n  - {{id: sh, prompt: '{prompt}', takes: {takes}}}\n", encoding="utf-8"
    )
    return path


def submitted(project: Project, url: str, *words: str | Path) -> str:
    """Submit without trouble; what was said."""
    result = in_project(project, "submit", *words, "--database", url)
    assert result.exit_code == 0, result.output
    return result.stderr


def waiting(url: str) -> int:
    """How many jobs are in the queue, looked at or not."""
    return len(rows(url, "select 1 from pgqueuer"))


def test_a_worker_makes_what_was_submitted(project: Project, url: str, tmp_path: Path) -> None:
    """It needs nothing of the project but what was handed over: includes, references, sounds, tables, budgets."""
    folder = project.root / "specs"
    (folder / "look").mkdir(parents=True)
    project.reference("refs/pack.png", png("pack"))
    project.reference("specs/voice.wav", b"RIFF\0\0\0\0WAVEfmt ")
    (folder / "look/common.yaml").write_text("defaults: {prompt: by hand}\n", encoding="utf-8")
    (project.root / "budgets.yaml").write_text(
        "- {match: 'client:acme', max_credits: 20}\n", encoding="utf-8"
    )
    path = folder / "one.yaml"
    path.write_text(
        "include: look/common.yaml\nid: one\nclient: acme\nsound: [{id: v, file: voice.wav}]\n"
        "shots:\n  - {id: sh, prompt: x, takes: 3, references: [../refs/pack.png]}\n",
        encoding="utf-8",
    )
    with working(project, url, tmp_path / "w") as worker:
        result = in_project(project, "submit", path, "--wait", "--database", url)
        assert result.exit_code == 5, worker.said
        assert worker.stop() == 0
    # The budget came along: two of three
    assert "ended with 5" in result.stderr and "budgets.yaml" in result.stderr
    assert project.simulator.state.charged() == 20
    assert len(project.simulator.state.files()) == 1
    made = list((tmp_path / "w/outputs/one/sh").iterdir())
    assert len(made) == 2
    told = json.loads((project.root / "outputs/one/manifest.json").read_text())
    assert told["books"].startswith("postgres:") and told["totals"]["succeeded"] == 2
    assert in_project(project, "run", path).exit_code == 7, "without --database nothing is paid again"
    assert project.simulator.state.charged() == 20


def test_twice_the_same_is_once(project: Project, url: str, tmp_path: Path) -> None:
    """While it waits or runs; afterwards it may be submitted again, which finds everything there."""
    path = board(project)
    assert "one: submitted" in submitted(project, url, path)
    assert "already" in submitted(project, url, path)
    assert waiting(url) == 1
    with working(project, url, tmp_path / "w"):
        until(lambda: ended(url) == [("one", 0)])
        assert "one: submitted" in submitted(project, url, path)
        until(lambda: ended(url) == [("one", 0), ("one", 0)])
    assert project.simulator.state.charged() == 20
    assert waiting(url) == 0


def test_two_people_submit_the_same_storyboard_at_once(project: Project, url: str, tmp_path: Path) -> None:
    """Paid once, whoever comes first; both can wait for it."""
    path = board(project, 3)
    other = tmp_path / "there"
    shutil.copytree(project.root, other)
    with working(project, url, tmp_path / "w"), working(project, url, tmp_path / "v"):
        both = [
            subprocess.Popen(
                [sys.executable, "-m", "rivya_run", "submit", path.name, "--wait"],
                env=environment(project, url),
                cwd=root,
                stderr=subprocess.PIPE,
            )
            for root in (project.root, other)
        ]
        said = [one.communicate(timeout=100)[1].decode() for one in both]
    assert [one.returncode for one in both] == [0, 0], said
    assert project.simulator.state.charged() == 30
    assert len(project.simulator.state.tasks()) == 3


def test_a_changed_storyboard_takes_the_place_of_one_that_waits(
    project: Project, url: str, tmp_path: Path
) -> None:
    """What a person has given up isn't paid for."""
    path = board(project, 2, prompt="old")
    submitted(project, url, path)
    board(project, 2, prompt="new")
    assert "instead of an older version" in submitted(project, url, path)
    with working(project, url, tmp_path / "w"):
        until(lambda: len(ended(url)) == 2)
    assert [code for _, code in ended(url)] == [None, 0]
    assert project.simulator.state.charged() == 20


def test_higher_priorities_are_taken_first(project: Project, url: str, tmp_path: Path) -> None:
    """Also where somebody submits again with a higher one."""
    for name, priority in (("a", "0"), ("b", "5"), ("c", "1")):
        submitted(project, url, board(project, 1, name), "--priority", priority)
    submitted(project, url, project.root / "a.yaml", "--priority", "3")
    shown = in_project(project, "account", "--database", url)
    assert [line.split()[0] for line in shown.stdout.splitlines()[-3:]] == ["b", "a", "c"], shown.stdout
    with working(project, url, tmp_path / "w"):
        until(lambda: len(ended(url)) == 3)
    assert [name for name, _ in ended(url)] == ["b", "a", "c"]


def test_problems_are_told_before_anything_is_handed_over(project: Project, url: str) -> None:
    """As by run: all of them, exit 3; nothing is left anywhere."""
    path = project.root / "one.yaml"
    path.write_text("shots:\n  - {id: sh, promt: x, references: [no.png]}\n", encoding="utf-8")
    result = in_project(project, "submit", path, "--database", url)
    assert result.exit_code == 3
    assert "one.yaml:2" in result.stderr and "promt" in result.stderr
    assert waiting(url) == 0
    assert list((project.root / "outputs").iterdir()) == []


def test_books_elsewhere_are_refused(project: Project, url: str) -> None:
    """A journal in the folder is imported first; nothing is handed over before."""
    path = board(project)
    assert in_project(project, "run", path).exit_code == 0
    result = in_project(project, "submit", path, "--database", url)
    assert result.exit_code == 7 and "database import" in result.stderr
    assert waiting(url) == 0


def test_where_no_manifest_can_be_left_nothing_is_submitted(project: Project, url: str) -> None:
    """A forgotten --database would pay again otherwise."""
    (project.root / "outputs/one").write_text("in the way", encoding="utf-8")
    result = in_project(project, "submit", board(project), "--database", url)
    assert result.exit_code == 7, result.output
    assert waiting(url) == 0


def test_the_key_is_never_in_the_database(project: Project, url: str, tmp_path: Path) -> None:
    """Of whoever submits or works: no table has it, as text or as bytes."""
    path = board(project)
    with working(project, url, tmp_path / "w"):
        submitted(project, url, path)
        until(lambda: len(ended(url)) == 1)
    tables = rows(url, "select table_name from information_schema.tables where table_schema = 'public'")
    assert ("submission",) in tables and ("pgqueuer",) in tables
    with psycopg.connect(url) as connection:
        for (table,) in tables:
            held = str(connection.execute(f'select "{table}"::text from "{table}"'.encode()).fetchall())
            assert KEY not in held and KEY.encode().hex() not in held, table


def test_a_worker_that_is_stopped_leaves_its_storyboard_to_another(
    slow: Project, url: str, tmp_path: Path
) -> None:
    """SIGTERM: it ends in order, with 0; what it had created is followed elsewhere, and nothing made twice."""
    submitted(slow, url, board(slow, 3))
    with working(slow, url, tmp_path / "w") as first:
        until(lambda: len(slow.simulator.state.tasks()) == 3)
        assert first.stop() == 0, first.said
        assert "put back" in first.said
    assert rows(url, "select status::text from pgqueuer") == [("queued",)]
    with working(slow, url, tmp_path / "v"):
        until(lambda: ended(url) == [("one", 0)])
    assert len(slow.simulator.state.tasks()) == 3
    assert len(list((tmp_path / "v/outputs/one/sh").iterdir())) == 3


def test_a_second_signal_ends_a_worker_at_once(slow: Project, url: str, tmp_path: Path) -> None:
    """With its runs; the job is looked at again when it gave no sign for a while."""
    submitted(slow, url, board(slow, 2))
    with working(slow, url, tmp_path / "w") as worker:
        until(lambda: len(slow.simulator.state.tasks()) == 2)
        [run] = worker.runs()
        os.kill(run, signal.SIGSTOP)  # it hears no first one
        worker.process.terminate()
        until(lambda: "stopping" in worker.said)
        until(worker.stopped_again)
        assert worker.process.returncode == 130
        until(
            lambda: (
                not Path(f"/proc/{run}").exists() or "Z" in Path(f"/proc/{run}/stat").read_text().split()[2]
            )
        )
    assert rows(url, "select status::text from pgqueuer") == [("picked",)]


@pytest.mark.parametrize("with_runs", [True, False])
def test_the_storyboard_of_a_worker_that_died_is_carried_on(
    slow: Project, url: str, tmp_path: Path, with_runs: bool
) -> None:
    """By another one, when the lease has ended; a run that survived its worker is left to end first."""
    submitted(slow, url, board(slow, 4))
    with working(slow, url, tmp_path / "w") as first, working(slow, url, tmp_path / "v") as second:
        until(lambda: len(slow.simulator.state.tasks()) == 4)
        dying = first if "one: taken" in first.said else second
        dying.vanish(with_runs=with_runs)
        until(lambda: ended(url) == [("one", 0)])
        survivor = second if dying is first else first
        assert "one: ended with 0" in survivor.said
    assert len(slow.simulator.state.tasks()) == 4
    assert slow.simulator.state.charged() == 40


def test_a_storyboard_that_a_person_runs_is_waited_for(project: Project, url: str, tmp_path: Path) -> None:
    """The lease is held: that is no end of the job."""
    submitted(project, url, board(project, 2))
    with working(project, url, tmp_path / "w") as worker, closing(Database(url)) as database:
        with leased(database, "one", "run one.yaml"):
            until(lambda: "somebody else carries it" in worker.said)
            assert "in use by" in worker.said
            assert ended(url) == []
        until(lambda: ended(url) == [("one", 0)])
    assert project.simulator.state.charged() == 20


def test_a_worker_outlives_a_crash_of_the_database(
    slow: Project, url: str, tmp_path: Path, server: PostgresServer
) -> None:
    """It takes the next storyboard when the server is back, and ends the one that it had."""
    submitted(slow, url, board(slow, 2))
    with working(slow, url, tmp_path / "w"):
        until(lambda: len(slow.simulator.state.tasks()) == 2)
        server.stop(signal.SIGQUIT)
        server.start()
        submitted(slow, url, board(slow, 1, "two"))
        until(lambda: ended(url) == [("one", 0), ("two", 0)])
    assert slow.simulator.state.charged() == 30


def test_several_storyboards_at_a_time(slow: Project, url: str, tmp_path: Path) -> None:
    """As many as it was told."""
    for name in ("a", "b"):
        submitted(slow, url, board(slow, 1, name))
    with working(slow, url, tmp_path / "w", "--boards", "2") as worker:
        until(lambda: len(worker.runs()) == 2)
        until(lambda: len(ended(url)) == 2)
    assert sorted(ended(url)) == [("a", 0), ("b", 0)]


def test_a_worker_needs_a_key_and_tables(project: Project, url: str, server: PostgresServer) -> None:
    """It refuses to start rather than to spoil what waits."""
    submitted(project, url, board(project))
    assert in_project(project, "worker", "--database", url, RIVYA_API_KEY="").exit_code == 4
    empty = server.new_database()
    result = in_project(project, "worker", "--database", empty)
    assert result.exit_code == 7 and "database init" in result.stderr
    assert waiting(url) == 1


def test_what_the_environment_says_of_pgqueuer_is_not_heard(project: Project, url: str) -> None:
    """Who submits and who works must mean the same tables."""
    path = board(project)
    result = in_project(project, "submit", path, "--database", url, PGQUEUER_PREFIX="mine_", QUEUE_TABLE="x")
    assert result.exit_code == 0, result.output
    assert waiting(url) == 1


def test_what_another_storyboard_made_comes_along(project: Project, url: str, tmp_path: Path) -> None:
    """The clip that is chosen, so that a worker elsewhere can make something of it."""
    still = project.root / "still.yaml"
    still.write_text("id: still\nshots:\n  - {id: a, model: grok-imagine, prompt: x}\n", encoding="utf-8")
    path = project.root / "one.yaml"
    path.write_text(
        "id: one\nshots:\n  - {id: sh, prompt: x, references: [{storyboard: still.yaml, shot: a}]}\n",
        encoding="utf-8",
    )
    assert in_project(project, "run", still, "--database", url).exit_code == 0
    with working(project, url, tmp_path / "w"):
        result = in_project(project, "submit", path, "--wait", "--database", url)
    assert result.exit_code == 0, result.output
    assert len(project.simulator.state.tasks()) == 2


def test_a_file_of_several_storyboards_lies_in_the_database_once(
    project: Project, url: str, tmp_path: Path
) -> None:
    """And no longer than it is needed."""
    project.reference("pack.png", png("pack"))
    for name in ("a", "b"):
        text = f"id: {name}\nshots:\n  - {{id: sh, prompt: {name}, references: [pack.png]}}\n"
        (project.root / f"{name}.yaml").write_text(text, encoding="utf-8")
        submitted(project, url, project.root / f"{name}.yaml")
    named = "select count(*), count(distinct sha256) from submitted_file where path = 'pack.png'"
    assert rows(url, named) == [(2, 1)]
    assert len(rows(url, "select from content_part")) == len(rows(url, "select from content")) == 5
    with psycopg.connect(url) as connection:
        connection.execute("update content set stored_at = stored_at - interval '2 hours'")
    with working(project, url, tmp_path / "w"):
        until(lambda: ended(url) == [("a", 0), ("b", 0)])
    assert rows(url, "select from content") == rows(url, "select from submitted_file") == []
    assert len(project.simulator.state.files()) == 1, "uploaded once, too"


def test_who_stops_waiting_stops_nothing_else(project: Project, url: str) -> None:
    """Ctrl-C: 130, a word on it, and the job is where it was."""
    said = project.root / "said"
    with said.open("wb") as file:
        waits = subprocess.Popen(
            [sys.executable, "-m", "rivya_run", "submit", board(project).name, "--wait"],
            env=environment(project, url),
            cwd=project.root,
            stderr=file,
        )
    until(lambda: "one: waits" in said.read_text())
    waits.send_signal(signal.SIGINT)
    assert waits.wait(60) == 130
    assert "the workers go on" in said.read_text()
    assert waiting(url) == 1


def test_any_engine_may_start_everything_twice(slow: Project, url: str, tmp_path: Path) -> None:
    """As cron or Celery do: at the same time, and again what ended with 7; one of them is killed in the middle."""
    path = board(slow, 4)
    clones = [tmp_path / "a", tmp_path / "b"]
    for one in clones:
        shutil.copytree(slow.root, one)

    def start(clone: Path) -> subprocess.Popen[bytes]:
        words = [sys.executable, "-m", "rivya_run", "run", path.name]
        return subprocess.Popen(words, env=environment(slow, url), cwd=clone, stderr=subprocess.DEVNULL)

    runs = [start(one) for one in clones]
    until(lambda: len(slow.simulator.state.tasks()) == 4)
    [(holder,)] = rows(url, "select holder from book")
    killed = [one.pid for one in runs].index(int(holder.split(":")[1]))
    runs[killed].kill()
    codes: list[int | None] = [None, None]

    def all_ended() -> bool:
        for number, one in enumerate(runs):
            codes[number] = one.poll()
            if codes[number] in (7, 130, -signal.SIGKILL):
                runs[number] = start(clones[number])
        return codes == [0, 0]

    until(all_ended)
    assert len(slow.simulator.state.tasks()) == 4
    assert slow.simulator.state.charged() == 40
    assert all(len(list((one / "outputs/one/sh").iterdir())) == 4 for one in clones)


def test_results_go_into_an_object_store(project: Project, url: str, tmp_path: Path) -> None:
    """From any worker; a storyboard that is made from them is carried by another one, that fetches them there."""
    store = tmp_path / "store"
    store.mkdir()
    still = project.root / "still.yaml"
    still.write_text("id: still\nshots:\n  - {id: a, model: grok-imagine, prompt: x}\n", encoding="utf-8")
    path = project.root / "one.yaml"
    path.write_text(
        "id: one\nshots:\n  - {id: sh, prompt: x, references: [{storyboard: still.yaml, shot: a}]}\n",
        encoding="utf-8",
    )
    for name, one in (("w", still), ("v", path)):
        with working(project, url, tmp_path / name, "--outputs", store.as_uri()) as worker:
            result = in_project(project, "submit", one, "--wait", "--database", url)
            assert result.exit_code == 0, worker.said
        assert not (tmp_path / name / "outputs").exists()
    assert len(project.simulator.state.tasks()) == 2
    assert len(list((store / "one/sh").iterdir())) == 1
