"""The film of a storyboard as it is now: what people see when they export, plan and report, without a run between."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import boards
import meter
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
    assert "<dt>Length of the cut</dt><dd>0:10" in page or "<dd>10" in page


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
    assert told.count("notice: s2 is shown as it was before the prompt changed") == 1
    assert told.count("notice: new ") == 1 and "left out" in told
    assert length(result) == pytest.approx(3 + 6 - 0.5, abs=1e-3)
    with_slate = exported(filmed, "--slates", form="cut")
    assert length(with_slate) == pytest.approx(3 + 6 - 0.5 + 2, abs=1e-3)


def test_a_storyboard_with_problems_is_shown_as_it_was(filmed: Project) -> None:
    """`report` and `export` go on with what the last run wrote, and say why."""
    filmed.write(board("s1", s1="{id: s1, promt: It moves}"))
    for command in ("report", "export"):
        words = ("--format", "edl") if command == "export" else ()
        result = in_project(filmed, command, filmed.path, *words)
        assert result.exit_code == 0, result.output
        assert "notice: " in result.stderr and "shown as it was when it was run last" in result.stderr


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


def test_problems_are_told_before_anything_was_made(project: Project) -> None:
    """To run it first, as is advised where nothing was made, would only tell of the same problems."""
    boards.still(project.root / "art/logo.png")
    project.write(board("card", card="{id: card, file: art/logo.png, hold: -1}"))
    result = rivya_run("export", project.path)
    assert result.exit_code == 3
    assert "hold" in result.output
    assert "made nothing" not in result.output
