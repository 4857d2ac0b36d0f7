"""`rivya-run status`, `verify` and `clean`: looking at what there is, and tidying up."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from command_line import in_project, rivya_run
from projects import Project
from rivya_run.project.lock import locked

BOARD = """
    id: board
    shots:
      - {id: a, scene: intro, prompt: x}
      - {id: b, prompt: y, takes: 2}
"""


@pytest.fixture
def made(project: Project) -> Project:
    """Two shots, three takes, all made."""
    project.write(BOARD)
    assert in_project(project, project.path).exit_code == 0
    return project


def clip(project: Project, take: str) -> Path:
    """The file of a take."""
    return project.folder() / str(project.takes()[take]["outputs"][0]["path"])


def test_status_before_any_run_says_to_run_first(project: Project) -> None:
    """Exit 1; nothing is there to be shown."""
    project.write(BOARD)
    result = rivya_run("status", project.path)
    assert result.exit_code == 1
    assert "has made nothing yet" in result.stderr
    assert f"run it first: rivya-run {project.path}" in result.stderr


def test_status_shows_scenes_takes_files_and_spend(made: Project) -> None:
    """Every take on one line, the chosen one marked."""
    text = rivya_run("status", made.path).stdout
    assert "scene intro" in text
    assert "b/1 *" in text
    assert str(made.takes()["a/1"]["outputs"][0]["path"]) in text
    assert "3 takes: 3 done" in text
    assert "spent: 30 credits" in text


def manifest_of(status: str) -> Any:
    """What ``status --json`` printed, without what comes with the manifest."""
    document = json.loads(status)
    assert all(line.startswith("rivya-run ") for line in document.pop("next"))
    return document


def test_status_as_json_is_the_manifest_byte_for_byte_and_what_is_next(made: Project) -> None:
    """And a list of them for several storyboards."""
    written = (made.folder() / "manifest.json").read_bytes()
    printed = rivya_run("status", made.path, "--json").stdout_bytes
    assert printed.startswith(written.removesuffix(b"\n}\n"))
    assert json.loads(printed)["next"] == [f"rivya-run report {made.path}", f"rivya-run export {made.path}"]
    twice = rivya_run("status", made.path, made.root / "." / "storyboard.yaml", "--json").stdout
    assert manifest_of(twice) == json.loads(written)
    other = made.root / "other.yaml"
    other.write_text("shots:\n  - {id: a, prompt: x}\n")
    in_project(made, other)
    assert len(json.loads(rivya_run("status", made.path, other, "--json").stdout)) == 2


def test_without_a_manifest_the_journal_tells_all_of_it(made: Project) -> None:
    """Byte for byte what the run wrote; every command that reads a manifest goes on, and none writes one."""
    path = made.folder() / "manifest.json"
    written = path.read_bytes()
    path.unlink()
    printed = rivya_run("status", made.path, "--json").stdout_bytes
    assert printed.startswith(written.removesuffix(b"\n}\n"))
    assert "3 takes: 3 done" in rivya_run("status", made.path).stdout
    for command in (["verify"], ["report"], ["export", "--format", "edl"]):
        assert rivya_run(*command, made.path).exit_code == 0
    assert not path.exists()


def test_a_manifest_that_is_behind_its_journal_is_not_shown(made: Project) -> None:
    """As a run leaves it that was killed, or still goes on."""
    path = made.folder() / "manifest.json"
    written = path.read_bytes()
    document = json.loads(written)
    document["shots"][0]["takes"] = [{"take": 1, "status": "planned"}]
    path.write_text(json.dumps(document))
    assert manifest_of(rivya_run("status", made.path, "--json").stdout) == document
    os.utime(path, ns=(0, (made.folder() / "journal.jsonl").stat().st_mtime_ns - 1))
    assert manifest_of(rivya_run("status", made.path, "--json").stdout) == json.loads(written)


def test_what_was_made_from_an_earlier_storyboard_is_shown_by_its_manifest(made: Project) -> None:
    """However old it is beside the journal; without a manifest the journal tells, and that it was edited is said."""
    path = made.folder() / "manifest.json"
    os.utime(path, ns=(0, 0))
    made.write(BOARD.replace("prompt: x", "prompt: z"))
    for told in ("3 takes: 3 done", "the storyboard has changed since"):
        assert told in rivya_run("status", made.path).stdout
    path.unlink()
    assert "the storyboard has changed since" in rivya_run("status", made.path).stdout


def test_a_file_that_the_journal_has_lost_is_still_verified(made: Project) -> None:
    """Its last line was cut off, as by a power cut; the manifest knows the file."""
    journal = made.folder() / "journal.jsonl"
    content = journal.read_bytes()
    last = content.rindex(b'"stored"')
    journal.write_bytes(content[: last + 20])
    assert "3 files as paid for" in rivya_run("verify", made.path).stdout


def test_where_the_journal_can_not_be_read_into_the_storyboard_the_last_manifest_is_shown(
    made: Project,
) -> None:
    """An edit that is not finished, a damaged journal; without a manifest the problems are said."""
    path = made.folder() / "manifest.json"
    os.utime(path, ns=(0, 0))
    made.write(BOARD.replace("takes: 2", "takes: two"))
    assert "3 takes: 3 done" in rivya_run("status", made.path).stdout
    made.write(BOARD)
    journal = made.folder() / "journal.jsonl"
    whole = journal.read_bytes()
    journal.write_bytes(b"{}\n" + whole)
    assert "3 takes: 3 done" in rivya_run("status", made.path).stdout
    journal.write_bytes(whole)
    made.write(BOARD.replace("takes: 2", "takes: two"))
    path.unlink()
    refused = rivya_run("status", made.path)
    assert refused.exit_code == 3
    assert "takes" in refused.stderr


def test_status_says_when_the_storyboard_was_edited_since(made: Project) -> None:
    """The manifest is of the last run."""
    assert "has changed since" not in rivya_run("status", made.path).stdout
    made.write(BOARD + "\n# edited\n")
    assert "the storyboard has changed since" in rivya_run("status", made.path).stdout


def test_a_damaged_manifest_is_a_message(made: Project) -> None:
    """A merge conflict in it is said with its place, by every command that reads it."""
    (made.folder() / "manifest.json").write_text("{\n<<<<<<< HEAD\n")
    for command in ("status", "verify", "plan", "clean"):
        result = rivya_run(command, made.path)
        assert result.exit_code == 7
        assert "manifest.json:2:1" in result.stderr


def test_verify_hashes_every_file(made: Project) -> None:
    """All as paid for: exit 0."""
    result = rivya_run("verify", made.path)
    assert result.exit_code == 0
    assert "3 files as paid for" in result.stdout


def test_verify_names_what_is_missing_or_altered(made: Project) -> None:
    """Exit 1, each file with what is wrong, even where size and time are as before."""
    clip(made, "a/1").unlink()
    file = clip(made, "b/1")
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with clip(made, "b/2").open("ab") as longer:
        longer.write(b"x")
    result = rivya_run("verify", made.path)
    assert result.exit_code == 1
    said = result.stdout.splitlines()
    assert said[0].startswith("a/1") and said[0].endswith("is missing")
    assert said[1].startswith("b/1") and "another sha256" in said[1]
    assert said[2].startswith("b/2") and "bytes instead of" in said[2]


def test_clean_lists_what_no_take_uses_and_removes_nothing(made: Project) -> None:
    """A former prompt's clip, an edited copy, an unfinished download; not the rest."""
    old = clip(made, "a/1")
    made.write(BOARD.replace("prompt: x", "prompt: other"))
    in_project(made, made.path)
    new = clip(made, "a/1")
    (new.with_name(f"{new.stem}.changed{new.suffix}")).write_bytes(b"x")
    (made.folder() / "a" / "a_t01_00000000.part").write_bytes(b"x")
    (made.folder() / "a" / "notes.txt").write_bytes(b"x")
    (made.folder() / "report.html").write_bytes(b"x")
    result = rivya_run("clean", made.path)
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 4
    assert str(old.name) in result.stdout
    assert "3 files, " in result.stdout
    assert "--yes removes them" in result.stdout
    assert old.exists()


