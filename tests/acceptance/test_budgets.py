"""Budgets over several storyboards: never more than they hold, whoever spends it, and nothing paid twice for them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from command_line import in_project, rivya_run
from projects import Project
from rivya_run.simulator.faults import FaultPlan, Rule
from simulation import KEY, ManualClock, hosted

DAY = 86_400


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A project against a simulator that takes 10 credits for a clip."""
    with hosted() as simulator:
        yield Project(tmp_path, simulator)


def board(project: Project, name: str, takes: int, top: str = "", *, price: bool = False) -> Path:
    """A storyboard of so many clips. ``price``: its first run has shown what a clip costs."""
    path = project.root / f"{name}.yaml"
    path.write_text(
        f"id: {name}\n{top}\nshots:\n  - {{id: sh, prompt: '{name}', takes: {takes}}}\n", encoding="utf-8"
    )
    return path


def budgets(project: Project, text: str) -> None:
    """Write ``budgets.yaml``."""
    (project.root / "budgets.yaml").write_text(text, encoding="utf-8")


def run(project: Project, *words: str | Path) -> int:
    """A run's exit code."""
    return in_project(project, "run", *words).exit_code


def debited(project: Project) -> dict[str, float]:
    """What ``outputs/.budgets`` says was debited, by key."""
    found: dict[str, float] = {}
    for line in (project.root / "outputs/.budgets").read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        if entry["type"] == "debit":
            found[entry["key"]] = entry["credits"]
        elif entry["type"] == "given_back":
            found.pop(entry["key"], None)
    return found


def at_stake(project: Project) -> dict[str, float]:
    """What the simulator's own books say that each create costs."""
    return {str(task.key): 10.0 for task in project.simulator.state.tasks() if task.error is None}


@pytest.mark.parametrize("match", ['"*"', "one", "o*", "client:Acme", "tag:hero"])
def test_a_budget_holds_and_can_be_raised(project: Project, match: str) -> None:
    """Exit 5 with which budget and how to raise it; after that the rest is made, and nothing twice."""
    path = board(project, "one", 4, "client: Acme\ntags: [hero, night]")
    budgets(project, f"- match: {match}\n  max_credits: 25\n")
    result = in_project(project, "run", path)
    assert result.exit_code == 5
    assert project.simulator.state.charged() == 20
    assert "budgets.yaml:1" in result.stderr and "raise max_credits" in result.stderr
    assert run(project, path) == 5
    assert project.simulator.state.charged() == 20
    budgets(project, f"- match: {match}\n  max_credits: 40\n")
    assert run(project, path) == 0
    assert project.simulator.state.charged() == 40
    assert debited(project) == at_stake(project)


@pytest.mark.parametrize("match", ["two", "client:Bravo", "tag:day", "tag:her", "client:Acm", "on"])
def test_what_a_budget_does_not_match_is_free(project: Project, match: str) -> None:
    """Names are whole names."""
    path = board(project, "one", 3, "client: Acme\ntags: hero")
    budgets(project, f"- {{match: '{match}', max_credits: 0}}\n")
    assert run(project, path) == 0
    assert project.simulator.state.charged() == 30


def test_storyboards_share_a_budget(project: Project) -> None:
    """One after the other, in one run, and those whose file is gone."""
    one, two, three = (board(project, name, 2, "client: Acme") for name in ("one", "two", "three"))
    budgets(project, "- {match: client:Acme, max_credits: 50}\n")
    assert run(project, one) == 0
    one.unlink()
    assert run(project, two, three) == 5
    assert project.simulator.state.charged() == 50


def test_the_tightest_budget_counts(project: Project) -> None:
    """Several may match one take."""
    path = board(project, "one", 5, "client: Acme")
    budgets(project, "- {match: client:Acme, max_credits: 100}\n- {match: '*', max_credits: 30}\n")
    result = in_project(project, "run", path)
    assert result.exit_code == 5 and "budgets.yaml:2" in result.stderr
    assert project.simulator.state.charged() == 30


def test_what_was_spent_before_counts(project: Project) -> None:
    """A budget that is written later counts what the records know, with the file made anew from them."""
    path = board(project, "one", 2)
    assert run(project, path) == 0
    assert not (project.root / "outputs/.budgets").exists()
    budgets(project, "- {match: '*', max_credits: 30}\n")
    board(project, "one", 4)
    assert run(project, path) == 5
    assert project.simulator.state.charged() == 30
    assert debited(project) == at_stake(project)


