"""What a stored file really is, as the manifest writes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from boards import clip, still
from rivya_run.media.facts import doubt_about
from rivya_run.media.measuring import Look, look_into, measured


def test_a_clip_is_measured(tmp_path: Path) -> None:
    """Size, length, rate, and that nothing is wrong with it."""
    found = measured(clip(tmp_path / "a.mp4"), None, {})
    assert found is not None
    assert (found["width"], found["height"], found["codec"]) == (160, 96, "h264")
    assert found["duration"] == pytest.approx(0.2, abs=0.01)
    assert found["checks"] == []


def test_a_picture_has_no_length(tmp_path: Path) -> None:
    """Only what is known is written."""
    found = measured(still(tmp_path / "a.png"), None, {})
    assert found is not None
    assert (found["width"], found["height"]) == (160, 96)
    assert "duration" not in found
    assert None not in found.values()


def test_a_doubt_is_written_down_with_or_without_measures(tmp_path: Path) -> None:
    """A file that came the same way twice and still looks torn."""
    path = tmp_path / "a.mp4"
    path.write_bytes(b"no clip at all")
    found = measured(path, "it ends early", {})
    assert found is not None
    assert found["doubt"] == "it ends early"


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv"])
def test_one_walk_says_the_same_as_several(tmp_path: Path, name: str) -> None:
    """Whole or cut short, a clip is judged and measured alike, however it is looked into."""
    path = clip(tmp_path / name)
    content = path.read_bytes()
    for share in (1.0, 0.9, 0.5, 0.1):
        path.write_bytes(content[: int(len(content) * share)])
        doubt = doubt_about(path)
        assert look_into(path, {}) == Look(doubt, measured(path, doubt, {}))
