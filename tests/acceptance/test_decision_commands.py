"""`pick`, `approve` and `unapprove`: a decision becomes a line of the storyboard, and nothing else changes."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from click.testing import Result

from command_line import in_project
from pages import ROOT, blocks
from projects import Project
from rivya_run.planning.plan import Action
from rivya_run.progress import Event
from rivya_run.project import decisions
from rivya_run.project.decisions import pick
from rivya_run.project.lock import locked

BOARD = """\
id: board
# The first film.\r
shots:
  - id: key  # the hero
    prompt: A red kettle
    takes: 2   # two, to choose from\r
    model: grok-imagine

  - id: s1
    prompt: |
      It boils.

    references: [{shot: key}]"""
MATRIX = """\
id: board
shots:
  - id: hero-${colour}
    matrix: {colour: [black, ivory]}
    prompt: A ${colour} kettle
    takes: 3
    pick: 1
"""


@pytest.fixture
def board(project: Project) -> Project:
    """A still with two takes and a clip made from it, paid for; the lines end in two ways."""
    project.path.write_bytes(BOARD.encode())
    assert project.run().exit_code == 0
    return project


def decided(project: Project, *words: str) -> Result:
    """A command that writes, on the project's storyboard."""
    command, *rest = words
    return in_project(project, command, project.path, *rest)


def refused(project: Project, *words: str, code: int = 1) -> str:
    """What such a command says that leaves the file as it is."""
    before = project.path.read_bytes(), project.path.stat().st_mtime_ns
    result = decided(project, *words)
    assert result.exit_code == code, result.output
    assert (project.path.read_bytes(), project.path.stat().st_mtime_ns) == before
    assert not result.stdout
    return result.stderr


def digits(project: Project, label: str) -> str:
    """The first eight digits of a take's file."""
    return str(project.takes()[label]["outputs"][0]["sha256"])[:8]


def text(project: Project) -> str:
    return project.path.read_bytes().decode()


def test_approving_changes_one_line_while_a_run_holds_the_folder(board: Project) -> None:
    """In a file with comments and two kinds of line ends; taking it back leaves the file as it was."""
    with locked(board.folder(), "run"):
        result = decided(board, "approve", "key", "2")
        assert result.exit_code == 0, result.stderr
        line = f"    approved: 2@{digits(board, 'key/2')}\r\n"
        assert text(board) == BOARD.replace("    model", f"{line}    model")
        assert result.stdout == f"{board.path}:7: key: approved: 2@{digits(board, 'key/2')}\n"
        assert decided(board, "unapprove", "key").exit_code == 0
    assert text(board) == BOARD


class Onlooker(list[Event]):
    """Hears what a run does; as soon as a take is there, its approval is written."""

    def __init__(self, project: Project) -> None:
        super().__init__()
        self.project = project

    def append(self, event: Event) -> None:
        super().append(event)
        if (event.shot, event.take, event.status) == ("key", 2, "succeeded"):
            result = decided(self.project, "approve", "key", "2")
            assert result.exit_code == 0, result.stderr


def test_a_take_is_approved_while_the_run_goes_on(project: Project) -> None:
    """The run keeps what it planned; what it made is there for the next one."""
    project.path.write_bytes(BOARD.encode())
    project.events = Onlooker(project)
    assert project.run().exit_code == 0
    assert f"    approved: 2@{digits(project, 'key/2')}\r\n" in text(project)
    assert project.tasks() == 3


def test_what_is_chosen_now_is_approved_without_a_number(board: Project) -> None:
    """The lowest take that succeeded, else the pick."""
    assert decided(board, "approve", "key").exit_code == 0
    assert f"approved: 1@{digits(board, 'key/1')}\r\n" in text(board)
    assert decided(board, "unapprove", "key").exit_code == 0
    assert decided(board, "pick", "key", "2").exit_code == 0
    assert decided(board, "approve", "key").exit_code == 0
    assert "    takes: 2   # two, to choose from\r\n    pick: 2\r\n    approved: 2@" in text(board)


def test_what_was_made_before_an_edit_can_be_kept(board: Project) -> None:
    """Without a number it is what stands for the shot in the film; digits find any take that is on record."""
    before = digits(board, "key/1"), digits(board, "key/2")
    board.path.write_bytes(board.path.read_bytes().replace(b"red", b"blue"))
    edited = text(board)
    assert decided(board, "approve", "key").exit_code == 0
    assert f"approved: 1@{before[0]}" in text(board)
    assert decided(board, "approve", "key", before[1].upper()).exit_code == 0
    assert f"approved: 2@{before[1]}" in text(board)
    assert decided(board, "approve", "s1", f"2@{before[1]}").exit_code == 0
    assert text(board).count(before[1]) == 2
    assert decided(board, "approve", "s1", before[0]).exit_code == 0
    assert f"approved: 2@{before[0]}" in text(board)  # it has a take 1 of its own
    for shot in ("s1", "key"):
        assert decided(board, "unapprove", shot).exit_code == 0
    assert text(board) == edited


