"""References to what another storyboard made: paid once for all, kept by what was made from it, only ever read."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from command_line import in_project
from projects import Project, png
from rivya_run.engine.run import RunResult, run
from rivya_run.project.open import made_of
from rivya_run.project.plan import RunOptions
from rivya_run.simulator.faults import FaultPlan, Rule
from simulation import KEY, hosted

CAST = """\
id: cast
shots:
  - {id: mira-sheet, model: grok-imagine, prompt: Mira from all sides}
  - {id: joe-sheet, model: grok-imagine, prompt: Joe from all sides}
"""
REMADE = CAST.replace("Mira from all sides", "Mira in red from all sides")
TWO_TAKES = CAST.replace("Mira from all sides", "Mira from all sides, takes: 2")
ONE = """\
id: one
shots:
  - {id: s1, prompt: Mira waves, references: [{storyboard: ../cast/cast.yaml, shot: mira-sheet}]}
  - {id: s2, prompt: Mira leaves, references: [{storyboard: ../cast/cast.yaml, shot: mira-sheet}]}
  - {id: s3, prompt: Joe waits, references: {storyboard: ../cast/cast.yaml, shot: joe-sheet}}
"""
CHOOSES = "../cast/cast.yaml chooses another mira-sheet now"


class Boards:
    """Storyboards of one project, by their paths from its root."""

    def __init__(self, project: Project) -> None:
        self.project = project

    def write(self, name: str, text: str) -> Path:
        """Write a storyboard; its path."""
        self.project.reference(name, text.encode())
        return self.project.root / name

    def run(self, *names: str, **options: Any) -> RunResult:
        """Run storyboards in one command."""
        environment = {"RIVYA_API_KEY": KEY, "RIVYA_BASE_URL": self.project.simulator.base_url}
        chosen = RunOptions(**{"poll_interval": 0.02, **options})
        paths = [self.project.root / name for name in names]
        return run(paths, chosen, environment=environment, tell=self.project.events.append)

    def command(self, *words: str | Path, code: int = 0) -> str:
        """What a command prints, on both streams."""
        words = tuple(self.project.root / word if str(word).endswith(".yaml") else word for word in words)
        result = in_project(self.project, *words)
        assert result.exit_code == code, result.output
        return result.output

    def folder(self, name: str) -> Path:
        """The output folder of a storyboard."""
        return self.project.root / "outputs" / name

    def takes(self, name: str) -> dict[str, dict[str, Any]]:
        """``shot/take`` -> entry of the manifest."""
        document = json.loads((self.folder(name) / "manifest.json").read_text("utf-8"))
        return {f"{shot['id']}/{take['take']}": take for shot in document["shots"] for take in shot["takes"]}

    def made(self, *names: str, code: int = 0, **options: Any) -> list[str]:
        """The shots that running storyboards made tasks for."""
        before = {task.id for task in self.project.simulator.state.tasks()}
        assert self.run(*names, **options).exit_code == code
        new = [task for task in self.project.simulator.state.tasks() if task.id not in before]
        return sorted((task.client_request_id or "").split(".")[1] for task in new)

    def sheet(self, name: str = "mira-sheet/1") -> Path:
        """The file of a take of the cast."""
        return self.folder("cast") / str(self.takes("cast")[name]["outputs"][0]["path"])


@pytest.fixture
def boards(project: Project) -> Boards:
    """A storyboard with sheets and one that uses them; nothing is made yet."""
    found = Boards(project)
    found.write("cast/cast.yaml", CAST)
    found.write("specs/one.yaml", ONE)
    return found


@pytest.fixture
def paid(boards: Boards) -> Boards:
    """The same, everything made."""
    assert boards.made("cast/cast.yaml") == ["joe-sheet", "mira-sheet"]
    assert boards.made("specs/one.yaml") == ["s1", "s2", "s3"]
    return boards


def test_a_sheet_is_paid_once_for_two_storyboards(paid: Boards) -> None:
    """Both send the very file, uploaded once each; what they were made from stands in the manifest."""
    paid.write("specs/two.yaml", ONE.replace("id: one", "id: two"))
    assert paid.made("specs/two.yaml") == ["s1", "s2", "s3"]
    assert paid.made("cast/cast.yaml", "specs/one.yaml", "specs/two.yaml") == []
    digest = paid.takes("cast")["mira-sheet/1"]["outputs"][0]["sha256"]
    for name in ("one", "two"):
        take = paid.takes(name)["s1/1"]
        assert take["from_storyboards"] == [
            {"storyboard": "cast/cast.yaml", "shot": "mira-sheet", "take": 1, "sha256": digest}
        ]
        assert len(take["request"]["params"]["referenceMediaItems"]) == 1
        manifest = json.loads((paid.folder(name) / "manifest.json").read_text("utf-8"))
        assert [one["sha256"] for one in manifest["uploads"]].count(digest) == 1


def test_a_sheet_remade_by_its_own_storyboard_makes_nothing_anew(paid: Boards) -> None:
    """The plan says who chose what, once; only a take that is written goes by it."""
    paid.write("cast/cast.yaml", REMADE)
    assert paid.made("cast/cast.yaml") == ["mira-sheet"]
    assert paid.made("specs/one.yaml") == []
    plan = paid.command("plan", "specs/one.yaml")
    assert plan.count(CHOOSES) == 1 and f"{CHOOSES} (2 shots)" in plan
    assert f"notice: {CHOOSES} (2 shots)" in paid.command("run", "specs/one.yaml")
    paid.write("specs/one.yaml", ONE.replace("mira-sheet}", "mira-sheet, take: 1}"))
    assert "cast/cast.yaml has another mira-sheet" in paid.command("plan", "specs/one.yaml")
    assert paid.made("specs/one.yaml") == ["s1", "s2"]
    assert CHOOSES not in paid.command("plan", "specs/one.yaml")
    paid.write("specs/one.yaml", ONE)
    assert paid.made("specs/one.yaml") == []


def test_a_written_take_makes_exactly_those_shots(paid: Boards) -> None:
    """A take that is written decides for its own shot alone; one that was written before costs nothing."""
    paid.write("cast/cast.yaml", TWO_TAKES)
    assert paid.made("cast/cast.yaml") == ["mira-sheet"]
    second = ONE.replace("mira-sheet}", "mira-sheet, take: 2}", 1)
    paid.write("specs/one.yaml", second)
    assert paid.made("specs/one.yaml") == ["s1"]
    assert paid.takes("one")["s1/1"]["from_storyboards"][0]["take"] == 2
    paid.write("specs/one.yaml", ONE)
    assert paid.made("specs/one.yaml") == []


def test_a_pick_there_decides_for_what_is_still_to_be_made(paid: Boards) -> None:
    """What is there keeps the first take; a new shot is made from the picked one."""
    paid.write("cast/cast.yaml", TWO_TAKES.replace("takes: 2", "takes: 2, pick: 2"))
    paid.made("cast/cast.yaml")
    new = "  - {id: s4, prompt: Mira sits, references: {storyboard: ../cast/cast.yaml, shot: mira-sheet}}\n"
    paid.write("specs/one.yaml", ONE + new)
    assert paid.made("specs/one.yaml") == ["s4"]
    takes = paid.takes("one")
    assert [takes[f"s{n}/1"]["from_storyboards"][0]["take"] for n in (1, 2, 4)] == [1, 1, 2]


def test_a_sheet_that_is_not_there_yet_blocks(boards: Boards) -> None:
    """Nothing is paid, the exit code is 1, and the command that makes it is shown."""
    plan = boards.command("plan", "specs/one.yaml")
    assert "cast/cast.yaml has no mira-sheet yet: rivya-run" in plan
    assert boards.made("specs/one.yaml", code=1) == []
    assert not boards.folder("cast").exists()
    output = boards.command("run", "specs/one.yaml", code=1)
    assert f"rivya-run {boards.project.root / 'cast/cast.yaml'} makes it" in output


@pytest.mark.parametrize(
    ("gone", "notice"),
    [
        ("cast/cast.yaml", "there is no file '../cast/cast.yaml'"),
        ("outputs/cast/manifest.json", ""),
        ("outputs/cast/journal.jsonl", ""),
        ("outputs/cast", ""),
    ],
)
def test_what_becomes_of_the_other_storyboard_makes_nothing_anew(
    paid: Boards, gone: str, notice: str
) -> None:
    """Its file, its records, all its results deleted: nothing is made again, and nothing stops."""
    lost = paid.project.root / gone
    shutil.rmtree(lost) if lost.is_dir() else lost.unlink()
    assert paid.made("specs/one.yaml") == []
    assert notice in paid.command("run", "specs/one.yaml")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("shots: [", "'../cast/cast.yaml' has problems"),
        ("id: cast\nshots: [{id: other, prompt: A}]\n", "'../cast/cast.yaml' has no shot 'mira-sheet'"),
        (
            CAST.replace("grok-imagine,", "elevenlabs-turbo-2-5,"),
            "audio where grok-imagine-video takes image",
        ),
    ],
)
def test_a_fault_of_the_other_storyboard_is_a_notice_where_nothing_is_to_be_made(
    paid: Boards, text: str, told: str
) -> None:
    """What is there stays; what is new is blocked with the reason, and the rest is made."""
    paid.write("cast/cast.yaml", text)
    assert paid.made("specs/one.yaml") == []
    assert told in paid.command("run", "specs/one.yaml")
    new = "  - {id: s4, prompt: Mira sits, references: {storyboard: ../cast/cast.yaml, shot: mira-sheet}}\n"
    paid.write("specs/one.yaml", ONE + new + "  - {id: s5, prompt: Alone}\n")
    assert paid.made("specs/one.yaml", code=1) == ["s5"]
    assert told in paid.command("plan", "specs/one.yaml")


def test_a_take_that_there_is_none_of_is_a_problem_also_where_another_was_good(paid: Boards) -> None:
    """It is told as any slip of the pen: nothing is done."""
    paid.write("specs/one.yaml", ONE.replace("mira-sheet}", "mira-sheet, take: 2}"))
    assert "take 2 of 'mira-sheet', which has 1 take [range]" in paid.command("run", "specs/one.yaml", code=3)


def test_a_changed_prompt_is_made_from_what_is_chosen_now(paid: Boards) -> None:
    """What is asked for is something else, so nothing is left to keep."""
    paid.write("cast/cast.yaml", REMADE)
    paid.made("cast/cast.yaml")
    paid.write("specs/one.yaml", ONE.replace("Mira waves", "Mira laughs"))
    assert paid.made("specs/one.yaml") == ["s1"]
    new = paid.takes("cast")["mira-sheet/1"]["outputs"][0]["sha256"]
    assert paid.takes("one")["s1/1"]["from_storyboards"][0]["sha256"] == new


def test_a_further_take_is_made_from_what_the_first_was(paid: Boards) -> None:
    """All takes of a shot are made from one file, as long as it is there; else the new take is blocked alone."""
    old = paid.takes("cast")["mira-sheet/1"]["outputs"][0]["sha256"]
    file = paid.sheet()
    paid.write("cast/cast.yaml", REMADE)
    paid.made("cast/cast.yaml")
    paid.write("specs/one.yaml", ONE.replace("Mira waves", "Mira waves, takes: 2"))
    assert paid.made("specs/one.yaml") == ["s1"]
    assert paid.takes("one")["s1/2"]["from_storyboards"][0]["sha256"] == old
    file.unlink()
    paid.write("specs/one.yaml", ONE.replace("Mira waves", "Mira waves, takes: 3"))
    assert paid.made("specs/one.yaml", code=1) == []
    assert (
        "the file of cast/cast.yaml mira-sheet/1 that its other takes are made from is gone"
        in paid.command("plan", "specs/one.yaml")
    )


def test_an_altered_file_is_never_sent(paid: Boards) -> None:
    """What isn't what was paid for blocks what is made from it."""
    paid.sheet().write_bytes(b"edited")
    paid.write("specs/two.yaml", ONE.replace("id: one", "id: two"))
    assert paid.made("specs/two.yaml", code=1) == ["s3"]
    assert paid.made("specs/one.yaml") == []


