"""Problems of a storyboard: found while it is read, written for people and machines, and their stable codes.

Codes of advice about models are in the tables themselves (``advice`` rows).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final, Protocol

from rivya_run import __version__
from rivya_run.errors import Problem, Severity
from rivya_run.json_types import Json
from rivya_run.storyboard.sources import Sources
from rivya_run.text import visible, width


class HasPosition(Protocol):
    """Anything with a place: a node, a reference, a shot."""

    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...


class FilePlace:
    __slots__ = ("column", "line")

    def __init__(self, line: int, column: int) -> None:
        self.line = line
        self.column = column


def below(where: str, key: str) -> str:
    """The path of a key in words of the person: ``shots[2] (sh020) params``, then ``... params.duration``."""
    if not where:
        return key
    return f"{where} {key}" if where.endswith(")") else f"{where}.{key}"


class Findings:
    """Collects problems; ``subject`` tells two of one place and code apart (else the message does)."""

    def __init__(self, source: Sources) -> None:
        self.source = source
        self.errors = 0
        self._seen: set[tuple[int, int, str, str]] = set()
        self._problems: list[Problem] = []
        self._bad: set[int] = set()

    def error(
        self, at: HasPosition, where: str, message: str, code: str, *, subject: str | None = None
    ) -> None:
        self._add(at, where, message, code, subject, Severity.ERROR)

    def advice(
        self, at: HasPosition, where: str, message: str, code: str, *, subject: str | None = None
    ) -> None:
        """Something to know about."""
        self._add(at, where, message, code, subject, Severity.ADVICE)

    def _add(
        self, at: HasPosition, where: str, message: str, code: str, subject: str | None, severity: Severity
    ) -> None:
        if severity is Severity.ERROR:
            self.errors += 1
        mark = (at.line, at.column, code, message if subject is None else subject)
        if mark in self._seen:
            return
        self._seen.add(mark)
        self._problems.append(
            self.source.problem(at.line, at.column, message, code, where=where, severity=severity)
        )

    def mark_invalid(self, node: object) -> None:
        """Remember that a node is wrong in itself, so that nothing more is said about it."""
        self._bad.add(id(node))

    def is_invalid(self, node: object) -> bool:
        """Whether a node was found wrong in itself."""
        return id(node) in self._bad

    def in_file_order(self) -> tuple[Problem, ...]:
        return self.source.in_order(self._problems)


_INDENT: Final = "    "
_TAB: Final = 4  # columns
_WIDEST: Final = 140  # characters of a source line that are shown
_BEFORE: Final = 90  # of them in front of the fault


def made_strict(problems: Iterable[Problem]) -> list[Problem]:
    """``--strict``: every advice is an error."""
    return [replace(problem, severity=Severity.ERROR) for problem in problems]


def has_errors(problems: Iterable[Problem]) -> bool:
    """Whether any of them keeps the run from starting."""
    return any(problem.severity is Severity.ERROR for problem in problems)


def as_text(problems: Iterable[Problem]) -> str:
    """One problem a line, each followed by its source line and a caret; every line ends with a break.

    Advice of one code is told once for each file, with the other shots that it is for.
    """
    return "".join(f"{text}\n" for one in _folded(problems) for text in _lines(*one))


def _folded(problems: Iterable[Problem]) -> list[tuple[Problem, list[Problem]]]:
    """Problems, advice each with the rest of its code and file."""
    found: list[tuple[Problem, list[Problem]]] = []
    told: dict[tuple[str, str], list[Problem]] = {}
    for problem in problems:
        rest: list[Problem] = []
        if problem.severity is Severity.ADVICE:
            known = told.setdefault((problem.file, problem.code), rest)
            if known is not rest:
                known.append(problem)
                continue
        found.append((problem, rest))
    return found


_SHOT: Final = re.compile(r"shots\[\d+\] \((.*?)\)(?= |$)")
_MOST_ALSO: Final = 100  # shots that are named; who has more wants to know that, not which


def _also(problem: Problem, rest: Sequence[Problem]) -> list[str]:
    """The other shots that a piece of advice is for; lines, where it is for none or for the same one."""
    first, *shots = [found[1] if (found := _SHOT.match(one.where)) else None for one in (problem, *rest)]
    pairs = zip(shots, rest, strict=True)
    names = [
        *dict.fromkeys(f"line {one.line}" if shot in (None, first) else f"{shot}" for shot, one in pairs)
    ]
    more = f" and {len(names) - _MOST_ALSO} more" if len(names) > _MOST_ALSO else ""
    return [f"{_INDENT}also: {visible(', '.join(names[:_MOST_ALSO]))}{more}"] if names else []


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


def _lines(problem: Problem, rest: Sequence[Problem]) -> list[str]:
    place = f"{visible(problem.file)}:{problem.line}:{problem.column}"
    lines = [f"{place}: {problem.severity.value}: {visible(_said(problem))} [{problem.code}]"]
    if problem.source is not None and problem.source.strip():
        lines += _with_caret(problem.source, problem.column)
    return lines + _also(problem, rest)


def _with_caret(source: str, column: int) -> list[str]:
    """The source line and, below the character at ``column``, a caret; long lines are cut around it."""
    start = max(0, column - 1 - _BEFORE) if len(source) > _WIDEST else 0
    cut = source[start : start + _WIDEST]
    head = "…" if start else ""
    tail = "…" if start + _WIDEST < len(source) else ""
    before = head + _shown(cut[: column - 1 - start])
    rest = _shown(cut[column - 1 - start :])
    return [f"{_INDENT}{before}{rest}{tail}".rstrip(), f"{_INDENT}{' ' * width(before)}^"]


def _shown(text: str) -> str:
    return visible(text.replace("\t", " " * _TAB))


GROUPS: Final[Mapping[str, Mapping[str, str]]] = {
    "The file": {
        "syntax": "this is not YAML (or JSON)",
        "empty": "there is nothing in the file",
        "several-documents": "a second document begins; a storyboard is one",
        "duplicate-key": "a key is written twice in one mapping",
        "key": "a key is a list or a mapping instead of a word",
        "merge-conflict": "markers of a git merge are left in the file",
        "merge": "`<<` brings in something that is not a mapping",
        "undefined-alias": "`*name` without `&name` before it",
        "recursive-alias": "`*name` stands inside `&name`",
        "alias-limit": "aliases expand the file too much",
        "tag": "a tag such as `!!python/...`, or one that its value doesn't fit",
        "too-deep": "nested deeper than 64 levels, or included more than 8 files deep",
        "too-large": "the file is larger than 16 MiB",
        "encoding": "the file is not text in UTF-8 (or UTF-16 or UTF-32 with a byte order mark)",
        "control-character": "a NUL or another character that can't stand in text",
    },
    "Keys and values": {
        "unknown-key": "a key that has no meaning here; advice where the model's table is incomplete",
        "missing-key": "a key that must be there is not",
        "type": "text where a number is needed, a list where one value is, and so on; also an empty value",
        "blank": "text with nothing but blanks in it",
        "range": "a number, take or pick below the minimum or above the maximum",
        "version": "a version of the language that this program doesn't know",
        "no-shots": "the list of shots is empty",
        "id": "not an id: see [ids](#ids)",
        "duplicate-id": "two shots (upper and lower case alike), or two project tables, have the same id",
        "name": "not a name for `vars`, `matrix` or `cast`",
        "comment-in-text": "advice: a text without quotes ends at ` #`, or at a comma inside `{ }`",
        "substitution": "`${` that is never closed, holds no name, or stands inside a value to be filled in",
        "unknown-name": "`${name}` that neither `vars` nor the shot's `matrix` defines",
        "unknown-preset": "`use` names no preset",
        "unknown-member": "`cast` names nobody; advice where `@name` in a prompt nearly names somebody",
        "member-text": "the text of a member of the cast holds `@`",
        "unknown-model": "no parameter table has this id",
        "matrix-id": "two shots of a matrix have the same id",
        "matrix-size": "a matrix makes more than 100,000 shots",
        "version-vars": "a version has no value for a name that another version sets",
        "unknown-version": "`film` lists a version that isn't there",
        "unknown-pick": "advice: an entry of `pick` or `approved` names nothing that is made of the shot",
        "approved": "not `TAKE@DIGITS`, one take for a shot that becomes several, or a reference to another take",
        "checks": "a check of a clip both stops a take and is quiet",
        "unused-params": "advice: `params` of the defaults that no shot gets",
        "quiet": "`quiet` names what is no code of advice",
    },
    "What the model says": {
        "option": "not one of the options",
        "step": "a number between two steps",
        "required": "a parameter that the model needs is missing",
        "reserved": "a parameter that rivya-run writes itself",
        "missing-prompt": "the model needs a prompt",
        "prompt-length": "longer than the model allows; advice where only UTF-16 units are too many",
        "base-price": "advice of `plan` and `run`: params are set that may cost more than the base credits they show",
        "fixed-seed": "advice: several takes with the same seed",
        "fit": "a length that follows what is no sound, or stands for a parameter that is no number",
        "fit-too-long": "advice: no value of the model is as long as the sound that it is to fit",
    },
    "References": {
        "reference": "a reference mapping without exactly one of `path`, `url`, `shot`",
        "url": "not an https URL",
        "missing-reference": "the model needs a reference",
        "no-references": "the model takes none",
        "too-many-references": "more than the model takes",
        "reference-kind": "a video where an image is needed, and so on; or a URL whose kind can't be seen",
        "reference-type": "a file type that the model doesn't take, or no media at all, by the file's first bytes",
        "reference-size": "a file larger than the model takes",
        "missing-file": "there is no such file",
        "not-a-file": "a folder, a pipe or a device",
        "empty-file": "a file without a byte",
        "unreadable": "the file can't be read",
        "outside": "the file lies outside the project, or a link leads there",
        "unknown-shot": "no shot has this id",
        "other-storyboard": "another storyboard that is referred to can't be read, or has problems",
        "circle": "shots wait for each other, or files include each other",
        "ratio-mismatch": "advice: a reference has another shape than the ratio that is asked for",
        "frame": "a frame of something that is not a video",
        "frame-beyond": "advice: a frame later than the duration that the other shot asks for",
    },
    "The film": {
        "own-file": "a shot with a `file` that also says how to make it, a take of it, or a URL for a file",
        "film-key": "a key of the film on what can't have it: `hold` on a clip, `at` on a picture",
        "film-range": "an end that isn't after its begin: `trim`, or `until` before `at`",
        "transition": "neither or both of `dissolve` and `fade`",
        "unknown-anchor": "advice: `at` or `until` names no picture; the film leaves the sound out",
        "missing-film-file": "advice: a file of your own isn't there; the film is made without it",
    },
    "The project": {
        "folder-claimed": "another storyboard file has this id and its output folder",
        "renamed": "the file was renamed, and without `id:` it would be paid for again under its new name",
        "table": "a parameter table in `models/` contradicts itself or its schema",
    },
}
"""Every code with its meaning, by what it is about; a test holds that none is missing."""
