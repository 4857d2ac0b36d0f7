"""The main job, end to end: a storyboard goes in, clips and a manifest come out, a second run does nothing."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from projects import Project, png
from rivya_run.engine.run import RunResult, run
from rivya_run.errors import KeyRefused
from rivya_run.project.plan import RunOptions

BOARD = """
    id: teaser
    shots:
      - {id: plain, prompt: A reveal, params: {aspect_ratio: 9:16}}
      - {id: 0010, prompt: "on", references: refs/a.png}
      - {id: twice, prompt: Two takes, references: refs/b.png, takes: 2}
      - {id: again, prompt: The same file once more, references: [{path: refs/a_copy.png}]}
      - {id: still, prompt: A still, model: grok-imagine, params: {enable_pro: true}}
      - {id: long, prompt: A long one, params: {duration: 12}}
"""


@pytest.fixture
def board(project: Project) -> Project:
    """Six shots, seven takes, three reference entries with two contents."""
    project.reference("refs/a.png", png("a"))
    project.reference("refs/a_copy.png", png("a"))
    project.reference("refs/b.png", png("b"))
    project.write(BOARD)
    return project


def test_seven_takes_become_seven_tasks_two_uploads_and_seven_files(board: Project) -> None:
    """Each take is one task, each content one upload, each file as the manifest says."""
    assert board.run().exit_code == 0
    takes = board.takes()
    outputs = [output for take in takes.values() for output in take["outputs"]]
    assert board.tasks() == 7
    assert len(board.simulator.state.files()) == 2
    assert len(outputs) == 7
    for output in outputs:
        content = (board.folder() / output["path"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == output["sha256"]
        assert len(content) == output["bytes"]


def test_the_rerun_sends_no_request_from_any_folder(
    board: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is there is reused without asking, wherever the command is started."""
    board.run()
    before = len(board.simulator.traffic.requests)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    board.root = Path(os.path.relpath(board.root))
    assert board.run().exit_code == 0
    assert len(board.simulator.traffic.requests) == before
    assert list(elsewhere.iterdir()) == []


def test_values_arrive_as_people_mean_them(board: Project) -> None:
    """Ratios, ids and words stay text, numbers are numbers, options are the option's text."""
    board.run()
    asked = {(task.client_request_id or "").split(".")[1]: task for task in board.simulator.state.tasks()}
    assert asked["plain"].params["aspect_ratio"] == "9:16"
    assert asked["0010"].prompt == "on"
    assert asked["long"].params["duration"] == 12
    assert asked["still"].params["enable_pro"] == "true"
    assert set(asked["plain"].params) == {"mode", "duration", "resolution", "aspect_ratio"}


def test_the_key_header_equals_the_trace_id_and_never_leaves_the_api(board: Project) -> None:
    """Every create carries its client request id twice; the results origin never sees the API key."""
    board.run()
    creates = [r for r in board.simulator.traffic.requests if r.method == "POST" and "generations" in r.path]
    sent = {request.headers["idempotency-key"] for request in creates}
    assert sent == {task.client_request_id for task in board.simulator.state.tasks()}
    results = board.simulator.traffic.of("results")
    assert len(results) >= 7
    assert not any("authorization" in request.headers for request in results)


def test_without_a_key_nothing_is_left_behind(board: Project) -> None:
    """A first run that can't start makes no folder."""
    with pytest.raises(KeyRefused, match="RIVYA_API_KEY"):
        run([board.path], RunOptions(), environment={}, tell=board.events.append)
    assert list((board.root / "outputs").iterdir()) == []


def test_nothing_writes_the_result_of_a_run_out(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """asyncio would, when it takes its handler of Ctrl-C away: with ten thousand takes that is most of the memory."""

    written: list[RunResult] = []

    def write_out(result: RunResult) -> str:
        written.append(result)
        return ""

    monkeypatch.setattr(RunResult, "__repr__", write_out)
    project.write("id: board\nshots: [{id: one, prompt: First}]\n")
    assert project.run().exit_code == 0
    assert not written
