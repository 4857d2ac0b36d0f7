"""Reference files against the models' tables, from facts that somebody else gathered."""

from __future__ import annotations

from collections.abc import Mapping

from rivya_run.models.catalog import Catalog
from rivya_run.records.problems import Problem
from rivya_run.records.storyboard import FileFacts, FileReference, FileTrouble, Storyboard
from rivya_run.records.tables import ModelTable
from rivya_run.safetext import shortened
from rivya_run.storyboard.findings import Findings
from rivya_run.yaml12.source import Source

_MB = 1024 * 1024


def judge_references(
    storyboard: Storyboard,
    catalog: Catalog,
    facts: Mapping[str, FileFacts | FileTrouble],
    file: str,
) -> list[Problem]:
    """Problems of reference files, in file order: trouble with the file itself, its kind, type and size.

    ``facts`` is by path as written (``FileReference.path``). Count, and kinds of URLs and of other shots'
    results, are judged where the storyboard is read. An incomplete table only makes advice.
    The problems come without source lines: there is no text here to take them from.
    """
    findings = Findings(Source(file, ""))
    for shot in storyboard.shots:
        table = catalog.get(shot.model)
        for reference in shot.references:
            if not isinstance(reference, FileReference):
                continue
            found = facts.get(reference.path)
            if isinstance(found, FileTrouble):
                findings.error(reference, reference.where, found.message, found.code)
            elif found is not None and table is not None:
                _judge(reference, found, table, findings)
    return list(findings.in_file_order())


def _judge(reference: FileReference, facts: FileFacts, table: ModelTable, findings: Findings) -> None:
    trouble = file_against_table(facts, table, shortened(reference.path))
    if trouble is not None:
        code, message = trouble
        say = findings.error if table.complete or facts.kind is None else findings.advice
        say(reference, reference.where, message, code)


def file_against_table(facts: FileFacts, table: ModelTable, name: str) -> tuple[str, str] | None:
    """Why a file can't be a reference for a model: (code, message), or None where nothing speaks against it.

    Also for the output of a parent shot, once it is there.
    """
    if facts.kind is None:
        return "reference-type", f"'{name}' is no image, video or audio file, whatever its name says"
    policy = table.references
    if policy is None:
        return None
    if facts.kind not in policy.kinds:
        takes = " and ".join(policy.kinds)
        return "reference-kind", f"'{name}' is {facts.mime_type} where {table.id} takes {takes} references"
    limit = next((limit for limit in policy.limits if limit.kind == facts.kind), None)
    if limit is None:
        return None
    if limit.mime and facts.mime_type not in limit.mime:
        return "reference-type", f"'{name}' is {facts.mime_type}; {table.id} takes {', '.join(limit.mime)}"
    if facts.bytes > limit.max_mb * _MB:
        size = f"{facts.bytes / _MB:.4g} MB ({facts.bytes} bytes)"
        message = f"'{name}' is {size}; {table.id} takes {facts.kind} files up to {limit.max_mb:g} MB"
        return "reference-size", message
    return None
