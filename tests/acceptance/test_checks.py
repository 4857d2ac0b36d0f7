"""What is wrong with clips: found when they are stored, told where people look, never paid for again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from command_line import in_project, rivya_run
from projects import Project
from rivya_run.journal.store import read_journal
from rivya_run.simulator.faults import FaultPlan, Rule
from simulation import hosted

BOARD = """
    id: board
    defaults: {model: seedance-1-5-pro, params: {duration: 8, resolution: 480p, generate_audio: true}}
    shots:
      - {id: dark, prompt: x}
      - {id: held, prompt: x}
      - {id: brief, prompt: x}
      - {id: mute, prompt: x}
      - {id: good, prompt: x}
"""

FLAWS = {"dark": "black", "held": "frozen", "brief": "brief", "mute": "mute"}


@pytest.fixture
def flawed(tmp_path: Path) -> Iterator[Project]:
    """Five shots of a service that spoils four of them; the clips are real ones."""
    rules = tuple(Rule(f"task-{flaw}", subject=f"*.{shot}.*") for shot, flaw in FLAWS.items())
    with hosted(clip_bytes=None, faults=FaultPlan(rules=rules)) as simulator:
        project = Project(tmp_path, simulator)
        project.write(BOARD)
        yield project


def checks(project: Project) -> dict[str, list[dict[str, Any]]]:
    """The verdicts on each shot's clip, as the manifest has them."""
    return {take.split("/")[0]: entry["outputs"][0]["checks"] for take, entry in project.takes().items()}


def forget(project: Project) -> None:
    """Make the records those of an earlier version, which looked into nothing: the manifest alone is left."""
    path = project.folder() / "manifest.json"
    document = json.loads(path.read_text())
    for shot in document["shots"]:
        for take in shot["takes"]:
            for output in take["outputs"]:
                del output["checks"]
    path.write_text(json.dumps(document))
    (project.folder() / "journal.jsonl").unlink()


def test_verdicts_are_on_record_and_told_wherever_people_look(flawed: Project) -> None:
    """In the manifest with seconds and timecodes; at the end of the run, in status, plan and page. Silence isn't."""
    ran = in_project(flawed, flawed.path)
    assert ran.exit_code == 0
    found = checks(flawed)
    [black], [frozen], [short], [silent] = (found[shot] for shot in FLAWS)
    assert (black["check"], black["from"], black["to"]) == ("black", 4.0, 8.0)
    assert frozen["check"] == "frozen"
    assert (frozen["from"], frozen["to"]) == (pytest.approx(4.0, abs=0.3), 8.0)
    assert (short["check"], short["about"]) == ("short", "4 s instead of the 8 s asked for")
    assert (silent["check"], silent["about"]) == ("silent", "has no sound, which was asked for")
    assert found["good"] == []
    said = "black from 00:00:04:00 to 00:00:08:00"
    assert black["about"] == said
    page = in_project(flawed, "report", flawed.path)
    assert page.exit_code == 0
    [html] = flawed.folder().glob("*.html")
    plan = rivya_run("plan", flawed.path).stdout
    for text in (ran.stderr, rivya_run("status", flawed.path).stdout, plan, html.read_text()):
        assert said in text
        assert frozen["about"] in text
        assert "4 s instead of the 8 s asked for" in text
        assert "has no sound" not in text
    again = in_project(flawed, flawed.path)
    assert said in again.stderr
    assert flawed.tasks() == 5


def test_what_a_shot_wants_nothing_said_of_is_quiet_everywhere(flawed: Project) -> None:
    """And silence is told where it is to stop a take."""
    quiet = BOARD.replace("{id: dark,", "{id: dark, checks: {quiet: [black]},")
    flawed.write(quiet.replace("{id: mute,", "{id: mute, checks: {stop: [silent]},"))
    ran = in_project(flawed, flawed.path)
    assert in_project(flawed, "report", flawed.path).exit_code == 0
    [html] = flawed.folder().glob("*.html")
    plan = rivya_run("plan", flawed.path).stdout
    for text in (ran.stderr, rivya_run("status", flawed.path).stdout, plan, html.read_text()):
        assert "black from" not in text
        assert "has no sound, which was asked for" in text
    assert [one["check"] for one in checks(flawed)["dark"]] == ["black"]


def test_clips_of_an_earlier_version_get_verdicts_and_nothing_is_made_for_it(flawed: Project) -> None:
    """`verify --checks` looks, says and records; the rerun creates nothing; looking again finds nothing new."""
    in_project(flawed, flawed.path)
    before, takes = checks(flawed), flawed.takes()
    forget(flawed)
    assert "black from" not in rivya_run("status", flawed.path).stdout
    assert "4 s instead of the 8 s asked for" in rivya_run("status", flawed.path).stdout
    verified = rivya_run("verify", flawed.path, "--checks")
    assert verified.exit_code == 0
    assert "dark/1" in verified.stdout and "black from 00:00:04:00 to 00:00:08:00" in verified.stdout
    assert "5 files checked, 5 for the first time, 0 with another result" in verified.stdout
    assert "black from" in rivya_run("status", flawed.path).stdout
    again = rivya_run("verify", flawed.path, "--checks").stdout
    assert "5 files checked, 0 for the first time, 0 with another result" in again
    assert in_project(flawed, flawed.path).exit_code == 0
    assert flawed.tasks() == 5
    assert checks(flawed) == before
    unchanged = ("fingerprint", "client_request_id", "task_id", "final_credits", "status")
    assert [[entry[name] for name in unchanged] for entry in flawed.takes().values()] == [
        [entry[name] for name in unchanged] for entry in takes.values()
    ]


