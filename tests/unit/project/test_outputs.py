"""Files in the output folder: nothing that was paid for is overwritten, nothing leaves the folder."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examples import attempt, shot
from rivya_run.errors import OutputFolderError
from rivya_run.journal.attempt import AttemptState, Output
from rivya_run.project.outputs import (
    bad_files,
    file_trouble,
    free_bytes,
    move,
    output_name,
    place,
    sha256_of,
    size_of,
    suffix_for,
    unused_name,
    within,
)

FEW = settings(max_examples=50)


def digest(content: bytes) -> str:
    """sha256 (hex) of some bytes."""
    return hashlib.sha256(content).hexdigest()


def stored(folder: Path, path: str, content: bytes) -> Output:
    """A file on disk with its record."""
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return Output(path, None, len(content), digest(content), None, file.stat().st_mtime_ns)


def files(folder: Path) -> dict[str, bytes]:
    """All files below a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_names_are_as_published() -> None:
    """``<shot>_t<take>_<first 8 of the fingerprint>``, further files of a take numbered from 2."""
    assert output_name("sh010", 2, "3fa9c1d2" * 8, 0, ".mp4") == "sh010/sh010_t02_3fa9c1d2.mp4"
    assert output_name("sh010", 99, "3fa9c1d2" * 8, 2, ".png") == "sh010/sh010_t99_3fa9c1d2_3.png"


@pytest.mark.parametrize(
    ("mime_type", "url", "suffix"),
    [
        ("video/mp4", "https://r/x.webm", ".mp4"),
        ("image/jpeg", "https://r/x", ".jpg"),
        ("audio/x-wav", "https://r/x", ".wav"),
        (None, "https://r/x.MOV?sig=a.b#c", ".mov"),
        (None, "https://r/x", ".bin"),
        (None, "https://r/x.m/p", ".bin"),
        ("application/odd", "https://r/x.p-n", ".bin"),
        (None, "https://r/x.é", ".bin"),
        (None, "https://r/x.toolongtobetrue", ".bin"),
    ],
)
def test_the_ending_follows_the_type_then_the_url(mime_type: str | None, url: str, suffix: str) -> None:
    """Only plain endings are taken from a URL."""
    assert suffix_for(mime_type, url) == suffix


@FEW
@given(st.text(max_size=30), st.none() | st.text(max_size=10))
def test_any_ending_is_safe_in_a_name(url: str, mime_type: str | None) -> None:
    """A dot and up to five letters or digits."""
    suffix = suffix_for(mime_type, url)
    assert suffix[0] == "."
    assert suffix[1:].isalnum()
    assert suffix.isascii()


@pytest.mark.parametrize(
    "path", ["", ".", "/etc/passwd", "../x", "a/../../x", "a\\..\\x", "C:/x", "a/b:stream", "a/\0.mp4"]
)
def test_a_record_that_names_a_file_elsewhere_is_refused(path: str) -> None:
    """Neither journal nor manifest can lead out of the folder."""
    with pytest.raises(OutputFolderError):
        within(Path("/out"), path)


@FEW
@given(st.text(max_size=20))
def test_whatever_a_record_says_stays_in_the_folder(path: str) -> None:
    """A path is refused, or lies inside."""
    try:
        found = within(Path("/out"), path)
    except OutputFolderError:
        return
    assert Path("/out") in found.parents
    assert ".." not in found.parts


def test_a_file_is_trusted_by_size_and_time_and_else_by_content(tmp_path: Path) -> None:
    """Unchanged, touched, edited in place, edited, gone."""
    output = stored(tmp_path, "a/a.mp4", b"paid")
    path = tmp_path / "a/a.mp4"
    assert file_trouble(tmp_path, output) is None
    path.touch()
    assert file_trouble(tmp_path, output) is None
    path.write_bytes(b"PAID")
    assert file_trouble(tmp_path, output) == "was changed"
    path.write_bytes(b"more than paid")
    assert file_trouble(tmp_path, output) == "was changed"
    path.unlink()
    assert file_trouble(tmp_path, output) == "is missing"


def test_looking_thoroughly_reads_the_file(tmp_path: Path) -> None:
    """An edit that kept size and time is found by ``verify``."""
    import os

    output = stored(tmp_path, "a/a.mp4", b"paid")
    path = tmp_path / "a/a.mp4"
    path.write_bytes(b"PAID")
    assert output.mtime_ns is not None
    os.utime(path, ns=(output.mtime_ns, output.mtime_ns))
    assert file_trouble(tmp_path, output) is None
    assert file_trouble(tmp_path, output, thorough=True) == "was changed"


