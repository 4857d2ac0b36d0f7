"""specs/draft-ladder.yaml: cheap drafts first, and dear only what was made from an approved one."""

from __future__ import annotations

import shutil

from command_line import in_project
from pages import ROOT
from projects import Project


def dear(project: Project) -> list[str]:
    """The prompts of what was made by the dear model."""
    return [task.prompt or "" for task in project.simulator.state.tasks() if task.model == "kling-3-0"]


def test_only_what_is_approved_is_bought_dear(project: Project) -> None:
    """Two drafts of each shot; then one clip of the shot that was approved, from its draft, and nothing twice."""
    shutil.copy(ROOT / "specs" / "draft-ladder.yaml", project.path)
    first = in_project(project, project.path)
    assert (first.exit_code, project.tasks(), dear(project)) == (8, 4, [])
    assert "advice" not in first.stderr
    assert in_project(project, "approve", project.path, "draft010", "2").exit_code == 0
    assert in_project(project, project.path).exit_code == 8
    assert dear(project) == ["A fishing boat leaves the harbour at dawn, gulls circle above its wake"]
    [parent] = project.takes()["s010/1"]["parents"]
    assert (parent["shot"], parent["take"]) == ("draft010", 2)
    assert in_project(project, "approve", project.path, "draft020", "1").exit_code == 0
    assert in_project(project, project.path).exit_code == 0
    assert in_project(project, project.path).exit_code == 0
    assert (project.tasks(), len(dear(project))) == (6, 2)
    assert project.manifest()["totals"]["spent_credits"] == 4 * 10 + 2 * 90


def test_only_one_rung(project: Project) -> None:
    """--only a dear shot makes its drafts alone, and waits."""
    shutil.copy(ROOT / "specs" / "draft-ladder.yaml", project.path)
    assert in_project(project, project.path, "--only", "s020").exit_code == 8
    assert [*project.takes()] == ["draft010/1", "draft010/2", "s010/1", "draft020/1", "draft020/2", "s020/1"]
    done = [name for name, take in project.takes().items() if take["status"] == "succeeded"]
    assert done == ["draft020/1", "draft020/2"]
