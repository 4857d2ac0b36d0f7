"""Simulated sounds: speech with words and pauses, effects, music, the sound of a scene."""

from __future__ import annotations

import io
import math
from array import array
from itertools import groupby, pairwise
from pathlib import Path

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rivya_run.json_types import Json
from rivya_run.media.facts import facts
from rivya_run.models.catalog import load_catalog
from rivya_run.models.table import ModelTable, Track
from rivya_run.simulator.clips import Result, render
from rivya_run.simulator.render_cache import result_of
from rivya_run.simulator.slate import Framing, Slate, framing_of
from rivya_run.simulator.sounds import SimulatedSound, SoundKind, SpokenLine, sound_format, sound_kind
from rivya_run.simulator.tasks import SimulatedTask

CATALOG = load_catalog()
SLATE = Slate("sh010", "", "", "", "", "", "")
SPEECH, EFFECT, DIALOGUE = "elevenlabs-turbo-2-5", "elevenlabs-sound-effect-v2", "elevenlabs-dialogue-v3"
TEXT = "Every morning begins the same way: one button, one cup, and a little silence. Ready? Then let us go."
RATE = 12_000  # of samples that are looked at without a file
WORDS = st.lists(st.text("abcdefghijklmnopqrstuvwxyzäß", min_size=1, max_size=12), min_size=2, max_size=20)


def _result(model: str, params: dict[str, Json], prompt: str | None = TEXT, key: str = "k") -> Result:
    task = SimulatedTask(
        *("task_1", "a", 1, key, "", model, prompt, params, None, 0, 0, 0, 0, None),
        charged=False,
        files=1,
    )
    return result_of(task, 1, CATALOG.get(model), {})


def _heard(content: bytes) -> tuple[array[int], int]:
    """All samples of a file, as a decoder gives them, and how many there are in a second."""
    heard = array("h")
    with av.open(io.BytesIO(content), "r") as container:
        stream = container.streams.audio[0]
        to_mono = av.AudioResampler("s16", "mono", stream.rate)
        for frame in container.decode(stream):
            for piece in to_mono.resample(frame):
                heard.frombytes(bytes(piece.planes[0])[: 2 * piece.samples])
        return heard, stream.rate


def _made(
    kind: SoundKind, seconds: float, *lines: SpokenLine, seed: str = "k/1", rate: int = RATE
) -> array[int]:
    heard = array("h")
    for piece in SimulatedSound(kind, seed, lines).samples(round(seconds * rate), rate):
        heard.extend(piece)
    return heard


def _crest(samples: array[int]) -> float:
    """Peak to RMS in dB."""
    power = sum(sample * sample for sample in samples) / len(samples)
    return 20 * math.log10(max(map(abs, samples)) / math.sqrt(power))


