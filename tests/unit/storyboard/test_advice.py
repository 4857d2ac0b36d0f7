"""Advice: texts that were cut off, shapes that differ, seeds that don't; what is told once, and what is silenced."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import rivya_run
from pages import ROOT
from rivya_run.errors import Problem, Severity
from rivya_run.models.catalog import load_catalog
from rivya_run.storyboard.includes import IncludedFile
from rivya_run.storyboard.model import FileFacts
from rivya_run.storyboard.problems import GROUPS, as_json, as_text
from rivya_run.storyboard.quiet import ADVICE
from rivya_run.storyboard.reader import read_storyboard
from rivya_run.storyboard.references import judge_references

CATALOG = load_catalog()


def found(text: str, included: str | None = None) -> list[Problem]:
    def load(path: str) -> IncludedFile:
        assert included is not None
        return IncludedFile(included.encode(), path, path, path)

    return [*read_storyboard(text.encode(), path="board.yaml", catalog=CATALOG, include=load).problems]


def told(text: str, code: str) -> list[str]:
    """The messages of one code."""
    return [problem.message for problem in found(text) if problem.code == code]


def shots(*more: str) -> str:
    return "shots:\n" + "".join(f"  - {one}\n" for one in more)


@pytest.mark.parametrize(
    ("line", "cut"),
    [
        ("prompt: Take #3 of the day", "#3 of the day"),
        ("prompt: Slow push-in #espresso", "#espresso"),
        ("{id: a, takes: 2, prompt: Take #3\n    }", "#3"),
        ("title: Film #2\n    prompt: x", "#2"),
        ("notes: see #12\n    prompt: x", "#12"),
        ("prompt: Slow push-in\n      on shot #3 of it", "#3 of it"),
        ("prompt: &text Number #7", "#7"),
        ("prompt: x\n    params: {negative_prompt: blurry and #2\n      }", "#2"),
    ],
)
def test_a_text_that_ends_at_a_hash(line: str, cut: str) -> None:
    """Silently, since what follows is a comment to YAML; the advice shows what was cut, at the hash."""
    text = shots(line if line.startswith("{") else f"id: a\n    {line}")
    model = "kling-v2-1-master" if "negative" in line else "grok-imagine-video"
    [problem] = found(f"defaults: {{model: {model}}}\n{text}")
    assert (problem.severity, problem.code) == (Severity.ADVICE, "comment-in-text")
    assert f"before '{cut}'" in problem.message
    assert problem.source is not None
    assert problem.source[problem.column - 1 :] == cut


@pytest.mark.parametrize(
    "line",
    [
        "prompt: A quiet street # at dawn",
        "prompt: A quiet street  #at dawn",
        "prompt: A quiet street   # take #3",
        'prompt: "Take #3"',
        "prompt: 'Take #3'  # or #4",
        "prompt: Take#3",
        "prompt: |\n      Take #3",
        "prompt: >-\n      Take #3\n      #4",
        "prompt: x\n    params: {aspect_ratio: 16:9} #wide",
        "prompt: x\n    params:\n      aspect_ratio: 16:9 #wide\n      duration: 8 #seconds",
        "prompt: x\n    x-note: ours #1",
        "prompt: x\n    takes: 2 #more",
        "#prompt: y #3\n    prompt: x",
    ],
)
def test_a_comment_that_is_one(line: str) -> None:
    """With a space behind the hash, more than one before it, or behind what can't be a text: no word."""
    assert found(shots(f"id: a\n    {line}")) == []


def test_a_text_that_ends_at_a_hash_in_an_included_file() -> None:
    """The advice names that file and its line."""
    [problem] = found(
        "include: cast.yaml\n" + shots("{id: a, prompt: '${hero}'}"), "vars:\n  hero: Robot #5\n"
    )
    assert (problem.file, problem.line, problem.where) == ("cast.yaml", 2, "vars.hero")


def test_a_hash_in_a_file_without_a_text_before_it() -> None:
    """Is no end of a text in another file."""
    assert found("include: cast.yaml\n" + shots("{id: a, prompt: x}"), "presets:\n  p: {tags: a} #3\n") == []


