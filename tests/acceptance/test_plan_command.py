"""`rivya-run plan`: what a run would do, without network and without writing."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from command_line import in_project, rivya_run
from projects import Project, png

BOARD = """
    id: board
    shots:
      - {id: a, scene: intro, prompt: x}
      - {id: b, prompt: y, takes: 2}
      - {id: still, prompt: z, model: grok-imagine}
"""


@pytest.fixture
def board(project: Project) -> Project:
    """Three shots, four takes, two models."""
    project.write(BOARD)
    return project


def plan(board: Project, *words: str | Path) -> Any:
    """The JSON of `plan` with these words."""
    return json.loads(rivya_run("plan", board.path, "--json", *words).stdout)


def test_a_new_board_is_planned_without_a_request_or_a_file(board: Project) -> None:
    """Four creates, 34 credits, exit 10 with --detailed-exitcode, and not a trace left."""
    before = sorted(board.root.rglob("*"))
    result = in_project(board, "plan", board.path, "--json", "--detailed-exitcode", RIVYA_API_KEY="")
    document = json.loads(result.stdout)
    assert result.exit_code == 10
    assert [step["action"] for step in document["steps"]] == ["create"] * 4
    assert document["totals"]["credits"] == {"now": 34, "spent": 0, "worst": 102}
    assert sorted(board.root.rglob("*")) == before
    assert board.simulator.traffic.requests == []


def test_after_a_run_there_is_nothing_to_do(board: Project) -> None:
    """All reuse, exit 0, what was spent as the API answered."""
    in_project(board, board.path)
    result = rivya_run("plan", board.path, "--json", "--detailed-exitcode")
    document = json.loads(result.stdout)
    assert result.exit_code == 0
    assert {step["action"] for step in document["steps"]} == {"reuse"}
    assert document["totals"]["credits"] == {"now": 0, "spent": 34, "worst": 0}
    assert "0 now" in rivya_run("plan", board.path).stdout


def test_what_the_api_took_before_is_observed(board: Project) -> None:
    """A changed prompt costs what the same model and params cost."""
    in_project(board, board.path)
    board.write(BOARD.replace("prompt: x", "prompt: other"))
    step = plan(board)["steps"][0]
    assert (step["action"], step["credits"], step["credits_basis"]) == ("create", 10, "observed")
    assert step["reason"] == "prompt changed: 'x' -> 'other'"


def test_a_selection_leaves_the_others_alone(board: Project) -> None:
    """Patterns, tags and scenes; one that matches nothing is a usage error with a suggestion."""
    actions = {f"{s['shot']}/{s['take']}": s["action"] for s in plan(board, "--only", "scene:intro")["steps"]}
    assert actions == {"a/1": "create", "b/1": "skip", "b/2": "skip", "still/1": "skip"}
    wrong = rivya_run("plan", board.path, "--only", "stil")
    assert wrong.exit_code == 2
    assert "did you mean 'still'" in wrong.stderr


def test_several_storyboards_are_a_list(board: Project) -> None:
    """And tables one below the other."""
    other = board.root / "other.yaml"
    other.write_text("shots:\n  - {id: a, prompt: x}\n")
    documents = plan(board, other)
    assert [document["storyboard"] for document in documents] == ["board", "other"]
    text = rivya_run("plan", board.path, other).stdout
    assert "board: create 4" in text
    assert "other: create 1" in text


def test_away_from_a_terminal_a_table_is_never_cut(board: Project) -> None:
    """One line a take, however long its reason."""
    in_project(board, board.path)
    long = "a prompt that is so long " * 20
    board.write(BOARD.replace("prompt: x", f"prompt: {long}"))
    lines = rivya_run("plan", board.path, "--only", "a*").stdout.splitlines()
    assert lines[0].split() == ["take", "scene", "action", "credits", "basis", "reason"]
    assert sum(line.startswith("a/1 ") for line in lines) == 1


def test_problems_of_the_storyboard_are_exit_3(project: Project) -> None:
    """As for run."""
    project.write("shots:\n  - {id: a}\n")
    result = rivya_run("plan", project.path)
    assert result.exit_code == 3
    assert result.stdout == ""


def test_expand_prints_a_storyboard_that_means_the_same(board: Project, tmp_path: Path) -> None:
    """After all layers; its plan is the same plan."""
    text = rivya_run("plan", board.path, "--expand").stdout
    before = plan(board)
    board.path.write_text(text, encoding="utf-8")
    assert plan(board) == before


def test_a_plan_and_another_view_of_it_can_not_go_together(board: Project) -> None:
    """--expand, --since, --from-timeline and --out each print or save something else."""
    result = rivya_run("plan", board.path, "--expand", "--since", "HEAD")
    assert result.exit_code == 2
    assert "--expand and --since can't be used together" in result.stderr


def git(folder: Path, *words: str) -> None:
    """git in a folder, as nobody in particular."""
    who = ("-c", "user.name=n", "-c", "user.email=n@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


def test_since_shows_what_changed_in_takes_and_credits(board: Project) -> None:
    """Changed, renamed, new and removed since a revision; file contents as they were then."""
    board.reference("refs/a.png", png("a"))
    board.write("id: board\nshots:\n  - {id: a, prompt: x, references: refs/a.png}\n  - {id: b, prompt: y}\n")
    git(board.root, "init", "-q")
    git(board.root, "add", ".")
    git(board.root, "commit", "-qm", "first")
    board.reference("refs/a.png", png("b"))
    board.write("id: board\nshots:\n  - {id: a, prompt: x, references: refs/a.png}\n  - {id: c, prompt: y}\n")
    document = plan(board, "--since", "HEAD")
    assert [(one["kind"], one["shot"], one["was"]) for one in document["changes"]] == [
        ("changed", "a", None),
        ("renamed", "c", "b/1"),
    ]
    text = rivya_run("plan", board.path, "--since", "HEAD").stdout
    assert "board: 1 changed, 1 renamed since HEAD; 10 credits to make it" in text
    unknown = rivya_run("plan", board.path, "--since", "nix")
    assert unknown.exit_code == 2
    assert "git knows no revision nix" in unknown.stderr


def test_since_without_git_is_a_message(board: Project) -> None:
    """A folder that is no repository."""
    result = rivya_run("plan", board.path, "--since", "HEAD", GIT_CEILING_DIRECTORIES=str(board.root.parent))
    assert result.exit_code == 2
    assert "git knows no revision HEAD" in result.stderr


def test_a_timeline_shows_which_takes_an_editor_used(board: Project, tmp_path: Path) -> None:
    """Seconds used of each take, and how many shots are in it."""
    in_project(board, board.path)
    timeline = tmp_path / "edit.otio"
    exported = rivya_run("export", board.path, "--format", "otio")
    assert exported.exit_code == 0, exported.stderr
    [made] = board.folder().glob("*.otio")
    made.rename(timeline)
    document = plan(board, "--from-timeline", timeline)
    used = {f"{one['shot']}/{one['take']}": one["used_seconds"] > 0 for one in document["takes"]}
    assert used["a/1"]
    assert used["b/1"]
    assert not used["b/2"]
    assert "shots are in the timeline" in rivya_run("plan", board.path, "--from-timeline", timeline).stdout
    broken = rivya_run("plan", board.path, "--from-timeline", board.path)
    assert broken.exit_code == 2


def test_a_moved_storyboard_is_said_and_goes_on(board: Project) -> None:
    """The folder was made from another path, which is gone."""
    in_project(board, board.path)
    moved = board.root / "specs" / "moved.yaml"
    moved.parent.mkdir()
    board.path.rename(moved)
    result = rivya_run("plan", moved)
    assert result.exit_code == 0
    assert "the storyboard was moved: storyboard.yaml -> specs/moved.yaml" in result.stderr


LARGER = """
    id: board
    shots:
      - {id: a, prompt: x, params: {resolution: 720p}}
      - {id: b, prompt: y, params: {resolution: 720p, duration: 10}, takes: 2}
      - {id: c, prompt: z}
