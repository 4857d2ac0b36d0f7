"""Restructuring a storyboard all day: only what is really new is paid for."""

from __future__ import annotations

import shutil
import textwrap
from pathlib import Path

import pytest

from command_line import in_project
from projects import Project, png
from rivya_run.planning.plan import Action
from rivya_run.simulator.faults import FaultPlan, Rule
from simulation import hosted

BOARD = """
    id: board
    shots:
      - {id: one, prompt: First}
      - {id: two, prompt: Second}
      - {id: three, prompt: Third, takes: 2}
"""


@pytest.fixture
def paid(project: Project) -> Project:
    """A storyboard whose four takes are paid for."""
    project.write(BOARD)
    assert project.run().exit_code == 0
    assert project.tasks() == 4
    return project


def test_only_a_real_change_and_a_further_take_cost(paid: Project) -> None:
    """Reorder, rename, delete, put back, change and change back, defaults written out, labels: nothing paid."""
    for text, tasks in [
        (_board("two: Second", "one: First", "three*2: Third"), 4),
        (_board("two: Second", "opening: First", "three*2: Third"), 4),
        (_board("two: Second", "three*2: Third"), 4),
        (_board("one: First", "two: Second", "three*2: Third"), 4),
        (_board("one: First, in red", "two: Second", "three*2: Third"), 5),
        (_board("one: First", "two: Second", "three*2: Third"), 5),
        (_board("one: First", "two: Second", "three*2: Third", extra="params: {duration: 6}"), 5),
        (_board("one: First", "two: Second", "three*2: Third", extra="notes: darker, scene: intro"), 5),
        (_board("one: First", "two: Second", "three*3: Third"), 6),
    ]:
        paid.write(text)
        assert paid.run().exit_code == 0, text
        assert paid.tasks() == tasks, text


def _board(*shots: str, extra: str = "") -> str:
    lines = ["id: board", "shots:"]
    for shot in shots:
        name, _, prompt = shot.partition(": ")
        name, _, takes = name.partition("*")
        more = f", {extra}" if extra else ""
        lines.append(f'  - {{id: {name}, prompt: "{prompt}", takes: {takes or 1}{more}}}')
    return "\n".join(lines) + "\n"


def test_a_renamed_shots_files_follow_it(paid: Project) -> None:
    """The clip of a renamed shot lies under its new name, and nothing lies under the old one."""
    paid.write(_board("opening: First", "two: Second", "three*2: Third"))
    assert paid.steps()["opening/1"].reason == "renamed from one"
    paid.run()
    [output] = paid.takes()["opening/1"]["outputs"]
    assert output["path"].startswith("opening/opening_t01_")
    assert (paid.folder() / output["path"]).is_file()
    assert not (paid.folder() / "one").exists()


def test_a_lost_output_folder_is_filled_again_without_paying(paid: Project) -> None:
    """The keys are a pure function, so the API answers with the tasks that it has already."""
    shutil.rmtree(paid.folder())
    assert paid.run().exit_code == 0
    assert paid.tasks() == 4


def test_a_copy_of_a_shot_never_takes_what_a_present_shot_has(paid: Project) -> None:
    """A second shot with the same prompt is paid for, even beside a skipped one."""
    paid.write(
        """
        id: board
        shots:
          - {id: one, prompt: First, skip: true}
          - {id: copy, prompt: First}
        """
    )
    paid.run()
    assert paid.tasks() == 5
    assert paid.takes()["one/1"]["status"] == "succeeded"
    assert paid.takes()["copy/1"]["status"] == "succeeded"


def test_what_no_shot_asks_for_stays_on_record(paid: Project) -> None:
    """A deleted shot's take goes into history with its file and its cost."""
    paid.write(_board("two: Second"))
    paid.run()
    manifest = paid.manifest()
    assert {(entry["shot"], entry["take"]) for entry in manifest["history"]} == {
        ("one", 1),
        ("three", 1),
        ("three", 2),
    }
    assert manifest["totals"]["spent_credits"] == 40
    assert manifest["totals"]["final_credits"] == 10


def test_the_plan_says_why_in_words(paid: Project) -> None:
    """Changed words, changed values, new content and new shots are told apart."""
    paid.reference("refs/a.png", png("a"))
    paid.write(
        """
        id: board
        shots:
          - {id: one, prompt: First light}
          - {id: two, prompt: Follow the second, params: {duration: 10}}
          - {id: three, prompt: Third, references: refs/a.png}
          - {id: four, prompt: Fourth}
        """
    )
    reasons = {label: step.reason for label, step in paid.steps().items()}
    assert reasons == {
        "one/1": "prompt changed: 'light' added",
        "two/1": "prompt changed: 'Second' -> 'Follow the second'; duration 6 -> 10",
        "three/1": "references 0 -> 1",
        "four/1": "new shot",
    }
    paid.run()
    paid.reference("refs/a.png", png("changed"))
    assert paid.steps()["three/1"].reason == "reference refs/a.png has new content"


def test_plan_of_a_new_board_prices_every_take(project: Project) -> None:
    """Four takes on two models: create, what they cost, nothing written and nothing asked."""
    project.write(
        """
        id: new
        shots:
          - {id: a, prompt: A, takes: 3}
          - {id: b, prompt: B, model: kling-3-0}
        """
    )
    plan = project.prepared().plan
    assert [step.action for step in plan.steps] == [Action.CREATE] * 4
    assert plan.totals.now == 120
    assert list((project.root / "outputs").iterdir()) == []
    assert project.simulator.traffic.requests == []


def test_a_failed_take_is_retried_by_the_next_run(tmp_path: Path) -> None:
    """After a failure the plan says which, and the spent credits are what the API answered."""
    with hosted(faults=FaultPlan(rules=(Rule("task-failed", subject="*.bad.*.a1"),))) as simulator:
        _fail_and_retry(Project(tmp_path, simulator))


def _fail_and_retry(project: Project) -> None:
    project.write("id: b\nshots: [{id: good, prompt: Good}, {id: bad, prompt: Bad}]\n")
    assert project.run().exit_code == 1
    steps = project.steps()
    assert steps["good/1"].action is Action.REUSE
    assert (steps["bad/1"].action, steps["bad/1"].reason) == (
        Action.RETRY,
        "attempt 1 failed: generation_failed",
    )
    assert project.prepared().plan.totals.spent == 10
    assert project.run().exit_code == 0
    assert [attempt["status"] for attempt in project.takes()["bad/1"]["attempts"]] == ["failed"]


def test_a_renamed_file_without_an_id_is_asked_about_before_anything_is_paid_again(project: Project) -> None:
    """Run and plan end with exit code 3 and both ways to decide; `id: <old>` goes on, and pays for nothing."""
    nameless = BOARD.replace("    id: board\n", "")
    project.write(nameless)
    assert project.run().exit_code == 0
    project.path.rename(project.root / "film.yaml")
    for command in ("run", "plan"):
        answer = in_project(project, command, project.root / "film.yaml")
        assert answer.exit_code == 3
        assert "film.yaml:1:1: error" in answer.stderr
        assert "'id: storyboard' to continue" in answer.stderr
        assert "'id: film' to start over" in answer.stderr
    assert not (project.root / "outputs/film").exists()
    (project.root / "film.yaml").write_text("id: storyboard\n" + textwrap.dedent(nameless))
    assert in_project(project, "run", project.root / "film.yaml").exit_code == 0
    assert project.tasks() == 4
