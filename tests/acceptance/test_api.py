"""The program as functions."""

from __future__ import annotations

import pytest

from projects import Project
from rivya_run import api
from rivya_run.errors import StoryboardError
from rivya_run.planning.plan import Action
from rivya_run.project.plan import RunOptions
from simulation import KEY


def test_validate_plan_and_run_are_functions(project: Project) -> None:
    """No problems, one create; then one clip, and nothing left to do."""
    project.write("shots: [{id: a, prompt: A}]")
    assert api.validate(project.path) == ()
    assert [step.action for step in api.plan(project.path).steps] == [Action.CREATE]
    environment = {"RIVYA_API_KEY": KEY, "RIVYA_BASE_URL": project.simulator.base_url}
    result = api.run([project.path], RunOptions(poll_interval=0.02), environment=environment)
    assert result.exit_code == 0
    assert [step.action for step in api.plan(project.path).steps] == [Action.REUSE]


def test_problems_are_values_or_one_error(project: Project) -> None:
    """``validate`` returns them, the others raise with all of them."""
    project.write("shots: [{id: a, prompt: A, params: {duration: 45}}]")
    [problem] = api.validate(project.path)
    assert problem.code == "range"
    with pytest.raises(StoryboardError) as caught:
        api.plan(project.path)
    assert caught.value.problems == (problem,)
