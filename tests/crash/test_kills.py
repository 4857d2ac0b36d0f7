"""A run may be killed at any moment: nothing is paid twice, nothing is lost."""

from __future__ import annotations

import json
import random
import sys
from collections import Counter
from pathlib import Path

import pytest

from crash.crash_runs import KILLED, TAKES, ForkServer, Project, open_project
from crash.soak import soak
from rivya_run.simulator.faults import FaultPlan, Rule

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kills need fork and SIGKILL")

FAULTS = FaultPlan(
    rules=(
        Rule("create-lost", "*.t1.*", turns=(1,)),
        Rule("create-refused", "*.t2.*", turns=(1,)),
        Rule("download-cut", turns=(1,)),
        Rule("status-unknown", turns=(2,)),
    )
)

QUIET = [
    "before line run_started",
    "inside line run_started",
    "after line run_started",
    "before sync",
    "after sync",
]


def test_a_run_that_dies_once_at_each_kind_of_moment_pays_once(tmp_path: Path) -> None:
    """Before, inside and after each kind of journal line, sync, request, download and rename."""
    died: list[str] = []
    with (
        ForkServer() as fork_server,
        open_project(tmp_path, fork_server, faults=FAULTS, clip_bytes=40_000) as project,
    ):
        while (ended := project.live(survived=died)).status == KILLED:
            assert ended.last not in died
            died.append(ended.last)
            if len(died) == 25:
                project.write("renamed")
        project.finish()
        project.check()
        assert len(project.simulator.state.tasks()) == TAKES
    kinds = {"before", "inside", "after"}
    assert {name.split()[0] for name in died} == kinds
    for name in ("line intended", "line created", "line succeeded", "line stored", "POST generations"):
        assert any(name in one for one in died), name
    assert len(died) > 30


AROUND_DEBITS = (
    "before debit",
    "inside debit",
    "after debit",
    "before line intended",
    "inside line intended",
    "after line intended",
    "before POST generations",
    "after POST generations",
    "before line created",
    "after line created",
    "before correction",
    "inside correction",
    "after correction",
)
"""The moments at which debits, records and the API know different things."""


def debited(project: Project) -> dict[str, float]:
    """What the file of the project's budgets says, as far as its last line is whole."""
    file = project.root / "outputs/.budgets"
    found: dict[str, float] = {}
    content = file.read_text(encoding="utf-8") if file.exists() else ""
    for line in content[: content.rfind("\n") + 1].splitlines():
        entry = json.loads(line)
        if entry["type"] == "debit":
            found[entry["key"]] = entry["credits"]
        elif entry["type"] == "given_back":
            del found[entry["key"]]
    return found


def test_a_kill_leaves_no_credit_uncounted(tmp_path: Path) -> None:
    """Whatever a task costs was debited before it was made; what was never sent the next run gives back."""
    died: list[str] = []
    with (
        ForkServer() as fork_server,
        open_project(tmp_path, fork_server, faults=FAULTS, clip_bytes=40_000) as project,
    ):
        (tmp_path / "budgets.yaml").write_text(
            "- {match: crash, max_credits: 1000, per: day}\n", encoding="utf-8"
        )
        for moment in AROUND_DEBITS:
            ended = project.live(fatal=moment)
            died += [ended.last] if ended.status == KILLED else []
            counted = debited(project)
            for task in project.simulator.state.tasks():
                assert counted[str(task.key)] >= task.final, f"{task.key} after {ended.last}"
        project.finish()
        project.check()
        costs = {str(task.key): task.final for task in project.simulator.state.tasks() if task.final}
        assert debited(project) == costs
    assert {
        f"{when} {what}" for when in ("before", "inside", "after") for what in ("debit", "correction")
    } <= set(died)


