"""YAML 1.2 as people mean it, with places, and nothing that hurts."""

from __future__ import annotations

import gc
import json
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from rivya_run.yaml12 import reading as yaml12
from rivya_run.yaml12.nodes import Mapping, Scalar, meaning, to_json
from rivya_run.yaml12.reading import YamlDocument, parse


def value(text: str) -> Any:
    document = parse(text.encode(), "f.yaml")
    assert document.problems == ()
    assert document.root is not None
    return to_json(document.root)


def said(content: str | bytes) -> list[str]:
    document = parse(content.encode() if isinstance(content, str) else content, "f.yaml")
    return [f"{problem.line}:{problem.column} {problem.code}" for problem in document.problems]


@pytest.mark.parametrize(
    "text",
    [
        "16:9",
        "2:3",
        "on",
        "no",
        "yes",
        "010",
        "08",
        "0x10",
        "1_000",
        "2026-05-11",
        "True",
        "NULL",
        ".inf",
        "1e999",
        "+",
        ".",
        "1.2.3",
        "1e",
        "0b1",
        "12e03x",
        "=",
        "9" * 101,
        "01.5",
        "-.",
        "1:30",
    ],
)
def test_text_that_yaml_1_1_misreads(text: str) -> None:
    """What looks like a ratio, a shot number, a date or a switch is text."""
    assert value(f"a: {text}") == {"a": text}


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("0", 0),
        ("-7", -7),
        ("+5", 5),
        ("6.50", 6.5),
        (".5", 0.5),
        ("1.", 1.0),
        ("1e3", 1000.0),
        ("-0.1E-2", -0.001),
        ("'5'", "5"),
        ('"true"', "true"),
        ("!!str 5", "5"),
        ("!!int '5'", 5),
        ("! 5", "5"),
    ],
)
def test_scalars(text: str, meant: object) -> None:
    """Words and decimal numbers mean themselves; quotes make text."""
    found = value(f"a: {text}")["a"]
    assert found == meant
    assert type(found) is type(meant)


@given(st.from_regex(r"[-+]?[0-9.]{0,5}([eE][-+]?[0-9]{1,3})?", fullmatch=True))
def test_numbers_are_those_of_json_and_a_little_more(text: str) -> None:
    """Every JSON number is that number."""
    try:
        expected = json.loads(text)
    except ValueError:
        return
    if expected in (float("inf"), float("-inf")):
        assert meaning(text) == text
    else:
        assert meaning(text) == expected


_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(min_size=1, max_size=9), _json, min_size=1, max_size=4), st.booleans())
@settings(deadline=None)
def test_json_is_yaml(document: dict[str, Any], plain: bool) -> None:
    """A JSON document, escaped or not, means the same here."""
    text = json.dumps(document, ensure_ascii=not plain)
    found = parse(text.encode(errors="surrogatepass"), "f.json")
    if found.problems:
        # The characters that no YAML file may hold unescaped (DEL, C1), and lone surrogates.
        assert {problem.code for problem in found.problems} <= {"control-character", "syntax", "encoding"}
        unescaped = text if plain else text.replace("\\ud", "\ud800")
        assert any(
            0x7F <= ord(c) <= 0x9F or 0xD800 <= ord(c) <= 0xDFFF or ord(c) >= 0xFFFE for c in unescaped
        )
    else:
        assert found.root is not None
        assert to_json(found.root) == document


def test_places() -> None:
    """Each key and value knows its line and column, counted from 1 in characters."""
    document = parse("ü: 1\nlist:\n  - {k: 'v'}\n".encode(), "f")
    assert isinstance(document.root, Mapping)
    keys = [(key.text, key.line, key.column) for key in document.root.keys]
    assert keys == [("ü", 1, 1), ("list", 2, 1)]
    item = to_json_places(document)
    assert item == (3, 9)


def to_json_places(document: YamlDocument) -> tuple[int, int]:
    assert isinstance(document.root, Mapping)
    found = document.root.entries["list"]
    assert not isinstance(found, Scalar | Mapping)
    inner = found.items[0]
    assert isinstance(inner, Mapping)
    return inner.entries["k"].line, inner.entries["k"].column


