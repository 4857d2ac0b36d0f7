"""``database import`` and ``repair``: whatever a folder knows reaches the database, and nothing of it is lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg

from command_line import in_project
from projects import Project


def board(project: Project, takes: int = 2) -> Path:
    path = project.root / "one.yaml"
    path.write_text(f"id: one\nshots:\n  - {{id: sh, prompt: one, takes: {takes}}}\n", encoding="utf-8")
    return path


def scalar(url: str, query: str) -> Any:
    with psycopg.connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
        assert row is not None
        return row[0]


def test_repair_leaves_books_in_a_folder_alone(project: Project, url: str) -> None:
    """The journal of a folder is no copy of a database before it was imported: it is never removed."""
    path = board(project)
    assert in_project(project, "run", path).exit_code == 0
    journal = project.root / "outputs/one/journal.jsonl"
    before = journal.read_bytes()

    refused = in_project(project, "database", "repair", path, "--database", url)

    assert refused.exit_code == 7
    assert "database import" in refused.stderr
    assert journal.read_bytes() == before


def test_a_manifest_is_imported_where_a_run_was_refused_before(project: Project, url: str) -> None:
    """A clone that has only the manifest is told to import it, does so, and pays for nothing again."""
    path = board(project)
    assert in_project(project, "run", path).exit_code == 0
    (project.root / "outputs/one/journal.jsonl").unlink()

    refused = in_project(project, "run", path, "--database", url)
    assert refused.exit_code == 7
    assert "database import" in refused.stderr
    assert in_project(project, "database", "import", path, "--database", url).exit_code == 0

    again = in_project(project, "run", path, "--database", url)
    assert again.exit_code == 0, again.stderr
    assert project.simulator.state.charged() == 20


def test_a_journal_whose_last_line_end_is_missing_is_imported(project: Project, url: str) -> None:
    """A machine that went down may leave it so: the line counts, and what follows stands on lines of its own."""
    path = board(project)
    assert in_project(project, "run", path).exit_code == 0
    journal = project.root / "outputs/one/journal.jsonl"
    journal.write_bytes(journal.read_bytes().rstrip(b"\n"))

    assert in_project(project, "database", "import", path, "--database", url).exit_code == 0
    board(project, takes=3)
    again = in_project(project, "run", path, "--database", url)
    assert again.exit_code == 0, again.stderr
    again = in_project(project, "run", path, "--database", url)
    assert again.exit_code == 0, again.stderr
    assert project.simulator.state.charged() == 30


def test_what_was_imported_counts_at_once(project: Project, url: str) -> None:
    """The account knows what the storyboard has cost before anybody runs it again."""
    path = board(project)
    assert in_project(project, "run", path).exit_code == 0
    assert in_project(project, "database", "import", path, "--database", url).exit_code == 0

    checked = in_project(project, "account", "--check", "--database", url)
    assert checked.exit_code == 0, checked.stdout
    assert "20 credits counted" in checked.stdout


def test_results_elsewhere_leave_word_in_the_project(project: Project, url: str, tmp_path: Path) -> None:
    """Who forgets both --outputs and --database after an import is refused, and pays nothing."""
    path = board(project)
    place = ("--outputs", tmp_path / "elsewhere")
    assert in_project(project, "run", path, *place).exit_code == 0
    assert in_project(project, "database", "import", path, "--database", url, *place).exit_code == 0

    forgotten = in_project(project, "run", path)

    assert forgotten.exit_code == 7
    assert json.loads((project.root / "outputs/one/manifest.json").read_bytes())["books"].startswith(
        "postgres:"
    )
    assert project.simulator.state.charged() == 20


def test_a_run_with_nothing_to_do_gives_places_back(project: Project, url: str) -> None:
    """A create that was debited by a process that died, and isn't wanted any more, holds no place for ever."""
    path = board(project)
    assert in_project(project, "run", path, "--database", url).exit_code == 0
    with psycopg.connect(url) as connection:
        left = '{"type":"debit","folder":"one","key":"left","credits":10,"in_flight":true}'
        connection.execute(
            "insert into debit (book, key, line, in_flight, change) "
            "values ('one', 'left', %s, true, nextval('debit_change'))",
            (left,),
        )

    assert in_project(project, "run", path, "--database", url).exit_code == 0

    assert scalar(url, "select count(*) from debit where in_flight") == 0
    assert in_project(project, "account", "--check", "--database", url).exit_code == 0


def test_a_rate_of_nothing_is_refused(project: Project, url: str) -> None:
    """No request at all is what --pause is for; it would have meant no limit."""
    assert in_project(project, "account", "--rate", "0", "--database", url).exit_code == 2
