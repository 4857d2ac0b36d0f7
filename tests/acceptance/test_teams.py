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

pytestmark = [
    pytest.mark.skipif(shutil.which("git") is None, reason="needs git"),
    pytest.mark.timeout(300),  # a dozen commands each, which are processes of their own
]

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
    with hosted(account_per_key=True) as found:
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


def test_two_tasks_of_one_key_are_both_kept(origin: Clone) -> None:
    """Both people made the same shot, each from an account of their own: ours serves, theirs is in history with a
    file of its own name, and nobody makes either again."""
    ann, ben = origin.clone("ann"), origin.clone("ben", "rvya_sk_of_ben")
    bought(ann, "b")
    bought(ben, "b")
    mine, theirs = tasks(ann)["b"], tasks(ben)["b"]
    ann.git("pull", "-q", "--no-rebase", "--no-edit", str(ben.root), "ben")
    assert tasks(ann)["b"] == mine
    [past] = ann.manifest()["history"]
    assert past["task_id"] == theirs
    assert past["outputs"][0]["path"].endswith("_2.mp4")
    ben.git("pull", "-q", "--no-rebase", "--no-edit", str(ann.root), "ann")
    assert ben.manifest() == ann.manifest()
    for who in (ann, ben, ann.clone("fresh")):
        assert who.plan()["b/1"] in ("reuse", "download")
        who.write(BOARD.replace("{id: b,", "{id: b, takes: 2,"))
        assert {who.plan()["b/1"], who.plan()["b/2"]} <= {"reuse", "download"}, who.rivya(
            "plan", "storyboard.yaml"
        ).stdout


def test_what_was_made_from_one_of_two_tasks_is_made_once(origin: Clone) -> None:
    """Both made the still, one of them the clip from it: the other's folder goes on with that still, also after it
    has written its manifest, so that the clip isn't paid for again."""
    board = (
        BOARD
        + "  - {id: p, model: grok-imagine, prompt: Still}\n  - {id: q, prompt: x, references: [{shot: p}]}\n"
    )
    origin.write(board)
    origin.commit("a still and a clip")
    ann, ben = origin.clone("ann"), origin.clone("ben", "rvya_sk_of_ben")
    bought(ann, "p", "q")
    bought(ben, "p")
    theirs = tasks(ann)["p"]
    ann.git("pull", "-q", "--no-rebase", "--no-edit", str(ben.root), "ben")
    ben.git("pull", "-q", "--no-rebase", "--no-edit", str(ann.root), "ann")
    assert tasks(ben)["p"] == theirs
    assert ben.plan()["q/1"] in ("reuse", "download")
    ben.rivya("storyboard.yaml", "--only", "a")
    assert tasks(ben)["p"] == theirs
    assert ben.plan()["q/1"] in ("reuse", "download")


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
    """In a clone that isn't set up git leaves marks, which commands refuse; once set up, git merges it again."""
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
    """Marks of an older conflict, nonsense, a newer program's: with file, side and line, exit 1, nothing written."""
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
    """Empty where both branches added the file; with marks where somebody committed them: a note, and merged."""
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


# diff


def news(clone: Clone, *words: str) -> dict[str, dict[str, object]]:
    """What `diff` tells of the shots of the only storyboard that changed."""
    [board] = json.loads(clone.rivya("diff", *words, "--format", "json").stdout)["storyboards"]
    return {one["shot"]: one for one in board["shots"]}


def test_a_branch_is_told_shot_by_shot(origin: Clone) -> None:
    """In words, with the takes that were made, what they cost, and what is still to be paid; as Markdown and JSON."""
    ann = origin.clone("ann")
    ann.write(
        """\
        id: film
        budget: {max_credits: 99}
        shots:
          - {id: a, prompt: One more, params: {duration: 10}}
          - {id: z, prompt: Two}
          - {id: d, prompt: Four, takes: 2, pick: 2}
        """
    )
    ann.rivya("storyboard.yaml", "--only", "d")
    ann.commit("all sorts")
    found = news(ann, "main..ann")
    assert found["a"]["change"] == "changed"
    assert found["a"]["changes"] == ["prompt changed: 'more' added", "duration 6 -> 10"]
    assert (found["a"]["spent"], found["a"]["to_spend"]) == (0, 10)
    assert (found["z"]["was"], found["z"]["change"]) == ("b", "same")
    assert (found["c"]["change"], found["d"]["change"]) == ("removed", "new")
    assert found["d"]["takes"] == [
        {"take": number, "status": "succeeded", "credits": 10} for number in (1, 2)
    ]
    assert (found["d"]["spent"], found["d"]["to_spend"]) == (20, 0)
    page = ann.rivya("diff", "main..ann").stdout
    assert page.splitlines()[0] == "### storyboard.yaml"
    assert "20 credits spent, 20 credits to make what is missing" in page
    assert "budget.max\\_credits (none) -&#62; 99" in page
    assert "| d | new | 1 done, 2 done | 20 |  |" in page
    assert "renamed from b" in page


