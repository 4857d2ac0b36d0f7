"""Problems as they are found while a storyboard is read: each once, in file order at the end."""

from __future__ import annotations

from typing import Protocol

from rivya_run.records.problems import Problem, Severity
from rivya_run.yaml12.source import SourceText


class Spot(Protocol):
    """Anything with a place: a node, a reference, a shot."""

    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...


class FilePlace:
    """A place in the file."""

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

    def __init__(self, source: SourceText) -> None:
        self.source = source
        self.errors = 0
        self._seen: set[tuple[int, int, str, str]] = set()
        self._problems: list[Problem] = []
        self._bad: set[int] = set()

    def error(self, at: Spot, where: str, message: str, code: str, *, subject: str | None = None) -> None:
        """Something that must be put right."""
        self._add(at, where, message, code, subject, Severity.ERROR)

    def advice(self, at: Spot, where: str, message: str, code: str, *, subject: str | None = None) -> None:
        """Something to know about."""
        self._add(at, where, message, code, subject, Severity.ADVICE)

    def _add(
        self, at: Spot, where: str, message: str, code: str, subject: str | None, severity: Severity
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

    def spoil(self, node: object) -> None:
        """Remember that a node is wrong in itself, so that nothing more is said about it."""
        self._bad.add(id(node))

    def is_spoilt(self, node: object) -> bool:
        """Whether a node was found wrong in itself."""
        return id(node) in self._bad

    def in_file_order(self) -> tuple[Problem, ...]:
        """All problems, by place."""
        return tuple(sorted(self._problems, key=lambda problem: (problem.line, problem.column)))
