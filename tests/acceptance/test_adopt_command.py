"""`rivya-run adopt`: what may be tied to a take, and what may not."""

from __future__ import annotations

import pytest

from command_line import in_project
from projects import Project
from simulation import KEY, Api

BOARD = """
    id: board
    shots:
      - {id: a, prompt: x}
      - {id: b, prompt: y, takes: 2}
      - {id: still, prompt: z, model: grok-imagine}
"""


@pytest.fixture
def board(project: Project) -> Project:
    """Three shots of two models, nothing made; one task that was made elsewhere."""
    project.write(BOARD)
    return project


def elsewhere(project: Project, **fields: str) -> str:
    """A task that somebody made by hand."""
    return str(Api(project.simulator.base_url, KEY).create(key="by-hand", **fields).json()["id"])


def test_a_task_made_elsewhere_becomes_a_take(board: Project) -> None:
    """It is fetched, counts as spent, and the next run doesn't make the take again."""
    task = elsewhere(board)
    result = in_project(board, "adopt", board.path, "b", task, "--take", "2")
    assert result.exit_code == 0, result.stderr
    assert board.takes()["b/2"]["task_id"] == task
    assert board.takes()["b/2"]["status"] == "succeeded"
    assert board.tasks() == 1
    assert in_project(board, board.path).exit_code == 0
    assert board.tasks() == 4


def test_a_task_of_another_model_is_refused(board: Project) -> None:
    """It was made for something else."""
    task = elsewhere(board)
    result = in_project(board, "adopt", board.path, "still", task)
    assert result.exit_code == 2
    assert f"task {task} is of model grok-imagine-video, still/1 of grok-imagine" in result.stderr


def test_a_task_serves_one_take_and_a_take_has_one_task(board: Project) -> None:
    """Neither is given twice."""
    task = elsewhere(board)
    in_project(board, "adopt", board.path, "a", task)
    second = in_project(board, "adopt", board.path, "b", task)
    assert second.exit_code == 2
    assert f"task {task} serves a/1 already" in second.stderr
    again = in_project(board, "adopt", board.path, "a", "task_other")
    assert again.exit_code == 2
    assert f"a/1 has task {task} already" in again.stderr


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("aa", "task_1"), 2, "there is no shot 'aa'"),
        (("b", "task_1", "--take", "3"), 2, "has 2 takes"),
        (("a", "task_1"), 1, "the API knows no task task_1"),
        (("a", "../credits"), 1, "the API knows no task"),
    ],
)
def test_what_is_not_there_is_said(board: Project, words: tuple[str, ...], code: int, said: str) -> None:
    """Shots, takes and tasks; nothing goes on record."""
    result = in_project(board, "adopt", board.path, *words)
    assert (result.exit_code, said in result.stderr) == (code, True), result.stderr
    assert not (board.folder() / "journal.jsonl").exists()


def test_a_failed_task_is_adopted_as_what_it_is(project: Project) -> None:
    """Exit 1: the take has failed, the next run may make it."""
    from rivya_run.simulator.faults import FaultPlan, Rule
    from simulation import hosted

    with hosted(faults=FaultPlan(rules=(Rule("task-failed"),))) as simulator:
        failing = Project(project.root, simulator)
        failing.write(BOARD)
        task = elsewhere(failing)
        result = in_project(failing, "adopt", failing.path, "a", task)
        assert result.exit_code == 1
        assert "generation_failed" in result.stderr
        assert failing.takes()["a/1"]["status"] == "failed"


def test_an_empty_task_id_is_a_usage_error_before_anything_else(board: Project) -> None:
    """Exit 2 without a request and without a file, whatever else may be wrong."""
    for empty in ("", " "):
        result = in_project(board, "adopt", board.root / "nix.yaml", "a", empty)
        assert result.exit_code == 2
        assert "TASK_ID is empty" in result.stderr
    assert board.simulator.traffic.requests == []
