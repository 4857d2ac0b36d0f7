"""The storyboard language, described once: the schema, the reader and the docs derive from it.

Every key says where it may stand, what shape its value has, and what a person reads about it. What a
parameter may be is not here: that is the models' tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from types import MappingProxyType

from rivya_run.json_types import Json

NAME_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]*$"
SUBSTITUTION_PATTERN = r"\$\{"
NOT_BLANK_PATTERN = r"\S"
URL_PATTERN = (
    r"^(https://[^\s/?#]|http://(localhost|127(\.[0-9]{1,3}){3}|\[::1\])(:[0-9]{1,5})?([/?#]|$))\S*$"
)
FRAMES = ("first", "last")
MAX_TAKES = 99  # two digits in file names
WINDOWS_DEVICES = frozenset(
    ["con", "prn", "aux", "nul"] + [f"{port}{digit}" for port in ("com", "lpt") for digit in range(1, 10)]
)


class KeyPlace(StrEnum):
    """Where keys stand."""

    TOP = "top"
    DEFAULTS = "defaults"
    PRESET = "preset"
    SHOT = "shot"
    BUDGET = "budget"
    FILE_REFERENCE = "file reference"
    URL_REFERENCE = "url reference"
    SHOT_REFERENCE = "shot reference"


class Shape(StrEnum):
    """What a value looks like. An empty value (null) is of no shape.

    Texts marked ``${}`` may hold names of ``vars`` and ``matrix``.
    """

    ID = "id"  # text, or an unquoted number as it is written; ${} of matrix names only, in shot.id
    VERSION = "version"  # the number 1
    LABEL = "label"  # one text, or an unquoted number as it is written
    LABELS = "labels"  # one label or a list of them
    PROMPT = "prompt"  # text, not blank, ${}
    MODEL = "model"  # text: the id of a table
    PARAMS = "params"  # mapping: parameter -> value, ${} in texts
    REFERENCES = "references"  # one or a list of: path, URL, mapping of one of the three reference places
    COUNT = "count"  # whole number within minimum and maximum (JSON 3.0 is 3)
    AMOUNT = "amount"  # number, not below minimum
    FLAG = "flag"  # true or false
    NAMES = "names"  # one name of a preset or a list of them
    VARIABLES = "variables"  # mapping: name -> text or number
    MATRIX = "matrix"  # mapping, not empty: name -> list, not empty, of texts, numbers, true or false
    LAYER = "layer"  # mapping of the keys that stand in defaults
    LAYERS = "layers"  # mapping: preset name -> layer
    SHOTS = "shots"  # list, not empty, of mappings
    BUDGET = "budget"  # mapping of the keys that stand in budget
    PATH = "path"  # text, not blank, ${}
    URL = "url"  # text, https (plain http to loopback only), ${}
    KIND = "kind"  # one of KINDS
    TEXT = "text"  # text, not blank, ${}
    FRAME = "frame"  # first, last, or seconds (not below 0)
    SHOT_ID = "shot id"  # text, or an unquoted number as it is written, ${}


@dataclass(frozen=True, slots=True)
class Key:
    """One key of the language. ``help`` is what an editor shows on hover."""

    name: str
    shape: Shape
    places: tuple[KeyPlace, ...]
    title: str
    help: str
    required: bool = False
    minimum: int | None = None
    maximum: int | None = None
    default: Json = None
    examples: tuple[Json, ...] = ()


_PEOPLE = (KeyPlace.TOP, KeyPlace.SHOT)
_LAYERS = (KeyPlace.DEFAULTS, KeyPlace.PRESET, KeyPlace.SHOT)

KEYS: tuple[Key, ...] = (
    Key(
        "id",
        Shape.ID,
        (KeyPlace.TOP,),
        "Storyboard id",
        "Names the output folder and every request. Without it: the file's name without its ending.",
        examples=("espresso-teaser",),
    ),
    Key(
        "id",
        Shape.ID,
        (KeyPlace.SHOT,),
        "Shot id",
        "Names the shot, its files and its folder; unique ignoring case. With a matrix it holds the ${names} "
        "that tell its shots apart.",
        required=True,
        examples=("sh010",),
    ),
    Key(
        "version",
        Shape.VERSION,
        (KeyPlace.TOP,),
        "Language version",
        "The version of the storyboard language.",
        default=1,
    ),
    Key("title", Shape.LABEL, _PEOPLE, "Title", "For people and reports; never sent."),
    Key("notes", Shape.LABEL, _PEOPLE, "Notes", "For people and reports; never sent."),
    Key(
        "scene",
        Shape.LABEL,
        _PEOPLE,
        "Scene",
        "For people, reports and --only scene:...; never sent. At the top: of every shot that names none.",
    ),
    Key(
        "tags",
        Shape.LABELS,
        (KeyPlace.TOP, *_LAYERS),
        "Tags",
        "For people, reports and --only tag:...; one or a list; never sent. At the top: of every shot.",
    ),
    Key(
        "vars",
        Shape.VARIABLES,
        (KeyPlace.TOP,),
        "Variables",
        "Name -> text or number, written as ${name} in prompts, values of params, paths and URLs. A value "
        "that is only ${name} keeps its type; $$ is a dollar sign.",
        examples=({"hero": "a matte-black espresso machine"},),
    ),
    Key("budget", Shape.BUDGET, (KeyPlace.TOP,), "Budget", "What this storyboard may cost."),
    Key(
        "max_credits",
        Shape.AMOUNT,
        (KeyPlace.BUDGET,),
        "Most credits",
        "The most this storyboard may ever spend, all runs and attempts together.",
        required=True,
        minimum=0,
        examples=(200,),
    ),
    Key(
        "defaults",
        Shape.LAYER,
        (KeyPlace.TOP,),
        "Defaults",
        "The first layer of every shot: model, params, references, takes, tags.",
    ),
    Key("presets", Shape.LAYERS, (KeyPlace.TOP,), "Presets", "Named layers that shots take with use."),
    Key(
        "shots", Shape.SHOTS, (KeyPlace.TOP,), "Shots", "The shots, in the order of the film.", required=True
    ),
    Key(
        "use",
        Shape.NAMES,
        (KeyPlace.SHOT,),
        "Presets used",
        "One preset or a list of them, laid over the defaults in this order, under the shot's own keys.",
    ),
    Key(
        "model",
        Shape.MODEL,
        _LAYERS,
        "Model",
        "The Rivya model. A layer that names another model resets params.",
    ),
    Key(
        "prompt",
        Shape.PROMPT,
        (KeyPlace.SHOT,),
        "Prompt",
        "What should be seen or heard, as long as the model's table allows.",
        examples=("A cinematic product reveal with smooth camera movement",),
    ),
    Key(
        "params", Shape.PARAMS, _LAYERS, "Parameters", "The model's own parameters, as its table lists them."
    ),
    Key(
        "references",
        Shape.REFERENCES,
        _LAYERS,
        "References",
        "One or a list of: a path relative to the storyboard, an https URL, {path}, {url, kind}, "
        "{shot, take, frame}.",
        examples=("refs/pack.png", [{"shot": "sh010", "frame": "last"}]),
    ),
    Key(
        "takes",
        Shape.COUNT,
        _LAYERS,
        "Takes",
        "How many takes to make of the shot; each is paid for.",
        minimum=1,
        maximum=MAX_TAKES,
        default=1,
    ),
    Key(
        "pick",
        Shape.COUNT,
        (KeyPlace.SHOT,),
        "Picked take",
        "The take that the cut, reports and other shots use. Without it: the lowest-numbered that succeeded.",
        minimum=1,
        maximum=MAX_TAKES,
    ),
    Key(
        "matrix",
        Shape.MATRIX,
        (KeyPlace.SHOT,),
        "Matrix",
        "Name -> list of values: one shot for each combination, its ${names} filled in.",
        examples=({"colour": ["black", "ivory", "sage"]},),
    ),
    Key(
        "skip",
        Shape.FLAG,
        (KeyPlace.SHOT,),
        "Skip",
        "true: the shot stays in the file, nothing is created for it; what it already has stays its own.",
        default=False,
    ),
    Key(
        "path",
        Shape.PATH,
        (KeyPlace.FILE_REFERENCE,),
        "File",
        "A reference file, relative to the storyboard.",
        required=True,
    ),
    Key(
        "url",
        Shape.URL,
        (KeyPlace.URL_REFERENCE,),
        "URL",
        "A reference that is already on the web (https).",
        required=True,
    ),
    Key("kind", Shape.KIND, (KeyPlace.URL_REFERENCE,), "Kind", "What the URL leads to.", required=True),
    Key("name", Shape.LABEL, (KeyPlace.URL_REFERENCE,), "File name", "A file name to send along."),
    Key(
        "mime_type",
        Shape.TEXT,
        (KeyPlace.URL_REFERENCE,),
        "MIME type",
        "The MIME type to send along.",
        examples=("image/png",),
    ),
    Key(
        "duration_token",
        Shape.TEXT,
        (KeyPlace.URL_REFERENCE,),
        "Duration token",
        "The token that Rivya's upload returned for audio and video.",
    ),
    Key(
        "id",
        Shape.LABEL,
        (KeyPlace.URL_REFERENCE,),
        "Lasting name",
        "What stays the same when a signed URL changes; it stands for the URL when takes are compared.",
    ),
    Key(
        "shot",
        Shape.SHOT_ID,
        (KeyPlace.SHOT_REFERENCE,),
        "Shot",
        "The shot whose result is the reference.",
        required=True,
        examples=("sh010",),
    ),
    Key(
        "take",
        Shape.COUNT,
        (KeyPlace.SHOT_REFERENCE,),
        "Take",
        "Which take of that shot. Without it: its pick.",
        minimum=1,
        maximum=MAX_TAKES,
    ),
    Key(
        "frame",
        Shape.FRAME,
        (KeyPlace.SHOT_REFERENCE,),
        "Frame",
        "A frame of that shot's video: first, last, or seconds from its start.",
        minimum=0,
        examples=("last", 2.5),
    ),
)

REFERENCE_PLACES: Mapping[str, KeyPlace] = MappingProxyType(
    {"path": KeyPlace.FILE_REFERENCE, "url": KeyPlace.URL_REFERENCE, "shot": KeyPlace.SHOT_REFERENCE}
)
"""The key that tells which form a reference mapping has -> that form."""


@cache
def keys(place: KeyPlace) -> Mapping[str, Key]:
    """The keys that may stand in a place, by name, in the order they are told to people."""
    return MappingProxyType({key.name: key for key in KEYS if place in key.places})
