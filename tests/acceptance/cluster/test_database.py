"""Books in a database: one machine after another and beside another, and nothing is paid twice."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from command_line import in_project
from projects import Project, png
from rivya_run.simulator.faults import FaultPlan, Rule
from simulation import KEY, hosted


def board(project: Project, takes: int = 2, name: str = "one") -> Path:
    """A storyboard of so many clips."""
    path = project.root / f"{name}.yaml"
    path.write_text(
        f"id: {name}\nshots:\n  - {{id: sh, prompt: '{name}', takes: {takes}}}\n", encoding="utf-8"
    )
    return path


def clone(project: Project, tmp_path: Path, *kept: str) -> Project:
    """The project on another machine, with nothing of its outputs but what is named."""
    other = tmp_path / "there"
    shutil.copytree(project.root, other, ignore=shutil.ignore_patterns("outputs"))
    for name in kept:
        (other / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(project.root / name, other / name)
    return Project(other, project.simulator)


def manifest(project: Project, name: str = "one") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((project.root / f"outputs/{name}/manifest.json").read_text())
    return found


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode()).fetchall()


def test_a_second_machine_goes_on_where_the_first_stopped(project: Project, url: str, tmp_path: Path) -> None:
    """It knows of every take by the database alone, fetches the files, and pays for what is new."""
    path = board(project)
    assert in_project(project, "run", path, "--database", url).exit_code == 0
    assert project.simulator.state.charged() == 20
    told = manifest(project)
    assert told["books"].startswith("postgres:") and told["book_commit"] > 0
    other = clone(project, tmp_path)
    assert in_project(other, "run", other.root / "one.yaml", "--database", url).exit_code == 0
    assert project.simulator.state.charged() == 20
    assert len(list((other.root / "outputs/one/sh").iterdir())) == 2
    board(other, 3)
    assert in_project(other, "run", other.root / "one.yaml", "--database", url).exit_code == 0
    assert project.simulator.state.charged() == 30
    board(project, 3)
    assert in_project(project, "run", path, "--database", url).exit_code == 0
    assert project.simulator.state.charged() == 30


@pytest.mark.parametrize("kept", [(), ("outputs/one/manifest.json",)])
def test_a_forgotten_database_pays_nothing(
    project: Project, url: str, tmp_path: Path, kept: tuple[str, ...]
) -> None:
    """Exit 7, here and in a clone that has the manifest; nothing was sent."""
    path = board(project)
    assert in_project(project, "run", path, "--database", url).exit_code == 0
    where = clone(project, tmp_path, *kept) if kept else project
    board(where, 4)
    for words in (("run",), ("clean", "--yes"), ("adopt",)):
        more = ("sh", "task_x", "--take", "4") if words == ("adopt",) else ()
        result = in_project(where, *words, where.root / "one.yaml", *more)
        assert result.exit_code == 7, result.output
        assert "--database" in result.stderr and "nothing was created" in result.stderr
    assert project.simulator.state.charged() == 20


def test_books_in_the_folder_are_imported_first(project: Project, url: str) -> None:
    """With --database they are refused; imported, the rest is made and nothing again; twice is fine."""
    path = board(project)
    assert in_project(project, "run", path).exit_code == 0
    board(project, 3)
    result = in_project(project, "run", path, "--database", url)
    assert result.exit_code == 7 and "database import" in result.stderr
    assert in_project(project, "database", "import", path, "--database", url).exit_code == 0
    assert in_project(project, "database", "import", path, "--database", url).exit_code == 0
    assert in_project(project, "run", path).exit_code == 7
    assert in_project(project, "run", path, "--database", url).exit_code == 0
    assert project.simulator.state.charged() == 30


def test_clones_are_imported_one_after_another(project: Project, url: str, tmp_path: Path) -> None:
    """The union of what each knows, by key; a manifest alone is enough."""
    path = board(project)
    assert in_project(project, "run", path).exit_code == 0
    other = clone(project, tmp_path, "outputs/one/manifest.json")
    board(other, 3)
    assert in_project(other, "run", other.root / "one.yaml").exit_code == 0
    board(project, 4)
    path.write_text(path.read_text().replace("'one'", "'two'"), encoding="utf-8")
    assert in_project(project, "run", path).exit_code == 0
    assert project.simulator.state.charged() == 70
    assert in_project(project, "database", "import", path, "--database", url).exit_code == 0
    assert in_project(other, "database", "import", other.root / "one.yaml", "--database", url).exit_code == 0
    for one in (other, project):
        assert in_project(one, "run", one.root / "one.yaml", "--database", url).exit_code == 0
    assert project.simulator.state.charged() == 70
    ledger = in_project(project, "ledger", path, "--database", url, "--format", "json")
    assert ledger.exit_code == 0, ledger.stderr
    assert json.loads(ledger.stdout)["total"] == 70


def test_a_lost_reply_is_resent_by_another_machine(url: str, tmp_path: Path) -> None:
    """The same bytes with the same key: one task."""
    with hosted(faults=FaultPlan(rules=(Rule("create-lost", at=(1, 2, 3, 4, 5, 6, 7, 8, 9)),))) as simulator:
        project = Project(tmp_path / "here", simulator)
        path = board(project, 1)
        assert in_project(project, "run", path, "--database", url, "--timeout", "0.2").exit_code == 1
        assert rows(url, "select count(*) from debit where in_flight") == [(1,)]
        other = clone(project, tmp_path)
        assert in_project(other, "run", other.root / "one.yaml", "--database", url).exit_code == 0
        assert simulator.state.charged() == 10
        assert len(simulator.state.tasks()) == 1


def test_the_account_counts_what_is_in_flight(project: Project, url: str) -> None:
    """After a run nothing is in flight, and what counts is what was charged."""
    path = board(project, 3)
    assert in_project(project, "run", path, "--database", url).exit_code == 0
    assert rows(url, "select count(*) from debit where in_flight") == [(0,)]
    told = [json.loads(line)["credits"] for (line,) in rows(url, "select line from debit where not gone")]
    assert sum(told) == project.simulator.state.charged() == 30


def environment(project: Project, url: str, **more: str) -> dict[str, str]:
    """What a process of its own needs to run against the project's simulator."""
    return {
        **os.environ,
        "RIVYA_API_KEY": KEY,
        "RIVYA_BASE_URL": project.simulator.base_url,
        "RIVYA_RUN_POLL_INTERVAL": "0.02",
        "RIVYA_RUN_DATABASE": url,
        "RIVYA_RUN_PROGRESS": "none",
        **more,
    }


