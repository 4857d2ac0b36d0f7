"""Files in the output folder: nothing that was paid for is overwritten, nothing leaves the folder."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rivya_run.errors import OutputFolderError
from rivya_run.journal.attempt import Output
from rivya_run.project.names import output_name, within
from rivya_run.project.outputs import file_trouble, suffix_for, trouble_of

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


def test_without_a_time_the_file_is_read(tmp_path: Path) -> None:
    """An edit that kept size and time passes for unchanged, but is found by ``verify``, which gives no time."""
    import os

    output = stored(tmp_path, "a/a.mp4", b"paid")
    path = tmp_path / "a/a.mp4"
    path.write_bytes(b"PAID")
    assert output.mtime_ns is not None
    os.utime(path, ns=(output.mtime_ns, output.mtime_ns))
    assert file_trouble(tmp_path, output) is None
    assert trouble_of(path, output.bytes, output.sha256) == "was changed"
