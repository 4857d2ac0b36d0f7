"""References: their forms, the model's rules, shots that feed shots."""

from __future__ import annotations

import pytest

from rivya_run.errors import Severity
from rivya_run.models.catalog import load_catalog
from rivya_run.storyboard.model import (
    FileFacts,
    FileReference,
    FileTrouble,
    ShotReference,
    Storyboard,
    UrlReference,
)
from rivya_run.storyboard.reader import Reading, read_storyboard
from rivya_run.storyboard.references import judge_references
from rivya_run.storyboard.sources import Sources
from rivya_run.yaml12.source import SourceText

CATALOG = load_catalog()


def read(text: str) -> Reading:
    return read_storyboard(text.encode(), path="board.yaml", catalog=CATALOG)


def board(text: str) -> Storyboard:
    reading = read(text)
    assert reading.storyboard is not None, reading.problems
    return reading.storyboard


def codes(text: str) -> list[str]:
    return [problem.code for problem in read(text).problems]


def one(references: str, model: str = "nano-banana-2") -> str:
    return f"shots:\n  - id: a\n    prompt: x\n    model: {model}\n    references: {references}\n"


def test_forms() -> None:
    """A path, a URL and the three mappings are read as what they are."""
    text = one(
        "[refs/a.png, 'https://x.y/b.PNG?sig=1', {path: c.png}, "
        "{url: 'https://x.y/d', kind: image, name: n, mime_type: image/png, duration_token: t, id: 7}, {shot: p}]"
    )
    found = board(text + "  - {id: p, prompt: x, model: grok-imagine}\n").shots[0].references
    where = "shots[0] (a) references"
    assert found == (
        FileReference("refs/a.png", 5, 18, f"{where}[0]"),
        UrlReference("https://x.y/b.PNG?sig=1", "image", 5, 30, f"{where}[1]"),
        FileReference("c.png", 5, 64, f"{where}[2]"),
        UrlReference("https://x.y/d", "image", 5, 78, f"{where}[3]", "n", "image/png", "t", "7"),
        ShotReference("p", 5, found[4].column, f"{where}[4]"),
    )


def test_kind_of_a_bare_url() -> None:
    """A bare URL's kind is its ending's or the only one the model takes; else it is asked for."""
    assert codes(one("https://x.y/a")) == []
    assert codes(one("https://x.y/a.mp4")) == ["reference-kind"]
    assert codes(one("https://x.y/a", "wan-2-6")) == ["reference-kind"]
    assert codes(one("https://x.y/a.mp4", "wan-2-6")) == []


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("https://example.com/a.png", True),
        ("http://127.0.0.1:8000/a.png", True),
        ("http://localhost/a.png", True),
        ("http://[::1]:9/a.png", True),
        ("http://example.com/a.png", False),
        ("http://localhost.evil.com/a.png", False),
        ("http://127.0.0.1.evil.com/a.png", False),
        ("ftp://example.com/a.png", False),
        ("file:///etc/passwd", False),
        ("https://", False),
        ("https://a b", False),
    ],
)
def test_urls(url: str, good: bool) -> None:
    """Only https, and plain http to this machine."""
    assert codes(one(f'"{url}"')) == ([] if good else ["url"])


@pytest.mark.parametrize(
    ("references", "code"),
    [
        ("{}", "reference"),
        ("{paht: x}", "reference"),
        ("{path: a, url: 'https://x.y/a.png'}", "reference"),
        ("{path: a, kind: image}", "unknown-key"),
        ("{url: 'https://x.y/a'}", "missing-key"),
        ("{url: 'https://x.y/a', kind: picture}", "option"),
        ("{shot: b, frame: middle}", "option"),
        ("{shot: b, frame: -1}", "range"),
        ("{shot: b, take: 0}", "range"),
        ("[5]", "type"),
        ("[[a]]", "type"),
        ("''", "blank"),
        ("[' ']", "blank"),
    ],
)
def test_wrong_forms(references: str, code: str) -> None:
    """Each malformed reference is one problem."""
    assert codes(one(references) + "  - {id: b, prompt: x}\n") == [code]


def test_count_and_kind_by_the_table() -> None:
    """More files than the model takes, another kind, or any at all: by its table."""
    assert codes(one("[a.png, b.png]", "grok-imagine-video")) == ["too-many-references"]
    assert codes(one("[a.png, b.png]")) == []
    assert codes(one("a.png", "z-image")) == ["no-references"]
    text = one("{url: 'https://x.y/a', kind: image, mime_type: image/gif}")
    assert codes(text) == ["reference-type"]
    assert codes(one("a.png", "seedream-4-0")) == []