def test_a_frame_of_a_clip_that_another_storyboard_made(boards: Boards) -> None:
    """The still is taken out here; the other's folder stays as it is."""
    boards.write("cast/cast.yaml", "id: cast\nshots: [{id: walk, prompt: She walks}]\n")
    boards.made("cast/cast.yaml")
    before = sorted(boards.folder("cast").rglob("*"))
    boards.write(
        "specs/one.yaml",
        "id: one\nshots:\n  - {id: s1, prompt: On,\n"
        "     references: {storyboard: ../cast/cast.yaml, shot: walk, frame: last}}\n",
    )
    assert boards.made("specs/one.yaml") == ["s1"]
    [item] = boards.takes("one")["s1/1"]["request"]["params"]["referenceMediaItems"]
    assert item["kind"] == "image"
    assert sorted(boards.folder("cast").rglob("*")) == before
    assert boards.made("specs/one.yaml") == []


def test_a_clone_with_only_manifests(paid: Boards) -> None:
    """Nothing is made again: both manifests know, and the clips alone are fetched."""
    for name in ("cast", "one"):
        for path in list(boards_files(paid.folder(name))):
            path.unlink()
    assert paid.made("specs/one.yaml") == []
    assert paid.command("verify", "specs/one.yaml")


def boards_files(folder: Path) -> list[Path]:
    """Everything in an output folder but its manifest."""
    return [path for path in folder.rglob("*") if path.is_file() and path.name != "manifest.json"]


