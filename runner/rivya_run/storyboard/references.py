"""The rules for references: what a model takes, what their files are, and shots that feed shots in no circle.

Facts about the files are gathered by somebody else and handed in.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from rivya_run.errors import Problem
from rivya_run.json_types import Json
from rivya_run.models.catalog import Catalog
from rivya_run.models.table import ModelTable
from rivya_run.storyboard.model import (
    BoardReference,
    FileFacts,
    FileReference,
    FileTrouble,
    Fit,
    Reference,
    Shot,
    ShotReference,
    Storyboard,
    UrlReference,
)
from rivya_run.storyboard.problems import Findings, HasPosition
from rivya_run.storyboard.ratios import advise_on_ratio, asked_ratio
from rivya_run.storyboard.sources import Sources
from rivya_run.suggest import did_you_mean
from rivya_run.text import counted, shortened


def check_policy(
    references: Sequence[Reference], table: ModelTable, where: str, at: HasPosition, findings: Findings
) -> None:
    """Count and kinds of a shot's references against the model's table, as far as no file is needed.

    What an incomplete table says may have gone unread in part, so it only makes advice.
    """
    say = findings.error if table.complete else findings.advice
    if not references:
        if table.requires_files:
            findings.error(at, where, f"{table.id} needs a reference", "missing-reference")
        return
    policy = table.references
    if policy is None:
        if table.complete:
            first = references[0]
            findings.error(first, first.where, f"{table.id} takes no references", "no-references")
        return
    if len(references) > policy.max_files:
        beyond = references[policy.max_files]
        message = f"{len(references)} references; {table.id} takes at most {policy.max_files}"
        say(beyond, beyond.where, message, "too-many-references")
    for reference in references:
        if isinstance(reference, UrlReference):
            check_kind(reference, reference.kind, reference.mime_type, table, findings)


def check_kind(
    reference: Reference, kind: str, mime_type: str | None, table: ModelTable, findings: Findings
) -> None:
    """Kind and, where it is known, MIME type of one reference against the model's table."""
    policy = table.references
    if policy is None:
        return
    say = findings.error if table.complete else findings.advice
    if kind not in policy.kinds:
        takes = " and ".join(policy.kinds)
        message = f"{kind} where {table.id} takes {takes} references"
        say(reference, reference.where, message, "reference-kind")
        return
    limit = next((limit for limit in policy.limits if limit.kind == kind), None)
    if mime_type is not None and limit is not None and limit.mime and mime_type not in limit.mime:
        message = f"{shortened(mime_type)} where {table.id} takes {', '.join(limit.mime)}"
        say(reference, reference.where, message, "reference-type")


_MB = 1024 * 1024


def judge_references(
    storyboard: Storyboard,
    catalog: Catalog,
    facts: Mapping[str, FileFacts | FileTrouble],
    sources: Sources,
) -> list[Problem]:
    """Problems of reference files, in file order: trouble with the file itself, its kind, type and size.

    ``facts`` is by path as written (``FileReference.path``). Count, and kinds of URLs and of other shots'
    results, are judged where the storyboard is read. An incomplete table only makes advice.
    """
    findings = Findings(sources)
    for shot in storyboard.shots:
        table = catalog.get(shot.model)
        for reference in shot.references:
            if not isinstance(reference, FileReference):
                continue
            found = facts.get(reference.path)
            if isinstance(found, FileTrouble):
                findings.error(reference, reference.where, found.message, found.code)
            elif found is not None and table is not None:
                _judge_file(reference, found, table, findings)
                if found.size is not None:
                    wide, high = found.size
                    advise_on_ratio(reference, f"{wide}x{high}", wide / high, shot, table, findings)
    return list(findings.in_file_order())


