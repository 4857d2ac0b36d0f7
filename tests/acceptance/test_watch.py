"""``watch``: what happens on save."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from rivya_run.cli import watch
from rivya_run.cli.app import app, load
from rivya_run.project.open import made_of

BOARD = "id: board\nshots:\n  - {id: sh010, prompt: a, references: refs/a.png, params: {duration: %s}}\n"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(32)


@pytest.fixture
def board(tmp_path: Path) -> Path:
    """A storyboard with a reference and a project table's folder."""
    (tmp_path / "outputs").mkdir()
    (tmp_path / "refs").mkdir()
    (tmp_path / "refs" / "a.png").write_bytes(PNG)
    path = tmp_path / "board.yaml"
    path.write_text(BOARD % 6, encoding="utf-8")
    return path


def test_each_save_validates_and_plans_and_a_mistake_does_not_end_the_watch(
    board: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan is shown at the start and after each save; a broken storyboard shows its problems instead."""

    def saves(storyboard: Path) -> Iterator[None]:
        storyboard.write_text(BOARD % 900, encoding="utf-8")
        yield
        storyboard.write_text(BOARD % 8, encoding="utf-8")
        yield

    monkeypatch.setattr(watch, "saves", saves)
    result = CliRunner().invoke(app, ["watch", str(board)])
    assert result.exit_code == 0, result.output
    assert result.output.count(" saved") == 2
    assert result.output.count("[range]") == 1
    assert result.stdout.count("sh010") >= 2
    assert not (board.parent / "outputs" / "board").exists()


def test_the_storyboard_and_what_it_is_made_of_are_watched(board: Path) -> None:
    """Reference files are watched with the storyboard; a storyboard that can't be read is watched alone."""
    root = board.parent
    assert set(made_of(board)) == {board, root / "refs" / "a.png"}
    board.write_text("include: [cast.yaml, none.yaml]\n" + BOARD % 6, encoding="utf-8")
    (root / "cast.yaml").write_text("cast: {a: {text: A, references: refs/b.png}}\n", encoding="utf-8")
    included = {root / "cast.yaml", root / "none.yaml"}
    assert set(made_of(board)) == {board, root / "refs" / "a.png", *included}
    board.write_bytes(b"\xff\xfe\x00")
    assert set(made_of(board)) == {board}


def test_with_simulate_the_animatic_and_the_report_are_renewed(
    board: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A save with --simulate runs against the stand-in and writes the report, and touches nothing that costs."""
    steps: list[tuple[str, ...]] = []

    def step(*words: str) -> int:
        steps.append(words)
        return 0

    monkeypatch.setattr(watch, "_step", step)
    assert watch.render(board, True, None)
    assert [step[0] for step in steps] == ["validate", "plan", "run", "report"]
    assert all("--simulate" in step for step in steps[1:])
    steps.clear()
    assert watch.render(board, False, None)
    assert [step[0] for step in steps] == ["validate", "plan"]


def test_a_storyboard_that_is_not_there_is_a_usage_error_and_not_waited_for(board: Path) -> None:
    """Exit 2 with the name that was meant, instead of a watch that never shows anything."""
    other = CliRunner().invoke(app, ["watch", str(board.with_name("nothere.yaml"))])
    assert "did you mean" not in other.output, "an ending in common is no likeness"
    result = CliRunner().invoke(app, ["watch", str(board.with_name("bord.yaml"))])
    assert result.exit_code == 2
    assert "there is no storyboard" in result.stderr
    assert "did you mean 'board.yaml'" in result.stderr


def test_an_interrupt_of_a_simulated_run_ends_the_watch(board: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One Ctrl-C is enough, whatever the watch does at the moment: it doesn't wait for the next save."""

    def interrupted(*args: object, **given: object) -> int:
        return 130

    monkeypatch.setattr(load("run"), "main", interrupted)
    monkeypatch.setattr(watch, "saves", lambda storyboard: pytest.fail("it waits for a save"))
    assert CliRunner().invoke(app, ["watch", str(board), "--simulate"]).exit_code == 130
