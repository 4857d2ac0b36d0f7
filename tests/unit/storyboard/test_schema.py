"""The generated JSON Schemas: conform, fresh, and of one mind with the runner."""

from __future__ import annotations

import json
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from rivya_run.cli.schema import schema_files
from rivya_run.errors import Severity
from rivya_run.journal.manifest_schema import manifest_schema
from rivya_run.models.catalog import load_catalog
from rivya_run.models.table_schemas import table_schema
from rivya_run.storyboard.language import KEYS
from rivya_run.storyboard.model import Shot
from rivya_run.storyboard.reader import read_storyboard
from rivya_run.storyboard.schema import include_schema, storyboard_schema
from rivya_run.storyboard.written import CARRIED

ROOT = Path(__file__).parents[3]
CATALOG = load_catalog()
SCHEMA: Any = storyboard_schema(CATALOG)
VALIDATOR = Draft7Validator(SCHEMA)

# What no schema can say: it takes the whole document, or what the filled-in text becomes.
UNSAYABLE = {
    "duplicate-id",
    "unknown-preset",
    "substitution",
    "unknown-shot",
    "reference-kind",
    "shot-circle",
}

Document = dict[str, Any]


def complaints(document: Document) -> list[tuple[str, str]]:
    return [
        (".".join(map(str, error.absolute_path)), error.message) for error in VALIDATOR.iter_errors(document)
    ]


def errors(document: Document) -> list[tuple[str, str, str]]:
    reading = read_storyboard(json.dumps(document).encode(), path="board.json", catalog=CATALOG)
    return [(p.code, p.where, p.message) for p in reading.problems if p.severity is Severity.ERROR]


def board(**shot: Any) -> Document:
    return {"shots": [{"id": "a", "prompt": "A machine", **shot}]}


def with_defaults(defaults: Any, **shot: Any) -> Document:
    return {"defaults": defaults, **board(**shot)}


@pytest.mark.parametrize(
    "schema",
    [SCHEMA, include_schema(CATALOG), manifest_schema(), table_schema()],
    ids=["board", "include", "manifest", "table"],
)
def test_each_schema_is_draft_07(schema: Any) -> None:
    """Editors stop at draft-07, so every generated schema conforms to it."""
    Draft7Validator.check_schema(schema)
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"


def test_the_schemas_in_the_repository_are_fresh() -> None:
    """schemas/ holds what the tables say; `rivya-run schema --write` renews it."""
    for name, text in schema_files().items():
        assert (ROOT / "schemas" / name).read_text(encoding="utf-8") == text, name


def test_generation_is_deterministic() -> None:
    """The same tables give the same bytes."""
    assert schema_files() == schema_files()
    assert set(schema_files()) == {
        "storyboard.schema.json",
        "include.schema.json",
        "manifest.schema.json",
    }


def test_every_key_and_every_row_explains_itself() -> None:
    """An editor shows a title and words for each key of the language and each parameter."""
    for place in (SCHEMA, *(SCHEMA["definitions"][name] for name in ("shot", "defaults", "preset"))):
        assert all(shape["title"] and shape["description"] for shape in place["properties"].values())
    for table in CATALOG.all():
        shown = SCHEMA["definitions"][f"params.{table.id}"]["properties"]
        for row in table.params:
            assert shown[row.key]["title"] == f"{row.key} ({table.display_name})"
            assert shown[row.key].get("default") == row.default
    assert all(key.title and key.help for key in KEYS)


def test_every_carried_key_has_its_field() -> None:
    """A key of shots that no step has a rule for reaches the shot in the field called so, which has a default."""
    optional = {field.name for field in fields(Shot) if field.default is not MISSING}
    assert optional == {*CARRIED, "mentions", "written", "versions"}


VALID: list[Document] = [
    board(),
    board(params={"duration": 12, "mode": "fun", "aspect_ratio": "9:16"}),
    board(model="kling-2-6", params={"duration": 5, "sound": True}),
    board(model="kling-2-6", params={"duration": 5.0}),
    board(model="elevenlabs-turbo-2-5", params={"stability": 0.15, "speed": 0.7}),
    board(model="wan-2-7-video", params={"unknown": 1}),
    board(params={"duration": "${d}"}) | {"vars": {"d": 7}},
    board(references="refs/a.png", takes=3, pick=2, skip=False, tags=["x", 1], scene=1, notes="n", title="t"),
    board(references=[]),
    board(
        model="nano-banana-2",
        references=["a.png", {"path": "b.png"}, {"url": "https://x.org/c", "kind": "image"}],
    ),
    board(**{"x-mine": {"any": ["thing"]}}) | {"x-top": None, "version": 1, "budget": {"max_credits": 5}},
    with_defaults({"model": "kling-2-6"}, params={"sound": "true"}),
    with_defaults({"model": "kling-2-6", "takes": 2, "tags": "a"}, model="z-image"),
    with_defaults({"params": {"duration": 7}}),
    {"shots": [{"id": "a", "model": "elevenlabs-dialogue-v3", "params": {"dialogue": [{"text": "Hi"}]}}]},
    {
        "defaults": {"model": "elevenlabs-dialogue-v3", "params": {"dialogue": [{"text": "Hi"}]}},
        "shots": [{"id": "a"}],
    },
    {"presets": {"p": {"model": "z-image"}}, "shots": [{"id": "a", "prompt": "x", "use": "p", "params": {}}]},
    {"shots": [{"id": "a-${c}", "prompt": "${c}", "matrix": {"c": ["x", 1, True]}}]},
    {
        "shots": [
            {"id": "10", "prompt": "x"},
            {"id": "b", "prompt": "y", "references": {"shot": "10", "frame": 0.5}},
        ]
    },
    {"id": 10, "shots": [{"id": 20, "prompt": "x"}]},
]

