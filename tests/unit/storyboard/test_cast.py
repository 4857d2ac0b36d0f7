"""The cast: ``@name`` in prompts, references that come along, and what is said of names that nobody has."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rivya_run.errors import Severity
from rivya_run.models.catalog import load_catalog
from rivya_run.storyboard.model import FileReference, Reference, Shot, UrlReference
from rivya_run.storyboard.reader import Reading, read_storyboard

CATALOG = load_catalog()
MODEL = "nano-banana-2"  # takes many images
CAST = {
    "mira": {"text": "a woman in a red parka", "references": ["refs/mira.png", {"shot": "sheet"}]},
    "mira-old": {"text": "a grey-haired woman"},
    "joe": {"text": "a man with ${hat}", "references": "refs/joe.png"},
}
SHEET = {"id": "sheet", "prompt": "A sheet"}


def read(*shots: dict[str, Any], cast: Any = CAST, **top: Any) -> Reading:
    """The reading of a board with a cast, a sheet and these shots."""
    document: dict[str, Any] = {
        "vars": {"hat": "a hat", "at": "@mira"},
        "defaults": {"model": MODEL},
        **top,
        "shots": [SHEET, *shots],
    }
    if cast is not None:
        document["cast"] = cast
    return read_storyboard(json.dumps(document).encode(), path="board.yaml", catalog=CATALOG)


def shot_of(*shots: dict[str, Any], **more: Any) -> Shot:
    """The last shot of such a board, which has no problems."""
    reading = read(*shots, **more)
    assert reading.storyboard is not None, reading.problems
    return reading.storyboard.shots[-1]


def prompt_of(written: str, **more: Any) -> str:
    """What a written prompt comes to."""
    return shot_of({"id": "s", "prompt": written}, **more).prompt or ""


def names(references: tuple[Reference, ...]) -> list[str]:
    """References in short."""
    short = []
    for one in references:
        if isinstance(one, FileReference):
            short.append(one.path)
        else:
            short.append(one.url if isinstance(one, UrlReference) else one.shot)
    return short


def told(reading: Reading) -> list[tuple[str, str, str]]:
    """(severity, code, message) of all problems."""
    return [(one.severity.value, one.code, one.message) for one in reading.problems]


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("@mira waves", "a woman in a red parka waves"),
        ("@mira's dog", "a woman in a red parka's dog"),
        ("(@mira)", "(a woman in a red parka)"),
        ("@mira-old waits", "a grey-haired woman waits"),
        ("@mira-like, @mira-", "a woman in a red parka-like, a woman in a red parka-"),
        ("@mira走过", "a woman in a red parka走过"),
        ("与@joe一起", "与a man with a hat一起"),
        ("@mira @mira", "a woman in a red parka a woman in a red parka"),
        ("me@@home", "me@home"),
        ("@@mira", "@mira"),
        ("@@@mira", "@a woman in a red parka"),
        ("@mira@mira-old", "a woman in a red parkaa grey-haired woman"),
        ("5 @ 3 @", "5 @ 3 @"),
        ("@xyzzy42", "@xyzzy42"),
        ("${at} waves", "@mira waves"),
        ("$$@joe", "$a man with a hat"),
        ("@joe and ${hat}", "a man with a hat and a hat"),
    ],
)
def test_mentions(written: str, sent: str) -> None:
    """The longest name wins, @@ is an at sign, strangers stay, and what is filled in is not searched."""
    assert prompt_of(written) == sent


@pytest.mark.parametrize("written", ["@mira waves", "@@mira", "me@@home", "${at} @", "@miro"])
def test_without_a_cast_an_at_sign_is_an_at_sign(written: str) -> None:
    """Nothing is read into prompts where there is no cast, and nothing is advised."""
    reading = read({"id": "s", "prompt": written}, cast=None)
    assert reading.problems == ()
    assert reading.storyboard is not None
    assert reading.storyboard.shots[-1].prompt == written.replace("${at}", "@mira")


_pieces = st.text(st.characters(exclude_characters="@$", exclude_categories=["Cs", "Cc"]), max_size=12)


@given(_pieces)
def test_text_without_an_at_sign_is_never_touched(text: str) -> None:
    """Whatever else stands in it."""
    assert prompt_of(f"x{text}") == f"x{text}"


@given(st.lists(st.tuples(_pieces, st.sampled_from(["@@", "@mira", "@joe", "@mira-old"]))), _pieces)
def test_a_prompt_is_its_pieces_each_by_its_own_rule(marked: list[tuple[str, str]], last: str) -> None:
    """Text that a name can't go on in keeps marks apart; what stands between them is as it was written."""
    texts = {
        "@@": "@",
        "@mira": "a woman in a red parka",
        "@joe": "a man with a hat",
        "@mira-old": "a grey-haired woman",
    }
    written = "x" + "".join(f"{text} {mark}." for text, mark in marked) + last
    sent = "x" + "".join(f"{text} {texts[mark]}." for text, mark in marked) + last
    shot = shot_of({"id": "s", "prompt": written})
    assert shot.prompt == sent
    for one in shot.mentions:
        assert sent[one.start : one.end] == texts[f"@{one.member}"]
    assert [f"@{one.member}" for one in shot.mentions] == [mark for _, mark in marked if mark != "@@"]


