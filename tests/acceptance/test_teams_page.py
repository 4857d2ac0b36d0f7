"""The page about teams, run as it stands: two people, a server, a merge, a pull request, and CI."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from pages import ROOT, blocks
from repositories import environment
from simulation import hosted

PAGE = ROOT / "docs" / "teams.md"


def session() -> str:
    """The page's commands as a script, in which its storyboard is saved where it says so."""
    parts = []
    for block in blocks(PAGE):
        if block.info == "yaml":
            parts.append(f"cat > storyboard.yaml <<'SAVED'\n{block.text}SAVED\n")
        elif block.info == "sh session":
            parts.append(block.text)
    return "".join(parts)


@pytest.mark.timeout(300)  # forty commands
@pytest.mark.skipif(shutil.which("git") is None or shutil.which("bash") is None, reason="needs git and bash")
def test_the_page_about_teams_is_what_happens(tmp_path: Path) -> None:
    """All it shows is what is said; both takes are paid once, by whoever made them; CI needs no key."""
    here = tmp_path / "here"
    here.mkdir()
    with hosted() as simulator:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", session()],
            cwd=here,
            env=environment(tmp_path / "home", simulator.base_url),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        charged = simulator.state.charged()
    assert done.returncode == 0, done.stdout
    shown = [block.text for block in blocks(PAGE) if block.info == "text"]
    assert [text for text in shown if text not in done.stdout] == [], done.stdout
    assert charged == 20
    manifests = [
        json.loads((here / who / "outputs/my-film/manifest.json").read_bytes()) for who in ("ann", "ben")
    ]
    assert [one["totals"]["succeeded"] for one in manifests] == [2, 2]
    for who in ("ann", "ben"):
        assert len(list((here / who / "outputs" / "my-film").rglob("*.mp4"))) == 2
    comment = (here / "ci" / "comment.md").read_text(encoding="utf-8")
    assert re.search(r"\| wake \| approved \(none\) -&#62; 1&#64;[0-9a-f]{8,} \|", comment), comment
    assert "one slow drop" in comment


def test_the_workflow_is_yaml_and_calls_the_script() -> None:
    """The example of a workflow can be read, and its script is the one that the page writes."""
    [workflow] = [yaml.safe_load(block.text) for block in blocks(PAGE) if block.info == "yml"]
    steps = workflow["jobs"]["storyboards"]["steps"]
    assert any("sh ci/storyboards" in step.get("run", "") for step in steps)
    assert "cat > ci/storyboards" in session()
