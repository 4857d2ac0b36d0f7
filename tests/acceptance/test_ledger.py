"""The ledger: whom credits were spent on, over all storyboards of a project, to the credit."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from command_line import in_project, rivya_run
from projects import Project
from rivya_run.simulator.faults import FaultPlan, Rule
from simulation import hosted

BY = ("client", "tag", "model", "month", "storyboard", "scene")
TEASER = """
id: teaser
client: Acme
scene: kitchen
shots:
  - {id: sh010, prompt: A reveal, tags: [hero, night]}
  - {id: sh020, prompt: A cup, tags: hero, takes: 2}
  - {id: sh030, model: grok-imagine, prompt: A still, scene: street}
"""
OTHER = """
id: other
shots:
  - {id: one, prompt: Somewhere else}
"""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A project with a simulator that charges some failures."""
    faults = FaultPlan(rules=(Rule("task-charged", "*.sh020.t2.*.a1", turns=(1,)),))
    with hosted(faults=faults) as simulator:
        yield Project(tmp_path, simulator)


def made(project: Project, text: str) -> Path:
    """Write a storyboard under its id, and run it."""
    path = project.root / f"{text.split()[1]}.yaml"
    path.write_text(text, encoding="utf-8")
    assert in_project(project, "run", path, "--attempts", "2", "--retry-failed").exit_code == 0
    return path