def _pauses(samples: array[int], rate: int) -> list[float]:
    """Seconds of each pause: 20 ms or more of digital silence."""
    runs = [(silent, len(list(run))) for silent, run in groupby(samples, lambda sample: sample == 0)]
    return [length / rate for silent, length in runs if silent and length >= rate // 50]


def _pitch(samples: array[int], rate: int) -> float:
    """Periods a second, by the shift at which the first 0.1 s is most like itself."""
    part = samples[rate // 20 : rate // 20 * 3]
    shifts = range(rate // 400, rate // 70)
    likeness = {shift: sum(map(int.__mul__, part, part[shift:])) / (len(part) - shift) for shift in shifts}
    return rate / max(likeness, key=lambda shift: likeness[shift])


@pytest.mark.parametrize("output_format", [None, "pcm_16000", "mp3_44100_128", "opus_48000_64", "ulaw_8000"])
def test_speech_lasts_15_characters_a_second(output_format: str | None, tmp_path: Path) -> None:
    """In every format it lasts what the text says, to a frame of the codec, with words and pauses."""
    kept = sound_format({} if output_format is None else {"output_format": output_format})
    content = render(Result(_result(SPEECH, {}).framing, SLATE, _result(SPEECH, {}).sound, kept))
    samples, rate = _heard(content)
    frame = {"mp3": 1152 / 44_100, "ogg": 0.02}.get(kept.extension, 1 / rate)
    assert len(samples) / rate == pytest.approx(len(TEXT) / 15, abs=frame)
    assert _crest(samples) > 10
    (tmp_path / "voice").write_bytes(content)
    found = facts(tmp_path / "voice")
    assert found is not None and found.duration is not None
    assert found.kind == "audio"
    assert found.duration == pytest.approx(len(TEXT) / 15, abs=2 * frame)


@settings(max_examples=25, deadline=None)
@given(WORDS)
def test_any_text_is_words_between_pauses(words: list[str]) -> None:
    """As many samples as its characters need, a pause for each space, and a crest factor over 10 dB."""
    text = " ".join(words)
    result = _result(SPEECH, {}, text)
    assert result.sound is not None
    assert result.framing.seconds == pytest.approx(len(text) / 15)
    samples = _made("speech", result.framing.seconds, *result.sound.lines)
    assert len(samples) == round(len(text) / 15 * RATE)
    assert len(_pauses(samples, RATE)) == len(words) - 1
    assert _crest(samples) > 10


def test_pauses_follow_the_punctuation() -> None:
    """A pause at a comma is longer than at a space, and longest where a sentence ends."""
    text = "one two, three. four"
    space, comma, stop = _pauses(_made("speech", len(text) / 15, SpokenLine("a", text)), RATE)
    assert space < comma / 2 < stop / 3


def test_speech_begins_at_once() -> None:
    """The first word is heard within 10 ms, so that a voice is where a film puts it."""
    samples = _made("speech", len(TEXT) / 15, SpokenLine("a", TEXT))
    assert max(map(abs, samples[: RATE // 100])) > 500


def test_voices_have_pitches_of_their_own() -> None:
    """Voices of a table are told apart by pitch, and all of them are those of people."""
    row = next(row for table in CATALOG.all() for row in table.params if row.key == "default_voice")
    voices = row.options or ()
    pitches = sorted(_pitch(_made("speech", 0.4, SpokenLine(voice, "aaa aaa")), RATE) for voice in voices)
    assert 85 < pitches[0] < 120
    assert 170 < pitches[-1] < 260
    assert sum(high / low > 1.01 for low, high in pairwise(pitches)) > len(voices) / 2


@pytest.mark.parametrize(
    ("model", "prompt", "params", "characters"),
    [
        (SPEECH, "[softly]  Good\n morning [laughs] .", {}, len("Good morning .")),
        (SPEECH, "Good morning", {"speed": 1.2}, len("Good morning") / 1.2),
        (SPEECH, "[laughs]", {}, 2),
        (SPEECH, "...", {}, 2),
        (SPEECH, "早上好，世界。", {}, 7),
        (DIALOGUE, None, {"dialogue": [{"text": "[shouts] Hello"}, {"voice": "Alice", "text": "Yes?"}]}, 9),
    ],
)
def test_only_what_is_said_takes_time(
    model: str, prompt: str | None, params: dict[str, Json], characters: float
) -> None:
    """Stage directions and spare blanks take none, the speed counts, and a text without words is a hm."""
    result = _result(model, params, prompt)
    assert result.framing.seconds == pytest.approx(characters / 15)
    assert max(_heard(render(result))[0]) > 1000


def test_each_line_of_a_dialogue_has_its_voice() -> None:
    """A line is said by whom it names, or else by the default voice."""
    result = _result(DIALOGUE, {"dialogue": [{"text": "Hi"}, {"voice": "Alice", "text": "Yes"}]}, None)
    assert result.sound is not None
    assert result.sound.lines == (SpokenLine("Adam", "Hi"), SpokenLine("Alice", "Yes"))


@pytest.mark.parametrize(
    ("model", "params"), [(SPEECH, {}), (EFFECT, {}), ("seedance-2", {"resolution": "480p", "duration": 4})]
)
def test_same_task_is_the_same_bytes(model: str, params: dict[str, Json]) -> None:
    """Rendered again a sound is byte for byte the same; another task's is another."""
    content = render(_result(model, params, "A door falls shut"))
    assert content == render(_result(model, params, "A door falls shut"))
    assert content != render(_result(model, params, "A door falls shut", key="other"))


@pytest.mark.parametrize(
    ("output_format", "codec", "rate"),
    [
        ("mp3_44100_128", "mp3", 44_100),
        ("mp3_22050_32", "mp3", 22_050),
        ("pcm_8000", "pcm_s16le", 8_000),
        ("pcm_48000", "pcm_s16le", 48_000),
        ("ulaw_8000", "pcm_mulaw", 8_000),
        ("alaw_8000", "pcm_alaw", 8_000),
        ("opus_48000_32", "opus", 48_000),
    ],
)
def test_effects_come_as_asked(output_format: str, codec: str, rate: int) -> None:
    """An effect has its length, its format and its rate; it swells and dies away."""
    content = render(_result(EFFECT, {"duration_seconds": 2.5, "output_format": output_format}))
    with av.open(io.BytesIO(content), "r") as container:
        stream = container.streams.audio[0]
        assert (stream.codec_context.name.removesuffix("float"), stream.rate) == (codec, rate)
    samples, _ = _heard(content)
    assert len(samples) / rate == pytest.approx(2.5, abs=1152 / rate)
    assert 1000 < max(samples) < 12_000
    loudest = max(
        range(0, len(samples), rate // 10), key=lambda at: sum(map(abs, samples[at : at + rate // 10]))
    )
    assert 0.2 < loudest / len(samples) < 0.7
    assert max(samples[: rate // 100]) < 1500 and max(samples[-rate // 20 :]) < 500


def test_every_table_of_sound_can_be_heard() -> None:
    """Each format of each table of a sound model gives a file that can be decoded."""
    for table in CATALOG.all():
        formats = next((row.options for row in table.params if row.key == "output_format"), None)
        for output_format in (formats or ()) if table.category == "audio" else ():
            content = render(_result(table.id, {"duration_seconds": 0.5, "output_format": output_format}))
            assert len(_heard(content)[0]) > 0, output_format


@pytest.mark.parametrize(
    "asked", ["mp3_99999_999", "opus_8000_1", "mp3_8000_320", "flac", "aac_1", "", "mp3"]
)
def test_odd_formats_can_be_heard_too(asked: str) -> None:
    """A project's table may name formats that no encoder knows: the nearest one is taken, or WAV."""
    kept = sound_format({"outputFormat": asked})
    sound = SimulatedSound("effect", "k/1")
    assert len(_heard(render(Result(Framing(2, 2, 0.5, kept.extension), SLATE, sound, kept)))[0]) > 0


@pytest.mark.parametrize(
    ("track", "kind"), [("voice", "speech"), ("music", "music"), ("effects", "effect"), (None, "effect")]
)
def test_table_says_what_a_model_sounds_like(track: Track | None, kind: SoundKind) -> None:
    """A model speaks, plays or makes noise by the track of its table; music without a length lasts half a minute."""
    table = ModelTable("x", "X", "audio", complete=True, params=(), track=track)
    assert sound_kind(table, {}) == kind
    assert framing_of(table, {}, "a" * 30).seconds == {"speech": 2, "music": 30, "effect": 3}[kind]


@pytest.mark.parametrize("seconds", [0.5, 3.0, 20.0])
def test_music_is_chords_that_fade_at_the_end(seconds: float) -> None:
    """Music lasts as long as asked, changes its chord every two seconds, and ends softly."""
    samples = _made("music", seconds)
    assert len(samples) == round(seconds * RATE)
    assert 5000 < max(samples) < 10_000
    assert max(map(abs, samples[-RATE // 100 :])) < 500
    roots = {round(_pitch(samples[at : at + RATE], RATE)) for at in range(0, len(samples) - RATE, 2 * RATE)}
    assert len(roots) >= min(3, seconds // 2)


@pytest.mark.parametrize(
    ("model", "params", "sound"),
    [
        ("kling-2-6", {"sound": "true"}, True),
        ("kling-2-6", {}, False),
        ("seedance-1-5-pro", {"generate_audio": "true"}, True),
        ("seedance-1-5-pro", {"generate_audio": "false"}, False),
        ("seedance-2", {}, True),
        ("seedance-2", {"generate_audio": "false"}, False),
        ("happyhorse-1-0", {"audio_setting": "origin"}, True),
        ("happyhorse-1-0", {}, False),
        ("grok-imagine-video", {}, False),
    ],
)
def test_clips_have_sound_where_it_was_asked_for(model: str, params: dict[str, Json], sound: bool) -> None:
    """By the params and their defaults a clip has a stream of sound or none at all."""
    asked = _result(model, params)
    content = render(Result(Framing(64, 64, 0.5, "mp4"), SLATE, asked.sound))
    with av.open(io.BytesIO(content), "r") as container:
        assert bool(container.streams.audio) is sound


@pytest.mark.parametrize("seconds", [0.04, 0.37, 1.0, 2.5])
def test_sound_of_a_clip_is_as_long_as_its_picture(seconds: float) -> None:
    """Sound ends with the picture, and a tone begins with each second of the timecode."""
    content = render(Result(Framing(64, 64, seconds, "mp4"), SLATE, SimulatedSound("scene", "k/1")))
    with av.open(io.BytesIO(content), "r") as container:
        assert container.duration == pytest.approx(seconds * 1_000_000, abs=500)
    samples, rate = _heard(content)
    assert len(samples) / rate == pytest.approx(seconds, abs=1024 / rate)
    for second in range(1, math.ceil(seconds)):
        before, after = samples[second * rate - 2400 : second * rate - 240], samples[second * rate :][:2400]
        assert max(after) > 4 * max(before)
