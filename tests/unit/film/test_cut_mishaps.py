"""What may go wrong while a cut is written: nothing half is ever left, and the old cut stays."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import pytest

import boards
from rivya_run.durable import replacing
from rivya_run.errors import DiskFull
from rivya_run.film.cut import Cut, write_cut
from rivya_run.film.edit import Edit, edited
from rivya_run.film.from_manifest import script_of
from rivya_run.film.pictures import shown
from rivya_run.media.facts import doubt_about

Told = Callable[[str, float, float | None], None]


def film(folder: Path) -> Edit:
    """Three clips with sound, in a folder of their own."""
    return edited(script_of(boards.small_board(folder, frames=(9, 9, 9), sound="aac"), folder))


def beside(cut: Path) -> list[str]:
    return sorted(path.name for path in cut.parent.iterdir())


def once(what: str, act: Callable[[], Any]) -> Told:
    """Does something when a part of the work is first heard of."""
    heard: list[str] = []

    def progress(part: str, _done: float, _left: float | None) -> None:
        if part == what and not heard:
            heard.append(part)
            act()

    return progress


@pytest.mark.parametrize("labels", [False, True], ids=["copied", "encoded"])
@pytest.mark.parametrize("part", ["sound", "pictures"])
def test_ctrl_c_leaves_the_old_cut_and_nothing_else(tmp_path: Path, part: str, labels: bool) -> None:
    """While the sound is made, or the pictures."""
    (tmp_path / "out").mkdir()
    to = tmp_path / "out/cut.mp4"
    to.write_bytes(b"old")
    pressed = once(part, lambda: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        write_cut(film(tmp_path / "in"), to, labels=labels, progress=pressed)
    assert beside(to) == ["cut.mp4"] and to.read_bytes() == b"old"


def test_what_is_left_of_a_second_pass_is_guessed_by_its_own_time(tmp_path: Path) -> None:
    """Sound is mixed, measured and mixed again: nothing is guessed at the beginning of a pass."""
    told: list[tuple[str, float, float | None]] = []
    ticks = itertools.count()
    write_cut(
        film(tmp_path / "in"),
        tmp_path / "cut.mp4",
        progress=lambda *what: told.append(what),
        clock=lambda: float(next(ticks)),
    )
    anew = [now for before, now in itertools.pairwise(told) if before[0] == now[0] and now[1] < before[1]]
    assert anew and all(left is None for _, _, left in anew)


@pytest.mark.parametrize("labels", [False, True], ids=["copied", "encoded"])
@pytest.mark.parametrize("part", ["sound", "pictures"])
def test_two_exports_of_one_film_at_once_do_not_meet(tmp_path: Path, part: str, labels: bool) -> None:
    """Each has temporary files of its own: both end well, and the later one's cut is there."""
    edit, to = film(tmp_path / "in"), tmp_path / "out/cut.mp4"
    others: list[Cut] = []
    write_cut(
        edit,
        to,
        labels=labels,
        progress=once(part, lambda: others.append(write_cut(edit, to, labels=labels))),
    )
    assert len(others) == 1 and beside(to) == ["cut.mp4"]
    assert doubt_about(to) is None


def test_what_killed_exports_left_goes_after_a_day(tmp_path: Path) -> None:
    """What is younger may be another export at work."""
    to = tmp_path / "cut.mp4"
    for name, hours in (("1", 25), ("2.sound", 25), ("3", 1)):
        left = tmp_path / f".cut.mp4.{name}.tmp"
        left.write_bytes(b"half")
        os.utime(left, (time.time() - hours * 3600,) * 2)
    write_cut(film(tmp_path / "in"), to)
    assert beside(to) == [".cut.mp4.3.tmp", "cut.mp4", "in"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_a_full_disk_is_told_in_words(tmp_path: Path) -> None:
    """What FFmpeg says of a device without room becomes advice, and nothing stays."""
    to = tmp_path / "out/cut.mp4"
    frames = shown(film(tmp_path / "in"))
    with pytest.raises(DiskFull) as caught, replacing(to), av.open("/dev/full", "w", format="mp4") as out:
        stream = out.add_stream("mpeg4", rate=30)
        for frame in frames:
            out.mux(stream.encode(frame))
    assert "the disk is full" in caught.value.message and "free some space" in (caught.value.hint or "")
    assert beside(to) == []


LIMITED = """
import resource, sys
from pathlib import Path
from rivya_run.errors import OutputFolderError
from rivya_run.film.clips import footage_of
from rivya_run.film.cut import write_cut
from rivya_run.film.edit import edited
from rivya_run.film.script import PictureShot, Script

to, most, labels, *clips = sys.argv[1:]
shots = [PictureShot(id=f"s{n}", footage=footage_of(Path(clip), "video")) for n, clip in enumerate(clips)]
resource.setrlimit(resource.RLIMIT_FSIZE, (int(most), resource.RLIM_INFINITY))
try:
    write_cut(edited(Script(tuple(shots))), Path(to), labels=labels == "labels")
except OutputFolderError as error:
    print(error.message)
else:
    print("written")
"""
"""A process that may write no file larger than so many bytes: the system refuses the write in the middle."""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such limit")
@pytest.mark.parametrize("labels", ["plain", "labels"])
@pytest.mark.parametrize("most", [100, 5_000, 20_000])
def test_a_write_that_the_system_refuses_leaves_nothing_half(tmp_path: Path, most: int, labels: str) -> None:
    """In the sound, in the pictures or when all is put together; the error names the cut and no clip."""
    edit, to = film(tmp_path / "in"), tmp_path / "out/cut.mp4"
    to.parent.mkdir()
    to.write_bytes(b"old")
    clips = [str(piece.shot.footage.file) for piece in edit.pieces if piece.shot.footage is not None]
    command = [sys.executable, "-c", LIMITED, str(to), str(most), labels, *clips]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout
    assert "cut.mp4: can't be written: File too large" in said
    assert beside(to) == ["cut.mp4"] and to.read_bytes() == b"old"
