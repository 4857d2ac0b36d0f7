"""Timelines for editing programs: written, looked at as these programs do, and read back."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import opentimelineio as otio
import pytest
from hypothesis import given
from hypothesis import strategies as st

import timelines
from command_line import rivya_run
from film_strategy import RATES
from rivya_run.errors import RivyaError, UsageError
from rivya_run.film.edit import Edit, edited
from rivya_run.film.formats import edl
from rivya_run.film.formats.sequence import Seen
from rivya_run.film.script import Footage, PictureShot, Place, Script, SoundShot, Transition, exact
from rivya_run.film.timeline import FORMATS, UsedShot, seen_in, used_shots, write_timeline
from rivya_run.media.timecode import timecode

PROMPT = 'A <b>"bold"</b> & quiet\nmorning'


def clip(name: str, seconds: Fraction | float, rate: str = "24", **more: Any) -> PictureShot:
    length = exact(seconds) if isinstance(seconds, float | int) else seconds
    about = {
        "shot": name,
        "take": 1,
        "prompt": PROMPT,
        "model": "grok-imagine-video",
        "task_id": f"task_{name}",
    }
    path = Path("/films/out") / name / f"{name}_t01_0123abcd.mp4"
    footage = Footage(path, length, Fraction(rate), (1280, 720), audio=more.pop("audio", False))
    return PictureShot(id=name, footage=footage, take=1, about=about, **more)


def still(name: str, **more: Any) -> PictureShot:
    path = Path("/films/out") / name / f"{name}_t01_0123abcd.png"
    return PictureShot(id=name, footage=Footage(path, size=(640, 480)), still=True, take=1, **more)


def sound(name: str, seconds: float, **more: Any) -> SoundShot:
    path = Path("/films/out") / name / f"{name}_t01_0123abcd.wav"
    return SoundShot(id=name, footage=Footage(path, exact(seconds), audio=True), take=1, **more)


def rich(rate: str = "24") -> Edit:
    """A film with everything: a trim, a dissolve, fades, an end card, clips' own sound, voice, looped music."""
    return edited(
        Script(
            (
                clip("sh010", 6, rate, audio=True, volume=-3.0, transition=Transition("fade", exact(1))),
                clip(
                    "sh020", 6, rate, trim=(exact(1), exact(4)), transition=Transition("dissolve", exact(0.5))
                ),
                still("card", hold=exact(1.5)),
                sound("vo010", 3, track="voice", at=Place(exact(0.5), "sh010"), fade=(exact(0.25), exact(0))),
                sound("song", 4, track="music", loop=True, at=Place(), volume=-6.0),
            ),
            title="Espresso & more",
            ending=exact(0.5),
        )
    )


def written(folder: Path, edit: Edit, form: str) -> Path:
    return write_timeline(edit, folder / f"timeline{FORMATS[form].suffix}", form).path


def total(clips: list[Seen]) -> Fraction:
    return max(clip.begin + clip.seconds for clip in clips)


