"""The cut: chosen takes one after the other."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

import boards
from rivya_run.errors import RivyaError
from rivya_run.film.cut import Cut, write_cut
from rivya_run.film.edit import edited
from rivya_run.film.from_manifest import script_of
from rivya_run.media.facts import doubt_about, facts
from rivya_run.media.frames import frame


def lasts(path: Path) -> tuple[float, ...]:
    """How long the picture and the sound of a file last, in seconds."""
    found = facts(path)
    assert found is not None and found.duration is not None
    if not found.audio:
        return (found.duration,)
    with av.open(str(path)) as container:
        track = container.streams.audio[0]
        assert track.duration is not None and track.time_base is not None
        return found.duration, float(track.duration * track.time_base)


def cut_of(
    board: dict[str, Any], folder: Path, to: Path, *, slates: bool = False, labels: bool = False
) -> Cut:
    """The cut of a board in its folder."""
    return write_cut(edited(script_of(board, folder, slates=slates)), to, labels=labels)


def colour_at(path: Path, seconds: float, to: Path) -> tuple[int, ...]:
    """The colour near the right edge of the frame at a time."""
    frame(path, seconds, to)
    with Image.open(to) as image:
        found = image.convert("RGB").getpixel((image.width - 6, image.height // 2))
    assert isinstance(found, tuple)
    return tuple(int(level) for level in found)


def test_three_short_clips_of_one_make_are_copied_and_last_their_sum(tmp_path: Path) -> None:
    """Three clips of 0.1 s make a cut of 0.3 s, picture and sound, without a new encoding."""
    board = boards.small_board(tmp_path, frames=(3, 3, 3), sound="aac")
    cut = cut_of(board, tmp_path, tmp_path / "cut.mp4")
    assert cut.copied
    assert cut.seconds == pytest.approx(0.3)
    assert lasts(cut.path) == pytest.approx((0.3, 0.3), abs=1 / 48_000)
    assert doubt_about(cut.path) is None
    found = facts(cut.path)
    assert found is not None and (found.width, found.height, found.frames) == (160, 96, 9)
    assert sorted(tmp_path.glob("*.part")) == []


def test_clips_of_different_makes_are_encoded_into_one(tmp_path: Path) -> None:
    """Another size, codec and rate join in the commonest size and rate, and the length stays the sum."""
    board = boards.small_board(tmp_path, frames=(30, 30))
    boards.clip(tmp_path / "c.webm", frames=12, rate=24, size=(96, 160), codec="libvpx-vp9", sound="libopus")
    odd = boards.take(shot="sh030", outputs=[boards.output(tmp_path, "c.webm")])
    board["shots"].append(boards.shot("sh030", [odd]))
    cut = cut_of(board, tmp_path, tmp_path / "cut.mp4")
    assert not cut.copied
    found = facts(cut.path)
    assert found is not None
    assert (found.width, found.height, found.frame_rate, found.audio) == (160, 96, 30.0, True)
    assert lasts(cut.path) == pytest.approx((2.5, 2.5), abs=0.001)


def test_a_cut_shows_the_clips_in_storyboard_order(tmp_path: Path) -> None:
    """The picked take of each shot is on screen in its own time."""
    boards.clip(tmp_path / "a1.mp4", frames=15, colour=(250, 0, 0), moving=False)
    boards.clip(tmp_path / "a2.mp4", frames=15, colour=(0, 250, 0), moving=False)
    boards.clip(tmp_path / "b1.mp4", frames=15, colour=(0, 0, 250), moving=False)
    takes = [boards.take(n, outputs=[boards.output(tmp_path, f"a{n}.mp4")]) for n in (1, 2)]
    second = boards.take(shot="sh020", outputs=[boards.output(tmp_path, "b1.mp4")])
    board = boards.manifest([boards.shot("sh010", takes, pick=2), boards.shot("sh020", [second])])
    for name, labels in (("copied.mp4", False), ("encoded.mp4", True)):
        cut = cut_of(board, tmp_path, tmp_path / name, labels=labels)
        assert cut.copied is not labels
        assert colour_at(cut.path, 0.25, tmp_path / "x.png")[1] > 150
        assert colour_at(cut.path, 0.75, tmp_path / "x.png")[2] > 150


def test_slates_stand_in_for_missing_shots_and_stills_are_held(tmp_path: Path) -> None:
    """A missing shot is named, or with slates shown for 2 s; a still is shown for 2 s; a sound is heard."""
    board = boards.small_board(tmp_path, frames=(15,))
    boards.still(tmp_path / "k.png", size=(300, 300))
    boards.sound(tmp_path / "m.wav", "pcm_s16le")
    for name, file in (("key", "k.png"), ("music", "m.wav")):
        made = boards.take(shot=name, outputs=[boards.output(tmp_path, file)])
        board["shots"].append(boards.shot(name, [made]))
    board["shots"].append(boards.shot("sh090", [boards.take(1, "failed", shot="sh090")]))
    board["shots"].append(boards.shot("sh099", [boards.take(1, "planned")], skipped=True))
    cut = cut_of(board, tmp_path, tmp_path / "cut.mp4")
    assert cut.notices == ("sh090 has no finished take and is left out",)
    assert lasts(cut.path)[0] == pytest.approx(2.5)
    slated = cut_of(board, tmp_path, tmp_path / "slated.mp4", slates=True, labels=True)
    assert slated.notices == ()
    assert lasts(slated.path)[0] == pytest.approx(4.5)


def test_nothing_to_cut_is_a_clear_problem(tmp_path: Path) -> None:
    """A board without a finished take, or whose file is gone, is refused; an old cut stays."""
    (tmp_path / "cut.mp4").write_bytes(b"old")
    gone = boards.take(outputs=[{"path": "gone.mp4", "mime_type": "video/mp4"}])
    for takes in ([boards.take(1, "failed")], [gone]):
        with pytest.raises(RivyaError, match="there is nothing to export"):
            cut_of(boards.manifest([boards.shot("a", takes)]), tmp_path, tmp_path / "cut.mp4")
    assert (tmp_path / "cut.mp4").read_bytes() == b"old"


def test_a_broken_clip_is_named_and_left_out(tmp_path: Path) -> None:
    """A file that is no clip is told by its name; the film goes on without it."""
    board = boards.small_board(tmp_path, frames=(3, 3))
    broken = tmp_path / board["shots"][0]["takes"][0]["outputs"][0]["path"]
    broken.write_bytes(b"nothing at all")
    cut = cut_of(board, tmp_path, tmp_path / "cut.mp4")
    assert cut.notices == (f"sh010 ({broken.name}) can't be read and is left out",)
    assert lasts(cut.path)[0] == pytest.approx(0.1)


MEASURED = """
import sys
from fractions import Fraction
from pathlib import Path
from rivya_run.film.clips import footage_of
from rivya_run.film.cut import write_cut
from rivya_run.film.edit import edited
from rivya_run.film.script import Mix, PictureShot, Script, Transition

