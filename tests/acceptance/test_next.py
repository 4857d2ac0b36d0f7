"""What to type next, as plans, status and summaries say it: lines that can be copied and do what they say."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest

from command_line import in_project, rivya_run
from projects import Project

CAST = """\
id: cast
shots:
  - {id: mira, model: grok-imagine, prompt: Mira, approval: required}
"""
FILM = """\
id: film
shots:
  - {id: s1, prompt: Mira smiles, references: [{storyboard: cast.yaml, shot: mira}]}
"""


def next_of(document: str) -> list[str]:
    found: Any = json.loads(document)["next"]
    assert isinstance(found, list)
    return [str(one) for one in found]


def test_following_what_is_next_leads_from_a_plan_to_a_film(project: Project) -> None:
    """Each command is typed as it stands, whichever storyboard's shot has to be approved, until all is there."""
    cast, film = project.root / "cast.yaml", project.root / "film.yaml"
    cast.write_text(CAST)
    film.write_text(FILM)
    assert next_of(in_project(project, "plan", film, "--json").stdout)[0] == f"rivya-run {cast}"
    assert in_project(project, cast).exit_code == 0
    assert in_project(project, film).exit_code == 8
    status = in_project(project, "status", film)
    assert "waits for the approval of mira of cast.yaml" in status.stdout
    commands = next_of(in_project(project, "status", film, "--json").stdout)
    assert commands == next_of(in_project(project, "plan", film, "--json").stdout)
    assert commands == [
        f"rivya-run review {cast}",
        f"rivya-run approve {cast} mira",
        f"rivya-run {film}",
    ]
    for command in commands[1:]:
        assert in_project(project, *shlex.split(command)[1:]).exit_code == 0
    assert next_of(in_project(project, "status", film, "--json").stdout) == [
        f"rivya-run report {film}",
        f"rivya-run export {film}",
    ]


def test_the_summary_names_the_storyboard_whose_shot_is_to_be_approved(project: Project) -> None:
    """Not the one that was run."""
    (project.root / "cast.yaml").write_text(CAST)
    film = project.root / "film.yaml"
    film.write_text(FILM)
    in_project(project, project.root / "cast.yaml")
    lines = in_project(project, film).stderr.splitlines()
    assert f"    look and approve: rivya-run review {project.root / 'cast.yaml'}" in lines
    assert lines.index("  next:") > max(place for place, line in enumerate(lines) if "spent:" in line)


def test_a_storyboard_with_problems_is_to_be_checked_first(project: Project) -> None:
    """What was made of it is shown all the same."""
    project.write("id: b\nshots:\n  - {id: a, prompt: x}\n")
    project.run()
    project.write("id: b\nshots:\n  - {id: a, prompt: x, colour: red}\n")
    result = rivya_run("status", project.path)
    assert result.exit_code == 0
    assert "1 take: 1 done" in result.stdout
    assert result.stdout.splitlines()[-1].endswith(f"rivya-run validate {project.path}")


@pytest.mark.parametrize("command", ["status", "report", "verify", "export"])
def test_of_a_storyboard_that_can_not_be_read_it_is_said_where_it_is_broken(
    command: str, project: Project
) -> None:
    """File, line, column and the line itself."""
    project.path.write_text("id: b\nshots: [\n  - x: {\n")
    result = rivya_run(command, project.path)
    assert result.exit_code == 3
    assert f"{project.path.as_posix()}:3:3: error: expected ',' or a closing bracket" in result.stderr
