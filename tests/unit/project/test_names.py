"""The names of files in an output folder: what is written can be read, and nothing else is taken for it."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rivya_run.errors import OutputFolderError
from rivya_run.project.names import (
    WINDOWS_PATH,
    arriving,
    check_room_for_names,
    clip_of_still,
    download_key,
    download_of,
    is_result,
    name_for_changed,
    name_for_take,
    original_of,
    output_name,
    path_limit,
    take_of,
)
from rivya_run.project.places import likely_id

SHOTS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,20}", fullmatch=True)
TAKES = st.integers(1, 99)
DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64)


@given(SHOTS, TAKES, DIGESTS, st.integers(0, 5))
def test_a_result_is_known_by_its_name(shot: str, take: int, digest: str, index: int) -> None:
    """Whatever the shot is called; its name alone says which shot and take it is of."""
    path = output_name(shot, take, digest, index, ".mp4")
    assert is_result(path)
    assert take_of(Path(path).stem) == (shot, take)


@given(SHOTS, TAKES, SHOTS, TAKES, DIGESTS)
def test_a_result_moves_to_the_take_that_it_serves(
    shot: str, take: int, other: str, number: int, digest: str
) -> None:
    """Only shot and take change; a path that isn't theirs stays."""
    path = output_name(shot, take, digest, 0, ".mp4")
    assert name_for_take(path, (shot, take), (other, number)) == output_name(other, number, digest, 0, ".mp4")
    assert name_for_take("x/y.mp4", (shot, take), (other, number)) == "x/y.mp4"


@given(st.text(max_size=40), st.integers(0, 20))
def test_a_download_is_known_by_its_attempt(key: str, index: int) -> None:
    """Any key makes a name; the name says which file of which attempt it is."""
    path = arriving(Path(), key, index).as_posix()
    assert download_of(path) == download_of(f"{path}.json") == (download_key(key), index)


def test_edited_copies_and_stills_belong_to_their_clips(tmp_path: Path) -> None:
    """The name of a copy is free, and leads back to its original; so does the name of a still."""
    target = tmp_path / "a_t01_01234567.mp4"
    first = name_for_changed(target)
    first.touch()
    second = name_for_changed(target)
    assert (first.name, second.name) == ("a_t01_01234567.changed.mp4", "a_t01_01234567.changed_2.mp4")
    assert original_of(first.name) == original_of(second.name) == target.name
    assert clip_of_still("a/a_t01_01234567_2-5s.png") == "a/a_t01_01234567"
    assert original_of("a/a.mp4") is clip_of_still("a/a.mp4") is None


def test_an_id_that_is_written_plainly_is_found_without_yaml() -> None:
    """Also behind a comment and in quotes; otherwise the file's name is the guess."""
    for content in (b"id: teaser\nshots: []", b'# first\nid: "teaser"  # the id\n'):
        assert likely_id("specs/x.yaml", content) == "teaser"
    for content in (b"shots: []", b"id: !tag teaser\n", b" id: inner\n"):
        assert likely_id("specs/x.yaml", content) == "x"


class _Key:
    """An open key of the registry."""

    def __enter__(self) -> _Key:
        return self

    def __exit__(self, *error: object) -> None:
        """Closed."""


@pytest.mark.parametrize(("long_paths", "limit"), [(1, None), (0, WINDOWS_PATH), (None, WINDOWS_PATH)])
def test_how_long_a_path_may_be_on_windows(
    long_paths: int | None, limit: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its registry says whether it takes more than it always did."""

    def value(key: _Key, name: str) -> tuple[int, int]:
        if long_paths is None:
            raise FileNotFoundError(name)
        return long_paths, 4

    registry = SimpleNamespace(HKEY_LOCAL_MACHINE=1, OpenKey=lambda where, name: _Key(), QueryValueEx=value)
    monkeypatch.setitem(sys.modules, "winreg", registry)
    assert path_limit("nt") == limit
    monkeypatch.setitem(sys.modules, "winreg", None)
    assert path_limit("nt") == WINDOWS_PATH
    assert path_limit("posix") is None


def test_a_clip_that_could_not_be_given_its_name_is_not_paid_for(tmp_path: Path) -> None:
    """Where its path would be too long is told before anything is made, with what to do."""
    folder = tmp_path / "outputs" / "board"
    ids = ["a", "x" * 64]
    check_room_for_names(folder, ids, None)
    longest = len(str(folder / output_name("x" * 64, 99, "0" * 64, 0, "")))
    with pytest.raises(OutputFolderError, match=f"files of the shot {'x' * 64} would have paths") as caught:
        check_room_for_names(folder, ids, longest)
    assert "--outputs" in str(caught.value.hint)
    check_room_for_names(folder, ids, longest + 60)
    check_room_for_names(folder, [], 1)
