"""The edit: lengths, places and clamping as a pure function of what was written and what the clips are."""

from __future__ import annotations

import itertools
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from film_scripts import clip, scripts, sound, still, times
from film_strategy import RATES
from rivya_run.film.edit import Edit, edited, standard_rate
from rivya_run.film.placing import Placed
from rivya_run.film.script import (
    Footage,
    PictureShot,
    Place,
    Script,
    SoundShot,
    Transition,
    exact,
)


def film(*shots: PictureShot | SoundShot, **more: Any) -> Edit:
    return edited(Script(shots, **more))


def spans(edit: Edit) -> dict[str, tuple[float, float]]:
    """When each picture is on screen, in seconds."""
    rate = edit.rate
    return {piece.shot.id: (float(piece.begin / rate), float(piece.end / rate)) for piece in edit.pieces}


def heard(edit: Edit) -> dict[str, tuple[float, float]]:
    """When each sound is heard, in seconds."""
    return {one.shot.id: (float(one.begin), float(one.end)) for one in edit.sounds}


def dissolve(seconds: float) -> Transition:
    return Transition("dissolve", exact(seconds))


def fade(seconds: float) -> Transition:
    return Transition("fade", exact(seconds))


def test_the_film_of_the_contract_lasts_what_its_sum_says() -> None:
    """A keyframe that is out, a trim, a dissolve of 0.5, an end card of 1.5 s, a shot with film: false, a voice."""
    edit = film(
        still("key", film=False),
        clip("s1", 6),
        clip("s2", 6, trim=(exact(1), exact(4)), transition=dissolve(0.5)),
        clip("s3", film=False),
        still("card", hold=exact(1.5)),
        sound("vo", 3, track="voice", at=Place(exact(0.5), "s1")),
    )
    assert spans(edit) == {"s1": (0, 6), "s2": (5.5, 8.5), "card": (8.5, 10)}
    assert edit.seconds == 10
    assert edit.pieces[1].source == 1 and edit.pieces[1].dissolve == 12
    assert heard(edit) == {"vo": (0.5, 3.5)}
    assert edit.notices == ()


def test_a_trim_may_leave_either_end_open() -> None:
    """[null, 2] takes the first two seconds, [3, null] all from the third on."""
    edit = film(clip("a", trim=(None, exact(2))), clip("b", trim=(exact(3), None)))
    assert spans(edit) == {"a": (0, 2), "b": (2, 3)}
    assert [piece.source for piece in edit.pieces] == [0, 3]


@pytest.mark.parametrize(
    ("trim", "source", "seconds", "notice"),
    [
        ((1, 9), 1, 3, "a: its trim ends at 9 s, it lasts 4 s: taken to its end"),
        ((5, 9), 0, 4, "a: its trim begins at 5 s, it lasts 4 s: all is taken"),
        ((1, 4.01), 1, 3, None),
    ],
)
def test_a_trim_beyond_the_clip_is_clamped_with_a_notice(
    trim: tuple[float, float], source: int, seconds: int, notice: str | None
) -> None:
    """What isn't there can't be shown; a rounded length needs no word."""
    edit = film(clip("a", trim=(exact(trim[0]), exact(trim[1]))))
    assert edit.pieces[0].source == source and edit.seconds == seconds
    assert edit.notices == ((notice,) if notice else ())


def test_a_fade_through_black_loses_no_length() -> None:
    """Half of it before the cut and half after; the first picture comes from black, the last goes to it."""
    edit = film(clip("a", transition=fade(1)), clip("b", transition=fade(1)), ending=exact(0.5))
    assert edit.seconds == 8
    assert [(piece.fade_in, piece.fade_out) for piece in edit.pieces] == [(24, 12), (12, 12)]


def test_a_dissolve_on_the_first_picture_is_ignored() -> None:
    """There is nothing that it could overlap."""
    edit = film(clip("a", film=False), clip("b", transition=dissolve(1)), clip("c", transition=dissolve(1)))
    assert spans(edit) == {"b": (0, 4), "c": (3, 7)}
    assert edit.notices == ()


def test_transitions_share_a_clip_that_is_too_short_for_both() -> None:
    """In and out together never exceed the trimmed clip."""
    edit = film(clip("a"), clip("b", 1, transition=dissolve(1.5)), clip("c", transition=dissolve(0.5)))
    assert spans(edit) == {"a": (0, 4), "b": (3.25, 4.25), "c": (4, 8)}
    assert edit.notices == (
        "b: the transition is longer than the pictures allow and is cut to 0.75 s",
        "c: the transition is longer than the pictures allow and is cut to 0.25 s",
    )


