"""A file's bytes as text with places: decoding, lines, and problems that point into them, syntax errors too."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import yaml

from rivya_run.errors import Problem, Severity
from rivya_run.text import shortened, visible

MAX_BYTES: Final = 16 * 1024 * 1024  # far more than any storyboard; what is larger is another kind of file

_LINE_BREAK: Final = re.compile("\r\n|\r|\n")
_FORBIDDEN: Final = "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]"
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_PAIR: Final = r"(?<!\\)((?:\\\\)*)\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})"


class SourceText:
    """A text file as it was read. ``file`` is its name as the person wrote it."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text
        self._lines: list[str] | None = None

    def line(self, number: int) -> str | None:
        """The line of that number (from 1) without its break, or None."""
        lines = self.lines()
        return lines[number - 1] if 0 < number <= len(lines) else None

    def lines(self) -> list[str]:
        """All lines without their breaks."""
        if self._lines is None:
            self._lines = _LINE_BREAK.split(self.text)
        return self._lines

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column (from 1) of a character offset."""
        line, start = 1, 0
        for found in _LINE_BREAK.finditer(self.text, 0, offset):
            line, start = line + 1, found.end()
        return line, offset - start + 1

    def problem(
        self,
        line: int,
        column: int,
        message: str,
        code: str,
        *,
        where: str = "",
        severity: Severity = Severity.ERROR,
    ) -> Problem:
        return Problem(self.file, line, column, severity, where, message, code, self.line(line))


def encoding_of(content: bytes) -> tuple[str, int]:
    """By its byte order mark, and how many bytes that has; UTF-8 without one."""
    return next(((name, len(bom)) for bom, name in _BOMS if content.startswith(bom)), ("utf-8", 0))


def decode(content: bytes, file: str) -> tuple[SourceText, Problem | None]:
    """The bytes as text, with the problem that keeps them from being any."""
    if len(content) > MAX_BYTES:
        empty = SourceText(file, "")
        return empty, empty.problem(1, 1, "the file is larger than the limit of 16 MiB", "too-large")
    encoding, start = encoding_of(content)
    try:
        text = content[start:].decode(encoding) if start else content.decode(encoding)
    except UnicodeDecodeError as error:
        return _undecodable(content[start:], encoding, error.start, file)
    return SourceText(file, text), None


def control_character(source: SourceText) -> Problem | None:
    """The first character that can't stand in a text file, as a problem."""
    found = re.search(_FORBIDDEN, source.text)
    if found is None:
        return None
    line, column = source.place(found.start())
    number = ord(found.group())
    if number == 0:
        message = "a NUL byte: this is not a text file"
    else:
        message = f"the control character U+{number:04X} can't stand in a text file"
    return source.problem(line, column, message, "control-character")


def _undecodable(content: bytes, encoding: str, offset: int, file: str) -> tuple[SourceText, Problem]:
    before = content[:offset].decode(encoding, errors="replace")
    source = SourceText(file, content.decode(encoding, errors="replace"))
    line, column = source.place(len(before))
    if b"\0" in content[:4096] and encoding == "utf-8":
        return source, source.problem(line, column, "this is a binary file, not text", "encoding")
    message = f"not {encoding.upper()}: byte 0x{content[offset]:02x} can't stand here; save the file as UTF-8"
    return source, source.problem(line, column, message, "encoding")


def joined_surrogates(text: str) -> tuple[str, dict[int, list[int]]]:
    r"""JSON's two escapes for one character (``\ud83d\ude00``) as YAML's one (``\U0001f600``).

    The second part says for each line (from 1) behind which columns two characters are missing now.
    """
    gone: dict[int, list[int]] = {}
    lines = text.split("\n")
    for index, line in enumerate(lines):
        columns: list[int] = []
        pieces: list[str] = []
        end = 0
        for match in re.finditer(_PAIR, line):
            high, low = int(match.group(2), 16), int(match.group(3), 16)
            character = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)
            pieces.append(f"{line[end : match.start()]}{match.group(1)}\\U{character:08x}")
            columns.append(match.end() - 2 * len(columns) - 1)
            end = match.end()
        if columns:
            lines[index] = "".join(pieces) + line[end:]
            gone[index + 1] = columns
    return "\n".join(lines), gone


_HASH: Final = re.compile(r"(?<=\S) (#[^\s#].*[\]}].*)")
_OPENS: Final = re.compile(r"[\[{]")
_CLOSES: Final = re.compile(r"[\]}]")
_CONFLICT: Final = r"(?m)^<{7} "


def explain(error: yaml.YAMLError, source: SourceText) -> Problem:
    """The problem behind an error of the parser: the common mistakes in plain words, else in the parser's own."""
    if isinstance(error, yaml.reader.ReaderError) and (found := control_character(source)) is not None:
        return found
    conflict = re.search(_CONFLICT, source.text)
    if conflict:
        line, column = source.place(conflict.start())
        message = "a merge conflict is left in the file; choose a side and remove its markers"
        return source.problem(line, column, message, "merge-conflict")
    mark = error.problem_mark or error.context_mark if isinstance(error, yaml.MarkedYAMLError) else None
    if not isinstance(error, yaml.MarkedYAMLError) or mark is None:
        return source.problem(1, 1, f"not YAML: {visible(str(error))}", "syntax")
    problem, context, begun = error.problem or "", error.context or "", error.context_mark
    gave_up = mark.line + 1
    if begun is not None and _begins_it(problem, context, several=begun.line != mark.line):
        mark = begun
    if "flow" in context and (cut := _cut_off(source, gave_up)) is not None:
        line, column, comment = cut
        message = (
            f"'{shortened(comment)}' is a comment to YAML, with the closing bracket in it: quote the text"
        )
        return source.problem(line, column, message, "syntax")
    own = f"not YAML: {' '.join(part for part in (context, problem) if part)}"
    text = source.line(mark.line + 1) or ""
    message = _common(problem, context, text[: mark.column], text[mark.column : mark.column + 1]) or own
    if message.endswith(_NEEDS_QUOTES):
        message += _with_quotes(text, mark.column, source.line(mark.line + 2) or "")
    return source.problem(mark.line + 1, mark.column + 1, message, "syntax")


