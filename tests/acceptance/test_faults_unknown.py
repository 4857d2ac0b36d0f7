"""Creates whose outcome nobody knows: sent again while the key is known, then a person decides."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from command_line import in_project
from fault_cases import all_whole, board, ended, misbehaving, statuses
from projects import Project
from rivya_run.engine.adopt import adopt
from rivya_run.project.plan import RunOptions
from rivya_run.simulator.faults import FaultPlan, Rule
from simulation import KEY, hosted

LOST_FOR_GOOD = Rule("create-lost", "*.s01.*.a1")

pytestmark = pytest.mark.usefixtures("hasty")


def test_replies_that_are_lost_for_good_leave_the_take_sent(tmp_path: Path) -> None:
    """Exit code 1, the journalled body and key are sent again by the next run, one task is charged."""
    with misbehaving(tmp_path, LOST_FOR_GOOD) as project:
        project.write(board(2))
        for _ in range(2):
            assert project.run(timeout=0.5).exit_code == 1
            assert statuses(project) == ["sent", "succeeded"]
        [key] = [key for key in project.simulator.state.bodies_by_key() if ".s01." in key]
        assert len(project.simulator.state.bodies_by_key()[key]) == 1
        assert project.tasks() == 2


def test_after_the_window_it_is_unknown_and_never_sent_again(tmp_path: Path) -> None:
    """Exit code 6 in every run, its key in the manifest, no further create."""
    with misbehaving(tmp_path, LOST_FOR_GOOD) as project:
        project.write(board(2))
        project.run(timeout=0.4)
        creates = project.simulator.traffic.counts["create"]
        for _ in range(2):
            assert project.run(idempotency_window=0.1).exit_code == 6
        assert statuses(project) == ["unknown", "succeeded"]
        assert project.takes()["s01/1"]["client_request_id"].startswith("board.s01.t1.")
        assert project.manifest()["totals"]["unknown"] == 1
        assert project.simulator.traffic.counts["create"] == creates
        assert project.steps()["s01/1"].action.value == "decide"
        shown = in_project(project, project.path, RIVYA_RUN_IDEMPOTENCY_WINDOW="0.1")
        assert shown.exit_code == 6
        assert project.takes()["s01/1"]["client_request_id"] in shown.stderr
        assert "adopt" in shown.stderr and "--resend-unknown" in shown.stderr


def test_adopting_the_task_brings_the_clip_in_without_paying(tmp_path: Path) -> None:
    """A person found the task in Rivya's own pages."""
    with misbehaving(tmp_path, LOST_FOR_GOOD) as project:
        project.write(board(2))
        project.run(timeout=0.4)
        project.run(idempotency_window=0.1)
        [task] = [task for task in project.simulator.state.tasks() if ".s01." in (task.key or "")]
        environment = {"RIVYA_API_KEY": KEY, "RIVYA_BASE_URL": project.simulator.base_url}
        adopt(project.path, "s01", 1, task.id, RunOptions(), environment=environment)
        assert project.run().exit_code == 0
        all_whole(project)
        assert project.tasks() == 2
        assert project.manifest()["totals"]["spent_credits"] == 20


def test_an_unknown_create_of_a_deleted_shot_is_shown_and_can_be_adopted(tmp_path: Path) -> None:
    """No shot waits for it, so the exit code is 0; but its clip may be paid for, and adopt brings it in."""
    with misbehaving(tmp_path, LOST_FOR_GOOD) as project:
        project.write(board(2))
        project.run(timeout=0.4)
        project.write(board(2).replace("id: s01, prompt: Shot 1", "id: new, prompt: Another"))
        project.run(idempotency_window=0.1)
        [task] = [task for task in project.simulator.state.tasks() if ".s01." in (task.key or "")]
        for command in ("run", "run", "status"):
            shown = in_project(project, command, project.path)
            assert shown.exit_code == 0, shown.output
            assert f"key {task.key}" in shown.output
            assert "adopt" in shown.output and "s01 TASK_ID" in shown.output
        tasks = project.tasks()
        assert in_project(project, "adopt", project.path, "s01", task.id).exit_code == 0
        [entry] = [entry for entry in project.manifest()["history"] if entry["shot"] == "s01"]
        assert (entry["status"], entry["task_id"]) == ("succeeded", task.id)
        assert (project.folder() / entry["outputs"][0]["path"]).is_file()
        shown = in_project(project, "status", project.path)
        assert "TASK_ID" not in shown.output
        assert project.tasks() == tasks