def test_a_verdict_that_differs_from_the_record_is_shown_with_both(flawed: Project) -> None:
    """As after a rule has changed; a file that is missing is not looked into, and its verdict stays."""
    in_project(flawed, flawed.path)
    path = flawed.folder() / "manifest.json"
    document = json.loads(path.read_text())
    for shot in document["shots"]:
        shot["takes"][0]["outputs"][0]["checks"] = [{"check": "blurred", "about": "blurred throughout"}]
    path.write_text(json.dumps(document))
    (flawed.folder() / "journal.jsonl").unlink()
    (flawed.folder() / flawed.takes()["held/1"]["outputs"][0]["path"]).unlink()
    verified = rivya_run("verify", flawed.path, "--checks")
    assert verified.exit_code == 1
    assert "nothing is wrong (on record: blurred throughout)" in verified.stdout
    assert "4 files checked, 0 for the first time, 4 with another result" in verified.stdout
    status = rivya_run("status", flawed.path).stdout
    assert status.count("blurred throughout") == 1


def test_checks_are_recorded_under_the_folders_lock(flawed: Project) -> None:
    """A run that holds it is not disturbed."""
    from rivya_run.project.lock import locked

    in_project(flawed, flawed.path)
    with locked(flawed.folder(), "run storyboard.yaml"):
        verified = rivya_run("verify", flawed.path, "--checks")
    assert verified.exit_code != 0
    assert "in use by" in verified.stderr
    entries, _ = read_journal(flawed.folder() / "journal.jsonl")
    assert "checked" not in {entry.event.name for entry in entries}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("black", "must be a list"),
        ([{"about": "black"}], "'check' is missing"),
        ([{"check": "Black\u202e"}], "must be the code of a check"),
        ([{"check": "black", "from": -1, "to": 2}], "must be at least 0"),
        ([{"check": "black", "from": "0", "to": 2}], "must be a number"),
    ],
)
def test_a_manifest_with_checks_that_make_no_sense_is_refused_with_the_place(
    project: Project, wrong: Any, said: str
) -> None:
    """As everything in it that can't be; nothing is made."""
    project.write("shots: [{id: a, prompt: x}]")
    in_project(project, project.path)
    path = project.folder() / "manifest.json"
    document = json.loads(path.read_text())
    document["shots"][0]["takes"][0]["outputs"][0]["checks"] = wrong
    path.write_text(json.dumps(document))
    result = in_project(project, project.path)
    assert result.exit_code != 0
    assert said in result.stderr and "manifest.json:" in result.stderr
    assert project.tasks() == 1


STOPPED = """\
id: board
defaults: {model: seedance-1-5-pro, params: {duration: 4, resolution: 480p}, checks: {stop: [black]}}
shots:
  - {id: dark, prompt: x}
  - {id: next, prompt: y, references: {shot: dark, frame: last}}
  - {id: good, prompt: z}
"""


def test_a_stopped_take_is_used_for_nothing_until_it_is_approved(flawed: Project) -> None:
    """The run waits with the reason; a pick doesn't lift the stop, an approval does; the clip is never made again."""
    flawed.write(STOPPED)
    assert flawed.run().exit_code == 8
    assert flawed.takes()["dark/1"]["status"] == "succeeded"
    assert flawed.steps()["next/1"].reason == "waits for the approval of dark/1: black"
    exported = in_project(flawed, "export", flawed.path, "--format", "edl")
    assert exported.exit_code == 0, exported.output
    assert "dark is stopped until a take is approved (black) and is left out" in exported.stderr
    picked = in_project(flawed, "pick", flawed.path, "dark", "1")
    assert picked.exit_code == 0, picked.output
    assert flawed.steps()["dark/1"].reason == "up to date; picked, but stopped until it is approved: black"
    assert flawed.run().exit_code == 8
    assert flawed.tasks() == 2
    approved = in_project(flawed, "approve", flawed.path, "dark", "1")
    assert approved.exit_code == 0, approved.output
    assert flawed.run().exit_code == 0
    assert flawed.tasks() == 3
    document = json.loads(in_project(flawed, "plan", flawed.path, "--json").stdout)
    assert document["films"][0]["shots"] == ["dark", "next", "good"]


def test_a_stopped_take_that_nobody_waits_for_ends_well(tmp_path: Path) -> None:
    """Another take of the shot is chosen in its place, by the film and by other shots."""
    first_is_black = FaultPlan(rules=(Rule("task-black", subject="*.dark.t1.*"),))
    with hosted(clip_bytes=None, faults=first_is_black) as simulator:
        project = Project(tmp_path, simulator)
        project.write(STOPPED.replace("prompt: x}", "prompt: x, takes: 2}"))
        assert project.run().exit_code == 0
        made = project.takes()
    assert made["dark/1"]["stopped"] == ["black"]
    assert made["next/1"]["parents"][0]["take"] == 2
