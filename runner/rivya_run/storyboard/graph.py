"""Shots that feed shots: each parent is there and gives what is asked for, and nothing runs in a circle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rivya_run.json_types import Json
from rivya_run.models.table import ModelTable
from rivya_run.storyboard.model import Shot, ShotReference
from rivya_run.storyboard.problems import Findings
from rivya_run.storyboard.references import check_kind
from rivya_run.suggest import did_you_mean
from rivya_run.text import shortened


class Linked:
    """A shot with the table of its model, None where the model is unknown."""

    __slots__ = ("shot", "table")

    def __init__(self, shot: Shot, table: ModelTable | None) -> None:
        self.shot = shot
        self.table = table


def check_links(shots: Mapping[str, Linked], findings: Findings) -> None:
    """Check every reference to a shot; ``shots`` holds all of them by id, in file order."""
    for child in shots.values():
        for reference in child.shot.references:
            if isinstance(reference, ShotReference):
                _check(reference, child.shot, child.table, shots, findings)
    _circles([linked.shot for linked in shots.values()], findings)


def _check(
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
    parent = linked.shot
    if reference.take is not None and reference.take > parent.takes:
        message = f"take {reference.take} of '{parent.id}', which has {_takes(parent.takes)}"
        findings.error(reference, f"{reference.where}.take", message, "range")
    if linked.table is None:
        return
    kind = linked.table.category
    if reference.frame is not None:
        if kind != "video":
            message = f"a frame of '{parent.id}', which is {_article(kind)}, not a video"
            findings.error(reference, f"{reference.where}.frame", message, "frame")
            return
        kind = "image"
        _check_seconds(reference, parent, findings)
    if table is not None:
        check_kind(reference, kind, None, table, findings)


def _check_seconds(reference: ShotReference, parent: Shot, findings: Findings) -> None:
    length = _number(parent.params.get("duration"))
    if isinstance(reference.frame, float) and length is not None and reference.frame >= length:
        message = f"frame at {reference.frame:g} s, but '{parent.id}' asks for {length:g} seconds"
        findings.advice(reference, f"{reference.where}.frame", message, "frame-beyond")


def _number(value: Json) -> float | None:
    try:
        return float(value) if isinstance(value, int | float | str) else None
    except ValueError:
        return None


def _takes(count: int) -> str:
    return "1 take" if count == 1 else f"{count} takes"


def _article(kind: str) -> str:
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


def _parents(shot: Shot, by_id: Mapping[str, Shot]) -> list[ShotReference]:
    return [
        reference
        for reference in shot.references
        if isinstance(reference, ShotReference) and reference.shot != shot.id and reference.shot in by_id
    ]


def _tell_circle(names: list[str], by_id: Mapping[str, Shot], findings: Findings) -> None:
    order = {name: place for place, name in enumerate(by_id)}
    first = names.index(min(names, key=order.__getitem__))
    ring = [*names[first:], *names[:first]]
    reference = next(found for found in _parents(by_id[ring[0]], by_id) if found.shot == ring[1])
    message = f"a circle of references: {' -> '.join([*ring, ring[0]])}"
    findings.error(reference, f"{reference.where}.shot", message, "circle")
