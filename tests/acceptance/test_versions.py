"""One film in several versions: what is equal is paid once, and no way into versions or out of them pays again."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from command_line import in_project
from projects import Project
from rivya_run.planning.plan import Action
from rivya_run.simulator.faults import FaultPlan, Rule
from simulation import hosted

RECIPES = Path(__file__).parents[2] / "specs"
TOP = "id: ad\nvars: {ratio: '16:9'}\n"
TWO = TOP + "versions: {wide: {}, tall: {vars: {ratio: '9:16'}}}\n"
SHOTS = """\
defaults: {params: {aspect_ratio: "${ratio}"}}
shots:
  - {id: sheet, prompt: The hero, film: false, params: {aspect_ratio: "1:1"}}
  - {id: one, prompt: First, references: [{shot: sheet, frame: first}], takes: 2}
  - {id: two, prompt: Second, references: [{shot: one, frame: last}]}
"""


def test_versions_share_what_is_equal(project: Project) -> None:
    """A shared sheet, two takes and a chain in two versions: seven tasks, each film with its own; a rerun none."""
    project.write(TWO + SHOTS)
    assert project.run().exit_code == 0
    assert sorted(project.takes()) == [
        "one-tall/1",
        "one-tall/2",
        "one-wide/1",
        "one-wide/2",
        "sheet/1",
        "two-tall/1",
        "two-wide/1",
    ]
    assert project.tasks() == 7
    ratios = {name: take["request"]["params"]["aspect_ratio"] for name, take in project.takes().items()}
    assert ratios["two-wide/1"] == "16:9" and ratios["two-tall/1"] == "9:16" and ratios["sheet/1"] == "1:1"
    assert project.run().exit_code == 0
    assert project.tasks() == 7


def test_adding_versions_to_what_was_paid_buys_only_what_is_new(project: Project) -> None:
    """What one ratio made serves the version that has it, under its new name; so it goes back, and to three."""
    project.write(TOP + SHOTS)
    project.run()
    assert project.tasks() == 4
    project.write(TWO + SHOTS)
    assert {name: step.reason for name, step in project.steps().items() if "-wide" in name} == {
        "one-wide/1": "renamed from one",
        "one-wide/2": "renamed from one",
        "two-wide/1": "renamed from two",
    }
    project.run()
    assert project.tasks() == 7
    three = TOP + "versions: {wide: {}, tall: {vars: {ratio: '9:16'}}, square: {vars: {ratio: '1:1'}}}\n"
    project.write(three + SHOTS)
    project.run()
    assert project.tasks() == 10
    project.write(TOP + SHOTS)
    project.run()
    project.write(three + SHOTS)
    project.run()
    assert project.tasks() == 10


@pytest.mark.parametrize(
    "versions",
    [
        "versions: {tall: {vars: {ratio: '9:16'}}, wide: {}}\n",
        "versions: {cinema: {}, phone: {vars: {ratio: '9:16'}}}\n",
        "versions: {wide: {vars: {ratio: '9:16'}}, tall: {}}\n",
        "versions: {en: {}, tall: {vars: {ratio: '9:16'}}, de: {}}\n",
    ],
)
def test_reordered_renamed_and_exchanged_versions_cost_nothing(project: Project, versions: str) -> None:
    """Takes follow as with any renaming, also while their parents' own takes change their names."""
    project.write(TWO + SHOTS)
    project.run()
    project.write(TOP + versions + SHOTS)
    assert project.run().exit_code == 0
    assert project.tasks() == 7
    paths = [output["path"] for take in project.takes().values() for output in take["outputs"]]
    assert len(set(paths)) == 7 and all((project.folder() / path).is_file() for path in paths)


def test_a_matrix_turned_into_versions_keeps_what_was_paid(project: Project) -> None:
    """The matrix made the same clips under other ids."""
    project.write(
        "id: ad\nshots:\n  - {id: 'one-${n}-${lang}', prompt: 'First ${lang}', matrix: {n: [1, 2], lang: [en, de]}}\n"
    )
    project.run()
    assert project.tasks() == 4
    project.write(
        "id: ad\nversions: {a: {vars: {lang: en}}, b: {vars: {lang: de}}}\n"
        "shots:\n  - {id: one, prompt: 'First ${lang}', takes: 2}\n"
    )
    project.run()
    assert project.tasks() == 4