def test_a_renamed_shot_keeps_what_it_was_made_from(paid: Boards) -> None:
    """Also when the sheet was remade meanwhile. A new name of the sheet's shot costs nothing either."""
    paid.write("cast/cast.yaml", REMADE)
    paid.made("cast/cast.yaml")
    paid.write("specs/one.yaml", ONE.replace("id: s1", "id: opening"))
    assert paid.made("specs/one.yaml") == []
    paid.write("cast/cast.yaml", REMADE.replace("joe-sheet", "joe"))
    paid.write("specs/one.yaml", ONE.replace("id: s1", "id: opening").replace("joe-sheet", "joe"))
    assert paid.made("specs/one.yaml") == []
    (paid.project.root / "cast/cast.yaml").rename(paid.project.root / "specs/sheets.yaml")
    moved = ONE.replace("id: s1", "id: opening").replace("joe-sheet", "joe")
    paid.write("specs/one.yaml", moved.replace("../cast/cast.yaml", "sheets.yaml"))
    assert paid.made("specs/one.yaml") == []


def test_clean_leaves_what_another_storyboard_was_made_from(paid: Boards) -> None:
    """A sheet that no take of its own storyboard uses any more is kept for those of the others."""
    mira, joe = paid.sheet(), paid.sheet("joe-sheet/1")
    paid.write("cast/cast.yaml", REMADE.replace("Joe from", "Joe in blue from"))
    paid.made("cast/cast.yaml")
    paid.write("specs/one.yaml", ONE.replace("joe-sheet}", "joe-sheet, take: 1}"))
    assert paid.made("specs/one.yaml") == ["s3"]
    listed = paid.command("clean", "cast/cast.yaml")
    assert mira.name not in listed and joe.name in listed
    paid.command("clean", "cast/cast.yaml", "--yes")
    assert mira.exists() and not joe.exists()


