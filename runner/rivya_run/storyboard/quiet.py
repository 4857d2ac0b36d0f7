"""Advice that a storyboard doesn't want to hear: ``quiet`` at its top."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from rivya_run.errors import Problem, Severity
from rivya_run.models.catalog import Catalog
from rivya_run.storyboard.problems import GROUPS, Findings
from rivya_run.storyboard.shapes import elements
from rivya_run.suggest import did_you_mean
from rivya_run.text import shortened
from rivya_run.yaml12.nodes import Node, Scalar

ADVICE: Final = frozenset(
    {
        *("comment-in-text", "unknown-key", "unknown-member", "unknown-pick", "unused-params"),
        *("prompt-length", "fit-too-long", "fixed-seed", "base-price", "ratio-mismatch", "frame-beyond"),
        *("no-references", "too-many-references", "reference-kind", "reference-type", "reference-size"),
        *("unknown-anchor", "missing-film-file", "not-a-file", "outside", "unreadable"),
    }
)
"""The codes of advice, also of what is advice at times and an error at others, apart from those of models' tables."""


def quiet_codes(node: Node | None, catalog: Catalog, findings: Findings) -> frozenset[str]:
    """The codes of a well-shaped ``quiet``; what is no code of advice is a problem."""
    found: set[str] = set()
    for item, where in elements(node, "quiet") if node is not None else ():
        assert isinstance(item, Scalar)
        code = item.text
        known = ADVICE if code in ADVICE else ADVICE | _of_tables(catalog)
        if code in known:
            found.add(code)
        elif any(code in group for group in GROUPS.values()):
            message = f"'{code}' is an error: only advice can be silenced"
            findings.error(item, where, message, "quiet")
        else:
            hint = did_you_mean(code, known)
            findings.error(item, where, f"there is no advice '{shortened(code)}'{hint}", "quiet")
    return frozenset(found)


def heard(problems: Iterable[Problem], quiet: Collection[str]) -> list[Problem]:
    """Problems without the advice that is silenced."""
    return [one for one in problems if one.severity is Severity.ERROR or one.code not in quiet]


def _of_tables(catalog: Catalog) -> frozenset[str]:
    return frozenset(row.code for table in catalog.all() for row in table.advice)