def test_of_two_unknown_creates_of_one_take_the_key_says_which(tmp_path: Path) -> None:
    """The prompt was changed while nobody knew; the old task is never taken for what the new prompt asked for."""
    with misbehaving(tmp_path, Rule("create-lost", "*.s01.*.a1")) as project:
        project.write(board(2))
        project.run(timeout=0.4)
        project.run(idempotency_window=0.1)
        project.write(board(2).replace("Shot 1", "Another"))
        project.run(timeout=0.4)
        project.run(idempotency_window=0.1)
        old, new = [task for task in project.simulator.state.tasks() if ".s01." in (task.key or "")]
        shown = in_project(project, "status", project.path).output
        assert f"TASK_ID --take 1 --key {old.key}" in shown
        assert in_project(project, "adopt", project.path, "s01", old.id, "--key", "other").exit_code == 2
        adopted = in_project(project, "adopt", project.path, "s01", old.id, "--key", str(old.key))
        assert adopted.exit_code == 0, adopted.output
        assert (project.takes()["s01/1"]["status"], project.takes()["s01/1"]["task_id"]) == ("unknown", None)
        assert in_project(project, "adopt", project.path, "s01", new.id).exit_code == 0
        assert project.takes()["s01/1"]["task_id"] == new.id
        [entry] = [entry for entry in project.manifest()["history"] if entry["shot"] == "s01"]
        assert (entry["task_id"], entry["status"]) == (old.id, "succeeded")


def test_resend_unknown_pays_once_more_and_says_so(tmp_path: Path) -> None:
    """The next attempt is made; both creates are in the manifest."""
    with misbehaving(tmp_path, LOST_FOR_GOOD) as project:
        project.write(board(2))
        project.run(timeout=0.4)
        project.run(idempotency_window=0.1)
        assert project.run(resend_unknown=True).exit_code == 0
        assert project.tasks() == 3
        all_whole(project)
        take = project.takes()["s01/1"]
        assert take["attempt"] == 2
        assert [one["status"] for one in take["attempts"]] == ["unknown"]
        assert project.run(resend_unknown=True).exit_code == 0
        assert project.tasks() == 3


def test_a_lost_reply_then_a_renamed_shot_is_one_task(tmp_path: Path) -> None:
    """The open create follows the content, not the name."""
    with misbehaving(tmp_path, Rule("create-lost", "*.s01.*", turns=tuple(range(1, 100)))) as project:
        project.write(board(1))
        assert project.run(timeout=0.3).exit_code == 1
    with hosted(seed=0) as again:
        _copy_books(project, again.state)
        project.simulator = again
        project.write(board(1).replace("s01", "opening"))
        assert project.run(new_origin=True).exit_code == 0
        assert statuses(project) == ["succeeded"]
        assert len(again.state.tasks()) == 1
        [output] = project.takes()["opening/1"]["outputs"]
        assert output["path"].startswith("opening/opening_t01_")


def _copy_books(project: Project, state: object) -> None:
    """Let a new simulator know the tasks of an old one, as if the server had only changed its ways."""
    old = project.simulator.state
    for name in ("_tasks", "_by_key", "_ends", "_in_flight", "_creates", "_bodies", "_balance"):
        setattr(state, name, getattr(old, name))


def test_a_conflict_on_a_key_that_was_never_sent_says_made_elsewhere(tmp_path: Path) -> None:
    """Somebody used the key with another body: unknown, in words that say so, nothing is created."""
    with misbehaving(tmp_path, Rule("create-conflict", "*.s01.*")) as project:
        project.write(board(2))
        assert project.run().exit_code == 6
        assert statuses(project) == ["unknown", "succeeded"]
        assert "made elsewhere" in project.takes()["s01/1"]["error"]["message"]


