"""What a YAML syntax error means in words of the person who wrote the file."""

from __future__ import annotations

import re
from typing import Final

import yaml

from rivya_run.records.problems import Problem
from rivya_run.safetext import visible
from rivya_run.yaml12.source import Source, control_character

_CONFLICT: Final = r"(?m)^<{7} "
_PLAIN: Final = {
    "found unexpected document indicator": "a quoted text is still open at this '---'",
    "block sequence entries are not allowed in this context": "a '- ' item can't begin here; "
    "put the list on lines of its own, or put quotes around text that begins with '- '",
    "did not find expected comment or line break": "after '|' or '>' the text begins on the next line",
    "expected a comment or a line break": "after '|' or '>' the text begins on the next line",
    "found unknown escape character": "unknown escape after '\\'; "
    "write '\\\\' for a backslash, or use single quotes",
    "found invalid Unicode character escape code": "this escape stands for no character",
    "found undefined tag handle": "unknown tag",
    "found a tab character that violates indentation": "a tab can't indent; use spaces",
    "did not find expected '-' indicator": "expected another '- ' item here; check the indentation",
    "expected <block end>": "expected a key here; check the indentation and the quotes",
}


def explain(error: yaml.YAMLError, source: Source) -> Problem:
    """The problem behind an error of the parser."""
    if isinstance(error, yaml.reader.ReaderError) and (found := control_character(source)) is not None:
        return found
    conflict = re.search(_CONFLICT, source.text)
    if conflict:
        line, column = source.place(conflict.start())
        message = "a merge conflict is left in the file; choose a side and remove its markers"
        return source.problem(line, column, message, "merge-conflict")
    if not isinstance(error, yaml.MarkedYAMLError):
        return source.problem(1, 1, f"not YAML: {visible(str(error))}", "syntax")
    line, column, message = _explained(error, source)
    return source.problem(line, column, message, "syntax")


def _spot(mark: yaml.Mark | None, default: tuple[int, int] = (1, 1)) -> tuple[int, int]:
    return (mark.line + 1, mark.column + 1) if mark is not None else default


def _explained(error: yaml.MarkedYAMLError, source: Source) -> tuple[int, int, str]:
    problem = error.problem or ""
    context = error.context or ""
    at = _spot(error.problem_mark, _spot(error.context_mark))
    begin = _spot(error.context_mark, at)
    text = source.line(at[0]) or ""
    here = text[at[1] - 1 : at[1]]
    if problem.startswith("mapping values are not allowed"):
        return (*at, _colon(text[: at[1] - 1]))
    if "that cannot start any token" in problem:
        return (*at, _character(here))
    if "quoted scalar" in context and "end of stream" in problem:
        return (*begin, "this quote is never closed")
    if "a flow node" in context:
        return (*at, "expected a value here; is a '[' or '{' never closed?")
    if "flow" in context:
        return _flow(at, begin, text, source)
    if "could not find expected ':'" in problem:
        return (*begin, "expected 'key: value' here; check the indentation and the quotes")
    if "alias" in context or "anchor" in context:
        return (*begin, "text that begins with '*' or '&' needs quotes")
    if "expected key" in problem or "<document start>" in problem or "<block end>" in problem:
        if text[: at[1] - 1].rstrip()[-1:] in ("'", '"'):
            return (*at, "more text after the closing quote; put quotes around the whole text")
        return (*at, "expected a key here; check the indentation and the quotes")
    for start, message in _PLAIN.items():
        if problem.startswith(start):
            return (*at, message)
    return (*at, f"not YAML: {' '.join(part for part in (context, problem) if part)}")


def _colon(before: str) -> str:
    key = before.strip().removeprefix("- ")
    if ": " in key:
        return "a second ': ' in one line; put quotes around text that holds ': '"
    return "a key can't stand here; check the indentation, and the quotes of the text above"


def _character(character: str) -> str:
    if character == "\t":
        return "a tab can't indent; use spaces"
    return f"text that begins with '{visible(character)}' needs quotes"


def _flow(at: tuple[int, int], begin: tuple[int, int], text: str, source: Source) -> tuple[int, int, str]:
    opener = (source.line(begin[0]) or "")[begin[1] - 1 : begin[1]]
    if "${" in text[: at[1]] or text[at[1] - 2 : at[1]] == "${":
        return (*at, "inside { } and [ ] a text with '${...}' needs quotes")
    if opener in ("{", "[") and begin[0] != at[0]:
        return (*begin, f"this '{opener}' is never closed, or a ',' is missing in it")
    closer = "}" if opener == "{" else "]"
    return (*at, f"expected ',' or '{closer}' here")