@pytest.mark.parametrize("how", ["missing", "half a line", "nonsense", "old", "clone"])
def test_the_file_is_made_anew(project: Project, how: str) -> None:
    """Missing, damaged, or behind the records: nothing is lost of what counts."""
    one, two = board(project, "one", 2), board(project, "two", 5)
    budgets(project, "- {match: '*', max_credits: 50}\n")
    file = project.root / "outputs/.budgets"
    assert run(project, one) == 0
    before = file.read_bytes()
    if how == "missing":
        file.unlink()
    elif how == "half a line":
        file.write_bytes(before + b'{"type":"debit","folder":"outputs/two","key":"x","cre')
    elif how == "nonsense":
        file.write_bytes(before[:40] + b"\0" + before[40:])
    elif how == "old":
        board(project, "one", 3)
        assert run(project, one) == 0
        file.write_bytes(before)
    else:
        file.unlink()
        (project.root / "outputs/one/journal.jsonl").unlink()
    assert run(project, two) == 5
    assert project.simulator.state.charged() == 50
    assert debited(project) == at_stake(project)


def test_failures_that_cost_nothing_are_given_back(tmp_path: Path) -> None:
    """A failed task leaves room for the take's next attempt; a failure that was charged doesn't."""
    rules = (Rule("task-failed", "*.t1.*.a1"), Rule("task-charged", "*.t2.*.a1"))
    with hosted(faults=FaultPlan(rules=rules)) as simulator:
        project = Project(tmp_path, simulator)
        path = board(project, "one", 3)
        budgets(project, "- {match: '*', max_credits: 40}\n")
        assert run(project, path) == 1
        assert run(project, path, "--retry-failed") == 0
        assert simulator.state.charged() == 40  # the second one twice
        assert sum(debited(project).values()) == 40


def test_a_day_ends_and_a_clock_that_goes_back_gives_nothing_back(tmp_path: Path) -> None:
    """Days are those of UTC, by the highest time that was seen; also where the file is made anew."""
    clock = ManualClock()
    with hosted() as simulator:
        project = Project(tmp_path, simulator, clock=clock)
        budgets(
            project,
            "- {match: '*', max_credits: 20, per: day}\n- {match: '*', max_credits: 50, per: month}\n",
        )
        project.write("id: one\nshots: [{id: sh, prompt: x, takes: 9}]\n")
        assert project.run().exit_code == 5
        assert simulator.state.charged() == 20
        clock.advance(DAY)
        assert project.run().exit_code == 5
        assert simulator.state.charged() == 40
        clock.advance(-DAY)
        assert project.run().exit_code == 5
        (project.root / "outputs/.budgets").unlink()
        assert project.run().exit_code == 5
        assert simulator.state.charged() == 40
        clock.advance(2 * DAY)
        assert project.run().exit_code == 5
        assert simulator.state.charged() == 50  # the month's


def test_what_was_made_with_a_wrong_clock_counts_when_it_was_made(tmp_path: Path) -> None:
    """It goes on record at the highest time, so that also a file that is made anew counts it there."""
    clock = ManualClock()
    with hosted() as simulator:
        project = Project(tmp_path, simulator, clock=clock)
        budgets(project, "- {match: '*', max_credits: 30, per: day}\n")
        project.write("id: one\nshots: [{id: sh, prompt: x, takes: 1}]\n")
        assert project.run().exit_code == 0
        clock.advance(-5 * DAY)
        project.write("id: one\nshots: [{id: sh, prompt: x, takes: 3}]\n")
        assert project.run().exit_code == 0
        (project.root / "outputs/.budgets").unlink()
        clock.advance(5 * DAY)
        project.write("id: one\nshots: [{id: sh, prompt: x, takes: 4}]\n")
        assert project.run().exit_code == 5
        assert simulator.state.charged() == 30


def test_a_price_that_nobody_knows_is_learnt_one_at_a_time(tmp_path: Path) -> None:
    """A budget of 120 at a table price of 10 and a real one of 50: at most one create goes beyond."""
    with hosted(price=50.0) as simulator:
        project = Project(tmp_path, simulator)
        one, two = board(project, "one", 8), board(project, "two", 8)
        budgets(project, "- {match: '*', max_credits: 120}\n")
        assert run(project, one, two) == 5
        assert run(project, one, two) == 5
        assert simulator.state.charged() <= 150


TWO = "- {match: client:Acme, max_credits: 90}\n"


@pytest.mark.parametrize("concurrency", ["1", "8"])
def test_two_processes_create_exactly_what_one_budget_holds(project: Project, concurrency: str) -> None:
    """Real processes, real HTTP: nine takes of ten credits, whoever is first."""
    paths = [board(project, name, 8, "client: Acme") for name in ("one", "two")]
    budgets(project, TWO)
    environment = {
        **os.environ,
        "RIVYA_API_KEY": KEY,
        "RIVYA_BASE_URL": project.simulator.base_url,
        "RIVYA_RUN_POLL_INTERVAL": "0.02",
        "RIVYA_RUN_CONCURRENCY": concurrency,
    }
    words = [sys.executable, "-m", "rivya_run", "run"]
    runs = [
        subprocess.Popen([*words, str(path), "--progress", "none"], env=environment, stderr=subprocess.PIPE)
        for path in paths
    ]
    ended = [(one.communicate(timeout=90)[1], one.returncode) for one in runs]
    assert {code for _, code in ended} <= {0, 5} and 5 in {code for _, code in ended}, ended
    assert project.simulator.state.charged() == 90
    assert len(project.simulator.state.tasks()) == 9
    assert debited(project) == at_stake(project)


