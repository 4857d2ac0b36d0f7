"""`rivya-run run`: progress, questions, saved plans, and what is said at the end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from command_line import in_project, rivya_run
from projects import Project
from rivya_run.simulator.faults import FaultPlan, Rule
from simulation import KEY, hosted

BOARD = """
    id: board
    shots:
      - {id: a, prompt: x}
      - {id: b, prompt: y, takes: 2}
"""


@pytest.fixture
def board(project: Project) -> Project:
    """Two shots, three takes."""
    project.write(BOARD)
    return project


def test_results_go_to_disk_and_words_to_standard_error(board: Project) -> None:
    """Standard output stays empty; the end says that all is there, where, and for how much."""
    result = in_project(board, board.path)
    assert result.exit_code == 0
    assert result.stdout == ""
    assert "board: 3 takes: 3 to create; about 30 credits" in result.stderr
    assert "board: 3 takes, all there" in result.stderr
    assert f"clips: {board.folder()}" in result.stderr
    assert "spent: 30 credits, 30 credits in this run" in result.stderr


def test_json_progress_is_json_and_nothing_else(board: Project) -> None:
    """Every line of standard error is an object with event and time; takes are told of by name."""
    result = in_project(board, board.path, "--progress", "json")
    lines = [json.loads(line) for line in result.stderr.splitlines()]
    assert all({"event", "time"} <= set(line) for line in lines)
    assert lines[0]["event"] == "run_started"
    assert lines[-1]["event"] == "run_finished"
    assert lines[-1]["exit_code"] == 0
    done = {
        (x["shot"], x["take"]) for x in lines if x["event"] == "take_changed" and x["status"] == "succeeded"
    }
    assert done == {("a", 1), ("b", 1), ("b", 2)}


@pytest.mark.parametrize(
    "mistake", ["shots: 3\n", "shots:\n  - {id: a, prompt: x, params: {duration: 99}}\n"]
)
def test_json_progress_tells_problems_as_json_too(project: Project, mistake: str) -> None:
    """A machine that reads the lines needs no second parser for failures."""
    project.write(mistake)
    result = in_project(project, project.path, "--progress", "json")
    lines = [json.loads(line) for line in result.stderr.splitlines()]
    assert result.exit_code == 3
    assert [line["event"] for line in lines][-2:] == ["problem", "error"]
    assert lines[-1]["exit_code"] == 3


def test_problems_come_all_at_once_with_their_places(project: Project) -> None:
    """Exit 3, nothing was done."""
    project.write("shots:\n  - {id: a, prompt: x, params: {duration: 99, mode: fast}}\n")
    result = in_project(project, project.path)
    assert result.exit_code == 3
    assert f"{project.path}:2:" in result.stderr
    assert "[range]" in result.stderr
    assert "nothing was done" in result.stderr
    assert list((project.root / "outputs").iterdir()) == []


def test_without_a_key_nothing_is_started(board: Project) -> None:
    """Exit 4, with what to do."""
    result = in_project(board, board.path, RIVYA_API_KEY="")
    assert result.exit_code == 4
    assert "RIVYA_API_KEY is not set" in result.stderr


def test_who_can_not_be_asked_does_not_spend(board: Project) -> None:
    """--confirm-above away from a terminal refuses with exit 2, unless --yes says so before."""
    refused = in_project(board, board.path, "--confirm-above", "29")
    assert refused.exit_code == 2
    assert "would spend about 30 credits" in refused.stderr
    assert board.tasks() == 0
    assert in_project(board, board.path, "--confirm-above", "30", "--only", "a").exit_code == 0
    assert in_project(board, board.path, "--confirm-above", "1", "--yes").exit_code == 0
    assert board.tasks() == 3


@pytest.mark.parametrize(
    ("answer", "code", "tasks"), [("y\n", 0, 3), ("n\n", 2, 0), ("\n", 2, 0), ("", 130, 0)]
)
def test_on_a_terminal_a_person_is_asked(
    board: Project, monkeypatch: pytest.MonkeyPatch, answer: str, code: int, tasks: int
) -> None:
    """Only a yes spends; no answer is no."""
    monkeypatch.setattr("rivya_run.cli.run._is_terminal", lambda: True)
    result = in_project(board, board.path, "--confirm-above", "10", typed=answer)
    assert result.exit_code == code
    assert "create 3" in result.stderr
    assert board.tasks() == tasks


def test_a_saved_plan_is_run_exactly(board: Project, tmp_path: Path) -> None:
    """The plan brings its storyboards and its selection."""
    plan = tmp_path / "plan.json"
    assert in_project(board, "plan", board.path, "--only", "b", "--out", plan).exit_code == 0
    assert in_project(board, "run", "--plan", plan).exit_code == 0
    assert {take for take, entry in board.takes().items() if entry["status"] == "succeeded"} == {"b/1", "b/2"}


def test_a_saved_plan_is_refused_once_anything_moved(board: Project, tmp_path: Path) -> None:
    """Storyboard, journal: exit 3, saying what; nothing is made."""
    plan = tmp_path / "plan.json"
    in_project(board, "plan", board.path, "--out", plan)
    board.write(BOARD.replace("prompt: x", "prompt: other"))
    edited = in_project(board, "run", "--plan", plan)
    assert (edited.exit_code, board.tasks()) == (3, 0)
    assert "the storyboard was edited" in edited.stderr
    board.write(BOARD)
    assert in_project(board, "run", "--plan", plan).exit_code == 0
    again = in_project(board, "run", "--plan", plan)
    assert (again.exit_code, board.tasks()) == (3, 3)
    assert "the journal changed" in again.stderr


def test_a_saved_plan_says_what_moved_about_references(project: Project, tmp_path: Path) -> None:
    """A picture with new content makes other clips."""
    from projects import png

    project.reference("refs/a.png", png("a"))
    project.write("shots:\n  - {id: a, prompt: x, references: refs/a.png}\n")
    plan = tmp_path / "plan.json"
    in_project(project, "plan", project.path, "--out", plan)
    project.reference("refs/a.png", png("b"))
    result = in_project(project, "run", "--plan", plan)
    assert (result.exit_code, project.tasks()) == (3, 0)
    assert "reference refs/a.png has new content" in result.stderr


def test_options_that_contradict_a_saved_plan_are_refused(board: Project, tmp_path: Path) -> None:
    """A plan of a simulated run never becomes a paid one by a slip, nor the other way round."""
    plan = tmp_path / "plan.json"
    in_project(board, "plan", board.path, "--out", plan)
    result = in_project(board, "run", "--plan", plan, "--simulate")
    assert result.exit_code == 2
    assert "--simulate contradicts the saved plan" in result.stderr
    other = board.root / "other.yaml"
    other.write_text("shots:\n  - {id: a, prompt: x}\n")
    assert in_project(board, "run", other, "--plan", plan).exit_code == 2


def test_an_empty_wallet_is_said_with_what_to_do(tmp_path: Path) -> None:
    """Exit 5; what was not made is counted."""
    with hosted(wallet=10) as simulator:
        project = Project(tmp_path, simulator)
        project.write(BOARD)
        result = in_project(project, project.path)
        assert result.exit_code == 5
        assert "out of credits: the wallet is empty" in result.stderr
        assert f"add credits at Rivya, then: rivya-run {project.path}" in result.stderr


@pytest.fixture
def lossy(tmp_path: Path) -> Iterator[Project]:
    """A project whose creates take effect and are never answered."""
    with hosted(faults=FaultPlan(rules=(Rule("create-lost", subject="*.a.*"),))) as simulator:
        project = Project(tmp_path, simulator)
        project.write(BOARD)
        yield project


def test_an_unknown_outcome_comes_first_and_adopt_settles_it(lossy: Project) -> None:
    """The summary names the command; with the task's id the clip is fetched and nothing is paid again."""
    lost = in_project(lossy, lossy.path, "--timeout", "0.4", "--idempotency-window", "0")
    assert lost.exit_code == 6
    assert f"rivya-run adopt {lossy.path} a TASK_ID" in lost.stderr
    assert "a/1" in rivya_run("status", lossy.path).stdout.splitlines()[2]
    [task] = [t for t in lossy.simulator.state.tasks() if ".a." in (t.client_request_id or "")]
    adopted = in_project(lossy, "adopt", lossy.path, "a", task.id)
    assert adopted.exit_code == 0, adopted.stderr
    assert "board: 1 take, all there" in adopted.stderr
    assert lossy.takes()["a/1"]["status"] == "succeeded"
    tasks = lossy.tasks()
    assert in_project(lossy, lossy.path).exit_code == 0
    assert lossy.tasks() == tasks


def test_a_closed_terminal_does_not_end_a_run(board: Project) -> None:
    """Standard error is a pipe that nobody reads any more: the clips are made all the same."""
    read, write = os.pipe()
    os.close(read)
    environment = {**os.environ, "RIVYA_API_KEY": KEY, "RIVYA_BASE_URL": board.simulator.base_url}
    done = subprocess.run(
        [sys.executable, "-m", "rivya_run", str(board.path), "--poll-interval", "0.05"],
        stderr=write,
        env=environment,
        check=False,
        timeout=50,
    )
    os.close(write)
    assert done.returncode == 0
    assert all(take["status"] == "succeeded" for take in board.takes().values())
