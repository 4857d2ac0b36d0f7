"""Reading a storyboard: whatever comes in, shots or problems come out."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rivya_run.errors import Severity
from rivya_run.models.catalog import load_catalog
from rivya_run.storyboard.language import KEYS
from rivya_run.storyboard.reader import Reading, read_storyboard

CATALOG = load_catalog()


def read(text: str | bytes, path: str = "board.yaml") -> Reading:
    content = text.encode() if isinstance(text, str) else text
    return read_storyboard(content, path=path, catalog=CATALOG)


def said(reading: Reading) -> list[str]:
    return [
        f"{problem.line}:{problem.column} {problem.where}: {problem.message} [{problem.code}]"
        for problem in reading.problems
    ]


def test_smallest() -> None:
    """One shot with a prompt is a storyboard: named by its file, made by the default model, one take."""
    content = b"shots:\n  - id: reveal\n    prompt: A reveal\n"
    reading = read(content, "specs/teaser.yaml")
    assert reading.problems == ()
    board = reading.storyboard
    assert board is not None
    assert (board.id, board.default_model) == ("teaser", "grok-imagine-video")
    assert board.sha256 == hashlib.sha256(content).hexdigest()
    shot = board.shots[0]
    assert (shot.id, shot.takes, shot.pick, shot.skip, shot.where) == (
        "reveal",
        1,
        None,
        False,
        "shots[0] (reveal)",
    )
    assert shot.params == {"mode": "normal", "duration": 6, "resolution": "480p", "aspect_ratio": "2:3"}


def test_labels_and_budget() -> None:
    """Labels, tags and the budget are read as written, numbers as their text."""
    board = read(
        "id: '7'\ntitle: 0010\nnotes: n\nversion: 1\nx-mine: {any: thing}\nbudget: {max_credits: 12.5}\n"
        "shots:\n  - {id: 0010, scene: 2.50, title: T, notes: N, tags: [a, 1, a], prompt: on, skip: true}\n"
    ).storyboard
    assert board is not None
    assert (board.id, board.title, board.max_credits) == ("7", "0010", 12.5)
    shot = board.shots[0]
    assert (shot.id, shot.scene, shot.tags, shot.prompt, shot.skip) == (
        "0010",
        "2.50",
        ("a", "1"),
        "on",
        True,
    )


@pytest.mark.parametrize("stem", ["my board", "a.b", "-x", "con", "ü", "x" * 65])
def test_stem_that_is_no_id(stem: str) -> None:
    """A file name that makes no id asks for an id."""
    reading = read("shots: [{id: a, prompt: x}]", f"specs/{stem}.yaml")
    assert [problem.code for problem in reading.problems] == ["id"]
    assert "id: my-storyboard" in reading.problems[0].message
    assert read("id: fine\nshots: [{id: a, prompt: x}]", f"{stem}.yaml").problems == ()


@pytest.mark.parametrize("id_", ["../../etc", "a b", "-a", "_a", "", "NUL", "com1", "a" * 65, "a/b", "a.b"])
def test_ids_that_are_none(id_: str) -> None:
    """Ids are file names on every system: nothing else is one."""
    for text in (
        f"id: '{id_}'\nshots: [{{id: a, prompt: x}}]",
        f"shots:\n  - id: '{id_}'\n    prompt: x",
    ):
        assert [problem.code for problem in read(text).problems] == ["id"]


def test_all_problems_at_once_in_file_order() -> None:
    """Every mistake is told in one go, each with its place, in the order of the file."""
    reading = read(
        "fps: 24\n"
        "shots:\n"
        "  - id: sh010\n"
        "    prompt: x\n"
        "    params: {duration: 45, resolutoin: 720p}\n"
        "  - id: sh010\n"
        "    prompt: ' '\n"
    )
    assert reading.storyboard is None
    assert said(reading) == [
        "1:1 : unknown key 'fps' [unknown-key]",
        "5:24 shots[0] (sh010) params.duration: 45 is more than the maximum 30 [range]",
        "5:28 shots[0] (sh010) params: unknown key 'resolutoin', did you mean 'resolution'? [unknown-key]",
        "6:9 shots[1] (sh010) id: the id 'sh010' is taken by shots[0] (sh010) in line 3 [duplicate-id]",
        "7:13 shots[1] (sh010) prompt: 'prompt' is blank [blank]",
    ]


def test_json() -> None:
    """A JSON document reads as the same storyboard as its YAML."""
    document = {"shots": [{"id": "a", "prompt": "smile 😀", "params": {"duration": 12, "mode": "fun"}}]}
    for text in (json.dumps(document), json.dumps(document, indent="\t", ensure_ascii=False)):
        board = read(text, "b.json").storyboard
        assert board is not None
        assert board.shots[0].prompt == "smile 😀"
        assert board.shots[0].params["duration"] == 12


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty"),
        ("# nothing\n", "empty"),
        ("just text", "type"),
        ("- a", "type"),
        ("shots: []", "no-shots"),
        ("shots: {}", "type"),
        ("title: x", "missing-key"),
        ("shots: [1]", "type"),
        ("version: 2\nshots: [{id: a, prompt: x}]", "version"),
        ("shots: [{prompt: x}]", "missing-key"),
        ("shots: [{id: a}]", "missing-prompt"),
        ("shots: [{id: a, prompt: 42}]", "type"),
        ("shots: [{id: a, prompt: true}]", "type"),
        ("shots: [{id: true, prompt: x}]", "type"),
        ("shots: [{id: a, prompt: x, takes: 0}]", "range"),
        ("shots: [{id: a, prompt: x, takes: 1.5}]", "type"),
        ("shots: [{id: a, prompt: x, takes: '2'}]", "type"),
        ("shots: [{id: a, prompt: x, takes: 2, pick: 3}]", "range"),
        ("shots: [{id: a, prompt: x, skip: yes}]", "type"),
        ("shots: [{id: a, prompt: x, model: grok}]", "unknown-model"),
        ("shots: [{id: a, prompt: x, params: {duration: }}]", "type"),
        ("budget: {max_credits: -1}\nshots: [{id: a, prompt: x}]", "range"),
        ("budget: {}\nshots: [{id: a, prompt: x}]", "missing-key"),
        ("budget: 5\nshots: [{id: a, prompt: x}]", "type"),
        ("a: 1\n---\nb: 2", "several-documents"),
    ],
)
def test_wrong_documents(text: str, code: str) -> None:
    """Each kind of mistake has its own stable code."""
    reading = read(text)
    assert reading.storyboard is None
    assert code in [problem.code for problem in reading.problems]


def test_prompt_limits() -> None:
    """A prompt counts in code points; passing the limit only in UTF-16 units is advice."""
    fits = read(f"shots:\n  - id: a\n    prompt: {'x' * 5000}\n")
    assert fits.problems == ()
    long = read(f"shots:\n  - id: a\n    prompt: {'x' * 5001}\n")
    assert [(problem.code, problem.severity) for problem in long.problems] == [
        ("prompt-length", Severity.ERROR)
    ]
    emoji = read(f"shots:\n  - id: a\n    prompt: {'😀' * 5000}\n")
    assert [problem.severity for problem in emoji.problems] == [Severity.ADVICE]
    assert emoji.storyboard is not None


def test_model_without_prompt() -> None:
    """Dialogue needs its lines and no prompt."""
    text = "shots: [{id: a, model: elevenlabs-dialogue-v3, params: {dialogue: [{voice: Adam, text: Hi}]}}]"
    board = read(text).storyboard
    assert board is not None
    assert board.shots[0].prompt is None
    missing = read("shots: [{id: a, model: elevenlabs-dialogue-v3}]")
    assert said(missing) == [
        "1:9 shots[0] (a) params: 'dialogue' is required by elevenlabs-dialogue-v3 [required]"
    ]


def test_incomplete_table_only_advises() -> None:
    """What an incomplete table doesn't list is sent as written, with advice."""
    reading = read("shots: [{id: a, prompt: x, model: seedream-4-0, params: {strange: 3}}]")
    assert [problem.severity for problem in reading.problems] == [Severity.ADVICE]
    assert reading.storyboard is not None
    assert reading.storyboard.shots[0].params["strange"] == 3