def test_a_conflict_on_a_create_of_ours_is_waited_on(tmp_path: Path) -> None:
    """The first sending may still be running."""
    rules = (Rule("create-lost", turns=(1,)), Rule("create-conflict", turns=(2, 3)))
    with misbehaving(tmp_path, *rules) as project:
        project.write(board(3))
        assert project.run().exit_code == 0
        assert project.tasks() == 3


def test_a_prompt_edited_while_its_task_runs(tmp_path: Path) -> None:
    """The old clip arrives in history, the new one is made, both are paid for once."""
    with hosted(speed=1.0, queue_seconds=(0.1, 0.1), run_seconds=(1.2, 1.2)) as simulator:
        project = Project(tmp_path, simulator)
        project.write(board(1))
        assert project.run(timeout=0.5).exit_code == 1
        project.write(board(1).replace("Shot 1", "Shot 1 in red"))
        assert project.run().exit_code == 0
        assert project.tasks() == 2
        [old] = project.manifest()["history"]
        assert old["status"] == "succeeded"
        assert (project.folder() / old["outputs"][0]["path"]).is_file()
        assert project.manifest()["totals"]["spent_credits"] == 20


def test_a_second_clone_with_only_the_manifest_pays_nothing(tmp_path: Path) -> None:
    """What a colleague made is fetched, not made; a take of theirs that still runs is finished."""
    with hosted(faults=FaultPlan(rules=(Rule("create-lost", "*.s03.*", turns=(1,)),))) as simulator:
        mine = Project(tmp_path / "mine", simulator)
        theirs = Project(tmp_path / "theirs", simulator)
        for project in (mine, theirs):
            project.write(board(3))
        assert mine.run().exit_code == 0
        folder = theirs.root / "outputs/board"
        folder.mkdir()
        (folder / "manifest.json").write_bytes((mine.folder() / "manifest.json").read_bytes())
        creates = simulator.traffic.counts["create"]
        assert theirs.run().exit_code == 0
        all_whole(theirs)
        assert simulator.traffic.counts["create"] == creates
        assert simulator.state.charged() == 30
        same = json.loads((theirs.folder() / "manifest.json").read_bytes())["totals"]
        assert same == mine.manifest()["totals"]


def test_a_task_that_is_gone_is_kept_asked_for_and_never_made_again(tmp_path: Path) -> None:
    """not_found for a task that was created: unknown with its id, found again when the API finds it again."""
    with hosted(speed=1.0, queue_seconds=(0.1, 0.1), run_seconds=(0.9, 0.9)) as simulator:
        project = Project(tmp_path, simulator)
        project.write(board(2))
        project.run(only=("s02",))
        assert project.run(timeout=0.4).exit_code == 1
        [task] = [task for task in simulator.state.tasks() if ".s01." in (task.key or "")]
        simulator.state.forget_task(task.id)
        for _ in range(2):
            assert project.run().exit_code == 6
            assert project.takes()["s01/1"]["task_id"] == task.id
        simulator.state._hidden.clear()
        assert project.run().exit_code == 0
        assert project.tasks() == 2


def test_when_no_task_is_found_the_key_is_doubted(tmp_path: Path) -> None:
    """Every task asked for is not_found: another account's key, exit code 4, nothing is marked or made."""
    with hosted(
        account_per_key=True, speed=1.0, queue_seconds=(0.5, 0.5), run_seconds=(1.0, 1.0)
    ) as simulator:
        project = Project(tmp_path, simulator)
        project.write(board(3))
        assert project.run(timeout=0.7).exit_code == 1
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("projects.KEY", "rvya_sk_somebody_else")
            code, words = ended(project)
        assert code == 4
        assert "another account" in words
        assert statuses(project) == ["pending"] * 3
        assert project.run().exit_code == 0
        assert project.tasks() == 3