def _cut_off(source: SourceText, last: int) -> tuple[int, int, str] | None:
    """Where a ``#`` in a text without quotes took a closing bracket along: line, column and what was cut."""
    for number in range(last, 0, -1):
        line = source.line(number) or ""
        found = _HASH.search(line)
        before = line[: found.start()] if found is not None else ""
        if found is not None and len(_OPENS.findall(before)) > len(_CLOSES.findall(before)):
            return number, found.start(1) + 1, found[1].rstrip()
    return None


def _begins_it(problem: str, context: str, *, several: bool) -> bool:
    """Whether the mistake is where the parser began, not where it gave up; ``several``: lines lie between."""
    unclosed = ("quoted scalar" in context and "end of stream" in problem) or ("flow" in context and several)
    return unclosed or "alias" in context or "anchor" in context


_NEEDS_QUOTES: Final = " needs quotes"


def _with_quotes(line: str, column: int, following: str) -> str:
    """``: prompt: "@mira waves"``: the line as it should be, where the text ends in it; else nothing."""
    before, text = line[:column], line[column:]
    if "{" in before or "[" in before:
        end = re.search(r"\s*(,\s|[\]}]|\s#|$)", text)
    else:
        end = re.search(r"\s*(\s#|$)", text)
        indent = len(before) - len(before.lstrip(" -"))
        if following.strip() and len(following) - len(following.lstrip(" ")) > indent:
            return ""  # the text goes on there
    assert end is not None
    quoted = text[: end.start()].replace("\\", "\\\\").replace('"', '\\"')
    return f': {visible(before.lstrip())}"{visible(quoted)}"{visible(text[end.start() :].rstrip())}'


def _quoted(problem: str) -> str | None:
    """What is behind an error inside of quotes."""
    if "end of stream" in problem:
        return "this quote is never closed"
    if "escape" in problem or "hex" in problem:
        return (
            "unknown escape: a backslash is special in double quotes; use single quotes or none, or double it"
        )
    return None


_KEY_WANTED: Final = ("expected key", "expected <block end>", "<document start>", "expected ':'")


def _common(problem: str, context: str, before: str, here: str) -> str | None:
    """What most often is behind an error, and what to do about it; the line ``before`` the fault and ``here``."""
    if "violates indentation" in problem or ("cannot start any token" in problem and here == "\t"):
        return "a tab can't indent; use spaces"
    if problem.startswith("mapping values are not allowed"):
        if ": " in before.strip().removeprefix("- "):
            return "a second ': ' in one line; put quotes around text that holds ': '"
        return "a key can't stand here; check the indentation, and the quotes of the text above"
    if "quoted scalar" in context:
        return _quoted(problem)
    if "flow" in context and "${" in f"{before}{here}":
        return "inside { } and [ ] a text with '${...}' needs quotes"
    if "flow" in context:
        return "expected ',' or a closing bracket here; is a '[' or '{' never closed?"
    if "cannot start any token" in problem or "alias" in context or "anchor" in context:
        return f"text that begins with '{visible(here or '*')}'{_NEEDS_QUOTES}"
    if any(words in problem for words in _KEY_WANTED):
        if before.rstrip()[-1:] in ("'", '"'):
            return "more text after the closing quote; put quotes around the whole text"
        return "expected a key here; check the indentation and the quotes"
    return None


_SUSPECT: Final = re.compile(r"[\[{,\s]\?[^\s,\]}]|(?:^|[\s\[{,])[&*][A-Za-z0-9_-]+[^A-Za-z0-9_\s,\]}-]")
_AFTER_NAME: Final = " \t\r\n,]}"


def misread(text: str, events: Callable[[str], Callable[[], Any]]) -> Iterator[tuple[int, int, str]]:
    """What the parser, being of YAML 1.1, takes for something else than YAML 1.2 does: line, column and words.

    It looks at the text again, and hardly any has to be looked at.
    """
    if _SUSPECT.search(text) is None:
        return
    next_event = events(text)
    while type(event := next_event()) is not yaml.StreamEndEvent:
        mark, name = event.start_mark, getattr(event, "anchor", None) or ""
        behind = mark.index + 1 + len(name)
        if name and text[mark.index] in "&*" and text[behind : behind + 1].strip(_AFTER_NAME):
            shown = shortened(text[mark.index] + name)
            yield (
                mark.line + 1,
                mark.column + 1,
                f"the name '{shown}' goes on: only letters, digits, '_' and '-' can",
            )
        elif type(event) is yaml.ScalarEvent and text[mark.index - 1 : mark.index] == "?":
            yield mark.line + 1, mark.column, "text that begins with '?' needs quotes in { } and [ ]"