def test_parents() -> None:
    """A parent must be there, have that take, and give what the child's model takes."""
    text = """shots:
  - {id: key, prompt: x, model: grok-imagine, params: {aspect_ratio: 2:3}, takes: 2}
  - {id: vid, prompt: x}
  - {id: a, prompt: x, references: [{shot: %s}]}
"""
    assert codes(text % "key") == []
    assert codes(text % "vid, frame: last") == []
    assert codes(text % "vid, frame: 2.5") == []
    assert codes(text % "vid, frame: 6") == ["frame-beyond"]
    assert codes(text % "vid") == ["reference-kind"]
    assert codes(text % "key, frame: first") == ["frame"]
    assert codes(text % "key, take: 3") == ["range"]
    assert codes(text % "a") == ["circle"]
    reading = read(text % "kye")
    assert [problem.message for problem in reading.problems] == ["unknown shot 'kye', did you mean 'key'?"]


def test_circle_is_named_whole() -> None:
    """Shots that wait for each other are told as one circle, at the first of them."""
    text = "shots:\n" + "".join(
        f"  - {{id: {child}, prompt: x, references: [{{shot: {parent}, frame: last}}]}}\n"
        for child, parent in (("d", "a"), ("a", "b"), ("b", "c"), ("c", "a"))
    )
    problems = read(text).problems
    assert [(problem.line, problem.message) for problem in problems] == [
        (3, "a circle of references: a -> b -> c -> a")
    ]


def test_long_chain() -> None:
    """A chain of thousands of shots is no circle and no recursion."""
    text = "shots:\n  - {id: s0, prompt: x}\n" + "".join(
        f"  - {{id: s{n}, prompt: x, references: [{{shot: s{n - 1}, frame: last}}]}}\n"
        for n in range(1, 2500)
    )
    assert codes(text) == []


def test_skipped_parent() -> None:
    """A shot that is skipped may still be a parent: what it has stays its own."""
    text = "shots:\n  - {id: k, prompt: x, skip: true}\n"
    text += "  - {id: a, prompt: x, references: [{shot: k, frame: last}]}\n"
    assert codes(text) == []


def test_advice_with_references() -> None:
    """Advice of the table names the value it is about, once for a default that many shots share."""
    text = "defaults: {params: {mode: spicy}, references: a.png}\nshots: [{id: a, prompt: x}, {id: b, prompt: x}]\n"
    reading = read(text)
    assert reading.storyboard is not None
    assert [(p.severity, p.code, p.where) for p in reading.problems] == [
        (Severity.ADVICE, "spicy-reference", "defaults.params.mode")
    ]


def facts(kind: str | None, mime: str | None, size: int = 100) -> FileFacts:
    return FileFacts("/x", "0" * 64, size, 0, kind, mime)


@pytest.mark.parametrize(
    ("model", "found", "code"),
    [
        ("grok-imagine-video", facts("image", "image/png"), None),
        ("grok-imagine-video", facts("image", "image/png", 10 * 1024 * 1024), None),
        ("grok-imagine-video", facts("image", "image/png", 10 * 1024 * 1024 + 1), "reference-size"),
        ("nano-banana-2", facts("image", "image/png", 20 * 1024 * 1024), None),
        ("grok-imagine-video", facts("image", "image/gif"), "reference-type"),
        ("grok-imagine-video", facts("video", "video/mp4"), "reference-kind"),
        ("wan-2-6", facts("video", "video/x-matroska"), None),
        ("grok-imagine-video", facts(None, None), "reference-type"),
        ("grok-imagine-video", FileTrouble("a", "missing-file", "there is no file 'a'"), "missing-file"),
    ],
)
def test_files_against_tables(model: str, found: FileFacts | FileTrouble, code: str | None) -> None:
    """Kind, type and size of a file are judged by the model's table; a 10 MB file fits 10 MB."""
    problems = judge_references(
        board(one("a", model)), CATALOG, {"a": found}, Sources(SourceText("board.yaml", ""))
    )
    assert [problem.code for problem in problems] == ([code] if code else [])
    assert all((problem.line, problem.column) == (5, 17) for problem in problems)
