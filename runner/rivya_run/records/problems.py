"""What is wrong with a file, where, and how bad it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """An error keeps the run from starting; advice is shown and, with ``--strict``, becomes an error."""

    ERROR = "error"
    ADVICE = "advice"


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a file.

    ``line`` and ``column`` count from 1 and point at the key or value at fault. ``where`` is the path in
    words of the person (``shots[2] (sh020) params.duration``), ``code`` the stable name of its kind
    (``range``), ``source`` the line of the file as written (control characters still in it).
    """

    file: str
    line: int
    column: int
    severity: Severity
    where: str
    message: str
    code: str
    source: str | None = None
