"""The film of a storyboard as it is now: what people see when they export, plan and report, without a run between."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import boards
import meter
import timelines
from command_line import in_project, rivya_run
from projects import Project
from rivya_run.media.facts import facts
from simulation import hosted

SHOTS = {
    "key": "{id: key, model: grok-imagine, prompt: A machine}",
    "s1": "{id: s1, prompt: It moves, references: [{shot: key}], trim: [1, 4]}",
    "s2": "{id: s2, prompt: It turns, transition: {dissolve: 0.5}}",
    "off": "{id: off, prompt: Not shown, film: false}",
    "card": "{id: card, file: art/logo.png, hold: 1.5}",
}
LENGTH = 3 + 6 - 0.5 + 1.5
"""Seconds: the keyframe is out by default, one shot by its key."""


FILES = {
    "cut": "cut.mp4",
    "contact-sheet": "contact-sheet.png",
    "otio": "timeline.otio",
    "edl": "timeline.edl",
    "fcpxml": "timeline.fcpxml",
    "fcp7xml": "timeline.xml",
    "srt": "captions.srt",
    "vtt": "captions.vtt",
}
RECORDS = ("journal.jsonl", "manifest.json")
ONLY_PICTURES = "notice: an EDL holds pictures only: the sounds are in the other formats"


def board(*names: str, more: str = "", **changed: str) -> str:
    shots = {**SHOTS, **changed}
    return f"id: ad\n{more}shots:\n" + "".join(f"  - {shots[name]}\n" for name in names or SHOTS)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A project whose simulator makes clips of the length that is asked for."""
    with hosted(clip_bytes=None) as simulator:
        yield Project(tmp_path, simulator)


@pytest.fixture
def filmed(project: Project) -> Project:
    """A storyboard with everything in it, made once."""
    boards.still(project.root / "art/logo.png")
    project.write(board())
    assert project.run().exit_code == 0
    return project


def exported(project: Project, *words: str, form: str = "otio") -> Any:
    """``export`` without a key and without an API; nothing of it may need one."""
    result = rivya_run("export", project.path, "--format", form, *words, RIVYA_BASE_URL="http://127.0.0.1:9")
    assert result.exit_code == 0, result.output
    return result


def length(result: Any) -> float:
    """What is told of the film that was exported, in seconds."""
    found = re.search(r"([\d.]+) s(, .*)?$", result.stderr.strip())
    assert found is not None, result.stderr
    return float(found[1])


def film(project: Project) -> dict[str, Any]:
    """The film as ``plan --json`` tells it."""
    result = in_project(project, "plan", "--json", project.path)
    assert result.exit_code == 0, result.output
    [found] = json.loads(result.stdout)["films"]
    return dict(found)


def test_the_cut_lasts_what_the_sum_says_in_the_plan_too(filmed: Project) -> None:
    """Trims, a dissolve, a held card, a keyframe that is out by default: cut, plan and page agree to the frame."""
    result = exported(filmed, form="cut")
    assert "notice" not in result.stderr, result.stderr
    cut = facts(filmed.folder() / "cut.mp4")
    assert cut is not None and cut.duration == pytest.approx(LENGTH, abs=1e-3)
    for form in ("otio", "edl", "fcpxml", "fcp7xml"):
        assert length(exported(filmed, form=form)) == pytest.approx(LENGTH, abs=1e-3)
    found = film(filmed)
    assert (found["version"], found["estimated"], found["shots"]) == (None, False, ["s1", "s2", "card"])
    assert found["seconds"] == pytest.approx(LENGTH, abs=1e-3)
    shown = in_project(filmed, "plan", filmed.path).stdout
    assert "film: 10 s, 3 pictures\n" in shown
    assert "not in the film: key, off\n" in shown
    page = Path(in_project(filmed, "report", filmed.path).stdout.strip()).read_text("utf-8")
    assert "<dt>Length of the cut</dt><dd>10 s</dd>" in page
    strip = re.search(r'data-seconds="([\d.]+)" data-rate="([\d.]+)"', page)
    assert strip is not None and float(strip[1]) == found["seconds"]
    assert re.findall(r'data-id="(\w+)" data-kind="(\w+)"', page) == [
        ("s1", "clip"),
        ("s2", "clip"),
        ("card", "still"),
    ]
    assert 'data-url="../../art/logo.png"' not in page and "../../art/logo.png" in page