@pytest.mark.parametrize(
    ("text", "where", "cut"),
    [
        (shots("{id: a, prompt: A red car, fast, low, takes: 2}"), "shots[0] (a) prompt", ", fast, low"),
        (shots("{id: a, prompt: A red car, fast}"), "shots[0] (a) prompt", ", fast"),
        ("vars: {hero: a woman, tall}\n" + shots("{id: a, prompt: x}"), "vars.hero", ", tall"),
        (
            "cast: {mira: {text: a woman, in red}}\n" + shots("{id: a, prompt: x}"),
            "cast.mira.text",
            ", in red",
        ),
    ],
)
def test_a_text_that_ends_at_a_comma(text: str, where: str, cut: str) -> None:
    """Inside { }; beside the error about the key that the rest has become."""
    problems = found(text)
    [advice] = [problem for problem in problems if problem.code == "comment-in-text"]
    assert advice.where == where
    assert f"before '{cut}'" in advice.message
    assert any(problem.severity is Severity.ERROR for problem in problems)


@pytest.mark.parametrize(
    "text",
    [
        shots("{id: a, prompt: x, promt: y}"),
        shots("id: a\n    prompt: A red car\n    fast:\n    takes: two"),
        shots("{id: a, prompt: x, tags: [a, b], takes: two}"),
    ],
)
def test_other_mistakes_are_no_commas(text: str) -> None:
    """A key with a colon was meant as one."""
    assert told(text, "comment-in-text") == []


STILL = "{id: k, model: grok-imagine, prompt: x, params: {aspect_ratio: %s}}"


@pytest.mark.parametrize(
    ("ratio", "params", "expected"),
    [
        ("16:9", "{aspect_ratio: 16:9}", None),
        ("2:3", "{}", None),
        ("16:9", "{}", "16:9 beside aspect_ratio 2:3, the default of grok-imagine-video"),
        ("1:1", "{aspect_ratio: 16:9}", "1:1 beside aspect_ratio 16:9"),
    ],
)
def test_a_parent_of_another_shape(ratio: str, params: str, expected: str | None) -> None:
    """What the parent asks for and what the shot asks for, written or by default; whatever their order."""
    child = f"{{id: a, prompt: x, params: {params}, references: [{{shot: k}}]}}"
    for text in shots(STILL % ratio, child), shots(child, STILL % ratio):
        messages = told(text, "ratio-mismatch")
        assert len(messages) == (expected is not None)
        assert all(message.startswith(f"{expected}:") for message in messages)


@pytest.mark.parametrize(
    "child",
    [
        "{id: a, prompt: x, model: nano-banana-pro, params: {aspect_ratio: 16:9}, references: [{shot: k}]}",
        "{id: a, prompt: x, model: nano-banana-2, references: [{shot: k}]}",
        "{id: a, prompt: x, model: veo3-1-lite, params: {aspectRatio: Auto}, references: [{shot: k}]}",
        "{id: a, prompt: x, references: https://example.com/a.png}",
        "{id: a, prompt: x, model: wan-2-6, references: [{shot: k}]}",
    ],
)
def test_no_ratio_to_differ_from(child: str) -> None:
    """Ingredients of a still, ratios that are left open, references of unknown shape, models without a ratio."""
    assert told(shots(STILL % "1:1", child), "ratio-mismatch") == []


def test_a_frame_has_the_shape_of_its_clip() -> None:
    """And the key of the parameter is the model's own."""
    text = shots(
        "{id: v, prompt: x, params: {aspect_ratio: 9:16}}",
        "{id: a, prompt: x, model: runway, references: [{shot: v, frame: last}]}",
    )
    [message] = told(text, "ratio-mismatch")
    assert message.startswith("9:16 beside aspectRatio 16:9, the default of runway:")


@pytest.mark.parametrize(
    ("size", "mismatch"), [((1920, 1080), False), ((1344, 768), False), ((1200, 800), True), (None, False)]
)
def test_a_picture_of_another_shape(size: tuple[int, int] | None, mismatch: bool) -> None:
    """By its pixels, some of which encoders and models round away."""
    text = shots("{id: a, prompt: x, params: {aspect_ratio: 16:9}, references: a.png}")
    reading = read_storyboard(text.encode(), path="board.yaml", catalog=CATALOG)
    facts = FileFacts("/a.png", "0" * 64, 100, 0, "image", "image/png", size=size)
    assert reading.storyboard is not None
    problems = judge_references(reading.storyboard, CATALOG, {"a.png": facts}, reading.sources)
    assert [problem.code for problem in problems] == (["ratio-mismatch"] if mismatch else [])
    assert not mismatch or problems[0].message.startswith("1200x800 beside aspect_ratio 16:9:")


