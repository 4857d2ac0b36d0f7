"""Books in a database: one machine after another and beside another, and nothing is paid twice."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from command_line import in_project
from postgres_server import PostgresServer, postgres_server
from projects import Project
from rivya_run.postgres.database import Database
from rivya_run.simulator.faults import FaultPlan, Rule
from simulation import hosted

_NUMBER = itertools.count(1)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server for all tests here."""
    with postgres_server() as found:
        yield found


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A project against a simulator that takes 10 credits for a clip."""
    with hosted() as simulator:
        yield Project(tmp_path / "here", simulator)


@pytest.fixture
def url(server: PostgresServer) -> str:
    """A database with tables and nothing in it."""
    found = server.new_database(f"books{next(_NUMBER)}")
    with closing(Database(found)) as database:
        assert database.initialise() == (0, 1)
    return found


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
