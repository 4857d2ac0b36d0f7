"""The storyboard language: every key, declared once.

A key says where it may stand, what shape its value has, and what a person reads about it. The reader's checks,
positions and did-you-mean, the schema and the docs' tables derive from that; what a parameter may be is the
models' tables' to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from rivya_run.json_types import Json
from rivya_run.models.table import EXTENSION_PATTERN, ID_PATTERN, KINDS
from rivya_run.models.table_schemas import NOT_EMPTY, ref
from rivya_run.storyboard.cast_keys import CAST_KEYS
from rivya_run.storyboard.containers import (
    Layers,
    Map,
    MatrixLists,
    Params,
    Record,
    ReferenceList,
    Shots,
    Variables,
    Versions,
)
from rivya_run.storyboard.decision_keys import DECISION_KEYS
from rivya_run.storyboard.film_keys import FILM_KEYS
from rivya_run.storyboard.model import FRAMES, MAX_TAKES, URL_PATTERN
from rivya_run.storyboard.shapes import (
    SUBSTITUTION_PATTERN,
    Flag,
    Key,
    KeyPlace,
    Label,
    Labels,
    ModelId,
    Number,
    NumberByName,
    NumberOr,
    OneOf,
    Text,
    VersionOne,
)

EXTENDED: dict[str, Json] = {"type": "object", "patternProperties": {EXTENSION_PATTERN: {}}}


_PEOPLE = (KeyPlace.TOP, KeyPlace.SHOT)
_LAYERS = (KeyPlace.DEFAULTS, KeyPlace.PRESET, KeyPlace.SHOT)

_MADE: tuple[Key, ...] = (
    Key(
        "id",
        Label("id", ref("id")),
        (KeyPlace.TOP,),
        "Storyboard id",
        "Names the output folder and every request. Without it: the file's name without its ending.",
        examples=("espresso-teaser",),
    ),
    Key(
        "id",
        Label("id", {"type": ["string", "integer"]}),
        (KeyPlace.SHOT,),
        "Shot id",
        "Names the shot, its files and its folder; unique ignoring case. With a matrix it holds the ${names} "
        "that tell its shots apart.",
        required=True,
        examples=("sh010",),
    ),
    Key(
        "version",
        VersionOne("1", {"default": 1, "enum": [1]}),
        (KeyPlace.TOP,),
        "Language version",
        "The version of the storyboard language.",
    ),
    Key("title", Label(), _PEOPLE, "Title", "For people and reports; never sent."),
    Key("notes", Label(), _PEOPLE, "Notes", "For people and reports; never sent."),
    Key(
        "client", Label(), (KeyPlace.TOP,), "Client", "Who pays: for people, ledger and budgets; never sent."
    ),
    Key(
        "scene",
        Label(),
        _PEOPLE,
        "Scene",
        "For people, reports and --only scene:...; never sent. At the top: of every shot that names none.",
    ),
    Key(
        "tags",
        Labels("text, or a list"),
        (KeyPlace.TOP, *_LAYERS),
        "Tags",
        "For people, reports and --only tag:...; one or a list; never sent. At the top: of every shot.",
    ),
    Key(
        "vars",
        Variables("mapping", ref("variables")),
        (KeyPlace.TOP,),
        "Variables",
        "Name -> text or number, written as ${name} in prompts, values of params, paths and URLs. A value "
        "that is only ${name} keeps its type; $$ is a dollar sign.",
        examples=({"hero": "a matte-black espresso machine"},),
    ),
    Key(
        "versions",
        Versions(),
        (KeyPlace.TOP,),
        "Versions",
        "Name -> values of vars: each is a film of its own. What is the same in several is made once.",
        examples=({"wide": {"vars": {"ratio": "16:9"}}, "tall": {"vars": {"ratio": "9:16"}}},),
    ),
    Key(
        "vars",
        Variables("mapping", ref("version-variables"), flags=True),
        (KeyPlace.VERSION,),
        "Variables",
        "Name -> text, number, true or false, over those of the top. Every version has a value for each of them.",
        examples=({"ratio": "9:16"},),
    ),
    Key(
        "budget",
        Record(KeyPlace.BUDGET),
        (KeyPlace.TOP,),
        "Budget",
        "What this storyboard may cost.",
    ),
    Key(
        "max_credits",
        Number(0),
        (KeyPlace.BUDGET,),
        "Most credits",
        "The most this storyboard may ever spend, all runs and attempts together.",
        required=True,
        examples=(200,),
    ),
    Key(
        "defaults",
        Map("mapping", ref("defaults")),
        (KeyPlace.TOP,),
        "Defaults",
        "The first layer of every shot: model, params, references, takes, tags, and how it is in the film.",
    ),
    Key(
        "presets",
        Layers("mapping of mappings", EXTENDED | {"additionalProperties": ref("preset")}),
        (KeyPlace.TOP,),
        "Presets",
        "Named layers that shots take with use.",
    ),
    Key(
        "shots",
        Shots("list", {"type": "array", "minItems": 1, "items": ref("shot")}),
        (KeyPlace.TOP,),
        "Shots",
        "The shots, in the order of the film.",
        required=True,
    ),
    Key(
        "use",
        Labels("preset, or a list"),
        (KeyPlace.SHOT,),
        "Presets used",
        "One preset or a list of them, laid over the defaults in this order, under the shot's own keys.",
    ),
    Key(
        "model",
        ModelId("model id"),
        _LAYERS,
        "Model",
        "The Rivya model. A layer that names another model resets params.",
    ),
    Key(
        "prompt",
        Text("text, `${}`"),
        (KeyPlace.SHOT,),
        "Prompt",
        "What should be seen or heard, as long as the model's table allows.",
        examples=("A cinematic product reveal with smooth camera movement",),
    ),
    Key(
        "params",
        Params("mapping, `${}`", EXTENDED | {"additionalProperties": NOT_EMPTY}),
        _LAYERS,
        "Parameters",
        "The model's own parameters, as its table lists them.",
    ),
    Key(
        "references",
        ReferenceList("reference, or a list", ref("references")),
        _LAYERS,
        "References",
        "One or a list of: a path relative to the storyboard, an https URL, {path}, {url, kind}, "
        "{shot, take, frame}, {storyboard, shot, take, frame}.",
        examples=("refs/pack.png", [{"shot": "sh010", "frame": "last"}]),
    ),
    Key(
        "takes",
        Number(1, MAX_TAKES, whole=True),
        _LAYERS,
        "Takes",
        "How many takes to make of the shot; each is paid for.",
        default=1,
    ),
    Key(
        "pick",
        NumberByName(1, MAX_TAKES, whole=True),
        (KeyPlace.SHOT,),
        "Picked take",
        "The take that the cut, reports and other shots use. Without it: the lowest-numbered that succeeded. Of a "
        "shot that becomes several also a mapping from their ids, '*' for the rest.",
        examples=(2, {"sh010-tall": 2, "*": 1}),
    ),
    Key(
        "matrix",
        MatrixLists("mapping of lists", ref("matrix")),
        (KeyPlace.SHOT,),
        "Matrix",
        "Name -> list of values: one shot for each combination, its ${names} filled in.",
        examples=({"colour": ["black", "ivory", "sage"]},),
    ),
    Key(
        "skip",
        Flag("`true` or `false`", {"type": "boolean"}),
        (KeyPlace.SHOT,),
        "Skip",
        "true: the shot stays in the file, nothing is created for it; what it already has stays its own.",
        default=False,
    ),
    Key(
        "path",
        Text("path, `${}`"),
        (KeyPlace.FILE_REFERENCE,),
        "File",
        "A reference file, relative to the storyboard.",
        required=True,
    ),
    Key(
        "url",
        Text("URL, `${}`", {"type": "string", "pattern": f"{SUBSTITUTION_PATTERN}|{URL_PATTERN}"}),
        (KeyPlace.URL_REFERENCE,),
        "URL",
        "A reference that is already on the web (https).",
        required=True,
    ),
    Key(
        "kind",
        OneOf("a kind", KINDS),
        (KeyPlace.URL_REFERENCE,),
        "Kind",
        "What the URL leads to.",
        required=True,
    ),
    Key("name", Label(), (KeyPlace.URL_REFERENCE,), "File name", "A file name to send along."),
    Key(
        "mime_type",
        Text(),
        (KeyPlace.URL_REFERENCE,),
        "MIME type",
        "The MIME type to send along.",
        examples=("image/png",),
    ),
    Key(
        "duration_token",
        Text(),
        (KeyPlace.URL_REFERENCE,),
        "Duration token",
        "The token that Rivya's upload returned for audio and video.",
    ),
    Key(
        "id",
        Label(),
        (KeyPlace.URL_REFERENCE,),
        "Lasting name",
        "What stays the same when a signed URL changes; it stands for the URL when takes are compared.",
    ),
    Key(
        "storyboard",
        Text("path, `${}`"),
        (KeyPlace.BOARD_REFERENCE,),
        "Storyboard",
        "Another storyboard of the project, relative to this one: what it made of a shot is the reference.",
        required=True,
        examples=("../cast/cast.yaml",),
    ),
    Key(
        "shot",
        Label(
            "shot id, `${}`",
            {"type": ["string", "integer"], "pattern": f"{SUBSTITUTION_PATTERN}|{ID_PATTERN}"},
        ),
        (KeyPlace.BOARD_REFERENCE, KeyPlace.SHOT_REFERENCE),
        "Shot",
        "The shot whose result is the reference.",
        required=True,
        examples=("sh010",),
    ),
    Key(
        "take",
        Number(1, MAX_TAKES, whole=True),
        (KeyPlace.BOARD_REFERENCE, KeyPlace.SHOT_REFERENCE),
        "Take",
        "Which take of that shot. Without it: its pick.",
    ),
    Key(
        "frame",
        NumberOr(Number(0), FRAMES, "a frame", "a time in seconds"),
        (KeyPlace.BOARD_REFERENCE, KeyPlace.SHOT_REFERENCE),
        "Frame",
        "A frame of that shot's video: first, last, or seconds from its start.",
        examples=("last", 2.5),
    ),
    Key(
        "fit",
        Label(
            "sound, `${}`",
            {"type": ["string", "integer"], "pattern": f"{SUBSTITUTION_PATTERN}|{ID_PATTERN}"},
        ),
        (KeyPlace.FIT,),
        "Fit",
        "As a parameter's value: the smallest that isn't shorter than this sound, a shot or an entry of sound.",
        required=True,
        examples=("vo010",),
    ),
    Key(
        "pad",
        Number(0, 86_400),
        (KeyPlace.FIT,),
        "Pad",
        "Seconds that the value is to be longer than the sound.",
        default=0,
    ),
)

KEYS = (*_MADE, *DECISION_KEYS, *CAST_KEYS, *FILM_KEYS)
"""Every key, in the order they are told to people."""


@cache
def keys(place: KeyPlace) -> Mapping[str, Key]:
    """The keys that may stand in a place, by name, in the order they are told to people."""
    return MappingProxyType({key.name: key for key in KEYS if place in key.places})
