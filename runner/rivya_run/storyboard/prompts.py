"""Step two for ``prompt``: there where the model needs it, filled in, not blank, not too long."""

from __future__ import annotations

from rivya_run.records.tables import ModelTable
from rivya_run.storyboard.findings import Findings, Spot, below
from rivya_run.storyboard.substitution import Names
from rivya_run.yaml12.nodes import Node, Scalar


def read_prompt(
    node: Node | None,
    table: ModelTable | None,
    names: Names,
    where: str,
    findings: Findings,
) -> str | None:
    """The prompt that is sent. Its length counts in Unicode code points.

    Rivya doesn't say what it counts; a prompt that only passes the limit in UTF-16 units gets an advice.
    """
    if not isinstance(node, Scalar):
        return None
    at = below(where, "prompt")
    text = names.text(node, at)
    if not text.strip():
        findings.error(node, at, "'prompt' is blank", "blank")
    limit = table.max_prompt_length if table is not None else None
    if limit is None or table is None or len(text) * 2 <= limit:
        return text
    if len(text) > limit:
        message = f"{len(text)} characters; {table.id} takes at most {limit}"
        findings.error(node, at, message, "prompt-length", subject="")
        return text
    units = len(text.encode("utf-16-le", errors="surrogatepass")) // 2
    if units > limit:
        message = (
            f"{len(text)} characters are {units} in UTF-16; if Rivya counts so, "
            f"they are more than the {limit} of {table.id}"
        )
        findings.advice(node, at, message, "prompt-length", subject="")
    return text


def check_missing(table: ModelTable, at: Spot, where: str, findings: Findings) -> None:
    """Say that a shot has no prompt where its model needs one."""
    if table.prompt_required:
        findings.error(at, where, f"'prompt' is missing; {table.id} needs one", "missing-prompt")