def test_a_take_that_is_not_stored_cannot_be_approved(project: Project) -> None:
    """Neither by number, nor by digits of something that nobody here knows, nor because it is the only one."""
    project.path.write_bytes(BOARD.encode())
    assert "no take of key is finished yet" in refused(project, "approve", "key")
    assert "key/2 can't be used: it is not made yet" in refused(project, "approve", "key", "2")
    assert "key has no take 3; it has 1, 2" in refused(project, "approve", "key", "3")
    assert "no take that is on record here has a sha256 that begins with 3fa9c1d2" in refused(
        project, "approve", "key", "3FA9C1D2"
    )
    assert "neither the number of a take nor at least 8 digits" in refused(
        project, "approve", "key", "3fa9", code=2
    )


def test_approving_the_same_again_changes_nothing(board: Project) -> None:
    """Not even where it is written with more digits, or in capitals."""
    sha256 = board.takes()["key/2"]["outputs"][0]["sha256"]
    board.path.write_bytes(
        text(board).replace("    model", f"    approved: 2@{sha256[:12].upper()}\n    model").encode()
    )
    for words in ([], ["2"], [sha256[:9]]):
        assert "approved is 2@" in refused(board, "approve", "key", *words)


def forged(project: Project, **sha256: str) -> None:
    """A clone that has only the manifest, in which takes have other checksums."""
    manifest = project.manifest()
    for shot in manifest["shots"]:
        for take in shot["takes"]:
            label = f"{shot['id']}_{take['take']}"
            take["outputs"][0]["sha256"] = sha256.get(label, take["outputs"][0]["sha256"])
    folder = project.folder()
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (folder / "journal.jsonl").unlink()


def test_as_many_digits_are_written_as_tell_takes_apart(board: Project) -> None:
    """Digits that fit two files are asked for again; the same file twice is no question."""
    one, other = "ab" * 4 + "1" * 56, "ab" * 4 + "12" + "0" * 54
    forged(board, key_1=one, key_2=other, s1_1=one)
    said = refused(board, "approve", "key", "abababab")
    assert "abababab fits several takes: write more digits" in said
    assert "abababab11 (key/1), abababab12 (key/2)" in said or "abababab11 (s1/1), abababab12 (key/2)" in said
    assert decided(board, "approve", "key", "abababab11").exit_code == 0
    assert "approved: 1@abababab11\r\n" in text(board)


def test_approved_counts_before_picked(board: Project) -> None:
    """A pick would change nothing, and is not written."""
    decided(board, "approve", "key", "2")
    said = refused(board, "pick", "key", "1")
    assert "key is approved (2@" in said and "counts before any pick" in said
    assert "unapprove it first" in said
    assert decided(board, "approve", "key", "1").stdout.endswith(f"(was 2@{digits(board, 'key/2')})\n")


def test_what_changes_nothing_or_would_be_a_problem_is_not_written(board: Project) -> None:
    """With the reason; so is everything of a storyboard that has problems already."""
    assert "key: it is not approved; nothing would change" in refused(board, "unapprove", "key")
    assert "take 3 is picked from a shot with 2 takes" in refused(board, "pick", "key", "3")
    decided(board, "pick", "key", "2")
    assert "key: pick is 2 already; nothing would change" in refused(board, "pick", "key", "2")
    board.path.write_bytes(text(board).replace("{shot: key}", "{shot: key, take: 2}").encode())
    said = refused(board, "approve", "key", "1")
    assert "with this 'approved' the storyboard would have a problem" in said
    assert "take 2 of 'key', whose approved take is 1@" in said
    board.path.write_bytes(text(board).replace("prompt: A", "promt: A").encode())
    assert "unknown key 'promt'" in refused(board, "pick", "s1", "1", code=3)


def test_a_pick_that_breaks_the_storyboard_is_mended_by_another(board: Project) -> None:
    """What counts is the text as it would be."""
    board.path.write_bytes(text(board).replace("    model", "    pick: 7\n    model").encode())
    assert decided(board, "pick", "key", "2").exit_code == 0
    assert "    pick: 2\n    model" in text(board)


def test_an_unknown_shot_is_told_with_the_nearest(board: Project) -> None:
    """As everywhere, a slip of the command line is exit code 2."""
    assert "there is no shot 'kye', did you mean 'key'?" in refused(board, "pick", "kye", "1", code=2)
    result = in_project(board, "approve", board.path.parent, "key")
    assert result.exit_code == 2 and "is not a file" in result.stderr