def test_what_was_debited_and_never_sent_leaves_room_again(tmp_path: Path) -> None:
    """Killed between debit and intent, again and again, with a budget that holds each take once."""
    with ForkServer() as fork_server, open_project(tmp_path, fork_server) as project:
        assert project.live().status == 0
        all_takes = project.simulator.state.charged()
    with ForkServer() as fork_server, open_project(tmp_path / "again", fork_server) as project:
        (tmp_path / "again/budgets.yaml").write_text(
            f"- {{match: '*', max_credits: {all_takes:g}}}\n", encoding="utf-8"
        )
        for _ in range(4):
            assert project.live(fatal="after debit").status == KILLED
        assert project.live().status == 0
        project.check()
        assert project.simulator.state.charged() == all_takes


def test_a_rename_may_be_cut_short_at_any_moment(tmp_path: Path) -> None:
    """Record and files of a renamed shot go together, wherever the run dies between them."""
    died: list[str] = []
    with ForkServer() as fork_server, open_project(tmp_path, fork_server) as project:
        assert project.live().status == 0
        for name in ("first", "second", "third", "fourth", "fifth", "sixth"):
            project.write(name)
            ended = project.live(survived=[*died, *QUIET])
            if ended.status == KILLED:
                died.append(ended.last)
        assert {"before line reassigned", "after line reassigned", "before rename"} <= set(died)
        project.finish()
        project.check()
        assert len(project.simulator.state.tasks()) == TAKES
        assert project.simulator.traffic.counts["download"] == TAKES


NARRATED = """
id: crash
shots:
  - {id: next, prompt: Onwards, references: [{shot: clip, frame: last}]}
  - {id: clip, prompt: On set, takes: 2, params: {duration: {fit: vo, pad: 0.5}}}
  - {id: vo, model: elevenlabs-turbo-2-5, prompt: TEXT}
"""
"""A clip as long as its narration, and what is made from it."""


def lengths(project: Project) -> Counter[int]:
    """How many tasks of clips asked for each length."""
    tasks = (task for task in project.simulator.state.tasks() if ".clip." in (task.key or ""))
    return Counter(int(str(task.params["duration"])) for task in tasks)


def test_a_run_whose_clip_waits_for_its_sound_dies_at_each_kind_of_moment(tmp_path: Path) -> None:
    """One sound, two clips that are long enough, one that goes on from there: each paid for once, the value once."""
    died: list[str] = []
    with ForkServer() as fork_server, open_project(tmp_path, fork_server, faults=FAULTS) as project:
        project.write("", NARRATED.replace("TEXT", "a" * 110))
        while (ended := project.live(survived=died)).status == KILLED:
            died.append(ended.last)
        project.finish()
        project.check()
        assert lengths(project) == {8: 2}
        assert len(project.simulator.state.tasks()) == 4
    assert len(died) > 30


@pytest.mark.parametrize(("said", "asked"), [(100, {8: 2}), (140, {8: 2, 10: 2})])
def test_a_sound_that_is_spoken_again_may_be_cut_short_at_any_moment(
    tmp_path: Path, said: int, asked: dict[int, int]
) -> None:
    """It still fits: no clip is paid for again. It is too long: exactly the clips, and what is made from them."""
    died: list[str] = []
    with ForkServer() as fork_server, open_project(tmp_path, fork_server) as project:
        project.write("", NARRATED.replace("TEXT", "a" * 110))
        assert project.live().status == 0
        project.write("", NARRATED.replace("TEXT", "b" * said))
        while (ended := project.live(survived=[*died, *QUIET])).status == KILLED:
            died.append(ended.last)
        project.finish()
        project.check()
        assert lengths(project) == asked
        assert len(project.simulator.state.tasks()) == (5 if said == 100 else 8)
    assert len(died) > 10


@pytest.mark.parametrize("fatal", ["after line stored", "before line intended", "after line intended"])
def test_the_sound_is_there_and_the_run_dies_before_the_clip_is_created(tmp_path: Path, fatal: str) -> None:
    """The next run asks for the same length: there is one body for each key, and one task."""
    with ForkServer() as fork_server, open_project(tmp_path, fork_server) as project:
        project.write("", NARRATED.replace("TEXT", "a" * 110).replace("takes: 2", "takes: 1"))
        project.begin("--only", "vo", fatal=fatal if "stored" in fatal else None)
        assert fork_server.end().status == (KILLED if "stored" in fatal else 0)
        assert project.live(fatal=fatal).status == KILLED
        project.finish()
        project.check()
        assert lengths(project) == {8: 1}
        assert len(project.simulator.state.tasks()) == 3


