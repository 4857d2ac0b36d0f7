"""Shots that feed shots: order, frames, picks, and parents that fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from projects import Project
from rivya_run.engine.next_step import Ending
from rivya_run.planning.plan import Action
from rivya_run.simulator.faults import FaultPlan, Rule
from rivya_run.simulator.render_cache import Content, RenderCache
from rivya_run.simulator.tasks import SimulatedTask
from simulation import hosted

CHAIN = """
    id: chain
    shots:
      - {id: v2, prompt: Second, references: [{shot: v1, frame: last}]}
      - {id: v1, prompt: First}
"""


STILL = """
    id: chain
    shots:
      - {id: v1, model: grok-imagine, prompt: First}
      - {id: v2, prompt: Second, references: [{shot: v1}]}
"""


def test_a_chain_is_made_in_order_whatever_the_order_in_the_file(project: Project) -> None:
    """The child waits for its parent, and its manifest entry says what it was made from."""
    project.write(CHAIN)
    assert project.run().exit_code == 0
    first, second = project.simulator.state.tasks()
    assert (first.prompt, second.prompt) == ("First", "Second")
    takes = project.takes()
    parent = takes["v1/1"]["outputs"][0]
    assert takes["v2/1"]["parents"] == [{"shot": "v1", "take": 1, "sha256": parent["sha256"]}]
    [still] = parent["frames"]
    assert (project.folder() / still["path"]).is_file()


def test_the_rerun_of_a_chain_sends_nothing(project: Project) -> None:
    """A child whose parent is there has its fingerprint, and is reused."""
    project.write(CHAIN)
    project.run()
    before = len(project.simulator.traffic.requests)
    assert project.run().exit_code == 0
    assert len(project.simulator.traffic.requests) == before


def test_a_failed_parent_blocks_its_child_unpaid(tmp_path: Path) -> None:
    """The child isn't paid for, says why, and the rerun makes what is missing once."""
    with hosted(faults=FaultPlan(rules=(Rule("task-failed", subject="*.v1.*.a1"),))) as simulator:
        project = Project(tmp_path, simulator)
        project.write(CHAIN)
        result = project.run()
        outcome = result.boards[0].outcomes["v2", 1]
        assert (result.exit_code, outcome.ending) == (1, Ending.FAILED)
        assert outcome.message.startswith("parent v1/1: ")
        assert project.tasks() == 1
        assert project.run().exit_code == 0
        assert project.tasks() == 3


def test_a_changed_parent_makes_its_child_anew_and_the_plan_says_so(project: Project) -> None:
    """The reason names the parent; the fingerprint isn't known yet."""
    project.write(CHAIN)
    project.run()
    project.write(CHAIN.replace("First", "First in the dark"))
    step = project.steps()["v2/1"]
    assert (step.action, step.reason) == (Action.CREATE, "parent v1 will be made again")
    assert step.request_key is None
    assert [parent.label for parent in step.needs] == ["v1/1"]
    project.run()
    assert project.tasks() == 4


def test_a_child_keeps_its_parent_take_until_a_pick_says_otherwise(project: Project) -> None:
    """A further take of the parent changes nothing; picking it makes the child anew."""
    board = """
        id: chain
        shots:
          - {{id: v1, prompt: First, takes: {takes}{pick}}}
          - {{id: v2, prompt: Second, references: [{{shot: v1, frame: last}}]}}
    """
    project.write(board.format(takes=1, pick=""))
    project.run()
    project.write(board.format(takes=2, pick=""))
    project.run()
    assert project.tasks() == 3
    project.write(board.format(takes=2, pick=", pick: 2"))
    assert project.steps()["v2/1"].action is Action.CREATE
    project.run()
    assert project.tasks() == 4


SEQUENCE = """
    id: sequence
    shots:
      - {id: s1, prompt: First, takes: 3}
      - {id: s2, prompt: Second, takes: 2, references: [{shot: s1, frame: last}]}
      - {id: s3, prompt: Third, references: [{shot: s2, frame: last}]}
      - {id: s4, prompt: Fourth}
"""


def test_only_brings_along_what_a_shot_is_made_from(project: Project) -> None:
    """One take of each parent, and of theirs; the next run makes the rest, and nothing twice."""
    project.write(SEQUENCE)
    steps = project.steps(only=("s3",))
    made = {name: step.reason for name, step in steps.items() if step.action is Action.CREATE}
    assert made == {
        "s1/1": "new shot; for s3",
        "s2/1": "new shot; for s3",
        "s3/1": "new shot",
    }
    assert steps["s1/2"].reason == "not selected"
    assert project.run(only=("s3",)).exit_code == 0
    assert [task.prompt for task in project.simulator.state.tasks()] == ["First", "Second", "Third"]
    assert project.run().exit_code == 0
    assert project.tasks() == 7


def test_only_uses_the_parent_take_that_is_there(project: Project) -> None:
    """Nothing is brought along where any take will do and one is there."""
    project.write(SEQUENCE)
    project.run(only=("s1",))
    assert project.tasks() == 3
    project.run(only=("s2",))
    assert project.tasks() == 5


