"""See, approve, and only then pay: what waits and what is kept; no decision pays twice or loses a command."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from command_line import in_project
from projects import Project
from rivya_run.planning.plan import Action

BOARD = """\
id: board
shots:
  - id: key
    model: grok-imagine
    prompt: A lighthouse at dusk
    takes: 2
    film: false
    approval: required
  - id: clip
    prompt: The light turns
    references: {shot: key}
  - id: last
    prompt: Waves
    references: {shot: clip, frame: last}
"""


def digits(project: Project, take: str) -> str:
    """``TAKE@DIGITS`` of a finished take."""
    output = project.takes()[take]["outputs"][0]
    return f"{take.rpartition('/')[2]}@{output['sha256'][:8]}"


def approved(project: Project, text: str, take: str) -> str:
    """The storyboard with that take of ``key`` approved."""
    return text.replace(
        "    approval: required\n", f"    approval: required\n    approved: {digits(project, take)}\n"
    )


def reasons(project: Project, **options: Any) -> dict[str, str]:
    return {name: f"{step.action.value}: {step.reason}" for name, step in project.steps(**options).items()}


def test_a_keyframe_is_seen_and_approved_before_a_clip_is_paid(project: Project) -> None:
    """The run makes it and waits; approved, the clip is made from that take; later changes make nothing anew."""
    project.write(BOARD)
    assert project.run().exit_code == 8
    assert project.tasks() == 2
    assert project.takes()["clip/1"]["status"] == "planned"
    assert project.run().exit_code == 8
    assert project.tasks() == 2

    text = approved(project, BOARD, "key/2")
    project.write(text)
    assert project.run().exit_code == 0
    assert project.tasks() == 4
    made = project.takes()
    assert made["clip/1"]["parents"] == [
        {"shot": "key", "take": 2, "sha256": made["key/2"]["outputs"][0]["sha256"]}
    ]
    assert made["key/1"]["wanted"] is False
    [key, *_] = project.manifest()["shots"]
    assert (key["pick"], key["approved"]) == (2, digits(project, "key/2"))

    changed = text.replace("at dusk", "at dawn")
    project.write(changed)
    assert reasons(project)["key/2"] == "reuse: approved; changed since: prompt"
    assert project.run().exit_code == 0
    assert project.tasks() == 4

    project.write(BOARD.replace("at dusk", "at dawn"))
    assert [name for name, step in project.steps().items() if step.action is Action.CREATE] == [
        "key/1",
        "key/2",
    ]
    project.write(approved(project, BOARD, "key/1"))
    assert {name for name, step in project.steps().items() if step.action is Action.CREATE} == {
        "clip/1",
        "last/1",
    }
    assert reasons(project)["clip/1"] == "create: parent key changed"


def test_required_approval_leaves_what_exists(project: Project) -> None:
    """Written later, it makes nobody wait for what is there."""
    project.write(BOARD.replace("    approval: required\n", ""))
    assert project.run().exit_code == 0
    project.write(BOARD)
    assert project.run().exit_code == 0
    assert project.tasks() == 4


def test_simulated_runs_set_decisions_aside(project: Project) -> None:
    """Nothing that is simulated was approved: with one notice everything is tried out."""
    project.write(BOARD.replace("required\n", "required\n    approved: 2@3fa9c1d2\n"))
    ran = in_project(project, project.path, "--simulate")
    assert ran.exit_code == 0
    notice = "approved and approval are set aside: nothing that is simulated was approved"
    assert ran.stderr.count(notice) == 1


@pytest.mark.parametrize("kept", ["manifest", "nothing"])
def test_a_clone_has_every_command(project: Project, tmp_path: Path, kept: str) -> None:
    """With the manifest what is approved is known and fetched; with nothing the plan says what to bring."""
    project.write(BOARD)
    project.run()
    project.write(approved(project, BOARD, "key/2"))
    project.run()
    text, manifest = project.path.read_text(), project.folder() / "manifest.json"
    clone = Project(tmp_path / "clone", project.simulator)
    clone.path.write_text(text)
    if kept == "manifest":
        folder = clone.root / "outputs" / "board"
        folder.mkdir()
        shutil.copy(manifest, folder)
    words = {name: step.action.value for name, step in clone.steps().items()}
    expected = {"manifest": "download", "nothing": "wait"}[kept]
    assert words == {"key/2": expected, "clip/1": expected, "last/1": expected}
    for command in (
        ["plan"],
        ["validate"],
        ["status"],
        ["report"],
        ["export", "--slates"],
        ["clean"],
    ):
        ran = in_project(clone, command[0], clone.path, *command[1:])
        nothing_yet = kept == "nothing" and command[0] in {"status", "report", "export"}
        assert ran.exit_code == (1 if nothing_yet else 0), ran.output
    paid = project.tasks()
    assert clone.run().exit_code == {"manifest": 0, "nothing": 8}[kept]
    assert project.tasks() == paid


def test_a_file_that_two_shots_use_is_paid_and_counted_once(project: Project) -> None:
    """The shot whose own it is keeps it: in the books, under its name, and for whoever clones them."""
    project.write(
        """\
        id: board
        shots:
          - {id: copy, prompt: A copy}
          - {id: own, prompt: An original}
          - {id: clip, prompt: From the copy, references: {shot: copy, frame: last}}
        """
    )
    project.run()
    output = project.takes()["own/1"]["outputs"][0]
    project.write(
        f"""\
        id: board
        shots:
          - {{id: copy, prompt: Another copy, approved: "1@{output["sha256"][:8]}"}}
          - {{id: own, prompt: An original}}
          - {{id: clip, prompt: From the copy, references: {{shot: copy, frame: last}}}}
        """
    )
    assert project.run().exit_code == 0
    assert project.tasks() == 4
    manifest = project.manifest()
    [shared] = [take for take in manifest["shots"][0]["takes"] if "same_as" in take]
    assert shared["same_as"] == {"shot": "own", "take": 1}
    assert shared["outputs"][0]["path"] == output["path"]
    assert manifest["totals"]["spent_credits"] == 40
    (project.folder() / "journal.jsonl").unlink()
    assert {step.action for step in project.steps().values()} == {Action.REUSE}
    assert project.run().exit_code == 0
    assert project.tasks() == 4


def test_what_is_kept_beside_an_approved_take_is_not_cleaned(project: Project) -> None:
    """It may be approved in its place later."""
    project.write(BOARD)
    project.run()
    project.write(approved(project, BOARD, "key/2"))
    project.run()
    assert "0 files" in in_project(project, "clean", project.path).output


def test_a_skipped_shot_keeps_its_clip_whatever_its_text_says(project: Project) -> None:
    """It stays in the film, what is made from it is made from that, and nobody else gets it."""
    text = """\
        id: board
        shots:
          - {id: one, prompt: First}
          - {id: two, prompt: Second, references: {shot: one, frame: last}}
        """
    project.write(text)
    project.run()
    project.write(text.replace("prompt: First", "prompt: Never made, skip: true"))
    assert reasons(project) == {"one/1": "reuse: up to date", "two/1": "reuse: up to date"}
    assert project.run().exit_code == 0
    assert project.tasks() == 2
    document = json.loads(in_project(project, "plan", project.path, "--json").stdout)
    assert document["films"][0]["shots"] == ["one", "two"]


def test_waiting_alone_is_nothing_to_do(project: Project) -> None:
    """``plan --detailed-exitcode`` asks whether a run would do anything."""
    project.write(BOARD)
    project.run()
    ran = in_project(project, "plan", project.path, "--detailed-exitcode", "--json")
    assert ran.exit_code == 0
    document = json.loads(ran.stdout)
    assert document["totals"]["wait"] == 2


def test_what_another_storyboard_has_not_approved_is_waited_for(project: Project) -> None:
    """Its approval is written there; the take that is approved is the one that is used here."""
    sheet = "{id: sheet, model: grok-imagine, prompt: A face, takes: 2, approval: required}"
    cast = project.root / "cast.yaml"
    cast.write_text(f"id: cast\nshots:\n  - {sheet}\n")
    project.write(
        "id: film\nshots:\n  - {id: s1, prompt: Walks, references: {storyboard: cast.yaml, shot: sheet}}\n"
    )
    words = {"s1/1": "wait: waits for the approval of sheet of cast.yaml"}
    assert reasons(project) == words
    assert in_project(project, "run", cast).exit_code == 0
    assert reasons(project) == words
    assert project.run().exit_code == 8
    assert project.tasks() == 2
    made = json.loads((project.root / "outputs/cast/manifest.json").read_text())["shots"][0]["takes"][1]
    sha256 = made["outputs"][0]["sha256"]
    cast.write_text(cast.read_text().replace("required", f"required, approved: 2@{sha256[:8]}"))
    assert project.run().exit_code == 0
    [take] = json.loads((project.root / "outputs/film/manifest.json").read_text())["shots"][0]["takes"]
    assert take["from_storyboards"][0]["sha256"] == sha256