GATED = """
id: crash
shots:
  - {id: next, prompt: Onwards, references: [{shot: clip, frame: last}]}
  - {id: clip, prompt: On set, references: {shot: key}}
  - {id: key, model: grok-imagine, prompt: A keyframe, takes: 2, approval: requiredDECISION}
"""
"""A keyframe that somebody looks at before a clip is made from it."""


def test_a_run_that_waits_for_a_decision_dies_at_each_kind_of_moment(tmp_path: Path) -> None:
    """Two keyframes, and nothing else until one is approved; then a clip from exactly that one, and what follows."""
    died: list[str] = []
    with ForkServer() as fork_server, open_project(tmp_path, fork_server, faults=FAULTS) as project:
        project.write("", GATED.replace("DECISION", ""))
        while (ended := project.live(survived=died)).status == KILLED:
            died.append(ended.last)
        while project.live().status == 1:
            pass  # a create that was lost is sent again
        made = project.simulator.state.tasks_by_key()
        assert sorted(key.split(".")[1] for key in made) == ["key", "key"]
        [key] = [shot for shot in project.manifest()["shots"] if shot["id"] == "key"]
        second = key["takes"][1]["outputs"][0]["sha256"]
        project.write("", GATED.replace("DECISION", f", approved: 2@{second[:8]}"))
        while (ended := project.live(survived=[*died, *QUIET])).status == KILLED:
            died.append(ended.last)
        project.finish()
        project.check()
        assert len(project.simulator.state.tasks()) == 4
        [clip] = [shot for shot in project.manifest()["shots"] if shot["id"] == "clip"]
        assert clip["takes"][0]["parents"] == [{"shot": "key", "take": 2, "sha256": second}]
    assert len(died) > 30


SHEETS = """
id: cast
shots:
  - {id: sheet, model: grok-imagine, prompt: PROMPT}
  - {id: back, prompt: From the episode, references: {storyboard: storyboard.yaml, shot: one, frame: last}}
"""
EPISODE = """
id: crash
shots:
  - {id: one, prompt: Opening, takes: 2, references: {storyboard: cast.yaml, shot: sheet}}
  - id: two
    model: seedream-4-0
    prompt: Onwards
    references: [{shot: one, take: 1, frame: last}, {storyboard: cast.yaml, shot: sheet}]
"""
"""Two storyboards, each made from what the other one makes; five takes."""


def made_from(project: Project) -> set[str]:
    """The sheets that the takes of the episode were made from."""
    takes = [take for shot in project.manifest()["shots"] for take in shot["takes"]]
    return {one["sha256"] for take in takes for one in take.get("from_storyboards", ())}


@pytest.mark.parametrize("order", [("storyboard.yaml", "cast.yaml"), ("cast.yaml", "storyboard.yaml")])
def test_a_run_of_two_storyboards_dies_at_each_kind_of_moment(tmp_path: Path, order: tuple[str, str]) -> None:
    """Each sheet and shot is paid for once; made again by its own storyboard, a sheet makes nothing else anew."""
    died: list[str] = []
    with ForkServer() as fork_server, open_project(tmp_path, fork_server) as project:
        project.boards = order
        for prompt, tasks in (("Mira", 5), ("Mira in red", 6)):
            (tmp_path / "cast.yaml").write_text(SHEETS.replace("PROMPT", prompt), "utf-8")
            project.write("", EPISODE)
            while (ended := project.live(survived=[*died, *QUIET])).status == KILLED:
                died.append(ended.last)
            assert project.live().status == 0
            made = project.simulator.state.tasks()
            assert len(made) == len({task.key for task in made}) == tasks
            assert len(made_from(project)) == 1
    assert len(died) > 20