def test_decisions_and_references_are_told(origin: Clone) -> None:
    """Picks, approvals and what a shot is made from; a child of a changed shot says why it is made anew."""
    origin.write("one", "refs/a.txt")
    for name in ("a", "b"):
        (origin.root / "refs" / f"{name}.png").write_bytes(b"\x89PNG\r\n\x1a\n" + name.encode())
    board = """\
        id: film
        shots:
          - {id: key, model: grok-imagine, prompt: PROMPT, takes: 2MORE}
          - {id: a, prompt: One, references: [{shot: key}]}
          - {id: b, prompt: Two, references: [refs/a.png]}
        """
    origin.write(board.replace("PROMPT", "Still").replace("MORE", ""))
    origin.commit("before")
    ann = origin.clone("ann")
    ann.write(
        board.replace("PROMPT", "Stills")
        .replace("MORE", ", approval: required, approved: 2@0123456789")
        .replace("refs/a.png", "refs/b.png")
    )
    found = news(ann, "main")
    assert found["key"]["changes"] == [
        "prompt changed: 'Still' -> 'Stills'",
        "approved (none) -> 2@0123456789",
        "approval false -> true",
    ]
    assert found["a"]["changes"] == ["made from key, which changed"]
    assert found["b"]["changes"] == ["reference refs/b.png added", "reference refs/a.png removed"]
    ann.write(board.replace("PROMPT", "Still").replace("MORE", ""))
    (ann.root / "refs" / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"other")
    assert news(ann, "main")["b"]["changes"] == ["reference refs/a.png has new content"]


def test_nothing_is_checked_out_or_changed(origin: Clone) -> None:
    """Neither the working tree nor what is staged, nor are temporary files left in it."""
    ann = origin.clone("ann")
    ann.write(BOARD.replace("One", "Else"))
    ann.git("add", "-A")
    ann.write(BOARD.replace("One", "Once more"))
    before = ann.git("status", "--porcelain=v2")
    for words in (("HEAD",), ("main..HEAD",), ("main...ann", "storyboard.yaml")):
        ann.rivya("diff", *words)
    assert ann.git("status", "--porcelain=v2") == before


def test_three_dots_begin_where_the_branch_left(origin: Clone) -> None:
    """What main got meanwhile is not the branch's."""
    ann = origin.clone("ann")
    ann.write(BOARD.replace("Two", "Hers"))
    ann.commit("hers")
    ann.git("checkout", "-q", "main")
    ann.write(BOARD.replace("Three", "Theirs"))
    ann.commit("theirs")
    assert set(news(ann, "main..ann")) == {"b", "c"}
    assert set(news(ann, "main...ann")) == {"b"}
    assert ann.rivya("diff", "main..main").stdout == "Nothing changed between main and main.\n"


def test_new_removed_and_broken_storyboards_are_told(origin: Clone) -> None:
    """What isn't there before is new; what has problems says which, and only those of the head are a failure."""
    ann = origin.clone("ann")
    ann.write(BOARD.replace("film", "other"), "specs/other.yaml")
    ann.write("id: film\nshots: [{id: a, promt: One}]\n")
    ann.commit("broken")
    found = json.loads(ann.rivya("diff", "main..HEAD", "--format", "json", code=3).stdout)["storyboards"]
    assert [one["change"] for one in found] == ["new", "changed"]
    assert list(found[1]["problems"]) == ["head"] and "promt" in found[1]["problems"]["head"]
    ann.write(BOARD)
    (ann.root / "specs" / "other.yaml").unlink()
    ann.commit("mended")
    page = ann.rivya("diff", "HEAD~1..HEAD").stdout
    assert "### specs/other.yaml (removed)" in page and "It has problems before" in page


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nix..HEAD"], "git knows no revision nix"),
        (["--", "-x..HEAD"], "git knows no revision -x"),
        (["HEAD", "nowhere.yaml"], "nowhere.yaml is in neither revision"),
        (["HEAD", "../else.yaml"], "is not in the repository"),
    ],
)
def test_what_can_not_be_compared_is_told(origin: Clone, words: list[str], said: str) -> None:
    """A revision that isn't there, a storyboard that isn't: plainly."""
    code = 2 if "revision " in said and "neither" not in said else 1
    assert said in origin.rivya("diff", *words, code=code).stderr


def test_outside_of_a_repository_there_is_no_difference(tmp_path: Path) -> None:
    """With what to do."""
    root = tmp_path / "plain"
    root.mkdir()
    assert "is not in a git repository" in Clone(root).rivya("diff", "HEAD", code=2).stderr
