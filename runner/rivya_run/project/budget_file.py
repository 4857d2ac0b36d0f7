"""``budgets.yaml`` at the project root: what the storyboards of a project may spend together."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from rivya_run.errors import Problem, Severity, StoryboardError
from rivya_run.storyboard.problems import Findings
from rivya_run.storyboard.shapes import Label, Number, OneOf, kind_of
from rivya_run.storyboard.sources import Sources
from rivya_run.suggest import did_you_mean
from rivya_run.text import figure
from rivya_run.yaml12.nodes import Mapping, Node, Scalar, Sequence
from rivya_run.yaml12.reading import parse
from rivya_run.yaml12.source import MAX_BYTES

BUDGETS = "budgets.yaml"
PERIODS: Final = {"day": 10, "month": 7, "ever": 0}
"""How much of a time (ISO 8601, UTC) says in which period it is."""

_GLOB: Final = re.compile(r"[A-Za-z0-9_*?\[\]!-]+")
_KINDS: Final = ("tag:", "client:")


@dataclass(frozen=True, slots=True)
class ProjectBudget:
    """One budget. ``match`` is a glob over storyboard ids, ``tag:NAME`` or ``client:NAME``; ``line`` is its place."""

    match: str
    max_credits: float
    per: str
    line: int

    def matches(self, storyboard: str, client: str | None, tags: Collection[str]) -> bool:
        """Whether what is spent on that counts."""
        kind, name = self._kind_and_name
        if kind == "tag:":
            return name in tags
        return name == client if kind == "client:" else fnmatchcase(storyboard, name)

    def period(self, at: str) -> str:
        """The period that a time is in; empty for a budget without one."""
        return at[: PERIODS[self.per]]

    @property
    def _kind_and_name(self) -> tuple[str, str]:
        kind = next((one for one in _KINDS if self.match.startswith(one)), "")
        return kind, self.match.removeprefix(kind).strip() if kind else self.match

    def __str__(self) -> str:
        per = f" per {self.per}" if self.per != "ever" else ""
        return f"{BUDGETS}:{self.line} ({self.match}, max_credits {figure(self.max_credits)}{per})"


def read_budgets(root: Path) -> tuple[ProjectBudget, ...]:
    """The budgets of a project; none where it has no such file. Raises StoryboardError with all its problems."""
    path = root / BUDGETS
    try:
        if not path.exists() and not path.is_symlink():
            return ()
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        message = f"can't be read: {error.strerror or error}"
        raise _unusable([Problem(str(path), 1, 1, Severity.ERROR, "", message, "unreadable")]) from error
    document = parse(content, str(path))
    findings = Findings(Sources(document.source))
    found = _budgets(document.root, findings) if document.root is not None else []
    problems = (*document.problems, *findings.in_file_order())
    if problems:
        raise _unusable(problems)
    return tuple(found)


def _unusable(problems: Collection[Problem]) -> StoryboardError:
    return StoryboardError(f"{BUDGETS} has problems; nothing was done", tuple(problems))


def _budgets(root: Node, findings: Findings) -> list[ProjectBudget]:
    if not isinstance(root, Sequence):
        message = f"{kind_of(root)} where a list of budgets is needed"
        findings.error(root, "", message, "type")
        return []
    found = (_budget(node, f"[{number}]", findings) for number, node in enumerate(root.items))
    return [one for one in found if one is not None]


_SHAPES: Final = {"match": Label(), "max_credits": Number(0), "per": OneOf("a period", tuple(PERIODS))}
_NEEDED: Final = ("match", "max_credits")


def _budget(node: Node, where: str, findings: Findings) -> ProjectBudget | None:
    if not isinstance(node, Mapping):
        message = f"{kind_of(node)} where a mapping with 'match' and 'max_credits' is needed"
        findings.error(node, where, message, "type")
        return None
    before = findings.errors
    for key, value in node.pairs():
        shape = _SHAPES.get(key.text)
        if shape is None:
            message = f"unknown key '{key.text}'{did_you_mean(key.text, list(_SHAPES))}"
            findings.error(key, where, message, "unknown-key")
        else:
            shape.check(value, f"{where}.{key.text}", findings)
    for name in _NEEDED:
        if name not in node.entries:
            findings.error(node, where, f"'{name}' is missing", "missing-key")
    match = node.get("match")
    if isinstance(match, Scalar) and findings.errors == before:
        _judge_match(match, f"{where}.match", findings)
    if findings.errors > before or not isinstance(match, Scalar):
        return None
    per = node.get("per")
    most = Number(0).value(node.entries["max_credits"])
    assert isinstance(most, float)
    return ProjectBudget(match.text, most, per.text if isinstance(per, Scalar) else "ever", node.line)


def _judge_match(match: Scalar, where: str, findings: Findings) -> None:
    """What can match nothing limits nothing, and nobody would notice."""
    kind = next((one for one in _KINDS if match.text.startswith(one)), None)
    named = match.text.removeprefix(kind).strip() if kind else match.text
    if not named or (kind is None and not _GLOB.fullmatch(named)):
        message = f"'{match.text}' is neither a glob over storyboard ids nor tag:NAME or client:NAME"
        findings.error(match, where, message, "option")