def test_one_of_a_matrix_is_picked_and_the_others_keep_theirs(project: Project) -> None:
    """A plain pick that holds for all becomes a mapping."""
    project.write(MATRIX)
    assert "pick is 1 already" in refused(project, "pick", "hero-black", "1")
    assert decided(project, "pick", "hero-black", "3").exit_code == 0
    assert "    pick: {hero-black: 3, '*': 1}\n" in text(project)
    assert decided(project, "pick", "hero-ivory", "2").exit_code == 0
    assert "    pick: {hero-black: 3, hero-ivory: 2, '*': 1}\n" in text(project)
    assert decided(project, "pick", "hero-black", "2").exit_code == 0
    assert "    pick: {hero-black: 2, hero-ivory: 2, '*': 1}\n" in text(project)
    project.write(MATRIX.replace("    pick: 1\n", ""))
    assert decided(project, "pick", "hero-ivory", "2").exit_code == 0
    assert "    pick: {hero-ivory: 2}\n" in text(project)


def test_one_of_a_matrix_is_approved(project: Project) -> None:
    """Each by itself; the last that is taken back takes the key with it."""
    project.write(MATRIX)
    project.run()
    before = text(project)
    black, ivory = digits(project, "hero-black/1"), digits(project, "hero-ivory/2")
    assert decided(project, "approve", "hero-black").exit_code == 0
    assert f"    pick: 1\n    approved: {{hero-black: 1@{black}}}\n" in text(project)
    assert decided(project, "approve", "hero-ivory", "2").exit_code == 0
    assert f"    approved: {{hero-black: 1@{black}, hero-ivory: 2@{ivory}}}\n" in text(project)
    assert decided(project, "unapprove", "hero-black").exit_code == 0
    assert f"    approved: {{hero-ivory: 2@{ivory}}}\n" in text(project)
    assert decided(project, "unapprove", "hero-ivory").exit_code == 0
    assert text(project) == before


def test_approval_of_a_shot_that_became_several_is_written_for_one(project: Project) -> None:
    """Versions were added: the problem shows the mapping, and approving writes it for the version that is named."""
    top, versions = "id: board\nvars: {r: '16:9'}\n", "versions: {wide: {}, tall: {vars: {r: '9:16'}}}\n"
    shots = "shots:\n- {id: s1, prompt: x, params: {aspect_ratio: '${r}'}}\n"
    project.path.write_text(top + shots)
    project.run()
    assert decided(project, "approve", "s1").exit_code == 0
    approved = f"1@{digits(project, 's1/1')}"
    project.path.write_text(text(project).replace(top, top + versions))
    assert "s1-wide: " in refused(project, "pick", "s1-tall", "1", code=3)
    assert "'s1' becomes several shots; name one of s1-wide, s1-tall" in refused(
        project, "approve", "s1", code=2
    )
    assert decided(project, "approve", "s1-wide").exit_code == 0
    assert f"{{id: s1, approved: {{s1-wide: {approved}}}, prompt" in text(project)
    assert decided(project, "unapprove", "s1-wide").exit_code == 0
    assert text(project) == top + versions + shots


def test_a_shot_from_an_alias_is_left_to_a_person(project: Project) -> None:
    """With the line that is to be written by hand."""
    project.path.write_text("x-key: &key {id: key, prompt: x, takes: 2}\nshots: [*key]\n")
    said = refused(project, "pick", "key", "2")
    assert "key: the shot comes from an alias; nothing was written" in said
    assert "write it by hand, in shots[0] (key): pick: 2" in said


def test_simulated_takes_can_be_picked_but_not_approved(project: Project) -> None:
    """A paid run doesn't know their files."""
    project.path.write_bytes(BOARD.encode())
    assert in_project(project, project.path, "--simulate").exit_code == 0
    assert "a simulated take of key can't be approved" in refused(project, "approve", "key", "--simulate")
    folder = project.root / "outputs" / "board.simulated"
    takes = json.loads((folder / "manifest.json").read_text())["shots"][0]["takes"]
    second = takes[1]["outputs"][0]["sha256"][:10]
    assert "no present take of key has a sha256 that begins with" in refused(project, "pick", "key", second)
    assert decided(project, "pick", "key", second, "--simulate").exit_code == 0
    assert "    pick: 2\r\n" in text(project)


def test_mode_and_links_stay(board: Project) -> None:
    """The file behind a link is written, and it may be read by whom it could be read before."""
    real = board.root / "elsewhere.yaml"
    board.path.rename(real)
    board.path.symlink_to(real.name)
    real.chmod(0o640)
    assert decided(board, "pick", "key", "2").exit_code == 0
    assert board.path.is_symlink() and real.stat().st_mode & 0o777 == 0o640
    assert "pick: 2" in real.read_text()
    assert not [*board.root.glob(".*.tmp")]