def test_merge() -> None:
    """``<<`` brings in keys that are not written; earlier sources win."""
    assert value("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: {<<: [{x: 9}, *a]}") == {
        "a": {"x": 1, "y": 2},
        "b": {"y": 3, "x": 1},
        "c": {"x": 9, "y": 2},
    }
    assert said("a: {<<: 5}") == ["1:9 merge"]


@pytest.mark.parametrize(
    ("content", "problems"),
    [
        ("", ["1:1 empty"]),
        ("# only a comment\n", ["1:1 empty"]),
        ("a: 1\nb: 2\na: 3\n", ["3:1 duplicate-key"]),
        ("a: 1\n---\nb: 1\n", ["2:1 several-documents"]),
        ("a: &a [*a]", ["1:8 recursive-alias"]),
        ("a: *nobody", ["1:4 undefined-alias"]),
        ("a: !!python/object:os.system x", ["1:4 tag"]),
        ("a: !mine {b: 1}", ["1:4 tag"]),
        ("a: !!int x", ["1:4 tag"]),
        ("? [a, b]\n: c\n", ["1:3 key"]),
        ("{a: {b: 1}: 2}", ["1:11 syntax"]),
        ("a: x\0y", ["1:5 control-character"]),
        ("a: x\ny: \x1b[31m", ["2:4 control-character"]),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", ["1:1 encoding"]),
        (b"a: caf\xe9", ["1:7 encoding"]),
        ("a:\n\tb: 1", ["2:1 syntax"]),
        ("a: 'x", ["1:4 syntax"]),
        ("a: [1, 2\nb: 3", ["1:4 syntax"]),
        ("a: one: two", ["1:7 syntax"]),
        ("a: @x", ["1:4 syntax"]),
        ("[" * 900, ["1:65 too-deep"]),
        ("{a: " * 100, ["1:257 too-deep"]),
        ("- " * 100, ["1:129 too-deep"]),
        ("a: 1\n<<<<<<< HEAD\nb: 2\n=======\nb: 3\n>>>>>>> x\n", ["2:1 merge-conflict"]),
    ],
)
def test_problems(content: str | bytes, problems: list[str]) -> None:
    """Every kind of unreadable document is one problem with a place."""
    assert said(content) == problems


@pytest.mark.parametrize("content", ["[" * 3000, "{a: " * 3000, "- " * 3000])
def test_deeper_than_the_parser_goes(content: str) -> None:
    """What nests too deep even for the parser, of whichever version, is too deep and no syntax error."""
    (problem,) = said(content)
    assert problem.endswith(" too-deep")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("prompt: Slow: push", "put quotes around text that holds ': '"),
        ("a:\n\tb: 1", "a tab can't indent"),
        ("a: 'it's'", "more text after the closing quote"),
        ("a: {b: ${c}}", "needs quotes"),
        ("a: *wow* x", "needs quotes"),
        ("a: 1\n b: 2\n", "check the indentation"),
        ("a: >text\n", "scanning a block scalar"),
        ('a: "\\q"', "unknown escape"),
        ('a: "C:\\Users\\me"', "use single quotes or none"),
        ('a: "C:\\xyz"', "use single quotes or none"),
        ("- {id: s1, prompt: a cup #3 on a table}\n", "'#3 on a table}' is a comment"),
        ("tags: [warm, #3 cold]\nshots:\n- {id: s1}\n", "'#3 cold]' is a comment"),
        ("a: [\n  b, # c]\n  d\n", "closing bracket here"),
    ],
)
def test_syntax_in_words_of_people(content: str, words: str) -> None:
    """A syntax error says what to do about it."""
    problems = parse(content.encode(), "f").problems
    assert len(problems) == 1
    assert words in problems[0].message


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{ ?foo: bar,\nbar: 42\n}\n", "1:3 syntax"),
        ("a: [?x]\n", "1:5 syntax"),
        ("key: &an:chor value\n", "1:6 syntax"),
        ("a: &a x\nb: [*a:c]\n", "2:5 syntax"),
        ("a: &an.chor x\n", "1:4 syntax"),
    ],
)
def test_what_a_parser_of_yaml_1_1_misreads_is_a_problem(content: str, problem: str) -> None:
    """None of it is read as something else than what YAML 1.2 says (cases of the public test suite among them)."""
    assert said(content) == [problem]