@pytest.mark.parametrize("amplitude", [0.9, 0.01], ids=["loud", "at -40 dB"])
def test_a_whole_film_is_what_its_storyboard_says(project: Project, amplitude: float) -> None:
    """Keyframe, trim, dissolve, end card, a shot that is out, voice and music: as long to the frame in every format.

    The voice is in its place, the whole at -14 LUFS with peaks below -1 dB, the music 12 dB lower under the voice
    whatever its level, as ears that aren't FFmpeg's measure it.
    """
    boards.still(project.root / "art/logo.png")
    meter.recorded(project.root / "art/voice.wav", meter.voice(2, amplitude))
    meter.recorded(project.root / "art/music.wav", meter.tone(2, 240), 2)
    voice = "{file: art/voice.wav, id: vo, text: Good morning., track: voice, at: {shot: s1, offset: 0.5}}"
    music = "{file: art/music.wav, track: music, loop: true, until: end}"
    project.write(board(more=f"mix: {{duck: 12}}\nsound:\n  - {voice}\n  - {music}\n"))
    assert project.run().exit_code == 0
    tasks, kept = project.tasks(), {name: (project.folder() / name).read_bytes() for name in RECORDS}
    for form, name in FILES.items():
        result = exported(project, form=form)
        assert "notice" not in result.stderr.replace(ONLY_PICTURES, ""), result.stderr
        assert form in ("contact-sheet",) or length(result) == LENGTH
        if form in ("otio", "edl", "fcpxml", "fcp7xml"):
            said, rate = timelines.lasting((project.folder() / name).read_text("utf-8"), form)
            assert (said, rate) == (Fraction(LENGTH), Fraction(24))
        elif form in ("srt", "vtt"):
            assert "00:00:00.500 --> 00:00:02.500" in (project.folder() / name).read_text("utf-8").replace(
                ",", "."
            )
    cut = facts(project.folder() / "cut.mp4")
    assert cut is not None and (cut.frames, cut.duration) == (LENGTH * 24, LENGTH)
    assert film(project)["seconds"] == LENGTH
    page = Path(in_project(project, "report", project.path).stdout.strip()).read_text("utf-8")
    assert "<dt>Length of the cut</dt><dd>10 s</dd>" in page
    heard = meter.listened(project.folder() / "cut.mp4")
    assert len(heard) / meter.RATE == pytest.approx(LENGTH, abs=1 / 48)
    assert meter.loudness(heard) == pytest.approx(-14, abs=0.5)
    assert meter.true_peak(heard) <= -1
    alone, under = (meter.tone_level(heard, 240, *when) for when in ((6, 7), (1, 2)))
    assert alone - under == pytest.approx(12, abs=1)
    if amplitude > 0.1:
        assert meter.begins(heard) == pytest.approx(0.5, abs=0.02)
    assert {name: (project.folder() / name).read_bytes() for name in RECORDS} == kept
    assert in_project(project, "plan", "--detailed-exitcode", project.path).exit_code == 0
    assert project.tasks() == tasks


def test_a_film_without_sound_has_no_audio_stream(filmed: Project) -> None:
    """Neither clips nor voices: the cut has pictures alone."""
    exported(filmed, form="cut")
    found = facts(filmed.folder() / "cut.mp4")
    assert found is not None and not found.audio


def test_credits_lie_beside_the_cut(filmed: Project) -> None:
    """Every shot, also those that the film leaves out, what made it, and what is one's own."""
    exported(filmed, "--size", "64x64", "--fps", "5", form="cut")
    told = json.loads((filmed.folder() / "credits.json").read_text("utf-8"))
    assert (told["film"], told["statement"]) == ("cut.mp4", "generated by AI")
    shots = {shot["shot"]: shot for shot in told["shots"]}
    assert {name: shot["in_film"] for name, shot in shots.items()} == {
        "key": False,
        "s1": True,
        "s2": True,
        "off": False,
        "card": True,
    }
    assert (shots["s1"]["origin"], shots["card"]["origin"]) == ("generated by AI", "not generated")
    assert shots["s1"]["model"] == "grok-imagine-video"
    other = filmed.root / "other.mp4"
    exported(filmed, "--size", "64x64", "--fps", "5", "--output", str(other), form="cut")
    assert json.loads((filmed.root / "other.credits.json").read_text("utf-8"))["film"] == "other.mp4"


