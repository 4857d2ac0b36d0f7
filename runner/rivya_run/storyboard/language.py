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
MAX_TAKES = 99
WINDOWS_DEVICES = frozenset(
    ["con", "prn", "aux", "nul"] + [f"{port}{digit}" for port in ("com", "lpt") for digit in range(1, 10)]
)


class Place(StrEnum):
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
    places: tuple[Place, ...]
    title: str
    help: str
    required: bool = False
    minimum: int | None = None
    maximum: int | None = None
    default: Json = None
    examples: tuple[Json, ...] = ()


_PEOPLE = (Place.TOP, Place.SHOT)
_LAYERS = (Place.DEFAULTS, Place.PRESET, Place.SHOT)

KEYS: tuple[Key, ...] = (
    Key(
        "id",
        Shape.ID,
        (Place.TOP,),
        "Storyboard id",
        "Names the output folder and every request. Without it: the file's name without its ending.",
        examples=("espresso-teaser",),
    ),
    Key(
        "id",
        Shape.ID,
        (Place.SHOT,),
        "Shot id",
        "Names the shot, its files and its folder; unique ignoring case. With a matrix it holds the ${names} "
        "that tell its shots apart.",
        required=True,
        examples=("sh010",),
    ),
    Key(
        "version",
        Shape.VERSION,
        (Place.TOP,),
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
        (Place.TOP, *_LAYERS),
        "Tags",
        "For people, reports and --only tag:...; one or a list; never sent. At the top: of every shot.",
    ),
    Key(
        "vars",
        Shape.VARIABLES,
        (Place.TOP,),
        "Variables",
        "Name -> text or number, written as ${name} in prompts, values of params, paths and URLs. A value "
        "that is only ${name} keeps its type; $$ is a dollar sign.",
        examples=({"hero": "a matte-black espresso machine"},),
    ),
    Key("budget", Shape.BUDGET, (Place.TOP,), "Budget", "What this storyboard may cost."),
    Key(
        "max_credits",
        Shape.AMOUNT,
        (Place.BUDGET,),
        "Most credits",
        "The most this storyboard may ever spend, all runs and attempts together.",
        required=True,
        minimum=0,
        examples=(200,),
    ),
    Key(
        "defaults",
        Shape.LAYER,
        (Place.TOP,),
        "Defaults",
        "The first layer of every shot: model, params, references, takes, tags.",
    ),
    Key("presets", Shape.LAYERS, (Place.TOP,), "Presets", "Named layers that shots take with use."),
    Key("shots", Shape.SHOTS, (Place.TOP,), "Shots", "The shots, in the order of the film.", required=True),
    Key(
        "use",
        Shape.NAMES,
        (Place.SHOT,),
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
        (Place.SHOT,),
        "Prompt",
        "What is to be seen or heard, as long as the model's table allows.",
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
        (Place.SHOT,),
        "Picked take",
        "The take that the cut, reports and other shots use. Without it: the lowest-numbered that succeeded.",
        minimum=1,
        maximum=MAX_TAKES,
    ),
    Key(
        "matrix",
        Shape.MATRIX,
        (Place.SHOT,),
        "Matrix",
        "Name -> list of values: one shot for each combination, its ${names} filled in.",
        examples=({"colour": ["black", "ivory", "sage"]},),
    ),
    Key(
        "skip",
        Shape.FLAG,
        (Place.SHOT,),
        "Skip",
        "true: the shot stays in the file, nothing is created for it; what it already has stays its own.",
        default=False,
    ),
    Key(
        "path",
        Shape.PATH,
        (Place.FILE_REFERENCE,),
        "File",
        "A reference file, relative to the storyboard.",
        required=True,
    ),
    Key(
        "url",
        Shape.URL,
        (Place.URL_REFERENCE,),
        "URL",
        "A reference that is already on the web (https).",
        required=True,
    ),
    Key("kind", Shape.KIND, (Place.URL_REFERENCE,), "Kind", "What the URL leads to.", required=True),
    Key("name", Shape.LABEL, (Place.URL_REFERENCE,), "File name", "A file name to send along."),
    Key(
        "mime_type",
        Shape.TEXT,
        (Place.URL_REFERENCE,),
        "MIME type",
        "The MIME type to send along.",
        examples=("image/png",),
    ),
    Key(
        "duration_token",
        Shape.TEXT,
        (Place.URL_REFERENCE,),
        "Duration token",
        "The token that Rivya's upload answered for audio and video.",
    ),
    Key(
        "id",
        Shape.LABEL,
        (Place.URL_REFERENCE,),
        "Lasting name",
        "What stays the same when a signed URL changes; it stands for the URL when takes are compared.",
    ),
    Key(
        "shot",
        Shape.SHOT_ID,
        (Place.SHOT_REFERENCE,),
        "Shot",
        "The shot whose result is the reference.",
        required=True,
        examples=("sh010",),
    ),
    Key(
        "take",
        Shape.COUNT,
        (Place.SHOT_REFERENCE,),
        "Take",
        "Which take of that shot. Without it: its pick.",
        minimum=1,
        maximum=MAX_TAKES,
    ),
    Key(
        "frame",
        Shape.FRAME,
        (Place.SHOT_REFERENCE,),
        "Frame",
        "A frame of that shot's video: first, last, or seconds from its start.",
        minimum=0,
        examples=("last", 2.5),
    ),
)

REFERENCE_PLACES: Mapping[str, Place] = MappingProxyType(
    {"path": Place.FILE_REFERENCE, "url": Place.URL_REFERENCE, "shot": Place.SHOT_REFERENCE}
)
"""The key that tells which form a reference mapping has -> that form."""


@cache
def keys(place: Place) -> Mapping[str, Key]:
    """The keys that may stand in a place, by name, in the order they are told to people."""
    return MappingProxyType({key.name: key for key in KEYS if place in key.places})
