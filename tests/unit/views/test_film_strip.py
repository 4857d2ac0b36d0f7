"""The strip of the page: made from the edit, so that it says what the cut is."""

from __future__ import annotations

import itertools
import json
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given

from film_scripts import clip, scripts, sound, still
from rivya_run.film.edit import edited
from rivya_run.film.script import Mix, Place, Script, Transition, exact
from rivya_run.views.page.cards import FilmStrip, StripBar
from rivya_run.views.page.strip import Played, film_length, film_strip


def strip(script: Script) -> FilmStrip:
    """The strip of a film whose files are played by their names; shots have a place on the page."""
    made = film_strip(edited(script), lambda file: Played(url=file.name), {"a": "s1"})
    assert made is not None
    return made


def percent(bar: StripBar) -> tuple[float, float]:
    """Where a bar begins and ends on the strip."""
    left, width = float(bar.left.rstrip("%")), float(bar.width.rstrip("%"))
    return left, left + width


@given(scripts())
def test_the_strip_is_the_edit(script: Script) -> None:
    """Every piece and every sound that is heard is there once, at the edit's own times; rows don't overlap."""
    edit = edited(script)
    made = film_strip(edit, lambda file: Played(url=file.name), {})
    if made is None:
        assert not edit.pieces
        return
    assert float(made.seconds) == pytest.approx(float(edit.seconds), abs=1e-6)
    assert made.frames == edit.frames == round(float(made.seconds) * float(made.rate))
    for piece, bar in zip(edit.pieces, made.pieces, strict=True):
        assert (bar.id, bar.kind == "still") == (piece.shot.id, piece.shot.still)
        frames = (piece.begin, piece.end, piece.dissolve, piece.fade_in, piece.fade_out)
        shown = (bar.begin, bar.end, bar.dissolve, bar.fade_in, bar.fade_out)
        assert [round(float(time) * float(edit.rate)) for time in shown] == list(frames)
        assert float(bar.source) == pytest.approx(float(piece.source), abs=1e-6)
    bars = {bar.id: bar for row in made.rows for bar in row}
    assert sum(map(len, made.rows)) == len(bars) == len(edit.heard)
    for one in edit.heard:
        times = [float(time) for time in (one.begin, one.end, one.source)]
        bar = bars[one.shot.id]
        assert [float(time) for time in (bar.begin, bar.end, bar.source)] == pytest.approx(times, abs=1e-6)
    rounded = 1e-6 / float(
        edit.seconds
    )  # times are written to the microsecond: a part of a film of one frame
    for bar in (*made.pieces, *bars.values()):
        assert percent(bar) == pytest.approx(
            [100 * float(time) / float(edit.seconds) for time in (bar.begin, bar.end)],
            abs=1e-3 + 100 * rounded,
        )
    for row in made.rows:
        assert len({bar.track for bar in row}) == 1
        assert all(float(one.end) <= float(next_.begin) + 1e-6 for one, next_ in itertools.pairwise(row))


def test_a_clip_is_heard_as_loud_as_its_volume_says() -> None:
    """Decibels become a factor; off and a clip without sound are silent."""
    made = strip(
        Script(
            (
                clip("a", audio=True, volume=-6.0206),
                clip("b", audio=True, volume=None),
                clip("c"),
                still("d"),
                sound("v", volume=6.0206),
            )
        )
    )
    assert [float(bar.gain) for bar in made.pieces] == pytest.approx([0.5, 0, 0, 0], abs=1e-3)
    assert [row[0].track for row in made.rows] == ["effects", "clips"]
    assert [float(row[0].gain) for row in made.rows] == pytest.approx([2, 0.5], abs=1e-3)


def test_music_bends_where_somebody_speaks() -> None:
    """The page ducks by the same line as the cut: times and decibels; only music does."""
    music = sound("m", 8, track="music", at=Place())
    voice = sound("v", 2, track="voice", at=Place(exact(3)))
    made = strip(Script((clip("a", 8), music, voice), mix=Mix(duck=12)))
    bars = {bar.id: json.loads(bar.ducks) for row in made.rows for bar in row}
    assert bars == {"v": [], "m": [[0, 0], [2.9, 0], [3, -12], [5, -12], [5.4, 0], [8, 0]]}


def test_pieces_say_how_they_come_and_lead_to_their_shot() -> None:
    """Transitions in words and as marks on the strip, in percent of the film; a shot of the page is linked."""
    how = Transition("dissolve", exact(1))
    made = strip(Script((clip("a"), clip("b", transition=how)), ending=exact(1.75)))
    first, second = made.pieces
    assert (first.place, first.how, first.joins) == ("s1", "", ())
    assert second.how == "dissolves in for 1 s, to black in 1.75 s"
    assert [join[0] for join in second.joins] == ["dissolve", "fade-out"]
    assert second.joins[1][1:] == ("75%", "25%")
    assert (made.length, made.facts) == ("7 s", "168 frames at 24 fps · 2 pictures")


def test_a_film_without_a_picture_has_no_strip() -> None:
    """There is nothing to play then."""
    assert film_strip(edited(Script((sound("v"),))), lambda file: Played(), {}) is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [("10", "10 s"), ("15.5833", "15.58 s"), ("75.5", "1 min 15.5 s"), ("59.999", "1 min 0 s")],
)
def test_lengths_keep_their_hundredths(seconds: str, words: str) -> None:
    """A film of minutes is told to the hundredth too."""
    assert film_length(Fraction(seconds)) == words


def test_a_file_that_a_card_plays_is_not_named_twice() -> None:
    """What is embedded in a card is taken from there."""
    edit = edited(Script((clip("a"),)))
    made = film_strip(edit, lambda file: Played(card="s1t1", url="data:,"), {})
    assert made is not None
    assert (made.pieces[0].card, made.pieces[0].url) == ("s1t1", "")
    assert Path("a.mp4") == edit.pieces[0].shot.footage.file  # type: ignore[union-attr]