def test_both_in_one_command(boards: Boards) -> None:
    """The shots wait for the sheets, whichever is named first, and go by what is chosen then."""
    plan = boards.command("plan", "specs/one.yaml", "cast/cast.yaml")
    assert "new shot (from cast/cast.yaml mira-sheet/1)" in plan
    assert boards.made("specs/one.yaml", "cast/cast.yaml") == ["joe-sheet", "mira-sheet", "s1", "s2", "s3"]
    digest = boards.takes("cast")["mira-sheet/1"]["outputs"][0]["sha256"]
    assert boards.takes("one")["s1/1"]["from_storyboards"][0]["sha256"] == digest
    assert boards.made("cast/cast.yaml", "specs/one.yaml") == []


@pytest.mark.parametrize(
    "options", [{"concurrency": 1, "max_credits": 900}, {"concurrency": 3}, {"attempts": 2}]
)
def test_many_shots_wait_for_one_sheet(boards: Boards, options: dict[str, Any]) -> None:
    """They keep no slot from what they wait for, under a cap or without."""
    shots = "".join(
        f"  - {{id: s{n}, prompt: 'Mira {n}', references: {{storyboard: ../cast/cast.yaml, shot: mira-sheet}}}}\n"
        for n in range(70)
    )
    boards.write("specs/one.yaml", f"id: one\nshots:\n{shots}")
    boards.write("cast/cast.yaml", "id: cast\nshots: [{id: mira-sheet, model: grok-imagine, prompt: Mira}]\n")
    assert len(boards.made("specs/one.yaml", "cast/cast.yaml", **options)) == 71


