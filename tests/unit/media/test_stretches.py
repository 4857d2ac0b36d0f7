"""What is wrong with clips, stills and sounds is found, and where."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import boards
import clip_kinds
from clip_kinds import ENCODINGS, Encoding, Moving, black_between, frozen_between, voice, write
from rivya_run.media.measuring import look_into

DELIVERED = [one for one in ENCODINGS if one.codec != "libvpx-vp9" and 24 <= one.rate <= 30]
"""Encodings as services deliver them; in the others noise hides that a picture is repeated."""

LIVELY = (
    *(clip_kinds.snow, clip_kinds.slow_pan, clip_kinds.breathing, clip_kinds.talking),
    *(clip_kinds.dark_scene, clip_kinds.fog, clip_kinds.slate),
)


def found(path: Path, **params: Any) -> list[tuple[Any, ...]]:
    """What is wrong with a file: the code, and from when to when."""
    media = look_into(path, params).media
    assert media is not None
    checks: Any = media["checks"]
    return [tuple(one[name] for name in ("check", "from", "to") if name in one) for one in checks]


@pytest.mark.parametrize("encoding", DELIVERED, ids=lambda one: one.name)
@pytest.mark.parametrize(
    ("fault", "seconds", "check", "begin", "end"),
    [
        (lambda moving: black_between(moving, 0, 9), 3.0, "black", 0.0, 3.0),
        (lambda moving: black_between(moving, 1, 2.25), 3.0, "black", 1.0, 2.25),
        (lambda moving: black_between(moving, 1.5, 9), 4.0, "black", 1.5, 4.0),
        (lambda moving: frozen_between(moving, 0, 9), 3.0, "frozen", 0.0, 3.0),
        (lambda moving: frozen_between(moving, 2, 9), 4.5, "frozen", 2.0, 4.5),
        (lambda moving: frozen_between(moving, 1, 4), 5.0, "frozen", 1.0, 4.0),
        (lambda moving: frozen_between(moving, 0, 2.75), 4.0, "frozen", 0.0, 2.75),
    ],
    ids=[
        "black",
        "black within",
        "black at the end",
        "frozen",
        "frozen from the middle on",
        "frozen within",
        "late",
    ],
)
def test_a_part_that_is_black_or_frozen_is_found(
    tmp_path: Path,
    encoding: Encoding,
    fault: Callable[[Moving], Moving],
    seconds: float,
    check: str,
    begin: float,
    end: float,
) -> None:
    """To a quarter of a second; where hardly anything moved before it froze, to half a second."""
    seed = ENCODINGS.index(encoding) + round(7 * begin + 3 * end)
    kind = LIVELY[seed % len(LIVELY)]
    clip = write(tmp_path / f"{kind.__name__}_{encoding.name}", fault(kind(seed)), encoding, seconds)
    [(code, since, until)] = found(clip, duration=seconds)
    assert code == check
    assert begin - 0.55 <= since <= begin + 0.3
    assert until == pytest.approx(end, abs=0.3)


def test_two_parts_are_two_verdicts(tmp_path: Path) -> None:
    """And what is black isn't frozen as well."""
    moving = clip_kinds.slow_pan(1)
    clip = write(tmp_path / "a.mp4", black_between(frozen_between(moving, 0, 2.5), 4, 5.5), seconds=7)
    assert [code for code, *_ in found(clip)] == ["black", "frozen"]


def test_a_still_that_is_held_in_a_video_is_called_frozen(tmp_path: Path) -> None:
    """Whether that is on purpose nobody can see: a person says so, with ``quiet: [frozen]``."""
    place = clip_kinds.scenery(3)
    assert found(write(tmp_path / "a.mp4", lambda at: place)) == [("frozen", 0.0, 3.0)]


def test_a_clip_that_is_short_or_of_another_shape_is_told(tmp_path: Path) -> None:
    """By what its pictures are, not by what its header says."""
    clip = write(tmp_path / "a.mp4", clip_kinds.slow_pan(1), seconds=2)
    assert found(clip, duration=5, aspect_ratio="9:16") == [("short",), ("ratio",)]