INVALID: list[Document] = [
    {},
    {"shots": []},
    {"shots": [{"prompt": "x"}]},
    {"shots": [{"id": "a"}]},
    {"shots": [{"id": "a-${c}", "prompt": "x"}]},
    {"shots": [{"id": "../etc", "prompt": "x"}]},
    {"shots": [{"id": "CON", "prompt": "x"}]},
    {"id": "a b", **board()},
    board(prompt=" "),
    board(prompt="x" * 5001),
    board(params={"duration": 31}),
    board(params={"duration": "12"}),
    board(params={"duration": 6.5}),
    board(params={"mode": None}),
    board(params={"aspect_ratio": "16:10"}),
    board(params={"durations": 7}),
    board(params={"referenceMediaItems": []}),
    board(model="wan-2-7-video", params={"referenceMediaItems": []}),
    board(model="wan-2-7-video", params={"unknown": None}),
    board(model="nope"),
    board(model="kling-2-6", params={"duration": 6}),
    board(model="elevenlabs-turbo-2-5", params={"stability": 0.12}),
    board(takes=0),
    board(takes=100),
    board(takes="3"),
    board(pick=1.5),
    board(skip="yes"),
    board(tags={"a": 1}),
    board(references={"path": "a.png", "shot": "b"}),
    board(references=["http://example.org/a.png"]),
    board(references={"url": "https://example.org/a.png"}),
    board(references={"shot": "a", "frame": "middle"}),
    board(references=["a.png", "b.png"]),
    board(references={"url": "https://example.org/a", "kind": "video"}),
    board(model="z-image", references="a.png"),
    board(unknown=1),
    board() | {"vars": {"bad-name": 1}},
    board() | {"vars": {"v": True}},
    board() | {"vars": {"v": "${w}"}},
    board() | {"version": 2},
    board() | {"budget": {"max_credits": -1}},
    board() | {"budget": {}},
    board() | {"presets": {"p": {"prompt": "x"}}},
    board(matrix={}),
    board(matrix={"c": []}),
    board(matrix={"c": "black"}),
    with_defaults({"model": "kling-2-6"}, params={"mode": "fun"}),
    with_defaults({"model": "kling-2-6", "params": {"duration": 6}}),
    with_defaults({"params": {"duration": 31}}),
    with_defaults({"model": "nope"}),
    with_defaults({"prompt": "x"}),
    board() | {"presets": {"p": {"model": "kling-2-6", "params": {"duration": 6}}}},
    {"shots": [{"id": "a", "model": "elevenlabs-dialogue-v3"}]},
    {"defaults": {"model": "elevenlabs-dialogue-v3"}, "shots": [{"id": "a"}]},
    {"shots": [{"id": "a", "model": "elevenlabs-dialogue-v3", "params": {"dialogue": [{"voice": "Adam"}]}}]},
]


@pytest.mark.parametrize("document", VALID, ids=range(len(VALID)))
def test_what_the_runner_takes_the_schema_takes(document: Document) -> None:
    """A good JSON document is good for both."""
    assert errors(document) == []
    assert complaints(document) == []


@pytest.mark.parametrize("document", INVALID, ids=range(len(INVALID)))
def test_what_the_runner_refuses_the_schema_refuses(document: Document) -> None:
    """A wrong JSON document is wrong for both."""
    assert errors(document)
    assert complaints(document)


def test_a_wrong_value_is_told_in_its_own_words() -> None:
    """The message names the limit, not "any of the given schemas"."""
    assert complaints(board(params={"duration": 31})) == [
        ("shots.0.params.duration", "31 is greater than the maximum of 30")
    ]


def test_the_schema_is_silent_where_it_cannot_know() -> None:
    """Under a preset or ${} the schema says nothing of params, whatever they are."""
    unknown = {"presets": {"p": {}}, **board(use="p", params={"anything": 1, "duration": "${d}"})}
    assert complaints(unknown) == []
    assert complaints(board(params={"mode": "${m}", "aspect_ratio": "$${x}"})) == []