def test_a_folder_in_place_of_a_file_is_trouble_and_no_crash(tmp_path: Path) -> None:
    """Whatever lies there, the answer is words."""
    (tmp_path / "a/a.mp4").mkdir(parents=True)
    size = (tmp_path / "a/a.mp4").stat().st_size
    trouble = file_trouble(tmp_path, Output("a/a.mp4", None, size, "0" * 64, None))
    assert trouble is not None


def test_only_what_is_stored_is_looked_for(tmp_path: Path) -> None:
    """Every file of every stored attempt, each with what is wrong with it."""
    good, missing = attempt(shot("a")), attempt(shot("b"))
    output = stored(tmp_path, good.outputs[0].path, b"paid")
    good = attempt(shot("a"), outputs=(output,))
    running = attempt(shot("c"), 1, AttemptState.RUNNING, outputs=missing.outputs)
    assert bad_files(tmp_path, [good, missing, running]) == {missing.outputs[0].path: "is missing"}


def test_what_somebody_edited_is_kept_beside(tmp_path: Path) -> None:
    """The original takes its name back; edits are ``.changed``, ``.changed_2`` and so on."""
    target = tmp_path / "a_t01_0123abcd.mp4"
    for edit in (b"edited", b"edited again"):
        target.write_bytes(edit)
        part = tmp_path / "x.part"
        part.write_bytes(b"paid")
        place(part, target, digest(b"paid"))
    assert files(tmp_path) == {
        "a_t01_0123abcd.mp4": b"paid",
        "a_t01_0123abcd.changed.mp4": b"edited",
        "a_t01_0123abcd.changed_2.mp4": b"edited again",
    }


def test_the_same_content_is_not_kept_twice(tmp_path: Path) -> None:
    """A file that is already what is put there leaves no copy."""
    target, part = tmp_path / "a.mp4", tmp_path / "a.part"
    target.write_bytes(b"paid")
    part.write_bytes(b"paid")
    place(part, target, digest(b"paid"))
    assert files(tmp_path) == {"a.mp4": b"paid"}


def test_a_renamed_shots_file_moves_once(tmp_path: Path) -> None:
    """The empty folder goes; a second move and a file that is gone are nothing to do."""
    stored(tmp_path, "old/old_t01.mp4", b"paid")
    for _ in range(2):
        move(tmp_path, "old/old_t01.mp4", "new/new_t01.mp4")
    assert files(tmp_path) == {"new/new_t01.mp4": b"paid"}
    assert not (tmp_path / "old").exists()


def test_a_move_overwrites_nothing(tmp_path: Path) -> None:
    """What lies under the new name stays."""
    stored(tmp_path, "old/a.mp4", b"paid")
    stored(tmp_path, "new/a.mp4", b"mine")
    move(tmp_path, "old/a.mp4", "new/a.mp4")
    assert files(tmp_path) == {"old/a.mp4": b"paid", "new/a.mp4": b"mine"}


def test_a_move_stays_in_the_folder(tmp_path: Path) -> None:
    """A record can't move a file out."""
    stored(tmp_path, "old/a.mp4", b"paid")
    with pytest.raises(OutputFolderError):
        move(tmp_path, "old/a.mp4", "../a.mp4")
    assert files(tmp_path) == {"old/a.mp4": b"paid"}


def test_a_name_that_is_taken_is_left_to_what_has_it(tmp_path: Path) -> None:
    """On record for something else, or a file of somebody's own: the next number."""
    assert unused_name(tmp_path, "a/a_t01.mp4", set()) == "a/a_t01.mp4"
    stored(tmp_path, "a/a_t01.mp4", b"mine")
    assert unused_name(tmp_path, "a/a_t01.mp4", {"a/a_t01_2.mp4"}) == "a/a_t01_3.mp4"


def test_sizes_and_sums(tmp_path: Path) -> None:
    """A missing file has no bytes; a large one is summed in blocks."""
    assert size_of(tmp_path / "none") == 0
    content = bytes(3 * 1024 * 1024 + 7)
    (tmp_path / "large").write_bytes(content)
    assert sha256_of(tmp_path / "large") == digest(content)


def test_free_space_of_a_folder_that_does_not_exist_yet(tmp_path: Path) -> None:
    """It is that of its nearest parent."""
    assert free_bytes(tmp_path / "a/b/c") > 0
