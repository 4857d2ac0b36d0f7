"""The sound of a cut, measured by ears that aren't FFmpeg's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

import boards
import meter
from rivya_run.film.clips import footage_of
from rivya_run.film.cut import write_cut
from rivya_run.film.edit import edited
from rivya_run.film.script import Mix, PictureShot, Place, Script, SoundShot, Transition, exact


def sound(path: Path, **more: Any) -> SoundShot:
    return SoundShot(id=path.stem, footage=footage_of(path, "audio"), **more)


def picture(path: Path, **more: Any) -> PictureShot:
    still = path.suffix == ".png"
    footage = footage_of(path, "image" if still else "video")
    return PictureShot(id=path.stem, footage=footage, still=still, **more)


def card(folder: Path, seconds: float) -> PictureShot:
    """A still that is held."""
    return picture(boards.still(folder / "card.png"), hold=exact(seconds))


def heard(folder: Path, *shots: PictureShot | SoundShot, **more: Any) -> meter.Samples:
    """The sound of the cut of a film."""
    cut = write_cut(edited(Script(shots, **more)), folder / "cut.mp4")
    return meter.listened(cut.path)


@pytest.mark.parametrize("amplitude", [0.9, 0.01], ids=["loud", "at -40 dB"])
def test_a_film_is_as_loud_as_films_are_and_music_falls_under_the_voice(
    tmp_path: Path, amplitude: float
) -> None:
    """-14 LUFS, no peak over -1 dB, music 12 dB lower by the times of the voice and not by its level."""
    voice = sound(
        meter.recorded(tmp_path / "voice.wav", meter.voice(4, amplitude)),
        track="voice",
        at=Place(exact(0.5), "card"),
    )
    music = sound(meter.recorded(tmp_path / "music.wav", meter.tone(2, 240), 2), track="music", loop=True)
    samples = heard(tmp_path, card(tmp_path, 8), voice, music, mix=Mix(duck=12))
    assert meter.loudness(samples) == pytest.approx(-14, abs=0.5)
    assert meter.true_peak(samples) <= -1
    alone, under = (meter.tone_level(samples, 240, *when) for when in ((6, 7), (2, 3)))
    assert alone - under == pytest.approx(12, abs=1)
    assert meter.tone_level(samples, 240, 5, 5.5) == pytest.approx(alone, abs=0.5)
    assert len(samples) / meter.RATE == pytest.approx(8, abs=0.03)


def test_a_voice_begins_where_it_was_placed(tmp_path: Path) -> None:
    """Half a second after its shot is first seen, whether the pictures are copied or encoded."""
    spoken = meter.recorded(tmp_path / "voice.wav", meter.voice(2))
    voice = sound(spoken, track="voice", at=Place(exact(0.5), "a"))
    clip = picture(boards.clip(tmp_path / "a.mp4", frames=90))
    assert meter.begins(heard(tmp_path, clip, voice)) == pytest.approx(0.5, abs=0.01)
    assert meter.begins(heard(tmp_path, card(tmp_path, 2), clip, voice)) == pytest.approx(2.5, abs=0.01)


@pytest.mark.parametrize(("name", "codec"), [("m.mp3", "libmp3lame"), ("m.m4a", "aac"), ("m.ogg", "libopus")])
def test_an_encoded_sound_as_long_as_the_film_is_whole_and_in_time(
    tmp_path: Path, name: str, codec: str
) -> None:
    """What the encoder put before and after it is neither heard nor cut off with a notice."""
    song = sound(boards.sound(tmp_path / name, codec, 4), at=Place())
    edit = edited(Script((card(tmp_path, 4), song, replace(song, id="late", at=Place(exact(2.5))))))
    assert edit.notices == ("late reaches 2.5 s beyond the end of the film and is cut there",)
    assert song.footage is not None and song.footage.seconds == 4
    samples = heard(tmp_path, card(tmp_path, 6), replace(song, at=Place(exact(1))))
    assert meter.begins(samples) == pytest.approx(1, abs=0.003)
    assert meter.tone_level(samples, 444, 4.9, 4.99) > -40 > meter.tone_level(samples, 444, 5.02, 5.1)


def test_peaks_that_stand_in_the_way_are_held_down(tmp_path: Path) -> None:
    """Speech alone, with clicks 20 dB over its level, still comes out at its loudness and below the peak."""
    samples = meter.voice(8, 0.3)
    samples[:: meter.RATE // 2] = 0.95
    voice = sound(meter.recorded(tmp_path / "voice.wav", samples), track="voice")
    result = heard(tmp_path, card(tmp_path, 8), voice)
    assert meter.loudness(result) == pytest.approx(-14, abs=0.5)
    assert meter.true_peak(result) <= -1


def test_levels_are_left_alone_when_that_is_asked_for(tmp_path: Path) -> None:
    """loudness: off keeps them; what is nearly silent is never raised; volumes are in dB."""
    music = sound(meter.recorded(tmp_path / "m.wav", meter.tone(2, 240, 0.1), 2), volume=-6.0)
    left = heard(tmp_path, card(tmp_path, 2), music, mix=Mix(loudness=None))
    assert meter.tone_level(left, 240, 0.5, 1.5) == pytest.approx(-26, abs=0.3)
    hush = sound(meter.recorded(tmp_path / "h.wav", meter.tone(2, 240, 0.0005), 2))
    assert meter.tone_level(heard(tmp_path, card(tmp_path, 2), hush), 240, 0.5, 1.5) < -60


def test_a_film_without_sound_has_no_track_for_it(tmp_path: Path) -> None:
    """Neither where nothing makes any, nor where all is off."""
    off = sound(meter.recorded(tmp_path / "m.wav", meter.tone(1)), volume=None)
    cut = write_cut(edited(Script((card(tmp_path, 1), off))), tmp_path / "cut.mp4")
    with av.open(str(cut.path)) as container:
        assert not container.streams.audio


def test_trims_fades_and_loops_are_heard(tmp_path: Path) -> None:
    """A trim begins in the middle of a file, a fade rises, a loop goes on without a gap."""
    low, high = meter.tone(2, 240), meter.tone(2, 960)
    both = meter.recorded(tmp_path / "both.wav", meter.joined(low, high), 2)
    trimmed = sound(both, trim=(exact(2), exact(3)), loop=True, fade=(exact(1), Fraction(0)))
    samples = heard(tmp_path, card(tmp_path, 4), trimmed, mix=Mix(loudness=None))
    assert meter.tone_level(samples, 240, 1, 4) < -60
    assert meter.tone_level(samples, 960, 0, 0.1) < meter.tone_level(samples, 960, 1.2, 1.8) - 20
    levels = [meter.tone_level(samples, 960, at, at + 0.1) for at in (1.2, 1.95, 2.95, 3.85)]
    assert levels == pytest.approx([levels[0]] * 4, abs=0.5)


def test_a_loop_of_a_thousandth_of_a_second_fills_the_film(tmp_path: Path) -> None:
    """A slip of the trim makes a hum, not a cut without end."""
    both = meter.recorded(tmp_path / "tone.wav", meter.tone(1, 1000), 2)
    short = sound(both, trim=(exact(0), exact("0.001")), loop=True)
    samples = heard(tmp_path, card(tmp_path, 2), short, mix=Mix(loudness=None))
    levels = [meter.tone_level(samples, 1000, at, at + 0.1) for at in (0.1, 1.0, 1.8)]
    assert levels == pytest.approx([levels[0]] * 3, abs=1)
    assert levels[0] > -60


def test_sounds_of_any_make_are_mixed_alike(tmp_path: Path) -> None:
    """One channel or six, 44.1 kHz, AAC beside Opus in WebM: all of them at the level that they have."""
    clips = [
        picture(boards.clip(tmp_path / "a.webm", frames=30, sound="libopus", codec="libvpx-vp9")),
        picture(boards.clip(tmp_path / "b.mp4", frames=30, sound="aac")),
    ]
    mono = sound(meter.recorded(tmp_path / "mono.wav", meter.tone(1, 240), 1), at=Place())
    six = sound(meter.recorded(tmp_path / "six.wav", meter.tone(1, 240, 0.1), 6), at=Place(exact(1)))
    other = sound(meter.recorded(tmp_path / "cd.wav", meter.tone(1, 240), 2, 44_100), at=Place(exact(2)))
    still = card(tmp_path, 2)
    quiet = [replace(clip, volume=-60.0) for clip in clips]
    samples = heard(tmp_path, *quiet, still, mono, six, other, mix=Mix(loudness=None))
    assert meter.tone_level(samples, 240, 0.2, 0.8) == pytest.approx(meter.level(0.3), abs=0.5)
    assert meter.tone_level(samples, 240, 1.2, 1.8) > -30
    assert meter.tone_level(samples, 240 * 44_100 / 48_000, 2.2, 2.8) == pytest.approx(
        meter.level(0.3), abs=0.5
    )


def test_five_channels_of_a_clip_are_heard_beside_one(tmp_path: Path) -> None:
    """What the middle of 5.1 says in AAC comes from both sides, 3 dB lower each; a mono clip keeps its level."""
    surround = encoded(tmp_path / "five.mp4", [("aac", 48_000, "5.1", meter.tone(2, 240), 2)])
    mono = encoded(tmp_path / "one.mp4", [("aac", 48_000, "mono", meter.tone(2, 960), 0)])
    both = (sound(surround, at=Place()), sound(mono, at=Place(exact(2))))
    samples = heard(tmp_path, card(tmp_path, 4), *both, mix=Mix(loudness=None))
    assert meter.tone_level(samples, 240, 0.3, 1.7) == pytest.approx(meter.level(0.3) - 3, abs=0.5)
    assert meter.tone_level(samples, 960, 2.3, 3.7) == pytest.approx(meter.level(0.3), abs=0.5)


def test_a_sound_may_change_its_make_in_the_middle(tmp_path: Path) -> None:
    """Two channels at 44.1 kHz, then one at 48: both parts are heard in their time and at their pitch."""
    path = encoded(
        tmp_path / "change.mp3",
        [
            ("mp3", 44_100, "stereo", meter.tone(2 * 44_100 / 48_000, 240), 0),
            ("mp3", 48_000, "mono", meter.tone(2, 960), 0),
        ],
    )
    samples = heard(tmp_path, card(tmp_path, 4), sound(path), mix=Mix(loudness=None))
    assert meter.tone_level(samples, 240 * 44_100 / 48_000, 0.3, 1.7) > -30
    assert meter.tone_level(samples, 960, 2.3, 3.7) == pytest.approx(meter.level(0.3), abs=0.5)
    assert meter.tone_level(samples, 960, 0.3, 1.7) < -60


def encoded(path: Path, parts: Sequence[tuple[str, int, str, meter.Samples, int]]) -> Path:
    """A file of sound; of each part the codec, the rate, the layout, what it says, and in which channel."""
    content = b""
    for codec, rate, layout, samples, channel in parts:
        options = {"write_xing": "0", "id3v2_version": "0"} if codec == "mp3" else {}
        with av.open(str(path), "w", options=options) as out:
            track = out.add_stream(codec, rate=rate, layout=layout, bit_rate=256_000)
            assert isinstance(track, av.AudioStream)
            size = track.codec_context.frame_size or 1024
            for at in range(0, len(samples) - size, size):
                frame = av.AudioFrame(format="fltp", layout=layout, samples=size)
                frame.sample_rate, frame.pts, frame.time_base = rate, at, Fraction(1, rate)
                said = samples[at : at + size].astype("<f4").tobytes()
                for number, plane in enumerate(frame.planes):
                    spoken = number == channel or layout == "stereo"
                    plane.update((said if spoken else bytes(len(said))).ljust(plane.buffer_size, b"\0"))
                out.mux(track.encode(frame))
            out.mux(track.encode(None))
        content += path.read_bytes()
    if len(parts) > 1:
        path.write_bytes(content)
    return path


def test_clips_that_dissolve_cross_over_with_their_sound(tmp_path: Path) -> None:
    """The film is shorter by the overlap, and each clip's sound lasts as long as its picture."""
    names = ("a", "b")
    clips = [boards.clip(tmp_path / f"{name}.mp4", frames=60, sound="aac") for name in names]
    how = Transition("dissolve", exact(0.5))
    edit = edited(Script((picture(clips[0]), picture(clips[1], transition=how))))
    cut = write_cut(edit, tmp_path / "cut.mp4")
    samples = meter.listened(cut.path)
    assert cut.seconds == 3.5 and not cut.copied
    assert len(samples) / meter.RATE == pytest.approx(3.5, abs=0.03)
    assert meter.loudness(samples) == pytest.approx(-14, abs=0.5)