def ledger(*words: str | Path) -> Any:
    """What ``ledger --format json`` prints."""
    result = rivya_run("ledger", *words, "--format", "json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def rows(document: Any) -> dict[str | None, tuple[float, int]]:
    """Credits and takes by what they are for."""
    return {row["by"]: (row["credits"], row["takes"]) for row in document["rows"]}


def spent(root: Path) -> float:
    """The sum of all manifests' own sums, simulated ones left out."""
    found = (root / "outputs").glob("*/manifest.json")
    manifests = (json.loads(one.read_bytes()) for one in found if "." not in one.parent.name)
    return float(sum(one["totals"]["spent_credits"] for one in manifests))


def test_every_ledger_closes_with_what_the_api_charged(project: Project) -> None:
    """Failures that were charged, several tags, nothing to go by: the rows add up, whatever they are by."""
    made(project, TEASER)
    made(project, OTHER)
    charged = project.simulator.state.charged()
    assert charged == spent(project.root)
    for by in BY:
        document = ledger(project.root, "--by", by)
        assert document["total"] == charged
        assert sum(row["credits"] for row in document["rows"]) == charged
    assert set(rows(ledger(project.root, "--by", "tag"))) == {"hero", "hero, night", None}
    assert set(rows(ledger(project.root, "--by", "client"))) == {"Acme", None}
    assert set(rows(ledger(project.root, "--by", "scene"))) == {"kitchen", "street", None}
    assert rows(ledger(project.root, "--by", "storyboard"))["teaser"][1] == 4


def test_what_was_paid_for_one_client_is_never_anothers(project: Project) -> None:
    """Client, tags and scene may change: nothing is paid again, and what was paid stays whose it was."""
    path = made(project, TEASER)
    before = {by: ledger(project.root, "--by", by) for by in BY}
    tasks = project.tasks()
    changed = TEASER.replace("Acme", "Bravo").replace("kitchen", "cellar").replace("hero", "villain")
    path.write_text(changed, encoding="utf-8")
    assert in_project(project, "run", path).exit_code == 0
    assert project.tasks() == tasks
    assert {by: ledger(project.root, "--by", by) for by in BY} == before
    path.write_text(changed.replace("A reveal", "Another reveal"), encoding="utf-8")
    assert in_project(project, "run", path).exit_code == 0
    found = rows(ledger(project.root, "--by", "client"))
    assert found["Acme"][0] == before["client"]["total"]
    assert found["Bravo"][1] == 1


def test_a_clone_knows_whom_it_was_for(project: Project) -> None:
    """The manifest alone says it; taking it in, and another text since, change nothing."""
    path = made(project, TEASER)
    before = {by: ledger(project.root, "--by", by) for by in BY}
    (project.root / "outputs/teaser/journal.jsonl").unlink()
    assert {by: ledger(project.root, "--by", by) for by in BY} == before
    path.write_text(TEASER.replace("Acme", "Bravo").replace("hero", "villain"), encoding="utf-8")
    assert in_project(project, "run", path).exit_code == 0
    assert (project.root / "outputs/teaser/journal.jsonl").exists()
    assert {by: ledger(project.root, "--by", by) for by in BY} == before


def test_a_manifest_takes_nothing_from_a_client(project: Project) -> None:
    """Also where it knows more than the journal, whose attempt stays whose it was."""
    made(project, TEASER)
    folder = project.root / "outputs/teaser"
    lines = (folder / "journal.jsonl").read_bytes().splitlines(keepends=True)
    stored = next(at for at, line in enumerate(lines) if b'"event":"stored"' in line)
    (folder / "journal.jsonl").write_bytes(b"".join(lines[:stored]))
    manifest = (folder / "manifest.json").read_text(encoding="utf-8")
    (folder / "manifest.json").write_text(manifest.replace("Acme", "Thief"), encoding="utf-8")
    known = sum(b'"event":"intended"' in line for line in lines[:stored])
    assert rows(ledger(project.root, "--by", "client"))["Acme"][1] >= min(known, 3)
    assert ledger(project.root)["total"] == project.simulator.state.charged()


@pytest.mark.parametrize("wrong", ['"client": 5', '"tags": "hero"', '"scene": ["x"]'])
def test_whom_it_was_for_is_judged(project: Project, wrong: str) -> None:
    """A manifest that says it wrongly is refused, with its place."""
    made(project, TEASER)
    manifest = project.root / "outputs/teaser/manifest.json"
    document = json.loads(manifest.read_bytes())
    document["shots"][0]["takes"][0] |= json.loads(f"{{{wrong}}}")
    manifest.write_text(json.dumps(document, indent=1), encoding="utf-8")
    result = rivya_run("ledger", project.root)
    assert result.exit_code == 7
    assert "manifest.json:" in result.stderr and wrong.split('"')[1] in result.stderr


def test_an_adopted_task_is_for_whom_its_shot_is(project: Project) -> None:
    """One that was made elsewhere, for a shot of now."""
    made(project, TEASER)
    task = project.simulator.state.tasks()[0].id
    shutil.rmtree(project.root / "outputs/teaser")
    path = project.root / "teaser.yaml"
    assert in_project(project, "adopt", path, "sh010", task).exit_code == 0
    assert rows(ledger(project.root, "--by", "client"))["Acme"][1] == 1
    assert rows(ledger(project.root, "--by", "tag"))["hero, night"][1] == 1


def test_folders_whose_storyboard_is_gone_count_and_simulated_ones_do_not(project: Project) -> None:
    """Money that was spent stays spent; an animatic costs nothing."""
    path = made(project, TEASER)
    assert rivya_run("run", path, "--simulate").exit_code == 0
    path.unlink()
    assert ledger(project.root)["total"] == project.simulator.state.charged()
    assert set(rows(ledger(project.root))) == {"teaser"}


def test_a_storyboard_alone(project: Project) -> None:
    """PATH is a storyboard, or a folder for the whole project."""
    teaser, other = made(project, TEASER), made(project, OTHER)
    assert set(rows(ledger(other))) == {"other"}
    assert ledger(other, teaser)["total"] == ledger(project.root)["total"] == spent(project.root)
    (project.root / "notes.yaml").write_text("[1]", encoding="utf-8")
    assert rivya_run("ledger", project.root / "notes.yaml").exit_code == 2


def test_since_leaves_out_what_is_older(project: Project) -> None:
    """A day splits the sum in two."""
    made(project, TEASER)
    today = json.loads((project.root / "outputs/teaser/manifest.json").read_bytes())["updated_at"][:10]
    assert ledger(project.root, "--since", "2020-01-01")["total"] == spent(project.root)
    assert ledger(project.root, "--since", f"{int(today[:4]) + 1}-01-01") == {"total": 0, "rows": []}
    assert rivya_run("ledger", project.root, "--since", "last week").exit_code == 2


def test_the_other_forms_say_the_same(project: Project) -> None:
    """A table for people, CSV for spreadsheets."""
    made(project, TEASER)
    made(project, OTHER)
    document = ledger(project.root, "--by", "client")
    table = rivya_run("ledger", project.root, "--by", "client").stdout.splitlines()
    assert table[0].split() == ["client", "credits", "takes"]
    assert table[-1] == f"{document['total']} credits in all"
    assert any(line.startswith("(none)") for line in table)
    text = rivya_run("ledger", project.root, "--by", "client", "--format", "csv").stdout
    found = list(csv.DictReader(io.StringIO(text)))
    assert sum(float(row["credits"]) for row in found) == document["total"]
    assert [row["by"] or None for row in found] == [row["by"] for row in document["rows"]]


def test_records_that_cannot_be_read_make_no_sum(project: Project) -> None:
    """A sum without one storyboard would be wrong."""
    made(project, TEASER)
    made(project, OTHER)
    (project.root / "outputs/other/manifest.json").write_text("<<<<<<< ours", encoding="utf-8")
    assert rivya_run("ledger", project.root).exit_code == 7


def test_an_empty_project_has_spent_nothing(tmp_path: Path) -> None:
    """No outputs, no rows."""
    assert ledger(tmp_path) == {"total": 0, "rows": []}
    assert rivya_run("ledger", tmp_path).stdout == "0 credits in all\n"
    assert rivya_run("prices", tmp_path).stdout == "the API has told no price yet\n"


def test_prices_are_what_the_api_told(project: Project) -> None:
    """Per model and params: how often, when last; over all storyboards."""
    made(project, TEASER)
    made(project, OTHER)
    found = json.loads(rivya_run("prices", project.root, "--format", "json").stdout)
    by_model = {one["model"]: one for one in found}
    assert set(by_model) == {"grok-imagine-video", "grok-imagine"}
    video = by_model["grok-imagine-video"]
    made_of_video = [task for task in project.simulator.state.tasks() if task.model == "grok-imagine-video"]
    assert video["times"] == len(made_of_video)
    assert video["params"]["duration"]
    assert video["last"].endswith("Z")
    table = rivya_run("prices", project.root).stdout.splitlines()
    assert table[0].split() == ["model", "params", "credits", "times", "last"]
    assert len(table) == 3