def test_references_come_in_order_and_once() -> None:
    """The shot's own, then those of cast lists from the defaults on, then those of mentions."""
    shot = shot_of(
        {
            "id": "s",
            "use": "second",
            "cast": "joe",
            "references": ["refs/own.png", {"path": "refs/mira.png"}],
            "prompt": "@mira and @joe, @mira",
        },
        cast=CAST | {"ann": {"text": "Ann", "references": "refs/ann.png"}, "bo": {"text": "Bo"}},
        presets={"second": {"cast": ["bo"]}},
        defaults={"model": MODEL, "cast": ["ann"]},
    )
    assert names(shot.references) == [
        "refs/own.png", "refs/mira.png", "refs/ann.png", "refs/joe.png", "sheet",
    ]  # fmt: skip
    assert shot.prompt == "a woman in a red parka and a man with a hat, a woman in a red parka"


def test_a_cast_list_adds_references_alone() -> None:
    """No text."""
    shot = shot_of({"id": "s", "prompt": "Waves", "cast": ["joe"]})
    assert (shot.prompt, names(shot.references)) == ("Waves", ["refs/joe.png"])


def test_a_shots_own_doubles_stay() -> None:
    """Only what members bring is left out where it is there already: a cast changes no fingerprint of others."""
    shot = shot_of({"id": "s", "prompt": "Waves", "references": ["refs/a.png", "refs/a.png"]})
    assert names(shot.references) == ["refs/a.png", "refs/a.png"]


def test_the_sheet_of_a_member_may_name_the_member() -> None:
    """It isn't made from itself, but from the member's other references."""
    document = {
        "cast": CAST,
        "vars": {"hat": "h"},
        "shots": [{"id": "sheet", "model": MODEL, "prompt": "Sheet of @mira"}],
    }
    found = read_storyboard(json.dumps(document).encode(), path="b.yaml", catalog=CATALOG).storyboard
    assert found is not None
    assert names(found.shots[0].references) == ["refs/mira.png"]


def test_what_members_refer_to_is_known_whether_a_shot_names_them_or_not() -> None:
    """The film goes by it."""
    reading = read({"id": "s", "prompt": "Nobody"})
    assert reading.storyboard is not None
    assert [one.shot for one in reading.storyboard.cast_shots] == ["sheet"]


def test_urls_of_members_come_along() -> None:
    """In the forms of all references."""
    cast = {"mira": {"text": "Mira", "references": [{"url": "https://x.org/m", "kind": "image", "id": "m"}]}}
    [reference] = shot_of({"id": "s", "prompt": "@mira"}, cast=cast).references
    assert isinstance(reference, UrlReference) and reference.id == "m"


def test_names_of_a_matrix_stand_in_a_members_text() -> None:
    """A text is filled in where it is used."""
    cast = {"car": {"text": "a ${colour} car"}}
    shot = {"id": "s-${colour}", "matrix": {"colour": ["red", "blue"]}, "prompt": "@car drives"}
    assert shot_of(shot, cast=cast).prompt == "a blue car drives"