def _judge_file(reference: FileReference, facts: FileFacts, table: ModelTable, findings: Findings) -> None:
    if reference.frame is not None:
        if facts.kind != "video":
            message = f"a frame of '{shortened(reference.path)}', which is not a video"
            findings.error(reference, f"{reference.where}.frame", message, "frame")
            return
        facts = replace(facts, kind="image", mime_type="image/png", bytes=0)
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
        return "reference-type", f"'{name}' is not an image, video or audio file, whatever its name says"
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


class Linked:
    """A shot with the kind of what it gives and the table of its model, None where they are unknown.

    ``chosen`` is what was written of ``pick`` and ``approved``, which may be mappings from the ids of what is made.
    """

    __slots__ = ("chosen", "kind", "shot", "table")

    def __init__(
        self,
        shot: Shot,
        kind: str | None,
        table: ModelTable | None,
        chosen: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        self.shot = shot
        self.kind = kind
        self.table = table
        self.chosen = chosen


def with_own_files(shots: Mapping[str, Linked]) -> tuple[Shot, ...]:
    """The shots in order; a reference to a shot that is a file is one to this file, and counts as one."""
    return tuple(_with_own_files(linked.shot, shots) for linked in shots.values())


def _with_own_files(shot: Shot, shots: Mapping[str, Linked]) -> Shot:
    meant = tuple(_file_meant(reference, shots) for reference in shot.references)
    return shot if meant == shot.references else replace(shot, references=meant)


def _file_meant(reference: Reference, shots: Mapping[str, Linked]) -> Reference:
    parent = shots.get(reference.shot) if isinstance(reference, ShotReference) else None
    if parent is None or parent.shot.file is None or not isinstance(reference, ShotReference):
        return reference
    place = reference.line, reference.column, reference.where
    return FileReference(parent.shot.file, *place, shot=reference.shot, frame=reference.frame)


def check_links(shots: Mapping[str, Linked], findings: Findings) -> None:
    """Check every reference to a shot; ``shots`` holds all of them by id, in file order."""
    for child in shots.values():
        for reference in child.shot.references:
            if isinstance(reference, ShotReference):
                _check_link(reference, child.shot, child.table, shots, findings)
    _circles([linked.shot for linked in shots.values()], findings)


def _check_link(
    reference: ShotReference,
    child: Shot,
    table: ModelTable | None,
    shots: Mapping[str, Linked],
    findings: Findings,
) -> None:
    at = f"{reference.where}.shot"
    if reference.shot == child.id:
        findings.error(reference, at, f"'{child.id}' refers to itself", "circle")
        return
    linked = shots.get(reference.shot)
    if linked is None:
        hint = did_you_mean(reference.shot, [name for name in shots if name != child.id])
        message = f"unknown shot '{shortened(reference.shot)}'{hint}"
        findings.error(reference, at, message, "unknown-shot", subject="")
        return
    check_parent(reference, linked, child, table, findings)


def check_parent(
    reference: ShotReference | BoardReference,
    linked: Linked,
    child: Shot,
    table: ModelTable | None,
    findings: Findings,
) -> None:
    """Check a reference of a shot against the one that it means; ``table`` is that of the model it is for."""
    parent = linked.shot
    if reference.take is not None and parent.file is not None:
        message = f"'{parent.id}' is a file of your own and has no takes"
        findings.error(reference, f"{reference.where}.take", message, "own-file")
    elif reference.take is not None and reference.take > parent.takes and parent.approved is None:
        message = f"take {reference.take} of '{parent.id}', which has {counted(parent.takes, 'take')}"
        findings.error(reference, f"{reference.where}.take", message, "range")
    elif (
        reference.take is not None and parent.approved is not None and parent.approved.take != reference.take
    ):
        message = f"take {reference.take} of '{parent.id}', whose approved take is {parent.approved}"
        findings.error(reference, f"{reference.where}.take", message, "approved")
    kind = linked.kind
    if kind is None:
        return
    if reference.frame is not None:
        if kind != "video":
            message = f"a frame of '{parent.id}', which is {a_kind(kind)}, not a video"
            findings.error(reference, f"{reference.where}.frame", message, "frame")
            return
        kind = "image"
        _check_seconds(reference, parent, findings)
    if table is not None:
        check_kind(reference, kind, None, table, findings)
        asked = asked_ratio(parent.params)
        if asked is not None:
            advise_on_ratio(reference, *asked, child, table, findings)


def check_of_another(
    reference: BoardReference,
    child: Shot,
    shots: Mapping[str, Linked],
    table: ModelTable | None,
    findings: Findings,
) -> None:
    """Check a shot's reference to one of another storyboard; ``shots`` holds what is made there, by id."""
    linked = shots.get(reference.shot)
    if linked is None:
        hint = did_you_mean(reference.shot, list(shots))
        if made := [name for name, one in shots.items() if one.shot.family == reference.shot]:
            hint = f": its versions make {', '.join(made)} of it"
        message = f"'{shortened(reference.storyboard)}' has no shot '{shortened(reference.shot)}'{hint}"
        findings.error(reference, f"{reference.where}.shot", message, "unknown-shot", subject="")
    elif linked.shot.file is not None:
        folder = posixpath.dirname(reference.storyboard)
        path = shortened(posixpath.normpath(posixpath.join(folder, linked.shot.file)))
        message = f"'{linked.shot.id}' is a file of your own there: name the file itself, '{path}'"
        findings.error(reference, f"{reference.where}.shot", message, "own-file")
    else:
        check_parent(reference, linked, child, table, findings)


def _check_seconds(reference: ShotReference | BoardReference, parent: Shot, findings: Findings) -> None:
    length = _number(parent.params.get("duration"))
    if isinstance(reference.frame, float) and length is not None and reference.frame >= length:
        message = f"frame at {reference.frame:g} s, but '{parent.id}' asks for {length:g} seconds"
        findings.advice(reference, f"{reference.where}.frame", message, "frame-beyond")


def _number(value: Json) -> float | None:
    try:
        return float(value) if isinstance(value, int | float | str) else None
    except ValueError:
        return None


def a_kind(kind: str) -> str:
    """``an image``, ``a video``."""
    return f"an {kind}" if kind[:1] in "aeiou" else f"a {kind}"


def _circles(shots: Sequence[Shot], findings: Findings) -> None:
    """Each circle once, said at its first shot's reference; depth first without recursion."""
    by_id = {shot.id: shot for shot in shots}
    done: set[str] = set()
    for root in shots:
        if root.id in done:
            continue
        way = {root.id}
        stack = [(root, iter(_parents(root, by_id)))]
        while stack:
            shot, parents = stack[-1]
            reference = next(parents, None)
            if reference is None:
                stack.pop()
                way.discard(shot.id)
                done.add(shot.id)
            elif reference.shot in way:
                names = [step.id for step, _ in stack]
                _tell_circle(names[names.index(reference.shot) :], by_id, findings)
            elif reference.shot not in done:
                parent = by_id[reference.shot]
                way.add(parent.id)
                stack.append((parent, iter(_parents(parent, by_id))))


def _parents(shot: Shot, by_id: Mapping[str, Shot]) -> list[ShotReference | Fit]:
    waits_for: list[ShotReference | Fit] = [one for one in shot.references if isinstance(one, ShotReference)]
    waits_for += shot.fits.values()
    return [one for one in waits_for if one.shot != shot.id and one.shot in by_id]


def _tell_circle(names: list[str], by_id: Mapping[str, Shot], findings: Findings) -> None:
    order = {name: place for place, name in enumerate(by_id)}
    first = names.index(min(names, key=order.__getitem__))
    ring = [*names[first:], *names[:first]]
    reference = next(found for found in _parents(by_id[ring[0]], by_id) if found.shot == ring[1])
    message = f"a circle of references: {' -> '.join([*ring, ring[0]])}"
    where = reference.where if isinstance(reference, Fit) else f"{reference.where}.shot"
    findings.error(reference, where, message, "circle")
