"""The keys of the film: how what is made becomes something to watch. None of them is ever sent.

They are part of no fingerprint, but for a ``file`` that another shot refers to: that is a reference like its path.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence as Listed
from dataclasses import replace
from typing import Final, get_args

from rivya_run.json_types import Json
from rivya_run.models.table import ID_PATTERN, Track, is_extension
from rivya_run.models.table_schemas import ref
from rivya_run.storyboard.containers import Record
from rivya_run.storyboard.problems import Findings
from rivya_run.storyboard.shapes import (
    SUBSTITUTION_PATTERN,
    Flag,
    Key,
    KeyPlace,
    Label,
    Number,
    NumberOr,
    OneOf,
    Shape,
    Text,
    elements,
    refuse,
    texts,
)
from rivya_run.text import shortened
from rivya_run.yaml12.nodes import Mapping, Node, Scalar, Sequence, to_json

_SECONDS: Final = Number(0, 86_400)  # a day: beyond it a number is a slip, and a cut would never end
TRACKS: Final[tuple[Track, ...]] = get_args(Track)


class FilmOf(Flag):
    """true, false, or a list of names of versions."""

    def __init__(self) -> None:
        names: Json = {"type": "array", "minItems": 1, "items": {"type": ["string", "integer"]}}
        says: dict[str, Json] = {"if": {"type": "array"}, "then": names, "else": {"type": "boolean"}}
        super().__init__("`true`, `false`, or a list of versions", says)

    def check(self, node: Node, at: str, findings: Findings) -> bool:
        if not isinstance(node, Sequence):
            if isinstance(node, Scalar) and isinstance(node.value, str) and "$" not in node.text:
                hint = f": write [{shortened(node.text)}] for the film of one version"
                return refuse(node, at, findings, "true, false or a list of versions", hint)
            return super().check(node, at, findings)
        if not node.items:
            findings.error(node, at, "no version is listed: false leaves it out of all films", "type")
            return False
        good = [Label().check(item, where, findings) for item, where in elements(node, at)]
        return all(good)

    def value(self, node: Node) -> Json:
        return [*texts(node)] if isinstance(node, Sequence) else super().value(node)


class Two(Shape):
    """Two times in seconds, as a list; ``open_ended``: either may be null, and the second comes after the first."""

    def __init__(self, words: str, *, open_ended: bool) -> None:
        kinds: Json = ["number", "null"] if open_ended else "number"
        time: dict[str, Json] = {"type": kinds, "minimum": _SECONDS.minimum, "maximum": _SECONDS.maximum}
        each: dict[str, Json] = {"if": ref("substituted"), "else": time}
        super().__init__(words, {"type": "array", "minItems": 2, "maxItems": 2, "items": each})
        self._open = open_ended

    def check(self, node: Node, at: str, findings: Findings) -> bool:
        if not isinstance(node, Sequence) or len(node.items) != 2:
            return refuse(node, at, findings, f"{self.words} (two times)")
        good = [self._one(item, where, findings) for item, where in elements(node, at)]
        times = [item.value for item in node.items if isinstance(item, Scalar)]
        if not all(good) or not self._open:
            return all(good)
        begin, end = times
        if isinstance(begin, int | float) and isinstance(end, int | float) and begin >= end:
            findings.error(
                node, at, f"it ends at {end:g} s, not after its begin at {begin:g} s", "film-range"
            )
            return False
        return True

    def _one(self, item: Node, at: str, findings: Findings) -> bool:
        absent = self._open and isinstance(item, Scalar) and item.value is None
        return absent or _SECONDS.check(item, at, findings)

    def value(self, node: Node) -> Json:
        times = to_json(node)
        assert isinstance(times, list)
        return [float(time) if isinstance(time, int | float) else None for time in times]


class FilmTime(Shape):
    """A time of the film: seconds, where a shot is, or one of a few words."""

    def __init__(self, options: tuple[str, ...] = ()) -> None:
        time = NumberOr(_SECONDS, options, "a time of the film", "seconds") if options else _SECONDS
        super().__init__(f"{time.words}, or `{{shot, offset}}`", {})
        self._time = time

    def check(self, node: Node, at: str, findings: Findings) -> bool:
        return isinstance(node, Mapping) or self._time.check(node, at, findings)

    def schema(self, models: Listed[str]) -> dict[str, Json]:
        anchor: Json = ref(KeyPlace.ANCHOR.definition)
        return {"if": {"type": "object"}, "then": anchor, "else": self._time.schema(models)}

    def inner(self, node: Node, at: str) -> Iterator[tuple[Mapping, KeyPlace, str]]:
        if isinstance(node, Mapping):
            yield node, KeyPlace.ANCHOR, at

    def value(self, node: Node) -> Json:
        if not isinstance(node, Mapping):
            return self._time.value(node)
        shot, offset = node.get("shot"), node.get("offset")
        place: dict[str, Json] = {"shot": shot.text if isinstance(shot, Scalar) else ""}
        if isinstance(offset, Scalar) and isinstance(offset.value, int | float):
            place["offset"] = float(offset.value)
        return place


class OneKey(Record):
    """A mapping with exactly one of the keys of its place."""

    def __init__(self, place: KeyPlace, *names: str) -> None:
        super().__init__(place)
        self.words = " or ".join(f"`{{{name}: seconds}}`" for name in names)
        self._names = names

    def check(self, node: Node, at: str, findings: Findings) -> bool:
        needed = " or ".join(f"{{{name}: seconds}}" for name in self._names)
        if not isinstance(node, Mapping):
            return refuse(node, at, findings, needed)
        found = [name for name in self._names if name in node.entries]
        if len(found) > 1:
            findings.error(node.key(found[1]), at, f"it is one of {needed}, not both", "transition")
        elif not found and all(map(is_extension, node.entries)):
            findings.error(node, at, f"{needed} is needed", "transition")
        return len(found) == 1

    def schema(self, models: Listed[str]) -> dict[str, Json]:
        one: list[Json] = [{"required": [name]} for name in self._names]
        return {"allOf": [super().schema(models), {"oneOf": one}]}

    def value(self, node: Node) -> Json:
        assert isinstance(node, Mapping)
        return {
            name: float(time.value)
            for name in self._names
            if isinstance(time := node.get(name), Scalar) and isinstance(time.value, int | float)
        }


class SoundList(Shape):
    """A list of sounds from files."""

    def __init__(self) -> None:
        says: dict[str, Json] = {"type": "array", "items": ref(KeyPlace.SOUND.definition)}
        super().__init__("list of mappings", says)

    def check(self, node: Node, at: str, findings: Findings) -> bool:
        if not isinstance(node, Sequence):
            return refuse(node, at, findings, "a list of sounds ('- file: ...')")
        good = [
            isinstance(item, Mapping) or refuse(item, where, findings, "a sound (file: ...)")
            for item, where in elements(node, at)
        ]
        return all(good)

    def inner(self, node: Node, at: str) -> Iterator[tuple[Mapping, KeyPlace, str]]:
        for item, where in elements(node, at):
            if isinstance(item, Mapping):
                yield item, KeyPlace.SOUND, where


_LAYERS = (KeyPlace.DEFAULTS, KeyPlace.PRESET, KeyPlace.SHOT)
_HEARD = (KeyPlace.SHOT, KeyPlace.SOUND)

_KEYS: tuple[Key, ...] = (
    Key(
        "film",
        FilmOf(),
        _LAYERS,
        "In the film",
        "Whether the film shows it, or a list of the versions whose films do: it is made for these alone, and for "
        "those in which another shot needs it. Without it: true, but false for a still, and for a video taken whole, "
        "that a shot or a member of the cast of this storyboard refers to.",
        examples=(False, ["wide"]),
    ),
    Key(
        "file",
        Text("path, `${}`"),
        (KeyPlace.SHOT,),
        "Own file",
        "Instead of a prompt: a picture, clip or sound of your own, relative to the storyboard. Nothing is made and "
        "nothing is paid; it is in the film like any other shot.",
        examples=("art/logo.png",),
    ),
    Key(
        "file",
        Text("path, `${}`"),
        (KeyPlace.SOUND,),
        "Sound file",
        "The sound, relative to the storyboard; nothing is uploaded.",
        required=True,
        examples=("music/theme.mp3",),
    ),
    Key("id", Label("id", ref("id")), (KeyPlace.SOUND,), "Sound id", "Unique among the ids of shots."),
    Key("text", Text("text, `${}`"), (KeyPlace.SOUND,), "Text", "What is said, for captions."),
    Key(
        "trim",
        Two("[from, to]", open_ended=True),
        _HEARD,
        "Trim",
        "[from, to] in seconds of the clip or sound; either may be null.",
        examples=([1, 4], [None, 2.5]),
    ),
    Key("hold", _SECONDS, _LAYERS, "Hold", "Seconds that a still stays. Without it: 2.", examples=(1.5,)),
    Key(
        "transition",
        OneKey(KeyPlace.TRANSITION, "dissolve", "fade"),
        _LAYERS,
        "Transition",
        "Into this picture: {dissolve: S}, or {fade: S} through black, which loses no length.",
        examples=({"dissolve": 0.5},),
    ),
    Key("dissolve", _SECONDS, (KeyPlace.TRANSITION,), "Dissolve", "Seconds that both pictures are there."),
    Key("fade", _SECONDS, (KeyPlace.TRANSITION,), "Fade", "Seconds through black, half before, half after."),
    Key(
        "volume",
        NumberOr(Number(-200, 60), ("off",), "a volume", "decibels"),
        (*_LAYERS, KeyPlace.SOUND),
        "Volume",
        "Decibels on its own sound, or off. Without it: 0.",
        examples=(-6, "off"),
    ),
    Key(
        "at",
        FilmTime(),
        _HEARD,
        "Begins at",
        "Where a sound begins: seconds of the film, or {shot, offset}. Without it: a shot begins with the nearest "
        "picture before it, or after the sound before it on its track; an entry of sound at 0.",
        examples=({"shot": "sh010", "offset": 0.5},),
    ),
    Key(
        "until",
        FilmTime(("end",)),
        _HEARD,
        "Ends at",
        "Where a sound ends at the latest: seconds of the film, {shot} for the end of that shot, or end.",
        examples=("end",),
    ),
    Key(
        "loop",
        Flag("`true` or `false`", {"type": "boolean"}),
        _HEARD,
        "Loop",
        "true: the sound is repeated until then, or to the end of the film.",
        default=False,
    ),
    Key(
        "fade",
        Two("[in, out]", open_ended=False),
        _HEARD,
        "Fade",
        "[in, out] in seconds.",
        examples=([0, 2],),
    ),
    Key(
        "track",
        OneOf("a track", TRACKS),
        _HEARD,
        "Track",
        "voice, music or effects. Without it: what the model's table says, else effects.",
    ),
    Key(
        "shot",
        Label(
            "shot id, `${}`",
            {"type": ["string", "integer"], "pattern": f"{SUBSTITUTION_PATTERN}|{ID_PATTERN}"},
        ),
        (KeyPlace.ANCHOR,),
        "Shot",
        "The shot that the sound goes with.",
        required=True,
        examples=("sh010",),
    ),
    Key(
        "offset",
        Number(None),
        (KeyPlace.ANCHOR,),
        "Offset",
        "Seconds after that; may be negative.",
        default=0,
    ),
    Key("sound", SoundList(), (KeyPlace.TOP,), "Sounds", "Sounds of the film that are files of your own."),
    Key("mix", Record(KeyPlace.MIX), (KeyPlace.TOP,), "Mix", "How loud the film is."),
    Key(
        "duck",
        Number(0, 200),
        (KeyPlace.MIX,),
        "Duck",
        "Decibels that music falls while a sound of the track voice lasts; 0: never.",
        default=10,
    ),
    Key(
        "loudness",
        NumberOr(Number(-70, 0), ("off",), "a loudness", "LUFS"),
        (KeyPlace.MIX,),
        "Loudness",
        "Integrated loudness in LUFS; off leaves levels as they are.",
        default=-14,
    ),
    Key("peak", Number(-60, 0), (KeyPlace.MIX,), "Peak", "The highest true peak, in dB.", default=-1),
    Key("captions", Record(KeyPlace.CAPTIONS), (KeyPlace.TOP,), "Captions", "How large captions may be."),
    Key(
        "max_line",
        Number(1, whole=True),
        (KeyPlace.CAPTIONS,),
        "Longest line",
        "Characters of a line at most.",
        default=42,
    ),
    Key("max_lines", Number(1, whole=True), (KeyPlace.CAPTIONS,), "Most lines", "Lines of a cue.", default=2),
    Key(
        "ending",
        Record(KeyPlace.ENDING),
        (KeyPlace.TOP,),
        "Ending",
        "{fade: S}: the last picture goes to black.",
        examples=({"fade": 1},),
    ),
    Key("fade", _SECONDS, (KeyPlace.ENDING,), "Fade", "Seconds to black.", required=True),
)

_FILLS_IN_ITSELF: Final = ("file", "id", "text", "shot", "sound", "mix", "captions", "ending")
"""Texts whose reader fills names in, ids, and mappings whose keys are judged one by one."""

FILM_KEYS = tuple(replace(key, fillable=key.name not in _FILLS_IN_ITSELF) for key in _KEYS)