@pytest.mark.parametrize(
    ("shot", "cast", "severity", "code", "message"),
    [
        ({"prompt": "@mria waves"}, CAST, "advice", "unknown-member", "called 'mria', did you mean 'mira'?"),
        ({"prompt": "@Mira waves"}, CAST, "advice", "unknown-member", "called 'Mira', did you mean 'mira'?"),
        ({"prompt": "@mira_2"}, CAST, "advice", "unknown-member", "called 'mira_2', did you mean 'mira'?"),
        ({"prompt": "@mira-odl"}, CAST, "advice", "unknown-member", "did you mean 'mira-old'? It is read as '@mira'"),
        ({"prompt": "x", "cast": ["joee"]}, CAST, "error", "unknown-member", "called 'joee', did you mean 'joe'?"),
        ({"prompt": "x", "cast": "joe"}, None, "error", "unknown-member", "called 'joe': there is no cast"),
        ({"prompt": "x"}, {"a b": {"text": "x"}}, "error", "name", "'a b' can't be the name of a member"),
        ({"prompt": "@a"}, {"a": {"text": "me@home"}}, "error", "member-text", "can't hold '@'"),
        ({"prompt": "x"}, {"a": {"text": "@@"}}, "error", "member-text", "can't hold '@'"),
        ({"prompt": "x"}, {"a": {"references": []}}, "error", "missing-key", "'text' is missing"),
        ({"prompt": "x"}, {"a": {"txt": "x"}}, "error", "unknown-key", "unknown key 'txt', did you mean 'text'?"),
        ({"prompt": "x"}, {"a": "x"}, "error", "type", "text where a mapping (text: ...) is needed"),
        ({"prompt": "x"}, ["a"], "error", "type", "a list where a mapping"),
        ({"prompt": "@a"}, {"a": {"text": "${nobody}"}}, "error", "unknown-name", "unknown name 'nobody'"),
        ({"prompt": "@a"}, {"a": {"text": "x", "references": {"shot": "b"}}}, "error", "unknown-shot", "shot 'b'"),
        ({"file": "a.png", "cast": ["joe"]}, CAST, "error", "own-file", "'cast' can't stand beside 'file'"),
    ],
)  # fmt: skip
def test_problems(shot: dict[str, Any], cast: Any, severity: str, code: str, message: str) -> None:
    """Each is said once, in words."""
    [(found_severity, found_code, found)] = told(read({"id": "s", **shot}, cast=cast))
    assert (found_severity, found_code) == (severity, code)
    assert message in found


def test_too_many_references_are_named_by_who_brings_them() -> None:
    """Where the first of those is named that the model has no room for."""
    cast = {
        name: {"text": name, "references": [f"{name}{n}.png" for n in range(3)]} for name in ("ann", "bo")
    }
    shot = {
        "id": "s",
        "prompt": "@ann meets @bo",
        "references": [f"{n}.png" for n in range(12)],
    }
    [problem] = read(shot, cast=cast).problems
    assert problem.code == "too-many-references"
    assert problem.message == (
        "18 references (12 of the shot, 3 of ann, 3 of bo); nano-banana-2 takes at most 14"
    )
    assert problem.where == "shots[1] (s) prompt"
    assert problem.source is not None and problem.source[problem.column - 1 :].startswith("@ann")


def test_a_model_without_references_says_who_brings_some() -> None:
    """At the mention, not in the cast."""
    shot = {"id": "s", "model": "elevenlabs-turbo-2-5", "prompt": "@joe speaks"}
    [problem] = read(shot).problems
    assert problem.code == "no-references"
    assert problem.message == "1 reference (1 of joe); elevenlabs-turbo-2-5 takes no references"
    assert problem.severity is Severity.ERROR


def test_advice_points_at_the_name() -> None:
    """Line and column of the mention, in a block of text too."""
    text = "cast: {mira: {text: x}}\nshots:\n  - id: a\n    prompt: >\n      One line,\n      then @mria.\n"
    [problem] = read_storyboard(text.encode(), path="b.yaml", catalog=CATALOG).problems
    assert (problem.line, problem.column) == (6, 12)


def test_a_member_makes_a_shot_vary_where_its_text_or_references_do() -> None:
    """What counts in versions is what is filled in: a text that is the same in both is made once."""
    cast = {
        "mira": {"text": "a woman"},
        "coat": {"text": "a ${season} coat"},
        "look": {"text": "in the look", "references": "refs/${season}.png"},
        "dog": {"text": "a dog", "references": {"shot": "sheet"}},
    }
    shots = [
        {"id": "same", "prompt": "@mira"},
        {"id": "words", "prompt": "@coat"},
        {"id": "pictures", "prompt": "x", "cast": "look"},
        {"id": "parents", "prompt": "@dog"},
    ]
    seasons = {"summer": {"vars": {"season": "summer"}}, "winter": {"vars": {"season": "winter"}}}
    board = read(*shots, cast=cast, versions=seasons).storyboard
    assert board is not None
    assert [one.id for one in board.shots] == [
        "sheet", "same", "words-summer", "words-winter", "pictures-summer", "pictures-winter", "parents",
    ]  # fmt: skip
    assert board.shots[3].prompt == "a winter coat"
    assert names(board.shots[5].references) == ["refs/winter.png"]
    varying = read(*shots, cast=cast | {"mira": {"text": "${season}"}}, versions=seasons).storyboard
    assert varying is not None and varying.shots[1].id == "same-summer"
