"""One writer for an output folder."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rivya_run.errors import FolderLocked, OutputFolderError
from rivya_run.project.lock import HOLDER_NAME, exporting, locked, storyboard_locked, without_exports

HOLD = "import sys; from pathlib import Path; from rivya_run.project.lock import locked\n"
HOLD += "with locked(Path(sys.argv[1]), 'run x.yaml'):\n    print('held', flush=True); sys.stdin.read()"


def test_a_second_one_is_told_who_holds_it(tmp_path: Path) -> None:
    """Purpose and process are named, and that nothing is lost."""
    with locked(tmp_path, "run board.yaml"):
        with pytest.raises(FolderLocked) as caught, locked(tmp_path, "clean"):
            pass
        assert f"rivya-run run board.yaml (process {os.getpid()} on" in caught.value.message
        assert caught.value.exit_code == 7
    with locked(tmp_path, "clean"):
        assert "clean" in (tmp_path / HOLDER_NAME).read_text(encoding="utf-8")
    assert not (tmp_path / HOLDER_NAME).exists()


def test_it_is_released_when_the_work_fails(tmp_path: Path) -> None:
    """An error inside leaves the folder free."""
    with pytest.raises(ZeroDivisionError), locked(tmp_path, "run"):
        raise ZeroDivisionError
    with locked(tmp_path, "run"):
        pass


def test_death_releases_it(tmp_path: Path) -> None:
    """Held by another process until that is killed; what the dead one noted misleads nobody."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline().strip() == b"held"
        with pytest.raises(FolderLocked, match=f"process {holder.pid}"), locked(tmp_path, "run"):
            pass
    finally:
        holder.kill()
        holder.communicate()
    assert (tmp_path / HOLDER_NAME).exists()
    with locked(tmp_path, "run"):
        pass


@pytest.mark.parametrize("note", ["", "[]", "{}", "not json", '{"pid": 1}'])
def test_a_holder_that_can_t_be_read_is_another_process(note: str, tmp_path: Path) -> None:
    """The lock counts, not the note."""
    with locked(tmp_path, "run"):
        (tmp_path / HOLDER_NAME).write_text(note)
        with pytest.raises(FolderLocked, match="another process"), locked(tmp_path, "run"):
            pass


def test_the_folder_is_made_for_it(tmp_path: Path) -> None:
    """And where it can't be made, that is said."""
    with locked(tmp_path / "a/b", "run"):
        assert (tmp_path / "a/b").is_dir()
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputFolderError), locked(tmp_path / "file", "run"):
        pass


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_file_system_without_locks(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is done there without a lock: it is told, with what to do, and no library says a word of its own."""
    fcntl = pytest.importorskip("fcntl")

    def failing(file: object, how: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", failing)
    with pytest.raises(OutputFolderError) as caught, locked(tmp_path, "run"):
        raise AssertionError("it must not get here")
    assert not isinstance(caught.value, FolderLocked) and "has no locks" in str(caught.value.hint)


def test_a_system_without_flock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Windows is: exports and decisions go on, and nothing is cleaned that an export might be writing."""
    monkeypatch.setitem(sys.modules, "fcntl", None)
    board = tmp_path / "board.yaml"
    board.write_text("id: board\n")
    with exporting(tmp_path), without_exports(tmp_path) as alone:
        assert alone is False
    with storyboard_locked(board):
        assert board.read_text() == "id: board\n"
