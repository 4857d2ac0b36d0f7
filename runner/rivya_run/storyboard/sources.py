"""The files that a storyboard was read from, as one text: lines are numbered through all of them.

So everything that has a place, nodes and references and shots, has it in plain numbers, whichever file it stands in;
a number becomes a file and a line of it where a problem is made.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from pathlib import PureWindowsPath
from typing import Final

from rivya_run.errors import Problem, Severity
from rivya_run.yaml12.source import SourceText

_STEP: Final = 2**25  # lines from one file's to the next one's: twice what a file of 16 MiB can have


class Sources:
    """The storyboard's text, then those of the files that it includes, in the order they were read."""

    def __init__(self, storyboard: SourceText) -> None:
        self._texts = [storyboard]
        self._folders = [""]

    def add(self, text: SourceText, folder: str) -> int:
        """Take up a further file; how much is added to its lines. ``folder``: from the storyboard's to its own."""
        self._texts.append(text)
        self._folders.append(folder)
        return _STEP * (len(self._texts) - 1)

    def line(self, number: int) -> str | None:
        """The line of that number without its break, or None."""
        file, line = divmod(number, _STEP)
        return self._texts[file].line(line)

    def matches(self, pattern: re.Pattern[str]) -> Iterator[tuple[int, re.Match[str]]]:
        """Where a pattern is found in the lines of all texts, once in each, with the line's number."""
        for file, text in enumerate(self._texts):
            for number, line in enumerate(text.lines(), start=1) if pattern.search(text.text) else ():
                if found := pattern.search(line):
                    yield _STEP * file + number, found

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
        """A problem in the file that the line is of; paths are told as they stand there, not from the storyboard."""
        file, line = divmod(line, _STEP)
        if self._folders[file]:
            message = message.replace(f"'{self._folders[file]}/", "'")
        return self._texts[file].problem(line, column, message, code, where=where, severity=severity)

    def from_storyboard(self, path: str, line: int) -> str:
        """A path that is written in that line, which is relative to its file, as one from the storyboard's folder."""
        folder = self._folders[line // _STEP]
        return path if not folder or PureWindowsPath(path).anchor else posixpath.join(folder, path)

    def in_order(self, problems: Iterable[Problem]) -> tuple[Problem, ...]:
        """Problems in file order, the storyboard's own first."""
        order = {text.file: number for number, text in reversed([*enumerate(self._texts)])}
        return tuple(sorted(problems, key=lambda one: (order.get(one.file, 0), one.line, one.column)))
