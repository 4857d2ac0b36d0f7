"""Exact frames, posters and samples."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

import boards
from rivya_run.errors import RivyaError
from rivya_run.media.frames import frame, poster


def colour(path: Path) -> tuple[int, ...]:
    """The colour in the middle of a picture."""
    with Image.open(path) as image:
        found = image.convert("RGB").getpixel((image.width // 2, image.height // 2))
    assert isinstance(found, tuple)
    return tuple(int(level) for level in found)


def is_blue(path: Path) -> bool:
    """Whether the middle of a picture is the blue of boards.BLUE."""
    red, green, blue = colour(path)
    return blue > 180 and red < 90 and green < 110


@pytest.mark.parametrize("name", ["a.mp4", "a.webm", "a.mov"])
def test_the_last_frame_is_the_real_last_one(tmp_path: Path, name: str) -> None:
    """A clip that turns blue only in its last 8 frames gives blue as its last frame and not as its first."""
    codec = "libvpx-vp9" if name.endswith("webm") else "libx264"
    made = boards.clip(tmp_path / name, frames=60, codec=codec, blue_at_end=8)
    frame(made, "last", tmp_path / "last.png")
    frame(made, "first", tmp_path / "first.png")
    assert is_blue(tmp_path / "last.png")
    assert not is_blue(tmp_path / "first.png")


def test_seconds_give_the_frame_that_is_on_screen(tmp_path: Path) -> None:
    """At 30 frames a second with the last 8 of 60 blue, 1.72 s is before the change and 1.74 s after it."""
    made = boards.clip(tmp_path / "a.mp4", frames=60, blue_at_end=8, moving=False)
    frame(made, 1.72, tmp_path / "before.png")
    frame(made, 1.74, tmp_path / "after.png")
    frame(made, 2.0, tmp_path / "end.png")
    assert [is_blue(tmp_path / f"{name}.png") for name in ("before", "after", "end")] == [False, True, True]


def test_seconds_beyond_the_end_are_a_problem_that_names_the_length(tmp_path: Path) -> None:
    """A time after the last frame is refused with the clip's length, and nothing is written."""
    made = boards.clip(tmp_path / "a.mp4", frames=60)
    with pytest.raises(RivyaError, match=r"a\.mp4 is 2 s long, there is no frame at 3 s"):
        frame(made, 3, tmp_path / "none.png")
    assert not (tmp_path / "none.png").exists()


def test_a_still_is_its_own_every_frame(tmp_path: Path) -> None:
    """The frame of a picture is the picture, as PNG."""
    frame(boards.still(tmp_path / "a.jpg"), "last", tmp_path / "out" / "b.png")
    with Image.open(tmp_path / "out" / "b.png") as image:
        assert (image.format, image.size) == ("PNG", (160, 96))


@pytest.mark.parametrize("name", ["a.mp4", "a.png"])
def test_a_frame_of_a_broken_file_is_a_clear_problem(tmp_path: Path, name: str) -> None:
    """What can't be decoded is refused by name."""
    (tmp_path / name).write_bytes(b"not media at all")
    with pytest.raises(RivyaError, match=name):
        frame(tmp_path / name, "last", tmp_path / "out.png")


def test_a_sound_has_no_frame(tmp_path: Path) -> None:
    """A file without a picture is refused as such."""
    with pytest.raises(RivyaError, match="has no picture"):
        frame(boards.sound(tmp_path / "a.wav", "pcm_s16le"), "last", tmp_path / "out.png")


def test_a_poster_is_a_small_jpeg_in_the_shape_of_the_clip(tmp_path: Path) -> None:
    """Posters keep the ratio and are never wider than asked."""
    made = poster(boards.clip(tmp_path / "a.mp4"), 80)
    assert made is not None
    with Image.open(io.BytesIO(made)) as image:
        assert (image.format, image.size) == ("JPEG", (80, 48))
    assert poster(boards.sound(tmp_path / "a.wav", "pcm_s16le"), 80) is None