def test_keys_of_other_places() -> None:
    """A key that belongs elsewhere says where."""
    reading = read("prompt: x\ndefaults: {duration: 5}\nshots: [{id: a, prompt: x, budget: {}, duratoin: 3}]")
    assert [problem.message for problem in reading.problems] == [
        "'prompt' can't stand at the top level: it belongs in a shot",
        "unknown key 'duration': it is a parameter and belongs under 'params'",
        "'budget' can't stand in a shot: it belongs at the top level",
        "unknown key 'duratoin', did you mean 'duration' under 'params'?",
    ]


@given(st.binary(max_size=300))
@example(b"\x00")
@example(b"\xff\xfe\x00")
@example(b"shots:\n - &a [*a]")
@settings(max_examples=150, deadline=None)
def test_any_bytes(content: bytes) -> None:
    """Any bytes end in a storyboard or in problems with places, never in an exception."""
    _whole(read(content))


_words = st.sampled_from(
    [key.name for key in KEYS]
    + ["x-a", "<<", "duration", "mode", "dialogue", "aspect_ratio", "hero", "colour", "referenceMediaItems"]
)
_scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 120),
    st.floats(allow_nan=False),
    st.text(max_size=8),
    st.sampled_from(
        [
            "${hero}",
            "${colour}",
            "$$",
            "${",
            "a-${colour}",
            "grok-imagine",
            "fun",
            "last",
            "a",
            "b",
            "https://x.y/a.png",
            "elevenlabs-dialogue-v3",
            "seedream-4-0",
            "16:9",
            "con",
            "../x",
            "http://127.0.0.1/a",
        ]
    ),
)
_values = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_words, inner, max_size=4),
    max_leaves=12,
)
_shots = st.dictionaries(_words, _values, max_size=6).map(lambda shot: {"id": "a", "prompt": "x", **shot})
_boards = st.fixed_dictionaries(
    {"shots": st.lists(_shots, min_size=1, max_size=3)},
    optional={
        "vars": st.dictionaries(_words, _scalars, max_size=2) | _values,
        "defaults": st.dictionaries(_words, _values, max_size=3),
        "presets": st.dictionaries(_words, st.dictionaries(_words, _values, max_size=3), max_size=2)
        | _values,
        "budget": _values,
        "id": _scalars,
    },
)


@given(_boards)
@settings(max_examples=250, deadline=None)
def test_any_structure(board: object) -> None:
    """Any document of the language's own words ends in a storyboard or in problems."""
    _whole(read(json.dumps(board)))


def _whole(reading: Reading) -> None:
    errors = [problem for problem in reading.problems if problem.severity is Severity.ERROR]
    assert (reading.storyboard is None) == bool(errors)
    places = [(problem.line, problem.column) for problem in reading.problems]
    assert places == sorted(places)
    assert all(line >= 1 and column >= 1 for line, column in places)
    assert all(problem.message and problem.code for problem in reading.problems)


def test_large_board_is_read_whole(tmp_path: Path) -> None:
    """Many shots are no aliases: size alone is no mistake."""
    lines = "".join(f"  - {{id: s{number}, prompt: shot {number}}}\n" for number in range(3000))
    board = read(f"shots:\n{lines}").storyboard
    assert board is not None
    assert len(board.shots) == 3000