@pytest.mark.parametrize(
    ("shot", "advice"),
    [
        ("{takes: 3, model: wan-2-5-video, params: {seed: 7}}", True),
        ("{takes: 3, model: google-imagen4, params: {seed: '7'}}", True),
        ("{takes: 2, model: veo3-1-fast, params: {seeds: 12345}}", True),
        ("{takes: 1, model: wan-2-5-video, params: {seed: 7}}", False),
        ("{takes: 3, model: wan-2-5-video}", False),
        ("{takes: 3, model: seedance-1-0-pro, params: {seed: -1}}", False),
        ("{takes: 3, model: happyhorse-1-0}", False),
    ],
)
def test_several_takes_with_one_seed(shot: str, advice: bool) -> None:
    """They may all come out alike; -1 is another one each time."""
    messages = told(shots(shot.replace("{", "{id: a, prompt: x, ", 1)), "fixed-seed")
    assert len(messages) == advice


SPICY = "{id: %s, prompt: x, params: {mode: spicy}, references: https://example.com/a.png}"


def test_advice_of_one_code_is_told_once() -> None:
    """With the shots that it is for; programs get each piece."""
    problems = found(shots(*(SPICY % f"sh{number}" for number in range(36))))
    lines = as_text(problems).splitlines()
    assert len(lines) == 4
    assert lines[0].startswith("board.yaml:2:") and "(sh0)" in lines[0]
    assert lines[3] == f"    also: {', '.join(f'sh{number}' for number in range(1, 36))}"
    assert len(as_json(problems)) == 36


def test_errors_are_told_one_by_one() -> None:
    """Each is to be mended."""
    assert (
        as_text(found(shots(*(f"{{id: s{n}, prompt: x, takes: 0}}" for n in range(3))))).count("[range]") == 3
    )


def test_advice_without_a_shot_is_named_by_its_line() -> None:
    """As is more of it for the same shot."""
    text = "title: Film #1\nnotes: see #2\n" + shots("{id: a, prompt: x}")
    assert as_text(found(text)).splitlines()[-1] == "    also: line 2"
    several = Problem("b.yaml", 7, 1, Severity.ADVICE, "shots[0] (a) references[1]", "m", "frame-beyond")
    first = Problem("b.yaml", 6, 1, Severity.ADVICE, "shots[0] (a) references[0]", "m", "frame-beyond")
    assert as_text([first, several]).endswith("    also: line 7\n")


@pytest.mark.parametrize("quiet", ["spicy-reference", "[frame-beyond, spicy-reference]"])
def test_quiet_silences_advice(quiet: str) -> None:
    """One code or a list, codes of models' tables too."""
    assert found(f"quiet: {quiet}\n" + shots(SPICY % "a")) == []


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("spicy-referenec", "there is no advice 'spicy-referenec', did you mean 'spicy-reference'?"),
        ("range", "'range' is an error: only advice can be silenced"),
        ("everything", "there is no advice 'everything'"),
    ],
)
def test_only_advice_can_be_silenced(code: str, message: str) -> None:
    """Anything else would be a slip that nobody notices, or a fault that stays."""
    problems = found(f"quiet: [{code}]\n" + shots("{id: a, prompt: x}"))
    assert [(problem.code, problem.where, problem.message) for problem in problems] == [
        ("quiet", "quiet[0]", message)
    ]


def test_an_error_of_a_silenced_code_is_told() -> None:
    """An unknown key is advice where a table is incomplete, and an error elsewhere."""
    text = "quiet: unknown-key\n" + shots("{id: a, prompt: x, promt: y}")
    assert [problem.code for problem in found(text)] == ["unknown-key"]


def test_quiet_is_the_storyboard_s_own() -> None:
    """That of an included file isn't read, as its other keys aren't; advice on what it brings is silenced."""
    include = "include: cast.yaml\n"
    board = shots("{id: a, prompt: '${hero}'}")
    assert [
        one.code for one in found(include + board, "quiet: comment-in-text\nvars:\n  hero: Robot #5\n")
    ] == ["comment-in-text"]
    assert found(f"quiet: comment-in-text\n{include}{board}", "vars:\n  hero: Robot #5\n") == []


def test_every_code_of_advice_can_be_silenced() -> None:
    """Those that the program gives to advice are known, and explained."""
    given = {
        argument.value
        for file in Path(rivya_run.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "advice"
        for argument in node.args[3:4]
        if isinstance(argument, ast.Constant)
    }
    assert given <= ADVICE
    assert {code for code in ADVICE if not any(code in group for group in GROUPS.values())} == set()


@pytest.mark.parametrize("file", sorted((ROOT / "specs").glob("*.yaml")), ids=lambda file: file.name)
def test_no_example_is_advised_about(file: Path) -> None:
    """Storyboards worth copying pass --strict with all their files."""
    from rivya_run.project.open import open_storyboard
    from rivya_run.project.other_storyboards import judged

    assert as_text(judged(open_storyboard(file)).problems) == ""