MODELS = st.sampled_from(
    ["grok-imagine-video", "kling-2-6", "z-image", "elevenlabs-dialogue-v3", "sora-2-pro"]
)
VALUES: st.SearchStrategy[Any] = st.sampled_from(
    [
        5,
        5.0,
        6,
        30,
        31,
        0.5,
        True,
        False,
        None,
        "5",
        "6",
        "fun",
        "normal",
        "1:1",
        "16:9",
        "true",
        "",
        [],
        {},
        [{"text": "Hi"}],
        [{"voice": 1, "text": 2}],
        ["Hi"],
        "${v}",
        "480p",
        "720p",
    ]
)
PARAMS = st.dictionaries(
    st.sampled_from(
        [
            "mode",
            "duration",
            "aspect_ratio",
            "sound",
            "dialogue",
            "stability",
            "x-own",
            "size",
            "language_code",
        ]
    ),
    VALUES,
    max_size=3,
)
REFERENCES = st.sampled_from(
    [
        "a.png",
        " ",
        "http://x.org/a.png",
        "https://x.org/a.png",
        [],
        ["a.png"],
        ["a.png", "b.png"],
        3,
        {"path": "a"},
        {"url": "https://x.org/a", "kind": "image"},
        {"url": "https://x.org/a", "kind": "film"},
        {},
    ]
)
LAYER: dict[str, st.SearchStrategy[Any]] = {
    "model": MODELS,
    "params": PARAMS,
    "takes": st.sampled_from([1, 2.0, 99, 100, "2", None]),
    "tags": st.sampled_from(["a", ["a", 2], {}, True]),
}
SHOT = st.fixed_dictionaries(
    {
        "id": st.sampled_from(["a", "b", 7, "a b", "nul", True, ""]),
        "prompt": st.sampled_from(["x", " ", "${v}", 3]),
    },
    optional={
        **LAYER,
        "references": REFERENCES,
        "skip": st.sampled_from([True, 1]),
        "pick": st.sampled_from([1, 0]),
        "notes": st.sampled_from(["n", 1, None]),
    },
)
BOARDS = st.fixed_dictionaries(
    {"shots": st.lists(SHOT, min_size=1, max_size=2)},
    optional={"defaults": st.fixed_dictionaries({}, optional=LAYER), "vars": st.just({"v": 6})},
)


@settings(max_examples=250, deadline=None)
@given(BOARDS)
def test_schema_and_runner_are_of_one_mind(document: Document) -> None:
    """What the schema calls wrong is wrong, and what is wrong in a way a schema can say, it calls wrong."""
    found = errors(document)
    if complaints(document):
        assert found
    elif "${" not in json.dumps(document):
        assert [one for one in found if one[0] not in UNSAYABLE] == []


def test_the_example_of_the_contract_fits_the_manifest_schema() -> None:
    """A manifest as it is described, with facts of later versions in it, is valid; a wrong status is not."""
    take: Document = {
        "take": 1,
        "status": "succeeded",
        "model": "grok-imagine-video",
        "fingerprint": "sha256:" + "a" * 64,
        "client_request_id": "b.sh010.t1.aaaaaaaaaaaaaaaa.a1",
        "attempt": 1,
        "task_id": "task_1",
        "attempts": [],
        "request": {"model": "grok-imagine-video", "prompt": "x", "params": {}, "client_request_id": "k"},
        "sent_at": "2026-05-11T00:00:00.000Z",
        "reserved_credits": 10,
        "final_credits": 10,
        "created_at": None,
        "updated_at": None,
        "outputs": [
            {
                "path": "sh010/sh010_t01_aaaaaaaa.mp4",
                "url": None,
                "bytes": 1,
                "sha256": "b" * 64,
                "mime_type": "video/mp4",
                "later": 1,
            }
        ],
        "error": None,
    }
    counts = ["takes", "succeeded", "failed", "pending", "unknown"]
    totals = dict.fromkeys([*counts, "reserved_credits", "final_credits", "spent_credits"], 0)
    manifest: Document = {
        "version": 1,
        "storyboard": {"id": "b", "path": "b.yaml", "sha256": "c" * 64},
        "updated_at": "2026-05-11T00:00:00.000Z",
        "base_url": "https://rivya.ai",
        "totals": totals,
        "shots": [{"id": "sh010", "scene": None, "pick": None, "skipped": False, "takes": [take]}],
        "uploads": [],
        "history": [{"shot": "old", **take}],
        "later": True,
    }
    validator = Draft7Validator(manifest_schema())
    validator.validate(manifest)
    take["status"] = "done"
    with pytest.raises(jsonschema.ValidationError, match="'done' is not one of"):
        validator.validate(manifest)