@pytest.mark.parametrize(
    ("content", "meant"),
    [
        ("a: ?b\nc: [why ?no, '?d', \"?e\"]\n?: 3", {"a": "?b", "c": ["why ?no", "?d", "?e"], "?": 3}),
        ("? a\n: b", {"a": "b"}),
        ("a: &a- x\nb: [*a-,*a-]\nc: is it &that:no", {"a": "x", "b": ["x", "x"], "c": "is it &that:no"}),
        ("foo: |\n  x\n   ", {"foo": "x\n \n"}),
        ("foo: |\n  x\n\n", {"foo": "x\n"}),
        ("foo: x   ", {"foo": "x"}),
    ],
)
def test_what_only_looks_like_it(content: str, meant: Any) -> None:
    """Question marks, ampersands and blanks at the end of a file mean what they mean."""
    assert value(content) == meant


def test_alias_bomb() -> None:
    """Nine lists of nine aliases each end in a problem, quickly."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    assert [problem.split()[1] for problem in map(str, said("\n".join(lines)))] == ["alias-limit"]


def test_many_values_without_aliases() -> None:
    """The limit on aliases is none on size."""
    assert said("a: [" + "1, " * 250_000 + "]") == []


def test_too_large() -> None:
    """A document over 16 MiB is not read."""
    assert said(b"a: " + b"x" * (16 * 1024 * 1024)) == ["1:1 too-large"]


def test_other_encodings_with_a_mark() -> None:
    """UTF-16 and UTF-8 with a byte order mark read as what they hold."""
    for encoding in ("utf-8-sig", "utf-16"):
        found = parse("a: 16:9".encode(encoding), "f")
        assert found.root is not None
        assert to_json(found.root) == {"a": "16:9"}


def test_only_line_feeds_break_lines() -> None:
    """Separators that YAML 1.1 breaks lines at stay inside their text."""
    assert value("a: x\u2028b\u0085c\nd: 1") == {"a": "x\u2028b\u0085c", "d": 1}


def test_places_behind_joined_escapes() -> None:
    """A place behind an escaped emoji in JSON is that of the file."""
    text = '{"a": "\\ud83d\\ude00", "b": 1, "b": 2}'
    assert said(text) == [f"1:{text.rindex(chr(34) + 'b') + 1} duplicate-key"]


def test_without_libyaml(monkeypatch: pytest.MonkeyPatch) -> None:
    """The parser in pure Python reads the same."""
    monkeypatch.setattr(yaml, "__with_libyaml__", False)
    assert yaml12._events("a")() is not None
    assert value("a: {b: 16:9, c: [on, 1]}\nd: &x 5\ne: *x") == {
        "a": {"b": "16:9", "c": ["on", 1]},
        "d": 5,
        "e": 5,
    }
    assert said("a: 'x") == ["1:4 syntax"]
    assert said("a: [\n") == ["2:1 syntax"]
    assert said("[" * 3000) == ["1:65 too-deep"]


def test_collector_is_left_as_it_was() -> None:
    """Parsing leaves the garbage collector on, or off, as it found it."""
    assert gc.isenabled()
    parse(b"a: 1", "f")
    assert gc.isenabled()


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_bytes(content: bytes) -> None:
    """No bytes raise; a document without a root has a problem."""
    document = parse(content, "f")
    assert document.root is not None or document.problems


@given(st.text(alphabet="ab:-?[]{}&*!|>'\"#%@,\n\t <", max_size=40))
@settings(max_examples=300, deadline=None)
def test_any_punctuation(text: str) -> None:
    """No arrangement of YAML's own signs raises, in either parser."""
    document = parse(text.encode(), "f")
    assert document.root is not None or document.problems