def test_only_brings_along_the_take_that_is_picked(project: Project) -> None:
    """A written pick leaves no choice."""
    project.write(
        SEQUENCE.replace("takes: 3,", "takes: 3, pick: 2,").replace("takes: 3}", "takes: 3, pick: 2}")
    )
    assert project.run(only=("s2",)).exit_code == 0
    done = [name for name, take in project.takes().items() if take["status"] == "succeeded"]
    assert done == ["s1/2", "s2/1", "s2/2"]


def test_exclude_wins_over_what_only_would_bring_along(project: Project) -> None:
    """The parent that is left out by name isn't made, and neither is anything else for the shot's sake."""
    project.write(SEQUENCE)
    result = project.run(only=("s3",), exclude=("s2",))
    assert result.exit_code == 1
    assert result.boards[0].outcomes["s3", 1].message == "parent s2/1: not selected"
    assert project.tasks() == 0


def test_only_makes_all_takes_of_what_waits_for_an_approval(project: Project) -> None:
    """A person is to choose; the shot itself waits."""
    project.write(SEQUENCE.replace("takes: 3}", "takes: 3, approval: required}"))
    assert project.run(only=("s3",)).exit_code == 8
    assert [task.prompt for task in project.simulator.state.tasks()] == ["First"] * 3
    assert project.steps(only=("s3",))["s3/1"].action is Action.WAIT
    assert project.run(only=("s3",)).exit_code == 8
    assert project.tasks() == 3


def test_what_is_brought_along_counts(tmp_path: Path) -> None:
    """A parent that fails makes the run fail."""
    with hosted(faults=FaultPlan(rules=(Rule("task-failed", subject="*.s1.*.a1"),))) as simulator:
        project = Project(tmp_path, simulator)
        project.write(SEQUENCE)
        result = project.run(only=("s2",))
        assert result.exit_code == 1
        assert result.boards[0].outcomes["s1", 1].ending is Ending.FAILED
        assert project.tasks() == 1
        assert project.run(only=("s2",)).exit_code == 0


@pytest.mark.parametrize("frame", ["first", "last", "0.1"])
def test_an_image_can_be_the_parent_of_a_video(project: Project, frame: str) -> None:
    """A still is sent as it is; frames are only taken out of videos."""
    project.write(
        f"""
        id: mixed
        shots:
          - {{id: key, model: grok-imagine, prompt: Still}}
          - {{id: clip, prompt: Move, references: [{{shot: key}}]}}
          - {{id: next, prompt: On, references: [{{shot: clip, frame: {frame}}}]}}
        """
    )
    assert project.run().exit_code == 0
    assert project.tasks() == 3


def test_a_renamed_child_keeps_the_parent_take_it_was_made_from(project: Project) -> None:
    """Made from take 2 by a pick that is gone since, then renamed: nothing is paid again."""
    board = """
        id: chain
        shots:
          - {{id: v1, prompt: First, takes: 2{pick}}}
          - {{id: {child}, prompt: Second, references: [{{shot: v1, frame: last}}]}}
    """
    project.write(board.format(child="v2", pick=", pick: 2"))
    project.run()
    project.write(board.format(child="ending", pick=""))
    assert project.steps()["ending/1"].reason == "renamed from v2"
    project.run()
    assert project.tasks() == 3


@pytest.mark.parametrize("chain", [CHAIN, STILL])
def test_a_parent_that_comes_back_with_other_bytes_makes_no_child_anew(
    project: Project, chain: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its missing file was re-encoded, say: the child stays paid for, here and in a clone of the manifest."""
    project.write(chain)
    assert project.run().exit_code == 0
    before = project.takes()
    parent = before["v1/1"]["outputs"][0]
    content = RenderCache.content

    async def encoded_anew(self: RenderCache, task: SimulatedTask, number: int) -> Content:
        found = await content(self, task, number)
        body = found.body + b"\0\0\0\x08free"
        return Content(body, found.mime_type, found.etag + "2")

    monkeypatch.setattr(RenderCache, "content", encoded_anew)
    (project.folder() / parent["path"]).unlink()
    assert project.run().exit_code == 0
    output = project.takes()["v1/1"]["outputs"][0]
    assert output["sha256"] != parent["sha256"]
    assert output["first_sha256"] == parent["sha256"]
    assert project.run().exit_code == 0
    (project.folder() / "journal.jsonl").unlink()
    assert project.run().exit_code == 0
    assert project.tasks() == 2
    assert project.takes()["v2/1"]["client_request_id"] == before["v2/1"]["client_request_id"]


def test_ids_exchanged_with_a_child_cost_nothing(project: Project) -> None:
    """What was paid under the id that a child has now serves its shot: the child turns out to have its own."""
    head = "id: chain\nshots:\n  - {id: first, prompt: A door}\n"
    child = "prompt: A garden, references: [{shot: first, frame: last}]"
    project.write(head + f"  - {{id: two, prompt: A street}}\n  - {{id: three, {child}}}\n")
    project.run()
    project.write(head + f"  - {{id: three, prompt: A street}}\n  - {{id: two, {child}}}\n")
    assert {name: step.reason for name, step in project.steps().items()} == {
        "first/1": "up to date",
        "three/1": "renamed from two",
        "two/1": "renamed from three",
    }
    assert project.run().exit_code == 0
    assert project.tasks() == 3
    project.write(head + f"  - {{id: two, prompt: A street}}\n  - {{id: old, {child}}}\n")
    assert project.run().exit_code == 0
    assert project.tasks() == 3