def test_both_in_one_simulation(boards: Boards) -> None:
    """Shots wait for the simulated sheet: no stand-in."""
    output = boards.command("run", "specs/one.yaml", "cast/cast.yaml", "--simulate")
    assert "stand-in" not in output
    made = boards.takes("cast.simulated")["mira-sheet/1"]["outputs"][0]["sha256"]
    assert boards.takes("one.simulated")["s1/1"]["from_storyboards"][0]["sha256"] == made


def test_a_written_take_that_is_made_again_in_the_same_command(paid: Boards) -> None:
    """One command is enough, and makes exactly the shots that say so."""
    paid.write("cast/cast.yaml", REMADE)
    paid.write("specs/one.yaml", ONE.replace("mira-sheet}", "mira-sheet, take: 1}", 1))
    assert paid.made("specs/one.yaml", "cast/cast.yaml") == ["mira-sheet", "s1"]
    assert paid.made("specs/one.yaml", "cast/cast.yaml") == []


def test_only_selected_shots_are_waited_for(boards: Boards) -> None:
    """--only leaves the sheet out, so nothing can be made from it."""
    assert boards.made("specs/one.yaml", "cast/cast.yaml", only=("s1",), code=1) == []
    assert boards.made("specs/one.yaml", "cast/cast.yaml", only=("s1", "mira-sheet")) == ["mira-sheet", "s1"]


def test_a_sheet_whose_file_is_gone_is_fetched_first(paid: Boards) -> None:
    """In one command what is made from it waits for the download, and nothing is paid for twice."""
    paid.sheet().unlink()
    paid.write("specs/two.yaml", ONE.replace("id: one", "id: two"))
    assert paid.made("specs/two.yaml", "cast/cast.yaml") == ["s1", "s2", "s3"]


def test_a_sheet_that_fails_blocks_its_shots_in_the_same_command(tmp_path: Path) -> None:
    """The others go on."""
    with hosted(faults=FaultPlan(rules=(Rule("task-failed", subject="*.mira-sheet*"),))) as simulator:
        boards = Boards(Project(tmp_path, simulator))
        boards.write("cast/cast.yaml", CAST)
        boards.write("specs/one.yaml", ONE)
        assert boards.made("specs/one.yaml", "cast/cast.yaml", code=1) == ["joe-sheet", "mira-sheet", "s3"]


def test_storyboards_may_refer_to_each_other(boards: Boards) -> None:
    """A sheet from a shot of the episode, a shot from the sheet: all in one command, then nothing more."""
    boards.write(
        "cast/cast.yaml",
        "id: cast\nshots:\n  - {id: sheet, model: grok-imagine-video, prompt: Sheet,\n"
        "     references: {storyboard: ../specs/one.yaml, shot: first, frame: last}}\n",
    )
    boards.write(
        "specs/one.yaml",
        "id: one\nshots:\n  - {id: first, prompt: First}\n  - {id: second, prompt: Second,\n"
        "     references: {storyboard: ../cast/cast.yaml, shot: sheet, frame: first}}\n",
    )
    assert boards.made("cast/cast.yaml", "specs/one.yaml") == ["first", "second", "sheet"]
    assert boards.made("specs/one.yaml") == []
    assert boards.made("cast/cast.yaml") == []