def test_what_a_killed_writer_left_is_cleared_away(project: Project) -> None:
    """The file was whole all the time; what lay beside it goes with the next decision."""
    project.path.write_bytes(BOARD.encode())
    left = project.root / ".storyboard.yaml.1.tmp"
    left.write_text("id: bo")
    os.utime(left, (0, 0))
    assert decided(project, "pick", "key", "2").exit_code == 0
    assert not left.exists()


@pytest.mark.parametrize("what", ["hard link", "write-protected", "changed meanwhile"])
def test_a_file_that_is_not_simply_ours_is_left_as_it_is(
    board: Project, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second name would be left behind, a guard passed by, an edit lost: the line is shown instead."""
    expected = BOARD
    if what == "hard link":
        os.link(board.path, board.root / "second.txt")
    elif what == "write-protected":
        board.path.chmod(0o444)
    else:
        expected += "\n# mine"
        monkeypatch.setattr(decisions, "sync_file", lambda _: board.path.write_bytes(expected.encode()))
    result = decided(board, "pick", "key", "2")
    assert result.exit_code == 1
    assert what in result.stderr
    assert "write it by hand, in shots[0] (key): pick: 2" in result.stderr
    assert text(board) == expected
    assert not [*board.root.glob(".*.tmp")]


def test_several_decide_at_once(project: Project) -> None:
    """One waits for the other, and no decision is lost."""
    shots = "".join(f"- {{id: s{number}, prompt: x, takes: 2}}\n" for number in range(6))
    project.path.write_text(f"shots:\n{shots}")
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda number: pick(project.path, f"s{number}", 2), range(6)))
    assert [one.value for one in found] == [2] * 6
    assert text(project).count("pick: 2}") == 6


def test_see_approve_and_only_then_pay(project: Project) -> None:
    """What the page types: the clip is made from the still that was approved, and an edit buys nothing."""
    [text, _] = [one.text for one in blocks(ROOT / "docs" / "decisions.md") if one.info == "yaml"]
    project.path.write_text(text)
    assert in_project(project, project.path).exit_code == 8
    assert project.tasks() == 3
    assert decided(project, "approve", "key010", "2").exit_code == 0
    assert in_project(project, project.path).exit_code == 0
    sha256 = project.takes()["key010/2"]["outputs"][0]["sha256"]
    assert project.takes()["s010/1"]["parents"] == [{"shot": "key010", "take": 2, "sha256": sha256}]

    project.path.write_text(project.path.read_text().replace("red kettle", "blue kettle"))
    plan = in_project(project, "plan", project.path).output
    assert "approved; changed since: prompt" in plan
    assert in_project(project, project.path).exit_code == 0 and project.tasks() == 4
    assert decided(project, "unapprove", "key010").exit_code == 0
    assert project.steps()["key010/1"].action is Action.CREATE


def test_what_was_made_before_is_kept_or_exchanged(board: Project) -> None:
    """Approving a typo away creates nothing; another take approved makes its child anew, as the plan says first."""
    board.path.write_bytes(board.path.read_bytes().replace(b"red", b"blue"))
    assert decided(board, "approve", "key").exit_code == 0
    assert {step.action for step in board.steps().values()} == {Action.REUSE}
    assert decided(board, "approve", "key", "2").exit_code == 0
    assert [name for name, step in board.steps().items() if step.action is Action.CREATE] == ["s1/1"]
    assert board.steps()["s1/1"].reason == "parent key changed"
    assert decided(board, "approve", "key", "1").exit_code == 0
    assert board.run().exit_code == 0 and board.tasks() == 3


def test_a_draft_ladder_buys_dear_only_what_is_approved(project: Project) -> None:
    """The recipe of the page: two drafts, and one clip made from the first frame of the one that was approved."""
    [_, text] = [one.text for one in blocks(ROOT / "docs" / "decisions.md") if one.info == "yaml"]
    project.path.write_text(text)
    assert in_project(project, project.path).exit_code == 8
    assert project.manifest()["totals"]["spent_credits"] == 20
    assert decided(project, "approve", "draft", "2").exit_code == 0
    assert in_project(project, project.path).exit_code == 0
    assert project.manifest()["totals"]["spent_credits"] == 110
    [parent] = project.takes()["final/1"]["parents"]
    assert (parent["shot"], parent["take"]) == ("draft", 2)
    [film] = json.loads(in_project(project, "plan", project.path, "--json").stdout)["films"]
    assert film["shots"] == ["final"]
    assert project.tasks() == 3
