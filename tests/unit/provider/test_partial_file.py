"""What an unfinished download leaves for the next run."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from rivya_run.provider.partial_file import PartialFile, Version

MIB = 1024 * 1024


def begun(path: Path, pieces: int) -> PartialFile:
    """A download of 64 MiB of which so many pieces of a MiB came."""
    part = PartialFile(path)
    part.restart(Version('"v1"', 64 * MIB), length=64 * MIB)
    for number in range(pieces):
        part.append(bytes([number]) * MIB)
    return part


@pytest.mark.parametrize(("pieces", "kept"), [(3, 0), (4, 4), (7, 4), (9, 8)])
def test_a_kill_has_at_most_four_mib_sent_again(tmp_path: Path, pieces: int, kept: int) -> None:
    """What the note tells of is gone on with; the bytes after it stay until others come."""
    folder = tmp_path / "running"
    folder.mkdir()
    running = begun(folder / "x.part", pieces)
    left = shutil.copytree(folder, tmp_path / "killed") / "x.part"
    running.close()
    again = PartialFile(left)
    again.reopen()
    assert again.size == kept * MIB
    assert left.stat().st_size == pieces * MIB
    again.close()


def test_a_download_that_breaks_off_is_gone_on_with_where_it_ended(tmp_path: Path) -> None:
    """Closed, the part's note tells of every byte."""
    path = tmp_path / "x.part"
    begun(path, 7).close()
    again = PartialFile(path)
    again.reopen()
    assert again.size == 7 * MIB
    again.close()