def test_a_rerun_with_nothing_to_do_never_overlooks_a_choice(paid: Boards) -> None:
    """The instant answer depends on the other's text and records."""
    assert CHOOSES not in paid.command("run", "specs/one.yaml")
    assert (paid.folder("one") / ".state").exists()
    for name in ("cast/cast.yaml", "outputs/cast/journal.jsonl", "outputs/cast/manifest.json"):
        assert str(paid.project.root / name) in (paid.folder("one") / ".state").read_text()
    paid.write("cast/cast.yaml", REMADE)
    paid.made("cast/cast.yaml")
    for _ in range(2):
        assert CHOOSES in paid.command("run", "specs/one.yaml")


def test_a_saved_plan_is_for_what_was_chosen_then(paid: Boards, tmp_path: Path) -> None:
    """It is refused once another sheet is chosen, and not for anything else that the other storyboard makes."""
    paid.write("cast/cast.yaml", CAST + "  - {id: extra, model: grok-imagine, prompt: Extra}\n")
    paid.write("specs/one.yaml", ONE + "  - {id: s4, prompt: Alone}\n")
    plan = tmp_path / "plan.json"
    paid.command("plan", "specs/one.yaml", "--out", plan)
    paid.made("cast/cast.yaml")
    paid.command("run", "--plan", plan)
    paid.write("specs/one.yaml", ONE + "  - {id: s5, prompt: Alone again}\n")
    paid.command("plan", "specs/one.yaml", "--out", plan)
    paid.write("cast/cast.yaml", REMADE)
    paid.made("cast/cast.yaml")
    assert "cast/cast.yaml mira-sheet" in paid.command("run", "--plan", plan, code=3)


def test_a_simulation_uses_what_is_there_and_stand_ins_for_the_rest(boards: Boards) -> None:
    """The simulated sheet, then the paid one, then a stand-in with a notice; nothing is created at Rivya."""
    output = boards.command("run", "specs/one.yaml", "--simulate")
    assert "cast/cast.yaml mira-sheet/1 isn't there yet: a stand-in is drawn" in output
    takes = boards.takes("one.simulated")
    assert takes["s1/1"]["status"] == "succeeded"
    boards.made("cast/cast.yaml")
    new = "  - {id: s4, prompt: Mira sits, references: {storyboard: ../cast/cast.yaml, shot: mira-sheet}}\n"
    boards.write("specs/one.yaml", ONE + new)
    assert "stand-in" not in boards.command("run", "specs/one.yaml", "--simulate")
    paid = boards.takes("cast")["mira-sheet/1"]["outputs"][0]["sha256"]
    takes = boards.takes("one.simulated")
    assert (
        takes["s4/1"]["from_storyboards"][0]["sha256"]
        == paid
        != takes["s1/1"]["from_storyboards"][0]["sha256"]
    )
    boards.command("run", "cast/cast.yaml", "--simulate")
    boards.write("specs/one.yaml", ONE + new.replace("sits", "lies"))
    boards.command("run", "specs/one.yaml", "--simulate")
    drawn = boards.takes("cast.simulated")["mira-sheet/1"]["outputs"][0]["sha256"]
    assert boards.takes("one.simulated")["s4/1"]["from_storyboards"][0]["sha256"] == drawn
    assert len(boards.project.simulator.state.tasks()) == 2


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (
            "{storyboard: ../cast/casts.yaml, shot: mira-sheet}",
            "there is no file '../cast/casts.yaml', did you mean '../cast/cast.yaml'? [missing-file]",
        ),
        (
            "{storyboard: ../cast/cast.yaml, shot: mira-shet}",
            "'../cast/cast.yaml' has no shot 'mira-shet', did you mean 'mira-sheet'? [unknown-shot]",
        ),
        (
            "{storyboard: ../cast/cast.yaml, shot: mira-sheet, take: 2}",
            "take 2 of 'mira-sheet', which has 1 take [range]",
        ),
        (
            "{storyboard: ../cast/cast.yaml, shot: mira-sheet, frame: last}",
            "a frame of 'mira-sheet', which is an image, not a video [frame]",
        ),
        (
            "{storyboard: ../cast/cast.yaml, shot: voice}",
            "audio where grok-imagine-video takes image references [reference-kind]",
        ),
        (
            "{storyboard: ../cast/cast.yaml, shot: photo}",
            "'photo' is a file of your own there: name the file itself, '../cast/refs/mira.png' [own-file]",
        ),
        (
            "{storyboard: ../cast/broken.yaml, shot: sheet}",
            "'../cast/broken.yaml' has problems (1 error): rivya-run validate",
        ),
        (
            "{storyboard: ../cast/refs/mira.png, shot: sheet}",
            "'../cast/refs/mira.png' has problems",
        ),
        (
            "{storyboard: ../cast, shot: sheet}",
            "'../cast' is a folder, not a file [not-a-file]",
        ),
        (
            "{storyboard: ../../away.yaml, shot: sheet}",
            "'../../away.yaml' leads outside the project root; --allow-outside permits it [outside]",
        ),
        (
            "{storyboard: one.yaml, shot: other}",
            "this is the storyboard itself: write {shot: other} [reference]",
        ),
        (
            "{storyboard: ' ', shot: other}",
            "'storyboard' is blank [blank]",
        ),
        (
            "{storyboard: ../cast/cast.yaml}",
            "'shot' is missing [missing-key]",
        ),
        (
            "{storyboard: ../cast/cast.yaml, shot: back}",
            "a circle of references through several storyboards: s1 -> ",
        ),
    ],
)
def test_what_can_not_be_right_is_told_with_its_place(boards: Boards, written: str, told: str) -> None:
    """By ``validate``, and by a run, which then makes nothing at all."""
    extra = (
        "  - {id: voice, model: elevenlabs-turbo-2-5, prompt: Hello}\n"
        "  - {id: photo, file: refs/mira.png}\n"
        "  - {id: back, prompt: Back, references: {storyboard: ../specs/one.yaml, shot: s1, frame: last}}\n"
    )
    boards.write("cast/cast.yaml", CAST + extra)
    boards.project.reference("cast/refs/mira.png", png("mira"))
    boards.write("cast/broken.yaml", "shots: [{id: sheet}]\n")
    (boards.project.root.parent / "away.yaml").write_text("shots: [{id: sheet, prompt: A}]\n", "utf-8")
    boards.write(
        "specs/one.yaml",
        f"id: one\nshots:\n  - {{id: other, prompt: B}}\n  - {{id: s1, prompt: A, references: {written}}}\n",
    )
    for command in ("validate", "run", "plan"):
        output = boards.command(command, "specs/one.yaml", code=3)
        assert told in output
        assert "specs/one.yaml:4:" in output
    assert boards.project.tasks() == 0


