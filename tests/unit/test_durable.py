"""Writes that survive: whole or not at all."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest

from rivya_run.durable import (
    SHARING_WITHIN,
    check_missing,
    rename,
    sync,
    sync_folder,
    unwritable,
    write_atomically,
)
from rivya_run.errors import DiskFull, OutputFolderError


def test_a_file_appears_whole_with_its_folder(tmp_path: Path) -> None:
    """Written, replaced, and nothing else lies beside it."""
    path = tmp_path / "a/b/manifest.json"
    for content in (b"one", b"two"):
        write_atomically(path, content)
        assert path.read_bytes() == content
    assert list(path.parent.iterdir()) == [path]


def test_content_is_on_disk_before_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """fsync of the file, then the rename, then fsync of the folder."""
    done: list[str] = []
    sync, replace = os.fsync, Path.replace

    def noted_sync(descriptor: int) -> None:
        done.append("sync")
        sync(descriptor)

    def noted_replace(self: Path, target: Path) -> Path:
        done.append("rename")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", noted_sync)
    monkeypatch.setattr(Path, "replace", noted_replace)
    write_atomically(tmp_path / "a", b"x")
    assert done == (["sync", "rename"] if os.name == "nt" else ["sync", "rename", "sync"])


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES])
def test_what_fails_halfway_leaves_the_old_file(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Readers see the old content, and no temporary file stays."""
    path = tmp_path / "manifest.json"
    write_atomically(path, b"old")

    def failing(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(OutputFolderError):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_can_t_be_made_is_an_error_in_words(tmp_path: Path) -> None:
    """A file stands where the folder should be."""
    (tmp_path / "outputs").write_text("a file")
    with pytest.raises(OutputFolderError) as caught:
        write_atomically(tmp_path / "outputs/board/manifest.json", b"x")
    assert "manifest.json" in caught.value.message


@pytest.mark.parametrize(
    ("number", "kind"),
    [(errno.ENOSPC, DiskFull), (errno.EDQUOT, DiskFull), (errno.EACCES, OutputFolderError)],
)
def test_a_full_disk_is_told_from_a_forbidden_folder(number: int, kind: type[OutputFolderError]) -> None:
    """Both end a run with exit code 7, each with its own advice."""
    error = unwritable(Path("/out/x"), OSError(number, os.strerror(number)))
    assert type(error) is kind
    assert (error.exit_code, str(Path("/out/x")) in error.message, bool(error.hint)) == (7, True, True)


@pytest.mark.skipif(os.name == "nt", reason="Windows syncs names by itself")
def test_file_systems_that_refuse_to_sync_a_folder_are_put_up_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some network shares do; the rename was atomic all the same."""

    def refusing(descriptor: int) -> None:
        raise OSError(errno.EINVAL, "")

    monkeypatch.setattr(os, "fsync", refusing)
    sync_folder(tmp_path)


@pytest.mark.parametrize(
    ("number", "hint"),
    [
        (errno.EMFILE, "ulimit -n"),
        (errno.ENFILE, "ulimit -n"),
        (errno.ENOLCK, "has no locks"),
        (errno.ENOSYS, "has no locks"),
        (errno.EOPNOTSUPP, "has no locks"),
        (errno.EROFS, "can only be read"),
        (errno.EACCES, "check the permissions"),
    ],
)
def test_what_to_do_about_a_file_that_can_t_be_written(number: int, hint: str) -> None:
    """Each cause has its own cure."""
    assert hint in str(unwritable(Path("/out/x"), OSError(number, os.strerror(number))).hint)


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
def test_a_link_to_nowhere_is_named(tmp_path: Path) -> None:
    """The outputs on a disk that isn't mounted: nothing is taken to be new, nothing is written, the link is told."""
    (tmp_path / "outputs").symlink_to("/nowhere/outputs")
    manifest = tmp_path / "outputs/board/manifest.json"
    told = "outputs: this is a link to '/nowhere/outputs'"
    with pytest.raises(OutputFolderError, match=told) as caught:
        check_missing(manifest)
    assert "disk that it is on" in str(caught.value.hint)
    with pytest.raises(OutputFolderError, match=told):
        write_atomically(manifest, b"x")


def test_the_drive_s_cache_is_emptied_where_fsync_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On macOS it takes another call; a file system that doesn't know that one gets fsync."""
    fcntl = pytest.importorskip("fcntl")
    done: list[str] = []
    monkeypatch.setattr(fcntl, "F_FULLFSYNC", 51, raising=False)
    monkeypatch.setattr(fcntl, "fcntl", lambda descriptor, number: done.append(f"full {number}"))
    monkeypatch.setattr(os, "fsync", lambda descriptor: done.append("fsync"))
    write_atomically(tmp_path / "a", b"x")
    assert done == ["full 51", "full 51"]

    def unknown(descriptor: int, number: int) -> None:
        raise OSError(errno.ENOTTY, "Inappropriate ioctl for device")

    monkeypatch.setattr(fcntl, "fcntl", unknown)
    sync(0)
    assert done[2:] == ["fsync"]


def test_a_system_without_fcntl_syncs(monkeypatch: pytest.MonkeyPatch) -> None:
    """As Windows is."""
    done: list[int] = []
    monkeypatch.setitem(sys.modules, "fcntl", None)
    monkeypatch.setattr(os, "fsync", done.append)
    sync(7)
    assert done == [7]


def test_windows_syncs_no_folder(tmp_path: Path) -> None:
    """It can't be opened there: nothing is tried."""
    sync_folder(tmp_path / "isn't there", system="nt")


@pytest.mark.parametrize("times", [1, 3])
def test_a_rename_that_windows_refuses_for_a_moment(times: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a virus scanner looks at the file it is tried again; elsewhere a refusal is one."""
    refusals, pauses = [times], list[float]()

    def replace(self: Path, target: Path) -> Path:
        refusals[0] -= 1
        if refusals[0] >= 0:
            raise PermissionError(errno.EACCES, "The process cannot access the file")
        return target

    monkeypatch.setattr(Path, "replace", replace)
    rename(Path("a"), Path("b"), system="nt", sleep=pauses.append)
    assert len(pauses) == times
    refusals[0] = 10_000
    pauses.clear()
    with pytest.raises(PermissionError):
        rename(Path("a"), Path("b"), system="nt", sleep=pauses.append)
    assert sum(pauses) == pytest.approx(SHARING_WITHIN, abs=0.2)
    pauses.clear()
    with pytest.raises(PermissionError):
        rename(Path("a"), Path("b"), system="posix", sleep=pauses.append)
    assert pauses == []
