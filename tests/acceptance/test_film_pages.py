"""The pages about the film, run as they stand: the tutorial in one shell, and the example of docs/film.md."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import boards
import meter
from command_line import in_project
from pages import ROOT, blocks, prose
from projects import Project
from rivya_run.media.facts import facts
from simulation import hosted

TUTORIAL = ROOT / "docs" / "first-film.md"
FILM = ROOT / "docs" / "film.md"


def session() -> str:
    """The tutorial's commands as a script, in which its storyboards are saved where it says so."""
    parts = []
    for block in blocks(TUTORIAL):
        if block.info == "yaml":
            parts.append(f"cat > storyboard.yaml <<'SAVED'\n{block.text}SAVED\n")
        elif block.info == "sh session":
            parts.append(block.text)
    return "".join(parts)


@pytest.mark.timeout(300)  # fifteen commands and two films
@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_the_tutorial_makes_the_film_that_it_tells_of(tmp_path: Path) -> None:
    """All it shows is what the program says; the film has the told length and sound; no figure is another one."""
    here = tmp_path / "clone"
    here.mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RIVYA_")}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    with hosted(clip_bytes=None) as simulator:  # for the commands that are for real
        environment |= {"RIVYA_BASE_URL": simulator.base_url, "RIVYA_RUN_POLL_INTERVAL": "0.02"}
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", session()],
            cwd=here,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout
    assert "notice" not in done.stdout, done.stdout
    assert set(re.findall(r"advice: .*\[(.*)\]", done.stdout)) == {"base-price"}, done.stdout
    assert "29 credits in this run (simulated)\n" in done.stdout
    shown = [block.text for block in blocks(TUTORIAL) if block.info == "text"]
    assert [text for text in shown if text not in done.stdout] == []

    told = float(re.findall(r"cut of ([\d.]+) s", "".join(shown))[-1])
    outputs = tmp_path / "my-film" / "outputs"
    for folder in (outputs / "my-film.simulated", outputs / "my-film"):
        cut = facts(folder / "cut.mp4")
        assert cut is not None and cut.duration == pytest.approx(told, abs=1e-3)
        assert meter.loudness(meter.listened(folder / "cut.mp4")) == pytest.approx(-14, abs=0.5)
    named = set(re.findall(r"`((?:timeline|captions|credits)\.\w+)`", prose(TUTORIAL)))
    assert [name for name in named if not (outputs / "my-film.simulated" / name).exists()] == []

    spent = simulator.state.charged()
    assert f"The sum is {spent:g} credits" in prose(TUTORIAL)
    assert set(re.findall(r"\d+ credits", TUTORIAL.read_text("utf-8"))) <= set(
        re.findall(r"\d+ credits", done.stdout)
    )


def test_the_example_of_the_page_about_the_film_is_the_film_it_shows(tmp_path: Path) -> None:
    """Made, with its own music and logo, it has the length, pictures and sounds that stand there as JSON."""
    first, told = (
        next(block.text for block in blocks(FILM) if block.info == kind) for kind in ("yaml", "json")
    )
    boards.still(tmp_path / "art" / "logo.png")
    boards.sound(tmp_path / "music" / "theme.mp3", "mp3", seconds=3)
    with hosted(clip_bytes=None) as simulator:
        project = Project(tmp_path, simulator)
        project.write(first)
        assert project.run().exit_code == 0
        planned = in_project(project, "plan", "--json", project.path)
    assert json.loads(planned.stdout)["films"] == json.loads(told)["films"]
    assert planned.stderr == ""
