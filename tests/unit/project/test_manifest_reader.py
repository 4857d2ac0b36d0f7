"""Which takes a storyboard shows."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import boards
from rivya_run.project.manifest_reader import (
    Chosen,
    NoFinishedTake,
    chosen_take,
    chosen_takes,
    inside,
    playable,
)


def number(shot: dict[str, Any]) -> int | None:
    """The number of the chosen take."""
    found = chosen_take(shot)
    return None if found is None else found["take"]


def test_the_pick_is_chosen_if_it_succeeded_else_the_lowest_that_did() -> None:
    """A pick that failed or isn't there falls back to the lowest-numbered finished take."""
    takes = [boards.take(3), boards.take(1, "failed"), boards.take(2)]
    assert number(boards.shot("a", takes, pick=3)) == 3
    assert number(boards.shot("a", takes, pick=1)) == 2
    assert number(boards.shot("a", takes, pick=9)) == 2
    assert number(boards.shot("a", takes)) == 2
    assert number(boards.shot("a", [boards.take(1, "unknown")])) is None


def test_the_first_playable_file_stands_for_a_take() -> None:
    """Other kinds of files are passed over, and a path that leaves the folder is never followed."""
    files = [
        {"path": "a.json", "mime_type": "application/json"},
        {"path": "../../etc/passwd.mp4", "mime_type": "video/mp4"},
        {"path": "a/b.webm"},
        {"path": "a/c.mp4", "mime_type": "video/mp4"},
    ]
    found = playable(boards.take(outputs=files))
    assert found is not None
    assert found[:2] == ("a/b.webm", "video")


def test_shots_come_in_storyboard_order_with_the_missing_ones_named() -> None:
    """Every shot is either chosen or missing; a skipped one without a take is neither."""
    made = boards.take(outputs=[{"path": "a.mp4"}])
    shots = [
        boards.shot("a", [made], scene="one"),
        boards.shot("b", [boards.take(1, "failed", prompt="rain")]),
        boards.shot("c", [boards.take(1, "planned")], skipped=True),
        boards.shot("d", [boards.take(outputs=[{"path": "d.png"}])], skipped=True),
    ]
    found = list(chosen_takes(boards.manifest(shots)))
    assert [type(one) for one in found] == [Chosen, NoFinishedTake, Chosen]
    assert [one.shot for one in found] == ["a", "b", "d"]
    assert isinstance(found[1], NoFinishedTake) and found[1].prompt == "rain"


@pytest.mark.parametrize(
    "path", ["/a.mp4", "../a.mp4", "a/../../b.mp4", "C:/a.mp4", "a\\b.mp4", "javascript:x", ""]
)
def test_paths_that_leave_the_folder_are_refused(path: str) -> None:
    """Only plain relative paths with forward slashes are files of the output folder."""
    assert inside(path) is None


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["id", "take", "takes", "status", "outputs", "path", "pick", "request", "prompt"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(junk)
def test_a_manifest_of_any_shape_is_read_without_a_crash(shots: object) -> None:
    """What has not the form of shots and takes is passed over."""
    for one in chosen_takes({"shots": shots}):
        assert isinstance(one, Chosen | NoFinishedTake)
