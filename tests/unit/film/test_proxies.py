"""Small copies: what a page holds that is sent around."""

from __future__ import annotations

from pathlib import Path

import av
import pytest
from PIL import Image

import boards
from rivya_run.errors import RivyaError
from rivya_run.film.cut import MADE_BY_AI
from rivya_run.film.proxies import write_proxy
from rivya_run.media.facts import facts


def test_a_clip_becomes_small_and_stays_as_long_as_it_is(tmp_path: Path) -> None:
    """At most 640 pixels and 30 pictures a second, H.264 in an MP4, with its sound; the clip isn't touched."""
    clip = boards.clip(tmp_path / "a.webm", frames=50, rate=50, size=(1280, 720), codec="libvpx-vp9")
    before = clip.read_bytes()
    write_proxy(clip, "video", tmp_path / "small.mp4", generated=True)
    found = facts(tmp_path / "small.mp4")
    assert found is not None
    assert (found.width, found.height, found.frame_rate, found.codec) == (640, 360, 25, "h264")
    assert found.duration == pytest.approx(1, abs=0.04) and not found.audio
    assert clip.read_bytes() == before


def test_a_tall_clip_keeps_its_shape_and_its_sound(tmp_path: Path) -> None:
    """No bars, even sides; what is small already isn't made larger."""
    clip = boards.clip(tmp_path / "a.mp4", frames=24, rate=24, size=(406, 720), sound="aac")
    write_proxy(clip, "video", tmp_path / "small.mp4", generated=True)
    found = facts(tmp_path / "small.mp4")
    assert found is not None and (found.width, found.height, found.audio) == (360, 640, True)
    write_proxy(tmp_path / "small.mp4", "video", tmp_path / "again.mp4", generated=True)
    found = facts(tmp_path / "again.mp4")
    assert found is not None and (found.width, found.height) == (360, 640)


@pytest.mark.parametrize("generated", [True, False])
def test_a_copy_says_that_its_clip_was_generated(tmp_path: Path, generated: bool) -> None:
    """As a cut does; one of people's own doesn't."""
    clip = boards.clip(tmp_path / "a.mp4")
    write_proxy(clip, "video", tmp_path / "small.mp4", generated=generated)
    with av.open(str(tmp_path / "small.mp4")) as copy:
        assert (copy.metadata.get("comment") == MADE_BY_AI) is generated


def test_a_sound_and_a_picture_become_small(tmp_path: Path) -> None:
    """AAC as long as the sound, and a JPEG that isn't wider than 960."""
    boards.sound(tmp_path / "a.wav", "pcm_s16le", 2.5)
    write_proxy(tmp_path / "a.wav", "audio", tmp_path / "a.m4a", generated=True)
    found = facts(tmp_path / "a.m4a")
    assert found is not None and (found.kind, found.codec) == ("audio", "aac")
    assert found.duration == pytest.approx(2.5, abs=0.05)
    assert (tmp_path / "a.m4a").stat().st_size < (tmp_path / "a.wav").stat().st_size / 4
    write_proxy(
        boards.still(tmp_path / "a.png", size=(2000, 1000)), "image", tmp_path / "a.jpg", generated=True
    )
    with Image.open(tmp_path / "a.jpg") as image:
        assert (image.format, image.size) == ("JPEG", (960, 480))


@pytest.mark.parametrize(("kind", "suffix"), [("video", "mp4"), ("audio", "m4a"), ("image", "jpg")])
def test_what_cannot_be_read_has_no_copy(tmp_path: Path, kind: str, suffix: str) -> None:
    """An error with its name, and nothing half is left."""
    (tmp_path / "broken.bin").write_bytes(b"nothing at all")
    with pytest.raises(RivyaError, match=r"broken\.bin"):
        write_proxy(tmp_path / "broken.bin", kind, tmp_path / f"to.{suffix}", generated=True)  # type: ignore[arg-type]
    assert [path.name for path in tmp_path.iterdir()] == ["broken.bin"]