@pytest.mark.parametrize(
    ("parent", "child", "shown"),
    [
        ("model: grok-imagine", "references: [{shot: a}]", ["b"]),
        ("model: grok-imagine", "references: [{shot: a}], film: false", []),
        ("model: grok-imagine", "references: [{shot: a}], skip: true", []),
        ("model: grok-imagine, film: true", "references: [{shot: a}]", ["a", "b"]),
        ("model: grok-imagine", "model: grok-imagine-video", ["a", "b"]),
        ("model: grok-imagine-video", "references: [{shot: a, frame: last}]", ["a", "b"]),
        ("model: grok-imagine-video", "model: wan-2-7-video, references: [{shot: a}]", ["b"]),
        ("model: grok-imagine-video, film: false", "references: [{shot: a, frame: last}]", ["b"]),
    ],
)
def test_what_others_are_made_from_is_out_by_default(
    project: Project, parent: str, child: str, shown: list[str]
) -> None:
    """A still that is referred to, a video that is taken whole; a frame of a clip takes nothing out."""
    project.write(f"shots:\n  - {{id: a, prompt: A, {parent}}}\n  - {{id: b, prompt: B, {child}}}\n")
    assert film(project)["shots"] == shown


def test_before_anything_is_made_the_plan_tells_the_length_by_what_is_asked_for(project: Project) -> None:
    """Estimated, and the same as it will be."""
    boards.still(project.root / "art/logo.png")
    project.write(board())
    found = film(project)
    assert (found["seconds"], found["estimated"]) == (pytest.approx(LENGTH, abs=1e-3), True)


def test_reorder_pick_and_delete_then_export_without_a_run(filmed: Project) -> None:
    """The film is that of the storyboard as it is now; no request is sent and nothing is written but the film."""
    before = len(filmed.simulator.traffic.requests)
    manifest = filmed.manifest()
    filmed.write(board("s2", "s1", "key"))
    exported(filmed)
    assert film(filmed)["shots"] == ["s2", "s1"]
    filmed.write(board("s1", "key"))
    assert length(exported(filmed)) == pytest.approx(3)
    assert len(filmed.simulator.traffic.requests) == before
    assert filmed.manifest() == manifest


def test_a_pick_is_the_one_of_now(project: Project) -> None:
    """The second take is in the timeline as soon as the storyboard picks it."""
    project.write(board("s2", s2="{id: s2, prompt: It turns, takes: 2}"))
    assert project.run().exit_code == 0
    project.write(board("s2", s2="{id: s2, prompt: It turns, takes: 2, pick: 2}"))
    exported(project, form="edl")
    text = (project.folder() / "timeline.edl").read_text("utf-8")
    assert "s2_t02" in text and "s2_t01" not in text


def test_a_changed_prompt_shows_what_was_chosen_last_and_says_so(filmed: Project) -> None:
    """Until a run makes the new one, the film has the old; a new shot is left out with a notice, or a slate."""
    changed = SHOTS["s2"].replace("turns", "stops")
    filmed.write(board("key", "s1", "s2", "new", s2=changed, new="{id: new, prompt: New}"))
    result = exported(filmed)
    told = result.stderr
    assert told.count("notice: s2 is shown as it was before its last change") == 1
    assert told.count("notice: new ") == 1 and "left out" in told
    assert length(result) == pytest.approx(3 + 6 - 0.5, abs=1e-3)
    for form in ("cut", "otio", "edl", "fcpxml", "fcp7xml"):
        assert length(exported(filmed, "--slates", form=form)) == pytest.approx(3 + 6 - 0.5 + 2, abs=1e-3)