def test_a_clone_with_only_the_manifest_knows_the_families(project: Project, tmp_path: Path) -> None:
    """The family of an attempt stands in the manifest: without the journal, going back to one film costs nothing."""
    project.write(TWO + SHOTS)
    project.run()
    takes = project.takes()
    assert takes["one-wide/1"]["family"] == "one" and "family" not in takes["sheet/1"]
    [one] = [shot for shot in project.manifest()["shots"] if shot["id"] == "one-tall"]
    assert one["versions"] == ["tall"]
    (project.folder() / "journal.jsonl").unlink()
    project.write(TOP + SHOTS)
    assert {step.action.value for step in project.steps().values()} == {"reuse"}


def test_what_failed_in_a_family_counts(tmp_path: Path) -> None:
    """A take that failed thrice isn't tried three times more because versions were added."""
    shots = "shots: [{id: one, prompt: First, params: {aspect_ratio: '${ratio}'}}]\n"
    with hosted(faults=FaultPlan(rules=(Rule("task-failed", subject="*.one*"),))) as simulator:
        project = Project(tmp_path, simulator)
        project.write(TOP + shots)
        for _ in range(3):
            assert project.run().exit_code == 1
        assert project.tasks() == 3
        project.write(TWO + shots)
        steps = project.steps()
    assert (steps["one-wide/1"].action, steps["one-tall/1"].action) == (Action.SKIP, Action.CREATE)


def test_a_version_alone(project: Project) -> None:
    """--only version:tall makes what that film needs; --only one all that became of it."""
    project.write(TWO + SHOTS)
    project.run(only=("version:tall",))
    assert sorted(name for name, take in project.takes().items() if take["task_id"]) == [
        "one-tall/1",
        "one-tall/2",
        "sheet/1",
        "two-tall/1",
    ]
    project.run(only=("one",))
    assert project.tasks() == 6


def test_each_film_has_its_own_picks(project: Project) -> None:
    """plan and export by version: each film holds its own shots and picks; --film names one, --output takes one."""
    project.write(TWO + SHOTS.replace("takes: 2", "takes: 2, pick: {one-tall: 2}"))
    assert in_project(project, "run", project.path).exit_code == 0
    films = json.loads(in_project(project, "plan", project.path, "--json").stdout)["films"]
    assert [(film["version"], film["shots"]) for film in films] == [
        ("wide", ["one-wide", "two-wide"]),
        ("tall", ["one-tall", "two-tall"]),
    ]
    both = in_project(project, "export", project.path, "--format", "otio")
    assert [Path(line).name for line in both.stdout.split()] == ["timeline-wide.otio", "timeline-tall.otio"]
    assert "one-tall_t02" in (project.folder() / "timeline-tall.otio").read_text()
    assert "one-wide_t01" in (project.folder() / "timeline-wide.otio").read_text()
    one = in_project(
        project,
        "export",
        project.path,
        "--format",
        "edl",
        "--film",
        "tall",
        "--output",
        project.root / "x.edl",
    )
    assert one.exit_code == 0 and (project.root / "x.edl").is_file()
    several = in_project(
        project, "export", project.path, "--format", "edl", "--output", project.root / "y.edl"
    )
    assert several.exit_code == 2 and "--film wide" in several.stderr
    unknown = in_project(project, "export", project.path, "--film", "tal")
    assert unknown.exit_code == 2 and "did you mean 'tall'?" in unknown.stderr
    status = in_project(project, "status", project.path).stdout
    assert "wide: 3 of 3 shots made" in status and "tall: 3 of 3 shots made" in status