def test_nothing_is_paid_again_for_another_budget(project: Project) -> None:
    """Budgets are part of no fingerprint."""
    path = board(project, "one", 2, "client: Acme")
    assert run(project, path) == 0
    for text in ("- {match: '*', max_credits: 0}\n", "- {match: client:Acme, max_credits: 99, per: day}\n"):
        budgets(project, text)
        assert run(project, path) == 0
    assert project.tasks() == 2


def test_what_is_simulated_counts_nowhere(project: Project) -> None:
    """An animatic needs no budget and leaves no trace in it."""
    path = board(project, "one", 2)
    budgets(project, "- {match: '*', max_credits: 0}\n")
    assert rivya_run("run", path, "--simulate").exit_code == 0
    assert not (project.root / "outputs/.budgets").exists()
    budgets(project, "- {match: '*', max_credits: 20}\n")
    assert run(project, path) == 0


WRONG: list[tuple[str, str, str]] = [
    ("match: x", "1:1", "type"),
    ("- 5", "1:3", "type"),
    ("- {match: x}", "1:3", "missing-key"),
    ("- {max_credits: 5}", "1:3", "missing-key"),
    ("- {match: x, max_credits: -1}", "1:27", "range"),
    ("- {match: x, max_credits: lots}", "1:27", "type"),
    ("- {match: x, max_credits: 5, per: week}", "1:35", "option"),
    ("- {match: x, max_credit: 5}", "1:14", "unknown-key"),
    ("- {match: 'clients:Acme', max_credits: 5}", "1:11", "option"),
    ("- {match: 'tag:', max_credits: 5}", "1:11", "option"),
    ("- {match: [x], max_credits: 5}", "1:11", "type"),
    ("- {match: x, match: y, max_credits: 5}", "1:14", "duplicate-key"),
    ("- {match: x", "1", "syntax"),
    ("# nothing yet\n", "1:1", "empty"),
]


@pytest.mark.parametrize(("text", "place", "code"), WRONG)
def test_a_broken_file_starts_no_run(project: Project, text: str, place: str, code: str) -> None:
    """File, line, column and code; nothing is done."""
    path = board(project, "one", 2)
    budgets(project, text)
    for words in (("run", path), ("plan", path)):
        result = in_project(project, *words)
        assert result.exit_code == 3, result.output
        assert f"budgets.yaml:{place}" in result.stderr and f"[{code}]" in result.stderr, result.stderr
    assert project.tasks() == 0
    assert not (project.root / "outputs/one").exists()


def test_a_file_that_cannot_be_read_starts_no_run(project: Project) -> None:
    """A link to nowhere is no absent file."""
    path = board(project, "one", 1)
    (project.root / "budgets.yaml").symlink_to("nowhere")
    assert run(project, path) == 3
    assert project.tasks() == 0


def planned(*words: str | Path) -> Any:
    """What ``plan --json`` prints."""
    result = rivya_run("plan", *words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_the_plan_shows_which_budgets_its_takes_go_beyond(project: Project) -> None:
    """Over all storyboards that are planned together; nothing is written for it."""
    one, two = board(project, "one", 3, "client: Acme"), board(project, "two", 3)
    budgets(project, "- {match: '*', max_credits: 40}\n- {match: client:Acme, max_credits: 100, per: day}\n")
    first, second = planned(one, two)
    assert first["totals"]["credits"]["budgets"] == [
        {"match": "*", "per": "ever", "max_credits": 40, "left": 40, "beyond": []},
        {"match": "client:Acme", "per": "day", "max_credits": 100, "left": 100, "beyond": []},
    ]
    assert second["totals"]["credits"]["budgets"] == [
        {"match": "*", "per": "ever", "max_credits": 40, "left": 10, "beyond": ["sh/2", "sh/3"]}
    ]
    assert not (project.root / "outputs/.budgets").exists()
    text = rivya_run("plan", two).stdout
    assert "budget * (budgets.yaml:1): 40 credits, 40 left" in text
    assert run(project, one) == 0
    assert planned(two)["totals"]["credits"]["budgets"][0]["left"] == 10
    text = rivya_run("plan", two).stdout
    assert "no room for sh/2, sh/3" in text and "beyond the budget" in text
    assert "budgets" not in planned(two, "--simulate")["totals"]["credits"]


def test_the_file_is_not_for_git(project: Project, tmp_path: Path) -> None:
    """What init writes keeps it out."""
    assert rivya_run("init", tmp_path / "new").exit_code == 0
    subprocess.run(["git", "init", "-q"], cwd=tmp_path / "new", check=True)
    for name in (".budgets", ".budgets.lock"):
        asked = subprocess.run(
            ["git", "check-ignore", "-q", f"outputs/{name}"], cwd=tmp_path / "new", check=False
        )
        assert asked.returncode == 0