to, clip, count, how = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
footage = footage_of(clip, "video")
dissolve = Transition("dissolve", Fraction(1, 30)) if how == "dissolved" else None
shots = [PictureShot(id=f"s{n}", footage=footage, transition=dissolve) for n in range(count)]
mix = Mix(loudness=-14 if how == "copied" else None)  # measured once is enough
cut = write_cut(edited(Script(tuple(shots), mix=mix)), to)
assert cut.copied is (how == "copied")
status = Path("/proc/self/status").read_text()
print(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
"""
"""The peak memory, in KiB, of a process that cuts a film of so many clips with sound.

getrusage would tell the peak of pytest, from which the process was forked, where that is higher.
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc")
@pytest.mark.parametrize("how", ["copied", "dissolved"])
def test_a_film_of_many_clips_takes_no_more_memory_than_one_of_few(tmp_path: Path, how: str) -> None:
    """From 30 to 300 clips: only what is on screen is open."""
    path = boards.clip(tmp_path / "a.mp4", frames=3, sound="aac")
    peaks = []
    for count in (30, 300):
        command = [sys.executable, "-c", MEASURED, str(tmp_path / "cut.mp4"), str(path), str(count), how]
        said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout
        peaks.append(int(said))
    # A clip that stayed open would hold a decoder with its frames, a megabyte and more even at this size; what grows
    # by right are a few hundred bytes for each shot and each packet.
    assert (peaks[1] - peaks[0]) / 270 < 64, peaks
