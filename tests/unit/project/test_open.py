"""Opening a storyboard file for a command."""

from __future__ import annotations

from pathlib import Path

import pytest

import boards
from rivya_run.errors import StoryboardError, UsageError
from rivya_run.project.open import open_storyboard, storyboard_files, storyboard_id_of

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40
GOOD = "shots: [{id: a, prompt: x, references: refs/a.png}, {id: b, prompt: x, references: refs/a.png}]"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "outputs").mkdir()
    (tmp_path / "specs" / "refs").mkdir(parents=True)
    (tmp_path / "specs" / "refs" / "a.png").write_bytes(PNG)
    (tmp_path / "specs" / "board.yaml").write_text(GOOD)
    return tmp_path


def test_everything_at_once(project: Path) -> None:
    """The storyboard, its root, its tables and the facts of its files, by the path as written."""
    opened = open_storyboard(project / "specs" / "board.yaml")
    assert opened.needed().id == "board"
    assert opened.root == project
    assert list(opened.facts) == ["refs/a.png"]
    assert opened.facts["refs/a.png"].kind == "image"
    assert opened.problems == ()


def test_problems_of_files_beside_others(project: Path) -> None:
    """Files are looked at although the storyboard has other problems; all come in file order, with lines."""
    board = project / "specs" / "board.yaml"
    board.write_text(
        "shots:\n  - {id: a, prompt: x, references: none.png}\n  - {id: b, prompt: x, takes: 0}\n"
        "  - {id: c, prompt: x, references: none.png}\n"
    )
    opened = open_storyboard(board)
    assert [(problem.line, problem.code) for problem in opened.problems] == [
        (2, "missing-file"),
        (3, "range"),
        (4, "missing-file"),
    ]
    assert all(problem.source for problem in opened.problems)
    with pytest.raises(StoryboardError, match="3 errors; nothing was done") as raised:
        opened.needed()
    assert raised.value.problems == opened.problems


def test_project_tables(project: Path) -> None:
    """Tables of the project's models/ folder are in force; a wrong one is told, and stops only what uses it."""
    (project / "models").mkdir()
    (project / "models" / "broken.yaml").write_text("id: [")
    opened = open_storyboard(project / "specs" / "board.yaml")
    assert opened.storyboard is not None
    assert [Path(one.file).name for one in opened.catalog.problems] == ["broken.yaml"]


def test_no_such_file(project: Path) -> None:
    """A file that isn't there or is a folder is a mistake of the command line."""
    with pytest.raises(UsageError, match=r"did you mean 'board\.yaml'"):
        open_storyboard(project / "specs" / "bord.yaml")
    with pytest.raises(UsageError, match="is not a file"):
        open_storyboard(project / "specs")


def test_paths(project: Path) -> None:
    """Files stand for themselves, a folder for the storyboards in it, each once."""
    specs = project / "specs"
    (specs / "another.json").write_text('{"id": "another", "shots": []}')
    (specs / "settings.yaml").write_text("presets:\n  shots: 3\n")
    (specs / ".hidden.yaml").write_text("")
    assert storyboard_files([specs / "board.yaml", specs]) == [specs / "board.yaml", specs / "another.json"]
    with pytest.raises(UsageError, match="no storyboard in the folder"):
        storyboard_files([project / "outputs"])


def test_claimed_id(project: Path) -> None:
    """The id a file claims can be told although the file has problems."""
    board = project / "specs" / "board.yaml"
    assert storyboard_id_of(board) == "board"
    board.write_text("id: 0010\nshots: 5\n")
    assert storyboard_id_of(board) == "0010"
    board.write_text("[")
    assert storyboard_id_of(board) is None


FITTED = """
sound: [{id: music, file: ../music.wav}]
shots:
  - {id: a, prompt: x, params: {duration: {fit: vo}}}
  - {id: b, prompt: x, params: {duration: {fit: music}}}
  - {id: vo, file: vo.wav}
"""


def test_sounds_that_a_parameter_follows_are_measured(project: Path) -> None:
    """Wherever they lie, since they are never sent; other files of one's own aren't read at all."""
    board = project / "specs" / "board.yaml"
    board.write_text(FITTED + "  - {id: other, file: other.wav}\n")
    boards.sound(project / "specs" / "vo.wav", "pcm_s16le", 7.3)
    boards.sound(project / "specs" / "other.wav", "pcm_s16le", 1)
    boards.sound(project / "music.wav", "pcm_s16le", 0.25)
    opened = open_storyboard(board)
    assert opened.problems == ()
    assert {path: facts.seconds for path, facts in opened.facts.items()} == {
        "vo.wav": 7.3,
        "../music.wav": 0.25,
    }


def test_what_a_parameter_can_t_follow_is_a_problem_once(project: Path) -> None:
    """A file that isn't there (without the advice that the film lacks it), and one that is no sound."""
    board = project / "specs" / "board.yaml"
    board.write_text(FITTED)
    (project / "music.wav").write_bytes(PNG)
    problems = open_storyboard(board).problems
    assert [(problem.line, problem.code, problem.where) for problem in problems] == [
        (4, "missing-file", "shots[0] (a) params.duration.fit"),
        (5, "fit", "shots[1] (b) params.duration.fit"),
    ]
    assert all(problem.source for problem in problems)


def test_a_clip_is_no_sound(project: Path) -> None:
    """Whatever its name says."""
    board = project / "specs" / "board.yaml"
    board.write_text(FITTED)
    boards.clip(project / "specs" / "clip.mp4").rename(project / "specs" / "vo.wav")
    boards.sound(project / "music.wav", "pcm_s16le", 0.25)
    assert [problem.code for problem in open_storyboard(board).problems] == ["fit"]