"""


def test_a_base_price_is_only_the_least_where_more_is_asked_for(board: Project) -> None:
    """Advice names the params, once for all shots; rows and totals say `at least`, JSON has the params."""
    board.write(LARGER)
    result = rivya_run("plan", board.path)
    assert (
        "credits: at least 40 now, 0 spent so far, at least 120 now at worst, with retries" in result.stdout
    )
    rows = {line.split()[0]: line for line in result.stdout.splitlines() if "/" in line.split()[0]}
    assert ["at least, base" in rows[name] for name in ("a/1", "b/1", "b/2", "c/1")] == [True] * 3 + [False]
    advice, also = result.stderr.splitlines()
    assert (
        "(a) params: " in advice and "resolution may cost more" in advice and advice.endswith("[base-price]")
    )
    assert also == "    also: b"
    document = plan(board)
    assert [step.get("dearer") for step in document["steps"]] == [
        ["resolution"],
        *([["duration", "resolution"]] * 2),
        None,
    ]
    assert document["totals"]["credits"] == {"now": 40, "spent": 0, "worst": 120, "at_least": True}


def test_a_base_price_is_no_fault_of_the_storyboard(board: Project) -> None:
    """--strict lets it pass, `quiet` silences it, and a simulation costs nothing anyway."""
    board.write(LARGER)
    assert "[base-price]" in rivya_run("plan", board.path, "--strict").stderr
    assert rivya_run("validate", board.path, "--strict").stderr == ""
    assert "base-price" not in rivya_run("plan", board.path, "--simulate").stderr
    board.write(LARGER + "    quiet: [base-price]\n")
    quiet = rivya_run("plan", board.path)
    assert "advice" not in quiet.stderr
    assert "at least 40 now" in quiet.stdout


def test_the_first_price_ends_the_doubt(board: Project) -> None:
    """What the API took for the same model and params is what it takes."""
    board.write(LARGER)
    started = in_project(board, board.path)
    assert "board: 4 takes: 4 to create; at least 40 credits" in started.stderr
    board.write(LARGER.replace("prompt: x", "prompt: another"))
    result = rivya_run("plan", board.path)
    assert "at least" not in result.stdout
    assert "base-price" not in result.stderr