def test_a_storyboard_with_problems_is_shown_as_it_was(filmed: Project) -> None:
    """`report` goes on with what the last run wrote, and says why."""
    filmed.write(board("s1", s1="{id: s1, promt: It moves}"))
    result = in_project(filmed, "report", filmed.path)
    assert result.exit_code == 0, result.output
    assert "notice: " in result.stderr and "shown as it was when it was run last" in result.stderr
    [clip] = (filmed.folder() / "s1").glob("*.mp4")
    clip.write_bytes(b"torn")
    result = in_project(filmed, "report", filmed.path)
    assert result.exit_code == 0 and "notice: s1 " in result.stderr, result.output
    page = Path(result.stdout.strip()).read_text("utf-8")
    assert 'data-id="s2" data-kind="clip"' in page and 'data-key="s1"' in page


@pytest.mark.parametrize("form", ["cut", "otio"])
def test_a_storyboard_with_a_slip_is_not_exported_as_another_film(filmed: Project, form: str) -> None:
    """A misspelt key of the film is shown with its place, exit 3, and what was exported before stays."""
    exported(filmed, form=form)
    before = {path: path.read_bytes() for path in filmed.folder().iterdir() if path.is_file()}
    filmed.write(board(s1=SHOTS["s1"].replace("trim", "trin")))
    result = in_project(filmed, "export", filmed.path, "--format", form)
    assert result.exit_code == 3
    assert "did you mean 'trim'?" in result.stderr and "nothing was written" in result.stderr
    assert {path: path.read_bytes() for path in filmed.folder().iterdir() if path.is_file()} == before


def test_without_a_reference_file_what_was_made_is_exported(filmed: Project) -> None:
    """Clips in a clone, say, that references were not put into: a notice, and the film as the manifest has it."""
    filmed.write(board("s2", s2="{id: s2, prompt: It turns, references: refs/elsewhere.png}"))
    result = in_project(filmed, "export", filmed.path, "--format", "otio")
    assert result.exit_code == 0
    assert "shown as it was when it was run last" in result.stderr


def test_faults_of_the_film_are_notices(filmed: Project) -> None:
    """A trim beyond the clip, a dissolve that is too long, music that isn't there, a sound beyond the end."""
    filmed.write(
        board(
            "s1",
            "s2",
            more="sound:\n  - {file: none.mp3, track: music}\n  - {file: art/tone.wav, at: 4}\n",
            s1="{id: s1, prompt: It moves, references: [{shot: key}], trim: [1, 40]}",
            s2=SHOTS["s2"].replace("0.5", "30"),
        ).replace("shots:\n", f"shots:\n  - {SHOTS['key']}\n")
    )
    boards.sound(filmed.root / "art/tone.wav", "pcm_s16le", 20)
    told = exported(filmed).stderr
    for words in ("s1: its trim ends", "s2: the transition", "none.mp3", "tone.wav reaches"):
        assert words in told, told
    assert in_project(filmed, "run", filmed.path).exit_code == 0


def test_a_voice_begins_where_it_is_placed(project: Project) -> None:
    """Half a second after the first frame of its shot, to 20 ms; -14 LUFS in all."""
    meter.recorded(project.root / "art/voice.wav", meter.voice(2))
    project.write(
        board(
            "s2",
            more="sound:\n  - {file: art/voice.wav, id: vo, track: voice, at: {shot: s2, offset: 0.5}}\n",
        )
    )
    assert project.run().exit_code == 0
    exported(project, form="cut")
    heard = meter.listened(project.folder() / "cut.mp4")
    assert meter.begins(heard) == pytest.approx(0.5, abs=0.02)
    assert meter.loudness(heard) == pytest.approx(-14, abs=0.5)
    assert film(project)["sounds"] == [{"id": "vo", "track": "voice", "begin": 0.5, "end": 2.5}]
    exported(project, "--no-sound", form="cut")
    found = facts(project.folder() / "cut.mp4")
    assert found is not None and not found.audio


def test_speech_of_a_shot_goes_with_the_picture_before_it_and_has_captions(project: Project) -> None:
    """A voice shot isn't in the strip of pictures; its track is its table's; its prompt is the caption."""
    voice = "{id: vo, model: elevenlabs-turbo-2-5, prompt: '[softly] Good morning.'}"
    project.write(board("s2", "vo", "s3", vo=voice, s3="{id: s3, prompt: Third}"))
    assert [(one["id"], one["track"], one["begin"]) for one in film(project)["sounds"]] == [
        ("vo", "voice", 0)
    ]
    assert project.run().exit_code == 0
    exported(project, form="srt")
    text = (project.folder() / "captions.srt").read_text("utf-8")
    assert "Good morning." in text and "softly" not in text


