"""Problems as people and machines read them: text with a caret, JSON, GitHub annotations, SARIF."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from rivya_run import __version__
from rivya_run.records import Json
from rivya_run.records.problems import Problem, Severity
from rivya_run.safetext import visible

_INDENT: Final = "    "
_TAB: Final = 4
_WIDEST: Final = 140
_BEFORE: Final = 90


def made_strict(problems: Iterable[Problem]) -> list[Problem]:
    """``--strict``: every advice is an error."""
    return [replace(problem, severity=Severity.ERROR) for problem in problems]


def has_errors(problems: Iterable[Problem]) -> bool:
    """Whether any of them keeps the run from starting."""
    return any(problem.severity is Severity.ERROR for problem in problems)


def as_text(problems: Iterable[Problem]) -> str:
    """One problem a line, each followed by its source line and a caret; every line ends with a break."""
    return "".join(f"{text}\n" for problem in problems for text in _lines(problem))


def summary(problems: Sequence[Problem]) -> str:
    """``2 errors, 1 advice``."""
    errors = sum(problem.severity is Severity.ERROR for problem in problems)
    advice = len(problems) - errors
    words = []
    if errors:
        words.append("1 error" if errors == 1 else f"{errors} errors")
    if advice:
        words.append("1 piece of advice" if advice == 1 else f"{advice} pieces of advice")
    return ", ".join(words) or "no problems"


def as_json(problems: Iterable[Problem]) -> list[Json]:
    """What ``validate --format json`` prints."""
    return [
        {
            "file": problem.file,
            "line": problem.line,
            "column": problem.column,
            "severity": problem.severity.value,
            "where": problem.where,
            "message": problem.message,
            "code": problem.code,
        }
        for problem in problems
    ]


def as_github(problems: Iterable[Problem]) -> str:
    """Workflow commands that GitHub shows beside the lines of a pull request."""
    return "".join(
        f"::{'error' if problem.severity is Severity.ERROR else 'warning'} "
        f"file={_property(problem.file)},line={problem.line},col={problem.column},"
        f"title={_property(problem.code)}::{_data(visible(_said(problem)))}\n"
        for problem in problems
    )


def as_sarif(problems: Sequence[Problem]) -> str:
    """SARIF 2.1.0, for code scanning."""
    codes = list(dict.fromkeys(problem.code for problem in problems))
    rules: list[Json] = [{"id": code} for code in codes]
    results: list[Json] = [_sarif_result(problem, codes.index(problem.code)) for problem in problems]
    driver: Json = {"name": "rivya-run", "version": __version__, "rules": rules}
    document: Json = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}],
    }
    return json.dumps(document, indent=2, ensure_ascii=True) + "\n"


def _sarif_result(problem: Problem, rule: int) -> Json:
    place: Json = {
        "artifactLocation": {"uri": problem.file.replace("\\", "/")},
        "region": {"startLine": problem.line, "startColumn": problem.column},
    }
    return {
        "ruleId": problem.code,
        "ruleIndex": rule,
        "level": "error" if problem.severity is Severity.ERROR else "warning",
        "message": {"text": visible(_said(problem))},
        "locations": [{"physicalLocation": place}],
    }


def _said(problem: Problem) -> str:
    return f"{problem.where}: {problem.message}" if problem.where else problem.message


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(visible(text)).replace(":", "%3A").replace(",", "%2C")


def _lines(problem: Problem) -> list[str]:
    place = f"{visible(problem.file)}:{problem.line}:{problem.column}"
    lines = [f"{place}: {problem.severity.value}: {visible(_said(problem))} [{problem.code}]"]
    if problem.source is not None and problem.source.strip():
        lines += _with_caret(problem.source, problem.column)
    return lines


def _with_caret(source: str, column: int) -> list[str]:
    """The source line and, below the character at ``column``, a caret; long lines are cut around it."""
    start = max(0, column - 1 - _BEFORE) if len(source) > _WIDEST else 0
    cut = source[start : start + _WIDEST]
    head = "…" if start else ""
    tail = "…" if start + _WIDEST < len(source) else ""
    before = head + _shown(cut[: column - 1 - start])
    rest = _shown(cut[column - 1 - start :])
    return [f"{_INDENT}{before}{rest}{tail}".rstrip(), f"{_INDENT}{' ' * _width(before)}^"]


def _shown(text: str) -> str:
    return visible(text.replace("\t", " " * _TAB))


def _width(text: str) -> int:
    """How many cells a terminal needs: wide characters two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(character) else 1 + (unicodedata.east_asian_width(character) in "WF")
        for character in text
    )