def test_names_are_filled_in(boards: Boards) -> None:
    """``${}`` stands in both, and makes a shot of versions vary; made ids of versions are told."""
    boards.write(
        "cast/cast.yaml",
        "id: cast\nvars: {x: a}\nversions: {red: {}, blue: {vars: {x: b}}}\n"
        "shots: [{id: sheet, model: grok-imagine, prompt: 'Mira ${x}'}]\n",
    )
    boards.made("cast/cast.yaml")
    text = (
        "id: one\nvars: {colour: red}\nversions: {red: {}, blue: {vars: {colour: blue}}}\n"
        "shots:\n  - {id: s1, prompt: On,\n"
        "     references: {storyboard: '../${folder}/cast.yaml', shot: 'sheet-${colour}'}}\n"
    )
    boards.write("specs/one.yaml", text.replace("vars: {", "vars: {folder: cast, ", 1))
    assert boards.made("specs/one.yaml") == ["s1-blue", "s1-red"]
    boards.write(
        "specs/one.yaml", text.replace("vars: {", "vars: {folder: cast, ", 1).replace("-${colour}", "")
    )
    assert "has no shot 'sheet': its versions make sheet-red, sheet-blue of it" in boards.command(
        "validate", "specs/one.yaml", code=3
    )


def test_a_member_of_the_cast_may_refer_to_another_storyboard(boards: Boards) -> None:
    """Its path is relative to the file that the member stands in."""
    boards.made("cast/cast.yaml")
    member = "cast: {mira: {text: Mira, references: {storyboard: cast.yaml, shot: mira-sheet}}}\n"
    boards.write("cast/people.yaml", member)
    boards.write(
        "specs/one.yaml", "id: one\ninclude: ../cast/people.yaml\nshots: [{id: s1, prompt: '@mira waves'}]\n"
    )
    assert boards.made("specs/one.yaml") == ["s1"]
    [made] = boards.takes("one")["s1/1"]["from_storyboards"]
    assert (made["storyboard"], made["shot"]) == ("cast/cast.yaml", "mira-sheet")
    boards.write("cast/people.yaml", member.replace("mira-sheet", "mira-sheat"))
    assert "cast/people.yaml:1:" in boards.command("validate", "specs/one.yaml", code=3)