def started(project: Project, url: str, *words: str | Path, **more: str) -> subprocess.Popen[bytes]:
    """A process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "rivya_run", *map(str, words)],
        env=environment(project, url, **more),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd=project.root,
    )


def ended(*processes: subprocess.Popen[bytes]) -> list[tuple[int, str]]:
    """Exit codes and what was said on standard error."""
    said = [one.communicate(timeout=120)[1].decode() for one in processes]
    return [(one.returncode, words) for one, words in zip(processes, said, strict=True)]


def most_in_flight(project: Project) -> int:
    """How many tasks there ever were at a time, by the simulator's own books."""
    tasks = project.simulator.state.tasks()
    return max(sum(one.created <= other.created < one.ends for one in tasks) for other in tasks)


def test_no_more_is_in_flight_than_the_account_allows(project: Project, url: str, tmp_path: Path) -> None:
    """Two machines, eight takes each at once, and a cap of three over both."""
    assert in_project(project, "account", "--database", url, "--cap", "3").exit_code == 0
    machines = [Project(tmp_path / name, project.simulator) for name in ("a", "b")]
    paths = [board(one, 6, f"board{number}") for number, one in enumerate(machines)]
    runs = [started(one, url, "run", path) for one, path in zip(machines, paths, strict=True)]
    assert [code for code, _ in ended(*runs)] == [0, 0]
    assert project.simulator.state.charged() == 120
    assert most_in_flight(project) <= 3
    told = in_project(project, "account", "--database", url, "--check")
    assert told.exit_code == 0 and "0 of 3 in flight, 120 credits counted" in told.stdout, told.output


