"""Captions: what is said, in short lines, when it is said."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import boards
from rivya_run.errors import UsageError
from rivya_run.film.captions import Cue, cues, srt, vtt
from rivya_run.film.cut import write_cut
from rivya_run.film.edit import Edit, edited
from rivya_run.film.script import Footage, PictureShot, Place, Script, SoundShot, exact
from rivya_run.storyboard.speech import spoken


def film(*said: tuple[str, float, float], seconds: float = 20) -> Edit:
    """Cards with voices: their text, begin and length."""
    card = PictureShot(
        id="card", footage=Footage(Path("c.png"), size=(320, 180)), still=True, hold=exact(seconds)
    )
    voices = [
        SoundShot(
            id=f"v{number}",
            footage=Footage(Path("v.wav"), exact(length), audio=True),
            track="voice",
            at=Place(exact(begin)),
            text=text,
        )
        for number, (text, begin, length) in enumerate(said)
    ]
    return edited(Script((card, *voices)))


def test_a_voice_is_captioned_while_it_speaks() -> None:
    """Sentences that don't fit together follow each other, each as long as its share of the letters."""
    edit = film(
        ("[warmly] Coffee begins before you wake up. Taste it, [laughs] slowly, all day long.", 0.5, 4)
    )
    first, second = cues(edit, 42, 1)
    assert first.lines == ("Coffee begins before you wake up.",)
    assert second.lines == ("Taste it, slowly, all day long.",)
    assert first.begin == Fraction(1, 2) and first.end == second.begin and second.end == Fraction(9, 2)
    assert (first.end - first.begin) / 4 == Fraction(33, 64)


def test_each_line_of_a_dialogue_is_a_cue_of_its_own() -> None:
    """Who says it is in it."""
    shown = cues(film(("ANNA: Well?\nBEN: Not bad.", 0, 2)))
    assert [cue.lines for cue in shown] == [("ANNA: Well?",), ("BEN: Not bad.",)]


def test_a_sound_that_is_cut_loses_the_captions_beyond_the_cut() -> None:
    """And the last one ends with it."""
    shown = cues(film(("One one one one. Two two two two. Three three three.", 0, 6), seconds=3), 20, 1)
    assert [cue.lines[0] for cue in shown] == ["One one one one.", "Two two two two."]
    assert shown[-1].end == 3


def test_caption_files_are_what_players_read() -> None:
    """SubRip counts and has commas, WebVTT escapes and has points."""
    shown = [Cue(Fraction(1, 2), Fraction(3661, 1), ("Salt & <pepper>", "please"))]
    assert srt(shown) == "1\n00:00:00,500 --> 01:01:01,000\nSalt & <pepper>\nplease\n"
    assert vtt(shown) == "WEBVTT\n\n00:00:00.500 --> 01:01:01.000\nSalt &amp; &lt;pepper&gt;\nplease\n"


@given(st.text(max_size=300), st.integers(10, 60), st.integers(1, 3))
def test_no_cue_is_larger_than_allowed_and_none_overlaps_the_next(
    text: str, max_line: int, lines: int
) -> None:
    """Whatever is said: all of it is there, in order, inside the sound."""
    shown = cues(film((text, 1, 5)), max_line, lines)
    at = Fraction(1)
    for cue in shown:
        assert cue.begin == at < cue.end
        assert len(cue.lines) <= lines and all(0 < len(line) <= max_line for line in cue.lines)
        at = cue.end
    said = "".join("".join(cue.lines) for cue in shown)
    assert "".join(said.split()) == "".join(spoken(text).split())
    assert not shown or at == 6


def test_captions_are_burnt_in_while_they_are_said(tmp_path: Path) -> None:
    """Bright letters near the lower edge, only then; letters that the font lacks are told."""
    card = boards.still(tmp_path / "card.png", size=(320, 180), colour=(90, 90, 90))
    footage = Footage(card, size=(320, 180))
    edit = edited(Script((PictureShot(id="card", footage=footage, still=True, hold=exact(3)),)))
    shown = [Cue(Fraction(1), Fraction(2), ("Καφές, кофе, café",))]
    cut = write_cut(edit, tmp_path / "cut.mp4", captions=shown)
    with av.open(str(cut.path)) as container:
        images = [frame.to_image() for frame in container.decode(video=0)]  # type: ignore[no-untyped-call]
    bright = [_brightest(image) > 200 for image in images]
    assert bright == [False] * 24 + [True] * 24 + [False] * 24
    assert cut.notices == ()
    missing = [Cue(Fraction(0), Fraction(1), ("夜の街 by night",))]
    assert write_cut(edit, tmp_path / "cut.mp4", captions=missing).notices == (
        "the font has no letters for 夜の街: name one that has with --font FILE",
    )


def test_a_font_that_is_none_is_named(tmp_path: Path) -> None:
    """Before anything is made."""
    edit = film(("Hello", 0, 1))
    with pytest.raises(UsageError, match=r"nofont\.ttf can't be read as a font"):
        write_cut(edit, tmp_path / "cut.mp4", captions=cues(edit), font=tmp_path / "nofont.ttf")
    assert list(tmp_path.iterdir()) == []


def _brightest(image: Image.Image) -> int:
    lower = image.convert("L").crop((0, 130, 320, 180))
    return int(max(lower.tobytes()))
