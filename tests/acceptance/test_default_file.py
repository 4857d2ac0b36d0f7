"""Without a STORYBOARD the commands take the storyboard.yaml that is here; the program's name alone runs nothing."""

from __future__ import annotations

import pytest

from command_line import in_project, rivya_run
from projects import Project


@pytest.fixture
def here(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with a storyboard.yaml, in which one is."""
    project.write("id: board\nshots:\n  - {id: a, prompt: x}\n")
    monkeypatch.chdir(project.root)
    return project


def test_every_command_that_takes_storyboards_takes_this_one(here: Project) -> None:
    """In the order in which one types them."""
    for words in (["validate"], ["plan"], ["run"], ["status"], ["verify"], ["report"], ["export"], ["clean"]):
        result = in_project(here, *words)
        assert result.exit_code == 0, (words, result.output)
    assert here.tasks() == 1
    assert "next:\n  look at the takes: rivya-run report storyboard.yaml\n" in rivya_run("status").stdout


def test_options_alone_belong_to_a_run_of_it(here: Project) -> None:
    """`rivya-run --simulate`."""
    result = rivya_run("--simulate")
    assert result.exit_code == 0
    assert "board: 1 take, all there" in result.stderr
    assert here.tasks() == 0


def test_the_name_alone_shows_help_and_what_is_next_and_runs_nothing(here: Project) -> None:
    """Whatever there is to do, and whatever the environment says."""
    result = in_project(here, RIVYA_RUN_SIMULATE="1")
    assert "Commands:" in result.stderr
    assert result.stderr.endswith(
        "next:\n  see what a run would do, and what it costs: rivya-run plan storyboard.yaml\n"
        "  make 1 take for about 10 credits: rivya-run storyboard.yaml\n"
    )
    assert here.tasks() == 0
    assert not list((here.root / "outputs").iterdir())


@pytest.mark.parametrize("name", ["validate", "plan", "status", "export", "watch", "review"])
def test_where_there_is_none_that_is_said(
    name: str, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another storyboard isn't taken for it."""
    (project.root / "other.yaml").write_text("shots:\n  - {id: a, prompt: x}\n")
    monkeypatch.chdir(project.root)
    result = rivya_run(name)
    assert result.exit_code == 2
    assert "There is no storyboard.yaml here." in result.stderr