def test_clean_yes_removes_files_but_not_what_is_known_of_them(made: Project) -> None:
    """The prompt changed back later is a download, not a payment; verify doesn't miss what was removed."""
    old = clip(made, "a/1")
    made.write(BOARD.replace("prompt: x", "prompt: other"))
    in_project(made, made.path)
    assert rivya_run("clean", made.path, "--yes").exit_code == 0
    assert not old.exists()
    assert clip(made, "a/1").exists()
    assert rivya_run("verify", made.path).exit_code == 0
    assert "0 files" in rivya_run("clean", made.path).stdout
    assert made.manifest()["totals"]["spent_credits"] == 40
    made.write(BOARD)
    assert in_project(made, made.path).exit_code == 0
    assert old.exists()
    assert made.tasks() == 4


def test_clean_lists_a_clip_that_is_here_twice_under_the_name_of_a_renamed_shot(made: Project) -> None:
    """A run can be killed between two renames; a person's own copy, or one that was edited, is left alone."""
    [shot, *_] = made.manifest()["shots"]
    path = shot["takes"][0]["outputs"][0]["path"]
    content = (made.folder() / path).read_bytes()
    former = path.replace("a/a_", "former/former_")
    (made.folder() / former).parent.mkdir()
    (made.folder() / former).write_bytes(content)
    (made.folder() / "former/mine.mp4").write_bytes(content)
    (made.folder() / former.replace("_t01_", "_t02_")).write_bytes(content[:-1] + b"x")
    assert f"{former}  a second copy of {path}\n" in rivya_run("clean", made.path, "--yes").stdout
    assert sorted(file.name for file in (made.folder() / "former").iterdir()) == [
        former.partition("/")[2].replace("_t01_", "_t02_"),
        "mine.mp4",
    ]
    assert (made.folder() / path).read_bytes() == content