@pytest.mark.parametrize(
    ("name", "tasks", "films"),
    [("two-ratios", 5, {"wide": 11.5, "tall": 11.5}), ("cut-down", 4, {"long": 30, "short": 15})],
)
def test_the_recipes_of_the_page(project: Project, name: str, tasks: int, films: dict[str, float]) -> None:
    """Each makes what its page says, once, and films of the told lengths; its rerun makes nothing."""
    project.write((RECIPES / f"{name}.yaml").read_text(encoding="utf-8"))
    shown = json.loads(in_project(project, "plan", project.path, "--json").stdout)["films"]
    assert {film["version"]: film["seconds"] for film in shown} == pytest.approx(films, abs=0.1)
    assert project.run().exit_code == 0
    assert project.run().exit_code == 0
    assert project.tasks() == tasks
    made = json.loads(in_project(project, "plan", project.path, "--json").stdout)["films"]
    page = Path(in_project(project, "report", project.path).stdout.strip()).read_text("utf-8")
    strips = re.findall(r'data-seconds="([\d.]+)"', page)
    assert [float(seconds) for seconds in strips] == [film["seconds"] for film in made]


NARRATED = """\
id: ad
budget: {max_credits: 500}
vars: {ratio: "16:9"}
versions: {wide: {}, tall: {vars: {ratio: "9:16"}}}
defaults: {params: {aspect_ratio: "${ratio}"}}
shots:
  - {id: sheet, model: grok-imagine, prompt: The hero, params: {aspect_ratio: "1:1"}}
  - {id: one, prompt: First, references: [{shot: sheet}], takes: 2, pick: {one-tall: 2}}
  - {id: two, prompt: Second, references: [{shot: one, frame: last}]}
  - {id: said, prompt: On set, params: {duration: {fit: vo, pad: 0.5}}}
  - {id: vo, model: elevenlabs-turbo-2-5, prompt: WORDS, params: {}}
""".replace("params: {}", "at: {shot: said}")


def test_two_versions_a_sheet_two_takes_a_chain_and_a_length_that_follows(project: Project) -> None:
    """Exactly ten tasks, 8 seconds in the bodies of the narrated shots, the rerun none; each film its own picks."""
    project.write(NARRATED.replace("WORDS", "a" * 110))  # 7.33 s at 15 characters a second
    assert project.run().exit_code == 0
    assert project.tasks() == 10
    takes = project.takes()
    assert {takes[name]["request"]["params"]["duration"] for name in ("said-wide/1", "said-tall/1")} == {8}
    assert project.run().exit_code == 0
    assert project.tasks() == 10
    films = json.loads(in_project(project, "plan", project.path, "--json").stdout)["films"]
    assert [film["shots"] for film in films] == [
        ["one-wide", "two-wide", "said-wide"],
        ["one-tall", "two-tall", "said-tall"],
    ]
    in_project(project, "export", project.path, "--format", "otio")
    assert "one-tall_t02" in (project.folder() / "timeline-tall.otio").read_text(encoding="utf-8")
    assert "one-wide_t01" in (project.folder() / "timeline-wide.otio").read_text(encoding="utf-8")


def test_a_sound_that_still_fits_buys_nothing_and_one_too_long_exactly_what_is_too_short(
    project: Project,
) -> None:
    """Spoken again within the same second: the sound alone; longer: both narrated shots, with the reason."""
    project.write(NARRATED.replace("WORDS", "a" * 110))
    project.run()
    project.write(NARRATED.replace("WORDS", "b" * 108))
    project.run()
    assert project.tasks() == 11
    project.write(NARRATED.replace("WORDS", "c" * 140))
    project.run(only=("vo",))
    steps = project.steps()
    assert {name: step.reason for name, step in steps.items() if step.action is not Action.REUSE} == {
        "said-wide/1": "vo lasts 9.33 s now",
        "said-tall/1": "vo lasts 9.33 s now",
    }
    project.run()
    assert project.tasks() == 14


def test_a_third_version_buys_only_what_is_new(project: Project) -> None:
    """Another language in a ratio that is there: its voice and nothing else."""
    board = """\
    id: ad
    vars: {ratio: "16:9", words: Good morning}
    versions: {wide: {}, tall: {vars: {ratio: "9:16"}}}
    shots:
      - {id: one, prompt: First, params: {aspect_ratio: "${ratio}"}}
      - {id: vo, model: elevenlabs-turbo-2-5, prompt: "${words}"}
    """
    project.write(board)
    project.run()
    assert project.tasks() == 3
    project.write(board.replace("}}}\n", "}}, de: {vars: {words: Guten Morgen}}}\n"))
    assert [name for name, step in project.steps().items() if step.action is Action.CREATE] == ["vo-de/1"]
    project.run()
    assert project.tasks() == 4
