"""Simulated results are real media files of the asked size and length."""

from __future__ import annotations

import io
import wave
from fractions import Fraction

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from rivya_run.simulator.clips import Result, frame_rate, padded, placeholder, render, timecode
from rivya_run.simulator.slate import Framing, Slate, bar_field, clock_field, draw_slate
from rivya_run.simulator.sounds import SimulatedSound, SoundKind, SpokenLine

SLATE = Slate("sh010", "scene intro", "take 2", "A slow push-in", "grok-imagine-video", "duration 6", "intro")


def _pictures(content: bytes) -> tuple[list[Image.Image], float, float]:
    with av.open(io.BytesIO(content), "r") as container:
        stream = container.streams.video[0]
        frames = container.decode(stream)
        pictures: list[Image.Image] = [frame.to_image() for frame in frames]  # type: ignore[no-untyped-call]
        duration, base = stream.duration, stream.time_base
        assert container.duration is not None
        assert duration is not None
        assert base is not None
        return pictures, container.duration / 1_000_000, float(duration * base)


@pytest.mark.parametrize(
    ("width", "height", "seconds", "frames"),
    [(480, 720, 1, 24), (854, 480, 0.2, 5), (64, 64, 0.3, 9), (128, 96, 0.37, 9), (1280, 720, 0.04, 1)],
)
def test_clip_has_the_asked_size_and_length(width: int, height: int, seconds: float, frames: int) -> None:
    """Size and length are exact, below a second too, and every frame can be decoded."""
    content = render(Result(Framing(width, height, seconds, "mp4"), SLATE))
    pictures, whole, video = _pictures(content)
    assert {picture.size for picture in pictures} == {(width, height)}
    assert len(pictures) == frames
    assert whole == pytest.approx(seconds, abs=0.0005)
    assert video == pytest.approx(seconds, abs=0.0005)
    assert content.index(b"moov") < content.index(b"mdat")


def test_clip_runs() -> None:
    """The timecode changes from frame to frame and the bar grows, while the rest stands still."""
    pictures, _, _ = _pictures(render(Result(Framing(480, 480, 1, "mp4"), SLATE)))
    clock, bar = clock_field(480, 480), bar_field(480, 480)
    first, last = pictures[0].convert("L"), pictures[-1].convert("L")
    box = (clock.left, clock.top, clock.left + clock.width, clock.top + clock.height)
    assert first.crop(box).tobytes() != last.crop(box).tobytes()
    middle = (bar.left + bar.width // 2, bar.top + bar.height // 2)
    dark, bright = first.getpixel(middle), last.getpixel(middle)
    assert isinstance(dark, int)
    assert isinstance(bright, int)
    assert bright - dark > 100


def test_same_result_is_the_same_bytes() -> None:
    """Rendered again, a clip is byte for byte the same: ranges of it fit together."""
    result = Result(Framing(480, 480, 0.5, "mp4"), SLATE)
    assert render(result) == render(result)
    other = Result(Framing(480, 480, 0.5, "mp4"), Slate("sh020", "", "", "", "", "", ""))
    assert render(result) != render(other)


@pytest.mark.parametrize(("extension", "kind"), [("png", "PNG"), ("jpg", "JPEG"), ("webp", "WEBP")])
def test_pictures_come_in_their_format(extension: str, kind: str) -> None:
    """An image model's result is an image of the asked format and size."""
    image = Image.open(io.BytesIO(render(Result(Framing(256, 128, 0, extension), SLATE))))
    assert (image.format, image.size) == (kind, (256, 128))


@pytest.mark.parametrize("kind", ["speech", "effect", "music"])
def test_sound_is_a_wav_of_its_length(kind: SoundKind) -> None:
    """A sound model's result is a WAV that lasts as long as asked, not silent, not loud."""
    sound = SimulatedSound(kind, "", (SpokenLine("", "so be it"),))
    with wave.open(io.BytesIO(render(Result(Framing(2, 2, 0.5, "wav"), SLATE, sound)))) as file:
        assert file.getnframes() / file.getframerate() == 0.5
        samples = memoryview(file.readframes(8000)).cast("h")
        assert 1000 < max(samples) < 10_000


def test_padded_placeholder_still_plays() -> None:
    """For load tests a clip can be of any size and still be whole."""
    content = padded(placeholder(), 100_000, "task/1")
    assert len(content) == 100_000
    assert content != padded(placeholder(), 100_000, "task/2")
    assert len(_pictures(content)[0]) == 12
    with av.open(io.BytesIO(content[:50_000]), "r") as container:
        assert container.duration == 500_000
        assert sum(packet.size for packet in container.demux()) == 0


@given(st.decimals(min_value="0.01", max_value="60", places=2))
def test_frames_fill_the_length_exactly(seconds: object) -> None:
    """Frames at their rate last what was asked, to a millisecond."""
    rate, frames = frame_rate(float(str(seconds)))
    assert abs(Fraction(frames) / rate - Fraction(str(seconds))) < Fraction(1, 1000)


def test_timecode_counts_frames_within_the_second() -> None:
    """Hours, minutes, seconds and frames, from zero."""
    codes = [timecode(frame, Fraction(24)) for frame in (0, 23, 24, 24 * 61 + 5)]
    assert codes == ["00:00:00:00", "00:00:00:23", "00:00:01:00", "00:01:01:05"]


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=120), st.sampled_from([(480, 480), (854, 480), (480, 854), (2, 2), (64, 512)]))
def test_any_text_can_be_drawn(text: str, size: tuple[int, int]) -> None:
    """No prompt, in whatever script, with whatever control characters, keeps a slate from being drawn."""
    slate = Slate(text, text, text[:20], text, text, text, text)
    assert draw_slate(slate, *size).size == size


@pytest.mark.parametrize(
    "text",
    [
        "বাংলা প্রম্পট",
        "العربية",
        "\u202egnp.exe",
        "👩‍👩‍👧‍👦🏳️‍🌈",
        "\x1b[31mred",
        "x" * 20_000,
        "中文 字幕",
        "\ud800",
        "a\u0301" * 500,
    ],
)
def test_hard_texts_can_be_drawn(text: str) -> None:
    """Other scripts, emoji, overrides of direction, escapes, endless words, lone surrogates: all drawn."""
    draw_slate(Slate(text, text, "take 1", text, text, text, text), 480, 480)


def test_slate_is_legible_at_480p() -> None:
    """The prompt fills a good part of the picture, in ink far brighter than the ground."""
    image = draw_slate(SLATE, 854, 480).convert("L")
    ground, ink = image.getpixel((1, 1)), max(image.tobytes())
    assert isinstance(ground, int)
    assert ink - ground > 120
    prompt = image.crop((0, 100, 854, 300)).point([255 * (value > 150) for value in range(256)])
    box = prompt.getbbox()
    assert box is not None
    assert box[3] - box[1] >= 20
