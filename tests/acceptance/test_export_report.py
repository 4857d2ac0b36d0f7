"""``report`` and ``export`` as people type them."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import boards
from command_line import rivya_run
from rivya_run.cli.app import app
from rivya_run.media.facts import facts

BOARD = (
    "id: board\nshots:\n  - {id: sh010, prompt: a}\n  - {id: sh020, prompt: b}\n  - {id: sh030, prompt: c}\n"
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a storyboard of three shots that were made."""
    (tmp_path / "board.yaml").write_text(BOARD, encoding="utf-8")
    boards.small_board(tmp_path / "outputs" / "board", frames=(3, 3, 3))
    return tmp_path


def run(project: Path, *words: str) -> Result:
    """The command on the project's storyboard."""
    return CliRunner().invoke(app, [words[0], str(project / "board.yaml"), *words[1:]])


@pytest.mark.parametrize(
    ("form", "name"),
    [
        ("cut", "cut.mp4"),
        ("contact-sheet", "contact-sheet.png"),
        ("otio", "timeline.otio"),
        ("edl", "timeline.edl"),
        ("fcpxml", "timeline.fcpxml"),
        ("fcp7xml", "timeline.xml"),
    ],
)
def test_each_format_is_written_beside_the_clips(project: Path, form: str, name: str) -> None:
    """The file is in the output folder and standard output is its path, nothing else."""
    result = run(project, "export", "--format", form)
    written = project / "outputs" / "board" / name
    assert (result.exit_code, result.stdout) == (0, f"{written}\n"), result.output
    assert written.stat().st_size > 100


def test_the_cut_lasts_as_long_as_its_clips(project: Path) -> None:
    """Three clips of 0.1 s make a cut of 0.3 s, wherever it is asked for."""
    result = run(project, "export", "--output", str(project / "mine.mp4"), "--burn-in", "--slates")
    assert result.exit_code == 0, result.output
    found = facts(project / "mine.mp4")
    assert found is not None and found.duration == pytest.approx(0.3)


def test_the_report_is_one_file_with_a_player_for_each_take(project: Path) -> None:
    """The page holds three players and names no address on the network."""
    result = run(project, "report")
    assert result.exit_code == 0, result.output
    page = Path(result.stdout.strip()).read_text("utf-8")
    assert page.count("<video") == 3
    assert "http://" not in page and "https://" not in page


def test_a_page_to_be_sent_says_how_large_it_is(project: Path) -> None:
    """With --embed the page is told with its size and what is in it; standard output is its path alone."""
    result = run(project, "report", "--embed")
    assert (result.exit_code, result.stdout) == (0, f"{project / 'outputs' / 'board' / 'report.html'}\n")
    assert "\na page of " in result.stderr and "small copies of 3 of 3 files" in result.stderr


@pytest.mark.parametrize("command", ["report", "export"])
def test_what_was_never_made_says_how_to_make_it(project: Path, command: str) -> None:
    """Without a manifest both commands name the run that would make one, and exit with 1."""
    result = run(project, command, "--simulate")
    assert result.exit_code == 1
    assert "has made nothing yet" in result.stderr and "--simulate" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("command", ["report", "export", "status"])
def test_who_has_simulated_is_not_first_told_to_pay(project: Path, command: str) -> None:
    """Where only simulated results are, the option that shows them comes before the run that costs money."""
    (project / "outputs" / "board").rename(project / "outputs" / "board.simulated")
    result = run(project, command)
    assert result.exit_code == 1
    assert "hint: there are simulated results: add --simulate; or" in result.stderr
    assert run(project, command, "--simulate").exit_code == 0


@pytest.mark.parametrize("words", [("--format", "otio", "--burn-captions"), ("--format", "edl", "--burn-in")])
def test_options_without_a_place_in_a_format_are_refused(project: Path, words: tuple[str, ...]) -> None:
    """A timeline has neither labels nor letters in its pictures: that is a mistake of the command line."""
    assert run(project, "export", *words).exit_code == 2


def test_the_page_from_disk_has_what_writes_its_decisions(tmp_path: Path) -> None:
    """The command that approves a take, and for a shot that becomes several the picks of all of them."""
    board = tmp_path / "my board.yaml"
    board.write_text(
        "id: board\nshots:\n  - {id: sh010, prompt: a}\n"
        "  - {id: 'sh-${n}', matrix: {n: [a, b]}, prompt: '${n}', takes: 2, pick: {sh-a: 2}}\n",
        encoding="utf-8",
    )
    assert rivya_run("run", board, "--simulate", "--progress", "none").exit_code == 0
    page = Path(rivya_run("report", board, "--simulate").stdout.strip()).read_text("utf-8")
    assert page.count("data-together=") == 2 and """data-together='{"sh-a": 2, "sh-b": null}'""" in page
    assert 'data-command="rivya-run pick &#39;my board.yaml&#39; sh-b 2"' in page
    assert "rivya-run approve" not in page  # what is simulated can't be approved
