"""How long a film is: the same in everything that is made of it, whatever the storyboard says."""

from __future__ import annotations

import copy
import json
import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from hypothesis import HealthCheck, given, settings

import boards
import timelines
from film_strategy import RATES, Shooting, shootings
from rivya_run.film.captions import cues, srt, vtt
from rivya_run.film.clips import footage_of
from rivya_run.film.cut import write_cut
from rivya_run.film.edit import Edit, edited
from rivya_run.film.from_storyboard import film_document, script_now
from rivya_run.film.script import PictureShot, Place, Script, SoundShot, Transition, exact
from rivya_run.film.timeline import FORMATS
from rivya_run.journal.fold import History
from rivya_run.media.facts import facts
from rivya_run.models.catalog import load_catalog
from rivya_run.planning.planner import Planner, PlanOptions
from rivya_run.project.files import OwnFiles
from rivya_run.project.home import FolderHome
from rivya_run.project.results import Present
from rivya_run.project.source import Source
from rivya_run.storyboard.model import Storyboard
from rivya_run.storyboard.reader import read_storyboard
from rivya_run.storyboard.speech import spoken

CATALOG = load_catalog()
FOLDER = Path("/films/outputs/board")
SUFFIX = {"video": ".mp4", "image": ".png", "audio": ".wav"}
MIME = {".mp4": "video/mp4", ".png": "image/png", ".wav": "audio/wav"}


def made(shooting: Shooting) -> dict[str, Any]:
    """The manifest of a storyboard that was shot."""
    shots = []
    for shot in shooting.board["shots"]:
        name, facts = shot["id"], shooting.measured.get(shot["id"])
        kind = (
            "video" if facts and "frame_rate" in facts else "audio" if facts and "audio" in facts else "image"
        )
        path = f"{name}/{name}_t01_0123abcd{SUFFIX[kind]}"
        output = {"path": path, "mime_type": MIME[SUFFIX[kind]], "bytes": 9, "sha256": "0" * 64}
        take = boards.take(shot=name, prompt=shot["prompt"], params={}, outputs=[{**output, **(facts or {})}])
        shots.append(boards.shot(name, [take] if facts else []))
    return boards.manifest(shots)


def present(shooting: Shooting, board: Storyboard) -> Present:
    source = Source(Path("/films/board.yaml"), board, CATALOG, {}, (), Path("/films"), FolderHome(FOLDER))
    return Present(made(shooting), FolderHome(FOLDER), OwnFiles(Path("/films"), Path("/films")), source)


def read(document: dict[str, Any]) -> Storyboard:
    reading = read_storyboard(json.dumps(document).encode(), path="board.json", catalog=CATALOG)
    assert reading.storyboard is not None, reading.problems
    return reading.storyboard


TABLES = {table.id: table for table in CATALOG.all()}


def fingerprints(board: Storyboard) -> list[tuple[str | None, str | None]]:
    steps = Planner(board, TABLES, History(), {}, PlanOptions()).plan().steps
    return [(step.fingerprint, step.request_key) for step in steps]


def last_time(captions: str) -> float:
    """When the last cue of a file of captions ends, in seconds."""
    times = re.findall(r"--> (\d+):(\d\d):(\d\d)[.,](\d{3})", captions)
    return max((int(h) * 3600 + int(m) * 60 + int(s) + int(ms) / 1000 for h, m, s, ms in times), default=0.0)


def said_until(edit: Edit) -> Fraction:
    """When the last word of a film has been said: texts are spread over a sound's length, not over its repeats."""
    ends = [
        min(one.end, one.begin + one.length)
        for one in edit.heard
        if one.track == "voice" and spoken(one.shot.text)
    ]
    return max(ends, default=Fraction(0))


def scripted(shooting: Shooting, now: Present) -> tuple[Script, Script]:
    """As `plan` and `export` see it: what isn't made has an estimated length for the one, none for the other."""
    planned = replace(script_now(now, planning=True).script, rate=shooting.rate, slates=shooting.slates)
    there = [
        one if one.footage is None or one.footage.file is not None else replace(one, footage=None)
        for one in planned.shots
    ]
    return planned, replace(planned, shots=tuple(there))


def half_a_frame(*rates: Fraction) -> Fraction:
    """Half a frame of the coarsest rate, in seconds."""
    return 1 / (2 * min(rates))


