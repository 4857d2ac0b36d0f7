"""Where things are."""

from __future__ import annotations

from pathlib import Path

import pytest

from rivya_run.project.places import output_folder, outputs_folder, relative_to_root


@pytest.mark.parametrize(
    ("outputs", "simulate", "expected"),
    [
        (None, False, "project/outputs/board"),
        (None, True, "project/outputs/board.simulated"),
        (Path("elsewhere"), False, "elsewhere/board"),
        (Path("elsewhere"), True, "elsewhere/board.simulated"),
    ],
)
def test_results_live_under_the_storyboards_id(outputs: Path | None, simulate: bool, expected: str) -> None:
    """In the project's outputs, or where ``--outputs`` says; simulated ones apart."""
    assert output_folder(Path("project"), outputs, "board", simulate=simulate) == Path(expected)


def test_one_folder_holds_all_of_them() -> None:
    """``outputs`` of the project root unless told."""
    assert outputs_folder(Path("project"), None) == Path("project/outputs")


def test_storyboards_are_recorded_from_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same from wherever the command is started, with forward slashes."""
    (tmp_path / "specs").mkdir()
    monkeypatch.chdir(tmp_path / "specs")
    for path, root in [(Path("x.yaml"), Path("..")), (tmp_path / "specs/x.yaml", tmp_path)]:
        assert relative_to_root(path, root) == "specs/x.yaml"


def test_a_storyboard_outside_is_recorded_whole(tmp_path: Path) -> None:
    """Where there is no way down from the root."""
    path = tmp_path / "other/x.yaml"
    assert relative_to_root(path, tmp_path / "root") == path.resolve().as_posix()
