"""Several people, branches and one project: real git merges manifests with the driver that `init --git` sets up."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from command_line import rivya_run
from repositories import Clone, environment, repository
from rivya_run.simulator.hosting import HostedSimulator
from simulation import hosted

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")

BOARD = """\
id: film
shots:
  - {id: a, prompt: One}
  - {id: b, prompt: Two}
  - {id: c, prompt: Three}
"""
OF = {"id": "film", "sha256": "0" * 64}


@pytest.fixture(scope="module")
def simulator() -> Iterator[HostedSimulator]:
    """One for all."""
    with hosted() as found:
        yield found


@pytest.fixture
def origin(tmp_path: Path, simulator: HostedSimulator) -> Clone:
    """A project whose shot a is made and committed."""
    found = repository(tmp_path / "origin", simulator.base_url)
    found.write(BOARD)
    found.rivya("storyboard.yaml", "--only", "a")
    found.commit("a")
    return found


def bought(clone: Clone, *shots: str) -> Clone:
    """Make shots on a branch, and commit what came of it."""
    only = [word for shot in shots for word in ("--only", shot)]
    clone.rivya("storyboard.yaml", *only)
    clone.commit(f"made {', '.join(shots)}")
    return clone


def tasks(clone: Clone) -> dict[str, str]:
    """The task that stands for each shot's first take."""
    return {one["id"]: one["takes"][0]["task_id"] for one in clone.manifest()["shots"]}


def test_two_branches_that_bought_different_takes_merge_and_buy_nothing(
    origin: Clone, simulator: HostedSimulator
) -> None:
    """By a plain `git merge`: the plan creates nothing, for a fresh clone, for both people, and after they run."""
    ann, ben = origin.clone("ann"), origin.clone("ben")
    bought(ann, "b")
    bought(ben, "c")
    ann.git("pull", "-q", "--no-rebase", "--no-edit", str(ben.root), "ben")
    assert ann.git("status", "--porcelain") == ""
    ben.git("pull", "-q", "--no-rebase", "--no-edit", str(ann.root), "ann")
    made = simulator.state.charged()
    assert tasks(ann) == tasks(ben) and None not in tasks(ann).values()
    assert ann.manifest()["totals"]["spent_credits"] == 30
    fresh = ann.clone("fresh")
    for who in (ann, ben, fresh):
        assert set(who.plan().values()) <= {"reuse", "download"}
        who.rivya("storyboard.yaml")
        assert set(who.plan().values()) == {"reuse"}
        assert who.manifest()["totals"]["spent_credits"] == 30
    assert simulator.state.charged() == made


def test_two_tasks_of_one_key_are_both_kept(origin: Clone, tmp_path: Path) -> None:
    """Both people made the same shot, each from an account of their own: ours serves, theirs is in history with a file
    of its own name, and nobody makes either again; the person whose task it was goes on with ours."""
    with hosted() as other:
        ann, ben = origin.clone("ann"), origin.clone("ben", other.base_url)
        for clone in (ann, ben):
            text = clone.manifest_file().read_text().replace(origin.base_url, "https://rivya.ai")
            (clone.manifest_file()).write_text(text)
        ann.rivya("storyboard.yaml", "--only", "b", "--new-origin")
        ben.rivya("storyboard.yaml", "--only", "b", "--new-origin")
        for clone in (ann, ben):  # both are one account's by name
            text = clone.manifest_file().read_text().replace(clone.base_url, "https://rivya.ai")
            clone.manifest_file().write_text(text)
            clone.commit("b")
        mine, theirs = tasks(ann)["b"], tasks(ben)["b"]
        ann.git("pull", "-q", "--no-rebase", "--no-edit", str(ben.root), "ben")
        assert tasks(ann)["b"] == mine
        [past] = ann.manifest()["history"]
        assert past["task_id"] == theirs
        assert past["outputs"][0]["path"].endswith("_2.mp4")
        ben.git("pull", "-q", "--no-rebase", "--no-edit", str(ann.root), "ann")
        assert ben.manifest() == ann.manifest()
        assert "create" not in {**ann.plan(), **ben.plan()}["b/1"]


