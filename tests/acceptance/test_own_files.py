"""Shots that are files of one's own, and keys of the film: neither ever costs anything."""

from __future__ import annotations

from pathlib import Path

import pytest

import boards
from command_line import in_project
from projects import Project, png
from rivya_run.planning.plan import Action

BOARD = """
    id: ad
    {top}
    shots:
      - {{id: key, model: grok-imagine, prompt: A machine}}
      - {{id: s1, prompt: It moves, references: [{{shot: key}}]{more}}}
      {own}
"""


def board(own: str = "", top: str = "", more: str = "") -> str:
    return BOARD.format(own=own, top=top, more=more)


LOGO = "- {id: logo, file: art/logo.png, hold: 1.5}"
CHANGES = {
    "a logo": board(LOGO),
    "a logo that isn't there": board("- {id: logo, file: art/none.png}"),
    "music that isn't there": board(top="sound: [{file: none.mp3, track: music, loop: true}]"),
    "a trim beyond the clip": board(more=", trim: [40, 50]"),
    "a dissolve longer than the clip": board("- {id: logo, file: art/logo.png, transition: {dissolve: 60}}"),
    "a sound at nobody": board(top="sound: [{file: none.mp3, at: {shot: nobody}}]"),
    "a mix, captions, an ending": board(
        top="mix: {duck: 12}\n    captions: {max_line: 30}\n    ending: {fade: 1}"
    ),
    "the defaults' film keys": board(
        top="defaults: {film: true, hold: 3, volume: off, transition: {fade: 1}}"
    ),
    "out of the film": board(more=", film: false"),
    "nothing": board(),
}


def test_no_key_of_the_film_and_no_file_of_ones_own_pays_anything(project: Project) -> None:
    """Added, changed and removed after everything was paid for: no task, no request for one, exit 0."""
    project.reference("art/logo.png", png("logo"))
    project.write(board())
    assert project.run().exit_code == 0
    assert project.tasks() == 2
    for name, text in CHANGES.items():
        project.write(text)
        result = in_project(project, "run", project.path)
        assert (result.exit_code, project.tasks()) == (0, 2), (name, result.stderr)
        assert in_project(project, "plan", "--detailed-exitcode", project.path).exit_code == 0, name


@pytest.mark.parametrize("name", CHANGES)
def test_no_fault_of_the_film_stops_a_first_run(project: Project, name: str) -> None:
    """What is to be made is made, whatever the film's keys say, and what isn't there is told."""
    boards.still(project.root / "art/logo.png")
    project.write(CHANGES[name])
    result = in_project(project, "run", project.path)
    assert (result.exit_code, project.tasks()) == (0, 2), result.stderr
    if "none." in CHANGES[name]:
        assert "there is no file" in result.stderr
    told = {"a trim beyond the clip": "its trim", "a dissolve longer than the clip": "the transition"}
    assert told.get(name, "") in result.stderr


def test_a_file_has_no_step_and_no_take(project: Project) -> None:
    """The plan doesn't know it; the manifest names the file beside an empty list of takes."""
    project.reference("art/logo.png", png("logo"))
    project.write(board(LOGO))
    assert project.steps().keys() == {"key/1", "s1/1"}
    project.run()
    entry = project.manifest()["shots"][2]
    assert (entry["id"], entry["file"], entry["takes"]) == ("logo", "art/logo.png", [])
    assert project.manifest()["totals"]["takes"] == 2
    for command in ("status", "verify", "report", "clean", "validate"):
        assert in_project(project, command, project.path).exit_code == 0, command
    assert in_project(project, "run", "--only", "logo", project.path).exit_code == 0


def test_a_file_is_a_reference_like_its_path(project: Project) -> None:
    """What was made from the path is served when the shot is named instead, and the other way round."""
    project.reference("art/logo.png", png("logo"))
    child = "- {id: s2, prompt: It turns, references: [art/logo.png]}"
    project.write(board(child))
    assert project.run().exit_code == 0
    tasks = project.tasks()
    project.write(board(f"{LOGO}\n      {child.replace('art/logo.png', '{shot: logo}')}"))
    assert project.run().exit_code == 0
    project.write(board(child))
    assert project.run().exit_code == 0
    assert project.tasks() == tasks
    [upload] = [one for one in project.manifest()["uploads"] if "logo" in one["path"]]
    assert upload["path"] == "art/logo.png"


def test_a_frame_of_ones_own_clip_is_taken_out_and_sent(project: Project, tmp_path: Path) -> None:
    """The last frame is uploaded as a picture, the rerun sends nothing, and another clip is another shot."""
    boards.clip(tmp_path / "art/clip.mp4", blue_at_end=1)
    child = "- {id: s2, prompt: It turns, references: [{shot: clip, frame: last}]}"
    project.write(board(f"- {{id: clip, file: art/clip.mp4}}\n      {child}"))
    assert project.run().exit_code == 0
    assert project.tasks() == 3
    assert "clip_last.png" in {one["path"] for one in project.manifest()["uploads"]}
    before = len(project.simulator.traffic.requests)
    assert project.run().exit_code == 0
    assert len(project.simulator.traffic.requests) == before
    boards.clip(tmp_path / "art/clip.mp4", blue_at_end=2)
    assert project.steps()["s2/1"].action is Action.CREATE


def test_a_missing_file_is_a_problem_where_a_shot_needs_it(project: Project) -> None:
    """Nothing is created from a picture that isn't there."""
    child = "- {id: s2, prompt: It turns, references: [{shot: logo}]}"
    project.write(board(f"{LOGO}\n      {child}"))
    result = in_project(project, "run", project.path)
    assert (result.exit_code, project.tasks()) == (3, 0)
    assert "[missing-file]" in result.stderr


def test_a_made_shot_that_becomes_a_file_keeps_what_was_paid_for(project: Project) -> None:
    """Its clip stays in the folder and the books, serves another shot of the same text, and comes back with it."""
    project.reference("art/logo.png", png("logo"))
    made = "- {id: s2, prompt: It turns}"
    project.write(board(made))
    project.run()
    [output] = project.takes()["s2/1"]["outputs"]
    spent = project.manifest()["totals"]["spent_credits"]
    project.write(board("- {id: s2, file: art/logo.png}"))
    assert project.run().exit_code == 0
    assert [one["shot"] for one in project.manifest()["history"]] == ["s2"]
    assert (project.folder() / output["path"]).is_file()
    assert project.manifest()["totals"]["spent_credits"] == spent
    project.write(board(f"- {{id: s2, file: art/logo.png}}\n      {made.replace('s2', 's3')}"))
    assert project.steps()["s3/1"].action is Action.REUSE
    project.write(board(made))
    assert project.run().exit_code == 0
    assert project.tasks() == 3


def test_a_file_asks_for_no_budget(project: Project) -> None:
    """A storyboard of files alone runs under a budget of nothing."""
    project.reference("art/logo.png", png("logo"))
    project.write("id: ad\nbudget: {max_credits: 0}\nshots:\n  - {id: logo, file: art/logo.png}\n")
    result = in_project(project, "run", project.path)
    assert (result.exit_code, project.tasks()) == (0, 0), result.stderr