def test_outputs_elsewhere(boards: Boards, tmp_path: Path) -> None:
    """With ``--outputs`` the other's results are looked for there, then in its own project."""
    there = tmp_path / "elsewhere"
    boards.made("cast/cast.yaml")
    boards.command("run", "specs/one.yaml", "--outputs", there)
    first = json.loads((there / "one/manifest.json").read_text("utf-8"))["shots"][0]["takes"][0]
    assert (
        first["from_storyboards"][0]["sha256"] == boards.takes("cast")["mira-sheet/1"]["outputs"][0]["sha256"]
    )
    assert not (there / "cast").exists()


def test_a_chain_through_storyboards(boards: Boards) -> None:
    """What is made from what was made from another's: a remade first link makes nothing anew further on."""
    boards.write(
        "specs/one.yaml",
        "id: one\nshots:\n  - {id: s1, prompt: A, references: {storyboard: ../cast/cast.yaml, shot: mira-sheet}}\n",
    )
    boards.write(
        "specs/two.yaml",
        "id: two\nshots:\n  - {id: t1, prompt: B, references: {storyboard: one.yaml, shot: s1, frame: last}}\n"
        "  - {id: t2, prompt: C, references: {shot: t1, frame: last}}\n",
    )
    assert boards.made("specs/two.yaml", "specs/one.yaml", "cast/cast.yaml") == [
        "joe-sheet", "mira-sheet", "s1", "t1", "t2",
    ]  # fmt: skip
    boards.write("cast/cast.yaml", REMADE)
    assert boards.made("specs/two.yaml", "specs/one.yaml", "cast/cast.yaml") == ["mira-sheet"]
    boards.write("specs/two.yaml", (boards.project.root / "specs/two.yaml").read_text().replace("B,", "D,"))
    assert boards.made("specs/two.yaml") == ["t1", "t2"]


def test_an_adopted_task_knows_what_it_was_made_from(paid: Boards) -> None:
    """So a sheet that is remade later doesn't make it again."""
    task = paid.takes("one")["s1/1"]["task_id"]
    shutil.rmtree(paid.folder("one"))
    paid.command("adopt", "specs/one.yaml", "s1", task)
    assert paid.takes("one")["s1/1"]["from_storyboards"][0]["shot"] == "mira-sheet"
    paid.write("cast/cast.yaml", REMADE)
    paid.made("cast/cast.yaml")
    assert "s1" not in paid.made("specs/one.yaml", only=("s1",))


def test_a_manifest_that_tells_nonsense_of_it_is_refused(paid: Boards) -> None:
    """What a take was made from is judged like everything else that a manifest says."""
    path = paid.folder("one") / "manifest.json"
    document = json.loads(path.read_text("utf-8"))
    document["shots"][0]["takes"][0]["from_storyboards"][0]["sha256"] = "no digest"
    path.write_text(json.dumps(document), "utf-8")
    assert "a sha256 of 64 hex digits" in paid.command("run", "specs/one.yaml", code=7)


def test_the_plan_in_json_says_what_is_made_from_what(boards: Boards) -> None:
    """``sha256`` is null as long as it isn't there."""
    documents = json.loads(boards.command("plan", "specs/one.yaml", "cast/cast.yaml", "--json"))
    [made] = documents[0]["steps"][0]["from_storyboards"]
    assert made == {"storyboard": "cast/cast.yaml", "shot": "mira-sheet", "take": 1, "sha256": None}


def test_watch_looks_at_the_other_storyboard(boards: Boards) -> None:
    """Saving it is saving what this one is made of; and an export never writes over it."""
    named = {path.resolve() for path in made_of(boards.project.root / "specs/one.yaml")}
    assert (boards.project.root / "cast/cast.yaml").resolve() in named
