"""Problems as people and machines read them."""

from __future__ import annotations

import json

import jsonschema
import pytest

from rivya_run.errors import Problem, Severity
from rivya_run.storyboard.problems import (
    as_github,
    as_json,
    as_sarif,
    as_text,
    has_errors,
    made_strict,
    summary,
)


def problem(
    column: int = 5,
    source: str | None = "abc: defg",
    message: str = "wrong",
    severity: Severity = Severity.ERROR,
) -> Problem:
    return Problem("board.yaml", 3, column, severity, "shots[0] (a) takes", message, "range", source)


def test_text() -> None:
    """File, line, column, severity, where, message and code in one line; then the source with a caret."""
    assert as_text([problem(column=6)]) == (
        "board.yaml:3:6: error: shots[0] (a) takes: wrong [range]\n    abc: defg\n         ^\n"
    )
    assert as_text([]) == ""


@pytest.mark.parametrize(
    ("source", "column", "shown", "caret_at"),
    [
        ("\tkey: x", 2, "    key: x", 4),
        ("日本: x", 5, "日本: x", 6),
        ("e\u0301: x", 5, "e\u0301: x", 3),
        ("a\x1b: x", 4, "a\\x1b: x", 6),
    ],
)
def test_caret_stands_below_the_character(source: str, column: int, shown: str, caret_at: int) -> None:
    """Tabs, wide, combining and invisible characters keep the caret where the eye sees the fault."""
    _, line, caret = as_text([problem(column, source)]).splitlines()
    assert (line, caret) == (f"    {shown}", f"    {' ' * caret_at}^")


def test_long_lines_are_cut() -> None:
    """A line of thousands of characters shows only what surrounds the fault."""
    _, line, caret = as_text([problem(5001, "x" * 5000 + "Y" + "z" * 5000)]).splitlines()
    assert len(line) < 160
    assert line[caret.index("^")] == "Y"
    assert line.strip().startswith("…")
    assert line.endswith("…")


def test_no_source() -> None:
    """Without a source line, or with a blank one, there is no caret."""
    assert len(as_text([problem(source=None), problem(source="  ")]).splitlines()) == 2


def test_nothing_steers_the_terminal() -> None:
    """Control characters of a message or a source line are shown, not sent."""
    text = as_text([problem(source="a\x1b[31mb", message="bad \x1b]0;x\x07 \u202e")])
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "\u202e" not in text


def test_json() -> None:
    """The JSON form has exactly the agreed keys."""
    assert as_json([problem()]) == [
        {
            "file": "board.yaml",
            "line": 3,
            "column": 5,
            "severity": "error",
            "where": "shots[0] (a) takes",
            "message": "wrong",
            "code": "range",
        }
    ]


def test_github() -> None:
    """GitHub's commands: advice is a warning, special characters are escaped."""
    assert as_github([problem(message="50% more\nthan")]) == (
        "::error file=board.yaml,line=3,col=5,title=range::shots[0] (a) takes: wrong\n".replace(
            "wrong", "50%25 more\\nthan"
        )
    )
    assert as_github([problem(severity=Severity.ADVICE)]).startswith("::warning ")


def test_sarif() -> None:
    """SARIF names each rule once and refers to it."""
    document = json.loads(as_sarif([problem(), problem(column=7)]))
    run = document["runs"][0]
    assert document["version"] == "2.1.0"
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["range"]
    assert [result["ruleIndex"] for result in run["results"]] == [0, 0]
    shape = {"required": ["ruleId", "level", "message", "locations"]}
    assert all(jsonschema.Draft7Validator(shape).is_valid(result) for result in run["results"])


def test_strict_and_summary() -> None:
    """--strict makes errors of advice; the summary counts both."""
    advice = problem(severity=Severity.ADVICE)
    assert not has_errors([advice])
    assert has_errors(made_strict([advice]))
    assert summary([]) == "no problems"
    assert summary([problem(), problem(), advice]) == "2 errors, 1 piece of advice"
