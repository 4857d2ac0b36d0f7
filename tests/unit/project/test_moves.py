"""Which files are on record under one name and lie under another."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples import attempt, shot
from rivya_run.journal.attempt import Attempt, AttemptState, Output
from rivya_run.json_types import Json
from rivya_run.project.names import arriving
from rivya_run.project.outputs import Move, carry_out, outstanding, strays
from rivya_run.provider.partial_file import CUT, KEPT


def digest(content: bytes) -> str:
    """sha256 (hex) of some bytes."""
    return hashlib.sha256(content).hexdigest()


def made(name: str, *contents: bytes, still: bytes | None = None) -> Attempt:
    """An attempt with these files on record; ``still`` was taken out of the first."""
    outputs = [
        Output(f"{name}/{name}_t01_{number}.mp4", None, len(content), digest(content), None)
        for number, content in enumerate(contents, start=1)
    ]
    if still is not None:
        frame: dict[str, Json] = {
            "frame": "last",
            "path": f"{name}/{name}_t01_1_last.png",
            "sha256": digest(still),
            "bytes": len(still),
        }
        outputs[0] = replace(outputs[0], media={"frames": [frame]})
    return attempt(shot(name), outputs=tuple(outputs))


def lay(path: Path, content: bytes) -> None:
    """Put a file there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def files(folder: Path) -> dict[str, bytes]:
    """All files below a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


@pytest.mark.parametrize("ending", ["", KEPT, CUT])
def test_a_download_that_is_on_record_goes_under_its_name(tmp_path: Path, ending: str) -> None:
    """Also when a file that somebody edited lies there, which is kept beside; one that is only half of it doesn't."""
    one = made("a", b"paid")
    part = arriving(tmp_path, one.client_request_id, 0)
    lay(part.with_name(part.name + ending), b"pai")
    assert outstanding(tmp_path, [one]) == []
    lay(part.with_name(part.name + ending), b"paid")
    lay(tmp_path / one.outputs[0].path, b"edited")
    for move in outstanding(tmp_path, [one]):
        carry_out(tmp_path, move)
    assert files(tmp_path) == {"a/a_t01_1.mp4": b"paid", "a/a_t01_1.changed.mp4": b"edited"}
    assert outstanding(tmp_path, [one]) == []


def test_files_of_a_renamed_shot_come_along_wherever_they_were_left(tmp_path: Path) -> None:
    """Found by content among what no record owns, stills too; the empty folder goes."""
    one = made("b", b"first", b"second", still=b"still")
    lay(tmp_path / "a/a_t01_1.mp4", b"first")
    lay(tmp_path / "b/b_t01_2.mp4", b"second")
    lay(tmp_path / "a/a_t01_1_last.png", b"still")
    moves = outstanding(tmp_path, [one])
    assert [(move.source, move.target) for move in moves] == [
        ("a/a_t01_1.mp4", "b/b_t01_1.mp4"),
        ("a/a_t01_1_last.png", "b/b_t01_1_last.png"),
    ]
    for move in moves:
        carry_out(tmp_path, move)
    assert set(files(tmp_path)) == {"b/b_t01_1.mp4", "b/b_t01_2.mp4", "b/b_t01_1_last.png"}
    assert not (tmp_path / "a").exists()


def test_what_another_record_owns_or_a_person_removed_is_left_alone(tmp_path: Path) -> None:
    """Two takes may hold the same bytes; what ``clean`` removed needn't be there; each stray serves once."""
    first, second, third = made("a", b"same"), made("b", b"same"), made("c", b"same")
    lay(tmp_path / first.outputs[0].path, b"same")
    assert outstanding(tmp_path, [first, second]) == []
    lay(tmp_path / "x/old.mp4", b"same")
    removed = replace(third, outputs=(replace(third.outputs[0], removed=True),))
    fourth = made("d", b"same")
    assert outstanding(tmp_path, [first, removed, second, fourth]) == [
        Move("x/old.mp4", second.outputs[0].path, digest(b"same"))
    ]


def test_strays_are_files_of_shots_that_nobody_owns(tmp_path: Path) -> None:
    """By size; hidden folders and names that lead elsewhere are none."""
    for name in ("a/x.mp4", "a/owned.mp4", ".arriving/x.part", "a/odd:name"):
        lay(tmp_path / name, b"1234")
    assert strays(tmp_path, {"a/owned.mp4"}) == {4: ["a/x.mp4"]}


@given(st.lists(st.sampled_from(["placed", "arrived", "old name", "gone"]), min_size=1, max_size=6))
def test_after_the_moves_all_that_is_anywhere_is_in_its_place(
    tmp_path_factory: pytest.TempPathFactory, where: list[str]
) -> None:
    """Whatever state a kill left each of several files in, and whatever became of its attempt."""
    folder = tmp_path_factory.mktemp("moves")
    contents = [b"clip %d" % number for number in range(len(where))]
    one = replace(made("b", *contents), state=AttemptState.FINISHED)
    for index, (place, content) in enumerate(zip(where, contents, strict=True)):
        target = one.outputs[index].path
        places = {
            "placed": folder / target,
            "arrived": arriving(folder, one.client_request_id, index),
            "old name": folder / target.replace("b", "a"),
        }
        if place in places:
            lay(places[place], content)
    for move in outstanding(folder, [one]):
        carry_out(folder, move)
    there = {
        output.path: content
        for place, output, content in zip(where, one.outputs, contents, strict=True)
        if place != "gone"
    }
    assert files(folder) == there
