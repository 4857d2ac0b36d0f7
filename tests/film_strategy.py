"""Keys of the film as people may write them, right and wrong."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

SECONDS = st.integers(0, 80).map(lambda tenths: tenths / 10)
_PLACES = SECONDS | st.fixed_dictionaries(
    {"shot": st.sampled_from(["s1", "s2", "nobody"])}, optional={"offset": st.sampled_from([-0.5, 1])}
)
_TRIMS = st.tuples(st.none() | SECONDS, st.none() | SECONDS.map(lambda time: time + 8.1)).map(list)
_VOLUMES: st.SearchStrategy[Any] = st.sampled_from([-6, 0, 3.5, "off"])

LAYERED: dict[str, st.SearchStrategy[Any]] = {
    "film": st.booleans(),
    "hold": SECONDS,
    "transition": st.sampled_from([{"dissolve": 0.5}, {"fade": 1}]),
    "volume": _VOLUMES,
}
"""Keys of defaults and presets, which what can't have them ignores."""

_HEARD: dict[str, st.SearchStrategy[Any]] = {
    "trim": _TRIMS,
    "volume": _VOLUMES,
    "at": _PLACES,
    "loop": st.booleans(),
    "fade": st.tuples(SECONDS, SECONDS).map(list),
    "track": st.sampled_from(["voice", "music", "effects"]),
}
BY_KIND: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "video": {"film": st.booleans(), "transition": LAYERED["transition"], "trim": _TRIMS, "volume": _VOLUMES},
    "image": {name: LAYERED[name] for name in ("film", "hold", "transition")},
    "audio": {"film": st.booleans(), **_HEARD},
}
"""What a shot of each kind may say."""

SOUNDS = st.lists(
    st.fixed_dictionaries({"file": st.just("music.mp3")}, optional={"text": st.just("Hello"), **_HEARD}),
    max_size=2,
)
TOP: dict[str, st.SearchStrategy[Any]] = {
    "sound": SOUNDS,
    "mix": st.sampled_from([{"duck": 12}, {"loudness": "off", "peak": -2}, {}]),
    "captions": st.just({"max_line": 30}),
    "ending": st.just({"fade": 1}),
    "defaults": st.fixed_dictionaries({}, optional=LAYERED),
}

RATES = ("12", "16", "24000/1001", "24", "25", "30000/1001", "30", "50", "60000/1001")
ODD_RATES = ("8", "10", "15", "700/53", "48")
"""Of old models and of clips without a steady rate; the last one is none of Final Cut's."""

MODELS = {"video": "grok-imagine-video", "image": "grok-imagine", "audio": "elevenlabs-turbo-2-5"}
TEXTS = ("[softly] Good morning. It is a fine day to begin.", "Espresso!", "[a door falls shut]")


@dataclass(frozen=True, slots=True)
class Shooting:
    """A storyboard, and what was measured of the takes that are there: one for each shot but those ``missing``."""

    board: dict[str, Any]
    measured: dict[str, dict[str, Any]]
    rate: Fraction | None
    slates: bool


_HOW_LONG = SECONDS | (st.integers(1, 9_000) | st.integers(1, 40_000)).map(lambda ms: ms / 1000)
_JOINS = st.sampled_from(["dissolve", "fade"]).flatmap(lambda how: _HOW_LONG.map(lambda long: {how: long}))
_FREER: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "video": {**BY_KIND["video"], "transition": _JOINS},
    "image": {**BY_KIND["image"], "transition": _JOINS, "hold": _HOW_LONG},
    "audio": {**BY_KIND["audio"], "until": st.sampled_from(["end", {"shot": "s1"}, {"shot": "s2"}])},
}


def _clip(drawn: tuple[int, str, bool]) -> dict[str, Any]:
    """What a manifest says of a clip: its length and rate are rounded, as there."""
    frames, rate, audio = drawn
    seconds = round(float(frames / Fraction(rate)), 6)
    facts = {"width": 1280, "height": 720, "duration": seconds, "audio": audio}
    return {**facts, "frame_rate": round(float(Fraction(rate)), 6)}


# Made once: to make a strategy takes longer than to draw from it.
_RATES = st.sampled_from((*RATES, *ODD_RATES))
_FRAMES = st.integers(1, 400) | st.integers(1, 3000)
_MEASURED: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "video": st.tuples(_FRAMES, _RATES, st.booleans()).map(_clip),
    "image": st.just({"width": 640, "height": 480}),
    "audio": st.integers(900, 20_000).map(lambda ms: {"duration": ms / 1000, "audio": True}),
}
_KEYS = {kind: st.fixed_dictionaries({}, optional=keys) for kind, keys in _FREER.items()}
_SHOT = st.sampled_from(["video", "video", "image", "audio"]).flatmap(
    lambda kind: st.tuples(
        st.just(MODELS[kind]), st.sampled_from(TEXTS), _KEYS[kind], st.integers(0, 5), _MEASURED[kind]
    )
)
_SHOTS = st.lists(_SHOT, min_size=1, max_size=7)
_TOP = st.fixed_dictionaries({}, optional=TOP)
_FPS = st.none() | _RATES.map(Fraction)


@st.composite
def shootings(draw: st.DrawFn) -> Shooting:
    """Any storyboard with the film's keys all over it, most of it made."""
    shots, measured = [], {}
    for number, (model, prompt, keys, chance, facts) in enumerate(draw(_SHOTS), start=1):
        shots.append({"id": f"s{number}", "model": model, "prompt": prompt, **keys})
        if chance:
            measured[f"s{number}"] = facts
    board = {"id": "board", **draw(_TOP), "shots": shots}
    return Shooting(board, measured, draw(_FPS), draw(st.booleans()))


WRONG: tuple[tuple[str, Any], ...] = (
    ("film", "yes"),
    ("hold", -1),
    ("trim", [1]),
    ("trim", "1-4"),
    ("trim", [-1, 4]),
    ("transition", {}),
    ("transition", {"dissolve": 1, "fade": 1}),
    ("transition", {"dissolve": "long"}),
    ("transition", "dissolve"),
    ("volume", "loud"),
    ("at", "end"),
    ("at", {"offset": 1}),
    ("until", {"shots": "s1"}),
    ("until", "begin"),
    ("loop", 1),
    ("fade", [1]),
    ("fade", [None, 1]),
    ("track", "noise"),
)
"""Values that are no key's, whatever the shot is."""