@pytest.mark.parametrize("faststart", [True, False])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_clip_that_is_cut_off_is_damaged(tmp_path: Path, faststart: bool, share: float) -> None:
    """Wherever its index is."""
    clip = boards.clip(tmp_path / "a.mp4", frames=60, faststart=faststart)
    clip.write_bytes(clip.read_bytes()[: int(clip.stat().st_size * share)])
    assert found(clip)[0] == ("damaged",)


def test_a_clip_that_does_not_decode_to_its_end_is_damaged(tmp_path: Path) -> None:
    """Although all of its bytes seem to be there: its second half is zeros."""
    clip = write(tmp_path / "a.mp4", clip_kinds.slow_pan(1), seconds=6)
    content = clip.read_bytes()
    begin = content.index(b"mdat") + 4
    media = int.from_bytes(content[begin - 8 : begin - 4]) - 8
    half = begin + media // 2
    clip.write_bytes(content[:half] + bytes(begin + media - half) + content[begin + media :])
    assert [code for code, *_ in found(clip)] == ["damaged"]


def test_a_long_clip_costs_no_more_than_a_part_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what isn't looked at nothing is said, and what was being seen when the looking ended is told up to there."""
    monkeypatch.setattr("rivya_run.media.stretches.MOST_PIXELS", 320 * 176 * 60)
    clip = write(tmp_path / "a.mp4", frozen_between(clip_kinds.slow_pan(1), 0, 9), seconds=8)
    [(code, since, until)] = found(clip, duration=8)
    assert (code, since) == ("frozen", 0.0)
    assert 2 < until < 7


@pytest.mark.parametrize(("level", "wrong"), [(0, [("black",)]), (60, [])])
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_a_still_may_be_black(tmp_path: Path, suffix: str, level: int, wrong: list[tuple[str]]) -> None:
    """A dark one isn't."""
    path = tmp_path / f"a{suffix}"
    Image.new("RGB", (160, 90), (level, level // 2, 0)).save(path)
    assert found(path) == wrong


def test_black_ink_on_nothing_is_not_black(tmp_path: Path) -> None:
    """What is transparent is whatever it is laid over."""
    Image.new("RGBA", (64, 64)).save(tmp_path / "a.png")
    assert found(tmp_path / "a.png") == []


@pytest.mark.parametrize(
    ("levels", "wrong"),
    [
        ((0.3, 0.3), []),
        ((0.3, 0, 0.3, 0.002), []),
        ((0, 0, 0), [("silent", 0.0, 3.0)]),
        ((0.3, 0, 0, 0, 0), [("silent", 1.0, 5.0)]),
        ((0.3, 0, 0, 0, 0, 0.3), [("silent", 1.0, 5.0)]),
    ],
)
@pytest.mark.parametrize(
    ("name", "codec"), [("a.wav", "pcm_s16le"), ("a.m4a", "aac"), ("a.mp3", "libmp3lame")]
)
def test_a_sound_may_be_silent(
    tmp_path: Path, name: str, codec: str, levels: tuple[float, ...], wrong: list[tuple[Any, ...]]
) -> None:
    """Pauses in speech are none; what is soft isn't silent."""
    heard = found(voice(tmp_path / name, levels, codec))
    assert len(heard) == len(wrong)
    for (code, *times), (expected, *expected_times) in zip(heard, wrong, strict=True):
        assert code == expected
        assert times == pytest.approx(expected_times, abs=0.15)


def test_a_clip_without_the_sound_that_was_asked_for_is_silent(tmp_path: Path) -> None:
    """One that nobody asked a sound of is not."""
    mute = boards.clip(tmp_path / "a.mp4", frames=30)
    assert found(mute) == []
    assert found(mute, generate_audio=True) == [("silent",)]
    assert found(boards.clip(tmp_path / "b.mp4", frames=30, sound="aac"), generate_audio=True) == []
