"""Size and length of simulated results, from params in every spelling of the tables."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rivya_run.json_types import Json
from rivya_run.models.catalog import load_catalog
from rivya_run.models.table import ModelTable
from rivya_run.simulator.slate import Framing, framing_of

CATALOG = load_catalog()


def _framing(model: str, **params: Json) -> Framing:
    table = CATALOG.get(model)
    assert table is not None
    return framing_of(table, params)


@pytest.mark.parametrize(
    ("model", "params", "size", "seconds"),
    [
        ("grok-imagine-video", {}, (480, 720), 6),
        (
            "grok-imagine-video",
            {"aspect_ratio": "16:9", "resolution": "720p", "duration": 30},
            (1280, 720),
            30,
        ),
        ("grok-imagine-video", {"duration": 0.2, "aspect_ratio": "1:1"}, (480, 480), 0.2),
        ("kling-3-0", {"duration": "15", "aspect_ratio": "9:16"}, (480, 854), 15),
        ("sora-2", {"aspect_ratio": "portrait", "n_frames": "15"}, (480, 854), 15),
        ("veo3-1-lite", {"aspectRatio": "Auto"}, (854, 480), 5),
        ("runway", {"aspectRatio": "4:3", "quality": "1080p"}, (1440, 1080), None),
        ("hailuo-standard", {"resolution": "512P"}, (910, 512), 6),
        ("seedream-4-0", {"image_size": "portrait_16_9", "image_resolution": "2K"}, (2048, 3640), 0),
        ("seedream-3-0", {"image_size": "square_hd"}, (1024, 1024), 0),
        ("nano-banana", {"imageSize": "3:2"}, (1536, 1024), 0),
        ("nano-banana-2", {"aspect_ratio": "8:1", "resolution": "4K"}, (4096, 512), 0),
        ("4o-image", {"size": "2:3"}, (1024, 1536), 0),
        ("elevenlabs-sound-effect-v2", {"duration_seconds": 0.5}, None, 0.5),
    ],
)
def test_params_say_size_and_length(
    model: str, params: dict[str, Json], size: tuple[int, int] | None, seconds: float | None
) -> None:
    """Aspect ratio, resolution and duration are found under each model's own names and words."""
    framing = _framing(model, **params)
    assert size is None or (framing.width, framing.height) == size
    assert seconds is None or framing.seconds == seconds


@pytest.mark.parametrize(
    ("model", "params", "extension"),
    [
        ("grok-imagine-video", {}, "mp4"),
        ("z-image", {}, "png"),
        ("nano-banana-2", {}, "jpg"),
        ("nano-banana", {"output_format": "jpeg"}, "jpg"),
        ("flux-kontext-max", {"outputFormat": "png"}, "png"),
        ("elevenlabs-sound-effect-v2", {"output_format": "mp3_44100_128"}, "mp3"),
        ("elevenlabs-sound-effect-v2", {"output_format": "opus_48000_64"}, "ogg"),
        ("elevenlabs-sound-effect-v2", {"output_format": "pcm_16000"}, "wav"),
        ("elevenlabs-turbo-2-5", {}, "wav"),
    ],
)
def test_params_say_the_format(model: str, params: dict[str, Json], extension: str) -> None:
    """Images and sounds come in the format asked for, videos as MP4, sounds of which nothing is said as WAV."""
    assert _framing(model, **params).extension == extension


@given(st.data())
def test_any_model_and_value_can_be_framed(data: st.DataObject) -> None:
    """Whatever the params hold, size is even, positive and within bounds, and length is sane."""
    table: ModelTable = data.draw(st.sampled_from(CATALOG.all()))
    values = st.one_of(st.text(max_size=8), st.integers(), st.floats(), st.booleans(), st.none())
    params: dict[str, Json] = {
        row.key: data.draw(st.one_of(st.sampled_from(row.options or ("",)), values)) for row in table.params
    }
    framing = framing_of(table, params)
    assert framing.width % 2 == framing.height % 2 == 0
    assert 2 <= framing.width <= 4096
    assert 2 <= framing.height <= 4096
    assert 0 <= framing.seconds <= 120
