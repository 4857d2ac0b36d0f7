"""Keys of the film as people may write them, right and wrong."""

from __future__ import annotations

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