def test_a_budget_of_the_account_holds_over_machines(project: Project, url: str, tmp_path: Path) -> None:
    """Exactly what it holds is created, whoever is first."""
    assert in_project(project, "account", "--database", url, "--budget", "70").exit_code == 0
    machines = [Project(tmp_path / name, project.simulator) for name in ("a", "b", "c")]
    paths = [board(one, 4, f"board{number}") for number, one in enumerate(machines)]
    runs = [started(one, url, "run", path) for one, path in zip(machines, paths, strict=True)]
    assert {code for code, _ in ended(*runs)} <= {0, 5}
    assert project.simulator.state.charged() == 70
    assert len(project.simulator.state.tasks()) == 7


def test_budgets_of_a_project_hold_over_machines(project: Project, url: str, tmp_path: Path) -> None:
    """``budgets.yaml`` counts by the account's debits, not by a file."""
    machines = [Project(tmp_path / name, project.simulator) for name in ("a", "b")]
    for number, one in enumerate(machines):
        (one.root / "budgets.yaml").write_text("- {match: 'board*', max_credits: 50}\n", encoding="utf-8")
        board(one, 4, f"board{number}")
    runs = [started(one, url, "run", one.root / f"board{number}.yaml") for number, one in enumerate(machines)]
    assert {code for code, _ in ended(*runs)} <= {0, 5}
    assert project.simulator.state.charged() == 50
    assert not (machines[0].root / "outputs/.budgets").exists()


def test_two_people_start_the_same_storyboard(project: Project, url: str, tmp_path: Path) -> None:
    """One carries it; the other is told who does, or finds everything there. Paid once."""
    machines = [Project(tmp_path / name, project.simulator) for name in ("a", "b")]
    paths = [board(one, 3) for one in machines]
    runs = [started(one, url, "run", path) for one, path in zip(machines, paths, strict=True)]
    results = ended(*runs)
    assert {code for code, _ in results} <= {0, 7} and 0 in {code for code, _ in results}, results
    assert all("in use by" in words for code, words in results if code == 7)
    assert project.simulator.state.charged() == 30


def test_one_file_goes_up_once_for_two_storyboards(project: Project, url: str, tmp_path: Path) -> None:
    """Also where both need it at the same time."""
    machines = [Project(tmp_path / name, project.simulator) for name in ("a", "b")]
    for number, one in enumerate(machines):
        one.reference("ref.png", png("the same"))
        text = f"id: board{number}\nshots:\n  - {{id: sh, prompt: x, references: [ref.png]}}\n"
        (one.root / "board.yaml").write_text(text, encoding="utf-8")
    runs = [started(one, url, "run", one.root / "board.yaml") for one in machines]
    assert [code for code, _ in ended(*runs)] == [0, 0]
    assert len(project.simulator.state.files()) == 1


def test_a_paused_account_creates_nothing_until_it_is_resumed(project: Project, url: str) -> None:
    """What is asked for meanwhile waits; Ctrl-C ends the waiting."""
    path = board(project, 2)
    assert in_project(project, "account", "--database", url, "--pause").exit_code == 0
    run = started(project, url, "run", path)
    until(lambda: bool(rows(url, "select 1 from book where lease_until > clock_timestamp()")))
    assert project.simulator.state.charged() == 0
    assert in_project(project, "account", "--database", url, "--resume").exit_code == 0
    assert [code for code, _ in ended(run)] == [0]
    assert project.simulator.state.charged() == 20


def until(holds: Callable[[], bool], seconds: float = 60) -> None:
    """Wait for something that other processes do."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came to be so"
        time.sleep(0.02)