def test_clean_removes_the_folder_of_a_shot_that_is_gone(made: Project) -> None:
    """Nothing empty stays behind; a present shot's folder does."""
    made.write("id: board\nshots:\n  - {id: b, prompt: y, takes: 2}\n")
    in_project(made, made.path)
    rivya_run("clean", made.path, "--yes")
    assert not (made.folder() / "a").exists()
    assert (made.folder() / "b").is_dir()


def test_clean_waits_for_nobody_who_holds_the_folder(made: Project) -> None:
    """Exit 7 names the holder; listing needs no lock."""
    with locked(made.folder(), "run storyboard.yaml"):
        assert rivya_run("clean", made.path, "--yes").exit_code == 7
        assert rivya_run("clean", made.path).exit_code == 0


def test_clean_before_any_run_has_nothing_to_do(project: Project) -> None:
    """And makes no folder."""
    project.write(BOARD)
    assert rivya_run("clean", project.path, "--yes").exit_code == 0
    assert list((project.root / "outputs").iterdir()) == []


def test_no_variable_makes_clean_remove_anything(made: Project) -> None:
    """RIVYA_RUN_YES, set for runs that nobody watches, only lists; the flag has to be typed."""
    old = clip(made, "a/1")
    made.write(BOARD.replace("prompt: x", "prompt: other"))
    in_project(made, made.path)
    result = rivya_run("clean", made.path, RIVYA_RUN_YES="1")
    assert result.exit_code == 0
    assert "1 files" in result.stdout
    assert old.exists()


def test_clips_that_are_not_what_was_asked_for_are_named_at_the_end_of_every_run(made: Project) -> None:
    """The summary of the rerun, the plan's row and its JSON hold the measured figure; nothing is made again."""
    made.write(BOARD.replace("prompt: x", "prompt: x, params: {duration: 30}"))
    first = in_project(made, made.path)
    again = in_project(made, made.path)
    for result in (first, again):
        assert result.exit_code == 0
        assert "with warnings:" in result.stderr
        assert "instead of the 30 s asked for" in result.stderr
        assert f"rivya-run status {made.path}" in result.stderr
    planned = json.loads(rivya_run("plan", made.path, "--json").stdout)["steps"][0]
    assert (planned["action"], planned["reason"]) == ("reuse", "up to date")
    assert "instead of the 30 s asked for" in planned["warnings"][0]
    assert "up to date; warning: " in rivya_run("plan", made.path).stdout
    assert made.tasks() == 4
