"""Scripts of films, by hand and any: shots and sounds as values, without files."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from film_strategy import RATES
from rivya_run.film.script import Footage, PictureShot, Place, Script, SoundShot, Transition, exact


def clip(name: str, seconds: float = 4, **more: Any) -> PictureShot:
    """A clip of 24 pictures a second."""
    rate = Fraction(more.pop("rate", 24))
    footage = Footage(Path(f"{name}.mp4"), exact(seconds), rate, (1280, 720), more.pop("audio", False))
    return PictureShot(id=name, footage=footage, **more)


def still(name: str, **more: Any) -> PictureShot:
    return PictureShot(id=name, footage=Footage(Path(f"{name}.png"), size=(640, 480)), still=True, **more)


def sound(name: str, seconds: float = 2, **more: Any) -> SoundShot:
    return SoundShot(id=name, footage=Footage(Path(f"{name}.wav"), exact(seconds), audio=True), **more)


def times(least: int, most: int) -> st.SearchStrategy[Fraction]:
    """Seconds in steps that hold halves to eighths; much cheaper to draw than any fraction."""
    return st.integers(least * 840, most * 840).map(lambda steps: Fraction(steps, 840))


lengths = times(0, 12)
transitions = st.none() | st.builds(Transition, st.sampled_from(["dissolve", "fade"]), lengths)
trims = st.tuples(st.none() | lengths, st.none() | lengths)
names = st.sampled_from([f"s{number}" for number in range(8)])
places = st.builds(Place, times(-3, 30), st.none() | names)


@st.composite
def scripts(draw: st.DrawFn) -> Script:
    """Films of up to eight shots with sounds among them."""
    shots: list[PictureShot | SoundShot] = []
    for number in range(draw(st.integers(1, 8))):
        shown: dict[str, Any] = {"transition": draw(transitions), "film": draw(st.integers(0, 5)) > 0}
        if draw(st.booleans()):
            rate = draw(st.sampled_from(RATES))
            audio = draw(st.booleans())
            one = clip(f"s{number}", trim=draw(trims), rate=rate, audio=audio, **shown)
            assert one.footage is not None
            shots.append(replace(one, footage=replace(one.footage, seconds=draw(lengths))))
        else:
            shots.append(still(f"s{number}", hold=draw(lengths), **shown))
        if draw(st.booleans()):
            shots.append(draw(sounds_named(f"x{number}")))
    entries = tuple(draw(sounds_named(f"e{number}")) for number in range(draw(st.integers(0, 2))))
    return Script(tuple(shots), entries, ending=draw(lengths), rate=draw(st.none() | st.just(Fraction(25))))


def sounds_named(name: str) -> st.SearchStrategy[SoundShot]:
    return st.builds(
        SoundShot,
        id=st.just(name),
        footage=st.none() | st.builds(Footage, st.just(Path("x.wav")), lengths, audio=st.just(True)),
        track=st.sampled_from(["voice", "music", "effects"]),
        at=st.none() | places,
        until=st.none() | places | st.just("end"),
        loop=st.booleans(),
        trim=trims,
        fade=st.tuples(lengths, lengths),
    )
