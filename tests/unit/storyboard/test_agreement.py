"""The schema that editors show and the reader that decides: one language."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rivya_run.errors import Severity
from rivya_run.models.catalog import load_catalog
from rivya_run.storyboard.language import KEYS
from rivya_run.storyboard.reader import read_storyboard
from rivya_run.storyboard.schema import storyboard_schema

CATALOG = load_catalog()
SCHEMA = jsonschema.Draft7Validator(storyboard_schema(CATALOG))
SAYABLE = {
    "type", "range", "step", "option", "unknown-key", "missing-key", "no-shots", "version", "name", "url",
    "required", "unknown-model", "missing-prompt", "reserved",
}  # fmt: skip


def errors_of(document: Any) -> list[Any]:
    content = json.dumps(document).encode()
    reading = read_storyboard(content, path="board.json", catalog=CATALOG)
    return [problem for problem in reading.problems if problem.severity is Severity.ERROR]


_words = st.sampled_from(
    [key.name for key in KEYS] + ["x-a", "duration", "mode", "aspect_ratio", "speed", "hero"]
)
_scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-1, 100),
    st.sampled_from([0.5, 3.0, 6.5, 99.0, 5000.0]),
    st.sampled_from(
        [
            "",
            " ",
            "a",
            "b",
            "last",
            "fun",
            "9:16",
            "16:10",
            "grok-imagine",
            "seedream-4-0",
            "nope",
            "image",
            "refs/a.png",
            "elevenlabs-dialogue-v3",
            "kling-2-6",
            "5",
            "true",
            "http://127.0.0.1/a",
            "https://x.y/a.png",
            "ftp://x",
        ]
    ),
)
_values = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_words, inner, max_size=3),
    max_leaves=6,
)
_params = st.dictionaries(
    st.sampled_from(["duration", "mode", "aspect_ratio", "sound", "seed", "dialogue", "enable_pro", "size"]),
    _scalars | _values,
    max_size=2,
)
_models = st.sampled_from(
    ["grok-imagine", "kling-2-6", "seedream-4-0", "elevenlabs-dialogue-v3", "z-image", "nope"]
)
_layer: dict[Any, Any] = {"model": _models, "params": _params, "takes": _scalars, "tags": _values}
_shots = st.fixed_dictionaries(
    {"id": st.sampled_from(["a", "b", "c", "d"])},
    optional={
        **_layer,
        "prompt": _scalars,
        "references": _values,
        "skip": _scalars,
        "pick": _scalars,
        "scene": _scalars,
        "x-mine": _values,
        "speed": _scalars,
        "cast": _values,
    },
)
_members = st.fixed_dictionaries({}, optional={"text": _scalars, "references": _values, "x-a": _values})
_boards = st.fixed_dictionaries(
    {"shots": st.lists(_shots, min_size=1, max_size=2, unique_by=lambda shot: shot["id"])},
    optional={
        "id": _scalars,
        "title": _values,
        "version": _scalars,
        "vars": st.dictionaries(_words, _scalars, max_size=2),
        "budget": st.dictionaries(st.just("max_credits"), _scalars) | _scalars,
        "defaults": st.fixed_dictionaries({}, optional={**_layer, "references": _values}),
        "include": _values,
        "cast": st.dictionaries(
            _words | st.sampled_from(["a b", "@a", "10"]), _members | _values, max_size=2
        ),
        "presets": st.dictionaries(_words, st.fixed_dictionaries({}, optional=_layer), max_size=1),
    },
)


@given(_boards)
@settings(max_examples=300, deadline=None)
def test_what_the_schema_refuses_the_reader_refuses(document: Any) -> None:
    """A document that an editor marks red never reaches a run."""
    refused = [error.message for error in SCHEMA.iter_errors(document)]
    if refused:
        assert errors_of(document), refused


@given(_boards)
@settings(max_examples=300, deadline=None)
def test_what_the_reader_refuses_the_schema_refuses(document: Any) -> None:
    """What the reader finds wrong and a schema can say is red in the editor too."""
    sayable = [problem for problem in errors_of(document) if problem.code in SAYABLE]
    if sayable:
        assert not SCHEMA.is_valid(document), sayable


@pytest.mark.parametrize(
    "unused",
    [
        {"presets": {"p": {"model": "nope"}}},
        {"defaults": {"model": "nope"}},
        {"presets": {"p": {"references": "http://x.example/a.png"}}},
        {"presets": {"p": {"references": [{"url": "ftp://x.example/a.png", "kind": "image"}]}}},
        {"defaults": {"references": ["refs/a.png", "http://x.example/a.png"]}},
        {"cast": {"mira": {"text": "x", "references": "http://x.example/a.png"}}},
    ],
)
def test_both_refuse_what_no_shot_uses(unused: Any) -> None:
    """A mistake in a layer is one before anything lies on it."""
    shot = {"id": "a", "prompt": "x", "model": "grok-imagine", "references": []}
    document = {**unused, "shots": [shot]}
    assert not SCHEMA.is_valid(document)
    (problem,) = errors_of(document)
    assert problem.code in {"unknown-model", "url"} and problem.where.startswith(next(iter(unused)))


@pytest.mark.parametrize(
    "document",
    [
        {"shots": [{"id": "a", "prompt": "x", "params": {"duration": 6.0, "aspect_ratio": "16:9"}}]},
        {"shots": [{"id": 10, "prompt": "x", "takes": 3.0, "pick": 2}]},
        {
            "shots": [
                {"id": "a", "prompt": "x", "params": {"duration": {"fit": 10, "pad": 0.5}}},
                {"id": 10, "prompt": "x", "model": "elevenlabs-turbo-2-5"},
            ]
        },
        {"shots": [{"id": "a-${c}", "prompt": "x ${c}", "matrix": {"c": ["a", 1, True]}}]},
        {
            "defaults": {"model": "z-image"},
            "shots": [{"id": "a", "prompt": "x", "params": {"aspect_ratio": "4:3"}}],
        },
    ],
)
def test_both_accept(document: Any) -> None:
    """What both should take, both take."""
    assert SCHEMA.is_valid(document)
    assert errors_of(document) == []
