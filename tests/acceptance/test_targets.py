"""Where ``export --output`` and ``plan --out`` may write: never over anything but an earlier product of their own."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

import boards
from command_line import rivya_run

BOARD = (
    "id: board\nshots:\n  - {id: sh010, prompt: a, references: refs/pack.png}\n  - {id: sh020, prompt: b}\n"
)
FORMATS = ("cut", "contact-sheet", "otio", "edl", "fcpxml", "fcp7xml")

Write = Callable[[Path, Path], Result]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with two storyboards; two shots of the first were made."""
    (tmp_path / "board.yaml").write_text(BOARD, encoding="utf-8")
    (tmp_path / "other.yaml").write_text("shots: [{id: a, prompt: x}]\n", encoding="utf-8")
    (tmp_path / "refs").mkdir()
    (tmp_path / "notes.txt").write_text("words of mine", encoding="utf-8")
    boards.small_board(tmp_path / "outputs" / "board", frames=(3, 3))
    boards.still(tmp_path / "refs" / "pack.png")
    return tmp_path


def export(project: Path, to: Path, form: str = "cut") -> Result:
    """``export --output``."""
    return rivya_run("export", project / "board.yaml", "--format", form, "--output", to)


def plan(project: Path, to: Path) -> Result:
    """``plan --out``."""
    return rivya_run("plan", project / "board.yaml", "--out", to)


def contents(project: Path) -> dict[str, bytes]:
    """Every file of the project."""
    return {str(path): path.read_bytes() for path in project.rglob("*") if path.is_file()}


def first_clip(project: Path) -> Path:
    """A clip that was paid for."""
    return next((project / "outputs" / "board" / "sh010").glob("*.mp4"))


@pytest.mark.parametrize("write", [export, plan])
@pytest.mark.parametrize(
    "name",
    [
        "board.yaml",
        "other.yaml",
        "notes.txt",
        "refs/pack.png",
        "outputs/board/manifest.json",
        "outputs/board/journal.jsonl",
        "outputs/board/Journal.JSONL",
        "outputs/board/.state",
        "outputs/board/.lock",
        "outputs/board/.arriving/0123456789abcdef_1.part",
        "outputs/board/sh010/sh010_t07_3fa9c1d2.mp4",
    ],
)
def test_what_is_not_its_own_is_refused_before_anything_is_written(
    project: Path, write: Write, name: str
) -> None:
    """Storyboards, files of people and of the program, and the names of clips to come: exit 2, all as it was."""
    before = contents(project)
    result = write(project, project / name)
    assert result.exit_code == 2, result.output
    assert Path(name).name in result.stderr and "nothing was written" in result.stderr
    assert result.stdout == ""
    assert contents(project) == before


@pytest.mark.parametrize("write", [export, plan])
def test_a_clip_that_was_paid_for_is_refused_by_any_name(project: Path, write: Write) -> None:
    """By its own, through a link, as another name of the same file, as an edited copy beside it."""
    clip = first_clip(project)
    (project / "link.mp4").symlink_to(clip)
    os.link(clip, project / "twin.mp4")
    copy = clip.with_name(f"{clip.stem}.changed.mp4")
    copy.write_bytes(clip.read_bytes())
    before = contents(project)
    for target in (clip, project / "link.mp4", project / "twin.mp4", copy):
        assert write(project, target).exit_code == 2
    assert contents(project) == before


def test_a_reference_file_is_refused_although_it_is_a_picture(project: Path) -> None:
    """A contact sheet may replace an earlier one, not the picture that a shot is made from."""
    before = contents(project)
    result = export(project, project / "refs" / "pack.png", "contact-sheet")
    assert result.exit_code == 2
    assert "a reference" in result.stderr
    assert contents(project) == before


@pytest.mark.parametrize("write", [export, plan])
def test_what_is_no_file_is_refused(project: Path, write: Write) -> None:
    """A folder, a pipe (as a device would be), no name at all."""
    os.mkfifo(project / "pipe")
    for target in (project / "refs", project / "pipe"):
        assert write(project, target).exit_code == 2
    word = "--output" if write is export else "--out"
    command = "export" if write is export else "plan"
    assert rivya_run(command, project / "board.yaml", word, "").exit_code == 2


@pytest.mark.parametrize("form", FORMATS)
def test_an_earlier_export_is_replaced(project: Path, form: str) -> None:
    """The same command twice; an empty file, as mktemp makes it, is nobody's either."""
    target = project / "for the editor" / "mine"
    for _ in range(2):
        result = export(project, target, form)
        assert (result.exit_code, result.stdout) == (0, f"{target}\n"), result.output
    target.write_bytes(b"")
    assert export(project, target, form).exit_code == 0
    assert target.stat().st_size > 0


def test_a_format_does_not_replace_another_one(project: Path) -> None:
    """A cut asked for under the name of a timeline is a slip."""
    target = project / "mine.edl"
    assert export(project, target, "edl").exit_code == 0
    result = export(project, target, "cut")
    assert result.exit_code == 2
    assert "exists and is not a cut" in result.stderr


def test_an_earlier_plan_is_replaced(project: Path) -> None:
    """A saved plan may be saved again; through a link it is the file that is written."""
    target, link = project / "plan.json", project / "latest.json"
    link.symlink_to(target)
    assert plan(project, target).exit_code == 0
    before = target.read_bytes()
    (project / "board.yaml").write_text(BOARD.replace("prompt: b", "prompt: c"), encoding="utf-8")
    assert plan(project, link).exit_code == 0
    assert link.is_symlink()
    assert target.read_bytes() != before