def test_prompts_changed_on_both_branches_cost_nothing_whoever_wins(
    origin: Clone, simulator: HostedSimulator
) -> None:
    """The storyboard has the conflict, the manifest has none: whichever line is kept, its take is there."""
    ann, ben = origin.clone("ann"), origin.clone("ben")
    for clone, prompt in ((ann, "Hers"), (ben, "His")):
        clone.write(BOARD.replace("One", prompt))
        bought(clone, "a")
    made = simulator.state.charged()
    assert "CONFLICT" in ann.git("pull", "--no-rebase", "--no-edit", str(ben.root), "ben", code=1)
    assert ann.git("status", "--porcelain").split("\n")[0] == "M  outputs/film/manifest.json"
    for prompt in ("Hers", "His", "One"):
        ann.write(BOARD.replace("One", prompt))
        assert ann.plan()["a/1"] in ("reuse", "download")
        ann.rivya("storyboard.yaml", "--only", "a")
    assert simulator.state.charged() == made
    assert ann.manifest()["totals"]["spent_credits"] == 30


def test_a_contradiction_is_a_conflict_of_valid_json(origin: Clone) -> None:
    """Git stops, says which task it is, and the file is ours with all else merged in."""
    ann, ben = origin.clone("ann"), origin.clone("ben")
    bought(ann, "b")
    ben.git("pull", "-q", str(ann.root), "ann")
    for clone, credits in ((ann, 9), (ben, 8)):
        read = clone.manifest()
        read["shots"][1]["takes"][0]["final_credits"] = credits
        read["totals"]["spent_credits"] = read["totals"]["final_credits"] = 10 + credits
        clone.manifest_file().write_text(json.dumps(read))
        clone.commit("edited by hand")
    said = ann.git("pull", "--no-rebase", "--no-edit", str(ben.root), "ben", code=1)
    assert "conflict: outputs/film/manifest.json: b/1, task" in said
    assert "ours cost 9 credits, theirs 8 credits; ours was kept" in said
    assert ann.git("diff", "--name-only", "--diff-filter=U").strip() == "outputs/film/manifest.json"
    assert ann.manifest()["shots"][1]["takes"][0]["final_credits"] == 9


def test_without_the_driver_the_conflict_can_be_undone(origin: Clone) -> None:
    """In a clone that wasn't set up git leaves marks, which every command refuses; once set up, git merges it again."""
    ann, ben = origin.clone("ann"), origin.clone("ben")
    bought(ann, "b")
    bought(ben, "c")
    ann.git("config", "--remove-section", "merge.rivya-run")
    ann.git("pull", "--no-rebase", "--no-edit", str(ben.root), "ben", code=1)
    refused = ann.rivya("plan", "storyboard.yaml", code=7)
    assert "manifest.json:" in refused.stderr and "rivya-run init --git" in refused.stderr
    ann.rivya("init", "--git")
    ann.git("checkout", "-m", "--", "outputs/film/manifest.json")
    ann.commit("merged")
    assert set(ann.plan().values()) <= {"reuse", "download"}


@pytest.mark.parametrize(
    ("which", "content", "place"),
    [
        ("theirs", '{\n "version": 1,\n<<<<<<< HEAD\n', ":3:1"),
        ("ours", '{"version": 1, "shots": [{"id": "a", "takes": [{"take": 0}]}]}', ":1:"),
        ("theirs", '{"version": 2, "shots": []}', ""),
        ("theirs", "", ""),
    ],
)
def test_what_is_no_manifest_is_told_and_ours_stays(
    tmp_path: Path, which: str, content: str, place: str
) -> None:
    """Marks of an older conflict, nonsense, a newer program's: with file, side and line, exit 1, the file untouched."""
    files = {name: tmp_path / name for name in ("base", "ours", "theirs")}
    for file in files.values():
        file.write_text('{"version": 1, "shots": []}')
    files[which].write_text(content)
    before = files["ours"].read_bytes()
    found = rivya_run("merge-manifest", *files.values(), "--path", "outputs/x/manifest.json")
    assert found.exit_code == 1
    assert f"outputs/x/manifest.json, {which}{place}" in found.stderr
    assert files["ours"].read_bytes() == before