def test_only_and_exclude_filter_the_film(filmed: Project) -> None:
    """They choose what is in it, and nothing else; a pattern that matches nothing is a usage error."""
    assert length(exported(filmed, "--only", "s*")) == pytest.approx(3 + 6 - 0.5, abs=1e-3)
    exported(filmed, "--exclude", "s2", "--size", "320x180", "--fps", "25", form="cut")
    found = facts(filmed.folder() / "cut.mp4")
    assert found is not None
    assert (found.width, found.height, found.frame_rate) == (320, 180, 25)
    assert found.duration == pytest.approx(4.5, abs=0.02)  # half a frame
    assert rivya_run("export", filmed.path, "--only", "nobody").exit_code == 2
    assert rivya_run("export", filmed.path, "--size", "3x3").exit_code == 2


def test_files_of_ones_own_make_a_film_without_a_run(project: Project) -> None:
    """An animatic of drawings needs no key; without any picture there is nothing to export."""
    boards.still(project.root / "art/logo.png")
    project.write(board("card"))
    assert length(exported(project)) == pytest.approx(1.5)
    project.write(board("card", card="{id: card, file: art/logo.png, film: false}"))
    assert rivya_run("export", project.path).exit_code == 1


def test_a_take_that_is_not_in_the_folder_is_left_out_with_a_notice(filmed: Project) -> None:
    """A clone without the clips still makes what it can; the plan keeps the length that was measured."""
    [output] = filmed.takes()["s2/1"]["outputs"]
    (filmed.folder() / output["path"]).unlink()
    result = exported(filmed)
    assert output["path"] in result.stderr and "left out" in result.stderr
    assert length(result) == pytest.approx(3 + 1.5, abs=1e-3)
    assert film(filmed)["seconds"] == pytest.approx(LENGTH, abs=1e-3)


ODD_FILES = {
    "folder": ("art/folder.png", "'art/folder.png' is a folder, not a file", "not-a-file"),
    "pipe": ("art/pipe.wav", "'art/pipe.wav' is a pipe, not a file", "not-a-file"),
    "device": ("/dev/zero", "'/dev/zero' leads outside the project root", "outside"),
    "outside": ("../logo.png", "'../logo.png' leads outside the project root", "outside"),
    "link": ("art/link.png", "'art/link.png' leads outside the project root", "outside"),
    "nul": ('"art/a\\0b.png"', "in double quotes a backslash begins an escape", "unreadable"),
    "missing": (
        "art/lgo.png",
        "there is no file 'art/lgo.png', did you mean 'art/logo.png'?",
        "missing-film-file",
    ),
    "long": (f"art/{'a' * 3000}.png", "can't be read: File name too long", "unreadable"),
}


@pytest.fixture
def odd(tmp_path: Path) -> Iterator[Project]:
    """A project in a folder of its own with files that can't be in a film."""
    with hosted() as simulator:
        project = Project(tmp_path / "project", simulator)
        boards.still(project.root / "art/logo.png")
        boards.still(tmp_path / "logo.png")
        (project.root / "art/folder.png").mkdir()
        os.mkfifo(project.root / "art/pipe.wav")
        (project.root / "art/link.png").symlink_to(tmp_path / "logo.png")
        (project.root / ".git").mkdir()
        yield project