def test_a_shot_without_a_take_is_named_or_shown_as_a_slate() -> None:
    """Nothing is left out without a notice."""
    missing = PictureShot(id="b", footage=None)
    assert film(clip("a"), missing).notices == ("b has no finished take and is left out",)
    slated = film(clip("a"), missing, slates=True)
    assert spans(slated) == {"a": (0, 4), "b": (4, 6)} and slated.notices == ()


def test_clips_shorter_than_a_frame_are_shown_for_one() -> None:
    """A clip of a millisecond is one frame long, and a notice tells it."""
    edit = film(clip("a", 0.001), clip("b", 1))
    assert [piece.frames for piece in edit.pieces] == [1, 24]
    assert edit.notices == ("a is shorter than one frame and is shown for one",)


def test_sounds_of_a_track_without_a_place_follow_each_other() -> None:
    """The default is the nearest picture before it in the file; a written place is kept, and mixed."""
    edit = film(
        sound("v0", 1, track="voice"),
        clip("a"),
        sound("v1", 3, track="voice"),
        sound("v2", 3, track="voice"),
        sound("fx", 1),
        clip("b"),
        sound("v3", 1, track="voice"),
        sound("v4", 1, track="voice", at=Place(exact(1))),
    )
    assert heard(edit) == {"v0": (0, 1), "v1": (1, 4), "v2": (4, 7), "fx": (0, 1), "v3": (7, 8), "v4": (1, 2)}


def test_an_anchor_is_where_the_shot_is_first_seen() -> None:
    """With a dissolve that is where it begins; a negative offset leads before it; until is its end."""
    edit = film(
        clip("a"),
        clip("b", transition=dissolve(1)),
        sound("early", 1, at=Place(exact(-0.5), "b")),
        sound("until", 9, at=Place(shot="a"), until=Place(shot="a")),
        sound("song", 1, track="music", loop=True),
        sound("bed", 1, track="music", at=Place(exact(2)), loop=True, until=Place(exact(4.5))),
    )
    assert heard(edit) == {"early": (2.5, 3.5), "until": (0, 4), "song": (3, 7), "bed": (2, 4.5)}
    assert edit.notices == ()


def test_entries_of_sound_begin_with_the_film() -> None:
    """Without a place they begin at 0, after what is already on their track."""
    edit = film(clip("a", 8), sounds=(sound("m1", 2, track="music"), sound("m2", 2, track="music")))
    assert heard(edit) == {"m1": (0, 2), "m2": (2, 4)}


def test_what_the_film_has_no_room_for_is_cut_or_left_out_with_a_notice() -> None:
    """Beyond the end, after it, before the begin, an anchor that isn't in this film, nothing between two places."""
    edit = film(
        clip("a"),
        clip("b", film=False),
        sound("long", 9, track="voice", at=Place()),
        sound("late", 1, at=Place(exact(4))),
        sound("before", 1, at=Place(exact(-1), "a")),
        sound("lost", 1, at=Place(shot="b")),
        sound("lost2", 1, until=Place(shot="gone")),
        sound("none", 1, at=Place(exact(2)), until=Place(exact(1))),
        SoundShot(id="gone", footage=None),
        sound("to-end", 9, at=Place(exact(1)), until="end"),
    )
    assert heard(edit) == {"long": (0, 4), "before": (0, 1), "to-end": (1, 4)}
    assert edit.notices == (
        "long reaches 5 s beyond the end of the film and is cut there",
        "late begins after the end of the film and is left out",
        "before would begin 1 s before the film and begins with it",
        "lost is timed to b, which isn't in the film as it is now, and is left out",
        "lost2 is timed to gone, which isn't in the film as it is now, and is left out",
        "none would end before it begins and is left out",
        "gone has no finished take and is left out",
    )


def test_clips_bring_their_own_sound() -> None:
    """It lasts as long as its picture and crosses over where pictures do; off is silence, not absence."""
    edit = film(
        clip("a", audio=True, volume=-6.0),
        clip("b", audio=True, transition=dissolve(1)),
        clip("c", audio=True, volume=None),
        clip("d"),
    )
    assert [(one.shot.id, one.gain, float(one.fade_in), float(one.fade_out)) for one in edit.own] == [
        ("a", -6.0, 0, 1),
        ("b", 0.0, 1, 0),
        ("c", None, 0, 0),
    ]
    assert [one.shot.id for one in edit.heard] == ["a", "b"]