def test_an_ancestor_that_is_none_keeps_nothing_from_being_merged(tmp_path: Path) -> None:
    """Empty where both branches added the file; with marks in it where somebody committed them: a note, and merged."""
    files = {name: tmp_path / name for name in ("base", "ours", "theirs")}
    for file in files.values():
        file.write_text(json.dumps({"version": 1, "storyboard": OF, "shots": []}))
    for content, notes in (("", 0), ("<<<<<<<", 1)):
        files["base"].write_text(content)
        found = rivya_run("merge-manifest", *files.values())
        assert found.exit_code == 0
        assert found.stderr.count("note: ") == notes


def test_a_merge_that_is_killed_leaves_ours_whole(tmp_path: Path) -> None:
    """At whatever moment: the file is the old one or the new one."""
    files = {name: tmp_path / name for name in ("base", "ours", "theirs")}
    shots = [{"id": f"s{number}", "takes": []} for number in range(3000)]
    for file, these in zip(files.values(), ([], [], shots), strict=True):
        file.write_text(json.dumps({"version": 1, "storyboard": OF, "shots": these}))
    before = files["ours"].read_bytes()
    words = ["rivya-run", "merge-manifest", *map(str, files.values())]
    driver = subprocess.Popen(words, env=environment(tmp_path / "home"), cwd=tmp_path)
    while driver.poll() is None and not list(tmp_path.glob(".ours.*.tmp")):
        os.sched_yield()
    driver.send_signal(signal.SIGKILL)
    driver.wait(timeout=30)
    after = files["ours"].read_bytes()
    assert after == before or len(json.loads(after)["shots"]) == 3000


# init --git


def test_setting_up_twice_changes_nothing(tmp_path: Path) -> None:
    """It says what it did, and then that nothing was left to do; a project's own rules stay."""
    root = tmp_path / "project"
    root.mkdir()
    clone = Clone(root)
    clone.git("init", "-q")
    clone.write("*.log", ".gitignore")
    first = clone.rivya("init", "--git").stdout
    assert "outputs/*/manifest.json merge=rivya-run" in first
    kept = {name: (root / name).read_text() for name in (".gitattributes", ".gitignore", ".git/config")}
    assert kept[".gitignore"].startswith("*.log\n")
    again = clone.rivya("init", "--git").stdout
    assert again.count("nothing to add") == 2 and again.count("as it should be") == 2
    assert {name: (root / name).read_text() for name in kept} == kept
    assert not (root / "storyboard.yaml").exists()
    clone.write("x", "outputs/film/a/a.mp4")
    clone.write("{}", "outputs/film/manifest.json")
    clone.git("add", "-A")
    assert "outputs/film/manifest.json" in clone.git("ls-files")
    assert "a.mp4" not in clone.git("ls-files")


def test_a_project_in_a_folder_of_a_repository_is_set_up_there(tmp_path: Path) -> None:
    """Beside its outputs, wherever the command is typed in it."""
    clone = repository(tmp_path / "work")
    project = clone.root / "films" / "one"
    (project / "outputs").mkdir(parents=True)
    (project / "specs").mkdir()
    clone.rivya("init", "--git", "films/one/specs")
    assert "merge=rivya-run" in (project / ".gitattributes").read_text()
    told = clone.git("check-attr", "merge", "films/one/outputs/x/manifest.json")
    assert told.strip().endswith("merge: rivya-run")


def test_where_there_is_no_repository_it_is_refused(tmp_path: Path) -> None:
    """With what to do, exit 2, and nothing written."""
    root = tmp_path / "plain"
    root.mkdir()
    said = Clone(root).rivya("init", "--git", code=2).stderr
    assert "is not in a git repository" in said and "git init" in said
    assert list(root.iterdir()) == []


def test_a_rule_that_hides_the_manifests_is_told(tmp_path: Path) -> None:
    """A folder that is ignored as a whole can't have exceptions: which line it is."""
    root = tmp_path / "project"
    root.mkdir()
    clone = Clone(root)
    clone.git("init", "-q")
    clone.write("node_modules/\noutputs/\n", ".gitignore")
    assert ".gitignore:2:outputs/" in clone.rivya("init", "--git", code=1).stderr