def pictures(edit: Edit) -> int:
    """How many frames the cut has, counted as its encoder gets them: a dissolve is both pictures at once."""
    alone = [
        piece.frames - piece.dissolve - (after.dissolve if after is not None else 0)
        for piece, after in zip(edit.pieces, (*edit.pieces[1:], None), strict=False)
    ]
    assert all(frames >= 0 for frames in alone)
    return sum(alone) + sum(piece.dissolve for piece in edit.pieces)


@pytest.mark.timeout(300)  # a thousand of them, on a machine that may be busy
@settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))
@given(shootings())
def test_a_film_is_as_long_in_every_export(shooting: Shooting) -> None:
    """Cut, plan, captions, all timelines as they say and as they are read back; no fingerprint changes by it."""
    board = read(shooting.board)
    fingerprints_before = fingerprints(board)
    now = present(shooting, board)
    manifest = copy.deepcopy(now.manifest)
    planned, script = scripted(shooting, now)
    edit, ahead = edited(script), edited(planned)
    assert pictures(edit) == edit.frames == edit.seconds * edit.rate
    if not ahead.estimated and len(ahead.pieces) == len(edit.pieces):
        assert film_document(None, ahead)["seconds"] == round(float(edit.seconds), 6)
    assert all(one.end <= edit.seconds for one in edit.heard)
    found = cues(edit)
    for captions in (srt(found), vtt(found)):
        assert abs(last_time(captions) - said_until(edit)) <= 0.001
    for form in FORMATS if edit.pieces else ():
        content, _ = FORMATS[form].write(edit, FOLDER)
        said, rate = timelines.lasting(content, form)
        half = half_a_frame(edit.rate, rate)
        assert abs(said - edit.seconds) <= half, form
        if edit.pieces[-1].shot.footage is not None:
            seen = FORMATS[form].read(content)
            assert abs(max(one.begin + one.seconds for one in seen) - edit.seconds) <= half, form
    assert fingerprints(board) == fingerprints_before and now.manifest == manifest


@pytest.mark.parametrize("rate", RATES)
def test_a_real_cut_is_as_long_as_its_exports(tmp_path: Path, rate: str) -> None:
    """Frames counted in the file, its length as PyAV tells it, its sound: all as the edit and each timeline say."""
    many, frames = Fraction(rate), round(Fraction(rate) * 17 / 10)
    clips = [boards.clip(tmp_path / f"{name}.mp4", frames=frames, rate=many, sound="aac") for name in "ab"]
    card, voice = boards.still(tmp_path / "card.png"), boards.sound(tmp_path / "voice.mp3", "libmp3lame", 1.2)
    first, second = (PictureShot(id=one.stem, footage=footage_of(one, "video")) for one in clips)
    script = Script(
        (
            replace(first, transition=Transition("fade", exact(0.3)), trim=(exact(0.21), None)),
            replace(second, transition=Transition("dissolve", exact(0.37))),
            PictureShot(id="card", footage=footage_of(card, "image"), still=True, hold=exact(0.77)),
            SoundShot(
                id="voice",
                footage=footage_of(voice, "audio"),
                track="voice",
                at=Place(exact(0.1)),
                text="Hello.",
            ),
        ),
        ending=exact(0.2),
        size=(64, 48),
    )
    edit = edited(script)
    assert edit.rate == many and edit.notices == ()
    half = 1 / (2 * many)
    assert abs(edit.seconds - (2 * frames / many - exact("0.21") - exact("0.37") + exact("0.77"))) <= half
    cut = write_cut(edit, tmp_path / "cut.mp4")
    with av.open(str(cut.path)) as container:
        assert sum(1 for _ in container.decode(video=0)) == edit.frames
    found = facts(cut.path)
    assert found is not None and found.duration is not None
    assert abs(found.duration - edit.seconds) <= half
    assert abs(cut.seconds - edit.seconds) <= 1e-9
    with av.open(str(cut.path)) as container:
        track = container.streams.audio[0]
        assert track.duration is not None and track.time_base is not None
        assert abs(track.duration * track.time_base - edit.seconds) <= half
    for form in FORMATS:
        content, _ = FORMATS[form].write(edit, tmp_path)
        said, counted = timelines.lasting(content, form)
        assert abs(said - edit.seconds) <= half_a_frame(many, counted), form
    assert last_time(srt(cues(edit))) == pytest.approx(0.1 + 1.2, abs=1e-3)