@pytest.mark.skipif(os.name == "nt", reason="Windows has neither pipes nor devices among files")
@pytest.mark.parametrize("kind", ODD_FILES)
@pytest.mark.parametrize("key", ["shot", "sound"])
def test_files_that_can_not_be_in_a_film_are_told_with_their_place(odd: Project, kind: str, key: str) -> None:
    """`validate` advises, `export` leaves them out and says why, and neither hangs; nothing is opened."""
    file, words, code = ODD_FILES[kind]
    top = f"sound:\n  - {{file: {file}}}\n" if key == "sound" else ""
    own = f"{{id: own, file: {file}}}"
    odd.write(board("card", *(["own"] if key == "shot" else []), more=top, own=own))
    place = f"storyboard.yaml:{3 if key == 'sound' else 4}:"
    checked = in_project(odd, "validate", odd.path)
    assert checked.exit_code == 0
    assert place in checked.stderr and words in checked.stderr and f"[{code}]" in checked.stderr
    for form in ("edl", "contact-sheet", "srt"):
        told = exported(odd, form=form).stderr
        assert told.count("left out") == 1 or (key == "sound" and form == "contact-sheet")
        assert "left out" not in told or (place in told and words in told)
    assert length(exported(odd)) == 1.5
    assert in_project(odd, "report", odd.path).exit_code == 0


def test_files_outside_the_project_are_in_the_film_where_that_is_allowed(odd: Project) -> None:
    """The same option as for references, for `export`, `report` and `plan`."""
    more = "sound:\n  - {file: ../music.wav}\n"
    boards.sound(odd.root.parent / "music.wav", "pcm_s16le", 2)
    odd.write(board("card", "own", more=more, own="{id: own, file: ../logo.png, hold: 2}"))
    assert "left out" in exported(odd).stderr
    allowed = exported(odd, "--allow-outside")
    assert "left out" not in allowed.stderr and length(allowed) == 3.5
    assert "left out" not in in_project(odd, "report", odd.path, "--allow-outside").stderr
    for words, shown in (([], ["card"]), (["--allow-outside"], ["card", "own"])):
        planned = in_project(odd, "plan", "--json", odd.path, *words)
        assert json.loads(planned.stdout)["films"][0]["shots"] == shown
        assert ("leads outside" in planned.stderr) is not bool(words)


@pytest.mark.skipif(os.name == "nt", reason="Windows can't stop a process in the middle")
def test_clean_lists_what_a_killed_export_left_and_nothing_of_one_at_work(project: Project) -> None:
    """Sound and pictures that are half done; a person's own files and a cut that is there are left alone."""
    boards.still(project.root / "art/logo.png")
    boards.sound(project.root / "art/tone.wav", "pcm_s16le", 2)
    more = "sound:\n  - {file: art/tone.wav, loop: true}\n"
    project.write(board("card", more=more, card="{id: card, file: art/logo.png, hold: 60}"))
    folder = project.root / "outputs/ad"
    folder.mkdir()
    for mine in ("notes.tmp", ".mine.mp4.tmp", ".cut.mp4.part"):
        (folder / mine).write_bytes(b"mine")
    command = [sys.executable, "-m", "rivya_run", "export", str(project.path), "--size", "1280x720"]
    export = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while sum(1 for _ in folder.glob(".cut.mp4.*.tmp")) < 2:
            assert export.poll() is None
            time.sleep(0.01)
        export.send_signal(signal.SIGSTOP)
        left = sorted(path.name for path in folder.glob(".cut.mp4.*.tmp"))
        assert [name.endswith(".sound.tmp") for name in left] == [True, False]
        for words in ([], ["--yes"]):
            assert "0 files" in rivya_run("clean", project.path, *words).stdout
    finally:
        export.kill()
        export.wait()
    (folder / ".posters").mkdir()
    (folder / ".posters/.0123.jpg.1.tmp").write_bytes(b"half")
    for words in ([], ["--yes"]):
        told = rivya_run("clean", project.path, *words).stdout
        assert all(
            f"{name}  an export that was never finished" in told for name in (*left, ".0123.jpg.1.tmp")
        )
        assert "3 files" in told
    assert {".mine.mp4.tmp", ".cut.mp4.part", "notes.tmp"} <= {path.name for path in folder.iterdir()}
    assert not list(folder.glob("**/.*.*.[0-9]*.tmp"))
    assert "0 files" in rivya_run("clean", project.path).stdout


def test_problems_are_told_before_anything_was_made(project: Project) -> None:
    """To run it first, as is advised where nothing was made, would only tell of the same problems."""
    boards.still(project.root / "art/logo.png")
    project.write(board("card", card="{id: card, file: art/logo.png, hold: -1}"))
    result = rivya_run("export", project.path)
    assert result.exit_code == 3
    assert "hold" in result.output
    assert "made nothing" not in result.output
