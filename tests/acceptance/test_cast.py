"""One cast for all shots and storyboards: what it costs, what is told, and that no file is overlooked."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import boards
from command_line import in_project, rivya_run
from projects import Project, png

CAST = """\
vars: {place: the quay}
presets: {near: {params: {duration: 8}}}
cast:
  mira:
    text: a woman in a red parka
    references: refs/mira.png
  joe: {text: a man with a beard}
"""
BOARD = """\
id: board
include: cast/cast.yaml
shots:
  - {id: one, prompt: "@mira waves on ${place}"}
  - {id: two, use: near, prompt: "@joe nods, then @mira's boat leaves"}
  - {id: three, prompt: An empty street}
  - {id: four, prompt: Rain, cast: [mira]}
"""


@pytest.fixture
def paid(project: Project) -> Project:
    """A storyboard with a cast in a file of its own; its four shots are paid for."""
    project.reference("cast/cast.yaml", CAST.encode())
    project.reference("cast/refs/mira.png", png("mira"))
    project.write(BOARD)
    assert project.run().exit_code == 0
    assert project.tasks() == 4
    return project


def after(project: Project) -> int:
    """How many tasks a further run makes."""
    before = project.tasks()
    assert project.run().exit_code == 0
    return project.tasks() - before


def recast(project: Project, *changes: tuple[str, str]) -> None:
    """Change the cast's file."""
    text = (project.root / "cast/cast.yaml").read_text("utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    project.reference("cast/cast.yaml", text.encode())


def plan(project: Project, *words: str) -> str:
    """What ``plan`` prints."""
    result = in_project(project, "plan", project.path, *words)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_what_is_sent_is_the_text_and_the_references(paid: Project) -> None:
    """``@mira`` is nowhere in a request, her picture is uploaded once for all shots."""
    requests = {name: take["request"] for name, take in paid.takes().items()}
    assert requests["one/1"]["prompt"] == "a woman in a red parka waves on the quay"
    assert requests["two/1"]["prompt"] == "a man with a beard nods, then a woman in a red parka's boat leaves"
    assert requests["four/1"]["prompt"] == "Rain"
    counts = {
        name: len(request["params"].get("referenceMediaItems", [])) for name, request in requests.items()
    }
    assert counts == {"one/1": 1, "two/1": 1, "three/1": 0, "four/1": 1}
    [upload] = paid.manifest()["uploads"]
    assert upload["path"] == "cast/refs/mira.png"


def test_a_member_renamed_costs_nothing(paid: Project) -> None:
    """The filled-in prompt is what is paid for."""
    recast(paid, ("mira:", "nora:"))
    paid.write(BOARD.replace("@mira", "@nora").replace("[mira]", "[nora]"))
    assert after(paid) == 0


def test_a_changed_text_makes_its_shots_anew_and_is_told_once(paid: Project) -> None:
    """Exactly those whose prompt holds it; the plan names the member beside the reasons."""
    recast(paid, ("a red parka", "a long blue coat"))
    told = plan(paid)
    assert told.count("cast mira changed: 2 shots\n") == 1
    assert "cast joe" not in told
    assert told.count("prompt changed: ") == 2
    assert plan(paid, "--format", "markdown").count("cast mira changed: 2 shots") == 1
    assert {name for name, step in paid.steps().items() if step.action == "create"} == {"one/1", "two/1"}
    assert after(paid) == 2
    assert "cast" not in plan(paid)


def test_two_members_changed_at_once_are_both_told(paid: Project) -> None:
    """Also where one of them is known from a shot of its own only."""
    more = BOARD + '  - {id: five, prompt: "@joe sleeps"}\n  - {id: six, prompt: "@joe"}\n'
    paid.write(more)
    assert after(paid) == 2
    recast(paid, ("a red parka", "a long blue coat"), ("with a beard", "with a moustache"))
    told = plan(paid)
    assert "cast mira changed: 2 shots\n" in told
    assert "cast joe changed: 3 shots\n" in told


def test_a_prompt_that_was_written_anew_is_no_change_of_the_cast(paid: Project) -> None:
    """Nor is a member that has just come into it."""
    paid.write(BOARD.replace("An empty street", '"@joe in an empty street"').replace("waves on", "sits on"))
    told = plan(paid)
    assert told.count("prompt changed: ") == 2
    assert "cast" not in told
    paid.write(BOARD.replace("An empty street", '"@mira"'))
    assert "cast" not in plan(paid)


def test_a_changed_picture_makes_all_who_are_made_from_it_anew(paid: Project) -> None:
    """Those with a cast list as well."""
    paid.reference("cast/refs/mira.png", png("another"))
    assert after(paid) == 3


@pytest.mark.parametrize(
    "board",
    [
        CAST.replace("refs/", "cast/refs/") + BOARD.replace("include: cast/cast.yaml\n", ""),
        BOARD.replace("cast/cast.yaml", "deep/er/cast.yaml"),
        BOARD.replace("cast/cast.yaml", "[deep/er/other.yaml, cast/cast.yaml]"),
        BOARD.replace(
            "id: board", "id: board\nx-client: Acme\nvars: {unused: 1}\npresets: {far: {takes: 3}}"
        ),
    ],
    ids=["in the storyboard", "elsewhere", "an unused include", "unused entries"],
)
def test_where_things_stand_costs_nothing(paid: Project, board: str) -> None:
    """Vars, presets and cast in the storyboard or in any file; what nobody uses."""
    paid.reference("deep/er/cast.yaml", CAST.replace("refs/", "../../cast/refs/").encode())
    paid.reference(
        "deep/er/other.yaml", b"vars: {more: 1}\npresets: {far: {takes: 9}}\ncast: {ann: {text: A}}\n"
    )
    paid.write(board)
    assert after(paid) == 0


def test_references_of_presets_move_with_them(project: Project) -> None:
    """A preset that goes into an include of another folder refers to the same file by the path from there."""
    project.reference("refs/look.png", png("look"))
    project.reference("looks/refs/look.png", png("look"))
    shots = "shots: [{id: one, use: look, prompt: A}]\n"
    project.write("id: board\npresets: {look: {references: refs/look.png}}\n" + shots)
    assert project.run().exit_code == 0
    project.write("id: board\ninclude: looks/looks.yaml\n" + shots)
    for path in ("refs/look.png", "../refs/look.png"):
        project.reference("looks/looks.yaml", f"presets: {{look: {{references: {path}}}}}\n".encode())
        assert after(project) == 0


def test_one_cast_serves_two_storyboards(paid: Project) -> None:
    """Each makes its own shots; a change of the cast is one of both."""
    other = paid.root / "other.yaml"
    other.write_text("include: cast/cast.yaml\nshots: [{id: x, prompt: '@mira sleeps'}]\n", "utf-8")
    assert in_project(paid, paid.path, other).exit_code == 0
    assert paid.tasks() == 5
    recast(paid, ("a red parka", "a blue coat"))
    assert in_project(paid, paid.path, other).exit_code == 0
    assert paid.tasks() == 8
    assert in_project(paid, paid.path, other).exit_code == 0
    assert paid.tasks() == 8


def test_a_sheet_is_made_first_and_once(project: Project) -> None:
    """A shot that a member refers to is its shots' parent, and not in the film, whether they are there or not."""
    cast = "cast: {mira: {text: a woman, references: [{shot: sheet}]}}\n"
    sheet = "  - {id: sheet, model: grok-imagine, prompt: A sheet of @mira}\n"
    project.write(f"id: board\n{cast}shots:\n{sheet}  - {{id: rest, prompt: A street}}\n")
    assert json.loads(plan(project, "--json"))["films"][0]["shots"] == ["rest"]
    more = '  - {id: one, prompt: "@mira waves"}\n  - {id: two, prompt: Rain, cast: mira}\n'
    project.write(f"id: board\n{cast}shots:\n{sheet}{more}")
    assert project.run().exit_code == 0
    assert project.tasks() == 3
    assert {one["shot"] for one in project.takes()["two/1"]["parents"]} == {"sheet"}
    assert json.loads(plan(project, "--json"))["films"][0]["shots"] == ["one", "two"]
    assert after(project) == 0


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda cast: cast.unlink(), "there is no file 'cast/cast.yaml', did you mean 'cast/cats.yaml'?"),
        (lambda cast: cast.write_text("cast: {\n", "utf-8"), "cast/cast.yaml:2:1: error:"),
        (lambda cast: cast.write_bytes(b"\xff\xfe\x00\xd8"), "cast/cast.yaml:1:1: error:"),
        (lambda cast: _folder(cast), "'cast/cast.yaml' is a folder, not a file"),
        (lambda cast: _pipe(cast), "'cast/cast.yaml' is a pipe, not a file"),
        (lambda cast: _outside(cast), "leads outside the project root; --allow-outside permits it"),
        (lambda cast: cast.write_text("include: ../storyboard.yaml", "utf-8"), "a circle of includes"),
        (lambda cast: cast.write_bytes(b"#" * 17_000_000), "cast/cast.yaml:1:1: error: the file is larger"),
    ],
    ids=["gone", "broken", "no text", "folder", "pipe", "outside", "circle", "large"],
)  # fmt: skip
def test_an_include_that_cant_be_used_creates_nothing(
    project: Project, spoil: Any, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is a problem where it is named, or in the file itself; nothing of it is guessed."""
    monkeypatch.chdir(project.root)
    project.reference("cast/cast.yaml", CAST.encode())
    project.reference("cast/cats.yaml", b"")
    project.reference("cast/refs/mira.png", png("mira"))
    project.write(BOARD)
    spoil(project.root / "cast/cast.yaml")
    result = in_project(project, "run", "storyboard.yaml")
    assert result.exit_code == 3
    assert said in result.stderr
    assert result.stderr.count("error: ") == 2, result.stderr  # the problem, and that nothing was done
    assert project.tasks() == 0
    assert not (project.root / "outputs/board").exists()


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _outside(path: Path) -> None:
    other = path.parent.parent.parent / "outside.yaml"
    other.write_text(CAST, "utf-8")
    path.unlink()
    path.symlink_to(other)


def test_paths_are_told_as_they_are_written(project: Project) -> None:
    """In the included file, from its own folder, and so is what may have been meant."""
    project.reference("cast/cast.yaml", b"include: deep.yam\n" + CAST.encode())
    project.reference("cast/deep.yaml", b"")
    project.reference("cast/refs/mirra.png", png("mira"))
    project.write(BOARD)
    said = rivya_run("validate", project.path).stderr
    assert (
        "cast/cast.yaml:1:10: error: include: there is no file 'deep.yam', did you mean 'deep.yaml'?" in said
    )
    project.reference("cast/cast.yaml", CAST.encode())
    said = rivya_run("validate", project.path).stderr
    meant = "there is no file 'refs/mira.png', did you mean 'refs/mirra.png'? [missing-file]"
    assert f"cast/cast.yaml:6:17: error: cast.mira.references: {meant}" in said
    assert said.count("missing-file") == 1


def test_outside_the_project_is_allowed_when_that_is_said(project: Project, tmp_path_factory: Any) -> None:
    """A link to a cast elsewhere."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "cast.yaml").write_text("cast: {mira: {text: A}}\n", "utf-8")
    project.write(f"id: board\ninclude: {elsewhere / 'cast.yaml'}\nshots: [{{id: one, prompt: '@mira'}}]\n")
    assert in_project(project, "validate", project.path).exit_code == 3
    assert in_project(project, "validate", project.path, "--allow-outside").exit_code == 0


PINNED = {
    "mention": "at.mention.t1.81011e72b5c09422.a1",
    "doubled": "at.doubled.t1.ef422c1b216502af.a1",
    "mail": "at.mail.t1.b73cc7f13deeb7f7.a1",
    "filled": "at.filled.t1.eacf79c1587b7ae4.a1",
    "alone": "at.alone.t1.bd3b8540389c65de.a1",
}
"""Keys by what wrote them before there was a cast: a sum over the prompt is in each."""


def test_an_at_sign_without_a_cast_changes_no_fingerprint(project: Project) -> None:
    """Neither ``@`` nor ``@@``, written or filled in: what was paid before there was a cast stays paid."""
    project.write(
        """
        id: at
        vars: {who: "@mira", mail: me@home}
        shots:
          - {id: mention, prompt: "@mira waves"}
          - {id: doubled, prompt: "@@mira waves, me@@home"}
          - {id: mail, prompt: A sign that says kim@example.com}
          - {id: filled, prompt: "${who} waves, $$5 @ ${mail}"}
          - {id: alone, prompt: "5 @ 3 @"}
        """
    )
    keys = {step["shot"]: step["client_request_id"] for step in json.loads(plan(project, "--json"))["steps"]}
    assert keys == PINNED


def test_a_saved_plan_covers_every_file_that_was_read(paid: Project) -> None:
    """An include, a sound, a picture of one's own: edited, gone or come, the plan is refused and says which."""
    boards.sound(paid.root / "art/tone.wav", "pcm_s16le")
    paid.write(BOARD + "  - {id: five, prompt: New}\nsound: [{file: art/tone.wav}, {file: art/none.wav}]\n")
    saved = paid.root / "plan.json"
    assert in_project(paid, "plan", paid.path, "--out", saved).exit_code == 0
    changes: list[tuple[Callable[[], object], str]] = [
        (lambda: recast(paid, ("mira:", "mira: # the first")), "cast/cast.yaml has new content"),
        (lambda: boards.sound(paid.root / "art/tone.wav", "pcm_s16le", 1.0), "art/tone.wav has new content"),
        (lambda: boards.sound(paid.root / "art/none.wav", "pcm_s16le"), "art/none.wav came or went"),
    ]
    for change, said in changes:
        assert in_project(paid, "plan", paid.path, "--out", saved).exit_code == 0
        change()
        result = in_project(paid, "run", "--plan", saved)
        assert result.exit_code == 3
        assert said in result.stderr
    assert paid.tasks() == 4
    assert in_project(paid, "plan", paid.path, "--out", saved).exit_code == 0
    assert in_project(paid, "run", "--plan", saved).exit_code == 0
    assert paid.tasks() == 5


def test_the_manifest_names_what_else_was_read(paid: Project) -> None:
    """Path and sha256, sorted; only where more was read than the storyboard and its references."""
    boards.sound(paid.root / "art/tone.wav", "pcm_s16le")
    boards.still(paid.root / "art/card.png")
    text = BOARD + "  - {id: card, file: art/card.png}\nsound: [{file: art/tone.wav}, {file: art/none.wav}]\n"
    paid.write(text)
    assert after(paid) == 0
    storyboard = paid.manifest()["storyboard"]
    assert storyboard["sha256"] == hashlib.sha256(paid.path.read_bytes()).hexdigest()
    paths = ["art/card.png", "art/tone.wav", "cast/cast.yaml"]
    assert storyboard["inputs"] == [
        {"path": path, "sha256": hashlib.sha256((paid.root / path).read_bytes()).hexdigest()}
        for path in paths
    ]
    paid.write("id: board\nshots:\n  - {id: three, prompt: An empty street}\n")
    assert after(paid) == 0
    assert "inputs" not in paid.manifest()["storyboard"]


def test_status_tells_of_the_last_run_while_an_include_is_edited(paid: Project) -> None:
    """A journal that a killed run left newer than the manifest is read by the cast as it was, or not at all."""
    journal = paid.folder() / "journal.jsonl"
    newer = (paid.folder() / "manifest.json").stat().st_mtime_ns + 10**9
    os.utime(journal, ns=(newer, newer))
    for change in (("a red parka", "a red parka"), ("a red parka", "a blue coat")):
        recast(paid, change)
        told = json.loads(in_project(paid, "status", paid.path, "--json").stdout)
        assert told["totals"]["succeeded"] == 4


def test_the_recipe_for_a_recurring_character(project: Project) -> None:
    """The sheet is made once and is not in the film; whoever names her is made from it."""
    specs = Path(__file__).parents[2] / "specs"
    project.reference("cast/lighthouse.yaml", (specs / "cast/lighthouse.yaml").read_bytes())
    project.path.write_bytes((specs / "lighthouse.yaml").read_bytes())
    assert project.run().exit_code == 0
    made_from = {name: len(take.get("parents", ())) for name, take in project.takes().items()}
    assert made_from == {
        "ada-sheet/1": 0, "sh010/1": 0, "sh020/1": 1, "sh030/1": 0, "sh040/1": 1, "sh050/1": 1,
    }  # fmt: skip
    assert "ada-sheet" not in json.loads(plan(project, "--json"))["films"][0]["shots"]
    assert after(project) == 0


def test_since_reads_the_includes_of_that_revision(paid: Project) -> None:
    """Also where the file lies elsewhere now."""
    _git(paid.root, "init", "-q")
    _git(paid.root, "add", "storyboard.yaml", "cast")
    _git(paid.root, "-c", "user.name=t", "-c", "user.email=t@t", "commit", "-q", "-m", "first")
    assert "nothing changed since HEAD" in plan(paid, "--since", "HEAD")
    recast(paid, ("a red parka", "a blue coat"))
    changed = json.loads(plan(paid, "--since", "HEAD", "--format", "json"))["changes"]
    assert [(one["shot"], one["kind"]) for one in changed] == [("one", "changed"), ("two", "changed")]
    recast(paid, ("a blue coat", "a red parka"))
    (paid.root / "cast").rename(paid.root / "people")
    paid.write(BOARD.replace("cast/", "people/"))
    assert "nothing changed since HEAD" in plan(paid, "--since", "HEAD")


def _git(root: Path, *words: str) -> None:
    subprocess.run(["git", "-C", str(root), *words], check=True, capture_output=True, timeout=60)


def test_what_is_expanded_has_no_cast_any_more(paid: Project) -> None:
    """It is the same to the credit: texts filled in, references written out, an at sign as it is sent."""
    paid.write(BOARD.replace("An empty street", '"5 @@ 3"'))
    keys = [step["client_request_id"] for step in json.loads(plan(paid, "--json"))["steps"]]
    text = plan(paid, "--expand")
    assert "@mira" not in text and "5 @ 3" in text and "include" not in text
    paid.write(text)
    assert [step["client_request_id"] for step in json.loads(plan(paid, "--json"))["steps"]] == keys


def test_an_export_is_not_written_over_an_include(paid: Project) -> None:
    """A file that the storyboard names is no place for what is made."""
    result = in_project(
        paid, "export", paid.path, "--format", "edl", "--output", paid.root / "cast/cast.yaml"
    )
    assert result.exit_code == 2
    assert (paid.root / "cast/cast.yaml").read_text("utf-8") == CAST


def test_a_prompt_that_begins_with_an_at_sign_is_shown_in_quotes(tmp_path: Path) -> None:
    """YAML keeps the sign for itself: the problem shows the line as it should be."""
    board = tmp_path / "board.yaml"
    for line, said in [
        ("    prompt: @mira waves # now", 'prompt: "@mira waves" # now'),
        ('    prompt: @mira says "hi"', r'prompt: "@mira says \"hi\""'),
        ("    params: {a: 1, b: @mira waves, c: 2}", 'params: {a: 1, b: "@mira waves", c: 2}'),
    ]:
        board.write_text(f"shots:\n  - id: a\n{line}\n", encoding="utf-8")
        result = rivya_run("validate", board)
        assert result.exit_code == 3
        assert f"text that begins with '@' needs quotes: {said} [syntax]" in result.stderr
    board.write_text("shots:\n  - id: a\n    prompt: @mira waves\n      and goes\n", encoding="utf-8")
    assert "text that begins with '@' needs quotes [syntax]" in rivya_run("validate", board).stderr