LINKED = """
id: crash
shots:
  - {id: pairX, prompt: Two of a kindY, takes: 2}
  - {id: keyX, model: grok-imagine, prompt: A keyframeY}
  - {id: childX, prompt: From a keyframeY, references: [{shot: keyX}]}
  - {id: nextX, prompt: OnwardsY, references: [{shot: pairX, take: 1, frame: last}]}
  - {id: backX, prompt: BackwardsY, references: [{shot: pairX, take: 2, frame: first}]}
"""
OTHER = "id: crash\nshots:\n  - {id: other, prompt: Something else}\n"


@pytest.mark.parametrize("tens", range(4))
def test_a_death_before_each_of_the_first_forty_renames_leaves_every_clip_under_its_name(
    tmp_path: Path, tens: int
) -> None:
    """All shots are made, then renamed twice; after the death nobody asks for those takes any more."""
    with ForkServer() as fork_server:
        for number in range(10 * tens + 1, 10 * tens + 11):
            with open_project(tmp_path / str(number), fork_server, files_per_task=2) as project:
                left = number
                for name in ("A", "B", "C"):
                    project.write("", LINKED.replace("X", name).replace("Y", ""))
                    ended = project.live(fatal_move=left)
                    left -= ended.moves
                    if ended.status == KILLED:
                        break
                assert ended.status == KILLED, f"{number - left} renames in all"
                project.write("", OTHER if number % 2 else LINKED.replace("X", name).replace("Y", " again"))
                project.finish()
                project.check()


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_whole_download_that_was_never_put_on_record_is_not_lost(tmp_path: Path, status: int) -> None:
    """Its URL worked once and the run died right after: the next one takes what is here."""
    with (
        ForkServer() as fork_server,
        open_project(tmp_path, fork_server, serves=1, served_status=status, clip_bytes=40_000) as project,
    ):
        project.write("", OTHER)
        assert project.live(fatal="before line stored").status == KILLED
        assert project.live().status == 0
        project.check()
        assert len(project.simulator.state.tasks()) == 1


def test_forty_takes_survive_a_dozen_deaths_and_lost_replies(tmp_path: Path) -> None:
    """Every ninth create loses its reply, a run dies at twelve random moments: 40 tasks, 40 whole files."""
    draw = random.Random(7)
    faults = FaultPlan(rules=(Rule("create-lost", every=9),))
    shots = "".join(f"  - {{id: s{number}, prompt: Shot {number}}}\n" for number in range(40))
    with ForkServer() as fork_server, open_project(tmp_path, fork_server, faults=faults) as project:
        project.write("", f"id: crash\nshots:\n{shots}")
        for _ in range(12):
            assert project.live(fatal=draw.randint(20, 110)).status == KILLED
        project.finish()
        project.check()
        assert len(project.simulator.state.tasks()) == 40
        assert project.simulator.state.charged() == 400


def test_a_simulated_run_that_was_killed_goes_on_at_another_port(tmp_path: Path) -> None:
    """--simulate keeps its own books: one task for each take, however often it dies."""
    with ForkServer() as fork_server, open_project(tmp_path, fork_server) as project:
        project.write("", "id: crash\nshots:\n  - {id: a, prompt: A, takes: 2}\n  - {id: b, prompt: B}\n")
        project.options = ("--simulate",)
        for fatal in (20, 30, 40, 30, 20):
            project.live(fatal=fatal)
        project.finish()
    folder = tmp_path / "outputs/crash.simulated"
    assert json.loads((folder / "manifest.json").read_bytes())["totals"]["succeeded"] == 3
    books = (folder / ".simulator/simulator.jsonl").read_text().splitlines()
    assert sum('"e":"task"' in line for line in books) == 3


def test_deaths_at_random_under_all_faults_lose_nothing() -> None:
    """The short form of ``make soak``."""
    tally = soak(20260511, 30, jobs=1, deaths=15)
    assert tally.losses == []
    assert tally.kills >= 25