BOARD = "shots:\n" + "".join(f"  - {{id: {name}, prompt: x}}\n" for name in ("sh010", "sh020", "card"))


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("rate", RATES)
def test_every_rate_comes_back_through_plan_to_half_a_frame(tmp_path: Path, form: str, rate: str) -> None:
    """Begin and end of each picture and of the film, in the coarser of the film's rate and the format's."""
    edit = rich(rate)
    path = written(tmp_path, edit, form)
    clips = seen_in(path)
    said, known = timelines.lasting(path.read_text("utf-8"), form)
    half = 1 / (2 * min(edit.rate, known))
    # The film changes in the middle of a dissolve; in an EDL the next clip begins where the dissolve does.
    begins = [piece.begin + (0 if form == "edl" else piece.dissolve // 2) for piece in edit.pieces]
    cuts = [frame / edit.rate for frame in (*begins, edit.frames)]
    assert [clip.names[0][:5] for clip in clips] == ["sh010", "sh020", "card_"]
    for clip, begin, end in zip(clips, cuts, cuts[1:], strict=False):
        assert abs(clip.begin - begin) <= half and abs(clip.begin + clip.seconds - end) <= half
    assert abs(said - edit.seconds) <= half and abs(total(clips) - edit.seconds) <= half
    (tmp_path / "board.yaml").write_text(BOARD, encoding="utf-8")
    told = rivya_run("plan", tmp_path / "board.yaml", "--json", "--from-timeline", path)
    used = {take["shot"]: take["used_seconds"] for take in json.loads(told.stdout)["takes"]}
    lengths = {clip.names[0].partition("_")[0]: float(clip.seconds) for clip in clips}
    assert used == pytest.approx(lengths, abs=1e-6)


@st.composite
def films(draw: st.DrawFn) -> Edit:
    lengths = st.fractions(Fraction(1, 5), 9, max_denominator=100)
    shots: list[PictureShot | SoundShot] = []
    for number in range(draw(st.integers(1, 6))):
        kind = draw(st.sampled_from(["dissolve", "fade"]))
        how = draw(st.none() | st.builds(Transition, st.just(kind), lengths))
        rate = draw(st.sampled_from(RATES))
        shots.append(clip(f"s{number}", draw(lengths), rate, audio=draw(st.booleans()), transition=how))
    return edited(Script(tuple(shots), ending=draw(lengths)))


@given(films(), st.sampled_from(sorted(FORMATS)))
def test_all_formats_agree_on_the_length_of_any_film(edit: Edit, form: str) -> None:
    """To half a frame of the coarser rate."""
    content, _ = FORMATS[form].write(edit, Path("/films/out"))
    clips = FORMATS[form].read(content)
    assert abs(total(clips) - edit.seconds) <= 1 / (2 * min(edit.rate, Fraction(24000, 1001)))


@pytest.mark.parametrize("form", ["otio", "fcpxml", "fcp7xml"])
def test_music_falls_under_the_voice_in_timelines_too(tmp_path: Path, form: str) -> None:
    """10 dB below its -6 from 0.5 s to 3.5 s, down in 0.1 s and up in 0.4; level while nobody speaks."""
    root = written(tmp_path, rich(), form).read_text("utf-8")
    wanted = [(0, -6), (10, -6), (12, -16), (84, -16), (94, -6), (96, -6)]
    if form == "otio":
        timeline = otio.adapters.read_from_string(root, "otio_json")
        music = next(track for track in timeline.audio_tracks() if track.name == "Music")
        first, second = (clip.metadata["rivya"] for clip in list(music)[:2])
        assert [(frame, first["gain"] + level) for frame, level in first["falls"]] == wanted
        assert "falls" not in second
    elif form == "fcp7xml":
        items = ElementTree.fromstring(root).findall("sequence/media/audio/track[3]/clipitem")
        keys = [
            (int(key.findtext("when") or 0), 20 * math.log10(float(key.findtext("value") or 0)))
            for key in items[0].iter("keyframe")
        ]
        assert [frame for frame, _ in keys] == [frame for frame, _ in wanted]
        assert [level for _, level in keys] == pytest.approx([level for _, level in wanted], abs=0.01)
        assert not list(items[1].iter("keyframe"))
    else:
        clips = [clip for clip in ElementTree.fromstring(root).iter("asset-clip") if clip.get("lane") == "-3"]
        lines = [
            [
                (float(Fraction(key.get("time", "").removesuffix("s")) * 24), float(key.get("value", "")))
                for key in clip.iter("keyframe")
            ]
            for clip in clips
        ]
        assert lines == [wanted, [], []]


@pytest.mark.parametrize("form", ["otio", "fcpxml", "fcp7xml"])
def test_sounds_are_on_tracks_of_their_own(tmp_path: Path, form: str) -> None:
    """Clips' own, voice and music; a loop is there as often as it is heard."""
    content = written(tmp_path, rich(), form).read_text("utf-8")
    if form == "otio":
        timeline = otio.adapters.read_from_string(content, "otio_json")
        tracks = {track.name: [clip.name for clip in track.find_clips()] for track in timeline.audio_tracks()}
        assert tracks == {"Clips": ["sh010_t01"], "Voice": ["vo010_t01"], "Music": ["song_t01"] * 3}
        voice = next(track for track in timeline.audio_tracks() if track.name == "Voice")
        assert voice[0].source_range.duration.to_seconds() == 0.5
    elif form == "fcp7xml":
        audio = [
            [(item.findtext("name"), item.findtext("start"), item.findtext("end")) for item in track]
            for track in ElementTree.fromstring(content).findall("sequence/media/audio/track")
        ]
        assert audio == [
            [("sh010_t01", "0", "144")],
            [("vo010_t01", "12", "84")],
            [("song_t01", "0", "96"), ("song_t01", "96", "192"), ("song_t01", "192", "240")],
        ]
    else:
        lanes = [
            (clip.get("lane"), clip.get("name"), clip.get("offset"), clip.get("duration"))
            for clip in ElementTree.fromstring(content).iter("asset-clip")
            if clip.get("lane")
        ]
        assert lanes == [
            ("-1", "sh010_t01_0123abcd.mp4", "0s", "6s"),
            ("-2", "vo010_t01_0123abcd.wav", "1/2s", "3s"),
            ("-3", "song_t01_0123abcd.wav", "0s", "4s"),
            ("-3", "song_t01_0123abcd.wav", "4s", "4s"),
            ("-3", "song_t01_0123abcd.wav", "7/2s", "2s"),
        ]


@pytest.mark.parametrize("form", FORMATS)
def test_a_timeline_tells_where_each_clip_came_from(tmp_path: Path, form: str) -> None:
    """Shot, prompt, task and model are in the file, whatever signs they are written with; paths lead from it."""
    folder = tmp_path / "edit"
    shot = clip("sh010", 2)
    assert shot.footage is not None
    path = write_timeline(edited(Script((shot,))), folder / f"t{FORMATS[form].suffix}", form).path
    content = path.read_text("utf-8")
    for word in ("sh010", "quiet", "task_sh010", "grok-imagine-video", "sh010_t01_0123abcd.mp4"):
        assert word in content
    assert "/films/out/sh010/sh010_t01_0123abcd.mp4" in content
    assert used_shots(path) == [UsedShot("sh010", 1, 2.0)]


def test_rates_that_a_format_does_not_know_are_told(tmp_path: Path) -> None:
    """12 frames are written as 24, of which each is two; 16 as 24, the nearest; OTIO knows every rate."""
    for form in FORMATS:
        for rate in ("8", "10", "12", "15", "16"):
            notices = write_timeline(rich(rate), tmp_path / "t", form).notices
            told = f"this format doesn't know {rate} pictures a second: written at 24"
            assert (told in notices) is (form != "otio")
    assert (
        "an EDL holds pictures only: the sounds are in the other formats"
        in write_timeline(rich(), tmp_path / "t", "edl").notices
    )


@pytest.mark.parametrize(
    ("rate", "frame", "code"),
    [
        ("30000/1001", 1799, "00:00:59;29"),
        ("30000/1001", 1800, "00:01:00;02"),
        ("30000/1001", 17982, "00:10:00;00"),
        ("60000/1001", 3600, "00:01:00;04"),
        ("24000/1001", 1440, "00:01:00:00"),
        ("25", 90000, "01:00:00:00"),
    ],
)
def test_timecode_drops_frame_numbers_where_the_rate_asks_for_it(rate: str, frame: int, code: str) -> None:
    """Two a minute at 29.97, four at 59.94, none in each tenth minute (SMPTE ST 12)."""
    assert timecode(frame, Fraction(rate)) == code


@given(st.integers(0, 400_000), st.sampled_from(["30000/1001", "60000/1001"]))
def test_drop_frame_counts_back(frame: int, rate: str) -> None:
    """Whatever the frame, its timecode means that frame."""
    begin, end = (timecode(at, Fraction(rate)) for at in (frame, frame + 1))
    event = f"FCM: DROP FRAME\n\n001  A  V  C  {begin} {end} {begin} {end}\n* RATE: {float(Fraction(rate))}\n"
    assert edl.read(event) == [Seen(("A",), frame / Fraction(rate), 1 / Fraction(rate))]


def test_an_edl_has_reels_that_every_program_takes(tmp_path: Path) -> None:
    """At most eight letters and digits, one for each file; a dissolve names both clips."""
    shots = [clip(f"a-rather-long-name-{number}", 2) for number in range(3)]
    dissolved = clip("sh9", 2, transition=Transition("dissolve", exact(0.5)))
    content = written(tmp_path, edited(Script((*shots, dissolved))), "edl").read_text("utf-8")
    events = [line.split() for line in content.splitlines() if line[:1].isdigit()]
    assert [event[3] for event in events] == ["C", "C", "C", "C", "D"]
    reels = [event[1] for event in events]
    assert len(set(reels)) == 4 and reels[3] == reels[2]
    assert all(len(reel) <= 8 and reel.isalnum() for reel in reels)
    assert events[4][4:] == ["012", "00:00:00:00", "00:00:02:00", "00:00:05:12", "00:00:07:12"]
    assert "* TO CLIP NAME: sh9_t01_0123abcd.mp4" in content and "FCM: NON-DROP FRAME" in content


@pytest.mark.parametrize("rate", RATES)
def test_fcpxml_is_what_final_cut_asks_for(tmp_path: Path, rate: str) -> None:
    """A library, rational frame durations, sizes, media-rep, times on whole frames of the sequence."""
    root = ElementTree.fromstring(written(tmp_path, rich(rate), "fcpxml").read_text("utf-8"))
    assert root.get("version") == "1.11"
    sequence = root.find("library/event/project/sequence")
    assert sequence is not None
    formats = {one.get("id"): one for one in root.iter("format")}
    for one in formats.values():
        assert int(one.get("width", "0")) > 0 and int(one.get("height", "0")) > 0
        still = one.get("name") == "FFVideoFormatRateUndefined"
        assert still or Fraction(one.get("frameDuration", "").removesuffix("s")) > 0
    frame = Fraction(formats[sequence.get("format")].get("frameDuration", "").removesuffix("s"))
    for item in sequence.iter():
        for key in ("offset", "duration", "start"):
            time = Fraction((item.get(key) or "0s").removesuffix("s"))
            assert (time / frame).denominator == 1
    assets = list(root.iter("asset"))
    assert all(asset.find("media-rep") is not None for asset in assets)
    assert [asset.get("hasAudio") for asset in assets] == ["1", None, None, "1", "1"]
    assert any("quiet" in marker.get("value", "") for marker in root.iter("marker"))


def slated() -> Edit:
    """Two missing shots, the first of which would dissolve both ways; a clip between, music under all."""
    dissolve = Transition("dissolve", exact(0.5))
    missing = PictureShot(id="sh020", footage=None, text=PROMPT, transition=dissolve)
    last = PictureShot(id="sh040", footage=None, hold=exact(1.5), transition=Transition("fade", exact(1)))
    shots = (clip("sh010", 2), missing, clip("sh030", 3, transition=dissolve), last)
    music = sound("song", 9, track="music", at=Place(exact(1.75)), until="end")
    return edited(Script((*shots, music), slates=True, ending=exact(0.5)))


@pytest.mark.parametrize("form", FORMATS)
def test_a_slate_is_a_gap_of_its_length_with_a_marker(tmp_path: Path, form: str) -> None:
    """As long as in the cut, named with its prompt; what is beside it begins and ends where the cut has it."""
    edit = slated()
    path = written(tmp_path, edit, form)
    content = path.read_text("utf-8")
    # A dissolve from or to it is a cut: in its middle, in an EDL where it would begin.
    cuts = (Fraction(3, 2), Fraction(3)) if form == "edl" else (Fraction(7, 4), Fraction(13, 4))
    assert edit.seconds == Fraction(15, 2) and edit.notices == ()
    first, second = seen_in(path)
    assert (first.names[0][:5], first.begin, first.seconds) == ("sh010", Fraction(0), cuts[0])
    assert (second.names[0][:5], second.begin, second.begin + second.seconds) == (
        "sh030",
        cuts[1],
        Fraction(6),
    )
    assert timelines.lasting(content, form) == (edit.seconds, edit.rate)
    assert "sh020 has no finished take: A " in content and "sh040 has no finished take" in content
    assert used_shots(path) == [
        UsedShot("sh010", 1, float(cuts[0])),
        UsedShot("sh030", 1, float(6 - cuts[1])),
    ]


def test_nothing_finished_is_a_clear_problem(tmp_path: Path) -> None:
    """Without a picture there is no timeline."""
    with pytest.raises(RivyaError, match="nothing to export"):
        write_timeline(edited(Script(())), tmp_path / "a.otio", "otio")


def test_an_edl_of_another_program_is_read_at_the_rate_its_frames_allow(tmp_path: Path) -> None:
    """Without our comment on the rate, frame numbers tell it: 00:00:01:00 after frame 29 is 30 a second."""
    (tmp_path / "a.edl").write_text(
        "TITLE: x\n\n001  AX V C 00:00:00:00 00:00:00:29 00:00:00:00 00:00:00:29\n"
        "* FROM CLIP NAME: sh010_t02_0123abcd.mp4\n* FROM CLIP: sh010/sh010_t02_0123abcd.mp4\n",
        encoding="utf-8",
    )
    assert used_shots(tmp_path / "a.edl") == [UsedShot("sh010", 2, round(29 / 30, 6))]


def test_an_edit_that_cut_and_repeated_clips_is_summed(tmp_path: Path) -> None:
    """Seconds of a take add up wherever it is used; clips that are none of ours are left out."""
    path = written(tmp_path, edited(Script((clip("sh010", 1), clip("sh020", 2)))), "otio")
    timeline = otio.adapters.read_from_file(str(path))
    track = timeline.tracks[0]
    again = track[1].deepcopy()
    again.source_range = otio.opentime.TimeRange(
        otio.opentime.RationalTime(1, 30), otio.opentime.RationalTime(3, 30)
    )
    track.append(again)
    track.append(otio.schema.Clip("music video", source_range=again.source_range))
    del track[0]
    otio.adapters.write_to_file(timeline, str(tmp_path / "b.otio"))
    assert used_shots(tmp_path / "b.otio") == [UsedShot("sh020", 1, 2.1)]


@pytest.mark.parametrize("name", ["a.otio", "a.edl", "a.fcpxml", "a.xml", "a.txt", "none.otio"])
def test_what_is_no_timeline_is_a_clear_problem(tmp_path: Path, name: str) -> None:
    """A broken, foreign or missing file is refused by name."""
    if name != "none.otio":
        (tmp_path / name).write_text("not <a timeline", encoding="utf-8")
    with pytest.raises(UsageError, match=name.replace(".", r"\.")):
        used_shots(tmp_path / name)