def test_a_film_takes_the_rate_and_size_that_most_clips_have() -> None:
    """The earlier one of equals; a still decides only where there is no clip; written ones win."""
    edit = film(clip("a", rate="24000/1001"), clip("b", rate=30), still("c"))
    assert (edit.rate, edit.size) == (Fraction(24000, 1001), (1280, 720))
    assert film(still("c")).rate == 24 and film(still("c")).size == (640, 480)
    assert film(clip("a"), rate=Fraction(50), size=(90, 160)).frames == 200


@pytest.mark.parametrize(
    ("measured", "rate"),
    [(23.98, "24000/1001"), (24, "24"), (29.97, "30000/1001"), (30.01, "30"), (12, "12"), (None, "24")],
)
def test_measured_rates_snap_to_those_editors_know(measured: float | None, rate: str) -> None:
    """A rate within half a percent of a standard one is that one; others stay."""
    assert standard_rate(measured) == Fraction(rate)


@given(scripts())
def test_every_film_is_whole(script: Script) -> None:
    """No gap and no drift, transitions within their pictures, sounds within the film, each one there or told."""
    edit = edited(script)
    before = 0
    for piece in edit.pieces:
        assert piece.frames >= 1
        assert piece.begin == before - piece.dissolve
        assert piece.fade_in + piece.fade_out <= piece.frames
        assert piece.dissolve <= piece.frames
        before = piece.end
    for first, second in itertools.pairwise(edit.pieces):
        assert first.dissolve + second.dissolve <= first.frames
    assert edit.frames == sum(piece.frames - piece.dissolve for piece in edit.pieces)
    for one in edit.heard:
        assert 0 <= one.begin < one.end <= edit.seconds
        assert one.fade_in + one.fade_out <= one.seconds
        assert one.repeated <= (isinstance(one.shot, SoundShot) and one.shot.loop) or one.track == "clips"
    told = {words for notice in edit.notices for words in notice.replace(":", " ").split()}
    shown = {piece.shot.id for piece in edit.pieces} | {one.shot.id for one in edit.sounds}
    wanted = {one.id for one in (*script.shots, *script.sounds) if getattr(one, "film", True)}
    assert shown | told >= wanted


@given(st.lists(times(0, 15), min_size=1, max_size=60), st.sampled_from(RATES))
def test_cut_points_never_drift_from_the_running_sum(holds: list[Fraction], rate: str) -> None:
    """However many pictures there are, each cut is within half a frame of where it should be."""
    shots = [still(f"s{number}", hold=hold) for number, hold in enumerate(holds)]
    edit = film(*shots, rate=Fraction(rate))
    total = Fraction(0)
    for piece, hold in zip(edit.pieces, holds, strict=True):
        total += max(hold, 1 / edit.rate)
        assert abs(piece.end - total * edit.rate) <= Fraction(1, 2)


@given(scripts())
def test_an_edit_written_down_again_is_the_same_edit(script: Script) -> None:
    """What was clamped once needs no clamping, at the same times."""
    edit = edited(script)
    rate = edit.rate
    shots = []
    for number, piece in enumerate(edit.pieces):
        seconds = piece.frames / rate
        how = Transition("dissolve", piece.dissolve / rate) if piece.dissolve else None
        name = f"{number}"
        footage = Footage(Path("a.mp4"), piece.source + seconds, rate, edit.size)
        shots.append(PictureShot(id=name, footage=footage, trim=(piece.source, None), transition=how))
    again = edited(Script(tuple(shots), tuple(_written(one) for one in edit.sounds), rate=rate))
    assert again.notices == ()
    assert [(piece.begin, piece.end, piece.source) for piece in again.pieces] == [
        (piece.begin, piece.end, piece.source) for piece in edit.pieces
    ]
    assert [(one.begin, one.end, one.fade_in) for one in again.sounds] == [
        (one.begin, one.end, one.fade_in) for one in edit.sounds
    ]


def _written(one: Placed) -> SoundShot:
    assert isinstance(one.shot, SoundShot)
    return replace(
        one.shot,
        footage=Footage(Path("x.wav"), one.source + one.length, audio=True),
        trim=(one.source, None),
        at=Place(one.begin),
        until=Place(one.end),
        loop=one.repeated,
        fade=(one.fade_in, one.fade_out),
    )


def test_a_sound_as_long_as_the_film_says_nothing() -> None:
    """Lengths are shown rounded, and encoders round them up: a few thousandths over are no cut."""
    assert not film(clip("a", 4), sound("v", 4.01)).notices
    assert film(clip("a", 4), sound("v", 4.1)).notices
