"""What ``pick`` and ``approved`` choose of each shot that is made, where they may be mappings from ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rivya_run.storyboard.model import Approved, Checks
from rivya_run.storyboard.problems import Findings, below
from rivya_run.suggest import did_you_mean
from rivya_run.text import shortened
from rivya_run.yaml12.nodes import Mapping as MappingNode
from rivya_run.yaml12.nodes import Node, Scalar

CHOOSING: Final = ("pick", "approved")
"""The keys whose values are told apart by what is made of a shot."""


def chosen_of(written: Mapping[str, Any], made_id: str) -> dict[str, Any]:
    """The fields of ``Shot`` for what is written under these keys: a value that is no mapping holds for all."""
    return {
        "pick": _pick_of(written.get("pick"), made_id),
        "approved": _approved_of(written.get("approved"), made_id),
    }


def decided(carried: dict[str, Any]) -> dict[str, Any]:
    """The fields of ``Shot`` for ``approval`` and ``checks``, taken out of ``carried``."""
    checks: Mapping[str, Sequence[str]] = carried.pop("checks", None) or {}
    return {
        "approval": carried.pop("approval", None) == "required",
        "checks": Checks(tuple(checks.get("stop", ())), tuple(checks.get("quiet", ()))),
    }


def _pick_of(given: int | Mapping[str, int] | None, made_id: str) -> int | None:
    """A number holds for all, '*' for those that aren't named."""
    if isinstance(given, Mapping):
        return given.get(made_id, given.get("*"))
    return given


def _approved_of(given: str | Mapping[str, str] | None, made_id: str) -> Approved | None:
    text = given.get(made_id) if isinstance(given, Mapping) else given
    if text is None:
        return None
    take, _, digits = text.partition("@")
    return Approved(int(take), digits.lower())


def check_choices(entries: Mapping[str, Node], where: str, made: Sequence[str], findings: Findings) -> None:
    """Check what is chosen of a shot of which these are made: one file can't be what is approved of several."""
    for key in CHOOSING:
        node = entries.get(key)
        for name in node.keys if isinstance(node, MappingNode) else ():
            if name.text not in made and not (name.text == "*" and key == "pick"):
                hint = did_you_mean(name.text, made)
                message = f"nothing of this shot is called '{shortened(name.text)}'{hint}; it is ignored"
                findings.advice(name, below(where, key), message, "unknown-pick")
    plain = entries.get("approved")
    if isinstance(plain, Scalar) and len(made) > 1:
        mapping = ", ".join(f"{name}: {plain.text}" for name in made)
        message = (
            f"this shot becomes several ({len(made)}), each with takes of its own: write a mapping with those that "
            f"are approved, 'approved: {{{shortened(mapping, 120)}}}'"
        )
        findings.error(plain, below(where, "approved"), message, "approved")
